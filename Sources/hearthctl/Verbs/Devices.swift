// hearthctl devices, backends: one line each.

import JSON

enum DevicesVerb {
  static let verb = Verb(
    name: "devices", summary: "the devices of this home: last contact, battery, patients", usage: "[--json]",
    text: """
      PATIENT shows user slots and their patients. A clock that is off is corrected in
      the readings.

      examples:
        hearthctl devices
        hearthctl devices --json | jq '.devices[] | {id, last_contact}'
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let answer = try client.list("devices", of: "devices")
    if arguments.isJSON { Terminal.line(answer.whole) } else { Terminal.out(table(answer.items)) }
    return 0
  }

  static func table(_ devices: [JSONValue]) -> String {
    guard !devices.isEmpty else { return "no devices configured\n" }
    var table = Table(["DEVICE", "WHAT", "STATE", "LAST CONTACT", "BAT", "READINGS", "PATIENT", "LAST PROBLEM"])
    for device in devices {
      let what = [device["manufacturer"]?.string, device["model"]?.string].compactMap { $0 }.joined(separator: " ")
      let patients = (device["patients"]?.object?.members ?? []).map { member in
        member.key == "*" ? Show.text(member.value) : "\(member.key)=\(Show.text(member.value))"
      }
      table.rows.append([
        Show.text(device["id"]), what.isEmpty ? Show.text(device["driver"]) : what, Show.text(device["state"]),
        Show.time(device["last_contact"]), device["battery"]?.int.map { "\($0)%" } ?? "-",
        Show.text(device["readings"]),
        patients.isEmpty ? "-" : patients.joined(separator: " "), Show.text(device["last_problem"]?["code"]),
      ])
    }
    return table.text()
  }
}

enum BackendsVerb {
  static let verb = Verb(
    name: "backends", summary: "where readings go, and what waits", usage: "[--json]",
    text: """
      Nothing that waits is lost; a backend that fails is tried again by itself.

      examples:
        hearthctl backends
        hearthctl backends --json | jq '.backends[].waiting'
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let answer = try client.list("backends", of: "backends")
    if arguments.isJSON { Terminal.line(answer.whole) } else { Terminal.out(table(answer.items)) }
    return 0
  }

  static func table(_ backends: [JSONValue]) -> String {
    guard !backends.isEmpty else { return "no backends configured\n" }
    var table = Table(["BACKEND", "TYPE", "STATE", "WAITING", "OLDEST", "DELIVERED", "LAST SUCCESS", "LAST ERROR"])
    for backend in backends {
      let next = backend["next_attempt_seconds"]?.int.map { ", next in \(Show.duration($0))" } ?? ""
      table.rows.append([
        Show.text(backend["name"]), Show.text(backend["type"]), Show.text(backend["state"]) + next,
        Show.text(backend["waiting"]), backend["oldest_waiting_seconds"]?.int.map(Show.duration) ?? "-",
        Show.text(backend["delivered"]), Show.time(backend["last_success"]), Show.text(backend["last_error"]?["code"]),
      ])
    }
    return table.text()
  }
}
