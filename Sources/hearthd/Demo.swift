// `hearthd --demo`: the real daemon, journal and drivers in a temporary folder; only what the devices say is recorded. It speaks to
// people who see Hearth for the first time: plain words, and lines of at most 60 columns.

import Glibc
import Platform

enum Demo {
  static func run(_ given: Options) -> Int32 {
    var template = Array("/tmp/hearth-demo.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      Console.error("hearthd: \(SystemError.last("make a folder", path: "/tmp/hearth-demo").message)\n")
      return 1
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let status = play(given, folder)
    if given.stays || given.keeps {
      Console.out(kept(folder))
    } else {
      remove(folder)
    }
    return status
  }

  private static func play(_ given: Options, _ folder: String) -> Int32 {
    do {
      let story = try DemoStory(folder: folder)
      var options = given
      options.configuration = "\(folder)/hearth.json"
      options.stateDirectory = "\(folder)/state"
      options.runtimeDirectory = "\(folder)/run"
      guard
        case .success(let loaded) = ConfigurationLoader.load(
          options.configuration, state: options.stateDirectory, for: .check)
      else {
        Console.error("hearthd: the demo's own configuration is not good\n")
        return 1
      }
      let daemon = try Daemon(options, loaded)
      Console.out(
        """
        Hearth demo: a blood-pressure cuff, a scale, an oximeter.
        What they say is recorded; everything else is real.
        It takes half a minute. To look at it meanwhile, type in
        another terminal:

          hearthctl status --socket \\
            \(folder)/run/hearthd.sock

        A reading is green, yellow or red by the patient's plan:
        here a blood pressure of 180 or more is red.


        """)
      // Seconds count from here on.
      _ = start
      var narrator = DemoNarrator()
      daemon.observer = { narrator.tell($0) }
      daemon.whenReady = { story.play(stays: given.stays) }
      let status = daemon.run()
      Console.out("\n" + narrator.summary)
      return status
    } catch {
      Console.error("hearthd: \((error as? StartError)?.message ?? "\(error)")\n")
      return 1
    }
  }

  /// When the demo began, monotonic milliseconds.
  private static let start = Clocks.monotonic()

  /// One line, with the seconds since the start.
  static func say(_ text: String) {
    let seconds = "\((Clocks.monotonic() - start) / 1000) s"
    Console.out(String(repeating: " ", count: max(0, 5 - seconds.utf8.count)) + seconds + "  " + text + "\n")
  }

  private static func kept(_ folder: String) -> String {
    """
    What it wrote is in \(folder):
      delivered/      what the backend got, a line each
      state/journal/  the store that it came from
      hearth.json     the configuration; plans/ beside it
    Remove the folder when you have seen enough.

    """
  }

  private static func remove(_ folder: String) {
    do throws(FileError) {
      try Shredder.removeTree(folder, keepsFolder: false)
      Console.out(
        """
        Its folder is removed. With --keep it stays, to be looked
        at; with --stay the demo goes on until Ctrl-C.

        """)
    } catch {
      Console.error("hearthd: \(folder) could not be removed: \(error)\n")
    }
  }
}
