// What a receiver's guide asks of Observations beyond FHIR itself, as the configuration says it: references that stand in each, profiles
// that they claim, one LOINC code, who is responsible. Presets set what a guide needs.

internal import JSON
internal import Readings

/// The wishes of a receiver of Observations.
package struct FHIRShape: Sendable, Hashable {
  /// A resource that the receiver has.
  package enum Link: Sendable, Hashable {
    /// `Encounter/17`, or an absolute address.
    case reference(String)
    /// By an identifier.
    case identifier(system: String, value: String)

    var json: JSONValue {
      switch self {
      case .reference(let address): FHIRElement.reference(address)
      case .identifier(let system, let value): ["identifier": FHIRIdentity.identifier(system, value)]
      }
    }
  }

  /// What a guide needs, by name.
  package enum Preset: String, Sendable, Hashable, CaseIterable {
    /// HL7's PHD guide 2.0.0, which every transaction keeps to.
    case phd
    /// The vital signs profiles of FHIR R4.
    case vitalsigns
    /// The VKP profiles (HL7 Norway).
    case vkp
  }

  /// What an Observation may tell, by the names that `profiles` and `performers` have.
  package static let names: [String] = {
    var names = ["blood-pressure", "status", "meal"]
    for term in Nomenclature.terms where !term.isPressure && !names.contains(term.name) { names.append(term.name) }
    return names.sorted()
  }()

  /// The preset.
  package var preset: Preset?
  /// The encounter of every Observation.
  package var encounter: Link?
  /// The orders or care plans that every Observation is based on.
  package var basedOn: [Link] = []
  /// What every Observation is about, where that is not the patient alone.
  package var focus: [Link] = []
  /// Profiles that an Observation claims beside the preset's, by its name.
  package var profiles: [String: [String]] = [:]
  /// Only the first LOINC code of each concept is sent.
  package var hasOneLOINC = false
  /// Who is responsible, by the name of the Observation; nil: nobody is named. It counts before `performer` and the preset.
  package var performers: [String: Link?] = [:]
  /// Who is responsible for every other Observation.
  package var performer: Link?

  /// No wishes.
  package init() {}

  // MARK: What comes of it

  /// The profiles that an Observation claims beside those of its format. `isVoid`: it tells no value at all, and so no pressures.
  func profiles(of draft: FHIRDraft, isVoid: Bool) -> [String] {
    let own = profiles[draft.name] ?? []
    let asked = presetProfile(of: draft, isVoid: isVoid).map { [$0] } ?? []
    return asked + own.filter { !asked.contains($0) }
  }

  private func presetProfile(of draft: FHIRDraft, isVoid: Bool) -> String? {
    let isVoidPressure = isVoid && draft.name == "blood-pressure"
    switch preset {
    case .vitalsigns:
      return isVoidPressure ? nil : Self.vitalSign(draft).map { "http://hl7.org/fhir/StructureDefinition/\($0)" }
    case .vkp:
      let name = isVoidPressure ? nil : Self.namedVKP(draft)
      return "http://hl7.no/fhir/vkpobservation/StructureDefinition/vkp-Observation" + (name.map { "-\($0)" } ?? "")
    case .phd, nil: return nil
    }
  }

  /// The profile of R4 that an Observation keeps to; nil where there is none. Each wants a LOINC code that only its measure has.
  private static func vitalSign(_ draft: FHIRDraft) -> String? {
    switch draft.name {
    // Both pressures have a place of their own, and neither may be missing.
    case "blood-pressure": return draft.hasBothPressures ? "bp" : nil
    case "weight": return "bodyweight"
    case "height": return "bodyheight"
    case "bmi": return "bmi"
    case "spo2": return "oxygensat"
    case "pulse", "heart-rate": return "heartrate"
    case "temperature": return "bodytemp"
    default: return nil
    }
  }

  /// What stands behind the general name of a VKP profile; nil: it keeps to the general one.
  private static func namedVKP(_ draft: FHIRDraft) -> String? {
    switch draft.name {
    case "blood-pressure": return draft.hasBothPressures ? "Bloodpressure" : nil
    case "weight": return "Bodyweight"
    case "spo2": return "Oxygensat"
    case "pulse", "heart-rate": return "Heartrate"
    case "temperature": return "Bodytemp"
    default: return nil
    }
  }

  /// Who is responsible for an Observation. The named VKP profiles take a practitioner with a national identity number alone, which no
  /// hub knows: nobody stands there.
  func performer(of draft: FHIRDraft, isVoid: Bool) -> JSONValue? {
    if let chosen = performers[draft.name] { return chosen.map { [$0.json] } }
    let isGeneral = FHIRShape.namedVKP(draft) == nil || isVoid && draft.name == "blood-pressure"
    if preset == .vkp, !isGeneral { return nil }
    return performer.map { [$0.json] }
  }

  func loinc(_ codes: [String]) -> [String] { hasOneLOINC ? Array(codes.prefix(1)) : codes }

  /// An array of references; nil where there are none.
  static func references(_ links: [Link]) -> JSONValue? { links.isEmpty ? nil : .array(links.map(\.json)) }
}

extension FHIRDraft {
  /// What it tells, by the names of `FHIRShape`.
  var name: String {
    switch shape {
    case .numeric(let observation): observation.term.name
    case .compound: "blood-pressure"
    case .bits: "status"
    case .coded: "meal"
    }
  }

  var hasBothPressures: Bool {
    let terms = observations.map(\.term)
    return terms.contains(.systolic) && terms.contains(.diastolic)
  }
}
