// libcurl's and OpenSSL's words about TLS, as they come from a real server, and what kind of failure they are.

import Testing
import UplinkProtocol

@Suite struct TLSRefusalTests {
  @Test(arguments: [
    "SSL certificate problem: certificate has expired",
    "SSL certificate problem: certificate is not yet valid",
    "SSL certificate problem: unable to get local issuer certificate",
    "SSL certificate problem: self-signed certificate in certificate chain",
    "SSL: no alternative certificate subject name matches target host name '127.0.0.1'",
    "SSL: certificate subject name 'a' does not match target host name 'b'",
    "unable to set private key file: '(memory blob)' type PEM",
    "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
    "OpenSSL SSL_connect: error:0A000418:SSL routines::tlsv1 alert unknown ca",
  ])
  func aCertificateThatIsNotAccepted(text: String) { #expect(UplinkFailureKind.ofTLS(text) == .certificate) }

  @Test(arguments: [
    "error:0A00042E:SSL routines::tlsv1 alert protocol version",
    "error:0A000102:SSL routines::unsupported protocol",
    "error:0A00010B:SSL routines::wrong version number",
  ])
  func noTLSInCommon(text: String) { #expect(UplinkFailureKind.ofTLS(text) == .handshake) }

  @Test(arguments: [
    "", "OpenSSL SSL_connect: Connection reset by peer in connection to backend.example:443",
    "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to backend.example:443",
    "error:0A000126:SSL routines::unexpected eof while reading",
    "OpenSSL SSL_read: error:0A000119:SSL routines::decryption failed or bad record mac, errno 0",
    "error:0A000438:SSL routines::tlsv1 alert internal error", "Could not resolve host: ssl.example",
    "Failed to connect to backend.example port 443", "SSL connection timeout", "Empty reply from server",
  ])
  func whatMerelyBrokeIsTriedAgain(text: String) { #expect(UplinkFailureKind.ofTLS(text) == nil) }
}
