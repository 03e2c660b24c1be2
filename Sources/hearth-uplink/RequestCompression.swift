// The body of a request as gzip, by zlib: Foundation has no encoder for it.

import CCurlHook
import UplinkProtocol

/// Compresses bodies; looks for the library when the first one is to be compressed.
final class RequestCompression {
  private let library: String
  private var isThere: Bool?

  init(library: String) { self.library = library }

  /// The request as it goes over the wire, and in which form that is. The same octets always give the same octets.
  func applied(to request: UplinkRequest) -> (request: UplinkRequest, form: UplinkBodyForm) {
    guard request.compresses, !request.body.isEmpty else { return (request, .plain) }
    let isThere = self.isThere ?? hearth_gzip_open(library)
    if self.isThere == nil, !isThere { Log.line("\(library) is not there or has no gzip; requests go plain") }
    self.isThere = isThere
    guard isThere else { return (request, .plainWithoutLibrary) }
    // What does not get smaller needs more than there is room for, and goes as it is.
    let packed = [UInt8](unsafeUninitializedCapacity: request.body.count) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      count = request.body.withUnsafeBytes { body in
        body.baseAddress.map { min(hearth_gzip($0, body.count, start, buffer.count), buffer.count) } ?? 0
      }
    }
    guard !packed.isEmpty else { return (request, .plain) }
    var compressed = request
    compressed.body = packed
    compressed.headers.append(UplinkHeader("Content-Encoding", "gzip"))
    return (compressed, .gzip)
  }
}

extension UplinkResponse.Outcome {
  /// The outcome of a request that went out in this form.
  func of(_ form: UplinkBodyForm) -> UplinkResponse.Outcome {
    guard case .response(var answer) = self else { return self }
    answer.sent = form
    return .response(answer)
  }
}
