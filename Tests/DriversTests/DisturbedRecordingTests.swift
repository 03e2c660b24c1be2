// Every serial recording whole, octet by octet, cut, corrupted, stalled, and while the daemon is stopped for a while: no value that the
// device did not say, and not one more. (Whole and octet by octet is CaptureReplayTests.)

import Octets
import Readings
import Testing

@testable import Drivers

@Suite struct DisturbedRecordingTests {
  static let recorded = Capture.all.filter {
    $0.profile.map { if case .serial = $0.transport { true } else { false } } ?? false
  }

  private static let agreeing = recorded.filter {
    $0.profile?.protection == .agreement && $0.headers["every-frame"] == nil
  }

  private func values(_ capture: Capture) throws -> [[Observation]] {
    try #require(Replay.run(capture)).readings.map(\.observations)
  }

  /// What the device says anywhere in a recording, and what comes of it.
  private func said(_ capture: Capture) throws -> Set<[Observation]> {
    let octets = capture.items.flatMap(\.octets)
    let frames = SerialDecoding.decode(protocol: capture.profile?.id ?? "", octets: octets, everyFrame: true)
    return Set(try values(capture) + (frames?.readings ?? []).map(\.observations))
  }

  /// The end of one delivery is lost, or its beginning; or the link ends there.
  @Test(arguments: agreeing) func aCutRecordingHasNoOtherValues(_ capture: Capture) throws {
    let whole = try said(capture)
    for index in stride(from: 0, to: capture.items.count, by: max(1, capture.items.count / 30)) {
      let octets = capture.items[index].octets
      for keep in Set([0, 1, octets.count / 3, octets.count / 2, octets.count - 1]).filter({ $0 >= 0 }) {
        for rest in [Array(octets.prefix(keep)), Array(octets.dropFirst(keep))] {
          var items = capture.items
          items[index].octets = rest
          let found = try values(capture.with(items))
          #expect(whole.isSuperset(of: found), "\(capture.name), item \(index), \(keep) of \(octets.count)")
        }
        var items = Array(capture.items[...index])
        items[index].octets = Array(octets.prefix(keep))
        let found = try values(capture.with(items))
        #expect(whole.isSuperset(of: found), "\(capture.name), ended in item \(index) at \(keep)")
      }
    }
  }

  /// The middle of one delivery comes two and a half seconds late, and all behind it.
  @Test(arguments: agreeing) func aStalledRecordingHasNoOtherValues(_ capture: Capture) throws {
    let whole = try said(capture)
    let count = try values(capture).count
    for index in stride(from: 0, to: capture.items.count, by: max(1, capture.items.count / 30)) {
      let item = capture.items[index]
      guard item.octets.count > 1 else { continue }
      var items = capture.items
      items[index].octets = Array(item.octets.prefix(item.octets.count / 2))
      var rest = item
      rest.octets = Array(item.octets.dropFirst(item.octets.count / 2))
      items.insert(rest, at: index + 1)
      for later in items.indices where later > index { items[later].at += 2500 }
      let found = try values(capture.with(items, later: 2500))
      #expect(whole.isSuperset(of: found) && found.count <= count, "\(capture.name), item \(index): \(found.count)")
    }
  }

  /// Each bit of a recording is wrong once in a thousand: nothing traps, and what agrees does not come more often.
  @Test(arguments: recorded) func aCorruptedRecordingHasNoMoreReadings(_ capture: Capture) throws {
    let count = try values(capture).count
    for seed: UInt64 in 1...20 {
      var dice = Dice(seed)
      let items = capture.items.map { item in
        var item = item
        item.octets = dice.damaged(item.octets)
        return item
      }
      let replay = try #require(Replay.run(capture.with(items)))
      guard capture.profile?.protection == .agreement else { continue }
      #expect(replay.readings.count <= count, "\(capture.name), seed \(seed): \(replay.lines)")
    }
  }

  /// A stall in the middle of what arrives, for longer than any silence of a rule: what was one message stays one.
  @Test(arguments: DamagedLineTests.scales + DamagedLineTests.oximeters) func aStallInsideOfALineCostsAtMostThatLine(
    _ stream: DamagedLineTests.Stream
  ) throws {
    let line = stream.lines[0]
    for cut in 1..<line.count {
      var bench = try ScaleBench(stream.id, model: stream.model)
      for number in 0..<Int(30_000 / stream.every) {
        if number == Int(5000 / stream.every) {
          bench.hear(Array(line[..<cut]))
          bench.pass(4000)
          bench.hear(Array(line[cut...]))
        } else {
          bench.hear(line)
        }
        bench.pass(stream.every)
      }
      bench.pass(20_000)
      #expect(Set(bench.values) == Set(stream.values), "\(stream.id) cut at \(cut): \(bench.values)")
    }
  }

  @Test(arguments: DamagedLineTests.scales) func cutAndCorruptedLinesAreNoOtherWeight(_ stream: DamagedLineTests.Stream)
    throws
  {
    let line = stream.lines[0]
    for cut in 0..<line.count {
      var bench = try ScaleBench(stream.id, model: stream.model)
      var bytewise = try ScaleBench(stream.id, model: stream.model)
      for number in 0..<12 {
        var octets = line
        if number == 5 { octets = Array(line[cut...]) }
        if number == 8 { octets[cut] ^= 0x01 }
        bench.hear(octets)
        bench.pass(stream.every)
        for octet in octets { bytewise.hear([octet]) }
        bytewise.pass(stream.every)
      }
      bench.pass(20_000)
      bytewise.pass(20_000)
      #expect(bench.values == stream.values && bytewise.values == stream.values, "\(stream.id) at \(cut)")
    }
  }

  @Test(arguments: [499, 700, 3000] as [Int64]) func aStallInsideAResultOfACuffLosesNothing(_ stall: Int64) throws {
    let result = Array("804C4C4960".utf8)
    for cut in 1..<result.count {
      var cuff = try ScaleBench("and-ua767")
      cuff.hear(Array(result[..<cut]))
      cuff.pass(stall)
      cuff.hear(Array(result[cut...]))
      cuff.pass(1000)
      #expect(cuff.values == ["152"], "cut at \(cut), \(stall) ms")
    }
  }

  /// Scenes of several scales, and results of a cuff each few seconds, which only silence tells apart.
  private static let closer: Set<String> = ["healthometer-esc", "and-ua767"]

  /// A stop of 1, 5 and 40 s at forty moments of each recording: the same readings. A device that is asked is asked again afterwards, and
  /// gives no others.
  @Test(arguments: recorded.filter { $0.headers["every-frame"] == nil }, [1000, 5000, 40_000] as [Int64])
  func aStoppedDaemonGivesTheSameReadings(_ capture: Capture, _ length: Int64) throws {
    let whole = try values(capture)
    let said = try said(capture)
    let end = max(capture.items.last?.at ?? 0, 1000)
    let isSame =
      capture.sent.isEmpty && !(length > 1000 && DisturbedRecordingTests.closer.contains(capture.profile?.id ?? ""))
    for stop in stride(from: Int64(0), through: end, by: Int64.Stride(max(1, end / 40))) {
      let replay = try #require(Replay.run(capture, stopAt: stop, for: length))
      let found = replay.readings.map(\.observations)
      let place: Comment = "\(capture.name), at \(stop) for \(length): \(replay.readings.map(Replay.line))"
      if isSame { #expect(found == whole, place) }
      if capture.profile?.protection == .agreement { #expect(said.isSuperset(of: found), place) }
      #expect(found.count <= whole.count, place)
    }
  }
}
