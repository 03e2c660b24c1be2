// hearthctl devices, backends: one line each.

import JSON

enum DevicesVerb {
  static let verb = Verb(
    name: "devices", summary: "the devices of this home: last contact, battery, patients",
    usage: "[release DEVICE] [--json]",
    text: """
      STATE    waiting: nothing is on the line now; needs-pairing: the device does not
               know this hub any more: hearthctl pair; quarantined: the daemon died
               three times while it spoke with it; it is left alone until release;
               unreachable: its port or its recording cannot be opened
      SIGNAL   of the last contact, four bars at best
      READINGS ever stored of it, each once
      MISSED   contacts without a reading since the last one with
      BOND     verified: keys, and a number was compared or typed; bonded: keys; none:
               the device cannot, its address alone is known; lost: needs pairing
      PATIENT  user slots and their patients

      A clock that is off is corrected in the readings. What a narrow terminal has no
      room for is named below the table.

      examples:
        hearthctl devices
        hearthctl devices --json | jq '.devices[] | {id, last_contact, bond, rssi}'
        hearthctl devices release spot
      """, takesWords: true, methods: ["devices", "device.release"], run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(2)
    guard arguments.words.isEmpty || arguments.words[0] == "release" && arguments.words.count == 2 else {
      throw Failure.usage("expected nothing, or release and a device", hint: "hearthctl devices --help")
    }
    var client = try DaemonClient(arguments)
    if arguments.words.count == 2 {
      let device = arguments.words[1]
      let answer = try client.call("device.release", ["device": .string(device)])
      let isReleased = answer["released"]?.bool ?? false
      let text = isReleased ? "is let in again" : "was not quarantined"
      if arguments.isJSON { Terminal.line(answer) } else { Terminal.out("\(Terminal.clean(device)) \(text)\n") }
      return 0
    }
    let answer = try client.list("devices", of: "devices")
    if arguments.isJSON { Terminal.line(answer.whole) } else { Terminal.out(table(answer.items)) }
    return 0
  }

  static func table(_ devices: [JSONValue]) -> String {
    guard !devices.isEmpty else { return "no devices configured\n" }
    // A home without Bluetooth has no columns for it.
    let hasBluetooth = devices.contains { $0["address"] != nil }
    var table = Table(
      ["DEVICE", "WHAT", "STATE", "LAST CONTACT", "BAT"],
      leaving: [
        "ADDRESS", "READINGS", "MISSED", "SIGNAL", "WHAT", "BOND", "BAT", "LAST PROBLEM", "PATIENT", "LAST CONTACT",
      ])
    if hasBluetooth { table.headings += ["SIGNAL", "MISSED", "BOND"] }
    table.headings += ["READINGS", "PATIENT", "LAST PROBLEM"]
    if hasBluetooth { table.headings.append("ADDRESS") }
    for device in devices {
      let what = [device["manufacturer"]?.string, device["model"]?.string].compactMap { $0 }.joined(separator: " ")
      var patients = (device["patients"]?.object?.members ?? []).map { member in
        member.key == "*" ? Show.text(member.value) : "\(member.key)=\(Show.text(member.value))"
      }
      if let session = device["session"] {
        patients.append("\(Show.text(session["patient"])) until \(Show.time(session["ends_at"]).suffix(5))")
      }
      var row = [
        Show.text(device["id"]), what.isEmpty ? Show.text(device["driver"]) : what,
        unopened(device) == nil ? Show.text(device["state"]) : "unreachable",
        Show.time(device["last_contact"]), device["battery"]?.int.map { "\($0)%" } ?? "-",
      ]
      if hasBluetooth {
        row += [
          device["rssi"]?.int.map(Show.bars) ?? "-", Show.text(device["missed_contacts"]), bond(device["bond"]?.string),
        ]
      }
      row += [
        Show.text(device["readings"]), patients.isEmpty ? "-" : patients.joined(separator: " "),
        unopened(device) ?? refused(device) ?? device["last_problem"]?["code"]?.string.map(words) ?? "-",
      ]
      if hasBluetooth { row.append(Show.text(device["address"])) }
      table.rows.append(row)
    }
    return table.text()
  }
}

