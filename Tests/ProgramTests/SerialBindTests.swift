// hearthctl serial bind asks a person for the model where the driver has to know it, and says what holds until then.

import Foundation
import Testing

@Suite struct SerialBindTests {
  /// A daemon that binds; it asks where it was told no model.
  private func house() throws -> ScriptedDaemon {
    try ScriptedDaemon { request in
      let asks =
        request.parameters.contains("model")
        ? ""
        : #","asks":{"question":"kg or lb","answers":["8217 kg","8217 lb"],"until_then":"no weight is taken"}"#
      return [request.result(#"{"bound":"scale","driver":"toledo-8217","path":"usb-1"\#(asks)}"#)]
    }
  }

  private func bind(_ daemon: ScriptedDaemon, atTerminal: Bool) throws -> RunningProgram {
    try RunningProgram(
      ["serial", "bind", "ttyUSB1", "--driver", "toledo-8217", "--socket", daemon.socket], atTerminal: atTerminal)
  }

  private func wishes(_ daemon: ScriptedDaemon) -> [String] { daemon.requests.filter { $0.hasPrefix("serial.bind") } }

  @Test func aPersonAtATerminalIsAsked() throws {
    let daemon = try house()
    let program = try bind(daemon, atTerminal: true)
    try program.wait(for: "kilograms or pounds?")
    try program.wait(for: "Model (8217 kg, 8217 lb; Enter if nobody knows): ")
    program.say("8217\n")
    try program.wait(for: "8217 does not answer it.")
    program.say("8217 kg\n")
    try program.wait(for: "ttyUSB1 is device scale (toledo-8217)")
    #expect(program.end().status == 0)
    #expect(wishes(daemon).count == 1 && wishes(daemon)[0].contains(#""model":"8217 kg""#))
  }

  @Test func aPersonWhoDoesNotKnowBindsAllTheSame() throws {
    let daemon = try house()
    let program = try bind(daemon, atTerminal: true)
    try program.wait(for: "Enter if nobody knows): ")
    program.say("\n")
    try program.wait(for: "Until then no weight is taken.")
    #expect(program.end().status == 0)
  }

  @Test func aScriptIsToldWhatIsOpen() throws {
    let daemon = try house()
    let (status, rest) = try bind(daemon, atTerminal: false).end()
    #expect(status == 0)
    #expect(rest.contains("kg or lb. Until then no weight is taken.") && rest.contains("--model \"8217 kg\""))
    #expect(wishes(daemon).count == 1 && !wishes(daemon)[0].contains("model"))
  }
}
