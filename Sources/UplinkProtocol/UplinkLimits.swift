// The bounds of what `hearthd` and `hearth-uplink` may say to each other. Both sides hold them, so that neither can make
// the other allocate without end.

/// Bounds of requests and responses, in octets unless the name says otherwise.
package enum UplinkLimits {
  /// The longest request body: twice what the roomiest receiver of batches takes in one piece by default.
  package static let requestBody = 8 << 20
  /// The longest response body that a request may ask for.
  package static let responseBody = 8 << 20
  /// How much of a response body is read when nobody says otherwise: 1 MiB.
  package static let defaultResponseBody: UInt32 = 1 << 20
  /// The longest URL.
  package static let url = 8 << 10
  /// The longest method.
  package static let method = 32
  /// The most headers of a request or a response.
  package static let headerCount = 64
  /// The longest name of a header.
  package static let headerName = 256
  /// The longest value of a header: bearer tokens of some issuers reach 8 KiB.
  package static let headerValue = 16 << 10
  /// All names and values of one message together.
  package static let headersTotal = 64 << 10
  /// The longest path of a file.
  package static let path = 4096
  /// The longest certificate, key or bundle given as octets.
  package static let pem = 1 << 20
  /// The longest explanation of a failure.
  package static let detail = 512
  /// The longest deadline, in milliseconds: ten minutes.
  package static let deadlineMilliseconds: UInt32 = 600_000
  /// The longest payload of a frame: the largest body, three PEM texts and the headers fit.
  package static let payload = 12 << 20
}
