// Health o meter Professional and Rice Lake medical scales: fields behind ESC over 9600 8N1, the CP210x inside the scale. Baby
// scales (2595KL, 522, 524, 553) send short frames at 2400 8N1. Rice Lake's print key sends a line of text, or a ticket of lines.
// Sources: Pelstar's communication protocols, 2023-07-11; the manuals of Rice Lake 140 and 350 and of Doran DS8030.
//
// `ESC R ESC I id ESC W weight ESC H height ESC B bmi [ESC T tare] ESC N m|c ESC E`, no check value; platform scales begin the second
// packet with `6R`. c means pounds and inches. Print: weight right in nine columns, `lb` or `kg`, `Gross` or `Net`; of a ticket
// only NET WEIGHT counts. Nothing is sent to the scale.
//
// Nothing in a packet tells a locked weight from one that the scale still looks for: the model does. One measurement: the last weight
// that three packets in a row say (two of a model that sends only locked ones), when the load leaves, after 3 s of silence or 10 s; a
// lone packet only when silence follows, and never of a model that sends unlocked weights.

internal import Octets
internal import Readings

struct HealthOMeterPacket: Sendable, Hashable {
  /// The fields by their letters, as text.
  private(set) var fields: [UInt8: String] = [:]
  let isMetric: Bool
  let isBabyScale: Bool

  var weight: ExactDecimal? { fields[0x57].flatMap { ExactDecimal($0) } }
  var unit: UCUM { isMetric ? .kilogram : .pound }
  /// Zero stands for "not measured", and for "nobody is on the scale"; 999.99 is the overload of Rice Lake,
  /// 999.9 where it shows one place less.
  var isOverload: Bool {
    weight.map { weight in
      [ExactDecimal(99_999, exponent: -2), ExactDecimal(9999, exponent: -1)].contains { $0.isEqual(to: weight) }
    } ?? false
  }

  /// A packet from its start to ESC E, or a frame of a baby scale.
  init(_ octets: ArraySlice<UInt8>) throws(DecodeError) {
    func bad(_ field: String, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed(text))
    }
    isBabyScale = octets.first != 0x1B && octets.first != 0x36
    if isBabyScale {
      let digits = octets.dropFirst(4).dropLast()
      let status = octets.dropFirst().first ?? 0
      isMetric = status & 0x02 != 0
      // Doran's frames have the sign in the status.
      fields[0x57] = (status & 0x30 == 0x30 ? "-" : "") + String(decoding: digits, as: UTF8.self)
      guard weight != nil else { throw bad("weight", "no number") }
      return
    }
    var nature = ""
    for part in octets.split(separator: 0x1B) {
      guard let letter = part.first else { continue }
      let field = part.dropFirst().drop { $0 == 0x20 }
      let text = String(
        decoding: field.prefix(field.count - field.reversed().prefix { $0 == 0x20 }.count), as: UTF8.self)
      switch letter {
      case 0x52, 0x36, 0x45: continue
      case 0x4E: nature = text
      case 0x57, 0x48, 0x42, 0x54:
        guard fields[letter] == nil else { throw bad("field", "a field comes twice") }
        // Some firmware sends garbage for a height: the weight is none the worse.
        guard ExactDecimal(text) != nil || letter != 0x57 else { throw bad("weight", "no number behind ESC W") }
        if ExactDecimal(text) != nil { fields[letter] = text }
      case 0x49: fields[letter] = text
      default: throw bad("field", "a field that this protocol does not have")
      }
    }
    guard nature == "m" || nature == "c" else { throw bad("unit", "neither m nor c") }
    isMetric = nature == "m"
    guard weight != nil else { throw bad("weight", "no weight") }
  }

  /// What the packet says of the load.
  var weighing: Weighing? {
    guard let weight else { return nil }
    guard !isOverload else { return Weighing(status: .overload) }
    // A tare is zero until TARE is pressed.
    let tare = fields[0x54].flatMap { ExactDecimal($0) }
    var weighing = Weighing(status: .stable, value: weight, unitText: isMetric ? "kg" : "lb")
    weighing.isNet = tare.map { !$0.isZero }
    weighing.others = others
    return weighing
  }

  /// Height and index, where they can be a person's: some firmware sends garbage, or zero outside of its BMI mode.
  private var others: [Observation] {
    var observations: [Observation] = []
    let lengths = isMetric ? ExactDecimal(40)...ExactDecimal(250) : ExactDecimal(16)...ExactDecimal(98)
    if let height = fields[0x48].flatMap({ ExactDecimal($0) }), lengths.contains(height) {
      observations.append(Observation(.height, .value(height), unit: isMetric ? .centimetre : .inch))
      if let index = fields[0x42].flatMap({ ExactDecimal($0) }), (ExactDecimal(5)...ExactDecimal(100)).contains(index) {
        observations.append(Observation(.bodyMassIndex, .value(index), unit: .kilogramPerSquareMetre))
      }
    }
    return observations
  }

  var values: [NamedValue] {
    let names: [(UInt8, String)] = [
      (0x49, "patientId"), (0x57, "weight"), (0x48, "height"), (0x42, "bmi"), (0x54, "tare"),
    ]
    return names.compactMap { letter, name in fields[letter].map { NamedValue(name, .text($0)) } }
      + [NamedValue("unit", .text(isMetric ? "kg" : "lb"))]
  }
}

