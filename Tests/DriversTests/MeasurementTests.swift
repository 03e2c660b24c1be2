// What one measurement is: streams, printed lines, loads that stay, chairs that are tared, lines that were damaged.

import Octets
import Readings
import Testing

@testable import Drivers

private func a(_ weight: String, _ header: String = "ST") -> String { "\(header),+\(weight) kg\r\n" }
private func net(_ weight: String, _ kind: String, _ header: String = "ST") -> String {
  "\(header),\(kind),+\(weight)kg\r\n"
}
private func sics(_ weight: String, _ state: String = "S") -> String { "S \(state) \(weight) kg\r\n" }
private func packet(_ weight: String, tare: String = "0.0") -> String {
  "\u{1B}R\u{1B}I0\u{1B}W\(weight)\u{1B}H0.0\u{1B}B0.0\u{1B}T\(tare)\u{1B}Nm\u{1B}E"
}

@Suite struct MeasurementTests {
  // MARK: Streams

  @Test func aWeightCountsWhenThreeLinesSayIt() throws {
    var scale = try ScaleBench("and-scale")
    scale.say(a("00078.40"), 2, every: 100)
    scale.say(a("00078.45"), 2, every: 100)
    #expect(scale.values == [])
    scale.say(a("00078.40"), 3, every: 100)
    #expect(scale.values == [], "the load has not left")
    scale.say(a("00000.00"), 2, every: 100)
    #expect(scale.values == ["00078.40"].map { String($0.dropFirst(3)) })
  }

  /// One bit of every third stable line is wrong: 78.4 becomes 68.4; one bad line in sixty says 18.4.
  @Test func aDamagedLineIsNoWeightAndEndsNoLoad() throws {
    var scale = try ScaleBench("and-scale")
    for number in 0..<90 {
      scale.say(a(number % 3 == 2 && number < 60 ? "00068.40" : "00078.40"))
      scale.pass(100)
    }
    for number in 0..<600 {
      scale.say(a(number % 60 == 30 ? "00018.40" : "00078.40"))
      scale.pass(100)
    }
    scale.say(a("00000.00"), 5, every: 100)
    #expect(scale.values == ["78.40"])
  }

  @Test func theLastStableWeightBeforeTheLoadLeavesIsTheMeasurement() throws {
    var scale = try ScaleBench("and-scale")
    // A bag, then somebody with it; leaning on something, then upright; still settling, then settled.
    scale.say(a("00003.20"), 10, every: 100)
    scale.say(a("00040.00", "US"), 3, every: 100)
    scale.say(a("00076.00"), 8, every: 100)
    scale.say(a("00077.00", "US"), 3, every: 100)
    scale.say(a("00074.00"), 8, every: 100)
    scale.say(a("00079.90"), 20, every: 100)
    #expect(scale.values == [])
    scale.say(a("00030.00", "US"), 3, every: 100)
    #expect(scale.values == ["79.90"])
    scale.say(a("00000.00"), 20, every: 100)
    scale.pass(20_000)
    #expect(scale.values == ["79.90"])
  }

  @Test func aWeightThatStaysIsGivenAfterTenSecondsAndOnce() throws {
    var scale = try ScaleBench("and-scale")
    scale.say(a("00080.00"), 99, every: 100)
    #expect(scale.values == [])
    scale.say(a("00080.00"), 10, every: 100)
    #expect(scale.values == ["80.00"])
    scale.say(a("00080.10"), 3000, every: 100)
    #expect(scale.values == ["80.00"], "somebody who breathes")
    scale.say(a("00081.20"), 200, every: 100)
    #expect(scale.values == ["80.00", "81.20"], "two persons within two per cent")
  }

  @Test func loadsWithAMomentOfZeroBetweenThemAreTwo() throws {
    var scale = try ScaleBench("and-scale")
    for weight in ["00072.15", "00064.40", "00072.15"] {
      scale.say(a(weight), 5, every: 1000)
      scale.say(a("00000.00"), 1, every: 1000)
    }
    scale.pass(10_000)
    #expect(scale.values == ["72.15", "64.40", "72.15"])
  }

  // MARK: Chairs

  @Test(arguments: ["cas", "and-scale"]) func aGrossWeightThatTAREFollowsIsWithdrawn(_ id: String) throws {
    var scale = try ScaleBench(id)
    scale.say(net("  20.0", "GS"), 40, every: 100)
    scale.say(net("   0.0", "NT"), 10, every: 100)
    scale.say(net("  40.0", "NT", "US"), 5, every: 100)
    scale.say(net("  80.0", "NT"), 30, every: 100)
    scale.say(net("   0.0", "NT"), 30, every: 100)
    #expect(scale.values == ["80.0"])
    #expect(scale.codes == ["tared"])
  }

  @Test func aHealthOMeterTellsItsTare() throws {
    var scale = try ScaleBench("healthometer-esc")
    scale.say(packet("20.0"), 5, every: 1000)
    scale.say(packet("0.0", tare: "20.0"), 3, every: 1000)
    scale.say(packet("80.0", tare: "20.0"), 5, every: 1000)
    scale.pass(5000)
    #expect(scale.values == ["80.0"])
  }

