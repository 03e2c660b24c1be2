// hearthctl report: a patient's last days: a page for a browser, or lines for the terminal.

import ControlProtocol
import Glibc
import JSON
import Monitoring
import Platform
import Readings
import Reports
import ZoneFiles
import Zones

enum ReportVerb {
  static let verb = Verb(
    name: "report", summary: "a patient's last days: curves as a page, or lines here",
    usage: """
      --patient REF [--days N] [--html FILE|-]
             [--language nb|nn|en] [--json]
      """,
    text: """
      Without --html the values of the last days (30) stand here as lines: each
      block is a stretch of time, ▲ and ◆ below it say yellow and red by the plan.
      Below them is what was raised in 90 days: what goes on first, then the newest.
      With --html a page is written: what was raised, from when to when, how far out
      and who took notice; curves against the plan's zones with the means that rules
      judge; what did not come, and a table of the readings. It holds everything in
      itself, runs nothing and asks no network; only you can read the file. The words
      are in the plan's language. It is noted who asked.

      examples:
        hearthctl report --patient p-7f3a
        hearthctl report --patient p-7f3a --days 90 --html p-7f3a.html
      """, options: ["--patient", "--days", "--html", "--language"],
    methods: ["report", "readings"],
    exit: """
      0 done, 1 the daemon answered with an error, 64 usage, 69 no such patient,
        or no folder for the file, 75 try again later or the disk is full,
        77 not permitted, 111 the daemon is not running
      """, run: run)

  @Sendable private static func run(_ arguments: Arguments) throws(Failure) -> Int32 {
    guard let patient = arguments.value("--patient") else {
      throw Failure.usage("expected --patient REF: whose picture it is", hint: "hearthctl report --help")
    }
    let days = try DaysOption.read(arguments)
    var language: PlanLanguage?
    if let text = arguments.value("--language") {
      language = PlanLanguage(rawValue: text)
      if language == nil { throw Failure.usage("--language: \"\(text)\" is unknown", hint: "known: nb, nn, en") }
    }
    guard !arguments.isJSON || arguments.value("--html") == nil else {
      throw Failure.usage("--html and --json exclude each other")
    }
    var client = try DaemonClient(arguments)
    let report = try client.list("report", ["patient": .string(patient), "days": .int(days)], of: "rows").whole
    if arguments.isJSON {
      Terminal.line(report)
      return 0
    }
    var filter = JSONObject()
    filter["patient"] = .string(patient)
    filter["since"] = report["from"] ?? .null
    filter["limit"] = 10_000
    let readings = try client.list("readings", .object(filter), of: "readings").items
    var picture: PatientPicture
    do throws(PatientPicture.Fault) {
      picture = try PatientPicture(
        report: report, readings: readings, zone: HubZone.named(report["timezone"]?.string) ?? .utc, language: language)
    } catch {
      throw Failure(
        status: 1, code: "bad-answer", message: "the daemon's answer has no \(error.member)",
        hint: "does the hearthd of the same package run?")
    }
    for index in picture.marks.indices { picture.marks[index].by = picture.marks[index].by.map(person) }
    for episode in picture.episodes.indices {
      for index in picture.episodes[episode].notices.indices {
        picture.episodes[episode].notices[index].by = person(picture.episodes[episode].notices[index].by)
      }
    }
    guard let path = arguments.value("--html") else {
      Terminal.out(text(picture, width: Terminal.width))
      return 0
    }
    let page = ReportPage(picture).html
    guard path != "-" else {
      Terminal.out(page)
      return 0
    }
    do throws(FileError) {
      try StateFile.write(Array(page.utf8), to: path)
    } catch {
      throw OutputFile.failure(path, error)
    }
    Terminal.out(
      "\(Terminal.clean(path)): \(Count.of(picture.rows.count, "reading")) of \(Count.of(days, "day")); open it in a browser\n"
    )
    return 0
  }

