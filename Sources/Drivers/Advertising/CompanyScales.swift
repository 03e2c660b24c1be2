// Scales that put their weight into the manufacturer data of advertisements and are never connected to: Xiaogui TZC4 and others with a
// chip of OKOK (Chipsea), Etekcity Fit 8S, Eufy C20, P3 and P2, Yunmai X, Sinocare. Source: captured frames of a TZC4 and a Fit 8S; public
// programs for the others.
//
// Oddities: a TZC4 has another company id in each advertisement, whose low octet is C0: no id names it, so a technician does. A Sinocare
// scale never says that a weight is final: nine equal ones in a row are; nor do the older chips of OKOK (11CA, F0FF), of which three are
// enough. An Eufy P2 says more over a connection that it encrypts; of what it says then two public programs disagree.

internal import Octets
internal import Readings

/// One frame of a scale that advertises.
struct CompanyScaleFrame: Hashable {
  var weight: ExactDecimal
  var unit = UCUM.kilogram
  var impedance: ExactDecimal?
  /// Of a frame that cannot say so: false, until enough equal ones came.
  var isFinal: Bool
  /// How many equal frames in a row are a final weight; nil for a scale that says so itself.
  var enough: Int?

  /// What a family's frames look like.
  enum Family: Sendable, CaseIterable {
    case okok
    case fit8s
    case eufyC20
    case eufyP2
    case yunmaiX
    case sinocare

    /// The family that manufacturer data is of; nil for any other.
    static func of(company: UInt16, _ octets: [UInt8]) -> Family? {
      switch company {
      case 0x06D0 where octets.count == 20: .fit8s
      case 0xBC64 where octets.count >= 18: .eufyC20
      case 0xFF64 where octets.count >= 17: .sinocare
      case 0xFF48 where octets.count == 19 && octets[6] == 0xCF: .eufyP2
      case 0x20CA where octets.count == 19, 0x11CA where octets.count == 23, 0xF0FF where octets.count >= 4: .okok
      case _ where company & 0xFF == 0xC0 && octets.count == 13: .okok
      case _ where octets.count == 16 && Array(octets[6..<9]) == [0x0B, 0x74, 0x17]: .yunmaiX
      default: nil
      }
    }
  }

  /// Throws for a frame that is none. The lengths are those of `Family.of`.
  init(_ family: Family, company: UInt16, _ octets: [UInt8]) throws(DecodeError) {
    guard Family.of(company: company, octets) == family else {
      throw DecodeError(field: "frame", offset: 0, reason: .malformed("no frame of this scale"))
    }
    func ohms(_ raw: Int64, _ exponent: Int8 = 0) -> ExactDecimal? {
      raw == 0 ? nil : ExactDecimal(raw, exponent: exponent)
    }
    switch family {
    case .okok where company == 0x20CA:
      try ScaleField.check(octets, Checksum.xor8(octets[..<12]) ^ 0x20, at: 12)
      weight = ExactDecimal(ScaleField.be16(octets, 8), exponent: octets[6] & 0x04 != 0 ? -2 : -1)
      impedance = ohms(ScaleField.be16(octets, 10), -1)
      isFinal = octets[6] & 0x01 != 0
    case .okok where company == 0x11CA:
      try ScaleField.check(octets, Checksum.xor8(octets[..<16]) ^ 0xCA ^ 0x11, at: 16)
      (weight, unit) = try CompanyScaleFrame.scaled(ScaleField.be16(octets, 3), octets[9], at: 9)
      (isFinal, enough) = (false, 3)
    case .okok where company == 0xF0FF:
      weight = ExactDecimal(ScaleField.le16(octets, 2), exponent: -1)
      (isFinal, enough) = (false, 3)
    case .okok:
      guard octets[6] & 0xE0 == 0x20 else {
        throw DecodeError(field: "state", offset: 6, reason: .invalidValue(Int64(octets[6])))
      }
      (weight, unit) = try CompanyScaleFrame.scaled(ScaleField.be16(octets, 0), octets[6], at: 6)
      impedance = ohms(ScaleField.be16(octets, 2), -1)
      isFinal = octets[6] & 0x01 != 0
    case .eufyP2:
      weight = ExactDecimal(ScaleField.le16(octets, 9), exponent: -2)
      isFinal = octets[15] == 0
    case .fit8s:
      weight = ExactDecimal(ScaleField.le24(octets, 10), exponent: -3)
      impedance = ohms(ScaleField.le16(octets, 13))
      isFinal = octets[15] == 1
    case .eufyC20:
      weight = ExactDecimal(ScaleField.le16(octets, 12), exponent: -2)
      isFinal = octets[10] == 0x05
    case .yunmaiX:
      try ScaleField.check(octets, Checksum.xor8(octets[9..<15]), at: 15)
      weight = ExactDecimal(ScaleField.be16(octets, 11), exponent: -2)
      impedance = ohms(ScaleField.be16(octets, 13))
      isFinal = octets[10] == 0x03
    case .sinocare:
      try ScaleField.check(octets, Checksum.xor8(octets[6..<16]), at: 16)
      weight = ExactDecimal(ScaleField.le16(octets, 9), exponent: -2)
      (isFinal, enough) = (false, 9)
    }
  }

