// What the scales of MT-SICS, KERN, Health o meter and Tanita make of their lines, beyond the published octets.

import Drivers
import Octets
import Readings
import Testing

struct MoreScaleTests {
  private func driver(_ id: String, model: String? = nil) throws -> any Driver {
    try #require(Registry.profile(id: id)).make(DriverContext(model: model))
  }

  private func weights(_ actions: [DriverAction]) -> [String] {
    actions.compactMap {
      guard case .reading(let reading) = $0 else { return nil }
      return reading.observations.first.map { "\($0.reported?.value ?? $0.value.decimal ?? .zero)" }
    }
  }

  private func say(_ text: String, _ driver: inout any Driver) -> [DriverAction] {
    driver.handle(.received(Array(text.utf8)))
  }

  @Test func mtSICSAsksForIdentityAndWeightAndNothingElse() throws {
    var scale = try driver("mt-sics")
    let sent = (scale.handle(.opened) + scale.handle(.timer(2))).compactMap { action -> String? in
      guard case .transmit(let octets) = action else { return nil }
      return String(decoding: octets, as: UTF8.self)
    }
    #expect(sent == ["I2\r\n", "I4\r\n", "SI\r\n", "SI\r\n"])
    #expect(say("I4 A \"0123456789\"\r\n", &scale).first == .property(.serial("0123456789")))
    func lines(_ text: String, _ count: Int) -> String { String(repeating: text + "\r\n", count: count) }
    #expect(weights(say("S D      72.10 kg\r\n" + lines("S S      72.15 kg", 3), &scale)) == [])
    #expect(weights(say(lines("S S       0.00 kg", 2) + lines("S S      64.40 kg", 3), &scale)) == ["72.15"])
    #expect(weights(say("S S     100.00 pcs\r\nS S  -72.15 kg\r\nS I\r\nES\r\n", &scale)) == [])
    #expect(weights(scale.handle(.timer(1))) == ["64.40"], "silence")
  }

  /// It may have been switched off when the port was opened, or be another one than before the silence.
  @Test func mtSICSIsAskedForItsNumberAgainWhenItWasSilent() throws {
    var scale = try driver("mt-sics")
    func asks(_ actions: [DriverAction]) -> Int {
      actions.count { $0 == .transmit(Array("I4\r\n".utf8)) }
    }
    #expect(asks(scale.handle(.opened)) == 1)
    #expect(asks(say("S D      12.10 kg\r\nS D      72.10 kg\r\n", &scale)) == 1)
    #expect(asks(say("I4 A \"0123456789\"\r\nS S      72.15 kg\r\n", &scale)) == 0)
    #expect(asks(scale.handle(.timer(1))) == 0)
    #expect(asks(say("S S      72.15 kg\r\n", &scale)) == 1)
    #expect(asks(say("S S      72.15 kg\r\n", &scale)) == 0)
  }

  @Test func anMTSICSScaleOutOfItsRangeSaysSoOnce() throws {
    var scale = try driver("mt-sics")
    let codes = say("S +\r\nS +\r\n", &scale).compactMap { action -> String? in
      guard case .problem(let problem) = action else { return nil }
      return problem.code
    }
    #expect(codes == ["overload"])
  }

  @Test func aKernWeightWithoutUnitIsNotStable() throws {
    var scale = try driver("kern")
    #expect(weights(say("         72.150   \r\n", &scale) + scale.handle(.timer(1))) == [])
    #expect(weights(say(" M       72.150 kg \r\n", &scale) + scale.handle(.timer(1))) == ["72.150"])
    let grams = "          0.000 kg \r\n+ 64450.0 G U\r\n+ 64450.0 G S\r\n"
    #expect(weights(say(grams, &scale) + scale.handle(.timer(1))) == ["64450.0"])
    #expect(weights(say(" -       72.150 kg \r\n 150 kg \r\n", &scale) + scale.handle(.timer(1))) == [])
  }

  private func packet(_ weight: String, start: String = "\u{1B}R") -> String {
    "\(start)\u{1B}I0000000000\u{1B}W\(weight)\u{1B}H0.0\u{1B}B0.0\u{1B}T0.0\u{1B}Nm\u{1B}E"
  }

  @Test func aHealthOMeterStreamIsOneMeasurement() throws {
    var scale = try driver("healthometer-esc")
    func silent(_ actions: [DriverAction]) -> [String] { weights(actions + scale.handle(.timer(1))) }
    let stream = packet("72.1") + packet("72.1", start: "6R") + packet("72.1", start: "6R")
    #expect(silent(say(stream, &scale)) == ["72.1"])
    #expect(silent(say(packet("72.1"), &scale)) == [], "a lone packet with the weight before is a recall")
    #expect(silent(say(packet("0.0") + packet("64.4"), &scale)) == ["64.4"])
    #expect(silent(say(packet("0.0"), &scale)) == [])
    #expect(silent(say(packet("64.4", start: "6R"), &scale)) == ["64.4"], "the scale showed zero")
  }

  @Test func aHealthOMeterModelThatSendsUnlockedWeightsIsHeardThreeTimes() throws {
    var scale = try driver("healthometer-esc", model: "600KL")
    #expect(weights(say(packet("31.5") + packet("70.2") + packet("72.1"), &scale) + scale.handle(.timer(1))) == [])
    let thrice = packet("72.1") + packet("72.1") + packet("72.1")
    #expect(weights(say(thrice, &scale) + scale.handle(.timer(1))) == ["72.1"])
  }

  @Test func healthOMeterPoundsAndHeightAreTakenAndZeroHeightIsNot() throws {
    let vectors = SerialVector.all.filter { ["healthometer-01", "healthometer-03"].contains($0.id) }
    let readings = try vectors.map { try #require($0.decoded().readings.first) }
    #expect(readings.map { $0.observations.map(\.term.name) } == [["weight", "height", "bmi"], ["weight"]])
    #expect(readings[0].observations[0].reported?.unit == .pound)
    #expect(readings[0].observations[1].reported?.unit == .inch)
  }
}
