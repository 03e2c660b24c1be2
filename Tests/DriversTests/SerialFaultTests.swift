// Lines and frames that are nearly good, of other models, of other settings: never another value, never a trap.

import Drivers
import JSON
import Octets
import Readings
import Testing

struct SerialFaultTests {
  private func decode(_ id: String, _ octets: [UInt8], model: String? = nil) throws -> Decoded {
    try #require(SerialDecoding.decode(protocol: id, octets: octets, everyFrame: true, model: model))
  }

  private func values(_ id: String, _ text: String, model: String? = nil) throws -> [String] {
    try decode(id, Array(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }), model: model).readings.map {
      let first = $0.observations.first
      let unit = (first?.reported?.unit ?? first?.term.unit)?.rawValue ?? ""
      return "\(first?.reported?.value ?? first?.value.decimal ?? .zero) \(unit)"
    }
  }

  @Test(arguments: [
    ("ST,+00072.15 kg\r\n", ["72.15 kg"]), ("ST,+00072.15 kg\r", ["72.15 kg"]), ("ST,+00072.15 kg\n", ["72.15 kg"]),
    ("WT,+00072.15 kg\r\n", []), ("ST,+00160.50 lb\r\n", ["160.50 [lb_av]"]),
    ("ST,+00011.35 st\r\n", ["11.35 [stone_av]"]), ("ST,+ 72.15  KG\r\n", ["72.15 kg"]),
    ("ST,-00072.15 kg\r\n", []), ("ST,-   72.15 kg\r\n", []), ("US,+00072.15 kg\r\n", []),
    ("OL,+9999999E+19\r\n", []), ("QT,+00072.15 kg\r\n", []), ("ST,+00000.00 kg\r\n", []),
    // A decimal comma, stones and pounds, a tare, no unit, two points.
    ("ST,+00072,15 kg\r\n", []), ("ST,+11 st 5.2 lb\r\n", []), ("ST,+11:05.2 lb\r\n", []),
    ("ST,TR,+  5.00kg\r\n", []), ("ST,PT,+  5.00kg\r\n", []), ("ST,+00072.15\r\n", []),
    ("ST,+000.72.15 kg\r\n", []), ("TOL,+00072.15 kg\r\n", []),
    // XON and NULs before a line pass; where an octet failed its parity the line is refused.
    ("\u{11}\0\0ST,+00072.15 kg\r\n", ["72.15 kg"]), ("ST,+000\u{0}2.15 kg\r\n", []),
    // A burst.
    ("ST,+00072.15 kg\r\nST,+00064.40 kg\r\nST,+00081.00 kg\r\n", ["72.15 kg", "64.40 kg", "81.00 kg"]),
  ])
  func aScaleWithHeaderAndUnit(_ text: String, _ expected: [String]) throws {
    #expect(try values("and-scale", text) == expected)
  }

  @Test(arguments: [
    ("ST,GS,+  72.15kg\r\n", ["72.15 kg"]), ("ST,NT,+  72.15kg\r\n", ["72.15 kg"]),
    ("ST,GS,- 72.15kg\r\n", []), ("US,GS,+  72.15kg\r\n", []), ("OL,GS,\r\n", []),
    ("ST,GS,\u{01}\u{C3},   72.15 kg\r\n", ["72.15 kg"]),
    ("ST,GS,\u{01}\u{C3}   72.15 kg\r\n", ["72.15 kg"]),
    // The number of the device is 10 or 13.
    ("ST,GS,\u{0A}\u{C3},   72.15 kg\r\nST,GS,\u{0D}\u{0A},   64.40 kg\r\n", ["72.15 kg", "64.40 kg"]),
    ("ST,GS,\r\nST,GS,+  64.40kg\r\n", ["64.40 kg"]), ("US,NT,\u{0A}\u{00},   72.15 kg\r\n", []),
  ])
  func aScaleWithGrossAndNet(_ text: String, _ expected: [String]) throws {
    #expect(try values("cas", text) == expected)
  }

  @Test(arguments: [
    ("S S      72.15 kg\r\n", ["72.15 kg"]), ("\u{11}S S     159.10 lb\r\n", ["159.10 [lb_av]"]),
    ("S D      72.15 kg\r\nS S     -72.15 kg\r\nS L\r\nS I\r\nS +\r\nS -\r\n", []),
    ("S S    11 st 5.2 lb\r\n", []), ("T S      72.15 kg\r\nTA A     72.15 kg\r\n", []),
    ("S S      72.15 kg\rS S      64.40 kg\n", ["72.15 kg", "64.40 kg"]),
  ])
  func aScaleThatIsAsked(_ text: String, _ expected: [String]) throws {
    #expect(try values("mt-sics", text) == expected)
  }

  @Test func aKernThatShowsWholeGrams() throws {
    #expect(try values("kern", "       72150 g \r\n") == ["72150 g"])
    #expect(try values("kern", "+    72.15 KG U\r\n+    72.15 KG E\r\n-    72.15 KG S\r\n") == [])
  }

  @Test func whatATechnicianSaidIsTheUnitOfAnOldToledo() throws {
    #expect(try values("toledo-8217", "\u{02}159.10\r", model: "8217 lb") == ["159.10 [lb_av]"])
    let without = try decode("toledo-8217", Array("\u{02}072.15\r".utf8))
    #expect(without.readings.isEmpty && without.problems.map(\.code) == ["unsupported-unit"])
    #expect(try values("toledo-8217", "\u{02}072.1\u{0}\r\u{02}?A\r", model: "8217 kg") == [])
  }

  @Test func aToledoOfEachPointAndSign() throws {
    func frame(_ a: UInt8, _ b: UInt8, _ weight: String) -> [UInt8] {
      let octets = [0x02, a, b, 0x20] + Array((weight + "000000\r").utf8)
      return octets + [(0 &- Checksum.sum8(octets)) & 0x7F]
    }
    func weights(_ octets: [UInt8]) throws -> [String] {
      try decode("toledo-continuous", octets).readings.compactMap {
        ($0.observations[0].reported?.value ?? $0.observations[0].value.decimal).map { "\($0)" }
      }
    }
    #expect(try weights(frame(0x3D, 0x30, " 72150") + frame(0x3A, 0x30, "    72")) == ["72.150", "72"])
    #expect(try weights(frame(0x39, 0x20, "    16")) == ["160"])
    // Negative, in motion, out of range.
    #expect(try weights(frame(0x3C, 0x32, "007215") + frame(0x3C, 0x38, "007215") + frame(0x3C, 0x34, "007215")) == [])
  }

  // MARK: Health o meter and Tanita

  private func packet(_ fields: String) -> String { "\u{1B}R\u{1B}I12\(fields)\u{1B}E" }

  @Test(arguments: [
    ("\u{1B}W 84.5\u{1B}H170.0\u{1B}B24.1\u{1B}Nm", ["84.5 kg"]),
    ("\u{1B}W184.50\u{1B}H\u{7F}?#\u{1B}B--\u{1B}Nc", ["184.50 [lb_av]"]), ("\u{1B}W999.9\u{1B}Nm", []),
    ("\u{1B}W999.99\u{1B}Nm", []), ("\u{1B}W-12.5\u{1B}Nm", []), ("\u{1B}W0.0\u{1B}Nm", []),
    ("\u{1B}W84.5\u{1B}H170.0", []), ("\u{1B}W8x.5\u{1B}Nm", []), ("\u{1B}W84.5\u{1B}W85.5\u{1B}Nm", []),
    ("\u{1B}H170.0\u{1B}Nm", []),
  ])
  func aHealthOMeter(_ fields: String, _ expected: [String]) throws {
    #expect(try values("healthometer-esc", packet(fields)) == expected)
    #expect(
      try values("healthometer-esc", "\0\u{11}" + packet(fields) + packet("\u{1B}W70.0\u{1B}Nm")) == expected + [
        "70.0 kg"
      ])
  }

  private func tanita(_ fields: String, check: String? = nil) -> String {
    let line = "{0,16,~0,1,~1,1,~2,1,\(fields),"
    return line + "CS," + (check ?? Hex.encode([Checksum.sum8(Array(line.utf8))]).uppercased()) + "}\r\n"
  }

  @Test func aTanitaLineIsReadByItsKeys() throws {
    #expect(try values("tanita-csv", tanita("MO,\"SC-240\",Wk,72.1,FW,18.0")) == ["72.1 kg"])
    #expect(try values("tanita-csv", tanita("MO,\"SC-240\",Wp,159.0")) == ["159.0 [lb_av]"])
    // A comma in a name makes no keys of values.
    #expect(try values("tanita-csv", tanita("MO,\"SC-240\",ID,\"A,Wk,99.0,B\",Wk,72.1")) == ["72.1 kg"])
    #expect(try values("tanita-csv", tanita("MO,\"SC-240\",Wk,0.0")) == [])
    // A check value is two digits: 05, not +5.
    for fields in (0..<256).map({ "MO,\"SC-240\",ID,\"\($0)\",Wk,72.1" }) where tanita(fields).contains("CS,05") {
      #expect(try values("tanita-csv", tanita(fields)) == ["72.1 kg"])
      #expect(try values("tanita-csv", tanita(fields, check: "+5")) == [])
    }
  }

  // MARK: Oximeters and cuffs

  @Test func aNoninWithoutSensorSaysSo() throws {
    let decoded = try decode("nonin-8", [0xC0, 72, 97, 0, 0x80, 72, 97, 0])
    #expect(decoded.readings.count == 1 && decoded.problems.isEmpty)
    #expect(decoded.frames.map { $0["sensorDisconnected"] } == [.flag(true), .flag(false)])
  }

  @Test func aMasimoWhoseClockWasNeverSetIsReadWithoutTime() throws {
    let line = "00/00/00 00:00:00 SN=0000056661 SPO2=098% BPM=097 PI=03.60% ALARM=0000 EXC=000800\r\n"
    let decoded = try decode("masimo-ascii1", [0, 0] + Array(line.utf8))
    #expect(decoded.readings.count == 1 && decoded.readings[0].time == nil && decoded.problems.isEmpty)
  }

  @Test(arguments: [("AO", 1), ("LP", 0), ("PS", 0), ("SD", 0), ("MO", 1), ("", 1)])
  func aNellcorWithoutPulseGivesNothing(_ status: String, _ count: Int) throws {
    let line = "07-JAN-04 11:24:50   100*    105      88   \(status)\r\n"
    #expect(try decode("nellcor-ascii", Array(line.utf8)).readings.count == count)
  }

  @Test func halfAModelIsNone() throws {
    let second = try Hex.decode("0281ffaba0a0a0a0a0")
    #expect(try decode("contec-v7", second).values.map(\.name) == ["frames", "first_frames"])
  }

  @Test func aCuffThatCountedNoPulseHasNone() throws {
    for pulse: UInt8 in [0, 255] {
      var frame: [UInt8] = [0x51, 0x26, 128, 95, 80, pulse, 0xA5]
      frame.append(Checksum.sum8(frame))
      let reading = try #require(try decode("taidoc", frame, model: "TD-3128").readings.first)
      #expect(reading.observations.first { $0.term == .cuffPulse }?.value == .absent(.notPerformed))
    }
  }

  @Test func aBeurerRecordWithAnotherHeaderIsOne() throws {
    let records = try Hex.decode("55" + "02" + "016739420b15072d1a" + "ff743f470b1513031a")
    let decoded = try decode("beurer-serial", records)
    #expect(decoded.readings.count == 2 && decoded.problems.isEmpty)
  }

  // MARK: Changed octets

  /// The readings of protocols with a check value over them.
  private static let checked: Set<String> = [
    "taidoc", "nonin-13", "nonin-2", "nonin-7", "and-tm265x", "suntech", "tanita-csv",
  ]

  /// Every octet of short frames changed to every other, in longer ones bit by bit: no trap, and where a check value covers the
  /// frame no other reading.
  @Test(arguments: SerialVector.decodable.filter { $0.expected["error"] == nil && $0.expected["checksumOk"] != false })
  func everyChangeOfEveryPublishedOctetIsSurvived(_ vector: SerialVector) throws {
    let good = try vector.decoded().readings.map(\.observations)
    let changes: [UInt8] = vector.octets.count <= 24 ? Array(1...255) : [1, 2, 4, 8, 16, 32, 64, 128, 255]
    // The segmental analyser's line has 1.1 kB: one octet of seven.
    for index in stride(from: 0, to: vector.octets.count, by: vector.octets.count > 400 ? 7 : 1) {
      for change in changes {
        var octets = vector.octets
        octets[index] ^= change
        let decoded = try #require(
          SerialDecoding.decode(protocol: vector.protocolID, octets: octets, everyFrame: true))
        guard SerialFaultTests.checked.contains(vector.protocolID) else { continue }
        let readings = decoded.readings.map(\.observations)
        #expect(readings.isEmpty || readings == good, "\(vector.id) octet \(index) ^ \(change)")
      }
    }
  }
}
