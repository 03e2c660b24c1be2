// hearthctl drivers: every device family that is supported, from the registry.

import Drivers
import JSON
import Octets
import Readings

enum DriversVerb {
  static let verb = Verb(
    name: "drivers", summary: "the devices that are supported", usage: "[--json]",
    text: "Works without a daemon.\n\nexamples:\n  hearthctl drivers\n  hearthctl drivers --json | jq '.drivers[].id'",
    exit: "0 done, 64 usage", run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
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
        profile.evidence.grade.words,
      ])
    }
    Terminal.out(table.text())
    return 0
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
