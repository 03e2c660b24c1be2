// Every serial driver in the real daemon, each on a pseudo terminal of its own: octet by octet and in pieces that fit nothing,
// behind half a frame or a damaged one. The readings are the same.

import Foundation
import Glibc
import Platform
import Testing

/// What a device of a driver says, and what the hub makes of it.
private struct Act: Sendable {
  var driver: String
  /// The first value of each reading.
  var expected: [String]
  var octets: [UInt8]
  /// What comes before: half a frame, or a damaged one.
  var fault: [UInt8] = []
  var model = ""
  /// What is answered to a question of the hub; nil: it is not asked, or not waited for.
  var answer: (@Sendable ([UInt8]) -> [UInt8])?

  static func text(_ driver: String, _ expected: String, _ line: String, times: Int = 1, model: String = "") -> Act {
    let octets = Array((line + "\r\n").utf8)
    return Act(
      driver: driver, expected: [expected], octets: (0..<times).flatMap { _ in octets },
      fault: octets.prefix(octets.count / 2) + [0xFF, 0x0D, 0x0A], model: model)
  }

  static func frames(_ driver: String, _ expected: String, _ frame: [UInt8], times: Int, fault: [UInt8]? = nil) -> Act {
    Act(
      driver: driver, expected: [expected], octets: (0..<times).flatMap { _ in frame },
      fault: fault ?? Array(frame.prefix(frame.count / 2)))
  }

  static func sum(_ octets: [UInt8]) -> UInt8 { octets.reduce(0, &+) }

  /// With one bit of it changed.
  static func damaged(_ octets: [UInt8], at place: Int) -> [UInt8] {
    var octets = octets
    octets[place] ^= 0x02
    return octets
  }

  /// A packet of 25 frames: 72 beats, 97 %.
  static func nonin(isSeven: Bool) -> [UInt8] {
    (1...25).flatMap { number -> [UInt8] in
      let status: UInt8 = number == 1 ? 0x83 : 0x82
      let float: UInt8 = number == 2 ? 72 : number == 3 ? 97 : 0
      let head: [UInt8] = isSeven ? [status, 0x12, 0x34, float] : [0x01, status, 0x40, float]
      return head + [sum(head)]
    }
  }

  static func taidoc(_ command: UInt8, _ d0: UInt8, _ d1: UInt8, _ d2: UInt8, _ d3: UInt8) -> [UInt8] {
    let octets = [0x51, command, d0, d1, d2, d3, 0xA5]
    return octets + [sum(octets)]
  }

  static let all: [Act] = {
    let five: [UInt8] = [0x85, 0x40, 0x05, 0x48, 0x62]
    let spotCheck: [UInt8] = [0x20, 0x26, 0x11, 0x21, 0x07, 0x45, 0x30, 0x00, 0x02, 0x10, 0x00, 72, 0x00, 97]
    let thirteen = [0x00, 0x02, 0x00, 0x0D, 0x00, 14] + spotCheck + [sum(spotCheck), 0x03]
    let fields = ["TM2655", "2611210745", "RB", "M", "E00", "S128", "M 95", "D 80", "P 72", "I00", "L000", ""]
    let result = Array(fields.joined(separator: "\u{1E}").utf8)
    let cuff = [0x16, 0x16, 0x01, 0x30, 0x30, 0x02] + result + [0x03, result.reduce(0, ^)]
    let tanita = "{0,16,~0,1,~1,1,~2,1,MO,\"SC-240\",Wk,72.1,"
    let line = Array("\(tanita)CS,\(String(format: "%02X", sum(Array(tanita.utf8))))}\r\n".utf8)
    let weight: [UInt8] = [0x02, 0x3C, 0x30, 0x20] + Array("007215000000\r".utf8)
    let toledo = weight + [(0 &- sum(weight)) & 0x7F]
    func sunTech(_ octets: [UInt8]) -> [UInt8] { octets + [0 &- sum(octets)] }
    let pressures = [[150, 0], [0, 0], [0, 0], [0, 0]].flatMap { sunTech([0x3E, 5] + $0) }
    let module = sunTech([0x3E, 24, 128, 0, 80, 0, 30, 1] + [UInt8](repeating: 0, count: 8) + [72, 0, 95, 0, 0, 0, 0])
    return [
      .frames("contec-v7", "97", [0x01, 0xE0, 0x85, 0xAE, 0x95, 0xC1, 0xE1, 0xFF, 0xFF], times: 620),
      .frames("contec-v5", "98", five, times: 620), .frames("bci", "98", five, times: 1020),
      .frames("nonin-8", "97", [0x80, 72, 97, 0x20], times: 12),
      .frames("nonin-2", "97", nonin(isSeven: false), times: 32, fault: damaged(nonin(isSeven: false), at: 8)),
      .frames("nonin-7", "97", nonin(isSeven: true), times: 32, fault: damaged(nonin(isSeven: true), at: 8)),
      .frames("nonin-13", "97", thirteen, times: 1, fault: damaged(thirteen, at: 17)),
      .text("nonin-ascii", "97", "SPO2=097 HR=068", times: 12),
      .text(
        "masimo-ascii1", "98",
        "02/22/16 22:47:45 SN=0000056661 SPO2=098% BPM=097 PI=03.60% ALARM=0000 EXC=000800", times: 12),
      .text("nellcor-ascii", "100", "07-Jan-04 11:24:50   100     105      88", times: 12),
      .text("and-scale", "72.15", "ST,+00072.15 kg", times: 3), .text("cas", "72.15", "ST,GS,+  72.15kg", times: 3),
      .text("mt-sics", "72.15", "S S      72.15 kg"), .text("kern", "72.150", "        72.150 kg ", times: 3),
      .text("tanita-plain-csv", "74.30", "0,1,70.0,163.8,475,16.0,26.2,137.6,100.8,35,23.5,7298"),
      .text("toledo-8217", "72.15", "\u{02}072.15", model: "8217 kg"),
      .frames("toledo-continuous", "72.15", toledo, times: 1, fault: damaged(toledo, at: 7)),
      .frames("tanita-csv", "72.1", line, times: 1, fault: damaged(line, at: line.count - 12)),
      .frames(
        "healthometer-esc", "72.1", Array("\u{1B}R\u{1B}I12\u{1B}W72.1\u{1B}H170.0\u{1B}B24.9\u{1B}Nm\u{1B}E".utf8),
        times: 1),
      Act(driver: "and-ua767", expected: ["152"], octets: Array("804C4C4960".utf8)),
      .frames("and-tm265x", "128", cuff, times: 2, fault: damaged(cuff, at: 40)),
      Act(driver: "suntech", expected: ["128"], octets: pressures + module, fault: damaged(module, at: 2)),
      .frames("visomat", "128", Array("\u{02}M101".utf8) + Array("26112107450128080072\u{03}".utf8), times: 1),
      Act(
        driver: "beurer-serial", expected: ["128"], octets: [],
        answer: { question in
          switch question.first {
          case 0xAA: [0x55]
          case 0xA4: Array("BM65".utf8) + [UInt8](repeating: 0x20, count: 28)
          case 0xA2: [1]
          default: [0xAC, 0x67, 0x39, 0x42, 0x0B, 0x15, 0x07, 0x2D, 0x1A]
          }
        }),
      Act(
        driver: "taidoc", expected: ["128"], octets: [], fault: damaged(taidoc(0x24, 0x28, 0x31, 0, 0), at: 3),
        answer: { question in
          switch question.count > 1 ? question[1] : 0 {
          case 0x24: taidoc(0x24, 0x28, 0x31, 0, 0)
          case 0x2B: taidoc(0x2B, 1, 0, 0, 0)
          case 0x25: taidoc(0x25, 0x75, 0x35, 0x9E, 0x08)
          case 0x26: taidoc(0x26, 128, 95, 80, 72)
          case 0x54, 0x27, 0x28: taidoc(question[1], 0, 0, 0, 0)
          default: []
          }
        }),
    ]
  }()
}

