// hearthctl serial: the ports that are plugged in, what is at them, and whose they are.

import Drivers
import Glibc
import JSON
import Platform

enum SerialVerb {
  static let verb = Verb(
    name: "serial", summary: "USB serial ports: list, identify, bind, release",
    usage: "list | identify PORT | bind PORT | release DEVICE [...]",
    text: """
      list                what is plugged in, and whose it is
      identify PORT       listens until one driver fits; nothing is sent
        --driver ID       lets this driver ask the device who it is, once
      bind PORT           this port is a device's from now on, by where it is
        --driver ID       the driver, see hearthctl drivers
        --id ID           the hub's name for the device; a known one is bound anew
        --patient P       whose readings these are; without it they wait
        --model M         the model, where the driver has to know it: bind asks
      release DEVICE      the port is nobody's again, until it is plugged in anew

      PORT is a node (ttyUSB0), one of its links, or where it is plugged in. A port
      that is nobody's is listened to by itself; some commands inflate a cuff, so that
      only identify --driver ever asks, and only what changes nothing on the device.

      examples:
        hearthctl serial list
        hearthctl serial identify ttyUSB0 --driver contec-v7
        hearthctl serial bind ttyUSB0 --driver contec-v7 --patient p-7f3a
      """, options: ["--driver", "--id", "--patient", "--model"], takesWords: true,
    methods: ["serial.list", "serial.identify", "serial.bind", "serial.release"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        69 no such port or device, or nothing recognised, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let what = arguments.words.first else {
      throw Failure.usage("expected list, identify, bind or release", hint: "hearthctl serial --help")
    }
    switch what {
    case "list":
      try arguments.atMost(1)
      try arguments.only([], for: "list")
      return try list(arguments)
    case "identify":
      try arguments.only(["--driver"], for: "identify")
      return try identify(arguments, try word(arguments, "a port", "hearthctl serial list shows them"))
    case "bind": return try bind(arguments, try word(arguments, "a port", "hearthctl serial list shows them"))
    case "release":
      try arguments.only([], for: "release")
      let device = try word(arguments, "a device", "hearthctl serial list shows the bound ones")
      var client = try DaemonClient(arguments)
      let answer = try client.call("serial.release", ["device": .string(device)])
      if arguments.isJSON {
        Terminal.line(answer)
      } else {
        Terminal.out("\(Terminal.clean(device)) is released; its readings stay\n")
      }
      return 0
    default:
      let near = Suggestion.nearest(to: what, among: ["list", "identify", "bind", "release"])
      throw Failure.usage(
        "\"\(what)\" is nothing that serial does", hint: near.map { "did you mean \($0)?" } ?? "hearthctl serial --help"
      )
    }
  }

  private static func word(_ arguments: Arguments, _ what: String, _ hint: String) throws(Failure) -> String {
    try arguments.atMost(2)
    guard arguments.words.count == 2 else { throw Failure.usage("expected \(what)", hint: hint) }
    return arguments.words[1]
  }

  private static func list(_ arguments: Arguments) throws(Failure) -> Int32 {
    var client = try DaemonClient(arguments)
    let answer = try client.list("serial.list", of: "ports")
    if arguments.isJSON {
      Terminal.line(answer.whole)
      return 0
    }
    guard !answer.items.isEmpty else {
      Terminal.out("no USB serial port is plugged in\n")
      return 0
    }
    var table = Table(
      ["PORT", "STATE", "DEVICE", "DRIVER", "ADAPTER", "PLUGGED IN AT"],
      leaving: ["PLUGGED IN AT", "ADAPTER", "DRIVER", "DEVICE"])
    for port in answer.items {
      table.rows.append([
        Show.text(port["node"]), state(port), Show.text(port["device"]), driver(port),
        Show.text(port["adapter"]?["text"]), Show.text(port["path"]),
      ])
    }
    Terminal.out(table.text())
    for port in answer.items {
      guard let message = port["message"]?.string else { continue }
      Terminal.out(Show.paragraph("  ", "\(port["node"]?.string ?? "-"): \(message)") + "\n")
      if let hint = port["hint"]?.string { Terminal.out(Show.paragraph("    ", "what to do: " + hint) + "\n") }
    }
    return 0
  }

  private static func state(_ port: JSONValue) -> String {
    let text = Show.text(port["state"])
    return port["connected"]?.bool == false ? text + ", closed" : text
  }

  private static func driver(_ port: JSONValue) -> String {
    let candidates = (port["candidates"]?.array ?? []).map { Show.text($0) }
    return candidates.isEmpty ? Show.text(port["driver"]) : candidates.joined(separator: " or ")
  }

  /// A whole round of listening takes half a minute.
  private static let patience: Int64 = 180_000

  private static func identify(_ arguments: Arguments, _ port: String) throws(Failure) -> Int32 {
    var parameters = JSONObject()
    parameters["port"] = .string(port)
    if let driver = arguments.value("--driver") { parameters["driver"] = .string(driver) }
    var conversation = try Conversation(arguments, signals: Signals.hold())
    defer { conversation.close() }
    if !arguments.isJSON, arguments.value("--driver") == nil {
      Terminal.out("listening; up to a minute, longer where something talks\n")
    }
    let id = try conversation.ask("serial.identify", .object(parameters))
    let deadline = Clocks.monotonic() + patience
    while Clocks.monotonic() < deadline {
      switch try conversation.next(until: deadline) {
      case .answer(id, .failure(let failure)): throw failure
      case .answer(id, .success(let value)):
        if arguments.isJSON { Terminal.line(value) } else { Terminal.out(text(value, port)) }
        return ["recognised", "confirmed"].contains(value["outcome"]?.string) ? 0 : 69
      case .interrupted: return 1
      default: continue
      }
    }
    throw Failure(status: 75, code: "timeout", message: "the daemon does not come to an end", hint: "hearthctl status")
  }

  private static func text(_ value: JSONValue, _ port: String) -> String {
    let name = Terminal.clean(port)
    let candidates = (value["candidates"]?.array ?? []).map { Show.text($0["driver"]) }
    switch value["outcome"]?.string {
    case "recognised": return "\(name): \(candidates.first ?? "-")\n"
    case "ambiguous":
      return "\(name): \(candidates.joined(separator: " or ")); look at the device, then hearthctl serial bind\n"
    case "confirmed":
      let told = ["manufacturer", "model", "serial"].compactMap { key in
        value["device"]?[key]?.string.map { "\(key) \(Terminal.clean($0))" }
      }
      let driver = Show.text(value["driver"])
      return
        "\(name): \(driver), \(Show.text(value["settings"]))\(told.isEmpty ? "" : "; " + told.joined(separator: ", "))\n"
        + "hearthctl serial bind \(name) --driver \(driver) makes it a device\n"
    case "denied": return "\(name): no answer that this driver knows\n"
    case "unknown": return "\(name): something talks, and no driver knows it\n"
    default: return "\(name): nothing was heard; scales and cuffs speak only when they are used\n"
    }
  }

  /// How often a person is asked for the model before it is left open.
  private static let mostQuestions = 3

  /// What a person at the terminal says where the driver has to know the model; nil where it need not, nobody is there, or nobody knows.
  private static func modelFromPerson(_ arguments: Arguments, _ driver: String) -> String? {
    guard !arguments.isJSON, Confirmation.isInteractive, let question = Registry.profile(id: driver)?.modelQuestion
    else {
      return nil
    }
    let answers = question.answers.joined(separator: ", ")
    Terminal.out(Show.paragraph("", "This driver has to know the model: \(question.question).") + "\n")
    for _ in 0..<mostQuestions {
      Terminal.out("Model (\(answers); Enter if nobody knows): ")
      guard let line = readLine(strippingNewline: true) else { return nil }
      let model = line.split(separator: " ").joined(separator: " ")
      guard !model.isEmpty else { return nil }
      if question.isAnswered(model) { return model }
      Terminal.out("\(Terminal.clean(model)) does not answer it.\n")
    }
    return nil
  }

  private static func bind(_ arguments: Arguments, _ port: String) throws(Failure) -> Int32 {
    guard let driver = arguments.value("--driver") else {
      throw Failure.usage("expected --driver ID", hint: "hearthctl drivers lists them")
    }
    var parameters = JSONObject()
    parameters["port"] = .string(port)
    parameters["driver"] = .string(driver)
    if let id = arguments.value("--id") { parameters["id"] = .string(id) }
    if let patient = arguments.value("--patient") { parameters["patient"] = .string(patient) }
    if let model = arguments.value("--model") ?? modelFromPerson(arguments, driver) {
      parameters["model"] = .string(model)
    }
    var client = try DaemonClient(arguments)
    let answer = try client.call("serial.bind", .object(parameters))
    if arguments.isJSON {
      Terminal.line(answer)
    } else {
      let name = Show.text(answer["bound"])
      Terminal.out("\(Terminal.clean(port)) is device \(name) (\(Show.text(answer["driver"])))\n")
      if let question = answer["asks"]?["question"]?.string {
        let answers = (answer["asks"]?["answers"]?.array ?? []).map { "--model \"\(Show.text($0))\"" }
        let until = Show.text(answer["asks"]?["until_then"])
        Terminal.out(Show.paragraph("  ", "\(Terminal.clean(question)). Until then \(until).") + "\n")
        let again = "bind it again with --id \(name) and \(answers.joined(separator: " or "))"
        Terminal.out(Show.paragraph("    ", "what to do: \(again)") + "\n")
      }
    }
    return 0
  }
}
