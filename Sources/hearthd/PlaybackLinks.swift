// Recorded sessions as devices, until the kernel's Bluetooth takes their place: the same PDUs, from a file.

import Drivers
import GatewayCore
import Octets
import Platform
import Playback
import Zones

/// The recorded devices.
final class PlaybackLinks: DeviceLinks {
  private var devices: [String: PlaybackDevice] = [:]
  private var connected: Set<String> = []
  private let emit: (Event) -> Void
  /// The 7 octets of a device's local time, for stamps that a demonstration needs to be of today.
  private let localTime: () -> [UInt8]

  init(localTime: @escaping () -> [UInt8], _ emit: @escaping (Event) -> Void) {
    self.localTime = localTime
    self.emit = emit
  }

  /// When `advance` wants to be called next, monotonic milliseconds.
  var nextTime: Int64? { devices.values.compactMap(\.nextTime).min() }

  func open(_ device: String, _ path: String) {
    let now = Clocks.monotonic()
    guard let text = SmallFile.read(path, atMost: 4 << 20) else {
      return emit(
        .linkClosed(
          device: device,
          LinkEnd(
            code: "open-failed", message: SystemError.last("open", path: path).message,
            hint: "check the path of the recording")))
    }
    do throws(CaptureError) {
      let capture = try CaptureFile(String(decoding: text, as: UTF8.self))
      devices[device] = PlaybackDevice(capture, at: now)
      if capture.transport == .serial {
        devices[device]?.connect(at: now)
        emit(.linkOpened(device: device))
      }
    } catch {
      emit(
        .linkClosed(
          device: device,
          LinkEnd(
            code: "open-failed", message: "\(path):\(error.line): \(error.message)", hint: "it is no recorded session"))
      )
    }
  }

  func has(_ device: String) -> Bool { devices[device] != nil }

  func connect(_ device: String) {
    guard has(device) else { return }
    devices[device]?.connect(at: Clocks.monotonic())
    connected.insert(device)
    emit(.linkOpened(device: device))
  }

  func send(_ device: String, _ pdu: [UInt8]) {
    guard connected.contains(device) else { return }
    carryOut(device, devices[device]?.received(pdu, at: Clocks.monotonic(), localTime: localTime()) ?? [])
  }

  func close(_ device: String) {
    guard connected.remove(device) != nil else { return }
    devices[device]?.disconnected(at: Clocks.monotonic())
    emit(.linkClosed(device: device, LinkEnd(code: "ended", message: "the link was closed")))
  }

  func advance(to now: Int64) {
    let time = localTime()
    for device in devices.keys.sorted() {
      guard let next = devices[device]?.nextTime, next <= now else { continue }
      carryOut(device, devices[device]?.advance(to: now, localTime: time) ?? [])
    }
  }

  func remove(_ device: String) {
    devices[device] = nil
    connected.remove(device)
  }

  private func carryOut(_ device: String, _ outputs: [PlaybackOutput]) {
    for output in outputs {
      switch output {
      case .inRange: emit(.deviceInRange(device: device))
      case .advertise(let service, let octets):
        emit(.advertised(device: device, AdvertisedData(service: BluetoothUUID(service), octets: octets)))
      case .advertiseCompany(let company, let octets):
        emit(.advertised(device: device, AdvertisedData(company: company, octets: octets)))
      case .send(let octets): emit(.linkReceived(device: device, octets))
      case .disconnect:
        connected.remove(device)
        emit(.linkClosed(device: device, LinkEnd(code: "peer", message: "the device ended the link")))
      case .ended: break
      }
    }
  }
}
