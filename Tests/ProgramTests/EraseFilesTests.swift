// What erase and factory-reset do not reach in the hub's own state: files of directory backends and plans beside the configuration,
// through the real programs.

import Foundation
import Testing

private let configuration = """
  {
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-1", "2": "p-2"}}],
    "backends": [
      {"name": "local", "type": "directory", "path": "HOME/out", "keep": "P30D"},
      {"name": "gp", "type": "native", "url": "https://gp.example", "bearer": {"file": "HOME/token"}},
    ],
    "plans": "HOME/plans",
  }
  """

/// A reading of p-2.
private let others = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 60
  < 1810/2A35 1e81005000 5f00 ea070b14081f00 4600 02 0000
  """

/// And one of p-1.
private let cuff =
  others + """

    @ 80
    < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
    """

private let p1 = #"{"id":"00000000-0000-0000-0000-000000000001","kind":"body-weight","patient":"p-1"}"#
private let p2 = #"{"id":"00000000-0000-0000-0000-000000000002","kind":"body-weight","patient":"p-2"}"#

extension Home {
  /// The files of the directory backend by name; a folder has no text.
  fileprivate func files() throws -> [String: String] {
    let folder = folder.appending(path: "out")
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      files[name] = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }
    return files
  }

  /// The name of a day's file, so many days ago.
  fileprivate static func day(ago days: Double) -> String {
    Date(timeIntervalSinceNow: -days * 86_400).formatted(.iso8601.year().month().day()) + ".ndjson"
  }

  fileprivate func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: name).path)
  }

  /// A text stands in the journal.
  fileprivate func holds(_ text: String) -> Bool {
    let journal = folder.appending(path: "state/journal")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: journal.path)) ?? []
    return names.filter { $0.hasSuffix(".journal") }.contains { name in
      (try? Data(contentsOf: journal.appending(path: name)))?.range(of: Data(text.utf8)) != nil
    }
  }

  /// A daemon whose backend has one line of each patient, beside what earlier days left.
  fileprivate static func filled() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "out"), withIntermediateDirectories: true)
    try home.write([p1, p2, p1].joined(separator: "\n") + "\n", "out/" + Home.day(ago: 3))
    try home.write(p2 + "\n", "out/" + Home.day(ago: 4))
    try home.write(p1, "out/notes.txt")
    try home.write("secret", "token")
    try home.start()
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":2"#) }
    return home
  }
}

private func files(_ outcome: Outcome) -> [String: Any] { (outcome.json["files"] as? [[String: Any]])?.first ?? [:] }

@Suite struct EraseFilesTests {
  @Test func linesOfFilesAreNamedAndRemovedWhenThatIsAsked() throws {
    let home = try Home.filled()
    let today = try #require(try home.files().first { $0.value.contains("blood-pressure") }?.key)
    try home.write("{}", "plans/p-1.json")
    let named = try home.ctl("erase", "--patient", "p-1", "--yes")
    #expect(named.status == 0, "\(named)")
    #expect(named.out.contains("these are beyond the hub's own state:\n  3 lines in 2 files under "))
    #expect(named.out.contains("(backend local)\n--also-files removes them\n"))
    #expect(try home.files().values.filter { $0.contains("p-1") }.count == 3)
    let json = try home.ctl("erase", "--patient", "p-1", "--yes", "--new", "--json")
    #expect(json.status == 0 && files(json)["lines"] as? Int == 3 && files(json)["removed"] as? Int == 0)
    // The hub itself does not know the patient any more, and the files go on being reached.
    let inode =
      try FileManager.default.attributesOfItem(
        atPath: home.folder.appending(path: "out/" + Home.day(ago: 4)).path)[.systemFileNumber] as? Int
    let removed = try home.ctl("erase", "--patient", "p-1", "--yes", "--new", "--also-files")
    #expect(removed.status == 0 && removed.out.contains("removed: 3 lines of 2 files under "), "\(removed)")
    let left = try home.files()
    #expect(left[Home.day(ago: 3)] == p2 + "\n" && left[Home.day(ago: 4)] == p2 + "\n")
    #expect(left["notes.txt"] == p1)
    #expect(left[today]?.contains(#""patient":"p-2""#) ?? false)
    #expect(left[today]?.contains(#""patient":"p-1""#) == false)
    #expect(left.count == 4, "\(left.keys)")
    // What holds nothing of the patient is not touched; who may read a file stays as it was.
    let after = try FileManager.default.attributesOfItem(
      atPath: home.folder.appending(path: "out/" + Home.day(ago: 4)).path)
    #expect(after[.systemFileNumber] as? Int == inode)
    #expect(home.stop() == 0)
    // What is delivered later goes behind it.
    try home.write(others, "cuff.capture")
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    #expect(try home.files()[today] == left[today])
    #expect(home.stop() == 0)
  }

  /// A kill in the middle leaves two files of one day; the next start finishes what was begun.
  @Test func aWishOutlivesAKill() throws {
    let home = try Home.filled()
    let socket = home.folder.appending(path: "run/hearthd.sock").path
    let erasing = Process()
    erasing.executableURL = Home.programs.appending(path: "hearthctl")
    erasing.arguments = ["erase", "--patient", "p-1", "--yes", "--also-files", "--socket", socket]
    (erasing.standardOutput, erasing.standardError) = (Pipe(), Pipe())
    try erasing.run()
    // As soon as the wish is on disk the daemon is killed, wherever it is.
    for _ in 0..<2000 where !home.holds("erase patient p-1") { usleep(500) }
    if let pid = home.pid { kill(pid, SIGKILL) }
    _ = home.stop()
    erasing.waitUntilExit()
    #expect(home.holds("erase patient p-1"))
    // As a kill in the middle of one file would leave it.
    let name = Home.day(ago: 4)
    let out = home.folder.appending(path: "out")
    try FileManager.default.moveItem(at: out.appending(path: name), to: out.appending(path: name + ".erased"))
    try home.write(p2 + "\n", "out/\(name).new")
    try home.write(p1, "out/\(Home.day(ago: 5)).new")
    // The cuff does not send again what was erased.
    try home.write(others, "cuff.capture")
    try home.start()
    for _ in 0..<500 {
      let left = try home.files()
      if left.count == 4, left.filter({ $0.value.contains("p-1") }).map(\.key) == ["notes.txt"] { break }
      usleep(20_000)
    }
    let left = try home.files()
    #expect(left.filter { $0.value.contains("p-1") }.map(\.key) == ["notes.txt"], "\(left)")
    #expect(left[name] == p2 + "\n" && left.count == 4, "\(left)")
    #expect(home.stop() == 0)
  }

  /// Without "plans" the folder is beside the configuration, wherever that is.
  @Test func thePlanBesideTheConfigurationGoes() throws {
    let home = try Home(configuration.replacingOccurrences(of: "\"plans\": \"HOME/plans\",", with: ""), cuff: cuff)
    try home.write(#"{"patient": "p-1", "version": 1, "rules": []}"#, "plans/p-1.json")
    try home.write("secret", "token")
    try home.start()
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":2"#) }
    let outcome = try home.ctl("erase", "--patient", "p-1", "--yes", "--json")
    #expect(outcome.status == 0 && outcome.json["plan_removed"] as? Bool == true, "\(outcome)")
    #expect(!home.exists("plans/p-1.json"))
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.ctl("plan", "show", "p-1").status == 69)
    #expect(home.stop() == 0)
  }

  @Test func aFileThatCannotBeWrittenAnewIsNamedAndTheOthersAre() throws {
    let home = try Home.filled()
    let name = Home.day(ago: 3)
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "out/\(name).new"), withIntermediateDirectories: true)
    let text = try home.ctl("erase", "--patient", "p-1", "--yes", "--also-files")
    #expect(text.status == 75, "\(text)")
    #expect(text.out.contains("removed: 1 line of 1 file under "))
    #expect(text.out.contains("not written anew: \(home.folder.path)/out/\(name): open: File exists"))
    #expect(text.error.contains("\nhint: mend what is said there, then erase again with --also-files\n"))
    #expect(try home.files()[name] == [p1, p2, p1].joined(separator: "\n") + "\n")
    #expect(home.read("log").contains("patient.files-left: 1 file of backends"))
    let json = try home.ctl("erase", "--patient", "p-1", "--yes", "--new", "--also-files", "--json")
    #expect(json.status == 75)
    #expect(((files(json)["left"] as? [[String: Any]])?.first?["file"] as? String) == name)
    try FileManager.default.removeItem(at: home.folder.appending(path: "out/\(name).new"))
    #expect(try home.ctl("erase", "--patient", "p-1", "--yes", "--new", "--also-files").status == 0)
    #expect(try home.files()[name] == p2 + "\n")
    #expect(home.stop() == 0)
  }

  @Test func daysThatWereKeptLongEnoughAreRemoved() throws {
    let home = try Home(configuration, cuff: cuff)
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "out"), withIntermediateDirectories: true)
    let old = [Home.day(ago: 33), "2020-02-29.ndjson"]
    let kept = [Home.day(ago: 28), Home.day(ago: 0), "2020-02-30.ndjson", "2020-01-01.csv", "notes.ndjson"]
    for name in old + kept { try home.write(p2 + "\n", "out/" + name) }
    try home.start()
    for _ in 0..<500 where old.contains(where: { home.exists("out/" + $0) }) { usleep(20_000) }
    #expect(Set(try home.files().keys).isSuperset(of: kept))
    for verb in ["backends", "status"] {
      let words = try home.ctl(verb).out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains("/out are removed 30 days after the end of their day"), "\(words)")
    }
    let backends = try home.ctl("backends", "--json").json["backends"] as? [[String: Any]]
    #expect(backends?.first { $0["name"] as? String == "local" }?["keep_seconds"] as? Int == 30 * 86_400)
    for name in old { #expect(!home.exists("out/" + name)) }
    let words = "directory.expired: removed, kept long enough: 2 files of a directory backend"
    for _ in 0..<100 where !home.read("log").contains(words) { usleep(20_000) }
    #expect(home.read("log").contains(words))
    #expect(home.stop() == 0)
  }
}

@Suite struct ResetFilesTests {
  private func reset(_ home: Home, _ arguments: String..., input: String = "") throws -> Outcome {
    try Home.run(
      "hearthctl",
      [
        "factory-reset", "--state-directory", home.folder.appending(path: "state").path, "--config",
        home.folder.appending(path: "hearth.json").path,
      ] + arguments, input: input)
  }

  @Test func whatIsElsewhereIsNamedAndStays() throws {
    let home = try Home.filled()
    #expect(home.stop() == 0)
    try home.write("{}", "plans/p-1.json")
    let folder = home.folder.path
    let outcome = try reset(home, input: "reset\nreset\n")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.out.contains("  3 files of the backend local under \(folder)/out\n"))
    #expect(outcome.out.contains("  1 plan under \(folder)/plans\n"))
    #expect(outcome.out.contains("  \(folder)/hearth.json, \(folder)/token: these always stay\n"))
    #expect(outcome.out.contains("--also-files would have removed the files too\n"))
    #expect(try home.files().count == 4 && home.exists("plans/p-1.json"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/state") == [])
  }

  @Test func whenThatIsAskedItGoesAndNothingElse() throws {
    let home = try Home.filled()
    #expect(home.stop() == 0)
    for name in ["plans/p-1.json", "plans/notes.md", "plans/.hidden.json"] { try home.write("{}", name) }
    try home.write("{}", "out/\(Home.day(ago: 9)).new")
    let outcome = try reset(home, "--yes", "--also-files", "--json")
    #expect(outcome.status == 0, "\(outcome)")
    let found = outcome.json["files"] as? [[String: Any]] ?? []
    #expect(found.map { $0["removed"] as? Int } == [4, 1])
    #expect(outcome.json["stays"] as? [String] == ["hearth.json", "token"].map { "\(home.folder.path)/\($0)" })
    #expect(Array(try home.files().keys) == ["notes.txt"])
    for name in ["plans/notes.md", "plans/.hidden.json", "hearth.json", "token"] {
      #expect(home.exists(name), "\(name)")
    }
    #expect(!home.exists("plans/p-1.json"))
  }

  /// A slip in the path: which files there are is not known, and nothing goes.
  @Test func aConfigurationThatIsNotThereKeepsEverything() throws {
    let home = try Home.filled()
    #expect(home.stop() == 0)
    func reset(_ arguments: String...) throws -> Outcome {
      try Home.run(
        "hearthctl",
        [
          "factory-reset", "--state-directory", home.folder.appending(path: "state").path, "--config",
          home.folder.appending(path: "nofile.json").path, "--yes",
        ] + arguments)
    }
    let refused = try reset("--also-files")
    #expect(refused.status == 78 && refused.error.contains("nofile.json is not there"), "\(refused)")
    #expect(home.exists("state/journal"))
    let named = try reset()
    #expect(named.status == 0 && named.out.contains("what the configuration names is not known: "), "\(named)")
  }

  @Test func aConfigurationThatCannotBeReadKeepsEverything() throws {
    let home = try Home.filled()
    #expect(home.stop() == 0)
    try home.write("{", "hearth.json")
    let refused = try reset(home, "--yes", "--also-files")
    #expect(refused.status == 78 && refused.error.contains("which files are to go is not known: "), "\(refused)")
    #expect(home.exists("state/journal"))
    let named = try reset(home, "--yes")
    #expect(named.status == 0 && named.out.contains("what the configuration names is not known: "), "\(named)")
    #expect(!home.exists("state/journal"))
  }
}
