// Methods about devices: what they are, what is on the air, pairing, and what is asked of them.

internal import JSON

extension ControlMethod {
  static let devices: [ControlMethod] = [
    ControlMethod("devices", "the devices of this home", .reader, .immediate) { _ in .devices },
    ControlMethod(
      "scan", "what is on the air, as notifications \"scan\"", .technician, .device,
      [ControlParameter("seconds", .number(1...600), "for so many seconds; without it 30")],
      examples: [[:], ["seconds": 10]]
    ) { given in .scan(seconds: given.number(ifGiven: "seconds") ?? 30) },
    ControlMethod(
      "pair", "pairs a device: progress and questions as notifications \"pairing\", the answer at the end", .technician,
      .device, isAudited: true, isDurable: true, pairing,
      examples: [["address": "F0:00:00:00:00:01", "patient": "p-7f3a", "user": 1, "consent_code": 520]]
    ) { given throws(ControlError) in .pair(try wish(given)) },
    ControlMethod(
      "pair.answer", "the answer to a question of the pairing under way", .technician, .immediate,
      [
        .required(
          "answer", .text(upTo: ControlParameter.longestName, mayBeEmpty: true),
          "yes or no, six digits, or a slot and its code; empty: there is none")
      ], examples: [["answer": "yes"], ["answer": "1 0520"], ["answer": ""]]
    ) { given throws(ControlError) in .pairAnswer(try given.text("answer")) },
    ControlMethod("pair.cancel", "ends the pairing under way", .technician, .immediate, isAudited: true) { _ in
      .pairCancel
    },
    ControlMethod(
      "unpair", "forgets a paired device and its keys", .technician, .change, isAudited: true, isDurable: true,
      [device],
      examples: [["device": "cuff"]]
    ) { given throws(ControlError) in .unpair(device: try given.text("device")) },
    ControlMethod(
      "device.release", "lets a device that is quarantined in again", .technician, .change, isAudited: true,
      isDurable: true, [device], examples: [["device": "cuff"]]
    ) { given throws(ControlError) in .releaseDevice(device: try given.text("device")) },
    ControlMethod(
      "device.ask", "asks a device for something, now or at its next contact", .technician, .change, isAudited: true,
      isDurable: true, asking,
      examples: [
        ["device": "cuff", "wish": "count"], ["device": "cuff", "wish": "erase"], ["device": "cuff", "wish": "abort"],
        ["device": "cuff", "wish": "consent", "user": 1, "code": 520],
        ["device": "cuff", "wish": "register-user", "code": 520],
        ["device": "cuff", "wish": "key", "key": "00112233445566778899aabbccddeeff"],
      ]
    ) { given throws(ControlError) in .askDevice(device: try given.text("device"), try deviceWish(given)) },
    ControlMethod(
      "capture", "what goes over a device's link, as notifications \"capture\"", .technician, .immediate,
      isAudited: true, [device], examples: [["device": "cuff"]]
    ) { given throws(ControlError) in .capture(device: try given.text("device")) },
  ]

  static let device = ControlParameter.required("device", lookup, "a device's name")

  private static let pairing: [ControlParameter] = [
    .required(
      "address", lookup, "an address such as F0:00:00:00:00:01",
      hint: "hearthctl scan shows the addresses of what is on the air"),
    ControlParameter("driver", lookup, "a driver's id, where the device does not tell what it is"),
    ControlParameter("id", .name, "the hub's name for the device; without it made from the driver's"),
    ControlParameter("name", .text(upTo: ControlParameter.longestName), "a name for people"),
    ControlParameter("patient", .patient, "whose it is"),
    ControlParameter("user", .number(0...254), "the device's user slot that is the patient's; without it all of it"),
    ControlParameter("consent_code", .number(0...9999), "the code of that slot"),
  ]

  private static func wish(_ given: ControlArguments) throws(ControlError) -> PairingWish {
    var wish = PairingWish(address: try given.text("address"))
    wish.driver = given.text(ifGiven: "driver")
    wish.id = given.text(ifGiven: "id")
    wish.name = given.text(ifGiven: "name")
    wish.patient = given.text(ifGiven: "patient")
    wish.user = given.slot(ifGiven: "user")
    if let code = given.number(ifGiven: "consent_code").flatMap({ UInt16(exactly: $0) }) {
      guard let user = wish.user else {
        throw ControlError(
          code: "bad-parameters", message: "consent_code: expected user beside it: the slot that it belongs to")
      }
      wish.consent = PairingWish.Consent(user: user, code: code)
    }
    return wish
  }

  private static let asking: [ControlParameter] = [
    device,
    .required(
      "wish", .choice(["count", "erase", "abort", "consent", "register-user", "key"]), "what to ask"),
    ControlParameter("user", .number(0...255), "a user slot, for consent"),
    ControlParameter("code", .number(0...9999), "a code of at most four digits, for consent and register-user"),
    ControlParameter("key", .hexadecimal(octets: 16), "the device's key, for key"),
  ]

  private static func deviceWish(_ given: ControlArguments) throws(ControlError) -> ControlRequest.DeviceWish {
    func code() throws(ControlError) -> UInt16 { UInt16(clamping: try given.number("code")) }
    switch try given.text("wish") {
    case "count": return .count
    case "erase": return .erase
    case "abort": return .abort
    case "consent": return .consent(user: UInt8(clamping: try given.number("user")), code: try code())
    case "register-user": return .registerUser(code: try code())
    case "key": return .key(try given.octets("key"))
    // The table's choices and these cases are the same, which a test holds.
    case let other: throw ControlError(code: "bad-parameters", message: "wish: \"\(other)\" is unknown")
    }
  }
}
