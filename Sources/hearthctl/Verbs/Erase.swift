// hearthctl erase: what the law calls erasure. What is beyond the hub's own state is named, and removed when that is asked for.

import ControlProtocol
import Glibc
import JSON
import Platform

enum EraseVerb {
  static let verb = Verb(
    name: "erase", summary: "erase a patient: readings, bindings, plan",
    usage: "--patient REF [--yes] [--also-files] [--new] [--json]",
    text: """
      Everything that this hub holds of the patient goes: readings (sent or not), the
      events and rules that came of them, who uses which slot, the plan. The journal's
      files are written anew without them, the old files are overwritten with zeros
      and removed; when this command says that it is done, the octets are gone. Copies
      of damaged octets and what was kept for support go too, as nobody can tell whose
      they are.

      What stays: the fact that the patient was erased, when and by whom, in the audit
      records; numbers without contents, so that nobody takes the hole for a loss;
      short check values by which a device's old records are known when it sends them
      again. If the power goes in between, the hub completes it at its next start.

      The files of directory backends hold what was delivered into them. How many
      lines of the patient are in which folder is told. On a terminal it is asked
      whether they are to go too; in a script --also-files says so. Then the files are
      written anew without these lines, and the old ones are overwritten. What was
      copied from there, and folders that are no backend's any more, stay as they are.

      What this hub cannot reach: what other backends have already received, a
      device's own memory, the spare blocks of a flash disk, and devices that
      hearth.json gives to the patient. These devices are named. As long as
      hearth.json names the patient, its copy last-good.json in the state directory
      does so too: it follows at the next reload.

      \(PatientCheck.erasureHelp)

      Only root may do this. Without --yes the reference has to be typed again.

      example:
        sudo hearthctl erase --patient p-7f3a
      """, options: ["--patient"], flags: ["--yes", "--also-files", "--new"],
    methods: ["erase"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 another patient may be meant, 69 nothing is known of the patient,
        75 try again later, or not all files that were to go could be written
        anew, 77 not permitted, 111 the daemon is not running
      """, run: run)

  /// How long it may take, in milliseconds: all of the journal and of the files is read.
  private static let patience: Int64 = 1_800_000

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let patient = arguments.value("--patient") else {
      throw Failure.usage("--patient is missing", hint: "hearthctl erase --help")
    }
    var client = try DaemonClient(arguments)
    let check = try PatientCheck(patient, arguments, &client, isErased: true)
    if !arguments.has("--yes") {
      try Confirmation.ask("This cannot be undone. Type the patient's reference again:", expected: patient)
    }
    let isAsked = arguments.has("--also-files")
    let answer = check.marked(try erase(patient, files: isAsked, &client))
    let isPlanGone = removePlan(answer["plan"]?.string, patient)
    if arguments.isJSON {
      var object = answer.object ?? JSONObject()
      object["plan_removed"] = .bool(isPlanGone)
      Terminal.line(.object(object))
      return isAsked && !ErasedFiles(answer).left.isEmpty ? 75 : 0
    }
    Terminal.out("erased: \(Count.of(answer["readings"]?.int ?? 0, "reading")), and what came of them\n")
    if check.isNew { Terminal.out("nothing was known of this patient\n") }
    if !isPlanGone { Terminal.out("remove by hand: \(Show.text(answer["plan"]))\n") }
    let configured = answer["configured"]?.array ?? []
    for device in configured {
      Terminal.out("hearth.json still gives the device \(Show.text(device)) to the patient\n")
    }
    if !configured.isEmpty {
      Terminal.out("so does its copy last-good.json, until hearth.json is changed and reloaded\n")
    }
    for name in answer["left"]?.array ?? [] {
      Terminal.out("journal/\(Show.text(name)) cannot be read by this version and was left as it is\n")
    }
    try files(patient, ErasedFiles(answer), arguments, &client)
    return 0
  }

  private static func erase(
    _ patient: String, files: Bool, _ client: inout DaemonClient
  ) throws(Failure) -> JSONValue {
    var parameters = JSONObject()
    parameters["patient"] = .string(patient)
    // A daemon that is older than this parameter would refuse it.
    if files { parameters["files"] = true }
    return try client.call("erase", .object(parameters), within: patience)
  }

  /// Says what the files of backends hold, or held; on a terminal it asks whether that is to go.
  private static func files(
    _ patient: String, _ found: ErasedFiles, _ arguments: Arguments, _ client: inout DaemonClient
  ) throws(Failure) {
    var found = found
    var isAsked = arguments.has("--also-files")
    if !isAsked, found.lines > 0 {
      Terminal.out("these are beyond the hub's own state:\n" + found.beyond)
      if !arguments.has("--yes"), Confirmation.isInteractive {
        isAsked = Confirmation.yes("Remove them too?")
        if isAsked {
          found = ErasedFiles(try erase(patient, files: true, &client))
        } else {
          Terminal.out("they stay as they are; hearthctl erase with --also-files removes them\n")
        }
      } else {
        Terminal.out("--also-files removes them\n")
      }
    }
    if isAsked { Terminal.out(found.removed) }
    for left in found.left { Terminal.out("  \(isAsked ? "not written anew" : "not read"): \(left)\n") }
    guard isAsked, !found.left.isEmpty else { return }
    throw Failure(
      status: 75, code: "files.left", message: "not all files of backends could be written anew",
      hint: "mend what is said there, then erase again with --also-files")
  }

  /// True when no plan file is there any more. The daemon may not write in its configuration; root may.
  private static func removePlan(_ path: String?, _ patient: String) -> Bool {
    guard let path, path.hasSuffix("/\(patient).json"), !patient.contains("/") else { return true }
    guard access(path, F_OK) == 0 else { return errno == ENOENT || errno == ENOTDIR }
    do throws(FileError) {
      try Shredder.remove(path)
      return true
    } catch { return false }
  }
}

/// What the daemon says of a patient's lines in the files of directory backends.
private struct ErasedFiles {
  private let backends: [JSONValue]
  /// Files that could not be read or written, with the reason.
  private(set) var left: [String] = []

  init(_ answer: JSONValue) {
    backends = answer["files"]?.array ?? []
    for backend in backends {
      for file in backend["left"]?.array ?? [] {
        left.append("\(Show.text(backend["folder"]))/\(Show.text(file["file"])): \(Show.text(file["reason"]))")
      }
    }
  }

  /// How many lines were found.
  var lines: Int { backends.reduce(0) { $0 &+ ($1["lines"]?.int ?? 0) } }

  /// What was found, a line of text for each backend.
  var beyond: String { text("files", "lines") { "  \($1) in \($0)" } }

  /// What is gone.
  var removed: String { text("rewritten", "removed") { "removed: \($1) of \($0)" } }

  private func text(_ files: String, _ lines: String, _ words: (String, String) -> String) -> String {
    backends.filter { ($0[lines]?.int ?? 0) > 0 }.map { backend in
      let place = "\(Show.text(backend["folder"])) (backend \(Show.text(backend["backend"])))"
      return words(
        Count.of(backend[files]?.int ?? 0, "file") + " under \(place)", Count.of(backend[lines]?.int ?? 0, "line"))
        + "\n"
    }.joined()
  }
}
