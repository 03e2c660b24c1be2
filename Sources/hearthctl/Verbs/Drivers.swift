// hearthctl drivers: every device family that is supported, from the registry.

import Drivers
import JSON
import Octets
import Readings

enum DriversVerb {
  static let verb = Verb(
    name: "drivers", summary: "the devices that are supported", usage: "[--wanted] [--json]",
    text: """
      Works without a daemon. CHECKED tells what a driver was checked against: a
      device, a recorded session, recorded messages, or documents only.

      --wanted  which recorded sessions would help most: what was never seen of a
                device, and how to record it

      examples:
        hearthctl drivers
        hearthctl drivers --wanted
        hearthctl drivers --json | jq '.drivers[].id'
      """, flags: ["--wanted"],
    exit: "0 done, 64 usage", run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    if arguments.has("--wanted") { return wanted(arguments.isJSON) }
    if arguments.isJSON {
      let counts: JSONValue = ["ble": counts(serial: false), "serial": counts(serial: true)]
      Terminal.line(["drivers": .array(Registry.profiles.map(json)), "counts": counts])
      return 0
    }
    var table = Table(
      ["DRIVER", "DEVICES", "TRANSPORT", "READINGS", "CHECKED"], leaving: ["CHECKED", "TRANSPORT", "READINGS"],
      wrapping: "DEVICES")
    for profile in Registry.profiles {
      let names = ([profile.manufacturer].compactMap { $0 } + [profile.names.joined(separator: ", ")]).joined(
        separator: ": ")
      table.rows.append([
        profile.id, names, transport(profile), profile.kinds.map(\.rawValue).joined(separator: ", "),
        profile.evidence.grade.words + (profile.evidence.firmware.map { ", firmware \($0)" } ?? ""),
      ])
    }
    Terminal.out(table.text())
    return 0
  }

  /// What captures would help most.
  private static func wanted(_ asJSON: Bool) -> Int32 {
    if asJSON {
      let list = Registry.wanted.map { wanted -> JSONValue in
        [
          "id": .string(wanted.id), "devices": .string(wanted.devices),
          "grade": wanted.grade.map { .string($0.rawValue) } ?? .null, "missing": .string(wanted.missing),
          "how": .string(wanted.how),
        ]
      }
      Terminal.line(["wanted": .array(list), "counts": counts(of: Registry.wanted)])
      return 0
    }
    var table = Table(["DRIVER", "CHECKED", "DEVICES"], leaving: ["CHECKED"], wrapping: "DEVICES")
    for wanted in Registry.wanted {
      table.rows.append([wanted.id, wanted.grade?.words ?? "no driver", "\(wanted.devices) – \(wanted.missing)"])
    }
    Terminal.out(table.text())
    Terminal.out(
      """

      To record one:  hearthctl pair ADDRESS --driver DRIVER
                      hearthctl capture DEVICE --output FILE
      DRIVER is recorder for a device that no driver reads: it only listens. The file
      holds no address, serial number, name or code; its measurements stay.

      """)
    return 0
  }

  /// How many are of each grade.
  private static func counts(of list: [WantedCapture]) -> JSONValue {
    var object = JSONObject()
    for grade in VerificationGrade.allCases { object[grade.rawValue] = .int(list.count { $0.grade == grade }) }
    object["no-driver"] = .int(list.count { $0.grade == nil })
    return .object(object)
  }

  private static func transport(_ profile: DeviceProfile) -> String {
    switch profile.transport {
    case .gatt: "BLE"
    case .advertisement: "BLE adverts"
    case .serial(let settings): "serial \(settings.first?.text ?? "")"
    }
  }

  private static func json(_ profile: DeviceProfile) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(profile.id)
    object["manufacturer"] = profile.manufacturer.map { .string($0) } ?? .null
    object["names"] = .array(profile.names.map { .string($0) })
    switch profile.transport {
    case .gatt: object["transport"] = ["kind": "ble"]
    case .advertisement: object["transport"] = ["kind": "ble-advertisement"]
    case .serial(let settings):
      object["transport"] = ["kind": "serial", "settings": .array(settings.map { .string($0.text) })]
    }
    object["recognition"] = .array(profile.recognition.map(recognition))
    object["kinds"] = .array(profile.kinds.map { .string($0.rawValue) })
    object["codes"] = .array(
      profile.terms.map { ["code": .string($0.code), "mdc": .int($0.mdc), "unit": .string($0.unit.rawValue)] })
    object["clock"] = .string(profile.clock.rawValue)
    object["memory"] = .string(profile.memory.rawValue)
    object["asks"] = .array(profile.make(DriverContext()).abilities.names.map { .string($0) })
    object["verification"] = .string(profile.verification.rawValue)
    object["evidence"] = evidence(profile.evidence)
    if !profile.rule.isEmpty { object["rule"] = .string(profile.rule) }
    if let protection = profile.protection {
      object["check"] = .string(protection.name)
      if case .unchecked(let count) = protection { object["false_per_thousand"] = .int(count) }
    }
    if let question = profile.modelQuestion {
      object["model"] = [
        "question": .string(question.question), "answers": .array(question.answers.map { .string($0) }),
        "until_then": .string(question.untilThen),
      ]
    }
    if let obstacle = profile.obstacle { object["obstacle"] = .string(obstacle) }
    return .object(object)
  }

  private static func evidence(_ evidence: VerificationEvidence) -> JSONValue {
    var object = JSONObject()
    object["grade"] = .string(evidence.grade.rawValue)
    object["transport"] = evidence.transport.map { .string($0) } ?? .null
    object["firmware"] = evidence.firmware.map { .string($0) } ?? .null
    object["models"] = .array(evidence.models.map { .string($0) })
    return .object(object)
  }

  private static func counts(serial: Bool) -> JSONValue {
    var object = JSONObject()
    for (grade, count) in Registry.counts(serial: serial) { object[grade.rawValue] = .int(count) }
    return .object(object)
  }

  private static func recognition(_ sign: RecognitionSign) -> JSONValue {
    switch sign {
    case .service(let uuid): return ["service": .string(uuid.description)]
    case .namePrefix(let prefix): return ["name_prefix": .string(prefix)]
    case .serviceData(let uuid): return ["service_data": .string(uuid.description)]
    case .company(let id): return ["company": .int(id)]
    case .usb(let vendor, let product):
      func hex(_ value: UInt16) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 4 - text.utf8.count) + text
      }
      return ["usb": .string("\(hex(vendor)):\(hex(product))")]
    case .frames(let text): return ["frames": .string(text)]
    }
  }
}
