// placeholder until the protocol lands
import GatewayCore
import Platform

enum UplinkResult {
  case response(status: Int, headers: [(name: String, value: String)], body: [UInt8], isTruncated: Bool)
  case failure(String)
  case refused(code: String, text: String)
}

final class UplinkClient {
  init(_ loop: EventLoop, path: String?, socket: String) {}
  func send(
    _ http: HTTPBackend, _ headers: [(String, String)], _ body: [UInt8], _ done: @escaping (UplinkResult) -> Void
  ) {
    done(.failure("uplink.missing"))
  }
  func childEnded() {}
  func stop() {}
}