/// What Rice Lake's print key sends.
enum RiceLakePrint {
  /// A line of a ticket, or the weight of the one line. Throws for anything else.
  static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> Weighing? {
    func bad(_ field: String, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed(text))
    }
    let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    switch (words.first ?? "", words.count) {
    case ("GROSS", 4), ("TARE", 4), ("NET", 4):
      guard words[1] == "WEIGHT", let value = ExactDecimal(words[2]), ["LB", "KG"].contains(words[3]) else {
        throw bad("line", "no line of a ticket")
      }
      // What is on the ticket beside the net weight is a part of it.
      return words[0] == "NET" ? Weighing(status: .stable, value: value, unitText: words[3], isNet: true) : nil
    case ("PATIENT", 3...):
      guard ["HEIGHT", "BMI", "ID"].contains(words[1]) else { throw bad("line", "no line of a ticket") }
      return nil
    case (_, 3):
      // Nine columns, a blank, two letters: what was cut has fewer.
      guard line.count >= 17, words[0].contains("."), let value = ExactDecimal(words[0]),
        line.prefix(9).split(separator: 0x20).last?.elementsEqual(words[0].utf8) ?? false,
        ["lb", "kg"].contains(words[1]), ["Gross", "Net"].contains(words[2])
      else { throw bad("line", "no printed weight") }
      return Weighing(status: .stable, value: value, unitText: words[1], isNet: words[2] == "Net")
    default: throw bad("line", "no packet and no printed weight")
    }
  }
}

/// The packets on the line.
enum HealthOMeterLine: WeighingLine {
  static let id = "healthometer-esc"
  static let longestFrame = 128
  private static let escape: UInt8 = 0x1B

  /// True where a packet begins: ESC R, `6R` ESC, or, when its beginning was lost, ESC I or ESC W.
  private static func begins(_ octets: ArraySlice<UInt8>) -> Bool? {
    let head = Array(octets.prefix(4))
    switch head.first {
    case escape?: return head.count < 2 ? nil : [0x52, 0x49, 0x57].contains(head[1])
    case 0x36?:
      if head.count > 1, head[1] != 0x52 { return false }
      return head.count < 3 ? nil : head[2] == escape
    case 0x01?, 0x02?:
      for (octet, allowed) in zip(head.dropFirst(), [[0x80, 0x82, 0xB0, 0xB2], [0xD7], [0xE4]] as [[UInt8]])
      where !allowed.contains(octet) { return false }
      return head.count < 4 ? nil : true
    default: return false
    }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let filler = octets.prefix { [0x00, 0x0D, 0x0A, 0x11, 0x13].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    let start = octets.startIndex
    switch begins(octets) {
    case nil: return .wait
    case true?: break
    case false?:
      let next = octets.indices.dropFirst().first { begins(octets[$0...]) != false } ?? octets.endIndex
      return printed(octets[..<next], isOpen: next == octets.endIndex)
    }
    let end: Int?
    if octets[start] == 0x01 || octets[start] == 0x02 {
      end = octets.firstIndex(of: 0x0D)
    } else {
      end = octets.indices.dropFirst().first { $0 > start && octets[$0 - 1] == escape && octets[$0] == 0x45 }
    }
    // Another packet begins before this one has ended.
    let cut = octets[..<(end ?? octets.endIndex)].indices.dropFirst(2).first { index in
      begins(octets[index...]) == true && (octets[index] != escape || octets[index + 1] == 0x52)
    }
    if let cut { return .skip(cut - start, code: "truncated", message: "a packet was cut by the next one") }
    guard let end else { return .wait }
    do {
      _ = try HealthOMeterPacket(octets[start...end])
      return .frame(end - start + 1)
    } catch {
      return .skip(end - start + 1, error)
    }
  }

  /// A printed line, or octets of nothing. `isOpen`: more of it may come.
  private static func printed(_ octets: ArraySlice<UInt8>, isOpen: Bool) -> FrameStep {
    let text = octets.prefix { (0x20...0x7E).contains($0) }
    if text.endIndex == octets.endIndex, isOpen { return .wait }
    guard text.endIndex < octets.endIndex, TextFraming.isEnd(octets[text.endIndex]) else {
      // Up to the next line end, which may be behind it.
      let garbage = octets.prefix { $0 != 0x0D && $0 != 0x0A }
      return .skip(max(1, garbage.count), code: "malformed", message: "octets without a packet of this protocol")
    }
    do throws(DecodeError) {
      _ = try RiceLakePrint.parse(text)
      return .frame(text.count)
    } catch {
      return .skip(text.count, error)
    }
  }

  static func weighing(_ frame: [UInt8]) -> Weighing? {
    if let packet = try? HealthOMeterPacket(frame[...]) { return packet.weighing }
    return try? RiceLakePrint.parse(frame[...])
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if let packet = try? HealthOMeterPacket(frame[...]) { return packet.values }
    return weighing(frame)?.values ?? [NamedValue("text", .text(TextFraming.text(frame)))]
  }

  static func evidence(_ frame: [UInt8]) -> Int {
    guard frame.contains(escape) || frame.contains(0xD7) else { return Evidence.text(frame, 32) }
    return packetEvidence(frame)
  }

  private static func packetEvidence(_ frame: [UInt8]) -> Int {
    Evidence.text(frame.filter { ![0x80, 0x82, 0xD7, 0xE4].contains($0) }, 48)
  }
}

/// What is known of a model: whether its packets are locked weights.
enum HealthOMeterModel: Sendable, Hashable {
  /// Only locked weights.
  case locked
  /// Also weights that the scale still looks for.
  case unlocked
  /// Not known: as if it sent both.
  case unknown

