// Methods about readings: what is stored, what comes, what waits for a person.

internal import JSON
internal import Readings

extension ControlMethod {
  static let readings: [ControlMethod] = [
    ControlMethod(
      "readings", "stored readings, the newest last", .reader, .readsJournal,
      [
        ControlParameter("since", moment, "not measured before this instant or date, or so long ago (24h)"),
        ControlParameter("until", moment, "measured before this instant or date, or so long ago"),
        ControlParameter("patient", lookup, "of this patient alone"),
        ControlParameter("device", lookup, "by this device alone"),
        ControlParameter("kind", lookup, "of this kind alone"),
        ControlParameter("zones", .choices(Zone.allCases.map(\.rawValue)), "of these zones alone"),
        ControlParameter("parked", .flag, "only those that wait for a patient"),
        ControlParameter("limit", .number(1...ControlRequest.mostReadings), "the newest so many; without it 50"),
      ], examples: [[:], ["patient": "p-7f3a", "since": "24h", "zones": ["red", "yellow"], "limit": 100]]
    ) { given in
      .readings(
        ControlRequest.ReadingsFilter(
          since: given.text(ifGiven: "since"), until: given.text(ifGiven: "until"),
          patient: given.text(ifGiven: "patient"), device: given.text(ifGiven: "device"),
          kind: given.text(ifGiven: "kind"), zones: given.texts("zones").compactMap { Zone(rawValue: $0) },
          parked: given.flag("parked"), limit: given.number(ifGiven: "limit") ?? 50))
    },
    ControlMethod(
      "readings.follow", "readings from now on, as notifications \"reading\"", .reader, .immediate,
      [ControlParameter("patient", lookup, "of this patient alone")], examples: [[:], ["patient": "p-7f3a"]]
    ) { given in .follow(patient: given.text(ifGiven: "patient")) },
    ControlMethod(
      "watch", "readings and events from now on, as notifications \"reading\" and \"event\"", .reader, .immediate,
      [ControlParameter("patient", lookup, "of this patient alone")], examples: [[:], ["patient": "p-7f3a"]]
    ) { given in .watch(patient: given.text(ifGiven: "patient")) },
    ControlMethod(
      "parked", "readings without patient, and what backends refused, with the reason", .reader, .immediate
    ) { _ in .parked },
    ControlMethod("parked.readings", "the readings behind \"parked\"", .reader, .readsJournal) { _ in .parkedReadings },
    ControlMethod(
      "parked.retry", "sends a refused reading to its backend again", .technician, .change, isAudited: true,
      isDurable: true,
      [
        .required("id", lookup, "the reading's id, or its first six digits or more"),
        ControlParameter("backend", lookup, "the backend, where more than one refused it"),
      ], examples: [["id": "0e9a7b0c"], ["id": "0e9a7b0c", "backend": "gp"]]
    ) { given throws(ControlError) in
      .parkedRetry(id: try given.text("id"), backend: given.text(ifGiven: "backend"))
    },
  ]

  /// A name that is looked up and never stored.
  static let lookup = ControlParameter.Kind.text(upTo: ControlParameter.longestName)

  private static let moment = ControlParameter.Kind.text(upTo: 64)
}
