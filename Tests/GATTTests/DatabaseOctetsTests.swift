// What is kept of a device's attributes from link to link.

import GATT
import Octets
import Testing

struct DatabaseOctetsTests {
  private static let long = BluetoothUUID(high: 0x46A9_70E0_0D5F_11E2, low: 0x8B5E_0002_A5D5_C51B)
  private static let database = GATTDatabase(
    characteristics: [
      GATTCharacteristic(
        service: BluetoothUUID(0x1810), uuid: BluetoothUUID(0x2A35), properties: 0x20, valueHandle: 3, endHandle: 4,
        configurationHandle: 4),
      GATTCharacteristic(service: long, uuid: long, properties: 0x08, valueHandle: 0x0102, endHandle: 0xFFFF),
    ], hash: Array(1...16))

  @Test func whatIsKeptComesBack() throws {
    for database in [DatabaseOctetsTests.database, GATTDatabase(), BondedCuff.cache()] {
      #expect(try GATTDatabase(decoding: database.octets) == database)
    }
    #expect(DatabaseOctetsTests.database.octets.count == 1 + 1 + 16 + 2 + 2 * 39)
  }

  @Test func everyPrefixIsRefused() {
    let octets = DatabaseOctetsTests.database.octets
    for count in octets.indices {
      #expect(throws: DecodeError.self) { try GATTDatabase(decoding: Array(octets.prefix(count))) }
    }
  }

  @Test func everyChangeIsRefusedOrGivesHandlesInOrder() {
    let octets = DatabaseOctetsTests.database.octets
    for place in octets.indices {
      for octet in UInt8.min...UInt8.max {
        var damaged = octets
        damaged[place] = octet
        guard let database = try? GATTDatabase(decoding: damaged) else { continue }
        let handles = database.characteristics.map(\.valueHandle)
        #expect(handles == handles.sorted())
        #expect(database.characteristics.allSatisfy { $0.valueHandle <= $0.endHandle })
      }
    }
  }

  @Test func otherVersionsAreNoCache() {
    #expect(throws: DecodeError.self) { try GATTDatabase(decoding: [2, 0, 0, 0]) }
    #expect(throws: DecodeError.self) { try GATTDatabase(decoding: [1, 1, 0, 0, 0]) }
    #expect(throws: DecodeError.self) { try GATTDatabase(decoding: [1, 0, 1, 2]) }
  }
}