  /// Models by their number, with how they send. Firmware decides of some: those are taken for the worse.
  private static let numbers: [(number: String, model: HealthOMeterModel)] = [
    ("597", .unlocked), ("599", .unlocked), ("752", .unlocked), ("600", .unlocked), ("522", .unlocked),
    ("524", .unlocked), ("553", .unlocked), ("2595", .unlocked), ("498", .locked), ("500", .locked),
    ("2210", .locked), ("1100", .locked), ("2101", .locked),
  ]

  /// By octets: a search in text would need the module of regular expressions, which the daemon is built without.
  init(_ text: String?) {
    let octets = Array((text ?? "").utf8)
    let found = HealthOMeterModel.numbers.first { number, _ in
      octets.indices.contains { octets[$0...].starts(with: number.utf8) }
    }
    self = found?.model ?? .unknown
  }
}

extension HealthOMeterLine {
  /// Packets of a model that sends only locked weights.
  private static let lockedAgreement = 2

  /// Only platform scales begin a packet with `6R`, and they send locked weights. The model that a technician gave counts more.
  static func neededAfter(_ frame: [UInt8], _ context: DriverContext) -> Int? {
    guard frame.starts(with: [0x36, 0x52]), HealthOMeterModel(context.model) == .unknown else { return nil }
    return lockedAgreement
  }

  static func rule(_ context: DriverContext) -> WeighingRule {
    switch HealthOMeterModel(context.model) {
    case .locked: WeighingRule(needed: lockedAgreement, held: context.heldLoad)
    case .unlocked: WeighingRule(takesLone: false, held: context.heldLoad)
    case .unknown: WeighingRule(held: context.heldLoad)
    }
  }

  static let family = SerialFamily(
    HealthOMeterLine.self, .agreement,
    profile: DeviceProfile(
      id: HealthOMeterLine.id, manufacturer: "Health o meter Professional",
      names: ["scales with ESC packets", "Rice Lake medical scales", "2595KL, 522, 524, 553 (2400 8N1)"],
      transport: .serial([SerialSettings(9600), SerialSettings(2400)]),
      recognition: [.frames("ESC packets"), .usb(vendor: 0x10C4, product: 0xEA60)], kinds: [.bodyWeight],
      terms: [.weight, .height, .bodyMassIndex], clock: .none, memory: .none, verification: .unverified,
      rule: WeighingRule.sentence("packets")
        + " (two in a row, of a model that is known to send locked weights only; a lone one never, of one that sends others)"
    ) { WeighingDriver<HealthOMeterLine>($0) }
    .asks(
      ModelQuestion(
        question: "which model is it? Some send weights before they are locked", answers: ["500KL", "600KL", "2595KL"],
        untilThen:
          "three packets in a row have to say the same weight; a lone packet counts when 3 s of silence follow",
        isAnswered: { HealthOMeterModel($0) != .unknown })))
}
