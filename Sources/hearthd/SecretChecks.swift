// What a check can tell of the files that a backend's secrets, certificates and programs stand in, as far as whoever checks may look.
// What they hold is never told. A reload does not judge them: they are read anew for each request, and the backend tells of one
// that is missing.

import GatewayCore
import Glibc
import JSON
import Platform
import Settings

enum SecretChecks {
  /// What a file should be.
  private enum Purpose {
    case secret
    case certificates
    case key
    case program
  }

  static func findings(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    let nodes = (try? JSONMembers(top)["backends"]?.array()) ?? []
    return configuration.backends.flatMap { backend -> [Finding] in
      guard let node = DeviceChecks.node("name", backend.name, among: nodes) else { return [] }
      if case .directory(let path) = backend.kind {
        return [folder(path, SecretChecks.node(node, ["path"]))].compactMap(\.self)
      }
      guard case .http(_, let http) = backend.kind else { return [] }
      var found: [Finding?] = []
      switch http.authorization {
      case nil: break
      case .bearer(let secret): found.append(check(secret, node, "bearer"))
      case .basic(_, let password): found.append(check(password, node, "basic", "password"))
      case .oauth2(let client): found.append(check(client.secret, node, "oauth2", "client_secret"))
      case .helper(let path): found.append(check(path, .program, node, "helper"))
      }
      if let path = http.caFile { found.append(check(path, .certificates, node, "ca_file")) }
      if let path = http.clientCertificate { found.append(check(path, .certificates, node, "client_certificate")) }
      if let path = http.clientKey { found.append(check(path, .key, node, "client_key")) }
      if let (certificate, key) = http.clientCertificate.flatMap({ path in http.clientKey.map { (path, $0) } }) {
        found.append(pair(certificate, key, node))
      }
      if let path = backend.plans?.verifier { found.append(check(path, .program, node, "plans", "verify")) }
      return found.compactMap(\.self)
    }
  }

  /// A key belongs to one certificate. Of kinds of keys that do not tell it nothing is said.
  private static func pair(_ certificate: String, _ key: String, _ backend: JSONNode) -> Finding? {
    guard let first = SmallFile.read(certificate, atMost: 1 << 20), let second = SmallFile.read(key, atMost: 1 << 20),
      CredentialEnd.belongs(key: second, to: first) == false
    else { return nil }
    return Finding(.fault, node(backend, ["client_key"]), "\(key) is not the key of \(certificate)")
  }

  /// Where file systems are mounted that keep no files.
  private static let keepingNothing = ["/proc", "/sys", "/sys/fs/cgroup", "/dev", "/dev/pts"]

  /// Why a folder that is there is none for files of readings.
  private static func unsuitable(_ path: String, _ facts: stat) -> String? {
    var top = stat()
    guard stat("/", &top) == 0 else { return nil }
    if (facts.st_dev, facts.st_ino) == (top.st_dev, top.st_ino) {
      return "\(path) is the whole file system: name a folder of its own"
    }
    let isUnreal = keepingNothing.contains { place in
      var mounted = stat()
      return stat(place, &mounted) == 0 && mounted.st_dev == facts.st_dev && mounted.st_dev != top.st_dev
    }
    return isUnreal ? "\(path) keeps no files: name a folder on a disk" : nil
  }

  /// A folder that is there, or can be made in one that is.
  private static func folder(_ path: String, _ node: JSONNode) -> Finding? {
    var facts = stat()
    if stat(path, &facts) == 0 {
      guard facts.st_mode & S_IFMT == S_IFDIR else {
        return Finding(.fault, node, "\(path) is no folder: name one, the hub makes it when it is not there")
      }
      return unsuitable(path, facts).map { Finding(.fault, node, $0) }
        ?? HubAccess.fault(path, .writing).map { Finding(.warning, node, $0) }
    }
    switch errno {
    case ENOENT:
      // The hub makes one folder, not those above it.
      let above = path.split(separator: "/").dropLast().joined(separator: "/")
      return stat("/\(above)", &facts) == 0
        ? nil : Finding(.warning, node, "\(path) cannot be made: /\(above) is not there")
    case ENOTDIR: return Finding(.fault, node, "\(path) cannot be a folder: a part of the path is a file")
    case EACCES, EPERM: return Finding(.unchecked, node, "\(path) may not be looked at by you: sudo hearthd --check")
    case let cause: return Finding(.fault, node, "\(path) cannot be used: \(String(cString: strerror(cause)))")
    }
  }

  private static func node(_ top: JSONNode, _ keys: [String]) -> JSONNode {
    keys.reduce(top) { node, key in (try? JSONMembers(node))?[key] ?? node }
  }

