// The payloads of the frames: fields in a fixed order, each run of octets behind its length, nothing left over at the end.

internal import Octets

extension OctetWriter {
  fileprivate mutating func flag(_ value: Bool) { uint8(value ? 1 : 0) }

  fileprivate mutating func run(_ octets: [UInt8]) {
    uint32(UInt32(clamping: octets.count))
    append(octets)
  }

  fileprivate mutating func text(_ value: String) { run(Array(value.utf8)) }

  fileprivate mutating func headers(_ headers: [UplinkHeader]) {
    uint16(UInt16(clamping: headers.count))
    for header in headers {
      text(header.name)
      text(header.value)
    }
  }

  fileprivate mutating func pem(_ pem: UplinkPEM?) {
    switch pem {
    case nil: uint8(0)
    case .file(let path):
      uint8(1)
      text(path)
    case .octets(let octets):
      uint8(2)
      run(octets)
    }
  }
}

extension OctetReader {
  fileprivate mutating func flag(_ field: String) throws(DecodeError) -> Bool {
    let at = offset
    let value = try uint8(field)
    guard value <= 1 else { throw DecodeError(field: field, offset: at, reason: .invalidValue(Int64(value))) }
    return value == 1
  }

  fileprivate mutating func run(_ field: String, most: Int) throws(DecodeError) -> [UInt8] {
    let at = offset
    let count = Int(try uint32(field))
    guard count <= most else { throw DecodeError(field: field, offset: at, reason: .invalidValue(Int64(count))) }
    return Array(try take(count, field))
  }

  fileprivate mutating func text(_ field: String, most: Int) throws(DecodeError) -> String {
    let at = offset
    let octets = try run(field, most: most)
    guard let text = String(validating: octets, as: UTF8.self) else {
      throw DecodeError(field: field, offset: at, reason: .malformed("is not UTF-8"))
    }
    return text
  }

  fileprivate mutating func headers() throws(DecodeError) -> [UplinkHeader] {
    let at = offset
    let count = Int(try uint16("headers"))
    guard count <= UplinkLimits.headerCount else {
      throw DecodeError(field: "headers", offset: at, reason: .invalidValue(Int64(count)))
    }
    var headers: [UplinkHeader] = []
    for _ in 0..<count {
      let name = try text("header name", most: UplinkLimits.headerName)
      headers.append(UplinkHeader(name, try text("header value", most: UplinkLimits.headerValue)))
    }
    return headers
  }

  fileprivate mutating func pem(_ field: String) throws(DecodeError) -> UplinkPEM? {
    let at = offset
    switch try uint8(field) {
    case 0: return nil
    case 1: return .file(try text(field, most: UplinkLimits.path))
    case 2: return .octets(try run(field, most: UplinkLimits.pem))
    case let form: throw DecodeError(field: field, offset: at, reason: .invalidValue(Int64(form)))
    }
  }

  fileprivate func end() throws(DecodeError) {
    guard isAtEnd else {
      throw DecodeError(field: "payload", offset: offset, reason: .malformed("has \(remaining) octets too many"))
    }
  }
}

extension UplinkRequest {
  /// The request as one frame, ready to be written. Throws when it breaks a rule: such a request is never sent.
  package func frame() throws(UplinkRuleError) -> [UInt8] {
    try check()
    var writer = OctetWriter(capacity: body.count + 1024)
    writer.uint64(id)
    writer.text(method)
    writer.text(url)
    writer.headers(headers)
    writer.uint32(deadlineMilliseconds)
    writer.uint32(maximumResponseBody)
    writer.flag(allowPlainHTTP)
    writer.flag(compresses)
    writer.flag(profile.allowProxyEnvironment)
    writer.pem(profile.tls.authorities)
    writer.pem(profile.tls.identity?.certificate)
    writer.pem(profile.tls.identity?.key)
    writer.run(body)
    return FrameHeader.around(writer.octets, kind: FrameHeader.request)
  }

