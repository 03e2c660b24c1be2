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

enum HubCommands {
  /// Protocols of which only the hub's half is known.
  static let withoutDriver = ["contec-08a", "tanita-wb"]

  /// The commands of a stream that holds nothing else; nil when it is not a hub's half of this protocol.
  static func all(_ id: String, _ octets: [UInt8]) -> [HubCommand]? {
    guard let grammar = grammars[id], !octets.isEmpty else { return nil }
    var rest = octets[...]
    var commands: [HubCommand] = []
    while !rest.isEmpty {
      guard let command = grammar(rest), command.count > 0, command.count <= rest.count else { return nil }
      commands.append(command)
      rest = rest.dropFirst(command.count)
    }
    // An acknowledgement alone is either side's.
    return commands.allSatisfy { $0.name == acknowledge } ? nil : commands
  }

  private static let acknowledge = "acknowledge"

  private typealias Grammar = @Sendable (ArraySlice<UInt8>) -> HubCommand?

  private static let grammars: [String: Grammar] = [
    ContecV7Driver.id: contecV7,
    "contec-v5": fixed([([0xF6, 0xF6, 0xF6], "reset to live streaming"), ([0xF5, 0xF5], "send stored")]),
    "contec-08a": fixed([
      ([0x40, 0x8F, 0xFF, 0xFE, 0xFD, 0xFC], "probe"), ([0x42, 0x8F, 0xFF, 0xFE, 0xFD, 0xFC], "handshake"),
      ([0x43, 0x42, 0x01, 0x07, 0x05, 0x00], "request BP records"),
    ]),
    NoninSpotCheckLine.id: nonin, NoninEightLine.id: nonin, NoninTwoLine.id: nonin, NoninSevenLine.id: nonin,
    "taidoc": taiDoc,
    AndUA767Line.id: andUA767,
    AndTM265xLine.id: andTM265x,
    SunTechLine.id: sunTech,
    BeurerSerialLine.id: beurer,
    MTSICSLine.id: words(["S", "SI", "SIR", "SR", "I0", "I1", "I2", "I3", "I4", "I5", "Z", "ZI", "T", "TI", "TA", "@"]),
    AndScaleLine.id: words(["Q"]),
    KernLine.id: fixed([([0x77], "weight now"), ([0x73], "stable weight"), ([0x74], "tare")]),
    Toledo8217Line.id: fixed([(Array("Ehello".utf8), "echo"), ([0x46], "end of echo"), ([0x57], "weight")]),
    "tanita-wb": { octets in words(["DR"])(octets).map { HubCommand(count: $0.count, name: "read") } },
  ]

  /// Commands that are always the same octets; none is the beginning of another.
  private static func fixed(_ table: [([UInt8], String)]) -> Grammar {
    { octets in
      table.first { octets.starts(with: $0.0) }.map { HubCommand(count: $0.0.count, name: $0.1) }
    }
  }

  /// Commands that are a word on a line of its own.
  private static func words(_ table: [String]) -> Grammar {
    { octets in
      let line = octets.prefix { !TextFraming.isEnd($0) }
      let ends = octets.dropFirst(line.count).prefix { TextFraming.isEnd($0) }
      guard !ends.isEmpty else { return nil }
      return table.first { line.elementsEqual($0.utf8) }.map {
        HubCommand(count: line.count + ends.count, name: $0)
      }
    }
  }

  private static func number(_ name: String, _ octet: UInt8) -> NamedValue { NamedValue(name, .integer(Int64(octet))) }
  private static func hex(_ name: String, _ octet: UInt8) -> NamedValue { NamedValue(name, .text(Hex.encode([octet]))) }

  // MARK: - Commands with arguments

  private static let contecV7Names: [UInt8: String] = [
    0xA0: "A0 (sent at the beginning)", 0xA1: "start live", 0xA2: "stop live", 0xA3: "segment count",
    0xA4: "data length", 0xA5: "start date/time", 0xA6: "read stored", 0xA7: "stop stored", 0xA8: "model",
    0xA9: "vendor", 0xAA: "device id", 0xAB: "user info", 0xAC: "PI support", 0xAD: "user count", 0xAE: "delete",
    0xAF: "keepalive", 0xB0: "stored-data notice", 0xB1: "set time", 0xB2: "set date", 0xB6: "stored identifiers",
  ]

