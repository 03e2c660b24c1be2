// Methods about patients: whose readings are whose, what was raised, who has taken notice, and the end of it.

internal import JSON

extension ControlMethod {
  static let patients: [ControlMethod] = [
    ControlMethod(
      "assign", "gives a parked reading, or from now on a device's user slot, to a patient", .technician, .change,
      isAudited: true, isDurable: true,
      [
        .required("patient", .patient, "the patient's reference"),
        ControlParameter("reading", lookup, "a parked reading's id, or its first six digits or more"),
        ControlParameter("device", lookup, "a device's name, where no reading is given"),
        ControlParameter("user", .number(0...254), "the device's user slot; without it all of the device"),
      ],
      examples: [
        ["reading": "0e9a7b0c", "patient": "p-7f3a"], ["device": "cuff", "patient": "p-7f3a"],
        ["device": "cuff", "user": 1, "patient": "p-7f3a"],
      ]
    ) { given throws(ControlError) in
      let patient = try given.text("patient")
      if let reading = given.text(ifGiven: "reading") { return .assignReading(id: reading, patient: patient) }
      guard let device = given.text(ifGiven: "device") else {
        throw ControlError(
          code: "bad-parameters", message: "params: expected a reading, or a device and perhaps a user slot",
          hint: "hearthctl readings --parked lists what waits")
      }
      return .assignSlot(device: device, user: given.slot(ifGiven: "user"), patient: patient)
    },
    ControlMethod(
      "assign.nobody", "takes a device, or a user slot of it, from its patient: it is nobody's from now on",
      .technician, .change, isAudited: true, isDurable: true,
      [
        device,
        ControlParameter("user", .number(0...254), "the device's user slot; without it the device and each slot"),
      ], examples: [["device": "cuff"], ["device": "cuff", "user": 1]]
    ) { given throws(ControlError) in
      .unassign(device: try given.text("device"), user: given.slot(ifGiven: "user"))
    },
    ControlMethod(
      "patient.known", "whether a patient is known here, and who else may be meant", .reader, .immediate,
      [.required("patient", lookup, "the patient's reference")], examples: [["patient": "p-7f3a"]]
    ) { given throws(ControlError) in .patientKnown(try given.text("patient")) },
    ControlMethod(
      "reading.park", "takes a reading from its patient: it waits for one again, and backends are told", .technician,
      .change, isAudited: true, isDurable: true, [reading], examples: [["reading": "0e9a7b0c"]]
    ) { given throws(ControlError) in .correctReading(.park, id: try given.text("reading")) },
    ControlMethod(
      "reading.accept", "says that an implausible or suspect reading is the patient's and right", .technician, .change,
      isAudited: true, isDurable: true, [reading], examples: [["reading": "0e9a7b0c"]]
    ) { given throws(ControlError) in .correctReading(.accept, id: try given.text("reading")) },
    ControlMethod(
      "session.start", "what a public device measures from now on is this patient's", .technician, .change,
      isAudited: true, isDurable: true,
      [
        .required("patient", .patient, "the patient's reference"), .required("device", lookup, "a device's name"),
        ControlParameter("minutes", .number(1...720), "for so many minutes; without it \(ControlRequest.usualSession)"),
      ], examples: [["patient": "p-7f3a", "device": "cuff"], ["patient": "p-7f3a", "device": "cuff", "minutes": 30]]
    ) { given throws(ControlError) in
      .sessionStart(
        patient: try given.text("patient"), device: try given.text("device"),
        minutes: given.number(ifGiven: "minutes") ?? ControlRequest.usualSession)
    },
    ControlMethod(
      "session.end", "ends the session on a public device", .technician, .change, isAudited: true, isDurable: true,
      [.required("device", lookup, "a device's name")], examples: [["device": "cuff"]]
    ) { given throws(ControlError) in .sessionEnd(device: try given.text("device")) },
    ControlMethod(
      "alerts", "what is raised or waits for a repeat", .reader, .immediate,
      [ControlParameter("patient", lookup, "of this patient alone")], examples: [[:], ["patient": "p-7f3a"]]
    ) { given in .alerts(patient: given.text(ifGiven: "patient")) },
    ControlMethod(
      "alerts.ack", "somebody has taken notice of what a rule raised", .technician, .change, isAudited: true,
      isDurable: true,
      [
        .required("patient", .name, "the patient's reference"), .required("rule", .name, "the rule's id"),
        ControlParameter("note", .text(upTo: ControlParameter.longestNote, mayBeEmpty: true), "what was done"),
        ControlParameter("episode", .text(upTo: 36), "the episode that is meant; another one that is open is refused"),
      ],
      examples: [
        ["patient": "p-7f3a", "rule": "bp.extreme", "note": "called, new cuff tomorrow"],
        ["patient": "p-7f3a", "rule": "bp.extreme", "episode": "1f0c8b4e-52d7-5e0a-9a3c-0d6b7a1c2e4f"],
      ]
    ) { given throws(ControlError) in
      .acknowledge(
        patient: try given.text("patient"), rule: try given.text("rule"), note: given.text(ifGiven: "note") ?? "",
        episode: given.text(ifGiven: "episode"))
    },
    ControlMethod(
      "report", "what a picture of a patient's last days is drawn from", .reader, .computes, isAudited: true,
      [.required("patient", lookup, "the patient's reference"), days],
      examples: [["patient": "p-7f3a"], ["patient": "p-7f3a", "days": 7]]
    ) { given throws(ControlError) in .report(patient: try given.text("patient"), days: given.days) },
    ControlMethod(
      "erase", "erases a patient's readings, and what was derived from them", .owner, .change, isAudited: true,
      isDurable: true,
      [
        .required("patient", .name, "the patient's reference"),
        ControlParameter(
          "files", .flag, "the patient's lines in the files of directory backends go too; without it they are counted"),
      ], examples: [["patient": "p-7f3a"], ["patient": "p-7f3a", "files": true]]
    ) { given throws(ControlError) in
      .erase(patient: try given.text("patient"), files: given.flag("files"))
    },
  ]

  private static let reading = ControlParameter.required(
    "reading", lookup, "a reading's id, or its first six digits or more")

  /// Over how many days something is judged.
  static let days = ControlParameter("days", .number(1...366), "so many days back; without it 30")
}

extension ControlArguments {
  var days: Int { number(ifGiven: "days") ?? 30 }
}
