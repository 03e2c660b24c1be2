// Whom the uplink trusts and how it shows who it is. Every refusal is a refusal: nothing of the request reaches such a server.

import Foundation
import Testing
import UplinkProtocol

@Suite(.enabled(if: Certificates.arePossible, "python3 or openssl is not installed"))
struct UplinkTLSTests {
  private let certificates: Certificates

  init() throws { certificates = try Certificates() }

  private func file(_ name: String) -> UplinkPEM { .file(certificates.path(name)) }

  private func identity(_ name: String) -> UplinkClientIdentity {
    UplinkClientIdentity(certificate: file("\(name).pem"), key: file("\(name).key"))
  }

  private func post(_ server: FaultServer, _ tls: UplinkTLS) throws -> UplinkProcess.Got {
    let uplink = try UplinkProcess()
    return uplink.outcome(try uplink.send(server.url("ok"), profile: UplinkProfile(tls: tls)))
  }

  private func isAnswered(_ got: UplinkProcess.Got) -> Bool {
    if case .outcome(.response(let answer)) = got { return answer.status == 200 }
    return false
  }

  private func failure(_ got: UplinkProcess.Got) -> UplinkFailureKind? {
    if case .outcome(.failure(let kind, _)) = got { return kind }
    return nil
  }

  @Test func aPrivateAuthorityByPathAndByOctets() throws {
    let server = try FaultServer(certificates)
    #expect(isAnswered(try post(server, UplinkTLS(authorities: file("authority.pem")))))
    let octets = UplinkPEM.octets(try certificates.octets("authority.pem"))
    #expect(isAnswered(try post(server, UplinkTLS(authorities: octets))))
  }

  @Test func aServerThatNobodyVouchesForIsRefused() throws {
    let server = try FaultServer(certificates)
    #expect(failure(try post(server, UplinkTLS())) == .certificate)
    #expect(failure(try post(server, UplinkTLS(authorities: file("stranger.pem")))) == .certificate)
  }

  @Test(arguments: [
    ("expired", "has expired"), ("elsewhere", "name"), ("foreign", "issuer"), ("early", "not yet valid"),
  ])
  func aWrongCertificateIsRefusedAndSaysWhy(name: String, word: String) throws {
    let server = try FaultServer(certificates, name)
    guard
      case .outcome(.failure(.certificate, let detail)) = try post(
        server, UplinkTLS(authorities: file("authority.pem")))
    else {
      Issue.record("not refused for its certificate")
      return
    }
    #expect(detail.contains(word), "\(detail)")
  }

  @Test func tooOldATLSIsRefused() throws {
    let server = try FaultServer(certificates, arguments: ["--most-tls", "1.1"])
    let got = try post(server, UplinkTLS(authorities: file("authority.pem")))
    #expect(failure(got) == .handshake)
  }

  @Test func aServerThatWantsAClientCertificateGetsIt() throws {
    let server = try FaultServer(
      certificates, arguments: ["--client-authority", certificates.path("authority.pem")])
    let authorities = file("authority.pem")
    #expect(isAnswered(try post(server, UplinkTLS(authorities: authorities, identity: identity("client")))))
    let octets = UplinkClientIdentity(
      certificate: .octets(try certificates.octets("client.pem")), key: .octets(try certificates.octets("client.key")))
    #expect(isAnswered(try post(server, UplinkTLS(authorities: authorities, identity: octets))))
    // Without one, or with somebody else's, there is no answer.
    #expect(failure(try post(server, UplinkTLS(authorities: authorities))) != nil)
    #expect(failure(try post(server, UplinkTLS(authorities: authorities, identity: identity("impostor")))) != nil)
  }

  @Test func aKeyOfAnotherCertificateIsRefused() throws {
    let server = try FaultServer(certificates)
    let mixed = UplinkClientIdentity(certificate: file("client.pem"), key: file("impostor.key"))
    #expect(failure(try post(server, UplinkTLS(authorities: file("authority.pem"), identity: mixed))) == .certificate)
  }

  @Test func whatCannotBeReadIsToldBeforeAnythingIsSent() throws {
    let server = try FaultServer(certificates)
    let missing = UplinkPEM.file("/nonexistent/ca.pem")
    #expect(failure(try post(server, UplinkTLS(authorities: missing))) == .tlsSetup)
    let identity = UplinkClientIdentity(certificate: file("client.pem"), key: missing)
    #expect(failure(try post(server, UplinkTLS(authorities: file("authority.pem"), identity: identity))) == .tlsSetup)
    #expect(failure(try post(server, UplinkTLS(authorities: .octets(Array("rubbish".utf8))))) == .certificate)
  }
}