  /// Nine octets, bit 7 of the arguments in the second.
  private static func contecV7(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(9))
    guard frame.count == 9, frame[0] == 0x7D, frame[1...].allSatisfy({ $0 & 0x80 != 0 }) else { return nil }
    return HubCommand(count: 9, name: contecV7Names[frame[2]] ?? "unknown", values: [hex("code", frame[2])])
  }

  /// STX, command, length, arguments, ETX; a single ACK acknowledges a stored reading.
  private static func nonin(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(10))
    if frame[0] == 0x06 { return HubCommand(count: 1, name: acknowledge) }
    guard frame.count >= 4, frame[0] == 0x02 else { return nil }
    let count = Int(frame[2]) + 4
    guard count <= frame.count, frame[count - 1] == 0x03 else { return nil }
    switch (frame[1], frame[2]) {
    case (0x70, 2) where frame[3] == 0x02:
      return HubCommand(count: count, name: "select data format \(frame[4])")
    case (0x70, 4) where frame[3] == 0x02 && frame[6] == Checksum.sum8(frame[1...5]):
      return HubCommand(
        count: count, name: "select data format \(frame[4])",
        values: [hex("options", frame[5]), number("checksum", frame[6])])
    case (0x72, 0): return HubCommand(count: count, name: "get time")
    case (0x72, 6): return HubCommand(count: count, name: "set time")
    default: return nil
    }
  }

  private static let taiDocNames: [UInt8: String] = [
    0x23: "clock", 0x24: "model", 0x25: "record part A (time)", 0x26: "record part B (value)",
    0x27: "serial number, low part",
    0x28: "serial number, high part", 0x2B: "number of records", 0x43: "start BP measurement",
    0x49: "SpO2", 0x50: "turn off", 0x52: "clear memory", 0x54: "enter communication / wake",
  ]

  /// Eight octets that end in A3 and their sum.
  private static func taiDoc(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(8))
    guard frame.count == 8, frame[6] == 0xA3, (try? TaiDocProtocol.check(frame)) != nil else { return nil }
    return HubCommand(count: 8, name: taiDocNames[frame[1]] ?? "unknown", values: [hex("code", frame[1])])
  }

  /// STX, `CPC0`, a digit and the sum of the five; or the answers ACK and NAK, which both sides send.
  private static func andUA767(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(7))
    guard frame.count == 7, frame[0] == 0x02, frame[1...4].elementsEqual("CPC0".utf8),
      frame[6] == Checksum.sum8(frame[1...5])
    else { return nil }
    switch frame[5] {
    case 0x35: return HubCommand(count: 7, name: "open communication", values: [number("checksum", frame[6])])
    case 0x34: return HubCommand(count: 7, name: "close communication", values: [number("checksum", frame[6])])
    default: return nil
    }
  }

  private static let andTM265xNames = [
    "ST": "start", "SP": "stop", "RB": "read last result", "RP": "pulse-wave list", "RE": "RE (connection check)",
    "RC": "RC",
  ]

  /// A frame whose text is a command of two letters.
  private static func andTM265x(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    guard case .frame(let count) = AndTM265xLine.step(octets) else { return nil }
    let frame = Array(octets.prefix(count))
    let fields = AndTM265xLine.fields(frame)
    guard fields.count == 1, let name = andTM265xNames[fields[0]], let sum = frame.last else { return nil }
    return HubCommand(count: count, name: name, values: [number("bcc", sum)])
  }

  /// 3A, a command with its arguments, and what makes the sum zero.
  private static func sunTech(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(6))
    func command(_ count: Int, _ name: String) -> HubCommand? {
      guard frame.count >= count, Checksum.sum8(frame.prefix(count)) == 0 else { return nil }
      return HubCommand(count: count, name: name)
    }
    guard frame.count >= 3, frame[0] == 0x3A else { return nil }
    switch (frame[1], frame[2]) {
    case (0x20, _): return command(3, "start BP measurement")
    case (0x79, 0x05): return command(5, "get cuff pressure")
    case (0x79, 0x03): return command(5, "get result")
    // What each valve does; 00 01 01 closes all.
    case (0x0C, 0x00) where frame.starts(with: [0x3A, 0x0C, 0x00, 0x01, 0x01]):
      return command(6, "control pneumatics, all closed")
    case (0x0C, _): return command(6, "control pneumatics")
    default: return nil
    }
  }

  private static func beurer(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(2))
    switch frame[0] {
    case 0xAA: return HubCommand(count: 1, name: "ping (1 byte)")
    case 0xA4: return HubCommand(count: 1, name: "device description (32 bytes)")
    case 0xA2: return HubCommand(count: 1, name: "record count (1 byte)")
    case 0xA3 where frame.count == 2:
      return HubCommand(
        count: 2, name: "record (9 bytes)", values: [number("index", frame[1])])
    default: return nil
    }
  }
}