  /// `uid:1000` as the name that the machine has for it.
  private static func person(_ text: String) -> String {
    guard text.hasPrefix("uid:"), let uid = UInt32(text.dropFirst(4)), let entry = getpwuid(uid),
      let name = entry.pointee.pw_name
    else { return text }
    return String(cString: name)
  }

  // MARK: Lines

  private static func text(_ picture: PatientPicture, width: Int) -> String {
    let summary = picture.summary
    var text = Show.paragraph("", summary.heading) + "\n\n"
    let rough = picture.sparklines(columns: 1)
    guard !rough.isEmpty else { return text + Terminal.clean(summary.empty) + "\n" + notes(summary) }
    func widest(_ of: (Sparkline) -> String) -> Int { rough.map { TextWidth.columns(of($0)) }.max() ?? 0 }
    let (title, last, zone, when) = (widest(\.title), widest(\.last), widest(\.zone), widest(\.when))
    let left = min(width - title - last - zone - when - 8, width - title - widest(\.spread) - 4)
    // A column a day where there is room for it, so that a blank is a day without a measurement; of few days quarters.
    let most = picture.dayCount >= 14 ? picture.dayCount : 4 * picture.dayCount
    let columns = min(max(left, 8), most)
    for line in picture.sparklines(columns: columns) {
      text += pad(line.title, title) + "  "
      for cell in line.cells { text += colour(String(cell.block), cell.zone) }
      text += "  " + pad(line.last, last, isRight: true)
      // On a narrow terminal the line ends with what matters.
      if left >= 8 { text += "  " + colour(pad(line.zone, zone), line.lastZone) + "  " + line.when }
      text += "\n" + String(repeating: " ", count: title + 2)
      for cell in line.cells { text += colour(String(cell.sign), cell.zone) }
      let room = width - title - 4 - line.cells.count
      let isBelow = TextWidth.columns(line.spread) > room
      text +=
        isBelow
        ? "\n" + Show.paragraph(String(repeating: " ", count: title + 2), line.spread) + "\n" : "  \(line.spread)\n"
    }
    return text + notes(summary)
  }

  private static func notes(_ summary: PatientPicture.Summary) -> String {
    var text = ""
    if !summary.leftOut.isEmpty { text += "\n" }
    for line in summary.leftOut { text += Show.paragraph("", line) + "\n" }
    if !summary.missed.isEmpty { text += "\n" + Show.paragraph("", summary.missed) + "\n" }
    if !summary.alerts.isEmpty { text += "\n" }
    for alert in summary.alerts {
      // The zone's name stands in the indent, where colour does not disturb the count of columns.
      let body = Show.paragraph(String(repeating: " ", count: TextWidth.columns(alert.name) + 2), alert.text)
      text += colour(alert.name, alert.zone) + body.dropFirst(alert.name.count) + "\n"
    }
    if !summary.told.isEmpty { text += "\n" }
    for line in summary.told { text += Show.paragraph("", line) + "\n" }
    return text
  }

  private static func pad(_ text: String, _ width: Int, isRight: Bool = false) -> String {
    let clean = Terminal.clean(text)
    let blanks = String(repeating: " ", count: max(0, width - TextWidth.columns(clean)))
    return isRight ? blanks + clean : clean + blanks
  }

  private static func colour(_ text: String, _ zone: Zone?) -> String {
    guard Terminal.hasColour, let zone else { return text }
    switch zone {
    case .green: return "\u{1B}[32m\(text)\u{1B}[0m"
    case .yellow: return "\u{1B}[33m\(text)\u{1B}[0m"
    case .red: return "\u{1B}[1;31m\(text)\u{1B}[0m"
    }
  }
}

/// `--days N`.
enum DaysOption {
  /// 1…366; 30 unless it is given.
  static func read(_ arguments: Arguments) throws(Failure) -> Int {
    try arguments.number("--days", of: "report", "days") ?? 30
  }
}
