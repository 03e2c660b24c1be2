// hearthctl pair: a device becomes one of this hub's; an interactive minute, or a script's.

import Drivers
import JSON
import Readings

enum PairVerb {
  static let verb = Verb(
    name: "pair", summary: "bring a Bluetooth device to this hub",
    usage: """
      [ADDRESS] [--driver DRIVER] [--id ID] [--name TEXT]
             [--patient REF] [--user SLOT] [--consent-code CODE]
             [--wait SECONDS] [--json]
      """,
    text: """
      At a terminal it asks for whatever is missing: whose device it is, which one
      (it looks around), the passkey; it says what to press, and at the end waits for
      the first reading. Ctrl-C ends it; what was paired stays.

      ADDRESS   as hearthctl scan shows it
      --driver  for a device that does not tell what it is (hearthctl drivers)
      --id      the hub's name for it, made from the driver's if not given
      --patient whose readings these are; without it they wait for hearthctl assign
      --user    the user slot of the device that is the patient's; else all of it
      --consent-code  the code of that slot, for devices that ask for one
      --wait    how long to wait for the first reading (90; with --json 0: not)

      With --json every step is a line on standard output: the "event" searching,
      found, pairing, passkey (to be typed on the device), prompt (confirm, passkey or
      consent-code), answer-refused, paired; with --wait reading or no-reading.
      Answers are lines on standard input: {"answer":"yes"}, {"answer":"123456"},
      {"answer":"1 0520"}. A question that finds standard input closed cancels.

      examples:
        hearthctl pair
        hearthctl pair F0:12:34:56:78:9A --patient p-7f3a --json
      """,
    options: ["--driver", "--id", "--name", "--patient", "--user", "--consent-code", "--wait"], takesWords: true,
    methods: ["pair", "pair.answer", "pair.cancel"],
    exit: """
      0 paired, 1 the device or the daemon refused, 64 usage,
        69 Bluetooth does not work here, or no driver knows the device,
        75 not heard, no answer, no reading, or another pairing: try again,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    let order = try PairOrder(arguments)
    if arguments.isJSON {
      var script = try PairScript(arguments, order)
      return try script.run()
    }
    var dialogue = try PairDialogue(arguments, order)
    return try dialogue.run()
  }
}

/// What the command line says of a pairing.
struct PairOrder {
  var address: String?
  var patient: String?
  var driver: String?
  /// How long to wait for the first reading, in seconds.
  var wait: Int
  /// The user slot, and its code.
  var user: Int?
  var consentCode: Int?
  private var others = JSONObject()

  init(_ arguments: Arguments) throws(Failure) {
    try arguments.atMost(1)
    address = arguments.words.first
    patient = arguments.value("--patient")
    driver = arguments.value("--driver")
    if let text = arguments.value("--wait") {
      guard let seconds = Int(text), (0...3600).contains(seconds) else {
        throw Failure.usage("--wait needs a number from 0 to 3600, not \"\(text)\"")
      }
      wait = seconds
    } else {
      wait = arguments.isJSON ? 0 : 90
    }
    if let driver, Registry.profile(id: driver) == nil {
      let near = Suggestion.nearest(to: driver, among: Registry.ids)
      throw Failure.usage(
        "there is no driver \"\(driver)\"", hint: near.map { "did you mean \($0)?" } ?? "hearthctl drivers")
    }
    if let address, !PairOrder.isAddress(address) {
      throw Failure.usage(
        "\"\(address)\" is no address such as F0:12:34:56:78:9A", hint: "hearthctl scan shows the addresses around")
    }
    for name in ["id", "name"] {
      if let value = arguments.value("--" + name) { others[name] = .string(value) }
    }
    user = try arguments.number("--user", of: "pair", "user")
    consentCode = try arguments.number("--consent-code", of: "pair", "consent_code")
    if consentCode != nil, user == nil {
      throw Failure.usage("--consent-code belongs to a user slot", hint: "name it: --user SLOT")
    }
    if let patient, let fault = PatientReference.fault(in: patient) {
      throw Failure.usage("--patient: \(fault.message)", hint: fault.hint)
    }
  }

  private static func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 6 && parts.allSatisfy { $0.utf8.count == 2 && UInt8($0, radix: 16) != nil && $0.first != "+" }
  }

  /// The request's parameters.
  func parameters(_ address: String) -> JSONValue {
    var object = JSONObject()
    object["address"] = .string(address)
    if let driver { object["driver"] = .string(driver) }
    if let patient { object["patient"] = .string(patient) }
    if let user { object["user"] = .int(user) }
    if let consentCode { object["consent_code"] = .int(consentCode) }
    for member in others.members { object[member.key] = member.value }
    return .object(object)
  }
}
