// Messages with every field filled in.

import UplinkProtocol

enum Samples {
  static let request = UplinkRequest(
    id: 0x0102_0304_0506_0708, method: "POST", url: "https://backend.example:8443/hub/batch?x=1",
    headers: [UplinkHeader("Content-Type", "application/json"), UplinkHeader("Idempotency-Key", "\"a-b\"")],
    body: [0, 1, 2, 0xFE, 0xFF], deadlineMilliseconds: 30_000, maximumResponseBody: 4096,
    profile: UplinkProfile(
      tls: UplinkTLS(
        authorities: .octets([0x2D, 0x2D]),
        identity: UplinkClientIdentity(certificate: .file("/etc/hearth/hub.pem"), key: .file("/etc/hearth/hub.key"))),
      allowProxyEnvironment: true),
    allowPlainHTTP: true, compresses: true)

  static let answer = UplinkResponse(
    id: 7,
    outcome: .response(
      UplinkAnswer(
        status: 503, headers: [UplinkHeader("Retry-After", "7")], headersTruncated: true, body: Array("later".utf8),
        bodyTruncated: true, sent: .plainWithoutLibrary)))

  static let failure = UplinkResponse(id: .max, outcome: .failure(.timeout, detail: "the deadline passed"))

  /// Frame by frame what the decoder makes of octets that come at once.
  static func decode(_ octets: [UInt8]) throws -> [UplinkFrame] {
    var decoder = UplinkFrameDecoder()
    decoder.append(octets)
    var frames: [UplinkFrame] = []
    while let frame = try decoder.next() { frames.append(frame) }
    return frames
  }
}
