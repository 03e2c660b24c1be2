// Putting one profile in force for this process, and making sure that it is: libcurl's hook must have equipped a handle before
// the first request is sent. Fails closed.

import CCurlHook
import Foundation
import FoundationNetworking
import UplinkProtocol

/// Why a profile is not in force.
struct ProfileError: Error {
  var kind: UplinkFailureKind
  var detail: String
}

enum ProfileSetup {
  /// Works once in a process. Throws `tls-setup`.
  static func putInForce(_ profile: UplinkProfile) throws(ProfileError) {
    let tls = profile.tls
    try readable(tls.authorities, "the bundle of authorities")
    try readable(tls.identity?.certificate, "the client certificate")
    try readable(tls.identity?.key, "the client key")
    let isConfigured = withPEM(tls.authorities) { authorities in
      withPEM(tls.identity?.certificate) { certificate in
        withPEM(tls.identity?.key) { key in
          hearth_curl_configure(authorities, certificate, key, profile.allowProxyEnvironment)
        }
      }
    }
    guard isConfigured else { throw failure("the options could not be set") }
    try probe()
  }

  private static func failure(_ detail: String) -> ProfileError { ProfileError(kind: .tlsSetup, detail: detail) }

  private static func readable(_ pem: UplinkPEM?, _ what: String) throws(ProfileError) {
    guard case .file(let path) = pem else { return }
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw failure("\(what) cannot be read: \(String(cString: strerror(errno)))") }
    close(fd)
  }

  private static func withPEM<Result>(_ pem: UplinkPEM?, _ body: (hearth_pem) -> Result) -> Result {
    switch pem {
    case nil: body(hearth_pem())
    case .file(let path): path.withCString { body(hearth_pem(path: $0, octets: nil, count: 0)) }
    case .octets(let octets):
      octets.withUnsafeBytes { body(hearth_pem(path: nil, octets: $0.baseAddress, count: $0.count)) }
    }
  }

  /// Has URLSession make a handle for a request that cannot leave the machine (port 0 is nobody's), and looks whether the hook
  /// saw it.
  private static func probe() throws(ProfileError) {
    guard let url = URL(string: "https://127.0.0.1:0/") else { throw failure("no probe") }
    let session = URLSession(configuration: .ephemeral)
    let ended = DispatchSemaphore(value: 0)
    let task = session.dataTask(with: url) { _, _, _ in ended.signal() }
    task.resume()
    let isOver = ended.wait(timeout: .now() + 2) == .success
    session.invalidateAndCancel()
    guard isOver, hearth_curl_handles() > 0, !hearth_curl_failed() else {
      throw failure("URLSession does not use the hook that sets the TLS options")
    }
  }
}

/// The proxy variables that libcurl reads: taken out of the environment, and put back only where the profile allows them.
struct ProxyEnvironment {
  private var taken: [(String, String)] = []

  static func takeAway() -> ProxyEnvironment {
    var environment = ProxyEnvironment()
    for (name, value) in ProcessInfo.processInfo.environment where name.lowercased().hasSuffix("_proxy") {
      environment.taken.append((name, value))
      unsetenv(name)
    }
    return environment
  }

  func putBack() {
    for (name, value) in taken { setenv(name, value, 1) }
  }
}