extension DevicesVerb {
  /// Why a device's port or recording cannot be opened; nil where it can, or where that is not what keeps it.
  private static func unopened(_ device: JSONValue) -> String? {
    guard device["state"]?.string == "waiting", let code = device["link"]?["code"]?.string,
      code == "open-failed" || code.hasPrefix("port.")
    else { return nil }
    switch code {
    case "port.busy": return "its port is in use"
    case "port.permission": return "its port may not be opened"
    default:
      // What is wrong stands behind the path.
      let message = device["link"]?["message"]?.string ?? ""
      guard let reason = message.split(separator: ": ").last, reason.utf8.count < message.utf8.count else {
        return "cannot be opened"
      }
      return "cannot be opened: " + Terminal.clean(String(reason))
    }
  }

  /// Which backends refused readings of it, and nobody dealt with that; nil: none.
  private static func refused(_ device: JSONValue) -> String? {
    guard let list = device["refused"]?.array, !list.isEmpty else { return nil }
    return list.map { "refused by \(Show.text($0["backend"])): \(Show.text($0["count"]))" }.joined(separator: ", ")
  }

  /// What a driver could not use, in words; the code stands in `--json`.
  static func words(_ code: String) -> String {
    switch code {
    case "malformed": "not understood"
    case "truncated": "cut short"
    case "checksum": "damaged on the way"
    case "invalid-value": "impossible value"
    case "unsupported": "unknown message"
    case let code: Terminal.clean(String(code.map { "-.".contains($0) ? " " : $0 }))
    }
  }

  /// How a device is tied to the hub, in a technician's words.
  private static func bond(_ state: String?) -> String {
    switch state {
    case "authenticated": "verified"
    case "encrypted": "bonded"
    case "needs-pairing": "lost"
    case let state?: state
    case nil: "-"
    }
  }
}

