// The body of an answer, as far as every reader of it takes the same liberties.

internal import JSON

extension HTTPReply {
  /// A body without a byte order mark before it. RFC 8259, 8.1 lets a reader of JSON pass over it; some servers write one.
  package static func withoutMark(_ body: [UInt8]) -> [UInt8] {
    body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body
  }

  /// The value of a body; nil for what is no JSON.
  static func value(_ body: [UInt8]) -> JSONValue? {
    try? JSONReader(maximumSize: 4 << 20).value(withoutMark(body))
  }

  /// A page for people, as a portal or a proxy sends it.
  var isPage: Bool {
    (header("content-type")?.lowercased().hasPrefix("text/html") ?? false)
      || HTTPReply.withoutMark(body).first { $0 > 0x20 } == 0x3C
  }
}