  @Test func anMTSICSScaleTellsThatTAREWasPressed() throws {
    var scale = try ScaleBench("mt-sics")
    scale.say(sics("20.00"), 4, every: 1000)
    scale.say("TA A      20.00 kg\r\n")
    scale.say(sics("0.00"), 4, every: 1000)
    scale.say(sics("80.00"), 4, every: 1000)
    scale.say(sics("0.00"), 4, every: 1000)
    #expect(scale.values == ["80.00"])
  }

  // MARK: Printed lines

  @Test func aPrintedLineCountsWhenSilenceFollows() throws {
    var scale = try ScaleBench("and-scale")
    scale.say(a("00072.15"))
    scale.pass(2900)
    #expect(scale.values == [])
    scale.pass(200)
    #expect(scale.values == ["72.15"])
    // PRINT twice, and a little shifted.
    scale.pass(5000)
    scale.say(a("00072.20"))
    scale.pass(5000)
    #expect(scale.values == ["72.15"])
    scale.say(a("00072.95"))
    scale.pass(5000)
    #expect(scale.values == ["72.15", "72.95"], "somebody else")
  }

  /// A bit of the last zero of a stream is wrong.
  @Test func aLoneWeightBehindZerosIsNone() throws {
    for zeros in 1...5 {
      var scale = try ScaleBench("and-scale")
      scale.say(a("00080.00"), 5, every: 100)
      scale.say(a("00000.00"), zeros, every: 100)
      scale.say(a("00000.20"))
      scale.pass(5000)
      #expect(scale.values == ["80.00"], "behind \(zeros)")
    }
    var scale = try ScaleBench("and-scale")
    scale.say(a("00000.00"), 3, every: 1000)
    scale.say(a("00072.15"), 2, every: 1000)
    scale.pass(5000)
    #expect(scale.values == ["72.15"], "two are not damaged alike")
  }

  @Test func aScaleThatIsAskedIsSilentOnlyWhenItDoesNotAnswer() throws {
    var scale = try ScaleBench("kern")
    scale.say("   72.150 kg \r\n")
    // The hub was stopped: it asks late.
    scale.hold(20_000)
    #expect(scale.values == [])
    scale.say("   64.450 kg \r\n", 3, every: 1000)
    scale.pass(5000)
    #expect(scale.values == ["64.450"])
  }

  @Test func anIntervalOfPrintsIsOneMeasurement() throws {
    var scale = try ScaleBench("and-scale")
    scale.say(a("00072.15"), 10, every: 5000)
    #expect(scale.values == ["72.15"])
    #expect(scale.records == 1, "a record only when it changes")
    scale.pass(WeighingRuleTimes.forget)
    scale.say(a("00072.15"), 1, every: 5000)
    #expect(scale.values == ["72.15", "72.15"], "the next day")
  }

  @Test func aCutLineAndLinesThatDisagreeAreNone() throws {
    var scale = try ScaleBench("and-scale")
    scale.say("ST,+00072.1")
    scale.pass(10_000)
    #expect(scale.values == [])
    scale.say("\r\n")
    scale.say(a("00040.10"))
    scale.say(a("00078.90"))
    scale.pass(10_000)
    #expect(scale.values == [] && scale.codes.contains("no-agreement"))
  }

  @Test func aRiceLakeTicketIsItsNetWeight() throws {
    var scale = try ScaleBench("healthometer-esc")
    scale.say(
      "GROSS WEIGHT 235.0 LB\r\nTARE WEIGHT 20.0 LB\r\nNET WEIGHT 215.0 LB\r\nPATIENT HEIGHT 6-01.0 FT\r\nPATIENT BMI 28.4\r\n"
    )
    scale.pass(4000)
    #expect(scale.values == ["215.0"] && scale.codes.isEmpty)
    scale.say("    180.6 lb Net   \r\n")
    scale.pass(4000)
    #expect(scale.values == ["215.0", "180.6"])
  }

  // MARK: Health o meter

  @Test func withoutAModelTheSafeRuleHolds() throws {
    var scale = try ScaleBench("healthometer-esc")
    for weight in ["40.1", "78.9", "81.0", "81.2", "81.2", "81.2"] { scale.say(packet(weight), 1, every: 1000) }
    scale.pass(4000)
    #expect(scale.values == ["81.2"])
    var damaged = try ScaleBench("healthometer-esc")
    damaged.say("\u{1B}R\u{1B}I0\u{1B}W4\u{7F}.1\u{1B}Nm\u{1B}E")
    for weight in ["11.2", "81.2", "81.2", "81.2"] { damaged.say(packet(weight), 1, every: 1000) }
    damaged.pass(4000)
    #expect(damaged.values == ["81.2"])
  }

  @Test func aModelSaysWhetherALonePacketCounts() throws {
    for (model, expected) in [("600KL", []), ("500KL", ["72.1"]), (nil, ["72.1"])] as [(String?, [String])] {
      var scale = try ScaleBench("healthometer-esc", model: model)
      scale.say(packet("72.1"))
      scale.pass(4000)
      #expect(scale.values == expected, "\(model ?? "-")")
    }
    var locked = try ScaleBench("healthometer-esc", model: "500KL")
    locked.say(packet("72.1"), 2, every: 1000)
    locked.pass(4000)
    locked.say(packet("72.1"))
    locked.pass(4000)
    #expect(locked.values == ["72.1"], "a recall is no measurement")
  }

