// Whether the patient that a person typed is known to the hub. A reference that is one slip from a known one is asked about on a
// terminal, and refused in a script that does not say --new.

import JSON
import Readings

struct PatientCheck {
  /// What the verbs that use it say in their help.
  static let help = """
    A PATIENT that this hub does not know yet is asked about on a terminal. In a
    script it is taken and said to be new; when it is one letter from a known one,
    it is refused with status 65 unless --new is given.
    """

  /// The same of a patient who is to be erased: of one who is known nowhere nothing can go.
  static let erasureHelp = """
    A PATIENT of whom nothing is known is refused with status 69. One who is one
    letter from a known one is asked about on a terminal, and in a script refused
    with status 65 unless --new is given.
    """

  /// The hub does not know the patient.
  let isNew: Bool
  /// Others stand on the patient's scale, too.
  let sharesScale: Bool
  private let patient: String

  /// Asks the daemon, and perhaps the person. Throws status 65 when another patient may be meant, 64 when the person says no.
  /// - Parameter isErased: the patient is to be erased: also one whom an older version took under what is no reference any more.
  init(
    _ patient: String, _ arguments: Arguments, _ client: inout DaemonClient, isErased: Bool = false
  ) throws(Failure) {
    self.patient = patient
    try PatientCheck.refuseMalformed(patient, isErased: isErased)
    let found = try PatientCheck.look(patient, &client)
    sharesScale = found?["shares_scale"]?.bool ?? false
    guard let answer = found, answer["known"]?.bool == false else {
      isNew = false
      return
    }
    isNew = true
    guard !arguments.has("--new") else { return }
    let near = answer["near"]?.string.map(Terminal.clean)
    let name = Terminal.clean(patient)
    // The daemon looks further, and says when there is nothing.
    if isErased, near == nil { return }
    guard Confirmation.isInteractive, !arguments.isJSON else {
      guard let near else { return }
      throw Failure(
        status: 65, code: "patient.unknown", message: "nobody here is \(name); there is \(near)",
        hint: "write \(near), or say --new if \(name) is meant")
    }
    let question = near.map { "nobody here is \(name); there is \($0)." } ?? "nobody here is \(name) yet."
    guard Confirmation.yes("\(question) Go on with \(name)?") else {
      throw Failure(
        status: 64, code: "not-confirmed", message: "not confirmed; nothing was changed",
        hint: near.map { "write \($0)" } ?? "--new says that a new patient is meant")
    }
  }

  /// Whether others stand on the patient's scale; false where no daemon answers.
  static func sharesScale(_ patient: String, _ arguments: Arguments) -> Bool {
    do throws(Failure) {
      var client = try DaemonClient(arguments)
      return try look(patient, &client)?["shares_scale"]?.bool ?? false
    } catch { return false }
  }

  /// What can be no reference is refused before anybody is asked about it.
  private static func refuseMalformed(_ patient: String, isErased: Bool) throws(Failure) {
    switch PatientReference.fault(in: patient) {
    case .malformed?: break
    case .nameless? where !isErased: break
    // Of a number that is no pseudonym the daemon knows whether it is in force already.
    case .nameless?, .nationalIdentityNumber?, nil: return
    }
    guard let fault = PatientReference.fault(in: patient) else { return }
    throw Failure.usage(
      "\"\(Terminal.clean(patient))\" is no patient's reference: \(fault.message)", hint: fault.hint)
  }

  /// What the daemon knows; nil of a daemon that is older than the question.
  private static func look(_ patient: String, _ client: inout DaemonClient) throws(Failure) -> JSONValue? {
    do throws(Failure) {
      return try client.call("patient.known", ["patient": .string(patient)])
    } catch {
      if error.code == "unknown-method" { return nil }
      throw error
    }
  }

  /// An answer that says so of a new patient.
  func marked(_ answer: JSONValue) -> JSONValue {
    guard isNew, var object = answer.object else { return answer }
    object["new_patient"] = true
    return .object(object)
  }

  /// Says so to a person.
  func tell() {
    if isNew { Terminal.out("\(Terminal.clean(patient)) is new to this hub\n") }
  }
}