enum BackendsVerb {
  static let verb = Verb(
    name: "backends", summary: "where readings go, and what waits", usage: "[try NAME [--yes]] [--json]",
    text: """
      Nothing that waits is lost; a backend that fails is tried again by itself. Of
      one that gives plans: when it was asked, what is in force, what is refused.

      try sends one reading of each kind to a backend, before any device is there:
      each marked as a test, of the patient that "test_patient" of the backend names.
      It asks before; --yes does not. It shows what was sent, what came back, after
      how long, and what is wrong with that. With --json the bodies are shown, too.
      A test reading is not stored here, and no plan judges it.

      examples:
        hearthctl backends
        hearthctl backends --json | jq '.backends[].waiting'
        hearthctl backends try gp
      """, flags: ["--yes"], takesWords: true, methods: ["backends", "backends.try"],
    exit: """
      0 done, 1 the daemon answered with an error, or a trial shows a fault,
        64 usage, 69 no such backend, 75 try again later, 77 not permitted,
        78 no test patient is configured, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    if let word = arguments.words.first {
      guard word == "try" else {
        throw Failure.usage("\"\(word)\" is not try", hint: "hearthctl backends --help")
      }
      try arguments.atMost(2)
      guard arguments.words.count == 2 else {
        throw Failure.usage("expected the NAME of a backend", hint: "hearthctl backends lists them")
      }
      return try BackendTry.run(arguments.words[1], arguments)
    }
    try arguments.only([], for: "backends")
    var client = try DaemonClient(arguments)
    let answer = try client.list("backends", of: "backends")
    if arguments.isJSON {
      Terminal.line(answer.whole)
    } else {
      Terminal.out(
        table(answer.items) + kept(answer.items) + compression(answer.items) + refused(answer.items)
          + kinds(answer.items) + plans(answer.items))
    }
    return 0
  }

  /// For how long directory backends keep what they got.
  static func kept(_ backends: [JSONValue]) -> String {
    var lines: [String] = []
    for backend in backends {
      guard let path = backend["path"], let keep = backend["keep_seconds"] else { continue }
      let time = keep.int.map { "are removed \(Show.duration($0)) after the end of their day" } ?? "are kept for ever"
      lines.append(Show.paragraph("  ", "files of \(Show.text(backend["name"])) under \(Show.text(path)) \(time)"))
    }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  /// Why requests to a backend are not compressed although the configuration wants it.
  private static func compression(_ backends: [JSONValue]) -> String {
    backends.compactMap { backend in
      backend["compression_reason"]?.string.map {
        Show.paragraph("  ", "\(Show.text(backend["name"])): \(Terminal.clean($0))") + "\n"
      }
    }.joined()
  }

  /// What backends refused, with their reasons.
  private static func refused(_ backends: [JSONValue]) -> String {
    var lines: [String] = []
    for backend in backends {
      for item in backend["refused_items"]?.array ?? [] {
        let id = Terminal.clean(String((item["id"]?.string ?? "-").prefix(8)))
        lines.append(
          "\(Show.text(backend["name"])) refused \(id) at \(Show.time(item["at"])): \(Show.text(item["reason"]))")
      }
    }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  /// Kinds of which a backend takes nothing.
  private static func kinds(_ backends: [JSONValue]) -> String {
    var lines: [String] = []
    for backend in backends {
      for kind in backend["kinds_waiting"]?.array ?? [] {
        let name = "\(Show.text(backend["name"])): \(Show.text(kind["kind"]))"
        let next = kind["next_attempt_seconds"]?.int.map { ", next in \(Show.duration($0))" } ?? ""
        lines.append(
          kind["state"]?.string == "refused"
            ? "\(name) waits since \(Show.time(kind["since"])): it is refused\(next)"
            : "\(name) is taken again: what waited is sent")
      }
    }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  /// Backends that give plans: when they were asked, what is in force, what is refused and why.
  private static func plans(_ backends: [JSONValue]) -> String {
    var lines: [String] = []
    for backend in backends {
      guard let plans = backend["plans"] else { continue }
      var facts = ["\(plans["in_force"]?.int ?? 0) in force", "asked \(Show.time(plans["last_asked"]))"]
      facts.append("answered \(Show.time(plans["last_success"]))")
      if let tag = plans["etag"]?.string { facts.append("tag \(tag)") }
      if let next = plans["next_attempt_seconds"]?.int { facts.append("next in \(Show.duration(next))") }
      lines.append(Show.paragraph("  ", "plans of \(Show.text(backend["name"])): " + facts.joined(separator: ", ")))
      if let error = plans["last_error"] {
        lines.append(Show.paragraph("    ", "\(Show.text(error["message"])) (\(Show.text(error["code"])))"))
      }
      for reason in plans["refused"]?.array ?? [] {
        lines.append(Show.paragraph("    ", "refused: \(Show.text(reason))"))
      }
      let withdrawn = plans["withdrawn"]?.array ?? []
      if !withdrawn.isEmpty {
        let names = withdrawn.map { Show.text($0) }.joined(separator: ", ")
        lines.append(Show.paragraph("    ", "not in its answer any more, still in force: \(names)"))
      }
    }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  /// A backend that nothing was ever sent to has shown nothing yet.
  private static func state(_ backend: JSONValue) -> String {
    let isUntried = backend["last_success"]?.string == nil && backend["delivered"]?.int == 0
    return backend["state"]?.string == "idle" && isUntried ? "not tried yet" : Show.text(backend["state"])
  }

  static func table(_ backends: [JSONValue]) -> String {
    guard !backends.isEmpty else { return "no backends configured\n" }
    let refuses = backends.contains { $0["refused_unsettled"] != nil }
    let refused = refuses ? ["REFUSED"] : []
    var table = Table(
      ["BACKEND", "TYPE", "STATE", "WAITING", "OLDEST", "DELIVERED"] + refused + ["LAST SUCCESS", "LAST ERROR"],
      leaving: ["TYPE", "DELIVERED", "OLDEST", "LAST SUCCESS", "WAITING", "LAST ERROR"])
    for backend in backends {
      let next = backend["next_attempt_seconds"]?.int.map { ", next in \(Show.duration($0))" } ?? ""
      let count = refuses ? ["\(backend["refused_unsettled"]?.int ?? 0)"] : []
      table.rows.append(
        [
          Show.text(backend["name"]), Show.text(backend["type"]), state(backend) + next,
          Show.text(backend["waiting"]), backend["oldest_waiting_seconds"]?.int.map(Show.duration) ?? "-",
          Show.text(backend["delivered"]),
        ] + count + [Show.time(backend["last_success"]), Show.text(backend["last_error"]?["code"])])
    }
    return table.text()
  }
}
