// Beurer, Sanitas and Silvercrest devices that follow the SIG's profiles: cuffs BM54, BM57, BM77, BM85, BM96; scales BF105, BF500,
// BF600, BF720, BF788, BF850, BF915, BF950, SBF72, SBF73, SBF76, SBF77; glucose meter GL50. Source: captures and issues of public phone
// apps.
//
// Oddities: the company id 0x0611 is on every Beurer product and names none. Cuffs refuse subscriptions on an unencrypted link;
// some show a six-digit passkey. The BM85 hides a user octet and turns pulse and status round (see Quirks), and wants a second
// of rest before the first subscription. The scales send their history first, an all-zero composition where they measured none,
// and nothing at all before the code of a user slot was given. Most show it when somebody stands on them; BF915, SBF72 and SBF73
// when they are asked to (10 and the slot, written to FFFF/0001), and some of those take 0. A BF500 shows none: its maker's application
// chose 8229. A BF500 does not weigh while it is connected, so the hub does not stay.

internal import Octets
internal import Readings

enum Beurer {
  private static let maker = "Beurer"

  static let bm85 = DeviceProfile(
    id: "beurer-bm85", manufacturer: maker, names: ["BM85"], transport: .gatt, recognition: [.namePrefix("BM85")],
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .settable, memory: .untilConfirmed,
    verification: .captured
  ) { context in
    var context = context
    context.model = context.model ?? "BM85"
    return SIGDriver(BloodPressureProfile(), context)
  }.pairs(settles: 1000, hint: "start a Bluetooth transfer in its menu; enter the code that its display shows")

  static let cuffs = DeviceProfile(
    id: "beurer-bm", manufacturer: maker, names: ["BM48", "BM54", "BM57", "BM59", "BM77", "BM96", "Silvercrest SBM69"],
    transport: .gatt,
    recognition: ["BM48", "BM54", "BM57", "BM59", "BM77", "BM96", "SBM69"].map { .namePrefix($0) },
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .settable, memory: .untilConfirmed,
    verification: .unverified
  ) { SIGDriver(BloodPressureProfile(), $0) }
  .pairs(settles: 1000, hint: "take a measurement or open its memory; enter the code if its display shows one")

  static let bf720 = DeviceProfile(
    id: "beurer-bf720", manufacturer: maker,
    names: ["BF720", "BF788", "BF105", "BF600", "BF850", "BF950", "Sanitas SBF76, SBF77"], transport: .gatt,
    recognition: ["BF720", "BF788", "BF105", "BF600", "BF850", "BF950", "SBF76", "SBF77"].map { .namePrefix($0) },
    kinds: [.bodyWeight, .bodyComposition], terms: WeightProfile.compositionTerms, clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(WeightProfile(), $0, consent: .entered) }
  .pairs(asksConsent: true, hint: "step on it once; its display shows the user's number and code")

  static let bf915 = DeviceProfile(
    id: "beurer-bf915", manufacturer: maker, names: ["BF915", "SBF72", "SBF73"], transport: .gatt,
    recognition: [.namePrefix("BF915"), .namePrefix("SBF72"), .namePrefix("SBF73")],
    kinds: [.bodyWeight, .bodyComposition], terms: WeightProfile.compositionTerms, clock: .settable,
    memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(WeightProfile(), $0, consent: .shown) }
  .pairs(asksConsent: true, hint: "step on it once; while it is paired its display shows the code of user 1")

  static let bf500 = DeviceProfile(
    id: "beurer-bf500", manufacturer: maker, names: ["BF500"], transport: .gatt, recognition: [.namePrefix("BF500")],
    kinds: [.bodyWeight, .bodyComposition], terms: WeightProfile.compositionTerms, clock: .settable,
    memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(WeightProfile(), $0, consent: .ofApplication, isBrief: true) }
  .pairs(
    hint: "step on it once and off again: it does not weigh while it is connected; user 1 has the code of its maker's "
      + "application")

  static let gl50 = DeviceProfile(
    id: "beurer-gl50", manufacturer: maker, names: ["GL50"], transport: .gatt, recognition: [.namePrefix("GL50")],
    kinds: [.glucose], terms: GlucoseProfile.terms, clock: .settable, memory: .records, verification: .unverified
  ) { SIGDriver(GlucoseProfile(), $0) }.pairs(hint: "open its Bluetooth menu; enter the code if its display shows one")
}