@Suite(.serialized) struct SerialRehearsalTests {
  @Test func everyDriverIsRehearsed() throws {
    let known = try Home.run("hearthctl", ["drivers", "--json"]).out
    let list = try JSONSerialization.jsonObject(with: Data(known.utf8)) as? [String: Any]
    let serial = (list?["drivers"] as? [[String: Any]])?.filter {
      ($0["transport"] as? [String: Any])?["kind"] as? String == "serial"
    }.compactMap { $0["id"] as? String }
    #expect(Set(try #require(serial)) == Set(Act.all.map(\.driver)))
  }

  /// One octet a time, and seven.
  @Test(arguments: [1, 7]) func everyDriverReadsAnyDeliveryBehindAFault(_ piece: Int) throws {
    var lines: [(act: Act, master: Int32)] = []
    var devices: [String] = []
    for act in Act.all {
      let (master, path) = try PseudoTerminal.open()
      lines.append((act, master))
      let model = act.model.isEmpty ? "" : #", "model": "\#(act.model)""#
      devices.append(
        #"{"id": "\#(act.driver)", "driver": "\#(act.driver)", "port": "\#(path)", "patient": "p-1"\#(model)}"#)
    }
    defer { for (_, master) in lines { Descriptor.close(master) } }
    let home = try Home(#"{"bluetooth": {"enabled": false}, "devices": ["# + devices.joined(separator: ",") + "]}")
    try home.start()
    _ = try home.until(["status", "--json"]) { $0.status == 0 && !$0.out.contains(#""connected":false"#) }
    // What repeats itself goes on in longer pieces, which fit no frame either.
    func deliver(_ octets: [UInt8], _ master: Int32) {
      var begin = 0
      while begin < octets.count {
        let end = min(begin + (begin < 300 ? piece : 61), octets.count)
        _ = Descriptor.writeAll(master, Array(octets[begin..<end]))
        usleep(100)
        begin = end
      }
    }
    // Those that are asked: until they are asked no more.
    var quiet = 0
    var faults = Set(lines.filter { !$0.act.fault.isEmpty }.map(\.act.driver))
    while quiet < 250 {
      quiet += 1
      usleep(10_000)
      for (act, master) in lines {
        guard let answer = act.answer, case .octets(let question) = Descriptor.read(master) else { continue }
        quiet = 0
        // The first question is answered by a fault; it is asked again.
        deliver(faults.remove(act.driver) != nil ? act.fault : answer(question), master)
      }
    }
    for (act, master) in lines where act.answer == nil { deliver(act.fault + act.octets, master) }
    let count = Act.all.map(\.expected.count).reduce(0, +)
    let outcome = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count >= count }
    var found: [String: [String]] = [:]
    for line in outcome.out.split(separator: "\n") {
      let reading = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let device = (reading?["device"] as? [String: Any])?["id"] as? String ?? "-"
      found[device, default: []].append(
        (reading?["observations"] as? [[String: Any]])?.first?["value"] as? String ?? "-")
    }
    for act in Act.all { #expect(found[act.driver] == act.expected, "\(act.driver)") }
    #expect(home.stop() == 0)
  }
}