  /// Chips of OKOK say in one octet how small their steps are (bits 1 and 2) and in which unit (bits 3 and 4). Stones and pounds share
  /// the number in a way that is told by one source, and are refused.
  private static func scaled(
    _ raw: Int64, _ state: UInt8, at offset: Int
  ) throws(DecodeError) -> (ExactDecimal, UCUM) {
    let exponents: [Int8?] = [-1, 0, -2, nil]
    let units: [UCUM?] = [.kilogram, .jin, .pound, nil]
    guard let exponent = exponents[Int(state >> 1 & 3)], let unit = units[Int(state >> 3 & 3)] else {
      throw DecodeError(field: "state", offset: offset, reason: .invalidValue(Int64(state)))
    }
    return (ExactDecimal(raw, exponent: exponent), unit)
  }

  /// The reading of a weighing; nil for an empty scale.
  func reading(_ raw: RawSource) -> DeviceReading? {
    guard !weight.isZero else { return nil }
    var observations = [Observation(.weight, .value(weight), unit: unit)]
    if let impedance { observations.append(Observation(.impedance, .value(impedance), unit: .ohm)) }
    return DeviceReading(
      kind: impedance == nil ? .bodyWeight : .bodyComposition, observations: observations, stored: false, raw: raw)
  }

  func decoded(_ raw: RawSource) -> Decoded {
    let values = [NamedValue("final", .flag(isFinal))]
    if isFinal, let reading = reading(raw) { return Decoded(readings: [reading], values: values) }
    let name = unit == .pound ? "lb" : unit == .jin ? "jin" : "kg"
    var unfinished = values + [NamedValue("weight", .decimal(weight)), NamedValue("unit", .text(name))]
    if let impedance { unfinished.append(NamedValue("impedance_ohm", .decimal(impedance))) }
    return Decoded(values: unfinished)
  }
}

/// Weighings out of a stream of manufacturer data.
struct CompanyScaleDriver: Driver {
  private let family: CompanyScaleFrame.Family
  private var delivered: CompanyScaleFrame?
  private var last: (weight: ExactDecimal, count: Int)?

  init(_ family: CompanyScaleFrame.Family) { self.family = family }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .advertisement(let data) = input, let company = data.company,
      CompanyScaleFrame.Family.of(company: company, data.octets) == family
    else { return [] }
    let raw = RawSource(source: AdvertisedData.source(company: company), octets: data.octets)
    do {
      var frame = try CompanyScaleFrame(family, company: company, data.octets)
      if let enough = frame.enough {
        let count = last.map { $0.weight == frame.weight ? $0.count + 1 : 1 } ?? 1
        last = (frame.weight, min(count, enough))
        frame.isFinal = count >= enough
      }
      guard frame.isFinal, !frame.weight.isZero else {
        // Somebody moves, or has left: what comes next is a new weighing.
        delivered = nil
        return []
      }
      guard frame != delivered else { return [] }
      delivered = frame
      return frame.reading(raw).map { [.reading($0)] } ?? []
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  private static func profile(
    _ id: String, _ manufacturer: String, _ names: [String], _ family: CompanyScaleFrame.Family,
    _ signs: [RecognitionSign], impedance: Bool, captured: Bool, rule: String = "a weight that the scale calls final"
  ) -> DeviceProfile {
    var profile = DeviceProfile(
      id: id, manufacturer: manufacturer, names: names, transport: .advertisement, recognition: signs,
      kinds: impedance ? [.bodyWeight, .bodyComposition] : [.bodyWeight],
      terms: impedance ? [.weight, .impedance] : [.weight], clock: .none, memory: .none,
      verification: captured ? .captured : .unverified, rule: rule + "; repeats of a frame are one"
    ) { _ in CompanyScaleDriver(family) }
    profile.accepts = { data in
      data.company.map { CompanyScaleFrame.Family.of(company: $0, data.octets) == family } ?? false
    }
    return profile.pairs(.cannotBond, hint: "step on it: it is on the air while somebody stands on it")
  }

  static let profiles = [
    profile(
      "okok", "Chipsea", ["Xiaogui TZC4 (name it: pair --driver okok)", "scales named Chipsea-BLE, Yoda0, Yoda1"],
      .okok,
      [.namePrefix("Chipsea-BLE"), .namePrefix("Yoda0"), .namePrefix("Yoda1"), .company(0x20CA)], impedance: true,
      captured: true),
    profile("etekcity-fit8s", "Etekcity", ["Fit 8S"], .fit8s, [.company(0x06D0)], impedance: true, captured: true),
    profile(
      "eufy-c20", "Eufy", ["C20 (T9130)", "P3 (T9150)"], .eufyC20, [.company(0xBC64)], impedance: false, captured: false
    ),
    profile(
      "eufy-p2", "Eufy", ["P2 (T9148)", "P2 Pro (T9149)"], .eufyP2,
      [.namePrefix("eufy T9148"), .namePrefix("eufy T9149"), .company(0xFF48)], impedance: false, captured: false),
    profile(
      "yunmai-x", "Yunmai", ["X"], .yunmaiX, [.service(BluetoothUUID(0x1320))], impedance: true, captured: false),
    profile(
      "sinocare", "Sinocare", ["Weight Scale"], .sinocare, [.company(0xFF64)], impedance: false, captured: false,
      rule: "nine equal weights in a row"),
  ]
}
