// hearthctl erase, factory-reset: what the law calls erasure, and a hub for its next home.

import Glibc
import JSON
import Platform

enum EraseVerb {
  static let verb = Verb(
    name: "erase", summary: "erase a patient: readings, bindings, plan",
    usage: "--patient REF [--yes] [--new] [--json]",
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

      What this hub cannot reach: what backends have already received, files of a
      directory backend, a device's own memory, the spare blocks of a flash disk, and
      devices that hearth.json gives to the patient: these are named.

      \(PatientCheck.help)

      Only root may do this. Without --yes the reference has to be typed again.

      example:
        sudo hearthctl erase --patient p-7f3a
      """, options: ["--patient"], flags: ["--yes", "--new"],
    methods: ["erase"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage,
        65 another patient may be meant, 75 try again later,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let patient = arguments.value("--patient") else {
      throw Failure.usage("--patient is missing", hint: "hearthctl erase --help")
    }
    var client = try DaemonClient(arguments)
    let check = try PatientCheck(patient, arguments, &client)
    if !arguments.has("--yes") {
      try Confirmation.ask("This cannot be undone. Type the patient's reference again:", expected: patient)
    }
    let answer = check.marked(try client.call("erase", ["patient": .string(patient)]))
    let isPlanGone = removePlan(answer["plan"]?.string, patient)
    if arguments.isJSON {
      var object = answer.object ?? JSONObject()
      object["plan_removed"] = .bool(isPlanGone)
      Terminal.line(.object(object))
      return 0
    }
    Terminal.out("erased: \(Show.text(answer["readings"])) readings, and what came of them\n")
    if check.isNew { Terminal.out("nothing was known of this patient\n") }
    if !isPlanGone { Terminal.out("remove by hand: \(Show.text(answer["plan"]))\n") }
    for device in answer["configured"]?.array ?? [] {
      Terminal.out("hearth.json still gives the device \(Show.text(device)) to the patient\n")
    }
    for name in answer["left"]?.array ?? [] {
      Terminal.out("journal/\(Show.text(name)) cannot be read by this version and was left as it is\n")
    }
    return 0
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

enum ResetVerb {
  static let verb = Verb(
    name: "factory-reset", summary: "make this hub new: nothing of anybody stays",
    usage: "[--state-directory DIR] [--yes]",
    text: """
      Everything in the state directory is overwritten and removed: readings sent or
      not, bindings, paired devices and their keys, the hub's own identifier. The
      configuration in /etc/hearth stays. The daemon must be stopped. Asks twice,
      unless --yes is given. What a flash disk keeps in spare blocks is beyond reach:
      a disk that leaves the house is better destroyed.

      example:
        sudo systemctl stop hearthd.socket hearthd; sudo hearthctl factory-reset
      """, options: ["--state-directory"], flags: ["--yes"],
    exit: """
      0 done, 64 usage, 69 there is no state, 75 the daemon runs or the disk
        refused, 77 not permitted
      """, run: run)

  /// What tells that a folder is a hub's state.
  private static let marks = ["hub-id", "journal"]

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    let state = arguments.value("--state-directory") ?? Environment.get("STATE_DIRECTORY") ?? "/var/lib/hearth"
    guard marks.contains(where: { access("\(state)/\($0)", F_OK) == 0 }) else {
      if errno == EACCES {
        throw Failure(status: 77, code: "not-permitted", message: "you may not look into \(state)", hint: "use sudo")
      }
      throw Failure(
        status: 69, code: "not-found", message: "\(state) is no hub's state", hint: "--state-directory names another")
    }
    let lock = try lockJournal(state)
    defer { withExtendedLifetime(lock) {} }
    if !arguments.has("--yes") {
      try Confirmation.ask(
        "Everything in \(state) goes, also readings that no backend has yet. Type reset:", expected: "reset")
      try Confirmation.ask("This cannot be undone. Type reset once more:", expected: "reset")
    }
    do throws(FileError) { try Shredder.removeTree(state, keepsFolder: true) } catch {
      let isForbidden = error.errno == EACCES || error.errno == EPERM
      throw Failure(
        status: isForbidden ? 77 : 75, code: isForbidden ? "not-permitted" : "state.write-failed", message: "\(error)",
        hint: isForbidden ? "use sudo" : "what is left can be removed by calling this again")
    }
    Terminal.out("\(state) is empty; the hub gets a new identifier at its next start\n")
    return 0
  }

  /// Held until the end: a daemon that is started meanwhile finds the journal in use.
  private static func lockJournal(_ state: String) throws(Failure) -> File? {
    do throws(FileError) {
      let lock = try File("\(state)/journal/lock", flags: O_RDWR | O_NOFOLLOW)
      if try lock.tryLock() { return lock }
      throw FileError("flock", lock.path, EWOULDBLOCK)
    } catch {
      switch error.errno {
      case ENOENT: return nil
      case EWOULDBLOCK:
        throw Failure(
          status: 75, code: "journal.locked", message: "the daemon runs",
          hint: "sudo systemctl stop hearthd.socket hearthd")
      default: throw Failure(status: 77, code: "not-permitted", message: "\(error)", hint: "use sudo")
      }
    }
  }
}

/// Questions whose answer has to be typed.
enum Confirmation {
  static func ask(_ question: String, expected: String) throws(Failure) {
    Terminal.out(question + " ")
    guard let line = readLine(strippingNewline: true), line == expected else {
      throw Failure(status: 64, code: "not-confirmed", message: "not confirmed; nothing was changed", hint: "--yes")
    }
  }
}
