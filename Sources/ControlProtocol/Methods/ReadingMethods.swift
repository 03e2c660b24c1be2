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
      "parked.retry", "sends to a backend again what it refused", .technician, .change, isAudited: true,
      isDurable: true,
      [
        ControlParameter("id", lookup, "a reading's or event's id, or its first six digits or more"),
        ControlParameter("backend", lookup, "the backend, where more than one refused it, or all is meant"),
        ControlParameter("all", .flag, "everything that the backend refused"),
        ControlParameter("since", moment, "what the backend refused since this moment"),
      ],
      examples: [
        ["id": "0e9a7b0c"], ["id": "0e9a7b0c", "backend": "gp"], ["backend": "gp", "all": true],
        ["backend": "gp", "since": "7d"],
      ]
    ) { given throws(ControlError) in
      if let id = given.text(ifGiven: "id") { return .parkedRetry(id: id, backend: given.text(ifGiven: "backend")) }
      let (backend, since) = try all(given)
      return .parkedRetryAll(backend: backend, since: since)
    },
    ControlMethod(
      "parked.dismiss", "takes from the list what a backend refused and nobody needs there", .technician, .change,
      isAudited: true, isDurable: true,
      [
        ControlParameter(
          "ids", .list(most: Refused.mostIDs, upTo: ControlParameter.longestName),
          "ids, or the first six digits or more of each"),
        ControlParameter("backend", lookup, "the backend, where more than one refused it, or all is meant"),
        ControlParameter("all", .flag, "everything that the backend refused"),
        ControlParameter("since", moment, "what the backend refused since this moment"),
        ControlParameter("exported", .flag, "because it was exported"),
      ],
      examples: [
        ["ids": ["0e9a7b0c"], "backend": "gp", "exported": true], ["backend": "gp", "all": true],
        ["backend": "gp", "since": "7d"],
      ]
    ) { given throws(ControlError) in
      let ids = given.texts("ids")
      guard ids.isEmpty else {
        return .parkedDismiss(
          Refused(ids: ids, backend: given.text(ifGiven: "backend")), isExported: given.flag("exported"))
      }
      let (backend, since) = try all(given)
      return .parkedDismiss(Refused(ids: [], backend: backend, since: since), isExported: given.flag("exported"))
    },
  ]

  private typealias Refused = ControlRequest.Refused

  /// What says that all is meant: a backend, and that it is all of it or since when.
  private static func all(_ given: ControlArguments) throws(ControlError) -> (backend: String, since: String?) {
    guard let backend = given.text(ifGiven: "backend"), given.flag("all") || given.text(ifGiven: "since") != nil else {
      throw ControlError(
        code: "bad-parameters", message: "params: expected an id, or a backend and \"all\" or \"since\"",
        hint: "hearthctl parked lists what is refused")
    }
    return (backend, given.text(ifGiven: "since"))
  }

  /// A name that is looked up and never stored.
  static let lookup = ControlParameter.Kind.text(upTo: ControlParameter.longestName)

  private static let moment = ControlParameter.Kind.text(upTo: 64)
}
