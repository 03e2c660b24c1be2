// hearthctl decode: the decoders without a device. What support, tests and a developer with a capture need.

import ControlProtocol
import Drivers
import Exchange
import GatewayCore
import Glibc
import JSON
import Octets
import Platform
import Playback
import Readings
import ZoneFiles
import Zones
import Ledger

enum DecodeVerb {
  static let verb = Verb(
    name: "decode", summary: "what octets mean, without a device",
    usage: """
      gatt SERVICE CHARACTERISTIC HEX
             hearthctl decode adv HEX --service UUID | --company ID
             hearthctl decode serial PROTOCOL [FILE|-] [--hex] [--every-frame]
             hearthctl decode capture FILE [--driver DRIVER]
           each with [--model NAME] [--timezone ZONE] [--received INSTANT]
      """,
    text: """
      Works without a daemon. Prints one line:
      {"readings": […], "values": {…}, "problems": […]}

      capture replays a file of "hearthctl capture" against its driver, or against
      the one that is named; it is received when it was recorded.

      examples:
        hearthctl decode gatt 1810 2A35 1e8a00580078000000041114293b3c00012700
        hearthctl decode serial contec-v7 --hex --every-frame - < capture.txt
        hearthctl decode capture cuff.capture
        hearthctl decode capture cuff.capture --driver blood-pressure
      """, options: ["--model", "--timezone", "--received", "--service", "--company", "--driver"],
    flags: ["--hex", "--every-frame"], takesWords: true,
    exit: """
      0 understood (also when the device says that its measurement failed),
        64 usage, 65 malformed, 69 no decoder knows it or no such file,
        77 the file may not be read
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let kind = arguments.words.first else {
      throw Failure.usage("expected gatt, adv, serial or capture", hint: "hearthctl decode --help")
    }
    let words = Array(arguments.words.dropFirst())
    let common = ["--model", "--timezone", "--received"]
    switch kind {
    case "gatt":
      try arguments.atMost(4)
      try arguments.only(common, for: "decode gatt")
      return try gatt(words, arguments)
    case "adv":
      try arguments.atMost(2)
      try arguments.only(common + ["--service", "--company"], for: "decode adv")
      return try advertisement(words, arguments)
    case "serial":
      try arguments.atMost(3)
      try arguments.only(common + ["--hex", "--every-frame"], for: "decode serial")
      return try serial(words, arguments)
    case "capture":
      try arguments.atMost(2)
      try arguments.only(common + ["--driver"], for: "decode capture")
      return try capture(words, arguments)
    default:
      throw Failure.usage("expected gatt, adv, serial or capture, not \"\(kind)\"", hint: "hearthctl decode --help")
    }
  }

  /// A recorded session against a driver.
  private static func capture(_ words: [String], _ arguments: Arguments) throws(Failure) -> Int32 {
    guard let path = words.first else { throw Failure.usage("expected FILE", hint: "hearthctl decode --help") }
    let octets = try InputFile.read(path, atMost: 4 << 20, hint: "name a file that hearthctl capture wrote")
    var capture: CaptureFile
    do throws(CaptureError) {
      capture = try CaptureFile(String(decoding: octets, as: UTF8.self))
    } catch {
      throw Failure(
        status: 65, code: "malformed", message: "\(path):\(error.line): \(error.message)",
        hint: "it is no recorded session; hearthctl capture makes one")
    }
    let id = arguments.value("--driver") ?? capture.headers["driver"]
    guard let id else {
      throw Failure.usage("\(path) names no driver", hint: "name one: --driver DRIVER; hearthctl drivers lists them")
    }
    guard let profile = Registry.profile(id: id) else {
      let near = Suggestion.nearest(to: id, among: Registry.ids)
      throw Failure(
        status: 69, code: "no-decoder", message: "there is no driver \"\(id)\"",
        hint: near.map { "did you mean \($0)?" } ?? "hearthctl drivers")
    }
    if let model = arguments.value("--model") { capture.headers["model"] = model }
    let isSerial: Bool
    if case .serial = profile.transport { isSerial = true } else { isSerial = false }
    guard isSerial == (capture.transport == .serial) else {
      throw Failure(
        status: 69, code: "other-transport",
        message:
          "\(path) was recorded over \(capture.transport.rawValue), the driver \(id) speaks over another transport",
        hint: "hearthctl drivers shows over which")
    }
    let replay = CaptureReplay.run(capture, profile)
    var context = try intake(arguments, isSerial ? .serial : .ble)
    context.device.id = "capture"
    context.device.model = capture.headers["model"] ?? context.device.model
    context.isReplay = false
    if arguments.value("--received") == nil, let local = DriverContext(recorded: capture.headers).localTime,
      let began = recorded(local, capture.headers["zone"], context.zone)
    {
      context.now.wall = began
    }
    let began = context.now.wall
    var decoded = Decoded(problems: replay.problems)
    decoded.values = replay.properties.map { NamedValue(word($0).name, .text(word($0).text)) }
    if !replay.answers.isEmpty {
      decoded.values.append(NamedValue("answers", .list(replay.answers.map { .text($0.message) })))
    }
    if let clock = replay.clock {
      context.now.wall = began + clock.at
      context.clock = Intake.clock(clock.stamp, zone: context.zone, now: context.now)
    }
    let readings = replay.readings.map { item -> [UInt8] in
      context.now.wall = began + item.at
      return ReadingJSON.encode(Intake.normalise(item.reading, context))
    }
    print(decoded, readings)
    return 0
  }

  /// When a session was recorded, by the clock and the zone of its hub: quarter hours east, and daylight saving.
  private static func recorded(_ local: DeviceDateTime, _ zone: String?, _ rules: TimeZoneRules) -> Int64? {
    guard
      let civil = CivilTime(
        year: Int(local.year), month: Int(local.month), day: Int(local.day), hour: Int(local.hours),
        minute: Int(local.minutes), second: Int(local.seconds))
    else { return nil }
    let quarters = (zone ?? "").split(separator: " ").compactMap { Int64($0) }
    if quarters.count == 2 {
      return (TimeZoneRules.utc.resolve(civil, received: 0).0 - (quarters[0] + quarters[1]) * 900) * 1000
    }
    return rules.resolve(civil, received: 0).0 * 1000
  }

  private static func word(_ property: DeviceProperty) -> (name: String, text: String) {
    switch property {
    case .manufacturer(let text): ("manufacturer", text)
    case .model(let text): ("model", text)
    case .serial(let text): ("serial", text)
    case .firmware(let text): ("firmware", text)
    case .hardware(let text): ("hardware", text)
    case .software(let text): ("software", text)
    case .systemID(let text): ("system_id", text)
    case .battery(let percent): ("battery", "\(percent)")
    }
  }

  private static func gatt(_ words: [String], _ arguments: Arguments) throws(Failure) -> Int32 {
    guard words.count == 3 else {
      throw Failure.usage("expected SERVICE CHARACTERISTIC HEX", hint: "hearthctl decode --help")
    }
    let service = try uuid(words[0])
    let characteristic = try uuid(words[1])
    let intake = try intake(arguments, .ble)
    let context = GATTDecoding.Context(model: arguments.value("--model"))
    do throws(DecodeError) {
      let octets = try Hex.decode(words[2])
      guard
        let decoded = try GATTDecoding.decode(
          service: service, characteristic: characteristic, octets: octets, context: context)
      else { throw DecodeError(field: "", offset: 0, reason: .unsupported("")) }
      print(decoded, intake)
      return 0
    } catch {
      if error.code == "unsupported", error.field.isEmpty {
        throw Failure(
          status: 69, code: "no-decoder", message: "no decoder knows \(service)/\(characteristic)",
          hint: "hearthctl drivers lists what is supported")
      }
      return malformed(error, arguments)
    }
  }

  private static func advertisement(_ words: [String], _ arguments: Arguments) throws(Failure) -> Int32 {
    guard words.count == 1 else { throw Failure.usage("expected HEX", hint: "hearthctl decode --help") }
    var data: AdvertisedData
    switch (arguments.value("--service"), arguments.value("--company")) {
    case (let service?, nil): data = AdvertisedData(service: try uuid(service), octets: [])
    case (nil, let company?):
      let digits = company.hasPrefix("0x") || company.hasPrefix("0X") ? company.dropFirst(2) : company[...]
      // The conversion alone would take a sign.
      guard (1...4).contains(digits.utf8.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
        let id = UInt16(digits, radix: 16)
      else {
        throw Failure.usage("--company needs up to four hexadecimal digits, not \"\(company)\"")
      }
      data = AdvertisedData(company: id, octets: [])
    default: throw Failure.usage("expected one of --service UUID and --company ID", hint: "hearthctl decode --help")
    }
    let intake = try intake(arguments, .ble)
    do throws(DecodeError) {
      data.octets = try Hex.decode(words[0])
      if let decoded = try AdvertisementDecoding.decode(data) {
        print(decoded, intake)
        return 0
      }
    } catch {
      return malformed(error, arguments)
    }
    throw Failure(
      status: 69, code: "no-decoder", message: "no decoder knows this advertisement",
      hint: "hearthctl drivers lists what is supported")
  }

  private static func serial(_ words: [String], _ arguments: Arguments) throws(Failure) -> Int32 {
    guard let id = words.first else {
      throw Failure.usage("expected PROTOCOL [FILE|-]", hint: "hearthctl decode --help")
    }
    guard SerialDecoding.protocols.contains(id) else {
      let near = Suggestion.nearest(to: id, among: SerialDecoding.protocols)
      throw Failure(
        status: 69, code: "no-decoder", message: "no decoder knows the protocol \"\(id)\"",
        hint: near.map { "did you mean \($0)?" } ?? "known: \(SerialDecoding.protocols.joined(separator: ", "))")
    }
    let intake = try intake(arguments, .serial)
    var octets = try contents(words.count == 2 && words[1] != "-" ? words[1] : nil)
    if arguments.has("--hex") {
      do throws(DecodeError) {
        octets = try Hex.decode(String(decoding: octets, as: UTF8.self))
      } catch {
        return malformed(error, arguments)
      }
    }
    guard
      var decoded = SerialDecoding.decode(
        protocol: id, octets: octets, everyFrame: arguments.has("--every-frame"), model: arguments.value("--model"))
    else { throw Failure(status: 69, code: "no-decoder", message: "no decoder knows the protocol \"\(id)\"") }
    let holdsFrames = SerialDecoding.holdsFrames(decoded)
    if !holdsFrames, decoded.problems.isEmpty {
      let message = "none of \(Count.of(octets.count, "octet")) begins a valid frame of \(id)"
      decoded.problems = [DriverProblem(code: "no-frames", message: message)]
    }
    print(decoded, intake)
    guard !holdsFrames else { return 0 }
    if !arguments.isJSON, let problem = decoded.problems.first {
      let failure = Failure(
        status: 65, code: problem.code, message: "not understood as \(id): \(problem.message)",
        hint: "is it the right protocol? hearthctl drivers lists them; --hex reads hexadecimal text")
      Terminal.fail(failure, of: verb, asJSON: false)
    }
    return 65
  }

  /// The octets of a file, or of standard input where there is none.
  private static func contents(_ path: String?) throws(Failure) -> [UInt8] {
    let most = 256 << 20
    let hint = "name a file, or - for standard input"
    guard let path else { return try InputFile.standardInput(atMost: most, hint: hint) }
    var info = stat()
    if stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR || info.st_size > most {
      let why = "\(path) is \(info.st_mode & S_IFMT == S_IFDIR ? "a directory" : "longer than 256 MiB")"
      throw Failure(status: 69, code: "not-found", message: why, hint: hint)
    }
    return try InputFile.read(path, atMost: most, hint: hint)
  }

  private static func uuid(_ text: String) throws(Failure) -> BluetoothUUID {
    guard let uuid = BluetoothUUID(text) else {
      throw Failure.usage(
        "\"\(text)\" is no UUID", hint: "four hexadecimal digits such as 2A35, or the 36 characters of a UUID")
    }
    return uuid
  }

  /// Malformed octets have their one object as all others have; a person is told beside it.
  private static func malformed(_ error: DecodeError, _ arguments: Arguments) -> Int32 {
    Terminal.line(["readings": [], "values": [:], "problems": [json(DriverProblem(error))]])
    if !arguments.isJSON {
      let isText = error.field == "hex"
      let failure = Failure(
        status: 65, code: error.code,
        message: isText ? "the octets are not hexadecimal: \(error.message)" : "malformed octets: \(error.message)",
        hint: isText ? "two digits an octet, such as 1e8a00" : "are the octets whole, and of what was named?")
      Terminal.fail(failure, of: verb, asJSON: false)
    }
    return 65
  }

  private static func json(_ problem: DriverProblem) -> JSONValue {
    var object = JSONObject()
    object["code"] = .string(problem.code)
    object["message"] = .string(problem.message)
    object["offset"] = problem.offset.map { .int($0) } ?? .null
    return .object(object)
  }

  private static func print(_ decoded: Decoded, _ context: IntakeContext) {
    print(decoded, decoded.readings.map { ReadingJSON.encode(Intake.normalise($0, context)) })
  }

  private static func print(_ decoded: Decoded, _ readings: [[UInt8]]) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("readings")
    writer.beginArray()
    for reading in readings { writer.raw(reading) }
    writer.endArray()
    writer.key("values")
    writer.value(.object(object(decoded.values)))
    writer.key("problems")
    writer.value(.array(decoded.problems.map(json)))
    writer.endObject()
    Terminal.line(json: String(decoding: writer.octets, as: UTF8.self))
  }

  /// What the daemon would know: the zone and the moment of reception; without a device its identity is empty.
  private static func intake(_ arguments: Arguments, _ transport: TransportKind) throws(Failure) -> IntakeContext {
    var zone = TimeZoneRules.utc
    if let name = arguments.value("--timezone"), name != "UTC" {
      do throws(ZoneError) { zone = try ZoneDatabase.rules(of: name) } catch {
        throw Failure.usage("--timezone: \(error.message)", hint: "timedatectl list-timezones")
      }
    }
    var wall = Clocks.wall()
    if let text = arguments.value("--received") {
      guard let instant = ISO8601.instant(text) else {
        throw Failure.usage("--received needs an instant such as 2026-11-21T08:15:33+01:00, not \"\(text)\"")
      }
      wall = instant.milliseconds
    }
    var identity = DeviceIdentity(id: "decode", transport: transport)
    identity.model = arguments.value("--model")
    var context = IntakeContext(
      device: identity, zone: zone, now: Now(monotonic: 0, wall: wall, isSynchronised: true, bootID: ""))
    context.isReplay = true
    return context
  }

  private static func object(_ values: [NamedValue]) -> JSONObject {
    var object = JSONObject()
    for item in values { object[item.name] = json(item.value) }
    return object
  }

  private static func json(_ value: DecodedValue) -> JSONValue {
    switch value {
    case .text(let text): .string(text)
    case .integer(let number): .int(number)
    case .decimal(let decimal): .string(decimal.description)
    case .flag(let flag): .bool(flag)
    case .list(let list): .array(list.map(json))
    case .object(let members): .object(object(members))
    case .absent: .null
    }
  }
}
