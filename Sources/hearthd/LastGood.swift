// The configuration and the plans that were accepted last, kept in the state directory: a start that finds a file broken, gone, or
// refused by a reload goes on with them.

import JSON
import Octets
import Platform
import Settings

enum LastGood {
  /// A configuration that was accepted.
  struct Kept {
    /// Where it was read from.
    var path: String
    /// Its text.
    var text: [UInt8]
  }

  /// The texts of a configuration, and of the plans in force with it, that were accepted together.
  struct Accepted: Sendable {
    var configuration: String
    var text: [UInt8]
    /// Of every plan in force, by patient.
    var plans: [String: [UInt8]] = [:]
    /// Patients of whom something is kept that cannot be read: it stays.
    var unreadable: Set<String> = []
    /// Digests of files that a reload refused and that are still there.
    var refused: Set<String> = []
  }

  /// What is to be written.
  struct Keeping: Sendable {
    var accepted: Accepted?
    /// Digests of files that a reload refused.
    var refused: Set<String>?
    /// Plans that came into force, by patient.
    var plans: [String: [UInt8]] = [:]

    var isEmpty: Bool { accepted == nil && refused == nil && plans.isEmpty }

    /// A patient is erased.
    mutating func forget(_ patient: String) {
      plans[patient] = nil
      accepted?.plans[patient] = nil
    }

    /// Takes what is to be written after this.
    mutating func add(_ next: Keeping) {
      if next.accepted != nil { self = Keeping(accepted: next.accepted) }
      refused = next.refused ?? refused
      plans.merge(next.plans) { $1 }
    }
  }

  static func plans(_ state: String) -> String { "\(state)/last-good-plans" }

  private static func file(_ state: String) -> String { "\(state)/last-good.json" }

  private static func refusedFile(_ state: String) -> String { "\(state)/refused.json" }

  /// The last configuration that was accepted; nil when there is none, or it cannot be read.
  static func configuration(_ state: String) -> Kept? {
    guard let octets = try? StateFile.read(file(state)),
      let value = try? JSONReader(maximumSize: 8 << 20).value(octets),
      value["version"]?.int == 1, let path = value["path"]?.string, let text = value["configuration"]?.string
    else { return nil }
    return Kept(path: path, text: Array(text.utf8))
  }

  // MARK: What a reload refused

  /// What a file is known by without being kept.
  static func digest(_ text: [UInt8]) -> String { Hex.encode(SHA1.digest(text)) }

  /// The digests of the files that the last reload refused.
  static func refused(_ state: String) -> Set<String> {
    guard let octets = try? StateFile.read(refusedFile(state)),
      let value = try? JSONReader(maximumSize: 1 << 20).value(octets), value["version"]?.int == 1
    else { return [] }
    return Set((value["refused"]?.array ?? []).compactMap(\.string))
  }

  // MARK: Writing

  /// Writes it; gives what went wrong.
  static func keep(_ keeping: Keeping, _ state: String) -> String? {
    do throws(FileError) {
      if let accepted = keeping.accepted {
        try keep(accepted, state)
        try keepRefused(accepted.refused, state)
      }
      if let refused = keeping.refused { try keepRefused(refused, state) }
      for (patient, text) in keeping.plans.sorted(by: { $0.key < $1.key }) { try keepPlan(patient, text, state) }
      return nil
    } catch {
      return error.reason
    }
  }

  private static func keep(_ accepted: Accepted, _ state: String) throws(FileError) {
    let text = withoutPasswords(accepted.text)
    let kept = configuration(state)
    if kept?.path != accepted.configuration || kept?.text != text {
      let value: JSONValue = [
        "version": 1, "path": .string(accepted.configuration),
        "configuration": .string(String(decoding: text, as: UTF8.self)),
      ]
      // It may hold patients and the paths of secrets that the new one has no more.
      try Shredder.replace(file(state), by: value.encoded())
    }
    try keepPlans(accepted, state)
  }

  private static func keepRefused(_ refused: Set<String>, _ state: String) throws(FileError) {
    guard refused != self.refused(state) else { return }
    let value: JSONValue = ["version": 1, "refused": .array(refused.sorted().map { .string($0) })]
    try StateFile.write(value.encoded(), to: refusedFile(state))
  }

  private static func keepPlan(_ patient: String, _ text: [UInt8], _ state: String) throws(FileError) {
    let path = "\(plans(state))/\(patient).json"
    try Directory.make(plans(state))
    if (try? StateFile.read(path)) != text { try Shredder.replace(path, by: text) }
  }

  private static func keepPlans(_ accepted: Accepted, _ state: String) throws(FileError) {
    let folder = plans(state)
    try Directory.make(folder)
    for (patient, text) in accepted.plans.sorted(by: { $0.key < $1.key }) { try keepPlan(patient, text, state) }
    for entry in try Directory.list(folder) where entry.isRegular {
      let patient = entry.name.hasSuffix(".json") ? String(entry.name.dropLast(".json".utf8.count)) : ""
      guard accepted.plans[patient] == nil, !accepted.unreadable.contains(patient) else { continue }
      try Shredder.remove("\(folder)/\(entry.name)")
    }
  }

  /// A configuration's text without what stands before an "@" in an address: an older version took a password there.
  static func withoutPasswords(_ text: [UInt8]) -> [UInt8] {
    guard let top = try? ConfigurationText.node(text) else { return text }
    var addresses: [JSONNode] = []
    func look(_ node: JSONNode) {
      switch node.content {
      case .array(let items): items.forEach(look)
      case .object(let members):
        for member in members {
          if member.key == "url" || member.key == "token_url" { addresses.append(member.value) }
          look(member.value)
        }
      case .null, .bool, .number, .string: break
      }
    }
    look(top)
    var text = text
    // From the end, so that the places in front of it stay what they are.
    for node in addresses.sorted(by: { $0.place.offset > $1.place.offset }) {
      guard case .string(let url) = node.content, let clean = ConfigurationFile.withoutCredentials(url),
        let end = end(ofString: text, from: node.place.offset)
      else { continue }
      text.replaceSubrange(node.place.offset..<end, with: JSONValue.string(clean).encoded())
    }
    return text
  }

  /// Behind the quotation mark that ends the text which begins at a place.
  private static func end(ofString text: [UInt8], from start: Int) -> Int? {
    guard text.indices.contains(start), text[start] == 0x22 else { return nil }
    var index = start + 1
    while index < text.count {
      if text[index] == 0x22 { return index + 1 }
      index += text[index] == 0x5C ? 2 : 1
    }
    return nil
  }

  /// A patient's plan goes with the patient; gives what went wrong.
  static func forget(_ patient: String, _ state: String) -> String? {
    do throws(FileError) {
      let path = "\(plans(state))/\(patient).json"
      // An end in between leaves the octets that a newer plan replaced.
      for path in [path, "\(path).old", "\(file(state)).old"] where try StateFile.read(path) != nil {
        try Shredder.remove(path)
      }
      return nil
    } catch {
      return error.reason
    }
  }
}
