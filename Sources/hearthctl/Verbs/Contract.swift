// hearthctl contract: what backends, scripts and tests may rely on.

import JSON

enum ContractVerb {
  static let verb = Verb(
    name: "contract", summary: "what backends and scripts may rely on", usage: "[--json]",
    text: """
      Works without a daemon. Prints the version of the contract, the fields of a
      reading, the native batch, the exit statuses, and the methods of the control
      socket. Within a version fields and methods may be added; none is renamed,
      retyped or removed.

      examples:
        hearthctl contract
        hearthctl contract --json | jq -r .version
      """,
    exit: """
      0 done, 64 usage
      """, run: run)

  /// The first number changes when something is renamed, retyped or removed; the second when something is added.
  static let version = "1.1"

  /// The fields of a reading, with what they hold.
  static let reading: [(name: String, meaning: String)] = [
    ("id", "stable: the same octets of the same record give the same id, for ever"),
    ("seq", "the number in this hub's journal; absent from decode"),
    ("kind", "such as blood-pressure"),
    (
      "observations",
      "a list: code, mdc, loinc, and value with unit, or absent with the reason; reported, where converted"
    ),
    ("flags", "what the device or the hub says of it, such as irregular-pulse"),
    ("taken_at", "RFC 3339; null when nothing places it"),
    ("time_quality", "device, corrected, received, received-unsynced or unplaced"),
    ("device_time", "as the device said it, when it said one"), ("received_at", "RFC 3339"),
    ("user", "the device's own user slot, when it said one"),
    ("patient", "the patient's reference; null: it waits for one"),
    ("device", "id, manufacturer, model, serial, firmware, transport, address"),
    ("evaluation", "zone, rules, plan_version: by the patient's plan"),
    ("raw", "source and hex: the octets it came from"),
    ("link", "since 1.1: authenticated, encrypted, open, advertised or cable"),
    ("test", "since 1.1: true of a test reading"),
  ]

  /// The members of a native batch and of its answer.
  static let batch: [(name: String, meaning: String)] = [
    (
      "POST",
      "version, batch_id, hub_id, sent_at, boot_id, readings, events; the header Idempotency-Key is the batch's id"
    ),
    ("200", "results: id, and status stored, duplicate or rejected, with a problem; one for each reading and event"),
    ("204", "all of it is stored, where the configuration says trust_2xx"),
  ]

  /// What the exit status of hearthctl says.
  static let exits: [(status: Int, meaning: String)] = [
    (0, "done"), (1, "the daemon answered with an error"), (64, "usage"), (65, "bad data"),
    (69, "nothing there: device, decoder, file"), (75, "try again later"), (77, "not permitted"),
    (78, "bad configuration"), (111, "the daemon is not running"),
  ]

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    if arguments.isJSON {
      var exitObject = JSONObject()
      for (status, meaning) in exits { exitObject["\(status)"] = .string(meaning) }
      var object = JSONObject()
      object["version"] = .string(version)
      object["reading"] = json(reading)
      object["native_batch"] = json(batch)
      object["exit"] = .object(exitObject)
      object["methods"] = MethodTable.json(Hearthctl.verbs)["methods"] ?? []
      Terminal.line(.object(object))
      return 0
    }
    Terminal.out(
      """
      The contract of Hearth, version \(version).

      Within a version fields and methods may be added; none is renamed, retyped or
      removed. Numbers are decimal texts with the precision that the device gave.

      A reading, as in readings --json, native batches, files and decode:

      \(list(reading))
      A batch of the backend type native:

      \(list(batch))
      The exit statuses of hearthctl:

      \(list(exits.map { ("\($0.status)", $0.meaning) }))
      \(MethodTable.text(Hearthctl.verbs))
      """)
    return 0
  }

  private static func list(_ rows: [(name: String, meaning: String)]) -> String {
    let width = rows.map(\.name.utf8.count).max() ?? 0
    return rows.map { row in
      let name = row.name + String(repeating: " ", count: width - row.name.utf8.count)
      let text = TextWidth.wrap(row.meaning, indent: String(repeating: " ", count: width + 4), width: 80)
      return "  \(name)  \(text.drop { $0 == " " })\n"
    }.joined()
  }

  private static func json(_ rows: [(name: String, meaning: String)]) -> JSONValue {
    var object = JSONObject()
    for row in rows { object[row.name] = .string(row.meaning) }
    return .object(object)
  }
}