  init(payload: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(payload)
    id = try reader.uint64("id")
    method = try reader.text("method", most: UplinkLimits.method)
    url = try reader.text("url", most: UplinkLimits.url)
    headers = try reader.headers()
    deadlineMilliseconds = try reader.uint32("deadline")
    maximumResponseBody = try reader.uint32("maximum response body")
    allowPlainHTTP = try reader.flag("allow plain HTTP")
    compresses = try reader.flag("compresses")
    let allowProxyEnvironment = try reader.flag("allow proxy environment")
    let authorities = try reader.pem("authorities")
    let at = reader.offset
    let certificate = try reader.pem("client certificate")
    let key = try reader.pem("client key")
    let identity: UplinkClientIdentity? =
      switch (certificate, key) {
      case (nil, nil): nil
      case (let certificate?, let key?): UplinkClientIdentity(certificate: certificate, key: key)
      default:
        throw DecodeError(field: "client certificate", offset: at, reason: .malformed("comes without its other half"))
      }
    profile = UplinkProfile(
      tls: UplinkTLS(authorities: authorities, identity: identity), allowProxyEnvironment: allowProxyEnvironment)
    body = try reader.run("body", most: UplinkLimits.requestBody)
    try reader.end()
  }
}

extension UplinkResponse {
  /// The response as one frame. What passes a bound of `UplinkLimits` is cut off and marked as cut off.
  package func frame() -> [UInt8] {
    var writer = OctetWriter()
    writer.uint64(id)
    switch outcome {
    case .response(let whole):
      let answer = whole.bounded()
      writer.uint8(0)
      writer.uint16(answer.status)
      writer.uint8(answer.sent.rawValue)
      writer.flag(answer.headersTruncated)
      writer.headers(answer.headers)
      writer.flag(answer.bodyTruncated)
      writer.run(answer.body)
    case .failure(let kind, let detail):
      writer.uint8(kind.rawValue)
      writer.text(printable(detail))
    }
    return FrameHeader.around(writer.octets, kind: FrameHeader.response)
  }

  init(payload: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(payload)
    id = try reader.uint64("id")
    let at = reader.offset
    let form = try reader.uint8("outcome")
    if form == 0 {
      let status = try reader.uint16("status")
      guard (100...999).contains(status) else {
        throw DecodeError(field: "status", offset: at + 1, reason: .invalidValue(Int64(status)))
      }
      let formAt = reader.offset
      let sentForm = try reader.uint8("form of the request")
      guard let sent = UplinkBodyForm(rawValue: sentForm) else {
        throw DecodeError(field: "form of the request", offset: formAt, reason: .invalidValue(Int64(sentForm)))
      }
      let headersTruncated = try reader.flag("headers truncated")
      let headers = try reader.headers()
      let bodyTruncated = try reader.flag("body truncated")
      outcome = .response(
        UplinkAnswer(
          status: status, headers: headers, headersTruncated: headersTruncated,
          body: try reader.run("body", most: UplinkLimits.responseBody), bodyTruncated: bodyTruncated, sent: sent))
    } else {
      guard let kind = UplinkFailureKind(rawValue: form) else {
        throw DecodeError(field: "outcome", offset: at, reason: .invalidValue(Int64(form)))
      }
      outcome = .failure(kind, detail: try reader.text("detail", most: UplinkLimits.detail))
    }
    try reader.end()
  }
}

extension UplinkAnswer {
  /// The same answer within the bounds of `UplinkLimits`.
  func bounded() -> UplinkAnswer {
    var answer = self
    var kept: [UplinkHeader] = []
    var total = 0
    for header in headers {
      let size = header.name.utf8.count + header.value.utf8.count
      guard
        kept.count < UplinkLimits.headerCount, header.name.utf8.count <= UplinkLimits.headerName,
        header.value.utf8.count <= UplinkLimits.headerValue, size <= UplinkLimits.headersTotal - total
      else { continue }
      total += size
      kept.append(header)
    }
    answer.headersTruncated = headersTruncated || kept.count < headers.count
    answer.headers = kept
    if body.count > UplinkLimits.responseBody {
      answer.body = Array(body.prefix(UplinkLimits.responseBody))
      answer.bodyTruncated = true
    }
    return answer
  }
}

/// One line of printable ASCII, bounded: whatever a server put into an error text cannot reach a terminal as a command.
private func printable(_ text: String) -> String {
  String(decoding: text.utf8.prefix(UplinkLimits.detail).map { $0 >= 0x20 && $0 < 0x7F ? $0 : 0x3F }, as: UTF8.self)
}
