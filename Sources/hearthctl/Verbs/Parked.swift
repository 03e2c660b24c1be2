// hearthctl parked: what waits for a person: readings without patient, and what a backend refused.

import JSON

enum ParkedVerb {
  static let verb = Verb(
    name: "parked", summary: "readings that wait for a patient, or that a backend refused",
    usage: "[retry ID [--backend B] | export] [--json]",
    text: """
      A reading without patient is sent to no backend until hearthctl assign gives it
      to one. A reading that a backend refused stands here with the reason that the
      backend gave; it stops nothing that comes after it. Once what was wrong there
      is right, retry sends it to that backend again, under the same identifier.
      export gives the readings themselves, one JSON object a line.

      SINCE is when it was received, or refused. The first six letters of an ID are
      enough when only one begins so.

      examples:
        hearthctl parked
        hearthctl parked retry 67997cb9 --backend gp
        hearthctl parked export > parked.ndjson
      """, options: ["--backend"], takesWords: true,
    methods: ["parked", "parked.readings", "parked.retry"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 no such reading or backend, 75 try again later, 77 not permitted,
        111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    switch arguments.words.first {
    case nil:
      try arguments.only([], for: "parked")
      return try list(arguments)
    case "export":
      try arguments.atMost(1)
      try arguments.only([], for: "parked export")
      var client = try DaemonClient(arguments)
      try client.list("parked.readings", of: "readings").items.forEach(Terminal.line)
      return 0
    case "retry":
      try arguments.atMost(2)
      guard arguments.words.count == 2 else {
        throw Failure.usage("expected the ID of a refused reading", hint: "hearthctl parked lists them")
      }
      return try retry(arguments)
    case let word?:
      throw Failure.usage("\"\(word)\" is neither retry nor export", hint: "hearthctl parked --help")
    }
  }

  private static func list(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let items = try client.list("parked", of: "parked").items
    if arguments.isJSON {
      items.forEach(Terminal.line)
      return 0
    }
    guard !items.isEmpty else {
      Terminal.out("nothing is parked\n")
      return 0
    }
    var table = Table(
      ["ID", "WHY", "DEVICE", "SINCE", "REASON"], leaving: ["SINCE", "DEVICE", "WHY"], wrapping: "REASON")
    for item in items {
      let isRefused = item["why"]?.string == "refused"
      let user = item["user"]?.int.map { " slot \($0)" } ?? ""
      table.rows.append([
        String(Show.text(item["id"]).prefix(8)),
        isRefused ? "refused by \(Show.text(item["backend"]))" : "no patient",
        Show.text(item["device"]) + user, Show.time(item["at"]),
        isRefused ? Show.text(item["reason"]) : "hearthctl assign gives it to one",
      ])
    }
    Terminal.out(table.text())
    return 0
  }

  private static func retry(_ arguments: Arguments) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    parameters["id"] = .string(arguments.words[1])
    if let backend = arguments.value("--backend") { parameters["backend"] = .string(backend) }
    var client = try DaemonClient(arguments)
    let answer = try client.call("parked.retry", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out("it is sent again; hearthctl parked shows whether it was refused once more\n")
    }
    return 0
  }
}
