// What a technician is told when a backend was tried: for each test reading what was sent, what came back and in which time, what that
// means and what is wrong with it.

internal import ControlProtocol
package import Exchange
package import JSON
package import Readings
package import Settings

/// What became of one test reading.
package struct TrialStep: Sendable {
  /// The kind of the reading.
  package var kind: ReadingKind
  /// Its identifier.
  package var id: String
  /// What was sent; nil: the format has no form for it, or nothing is sent any more.
  package var request: EncodedRequest?
  /// Why the backend cannot be given it.
  package var reason: String?
  /// How it ended; nil: nothing was sent.
  package var result: HTTPResult?
  /// From sending to the last octet of the answer, in milliseconds.
  package var milliseconds: Int64

  /// A reading that is to be sent, or why it is not.
  package init(kind: ReadingKind, id: String, request: EncodedRequest? = nil, reason: String? = nil) {
    self.kind = kind
    self.id = id
    self.request = request
    self.reason = reason
    milliseconds = 0
  }
}

/// The report of a trial.
package enum TrialReport {
  /// The most octets of a request and of an answer that are shown.
  static let mostRequest = 16_384
  static let mostAnswer = 4096

  /// What `backends.try` answers.
  package static func json(_ backend: BackendConfiguration, _ steps: [TrialStep]) -> JSONValue {
    guard case .http(let format, let http) = backend.kind else { return [:] }
    let readings = steps.map { reading($0, format, http) }
    var object = JSONObject()
    object["backend"] = .string(backend.name)
    object["type"] = .string(backend.kind.name)
    object["url"] = .string(View.withoutSecrets(http.url))
    object["patient"] = backend.testPatient.map { .string($0) } ?? .null
    object["good"] = .bool(readings.allSatisfy { $0.isGood })
    object["readings"] = .array(readings.map(\.json))
    return .object(object)
  }

  /// True when no other reading is worth sending: nothing answers there, or nothing is taken whatever it holds.
  package static func isHopeless(_ step: TrialStep, _ backend: BackendConfiguration) -> Bool {
    guard case .http(let format, let http) = backend.kind, let request = step.request, let result = step.result else {
      return false
    }
    switch outcome(result, request, format, http) {
    case .misconfigured, .untrusted: return true
    case .unknown, .busy:
      if case .none = result { return true }
      return false
    case .items, .refused, .tooLarge: return false
    }
  }

  private static func outcome(
    _ result: HTTPResult, _ request: EncodedRequest, _ format: ExchangeFormat, _ http: HTTPBackend
  ) -> UploadOutcome {
    switch result {
    case .none(let outcome): outcome
    case .reply(let reply, _):
      format.read(reply, to: request, attempt: 1, trustsSuccess: http.trustsSuccess, nowMilliseconds: 0)
    }
  }

  private static func reading(
    _ step: TrialStep, _ format: ExchangeFormat, _ http: HTTPBackend
  ) -> (json: JSONValue, isGood: Bool) {
    var object = JSONObject()
    object["kind"] = .string(step.kind.rawValue)
    object["id"] = .string(step.id)
    guard let request = step.request, let result = step.result else {
      object["result"] = .string(step.request == nil ? "not-known" : "not-sent")
      object["message"] = .string(step.reason ?? "not sent: the one before shows what has to be mended first")
      return (.object(object), step.request == nil && step.reason == nil)
    }
    let judged = Judged(step, outcome(result, request, format, http), result, request, format, http)
    object["result"] = .string(judged.result)
    object["message"] = .string(judged.message)
    if let fault = judged.fault { object["fault"] = .string(fault) }
    object["milliseconds"] = .int(step.milliseconds)
    object["request"] = .object(self.request(request, result, format, http))
    if case .reply(let reply, let url) = result { object["answer"] = .object(answer(reply, url)) }
    return (.object(object), judged.isGood)
  }

  private static func request(
    _ request: EncodedRequest, _ result: HTTPResult, _ format: ExchangeFormat, _ http: HTTPBackend
  ) -> JSONObject {
    var object = JSONObject()
    object["method"] = "POST"
    object["octets"] = .int(request.body.count)
    if case .reply(let reply, _) = result { object["compressed"] = .bool(reply.sent == .gzip) }
    object["headers"] = .array(
      format.headers(of: request).map { .string("\($0.0): \($0.1)") }
        + (http.authorization == nil ? [] : ["Authorization: (not shown)"]))
    object["body"] = .string(text(request.body, mostRequest))
    return object
  }

  private static func answer(_ reply: HTTPReply, _ url: String) -> JSONObject {
    var object = JSONObject()
    object["url"] = .string(View.withoutSecrets(url))
    object["status"] = .int(reply.status)
    if let type = reply.header("content-type") { object["content_type"] = .string(String(type.prefix(200))) }
    object["octets"] = .int(reply.body.count)
    object["body"] = .string(text(reply.body, mostAnswer))
    return object
  }

  /// As much of a body as is shown. What is no UTF-8 is replaced.
  private static func text(_ body: [UInt8], _ most: Int) -> String {
    String(decoding: body.prefix(most), as: UTF8.self) + (body.count > most ? "…" : "")
  }

  /// What an outcome means.
  private struct Judged {
    var result: String
    var message: String
    var fault: String?
    var isGood = false

    init(
      _ step: TrialStep, _ outcome: UploadOutcome, _ result: HTTPResult, _ request: EncodedRequest,
      _ format: ExchangeFormat, _ http: HTTPBackend
    ) {
      if case .reply(let reply, _) = result {
        fault = AnswerContract.fault(reply, to: request, format, trustsSuccess: http.trustsSuccess)
      }
      switch outcome {
      case .items(let items):
        switch items[step.id] {
        case .stored:
          (self.result, message) = ("stored", "the backend stored it")
          isGood = fault == nil
        case .duplicate:
          (self.result, message) = ("duplicate", "the backend has it already")
          fault = fault ?? "no backend can have it already: it was made for this trial, under a new id"
        case .rejected(let reason): (self.result, message) = ("rejected", "the backend refuses it: \(reason)")
        case .unfit(let reason): (self.result, message) = ("not-sent", "it has no form for this backend: \(reason)")
        case .passedOver: (self.result, message) = ("not-sent", "this kind of backend gets nothing of the kind")
        case nil: (self.result, message) = ("unclear", "the answer does not name it")
        }
      case .busy(let after, let code):
        let wait = after.map { ", not before \(Count.of($0 / 1000, "second"))" } ?? ""
        (self.result, message) = ("busy", "\(DeliveryWords.text(code)) (\(code))\(wait)")
      case .unknown(_, let code): (self.result, message) = ("unclear", "\(DeliveryWords.text(code)) (\(code))")
      case .refused(let code, let text): (self.result, message) = ("rejected", "\(text) (\(code))")
      case .tooLarge: (self.result, message) = ("rejected", "one reading is too large for it (http.413)")
      case .misconfigured(let code, let text): (self.result, message) = ("misconfigured", "\(text) (\(code))")
      case .untrusted(let code, let text): (self.result, message) = ("untrusted", "\(text) (\(code))")
      }
    }
  }
}
