// hearthctl reload: the daemon reads its configuration again, and says whether it took it.

import JSON

enum ReloadVerb {
  static let verb = Verb(
    name: "reload", summary: "read the configuration again", usage: "[--json]",
    text: """
      The daemon reads hearth.json and the plans beside it, and says whether they are
      in force. A file that is not good is refused whole: what was in force before
      stays, and hearthctl status tells it until the file is corrected. systemctl
      reload hearthd calls this. A patient in hearth.json who is one letter from
      another one is told, and stays in force.

      examples:
        sudo hearthd --check
        sudo hearthctl reload
      """, methods: ["reload"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage, 75 try again later,
        77 not permitted, 78 the configuration is not good, 111 the daemon is not
        running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let answer = try client.call("reload")
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      Terminal.out("the configuration was read again and is in force\n")
      for warning in answer["warnings"]?.array ?? [] {
        Terminal.out(Show.paragraph("", "warning: " + Show.text(warning)) + "\n")
      }
    }
    return 0
  }
}
