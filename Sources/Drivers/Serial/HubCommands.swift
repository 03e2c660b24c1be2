// The other half of a recorded line: what a hub says to a device. For `decode serial` alone, so that a support engineer who has the
// hub's side of a conversation, of this program or of the maker's, reads it in words. Nothing here is ever sent; some of it starts
// an inflation or erases a memory. Sources: those of the drivers of the same ids; contec-08a and tanita-wb have no driver, because
// only a hub's half (a vendor's app, a maker's manual) could be read.

internal import Octets
internal import Readings

/// One command as it stands on the line.
struct HubCommand: Sendable, Hashable {
  /// How many octets it has, at least one.
  var count: Int
  /// What it asks for, in words.
  var name: String
  /// Check value and arguments, where it has some.
  var values: [NamedValue] = []

  var decoded: [NamedValue] { [NamedValue("command", .text(name))] + values }
}

extension NamedValue {
  /// An octet as a number.
  static func number(_ name: String, _ octet: UInt8) -> NamedValue { NamedValue(name, .integer(Int64(octet))) }
  /// An octet in hexadecimal.
  static func hex(_ name: String, _ octet: UInt8) -> NamedValue { NamedValue(name, .text(Hex.encode([octet]))) }
}

enum HubCommands {
  /// The command at the beginning of octets, of which there is at least one; nil when it is none.
  typealias Grammar = @Sendable (ArraySlice<UInt8>) -> HubCommand?

  /// An acknowledgement is either side's.
  static let acknowledge = "acknowledge"

  /// Protocols of which only the hub's half is known.
  private static let withoutFamily: [(id: String, commands: Grammar)] = [
    (
      "contec-08a",
      fixed([
        ([0x40, 0x8F, 0xFF, 0xFE, 0xFD, 0xFC], "probe"), ([0x42, 0x8F, 0xFF, 0xFE, 0xFD, 0xFC], "handshake"),
        ([0x43, 0x42, 0x01, 0x07, 0x05, 0x00], "request BP records"),
      ])
    ),
    ("tanita-wb", { octets in words(["DR"])(octets).map { HubCommand(count: $0.count, name: "read") } }),
  ]

  /// Their ids.
  static let withoutDriver = withoutFamily.map(\.id)

  /// The commands of a stream that holds nothing else; nil when it is not a hub's half of this protocol.
  static func all(_ id: String, _ octets: [UInt8]) -> [HubCommand]? {
    let known = SerialFamily.of(id)?.commands ?? withoutFamily.first { $0.id == id }?.commands
    guard let grammar = known, !octets.isEmpty else { return nil }
    var rest = octets[...]
    var commands: [HubCommand] = []
    while !rest.isEmpty {
      guard let command = grammar(rest), command.count > 0, command.count <= rest.count else { return nil }
      commands.append(command)
      rest = rest.dropFirst(command.count)
    }
    return commands.allSatisfy { $0.name == acknowledge } ? nil : commands
  }

  /// Commands that are always the same octets; none is the beginning of another.
  static func fixed(_ table: [([UInt8], String)]) -> Grammar {
    { octets in
      table.first { octets.starts(with: $0.0) }.map { HubCommand(count: $0.0.count, name: $0.1) }
    }
  }

  /// Commands that are a word on a line of its own.
  static func words(_ table: [String]) -> Grammar {
    { octets in
      let line = octets.prefix { !TextFraming.isEnd($0) }
      let ends = octets.dropFirst(line.count).prefix { TextFraming.isEnd($0) }
      guard !ends.isEmpty else { return nil }
      return table.first { line.elementsEqual($0.utf8) }.map {
        HubCommand(count: line.count + ends.count, name: $0)
      }
    }
  }
}
