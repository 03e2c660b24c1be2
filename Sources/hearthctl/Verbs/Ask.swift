// hearthctl ask: what a technician asks of a device beyond its readings.

import JSON

enum AskVerb {
  static let verb = Verb(
    name: "ask", summary: "ask a device for its memory, a user's code, a key",
    usage: "DEVICE WISH [--user N] [--code C] [--json]",
    text: """
      Wishes: count (how many records it keeps), erase (its records, once all of
      them are read and on disk), abort (stop reading them; the next contact goes
      on), consent (--user N --code C: the code of a user slot, as its display
      shows it), register-user (--code C: make a slot), key HEX (32 digits: the
      bind key of an encrypting scale).

      What a device cannot do is refused, with what it can do. Until its first contact
      the hub knows only what devices of its kind may be able to do.

      While the device is away the wish waits for its next contact; what came of it
      stands in hearthctl devices --json as last_answer.

      examples:
        hearthctl ask glucose-meter count
        hearthctl ask beurer-bf720 consent --user 1 --code 0520
        hearthctl ask xiaomi-s400 key 00112233445566778899aabbccddeeff
      """, options: ["--user", "--code"], takesWords: true,
    methods: ["device.ask"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 no such device, or it cannot do that, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard arguments.words.count >= 2 else {
      throw Failure.usage("expected a device and a wish", hint: "hearthctl ask --help lists the wishes")
    }
    let (device, wish) = (arguments.words[0], arguments.words[1])
    let wishes = MethodTable.choices("device.ask", "wish")
    guard wishes.contains(wish) else {
      let near = Suggestion.nearest(to: wish, among: wishes)
      throw Failure.usage(
        "\"\(wish)\" is no wish", hint: near.map { "did you mean \($0)?" } ?? "known: \(wishes.joined(separator: ", "))"
      )
    }
    try arguments.atMost(wish == "key" ? 3 : 2)
    var parameters = JSONObject()
    parameters["device"] = .string(device)
    parameters["wish"] = .string(wish)
    if wish == "key" {
      guard arguments.words.count == 3 else { throw Failure.usage("expected the key: 32 hexadecimal digits") }
      parameters["key"] = .string(arguments.words[2])
    }
    for name in ["user", "code"] {
      if let number = try arguments.number("--\(name)", of: "device.ask", name) { parameters[name] = .int(number) }
    }
    var client = try DaemonClient(arguments)
    let answer = try client.call("device.ask", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      let now = answer["when"]?.string == "now"
      Terminal.out(now ? "asked; hearthctl devices --json shows what came of it\n" : "kept for its next contact\n")
    }
    return 0
  }
}
