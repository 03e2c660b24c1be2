// What a backend answers to the question for plans: `{"plans": [PLAN, …]}`, each as in a plan's file (RFC 9110 for status, ETag and
// 304). A plan is good whole or refused whole, by the code that reads files; a bad one takes no other with it.

package import Exchange
package import Monitoring

internal import JSON
internal import Settings
internal import Ledger

/// What a backend answered to the question for plans.
package enum PlanAnswer: Sendable, Hashable {
  /// The most octets of an answer.
  package static let mostOctets = 1 << 20

  /// Every plan that it has for this hub, and their tag.
  case plans([UInt8], etag: String?)
  /// Nothing is new since the tag that was sent.
  case unchanged
  /// It has no plan for this hub.
  case none
  /// The verifying program did not say that the answer is signed as it should be.
  case unverified
  /// Nothing is known: again later, not before `after` milliseconds.
  case retry(after: Int64?, code: String)
  /// Nothing that waiting cures.
  case misconfigured(code: String, text: String)

  /// There was no answer.
  package init(_ outcome: UploadOutcome) {
    switch outcome {
    case .busy(let after, let code), .unknown(let after, let code): self = .retry(after: after, code: code)
    case .misconfigured(let code, let text), .untrusted(let code, let text), .refused(let code, let text):
      self = .misconfigured(code: code, text: text)
    case .items, .tooLarge: self = .retry(after: nil, code: "answer.unreadable")
    }
  }

  /// Reads an answer. `wall`: milliseconds since 1970.
  package static func read(_ reply: HTTPReply, wall: Int64) -> PlanAnswer {
    let code = "http.\(reply.status)"
    switch reply.status {
    case 200:
      // The page of a portal is no answer of the backend.
      let type = (reply.header("content-type") ?? "").lowercased().prefix { $0 != ";" && $0 != " " }
      guard type == "application/json" || type.hasSuffix("+json") else {
        return .retry(after: nil, code: "answer.unreadable")
      }
      if reply.isTruncated {
        return reply.body.count < mostOctets
          ? .retry(after: nil, code: "answer.cut")
          : .misconfigured(code: "answer.too-large", text: "plans of more than \(mostOctets) octets are not read")
      }
      return .plans(reply.body, etag: reply.header("etag").flatMap(tag))
    case 204, 404: return .none
    case 304: return .unchanged
    case 300...399:
      return .misconfigured(code: code, text: "plans have moved; configure the address that the redirection points to")
    case 401: return .misconfigured(code: code, text: "the backend refuses the credential for plans")
    case 403: return .misconfigured(code: code, text: "the credential may not read plans there")
    case 408, 409, 425, 429, 500...599:
      return .retry(after: HTTPAnswer.retryAfter(reply.headers, nowMilliseconds: wall), code: code)
    case 400...499: return .misconfigured(code: code, text: "the backend does not answer the question for plans")
    default: return .retry(after: nil, code: code)
    }
  }

  /// What the verifying program reads: `GET URL`, the answer's headers, an empty line, the octets of the body.
  package static func verifierInput(_ reply: HTTPReply, url: String) -> [UInt8] {
    var text = "GET \(url)\n"
    for (name, value) in reply.headers where (name + value).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
      text += "\(name.lowercased()): \(value)\n"
    }
    return Array((text + "\n").utf8) + reply.body
  }

  /// The program's word, which it prints as its only line: silence is none.
  package static func isVerified(_ output: [UInt8]) -> Bool {
    output == Array("verified\n".utf8) || output == Array("verified".utf8)
  }

  /// An entity tag that may be sent back; nil for anything else.
  package static func tag(_ text: String) -> String? {
    (1...256).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
  }
}

/// A plan that a backend gave and that is good.
package struct PulledPlan: Sendable, Hashable {
  /// What it says.
  package var plan: Plan
  /// Its JSON object alone, as it is kept.
  package var octets: [UInt8]
  /// Address, line, column and key path, without anything of the patient.
  var place: String
}

/// The plans of an answer.
struct PlanList {
  var plans: [PulledPlan] = []
  /// Address, line, column, key path and reason of each that is no plan.
  var refused: [String] = []
  /// Every patient that is named, by good plans or bad ones; nil when the answer could not be read as a whole.
  var patients: Set<String>? = []

  init() {}

  /// Reads an answer's octets; `file` names where they come from.
  init(_ octets: [UInt8], file: String) {
    do throws(JSONError) {
      let node = try JSONReader(maximumSize: PlanAnswer.mostOctets).node(HTTPReply.withoutMark(octets))
      let top = try node.object(known: ["plans"])
      let items = try top.required("plans", "a list of plans").array()
      var count: [String: Int] = [:]
      for item in items { if let patient = item.value["patient"]?.string { count[patient, default: 0] += 1 } }
      patients = Set(count.keys)
      for item in items {
        do throws(JSONError) {
          let (plan, octets) = try PlanFile.plan(item)
          guard count[plan.patient] == 1 else {
            throw item.error("invalid-value", "two plans of one patient: expected one")
          }
          let place = "\(file):\(item.place.line):\(item.place.column): \(item.path)"
          plans.append(PulledPlan(plan: plan, octets: octets, place: place))
        } catch {
          refused.append(error.description(file: file))
        }
      }
    } catch {
      refused = [error.description(file: file)]
      patients = nil
    }
  }
}
