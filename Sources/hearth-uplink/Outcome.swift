// URLSession's answers and errors as outcomes. Its error codes on Linux are few and coarse (every refusal of a certificate is -1, so
// the words decide there): the daemon must not read more into a kind than its name says.

import Foundation
import FoundationNetworking
import UplinkProtocol

extension UplinkAnswer {
  /// Status and headers, without the body. Nil when the status is none that HTTP has.
  init?(_ response: HTTPURLResponse) {
    guard let status = UInt16(exactly: response.statusCode), (100...999).contains(status) else { return nil }
    var headers: [UplinkHeader] = []
    for (name, value) in response.allHeaderFields {
      guard let name = name as? String, let value = value as? String else { continue }
      headers.append(UplinkHeader(name, value))
    }
    headers.sort { ($0.name.lowercased(), $0.value) < ($1.name.lowercased(), $1.value) }
    self.init(status: status, headers: headers)
  }

  func outcome(_ body: [UInt8], isTruncated: Bool) -> UplinkResponse.Outcome {
    var answer = self
    answer.body = body
    answer.bodyTruncated = isTruncated
    return .response(answer)
  }
}

enum Outcome {
  /// What became of a transfer that URLSession says is over.
  static func of(_ transfer: Transfer, _ error: (any Error)?) -> UplinkResponse.Outcome {
    let answer = transfer.answer
    guard let error = error as NSError? else {
      return answer?.outcome(transfer.body, isTruncated: false) ?? .failure(.cannotParse, detail: "no status came")
    }
    let isCancelled = error.domain != NSURLErrorDomain || error.code == NSURLErrorCancelled
    if transfer.isChallenged {
      return answer?.outcome(transfer.body, isTruncated: false)
        ?? .failure(.tlsOrUnknown, detail: "the server wants a password")
    }
    // The status came, and then the body broke off: the status still counts.
    if let answer, !isCancelled { return answer.outcome(transfer.body, isTruncated: true) }
    let text = error.localizedDescription
    if !isCancelled, let kind = UplinkFailureKind.ofTLS(text) { return .failure(kind, detail: text) }
    return .failure(kind(error, isCancelled: isCancelled), detail: "\(error.code): \(text)")
  }

  private static func kind(_ error: NSError, isCancelled: Bool) -> UplinkFailureKind {
    if isCancelled { return .timeout }
    switch error.code {
    case NSURLErrorCannotFindHost, NSURLErrorDNSLookupFailed: return .dns
    case NSURLErrorCannotConnectToHost, NSURLErrorNotConnectedToInternet: return .refused
    case NSURLErrorNetworkConnectionLost: return .reset
    case NSURLErrorBadServerResponse: return .closedWithoutAnswer
    case NSURLErrorTimedOut: return .timeout
    case NSURLErrorCannotParseResponse, NSURLErrorCannotDecodeRawData, NSURLErrorCannotDecodeContentData:
      return .cannotParse
    case NSURLErrorDataLengthExceedsMaximum: return .tooLarge
    // "Unsupported URL" is also what a status line becomes that libcurl cannot read; the URL itself was checked before.
    case NSURLErrorUnsupportedURL: return .cannotParse
    case NSURLErrorBadURL: return .invalidRequest
    // A kept connection was dead, and libcurl has no body to send once more (see CCurlHook): its words are of either.
    default:
      let text = error.localizedDescription
      return ["data rewind", "Recv failure", "Send failure"].contains { text.contains($0) } ? .reset : .tlsOrUnknown
    }
  }
}
