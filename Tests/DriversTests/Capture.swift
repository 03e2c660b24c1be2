// Replays a recorded session against a driver: what the driver makes of it, what it sends, and when. The format is that of
// Captures/README.md; playback in the daemon reads the same files.

import Drivers
import Foundation
import Octets
import Readings
import Testing

/// A recorded session.
struct Capture: Sendable, CustomTestStringConvertible {
  struct Fault: Error {
    var line: Int
    var message: String
  }

  struct Item: Sendable {
    var at: Int64
    /// Empty for a serial line.
    var source: String
    var octets: [UInt8]
    /// What a technician asks for at that moment, instead of octets.
    var request: DriverRequest?
  }

  let name: String
  private(set) var headers: [String: String] = [:]
  private(set) var characteristics: [(id: CharacteristicID, properties: UInt8, value: [UInt8])] = []
  private(set) var items: [Item] = []
  /// What the hub is to send, in order.
  private(set) var sent: [String] = []
  /// What the driver is to make of it.
  let expected: [String]

  var testDescription: String { name }

  init(name: String, text: String, expected: String) throws {
    self.name = name
    self.expected = expected.split(separator: "\n").map(String.init)
    var time: Int64 = 0
    var requests: [Item] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let rest = line.dropFirst().trimmingCharacters(in: .whitespaces)
      func need<T>(_ value: T?, _ what: String) throws -> T {
        guard let value else { throw Fault(line: index + 1, message: "expected \(what)") }
        return value
      }
      switch line.first {
      case "#":
        guard let colon = rest.firstIndex(of: ":") else { continue }
        let value = rest[rest.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        if rest[..<colon] == "request" {
          let parts = value.split(separator: " ", maxSplits: 1).map(String.init)
          let request = parts.count == 2 ? Capture.request(parts[1]) : nil
          let item = Item(
            at: try need(Int64(parts.first ?? ""), "milliseconds"), source: "?", octets: [],
            request: try need(request, "a request"))
          requests.append(item)
        } else if rest[..<colon] == "characteristic" {
          characteristics.append(try need(Capture.characteristic(value), "a characteristic"))
        } else {
          headers[String(rest[..<colon])] = value
        }
      case "@": time = try need(Int64(rest), "milliseconds")
      case ">": sent.append(rest)
      case "<":
        let parts = rest.split(separator: " ", maxSplits: 1).map(String.init)
        let hasSource = parts.count == 2 && parts[0].contains("/")
        let octets = try need(Capture.octets(hasSource ? parts[1] : rest), "octets")
        items.append(Item(at: time, source: hasSource ? parts[0] : "", octets: octets))
      case nil: continue
      default: throw Fault(line: index + 1, message: "expected #, @, < or >")
      }
    }
    for request in requests {
      items.insert(request, at: items.firstIndex { $0.at > request.at } ?? items.endIndex)
    }
  }

  /// The same with other octets, or at other times; it ends so many milliseconds later.
  func with(_ items: [Item], later: Int64 = 0) -> Capture {
    var capture = self
    capture.items = items
    capture.headers["until"] = headers["until"].flatMap { Int64($0) }.map { "\($0 + later)" }
    return capture
  }

  /// Hexadecimal digits, said so many times: `60x 01e0…`.
  private static func octets(_ text: String) -> [UInt8]? {
    let parts = text.split(separator: "x", maxSplits: 1)
    if parts.count == 2 {
      guard let times = Int(parts[0]), let once = try? Hex.decode(parts[1]) else { return nil }
      return (0..<times).flatMap { _ in once }
    }
    return try? Hex.decode(text)
  }

  /// `consent 1 3752`, `register 1234`, `count`, `delete`, `abort`.
  static func request(_ text: String) -> DriverRequest? {
    let parts = text.split(separator: " ")
    let numbers = parts.dropFirst().compactMap { UInt16($0) }
    switch (parts.first, numbers.count) {
    case ("consent", 2): return .consent(user: UInt8(clamping: numbers[0]), code: numbers[1])
    case ("register", 1): return .registerUser(code: numbers[0])
    case ("count", 0): return .countStored
    case ("delete", 0): return .deleteStored
    case ("abort", 0): return .abort
    default: return nil
    }
  }

  private static func characteristic(_ text: String) -> (id: CharacteristicID, properties: UInt8, value: [UInt8])? {
    let parts = text.split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, let id = id(String(parts[0])) else { return nil }
    let bits: [Substring: UInt8] = ["read": 2, "write-command": 4, "write": 8, "notify": 16, "indicate": 32]
    let properties = parts[1].split(separator: ",").reduce(UInt8(0)) { $0 | (bits[$1] ?? 0) }
    guard parts.count == 3 else { return (id, properties, []) }
    if parts[2].hasPrefix("\"") { return (id, properties, Array(parts[2].dropFirst().dropLast().utf8)) }
    return (try? Hex.decode(parts[2])).map { (id, properties, $0) }
  }

  static func id(_ text: String) -> CharacteristicID? {
    let names = text.split(separator: "/")
    guard names.count == 2, let service = BluetoothUUID(names[0]), let characteristic = BluetoothUUID(names[1]) else {
      return nil
    }
    return CharacteristicID(service, characteristic)
  }

  /// All captures of the folder.
  static let all: [Capture] = {
    guard let root = Bundle.module.url(forResource: "Captures", withExtension: nil),
      let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    else { return [] }
    let urls = files.compactMap { $0 as? URL }.filter { $0.pathExtension == "capture" }.sorted { $0.path < $1.path }
    return urls.compactMap { url in
      let expected = url.deletingPathExtension().appendingPathExtension("expected")
      let name = "\(url.deletingLastPathComponent().lastPathComponent)/\(url.lastPathComponent)"
      do {
        return try Capture(
          name: name, text: String(contentsOf: url, encoding: .utf8),
          expected: String(contentsOf: expected, encoding: .utf8))
      } catch {
        Issue.record("\(name): \(error)")
        return nil
      }
    }
  }()

  /// The driver's profile, by the header `driver`.
  var profile: DeviceProfile? { headers["driver"].flatMap { Registry.profile(id: $0) } }

  var context: DriverContext {
    var context = DriverContext(recorded: headers)
    context.requests = (headers["requests"] ?? "").split(separator: ",").compactMap { Capture.request(String($0)) }
    return context
  }
}
