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
      ], examples: [["plan": example, "patient": "p-7f3a", "days": 7]]
    ) { given throws(ControlError) in
      .planTry(text: try given.text("plan"), patient: try given.text("patient"), days: given.days)
    },
    ControlMethod(
      "plan.set", "brings a plan into force, whole or not at all; its version must rise", .technician, .change,
      isAudited: true, isDurable: true, [.required("plan", .document, "the plan's text")],
      examples: [["plan": example]]
    ) { given throws(ControlError) in .planSet(text: try given.text("plan")) },
  ]

  private static let example: JSONValue =
    #"""
    {"patient": "p-7f3a", "version": 2, "rules": [
      {"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
    """#
}
