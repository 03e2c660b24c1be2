// hearthctl parked: what waits for a person: readings without patient, and what a backend refused.

import ControlProtocol
import JSON

enum ParkedVerb {
  static let verb = Verb(
    name: "parked", summary: "readings that wait for a patient, or that a backend refused",
    usage: """
      [--json]
             hearthctl parked retry|dismiss ID [--backend B] [--json]
             hearthctl parked retry|dismiss --backend B --all|--since T [--json]
             hearthctl parked export
      """,
    text: """
      A reading without patient is sent to no backend until hearthctl assign gives it
      to one. A reading or event that a backend refused stands here with the reason
      that the backend gave; it stops nothing that comes after it. Once what was wrong
      there is right, retry sends it to that backend again, under the same identifier.
      dismiss takes from the list what nobody needs there; the journal keeps it.
      --backend with --all means everything that the backend refused, with --since
      what it refused since then (30m, 24h, 7d, today, yesterday, 2026-11-01). export
      gives the readings themselves, one JSON object a line; what a backend refused of
      them is then dealt with, and leaves the list.

      SINCE is when it was received, or refused. The first six letters of an ID are
      enough when only one begins so.

      examples:
        hearthctl parked
        hearthctl parked retry 67997cb9 --backend gp
        hearthctl parked retry --backend gp --all
        hearthctl parked dismiss 67997cb9
        hearthctl parked export > parked.ndjson
      """, options: ["--backend", "--since"], flags: ["--all"], takesWords: true,
    methods: ["parked", "parked.readings", "parked.retry", "parked.dismiss"],
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
      return try export(arguments)
    case "retry":
      let answer = try ask("parked.retry", arguments) { ("id", .string($0)) }
      return show(answer, arguments) {
        let count = answer["count"]?.int ?? 1
        let gone = answer["gone"]?.int ?? 0
        let left = answer["unlisted"]?.int ?? 0
        return (count == 1 ? "it is sent again" : "\(count) are sent again")
          + "; hearthctl parked shows what is refused once more"
          + (gone == 0 ? "" : "\n\(gone) of them are not in the journal any more: hearthctl parked dismiss")
          + (left == 0 ? "" : "\n\(left) older ones are not listed and not sent: hearthctl readings exports them")
      }
    case "dismiss":
      let answer = try ask("parked.dismiss", arguments) { ("ids", .array([.string($0)])) }
      return show(answer, arguments) { "dismissed: \(answer["dismissed"]?.int ?? 0)" }
    case let word?:
      throw Failure.usage("\"\(word)\" is neither retry, dismiss nor export", hint: "hearthctl parked --help")
    }
  }

  /// Asks for one item, or for all of a backend.
  private static func ask(
    _ method: String, _ arguments: Arguments, one: (String) -> (name: String, value: JSONValue)
  ) throws(Failure) -> JSONValue {
    try arguments.atMost(2)
    var parameters = JSONObject()
    if arguments.words.count == 2 {
      guard !arguments.has("--all"), arguments.value("--since") == nil else {
        throw Failure.usage("an ID and --all or --since exclude one another", hint: "hearthctl parked --help")
      }
      let named = one(arguments.words[1])
      parameters[named.name] = named.value
    } else {
      guard arguments.value("--backend") != nil, arguments.has("--all") || arguments.value("--since") != nil else {
        throw Failure.usage(
          "expected the ID of a refused item, or --backend B with --all or --since T",
          hint: "hearthctl parked lists them")
      }
      if arguments.has("--all") { parameters["all"] = true }
      if let since = arguments.value("--since") { parameters["since"] = .string(since) }
    }
    if let backend = arguments.value("--backend") { parameters["backend"] = .string(backend) }
    var client = try DaemonClient(arguments)
    return try client.call(method, .object(parameters))
  }

  private static func show(_ answer: JSONValue, _ arguments: Arguments, _ text: () -> String) -> Int32 {
    if arguments.isJSON { Terminal.line(answer) } else { Terminal.out(text() + "\n") }
    return 0
  }

  /// Gives the readings; what backends refused of them is dealt with once they are written.
  private static func export(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let listed = try client.list("parked", of: "parked").items
    let readings = try client.list("parked.readings", of: "readings").items
    readings.forEach(Terminal.line)
    let given = Set(readings.compactMap { $0["id"]?.string })
    let refused = listed.filter { $0["why"]?.string == "refused" && given.contains($0["id"]?.string ?? "") }
    var settled = 0
    for (backend, items) in Dictionary(grouping: refused, by: { $0["backend"]?.string ?? "" }).sorted(by: {
      $0.key < $1.key
    }) {
      var rest = items.compactMap { $0["id"] }[...]
      while !rest.isEmpty {
        let part = rest.prefix(ControlRequest.Refused.mostIDs)
        rest = rest.dropFirst(part.count)
        do throws(Failure) {
          let answer = try client.call(
            "parked.dismiss", ["ids": .array(Array(part)), "backend": .string(backend), "exported": true])
          settled += answer["dismissed"]?.int ?? 0
        } catch {
          Terminal.note("what was refused stays listed: \(error.message)")
          return 0
        }
      }
    }
    if settled > 0 { Terminal.note("exported, and off the list of what backends refused: \(settled)") }
    return 0
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
}
