// The requests that the client makes, and their PDUs (Bluetooth Core 5.4, volume 3 part F, 3.4; part G, 4).

internal import Octets

/// One step of the client's work: at most one waits for its answer at any time.
enum GATTRequest: Hashable {
  case exchangeMTU
  /// Database Hash, by its UUID: its handle is not to be trusted before the answer is known.
  case hash
  case services(from: UInt16)
  case characteristics(service: Int, from: UInt16)
  case descriptors(characteristic: Int, from: UInt16)
  /// The client's own subscription to Service Changed.
  case serviceChanged(GATTCharacteristic)
  case read(GATTCharacteristic, soFar: [UInt8])
  case write(GATTCharacteristic, [UInt8])
  case prepare(GATTCharacteristic, [UInt8], offset: Int)
  case execute(GATTCharacteristic)
  /// Takes back what was prepared; the error is told afterwards.
  case cancel(GATTCharacteristic, UInt8)
  case writeCommand(GATTCharacteristic, [UInt8])
  case subscribe(GATTCharacteristic, UInt16)
  /// A request that was sent, and whose answer nobody wants any more.
  case forgotten
  /// Takes back what was prepared before the database changed.
  case forget

  /// True while parts of a long value stand in the device's queue.
  var hasPrepared: Bool {
    switch self {
    case .prepare, .execute, .cancel: true
    default: false
    }
  }
}

extension GATTClient {
  /// The PDU of a request; empty for what is never sent.
  func pdu(_ request: GATTRequest) -> [UInt8] {
    switch request {
    case .exchangeMTU: ATTPDU.exchangeMTU(GATTClient.largestMTU)
    case .hash: ATTPDU.readByType(ATTOpcode.readByTypeRequest, from: 1, to: 0xFFFF, GATTDatabase.hashUUID)
    case .services(let from):
      ATTPDU.readByType(ATTOpcode.readByGroupTypeRequest, from: from, to: 0xFFFF, BluetoothUUID(0x2800))
    case .characteristics(let service, let from):
      ATTPDU.readByType(ATTOpcode.readByTypeRequest, from: from, to: services[service].last, BluetoothUUID(0x2803))
    case .descriptors(let index, let from):
      ATTPDU.findInformation(from: from, to: database.characteristics[index].endHandle)
    case .read(let characteristic, let soFar):
      soFar.isEmpty
        ? ATTPDU.read(characteristic.valueHandle)
        : ATTPDU.readBlob(characteristic.valueHandle, offset: UInt16(clamping: soFar.count))
    case .write(let characteristic, let value):
      ATTPDU.write(characteristic.valueHandle, value, withResponse: true)
    case .writeCommand(let characteristic, let value):
      ATTPDU.write(characteristic.valueHandle, value, withResponse: false)
    case .prepare(let characteristic, let value, let offset):
      ATTPDU.prepareWrite(
        characteristic.valueHandle, offset: UInt16(clamping: offset), value.dropFirst(offset).prefix(mtu - 5))
    case .execute: ATTPDU.executeWrite(commit: true)
    case .cancel, .forget: ATTPDU.executeWrite(commit: false)
    case .subscribe(let characteristic, let bits):
      ATTPDU.write(characteristic.configurationHandle ?? 0, [UInt8(truncatingIfNeeded: bits), 0], withResponse: true)
    case .serviceChanged(let characteristic):
      ATTPDU.write(characteristic.configurationHandle ?? 0, [2, 0], withResponse: true)
    case .forgotten: []
    }
  }
}
