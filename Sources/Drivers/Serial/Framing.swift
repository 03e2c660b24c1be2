// What the serial drivers share: a bounded buffer that takes octets split anywhere and cuts them into frames, with one problem
// for a burst of garbage. The live drivers and `decode serial` cut by the same code, so that they never differ.

internal import Octets
internal import Readings

/// What a protocol finds at the beginning of the octets that wait. There is always at least one octet.
enum FrameStep: Sendable, Hashable {
  /// What is there may become a frame.
  case wait
  /// So many octets are a good frame.
  case frame(Int)
  /// So many octets say nothing and are expected, such as line ends between lines.
  case pass(Int)
  /// So many octets belong to no frame.
  case skip(Int, code: String, message: String)

  /// Octets that a decoder refused.
  static func skip(_ count: Int, _ error: DecodeError) -> FrameStep {
    .skip(count, code: error.code, message: error.message)
  }
}

/// How a protocol's frames are cut out of a line, and what one says.
protocol LineProtocol: Sendable {
  /// The longest that a frame may be; when more octets wait, the surplus is garbage.
  static var longestFrame: Int { get }
  /// Looks at the octets that wait, oldest first. Pure: the same octets give the same step.
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep
  /// A good frame as named values, for `decode serial`.
  static func values(_ frame: [UInt8]) -> [NamedValue]
  /// How many bits of a good frame octets of something else would not have by chance: its check value, its fixed octets. Zero
  /// for frames that prove nothing.
  static func evidence(_ frame: [UInt8]) -> Int
}

/// A line of one protocol, cut into frames.
struct FramedLine<Protocol: LineProtocol>: Sendable {
  /// A piece of the line.
  enum Item: Sendable, Hashable {
    case frame([UInt8])
    /// The first of a burst of garbage; the offset counts from the start of the line.
    case problem(DriverProblem)
  }

  private var octets: [UInt8] = []
  private var head = 0
  private var consumed = 0
  private var isInGarbage = false
  /// What the good frames prove that came one behind the other; octets that look like a frame by chance do not end a burst.
  private var proof = 0
  private static var enoughProof: Int { 12 }
  /// How many octets were no part of a frame.
  private(set) var skipped = 0

  /// How many octets wait for the rest of their frame.
  var waiting: Int { octets.count - head }

  mutating func append(_ more: [UInt8]) {
    octets.removeFirst(head)
    head = 0
    octets += more
  }

  /// The next frame or problem; nil when octets are missing.
  mutating func next() -> Item? {
    while head < octets.count {
      var step = Protocol.step(octets[head...])
      if step == .wait {
        guard waiting > Protocol.longestFrame else { return nil }
        step = .skip(
          waiting - Protocol.longestFrame, code: "malformed",
          message: "no frame of this protocol in \(waiting) octets")
      }
      switch step {
      case .wait: return nil
      case .frame(let count):
        let frame = take(count)
        if isInGarbage {
          proof += Protocol.evidence(frame)
          isInGarbage = proof < FramedLine.enoughProof
        }
        return .frame(frame)
      case .pass(let count): _ = take(count)
      case .skip(let count, let code, let message):
        let offset = consumed
        let raw = take(count)
        skipped += raw.count
        proof = 0
        guard !isInGarbage else { continue }
        isInGarbage = true
        return .problem(DriverProblem(code: code, message: message, offset: offset, raw: nil).with(raw: raw))
      }
    }
    return nil
  }

  /// Every step moves on by at least one octet and never past the end.
  private mutating func take(_ count: Int) -> [UInt8] {
    let end = min(octets.count, head + max(1, count))
    defer {
      consumed += end - head
      head = end
    }
    return Array(octets[head..<end])
  }

  /// What is left when the line has ended in the middle of a frame.
  func finish() -> DriverProblem? {
    guard waiting > 0, !isInGarbage else { return nil }
    return DriverProblem(
      code: "truncated", message: "the octets end in the middle of a frame: \(waiting) of it are there",
      offset: consumed)
  }
}

extension DriverProblem {
  /// Keeps at most 32 of the octets, for support.
  fileprivate func with(raw octets: [UInt8]) -> DriverProblem {
    var problem = self
    problem.raw = RawSource(source: DriverProblem.garbage, octets: Array(octets.prefix(32)))
    return problem
  }
}

/// Cuts lines of text out of octets: what the text protocols share.
enum TextFraming {
  /// Line ends, the NULs that some devices send before the first line, and the XON and XOFF with which scales hold back a hub that
  /// sends too fast, pass. A line that ends is given to `check`, which
  /// throws when it is none of the protocol, or gives how many octets at its beginning are the rest of another line.
  static func step(
    _ octets: ArraySlice<UInt8>, check: (ArraySlice<UInt8>) throws(DecodeError) -> Int
  ) -> FrameStep {
    let filler = octets.prefix { isEnd($0) || [0x00, 0x11, 0x13].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    guard let end = octets.firstIndex(where: isEnd) else { return .wait }
    let line = octets[octets.startIndex..<end]
    do {
      let surplus = try check(line)
      guard surplus == 0 else { return .skip(surplus, code: "truncated", message: "the rest of a line that was cut") }
      return .frame(line.count)
    } catch {
      return .skip(line.count, error)
    }
  }

  /// CR or LF, also with the parity bit of a line read as eight bits.
  static func isEnd(_ octet: UInt8) -> Bool { octet & 0x7F == 0x0A || octet & 0x7F == 0x0D }

  /// The octets as text, seven bits each; what is no printable ASCII becomes `?`.
  static func text(_ octets: some Sequence<UInt8>) -> String {
    String(decoding: octets.map { ($0 & 0x7F) < 0x20 || $0 & 0x7F == 0x7F ? 0x3F : $0 & 0x7F }, as: UTF8.self)
  }
}
