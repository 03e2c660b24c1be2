// A recorded stream of a serial protocol, decoded without a device: what `hearthctl decode serial` shows.

internal import Octets
internal import Readings

/// Decodes streams by protocol id.
package enum SerialDecoding {
  /// How many frames are told one by one; the readings hold what matters of a long recording.
  private static let mostFrames = 50

  /// The protocols that are known, by their ids: those with a driver in the registry's order, then those of which only the hub's
  /// half is.
  package static var protocols: [String] { SerialFamily.all.map(\.id) + HubCommands.withoutDriver }

  /// A driver that takes a recording; nil when there is none of this id on a line.
  static func recordingDriver(_ id: String, everyFrame: Bool = false, model: String? = nil) -> (any Driver)? {
    guard let family = SerialFamily.of(id) else { return nil }
    var context = DriverContext(model: model, everyFrame: everyFrame)
    context.isRecording = true
    return family.profile.make(context)
  }

  /// Decodes a stream; nil when no decoder knows the protocol. Each complete measurement by the driver's rule, or with
  /// `everyFrame` each valid frame. `values` holds what the device told about itself, the number of valid frames and what the
  /// first of them say; a stream without any is malformed (`holdsFrames`). A stream of nothing but a hub's commands gives those.
  package static func decode(protocol id: String, octets: [UInt8], everyFrame: Bool, model: String? = nil) -> Decoded? {
    if let commands = HubCommands.all(id, octets) { return told(commands) }
    guard !HubCommands.withoutDriver.contains(id) else {
      let message = "of this protocol only what a hub says is known, and these octets are none of it"
      return Decoded(problems: [DriverProblem(code: "no-frames", message: message, offset: 0)])
    }
    guard let line = SerialFamily.of(id)?.line, var driver = recordingDriver(id, everyFrame: everyFrame, model: model)
    else {
      return nil
    }
    var decoded = Decoded()
    for action in driver.handle(.received(octets)) + driver.handle(.closed) {
      switch action {
      case .reading(let reading): decoded.readings.append(reading)
      case .problem(let problem): decoded.problems.append(problem)
      case .property(let property): decoded.values.append(property.named)
      case .deviceClock(let stamp): decoded.values.append(NamedValue("device_clock", .text(stamp.text)))
      default: break
      }
    }
    let (count, first, truncated) = frames(line, octets)
    if let truncated { decoded.problems.append(truncated) }
    if count > 0 {
      decoded.values.append(NamedValue("frames", .integer(Int64(count))))
      decoded.values.append(NamedValue("first_frames", .list(first)))
    }
    return decoded
  }

  private static func told(_ commands: [HubCommand]) -> Decoded {
    var values = commands.count == 1 ? commands[0].decoded : []
    values.append(NamedValue("frames", .integer(Int64(commands.count))))
    values.append(NamedValue("first_frames", .list(commands.prefix(mostFrames).map { .object($0.decoded) })))
    return Decoded(values: values)
  }

  /// True when the stream held at least one valid frame of the protocol.
  package static func holdsFrames(_ decoded: Decoded) -> Bool {
    !decoded.readings.isEmpty || decoded.values.contains { $0.name == "frames" }
  }

  private static func frames<Line: LineProtocol>(
    _: Line.Type, _ octets: [UInt8]
  ) -> (count: Int, first: [DecodedValue], truncated: DriverProblem?) {
    var line = FramedLine<Line>()
    line.append(octets)
    var count = 0
    var first: [DecodedValue] = []
    while let item = line.next() {
      guard case .frame(let frame) = item else { continue }
      count += 1
      if first.count < mostFrames { first.append(.object(Line.values(frame))) }
    }
    return (count, first, line.finish())
  }
}

extension DeviceProperty {
  /// As a named value.
  var named: NamedValue {
    switch self {
    case .manufacturer(let text): NamedValue("manufacturer", .text(text))
    case .model(let text): NamedValue("model", .text(text))
    case .serial(let text): NamedValue("serial", .text(text))
    case .firmware(let text): NamedValue("firmware", .text(text))
    case .hardware(let text): NamedValue("hardware", .text(text))
    case .software(let text): NamedValue("software", .text(text))
    case .systemID(let text): NamedValue("system_id", .text(text))
    case .battery(let percent): NamedValue("battery", .integer(Int64(percent)))
    }
  }
}

extension DeviceStamp {
  var text: String {
    switch self {
    case .local(let fields): fields.description
    case .utc(let milliseconds): "\(milliseconds) ms since 1970"
    }
  }
}
