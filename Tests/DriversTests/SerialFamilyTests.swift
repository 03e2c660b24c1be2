// Every row of the serial families has all its parts, and what one family says is never taken for another's.

import Readings
import Testing

@testable import Drivers

@Suite struct SerialFamilyTests {
  /// The line settings of a family at which frames of other families are heard as well.
  private struct Line: CustomTestStringConvertible, Sendable {
    let capture: Capture
    let settings: SerialSettings
    var testDescription: String { "\(capture.name) at \(settings.text)" }
  }

  private static let lines: [Line] = Capture.all.flatMap { capture in
    (capture.headers["driver"].flatMap(SerialFamily.of)?.settings ?? []).map { Line(capture: capture, settings: $0) }
  }

  @Test(arguments: SerialFamily.all.map(\.id)) func aRowHasAllItsParts(_ id: String) throws {
    let family = try #require(SerialFamily.of(id))
    #expect(SerialFamily.all.count { $0.id == id } == 1)
    #expect(!family.settings.isEmpty, "its transport is serial")
    #expect(family.line.longestFrame > 0)
    #expect(Registry.profile(id: id)?.names == family.profile.names, "the registry has it")
    #expect(SerialDecoding.protocols.contains(id) && SerialDecoding.recordingDriver(id) != nil)
    if family.query != nil {
      #expect(family.commands != nil, "what is asked is told in words by decode serial")
      #expect(PortIdentification(driver: id) != nil)
    }
    for settings in family.settings {
      #expect(PortRecognition.schedule.contains { $0.soundsLike(settings) }, "it is listened for")
    }
    #expect(SerialFamilyTests.lines.contains { $0.capture.headers["driver"] == id }, "it has a capture")
  }

  /// A recorded session proves something, and at most what it is: where another family is certain too, a person decides.
  @Test(arguments: lines) private func noOtherTakesItsLine(_ line: Line) throws {
    let driver = try #require(line.capture.headers["driver"])
    var listener = LineListener(line.settings)
    for item in line.capture.items where item.source.isEmpty { listener.heard(item.octets, at: item.at) }
    let own = listener.scores.first { $0.driver == driver }
    if listener.heardOctets > 0, !line.capture.name.contains("noise") { #expect((own?.evidence ?? 0) > 0) }
    // Their frames are the same; only their pace differs, which 4800 baud hides.
    let twins: Set = ["bci", "contec-v5"]
    for other in listener.scores where other.isCertain && other.driver != driver {
      #expect(twins.isSuperset(of: [driver, other.driver]), "\(other)")
    }
  }
}
