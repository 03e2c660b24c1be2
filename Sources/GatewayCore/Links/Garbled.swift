// Whether a device sends what its driver reads. A scale in the cuff's port, or a port at another speed, is up and heard and gives no
// reading for ever: somebody has to look.

internal import Drivers
internal import Ledger
internal import Octets

/// How much of what a device sent last was nothing that its driver reads.
struct Garbled: Sendable {
  /// So many deliveries in a row are no chance.
  static let limit = 8
  /// What comes within so many milliseconds is one delivery, where nothing in it tells where one ends.
  private static let pause: Int64 = 100
  /// So much of a line is kept: a frame may come in pieces.
  private static let mostKept = 512

  private var count = 0
  /// Octets that were no frame came on this line: from then on what comes is looked at.
  private var isSuspected = false
  /// The end of what came.
  private var tail: [UInt8] = []
  private var countedAt: Int64?

  var isProblem: Bool { count >= Garbled.limit }

  /// Takes what a session made of something. - Parameter isSerial: it is counted by `heard`.
  mutating func take(_ output: SessionOutput, isSerial: Bool) {
    let isGood =
      !output.readings.isEmpty || !output.fragments.isEmpty || !output.answers.isEmpty || !output.properties.isEmpty
      || output.problems.contains { !$0.isMalformed }
    if isGood { count = 0 }
    guard output.problems.contains(where: \.isMalformed) else { return }
    if isSerial {
      isSuspected = true
    } else if !isGood {
      count = min(count + 1, Garbled.limit)
    }
  }

  /// Octets came over a serial line. A driver tells of the first garbage only, and of good frames that are no measurement nothing: once
  /// there was garbage, they are looked for here.
  mutating func heard(_ octets: [UInt8], of driver: String, at now: Int64) {
    guard isSuspected else {
      tail = Array(octets.suffix(Garbled.mostKept))
      return
    }
    tail = Array((tail + octets).suffix(Garbled.mostKept))
    if let decoded = SerialDecoding.decode(protocol: driver, octets: tail, everyFrame: true),
      SerialDecoding.holdsFrames(decoded)
    {
      count = 0
      tail = []
      return
    }
    let lines = Garbled.lines(of: octets)
    if lines > 0 {
      count = min(count + lines, Garbled.limit)
    } else if countedAt.map({ now - $0 >= Garbled.pause }) ?? true {
      count = min(count + 1, Garbled.limit)
    } else {
      return
    }
    countedAt = now
  }

  /// How many lines of text end in these octets; 0 where they are no text.
  private static func lines(of octets: [UInt8]) -> Int {
    func isEnd(_ octet: UInt8) -> Bool { octet == 0x0A || octet == 0x0D }
    guard octets.allSatisfy({ isEnd($0) || $0 == 0x09 || (0x20...0x7E).contains($0) }) else { return 0 }
    return octets.indices.count { isEnd(octets[$0]) && ($0 == 0 || !isEnd(octets[$0 - 1])) }
  }
}

extension DriverProblem {
  /// What came was nothing that the driver reads; the device itself said nothing by it.
  fileprivate var isMalformed: Bool {
    isGarbage || raw != nil && ["malformed", "truncated", "checksum", "invalid-value", "unsupported"].contains(code)
  }
}

extension DeviceState {
  /// The device said something.
  mutating func heard(_ octets: [UInt8], at now: Now) {
    lastContact = now.wall
    if isSerial { garbled.heard(octets, of: profile.id, at: now.monotonic) }
  }
}
