// Methods about patients' plans.

internal import JSON

extension ControlMethod {
  static let plans: [ControlMethod] = [
    ControlMethod(
      "plan.show", "a patient's plan in plain words", .reader, .immediate,
      [.required("patient", lookup, "the patient's reference")], examples: [["patient": "p-7f3a"]]
    ) { given throws(ControlError) in .planShow(patient: try given.text("patient")) },
    ControlMethod(
      "plan.explain", "a patient's plan, and the last days judged by it", .reader, .computes,
      [.required("patient", lookup, "the patient's reference"), days],
      examples: [["patient": "p-7f3a"], ["patient": "p-7f3a", "days": 7]]
    ) { given throws(ControlError) in .planExplain(patient: try given.text("patient"), days: given.days) },
    ControlMethod(
      "plan.try", "what a draft would have raised over what was measured", .reader, .computes,
      [
        .required("plan", .document, "the plan's text"),
        .required("patient", lookup, "whose measurements it is held against"), days,
        ControlParameter("against", .flag, "the plan in force is tried as well, to compare"),
      ], examples: [["plan": example, "patient": "p-7f3a", "days": 7, "against": true]]
    ) { given throws(ControlError) in
      .planTry(
        text: try given.text("plan"), patient: try given.text("patient"), days: given.days,
        isCompared: given.flag("against"))
    },
    ControlMethod(
      "plan.set", "brings a plan into force, whole or not at all; its version must rise", .technician, .change,
      isAudited: true, isDurable: true, [.required("plan", .document, "the plan's text")],
      examples: [["plan": example]]
    ) { given throws(ControlError) in .planSet(text: try given.text("plan")) },
    ControlMethod(
      "plan.pause", "measurements are not expected on some dates; it stands beside the plan", .technician, .change,
      isAudited: true, isDurable: true,
      [
        .required("patient", .name, "the patient's reference"),
        .required("from", .text(upTo: 10), "the first date, such as 2026-12-20"),
        .required("to", .text(upTo: 10), "the last date"),
        ControlParameter(
          "rule", .name, "of this rule alone; without it of all over missing measurements and silent devices"),
        ControlParameter("note", .text(upTo: ControlParameter.longestNote, mayBeEmpty: true), "why"),
      ],
      examples: [
        ["patient": "p-7f3a", "from": "2026-12-20", "to": "2027-01-03", "note": "with her daughter"],
        ["patient": "p-7f3a", "from": "2026-12-20", "to": "2026-12-21", "rule": "miss.weight"],
      ]
    ) { given throws(ControlError) in
      .planPause(
        patient: try given.text("patient"), from: try given.text("from"), to: try given.text("to"),
        rules: given.text(ifGiven: "rule").map { [$0] }, note: given.text(ifGiven: "note") ?? "")
    },
    ControlMethod(
      "plan.resume", "ends the pauses beside a patient's plan", .technician, .change, isAudited: true, isDurable: true,
      [.required("patient", .name, "the patient's reference")], examples: [["patient": "p-7f3a"]]
    ) { given throws(ControlError) in .planResume(patient: try given.text("patient")) },
  ]

  private static let example: JSONValue =
    #"""
    {"patient": "p-7f3a", "version": 2, "rules": [
      {"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
    """#
}
