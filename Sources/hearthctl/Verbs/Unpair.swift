// hearthctl unpair: a device is let go.

import JSON

enum UnpairVerb {
  static let verb = Verb(
    name: "unpair", summary: "forget a paired device and its keys", usage: "DEVICE [--json]",
    text: """
      Its readings stay. Many devices keep their side of the pairing: let the device
      forget this hub too (its manual says how) before another hub pairs it.

      examples:
        hearthctl devices
        hearthctl unpair and-ua651ble
      """, takesWords: true,
    methods: ["unpair"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage, 69 no such device,
        75 try again later, 77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    try arguments.atMost(1)
    guard let device = arguments.words.first else {
      throw Failure.usage("expected a device", hint: "hearthctl devices lists them")
    }
    var client = try DaemonClient(arguments)
    let answer = try client.call("unpair", ["device": .string(device)])
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out("\(Terminal.clean(device)) is unpaired; its readings stay\n")
    }
    return 0
  }
}
