// hearthctl plan rehearse: written stories through the same gateway as in the home, under a simulated clock.

import GatewayCore
import JSON
import Monitoring
import Readings
import Zones
import ZoneFiles

enum RehearseVerb {
  /// The most stories of a file.
  private static let mostStories = 10_000
  /// The most octets of a file.
  private static let mostOctets = 64 << 20

  static func run(_ path: String, isJSON: Bool) throws(Failure) -> Int32 {
    let octets = try InputFile.read(
      path, atMost: mostOctets, hint: "a file of stories has at most 64 MiB")
    let nodes = try stories(octets, path)
    guard nodes.count <= mostStories else {
      throw Failure(
        status: 65, code: "too-many", message: "\(path): expected at most \(mostStories) stories, found \(nodes.count)")
    }
    var zones: [String: TimeZoneRules] = [:]
    func zone(_ name: String) -> TimeZoneRules? {
      if let known = zones[name] { return known }
      let found = name == "UTC" ? TimeZoneRules.utc : try? ZoneDatabase.rules(of: name)
      zones[name] = found
      return found
    }
    var differing = 0
    var judged = 0
    for (index, node) in nodes.enumerated() {
      let story: PlanStory
      do throws(JSONError) { story = try PlanStory(node, number: index + 1, zone: zone) } catch {
        throw Failure(status: 65, code: "bad-story", message: "story \(index + 1): \(error.description(file: path))")
      }
      let result = Rehearsal.play(story)
      if story.expected != nil { judged += 1 }
      if !result.isAsExpected { differing += 1 }
      if isJSON { Terminal.line(json(story, result)) } else { show(story, result) }
    }
    if !isJSON {
      let plain = nodes.count - judged
      var words = "\(nodes.count) \(nodes.count == 1 ? "story" : "stories")"
      if judged > 0 {
        words += ": \(judged - differing) as expected, \(differing) \(differing == 1 ? "differs" : "differ")"
      }
      if judged > 0, plain > 0 { words += ", \(plain) without expectation" }
      Terminal.out(words + "\n")
    }
    return differing > 0 ? 65 : 0
  }

  /// One story, a list of them, `{"stories": […]}`, or a story a line.
  private static func stories(_ octets: [UInt8], _ path: String) throws(Failure) -> [JSONNode] {
    let reader = JSONReader(dialect: .configuration, maximumSize: mostOctets)
    do throws(JSONError) {
      let node = try reader.node(octets)
      if case .array = node.content { return try node.array() }
      if let list = try JSONMembers(node)["stories"] { return try list.array() }
      return [node]
    } catch let whole {
      var nodes: [JSONNode] = []
      for (number, line) in octets.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        guard line.contains(where: { $0 > 0x20 }) else { continue }
        do throws(JSONError) { nodes.append(try reader.node(Array(line))) } catch {
          // A file of one story that is broken is told by its own place.
          let fault =
            number == 0 || nodes.isEmpty
            ? whole.description(file: path) : "\(path): line \(number + 1): \(error.message)"
          throw Failure(status: 65, code: "bad-story", message: fault)
        }
      }
      guard !nodes.isEmpty else {
        throw Failure(status: 65, code: "bad-story", message: "\(path): expected a story, found nothing")
      }
      return nodes
    }
  }

  // MARK: What came of it

  private static func show(_ story: PlanStory, _ result: RehearsalResult) {
    let verdict = story.expected == nil ? "" : result.isAsExpected ? "  as expected" : "  DIFFERS"
    Terminal.out("\(story.id)\(verdict)\n")
    for warning in story.warnings { Terminal.out("  note: \(warning)\n") }
    for remark in result.remarks { Terminal.out("  note: \(remark)\n") }
    for (index, told) in result.told.enumerated() {
      let mark = result.unexpected.contains(index) && story.expected != nil ? "+" : " "
      Terminal.out("\(mark) \(story.local(told.at))  \(words(told))\n")
      if let message = told.event.message, message != "" { Terminal.out("                       \"\(message)\"\n") }
    }
    if result.told.isEmpty { Terminal.out("  nothing is told\n") }
    for expected in result.missing { Terminal.out("- \(story.local(expected.at))  \(expected.text.text)\n") }
    for item in result.notJudged.array ?? [] {
      Terminal.out("  \(Show.text(item["rule"])) does not judge: \(Show.text(item["because"]))\n")
    }
    if !result.isAsExpected {
      Terminal.out("  + was told and not expected, - was expected and not told\n")
    }
    Terminal.out("\n")
  }

  private static func words(_ told: RehearsalResult.Told) -> String {
    let event = told.event
    var words = [event.rule, event.kind.rawValue, event.zone.rawValue]
    let detail = event.detail
    if let direction = detail.direction { words.append(direction.rawValue) }
    if let value = detail.value {
      words.append("\(value)" + (detail.unit.map { " \(UCUM(rawValue: $0)?.symbol ?? $0)" } ?? ""))
    }
    if let comparator = detail.comparator { words.append(comparator == "<" ? "LO" : "HI") }
    if let zone = detail.valueZone { words.append("(value \(zone.rawValue))") }
    if event.count > 1 { words.append("x\(event.count)") }
    if let because = detail.because { words.append("because \(because)") }
    if let repeated = detail.repeated { words.append("repeat \(repeated)") }
    if detail.escalates { words.append("escalate") }
    if detail.isFlapping { words.append("flapping") }
    return words.joined(separator: " ")
  }

  private static func json(_ story: PlanStory, _ result: RehearsalResult) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(story.id)
    if story.expected != nil { object["as_expected"] = .bool(result.isAsExpected) }
    object["told"] = .array(
      result.told.map { told in
        var event = told.json.object ?? JSONObject()
        event["t"] = .string(story.local(told.at))
        event["state"] = event["event"]
        return .object(event)
      })
    if story.expected != nil {
      object["missing"] = .array(result.missing.map(\.text))
      object["unexpected"] = .array(
        result.unexpected.map { index in
          var event = result.told[index].json.object ?? JSONObject()
          event["t"] = .string(story.local(result.told[index].at))
          event["state"] = event["event"]
          return .object(event)
        })
    }
    if !story.warnings.isEmpty { object["warnings"] = .array(story.warnings.map { .string($0) }) }
    if !result.remarks.isEmpty { object["remarks"] = .array(result.remarks.map { .string($0) }) }
    object["not_judged"] = result.notJudged
    return .object(object)
  }
}
