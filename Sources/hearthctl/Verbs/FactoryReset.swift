// hearthctl factory-reset: a hub for its next home.

import Glibc
import JSON
import Platform

enum ResetVerb {
  static let verb = Verb(
    name: "factory-reset", summary: "make this hub new: nothing of anybody stays",
    usage: "[--state-directory DIR] [--config FILE]\n         [--yes] [--also-files] [--json]",
    text: """
      Everything in the state directory is overwritten and removed: readings sent or
      not, bindings, paired devices and their keys, the hub's own identifier. The
      daemon must be stopped. Asks twice, unless --yes is given.

      What stands elsewhere is named: the files of directory backends, and plans
      beside the configuration. On a terminal it is asked whether they are to go too;
      in a script --also-files says so. Only files by the names that the hub gives go,
      overwritten first; other files and the folders stay. The configuration, and the
      helper programs, secrets and certificates that it names, are named and always
      stay. --config names another configuration than /etc/hearth/hearth.json.

      What a flash disk keeps in spare blocks is beyond reach: a disk that leaves the
      house is better destroyed.

      example:
        sudo systemctl stop hearthd.socket hearthd; sudo hearthctl factory-reset
      """, options: ["--state-directory", "--config"], flags: ["--yes", "--also-files"],
    exit: """
      0 done, 64 usage, 69 there is no state, 75 the daemon runs or the disk
        refused, 77 not permitted, 78 the configuration cannot be read and
        --also-files is given
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
    var beyond = BeyondReset(arguments.value("--config") ?? HubZone.usualConfiguration, state: state)
    var isAsked = arguments.has("--also-files")
    if isAsked, let fault = beyond.fault {
      throw Failure(
        status: 78, code: "bad-configuration", message: "which files are to go is not known: \(fault)",
        hint: "mend it, name another with --config, or leave --also-files out; nothing was changed")
    }
    if !arguments.isJSON { Terminal.out(beyond.text) }
    if !arguments.has("--yes") {
      try Confirmation.ask(
        "Everything in \(state) goes, also readings that no backend has yet. Type reset:", expected: "reset")
      try Confirmation.ask("This cannot be undone. Type reset once more:", expected: "reset")
      if !isAsked, beyond.hasFiles, Confirmation.isInteractive, !arguments.isJSON {
        isAsked = Confirmation.yes("Remove the files of backends and the plans too?")
      }
    }
    do throws(FileError) { try Shredder.removeTree(state, keepsFolder: true) } catch {
      let isForbidden = error.errno == EACCES || error.errno == EPERM
      throw Failure(
        status: isForbidden ? 77 : 75, code: isForbidden ? "not-permitted" : "state.write-failed", message: "\(error)",
        hint: isForbidden ? "use sudo" : "what is left can be removed by calling this again")
    }
    if isAsked { beyond.remove() }
    if arguments.isJSON {
      Terminal.line(beyond.json(state))
      return beyond.isLeft ? 75 : 0
    }
    Terminal.out("\(state) is empty; the hub gets a new identifier at its next start\n")
    Terminal.out(isAsked ? beyond.outcome : beyond.hasFiles ? "--also-files would have removed the files too\n" : "")
    guard beyond.isLeft else { return 0 }
    throw Failure(
      status: 75, code: "files.left", message: "not all files beyond the state could be removed",
      hint: "mend what is said there and remove them by hand")
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