  // MARK: Restarts

  @Test func aRestartAndAnUnpluggingMakeNoSecondMeasurement() throws {
    var scale = try ScaleBench("and-scale")
    scale.say(a("00080.00"), 50, every: 100)
    for _ in 0..<3 {
      try scale.restart()
      scale.say(a("00080.00"), 150, every: 100)
    }
    try scale.restart(after: 100_000, isKilled: true)
    scale.say(a("00080.00"), 150, every: 100)
    #expect(scale.values == ["80.00"] && scale.records == 1)
    scale.say(a("00000.00"), 10, every: 100)
    scale.say(a("00080.00"), 150, every: 100)
    #expect(scale.values == ["80.00", "80.00"])
  }

  @Test func aPrintIsOneOverARestart() throws {
    var scale = try ScaleBench("and-scale")
    for _ in 0..<3 {
      scale.say(a("00072.15"), 1, every: 5000)
      try scale.restart()
    }
    #expect(scale.values == ["72.15"])
  }

  // MARK: Special values

  @Test(arguments: [
    ("and-scale", "OL,+9999999E+19\r\n", "above-range"), ("cas", "OL,GS,+  72.0kg\r\n", "above-range"),
    ("mt-sics", "S +\r\n", "above-range"), ("mt-sics", "S -\r\n", "below-range"), ("kern", "       Error\r\n", "error"),
    ("kern", "+0026.90 G E\r\n", "error"), ("toledo-8217", "\u{02}?B\r", "above-range"),
    ("toledo-8217", "\u{02}?D\r", "below-range"), ("toledo-8217", "\u{02}?H\r", "not-performed"),
  ])
  func aSpecialValueIsToldOnceAndIsNoNumber(_ id: String, _ line: String, _ reason: String) throws {
    var scale = try ScaleBench(id, model: id == "toledo-8217" ? "8217 kg" : nil)
    scale.say(line, 20, every: 500)
    scale.pass(5000)
    #expect(scale.values == [reason])
    #expect(scale.codes.count == 1)
  }

  @Test func aToledoThatIsNotZeroedHasNoWeight() throws {
    var scale = try ScaleBench("toledo-continuous")
    func frame(_ swa: UInt8, _ swb: UInt8, _ weight: String) -> [UInt8] {
      let octets = [0x02, swa, swb, 0x20] + Array((weight + "000000\r").utf8)
      return octets + [(0 &- Checksum.sum8(octets)) & 0x7F]
    }
    for _ in 0..<10 { scale.hear(frame(0x2C, 0x70, "007215")) }
    scale.pass(5000)
    #expect(scale.values == ["not-performed"])
    // A clone has other fixed bits.
    for _ in 0..<5 { scale.hear(frame(0x54, 0x30, "007215")) }
    scale.pass(5000)
    #expect(scale.values == ["not-performed", "72.15"])
  }

  @Test(arguments: [
    "Z A\r\nZ I\r\nZ +\r\nZ -\r\nZI D\r\nZI S\r\n", "I0 B 0 \"I0\"\r\nI0 A 1 \"D\"\r\nI1 A \"01\"\r\nI5 A \"123\"\r\n",
    "I4 A \"0123456789\"\r\n", "T S      20.00 kg\r\nTI D      20.00 kg\r\nTA A      20.00 kg\r\n", "TAC A\r\n",
  ])
  func anAnswerToSomebodyElseIsNeitherWeightNorMalformed(_ lines: String) throws {
    var scale = try ScaleBench("mt-sics")
    scale.say(lines)
    scale.pass(5000)
    #expect(scale.values == [] && scale.codes == [])
  }

  @Test(arguments: [
    ("ST,G ,+  72.15kg\r\n", "72.15"), ("ST,N ,   72.15 kg\r\n", "72.15"), ("ST,G,+  72.15kg\r\n", "72.15"),
    ("ST,OK,+0072.150 kg\r\n", "72.150"), ("ST,--,+0072.150 kg\r\n", "72.150"), ("ST,GS    72.5kg  \r\n", "72.5"),
    ("ST,GS,   72.5 kg\r\n", "72.5"), ("HD,+00072.15 kg\r\n", ""), ("LO,GS,        kg\r\n", ""),
    ("ST,TR,+  72.15kg\r\n", ""), ("WT,072.1kg\r\n", ""), ("MT,053.4kg\r\n", ""), ("I\r\n", ""), ("?\r\n", ""),
  ])
  func dialectsOfOneFamily(_ line: String, _ weight: String) throws {
    var scale = try ScaleBench("cas")
    scale.say(line)
    scale.pass(4000)
    #expect(scale.values == (weight.isEmpty ? [] : [weight]))
  }
}

/// Times of the rule that tests wait for.
enum WeighingRuleTimes {
  static let forget = Int64(WeighingRule.forgetMilliseconds)
}
