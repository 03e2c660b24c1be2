// The hub's half of a recorded line in words.

import JSON
import Octets
import Readings
import Testing

@testable import Drivers

@Suite struct HubCommandTests {
  static let vectors = SerialVector.all.filter { !$0.isFromDevice }

  @Test func thereAreVectors() { #expect(HubCommandTests.vectors.count == 36) }

  @Test(arguments: vectors) func saysWhatItsSourceSays(_ vector: SerialVector) throws {
    let decoded = try vector.decoded()
    if vector.expected["bccExpected"] != nil {
      // A public driver that sends a wrong check value.
      #expect(decoded.problems.map(\.code) == ["checksum"] && !SerialDecoding.holdsFrames(decoded))
      return
    }
    #expect(decoded.problems.isEmpty && decoded.readings.isEmpty && SerialDecoding.holdsFrames(decoded))
    for member in vector.expected.object?.members ?? [] {
      #expect(agrees(decoded.values.first { $0.name == member.key }?.value, member.value), "\(member.key)")
    }
  }

  /// Whatever this program may ask a stranger is known by name, and none of it starts, stops or erases anything.
  @Test(arguments: SerialFamily.all.filter { $0.query != nil }.map(\.id)) func whatIsAskedHasAName(
    _ id: String
  ) throws {
    let query = try #require(SerialFamily.of(id)?.query)
    let commands = try #require(HubCommands.all(id, query.questions.flatMap { $0 }), "\(id)")
    #expect(commands.count == query.questions.count)
    for name in commands.map(\.name) {
      #expect(name != "unknown")
      #expect(!["start BP measurement", "clear memory", "delete", "tare", "T", "Z", "@"].contains(name))
    }
  }

  @Test func aCutDamagedOrMixedHalfIsNone() {
    let erase = ContecV7Driver.command(0xAE, [0, 0x7F])
    #expect(HubCommands.all("contec-v7", erase)?.map(\.name) == ["delete"])
    for count in 1..<erase.count { #expect(HubCommands.all("contec-v7", Array(erase.prefix(count))) == nil) }
    #expect(HubCommands.all("contec-v7", erase + [0x01]) == nil)
    var request = TaiDocProtocol.request(0x25, index: 3)
    #expect(HubCommands.all("taidoc", request + request)?.count == 2)
    request[7] ^= 1
    #expect(HubCommands.all("taidoc", request) == nil)
    #expect(HubCommands.all("taidoc", []) == nil)
    #expect(HubCommands.all("nonin-13", [0x02, 0x70, 0xFF]) == nil)
  }

  @Test func theSeventhFormatOfA3150HasItsCheckValue() throws {
    let octets: [UInt8] = [0x02, 0x70, 0x04, 0x02, 0x07, 0x41, 0xBE, 0x03]
    let command = try #require(HubCommands.all("nonin-7", octets)?.first)
    #expect(command.name == "select data format 7" && command.count == 8)
    #expect(command.values.contains(NamedValue("checksum", .integer(0xBE))))
  }

  @Test func whatADeviceSaysIsNoCommand() {
    for vector in SerialVector.decodable {
      #expect(HubCommands.all(vector.protocolID, vector.octets) == nil, "\(vector.id)")
    }
  }
}
