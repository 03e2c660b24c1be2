// Values in the order of time: what was put in comes out, digit by digit, in the short form as in the wide one, whatever came first.

import Monitoring
import Readings
import Testing

private typealias Point = PatientHistory.Point

private let day: Int64 = 86_400_000
private let start: Int64 = 1_795_248_000_000

private func reading(_ point: Point) -> Reading {
  let time = Timestamp(milliseconds: point.time, offsetSeconds: 0)
  return Reading(
    id: ReadingID(high: 0, low: point.id), kind: .glucose,
    observations: [
      Observation(.glucoseCapillaryWholeBlood, .value(point.value), unit: .millimolePerLitre)
    ], flags: point.isDoubtful ? [.questionable] : [], takenAt: time, timeQuality: .device, deviceTime: nil,
    receivedAt: time, user: nil, patient: "p", device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil,
    raw: RawSource(source: "t", octets: []))
}

@Suite struct SeriesTests {
  @Test(
    arguments: [
      (4_194_303, 7), (-4_194_304, -8), (0, 0), (-1, -1), (128, 0), (70_760, -3), (4_194_304, 0), (-4_194_305, 0),
      (1, 8),
      (1, -9), (.max, 127), (.min, -128),
    ] as [(Int64, Int8)])
  func everyDigitComesBack(mantissa: Int64, exponent: Int8) {
    let first = Point(time: start, id: 7, value: ExactDecimal(55, exponent: -1), isDoubtful: true)
    let second = Point(time: start + 1, id: .max, value: ExactDecimal(mantissa, exponent: exponent))
    let series = PatientHistory.Series([first, second])
    #expect(Array(series) == [first, second])
    #expect(PatientHistory.Series([second]).first == second)
  }

  @Test(arguments: [0, 1, -1, 400 * day, -400 * day, 700 * day, 900 * day, .max - start, .min])
  func everyTimeComesBack(distance: Int64) {
    let first = Point(time: start, id: 1, value: ExactDecimal(5))
    let second = Point(time: distance == .min ? .min : start + distance, id: 2, value: ExactDecimal(6))
    #expect(Array(PatientHistory.Series([first, second])) == [first, second])
  }

  /// What a history keeps are the newest, whatever came first; its values may make the series a wide one at any moment.
  @Test(arguments: 1...40)
  func whatIsKeptDoesNotDependOnTheOrder(seed: UInt64) {
    var dice = Dice(state: seed &* 9_973)
    let isWide = seed % 4 == 0
    let count = seed % 5 == 0 ? 900 : 40 + Int(seed)
    let points = (0..<count).map { number in
      // Within what can be: other values are kept apart (plans-2, 1.2).
      let value =
        isWide && number % 17 == 0
        ? ExactDecimal(5_000_000 + Int64(dice.next() % 300), exponent: -6)
        : ExactDecimal(Int64(60 + dice.next() % 270), exponent: Int8(dice.next() % 2) - 2)
      return Point(
        time: start - Int64(dice.next() % UInt64(500 * day)) / 60_000 * 60_000, id: UInt64(number),
        value: value, isDoubtful: dice.next() % 5 == 0)
    }
    let sorted = points.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    let newest = sorted.last?.time ?? 0
    let kept = sorted.filter { $0.time >= newest - PatientHistory.length }.suffix(PatientHistory.mostPoints)
    for _ in 0..<3 {
      var history = PatientHistory()
      for point in points.shuffled(using: &dice) {
        history.add(reading(point))
        if dice.next() % 7 == 0 { history.add(reading(point)) }
      }
      #expect(history.values[.glucose].map(Array.init) == Array(kept))
      let (from, to) = (newest - 30 * day, newest - 3 * day)
      #expect(Array(history.points(.glucose, from: from, to: to)) == kept.filter { (from...to).contains($0.time) })
      #expect(Array(history.newest(.glucose, 5, upTo: to)) == kept.filter { $0.time <= to }.suffix(5))
      #expect(history.last(.glucose, upTo: .max) == newest)
    }
  }

  @Test func everyRemarkComesBack() {
    for flag in ReadingFlag.allCases {
      #expect(PatientHistory.Sign(time: 0, id: 0, kind: .glucose, flags: [flag]).flags == [flag])
    }
    #expect(ReadingFlag.allCases.count <= 58 && ReadingKind.allCases.count <= 64)
    for kind in ReadingKind.allCases {
      let sign = PatientHistory.Sign(time: 5, id: 6, kind: kind, flags: [.suspectPerson])
      #expect(sign.kind == kind && sign.flags == [.suspectPerson] && sign.time == 5 && sign.id == 6)
    }
    let all = PatientHistory.Sign(time: 0, id: 0, kind: .glucose, flags: ReadingFlag.allCases.reversed())
    #expect(all.flags == ReadingFlag.allCases)
  }
}