  private static func check(_ secret: HTTPBackend.Secret, _ backend: JSONNode, _ keys: String...) -> Finding? {
    switch secret {
    case .file(let path): return check(path, .secret, node(backend, keys + ["file"]))
    case .credential(let name):
      let node = node(backend, keys + ["credential"])
      guard let folder = SmallFile.credentialsDirectory else {
        return Finding(.unchecked, node, "the credential \"\(name)\" is there only inside the unit hearthd.service")
      }
      guard access(folder + name, F_OK) == 0 else {
        return Finding(
          .fault, node,
          "the unit has no credential \"\(name)\": add LoadCredential=\(name):PATH by systemctl edit hearthd")
      }
      return content(folder + name, .secret).map { Finding(.fault, node, "the credential \"\(name)\" \($0)") }
    }
  }

  private static func check(_ path: String, _ purpose: Purpose, _ backend: JSONNode, _ keys: String...) -> Finding? {
    check(path, purpose, node(backend, keys))
  }

  private static func check(_ path: String, _ purpose: Purpose, _ node: JSONNode) -> Finding? {
    func finding(_ kind: Finding.Kind, _ message: String) -> Finding { Finding(kind, node, "\(path) \(message)") }
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      let cause = errno
      switch cause {
      case ENOENT, ENOTDIR: return finding(.fault, "is not there: \(remedy(purpose, path))")
      case EACCES, EPERM: return finding(.unchecked, "may not be looked at by you: sudo hearthd --check")
      default: return finding(.fault, "cannot be read: \(String(cString: strerror(cause)))")
      }
    }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      let what = facts.st_mode & S_IFMT == S_IFDIR ? "is a directory" : "is no regular file"
      return finding(.fault, "\(what): \(remedy(purpose, path))")
    }
    if purpose == .secret, facts.st_mode & 0o077 != 0 {
      return finding(.fault, "may be read by others, and is not used so: sudo chmod 0600 \(path)")
    }
    if purpose == .program {
      if facts.st_mode & 0o111 == 0 { return finding(.fault, "is no program: sudo chmod 0755 \(path)") }
      return HubAccess.fault(path, .running).map { Finding(.warning, node, $0) }
    }
    guard access(path, R_OK) == 0 else { return finding(.unchecked, "is not yours to read: sudo hearthd --check") }
    if let fault = content(path, purpose) { return finding(.fault, fault) }
    if purpose == .key, facts.st_mode & 0o077 != 0 {
      return finding(.warning, "may be read by others: sudo chmod 0600 \(path)")
    }
    return HubAccess.fault(path, .reading).map { Finding(.warning, node, $0) }
  }

  private static func remedy(_ purpose: Purpose, _ path: String) -> String {
    switch purpose {
    case .secret: "expected a file with the secret alone, of the user hearth and of mode 0600"
    case .certificates: "expected a file of certificates (PEM)"
    case .key: "expected the file of a private key (PEM), of the user hearth and of mode 0600"
    case .program: "expected a program"
    }
  }

  /// What is wrong with the octets of a file; nil when they are good.
  private static func content(_ path: String, _ purpose: Purpose) -> String? {
    let most = purpose == .secret ? SmallFile.largestSecret : 1 << 20
    guard let octets = SmallFile.read(path, atMost: most) else {
      return SmallFile.fault(path, atMost: most) ?? "cannot be read"
    }
    if purpose == .secret { return SmallFile.secretFault(octets) }
    guard octets.contains(where: { $0 > 0x20 }) else { return "is empty" }
    let marks = octets.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).compactMap { line -> String? in
      line.starts(with: "-----BEGIN ".utf8) && line.count <= 80 ? String(decoding: line, as: UTF8.self) : nil
    }
    let isKey = marks.contains { $0.hasSuffix("PRIVATE KEY-----") }
    let isCertificate = marks.contains { $0.hasSuffix("CERTIFICATE-----") }
    switch purpose {
    case .secret, .program: return nil
    case .certificates:
      guard isCertificate else {
        return isKey
          ? "holds a private key and no certificate" : "holds no certificate (PEM: -----BEGIN CERTIFICATE-----)"
      }
      // The other form of a certificate is openssl's own.
      guard !marks.contains("-----BEGIN CERTIFICATE-----") || CredentialEnd.certificate(octets) != nil else {
        return "holds a damaged certificate: openssl x509 -in \(path) -noout -text"
      }
      return nil
    case .key:
      guard isKey else {
        return isCertificate
          ? "holds a certificate and no private key" : "holds no private key (PEM: -----BEGIN PRIVATE KEY-----)"
      }
      let isEncrypted =
        marks.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || octets.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).contains {
          $0.starts(with: "Proc-Type: 4,ENC".utf8)
        }
      return isEncrypted ? "holds a key with a passphrase, which nobody is there to type" : nil
    }
  }
}
