// Whether a private key belongs to a certificate, as far as that can be told without computing with them. Made for these tests by OpenSSL 3.0.

import GatewayCore
import Testing

private let curveCertificate = """
  -----BEGIN CERTIFICATE-----
  MIIBcDCCARegAwIBAgIUPxaZtYRXVKTSLXP/uOTmnj79NTYwCgYIKoZIzj0EAwIw
  DjEMMAoGA1UEAwwDaHViMB4XDTI2MTEzMDIyMDAxN1oXDTM2MTEyNzIyMDAxN1ow
  DjEMMAoGA1UEAwwDaHViMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENKj9B8Cy
  Pni/N65eg0kbTA6RNwrjUvKmj9V4lCHjc+RSDrWaEyyYWMJvjAROWmSdXFrIBfEd
  bWCl0q2ZjVugJqNTMFEwHQYDVR0OBBYEFJY4tV2J2bF/Af47B6xHZ6ppqcEaMB8G
  A1UdIwQYMBaAFJY4tV2J2bF/Af47B6xHZ6ppqcEaMA8GA1UdEwEB/wQFMAMBAf8w
  CgYIKoZIzj0EAwIDRwAwRAIgWQgVxfLZkzlYfRnpzE61WtP4aD7l+ngLdBNsjan7
  FsQCIB/dVwP70o3Q4Q9qn+k33d2ucbcJpbHqzB93zSMyauTC
  -----END CERTIFICATE-----
  """

private let curveKey = """
  -----BEGIN EC PRIVATE KEY-----
  MHcCAQEEIPSjo7x7cDVhEa80hF7kD3WxW1osIGnFr36Bop1L/nQyoAoGCCqGSM49
  AwEHoUQDQgAENKj9B8CyPni/N65eg0kbTA6RNwrjUvKmj9V4lCHjc+RSDrWaEyyY
  WMJvjAROWmSdXFrIBfEdbWCl0q2ZjVugJg==
  -----END EC PRIVATE KEY-----
  """

private let curveKeyOfPKCS8 = """
  -----BEGIN PRIVATE KEY-----
  MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9KOjvHtwNWERrzSE
  XuQPdbFbWiwgacWvfoGinUv+dDKhRANCAAQ0qP0HwLI+eL83rl6DSRtMDpE3CuNS
  8qaP1XiUIeNz5FIOtZoTLJhYwm+MBE5aZJ1cWsgF8R1tYKXSrZmNW6Am
  -----END PRIVATE KEY-----
  """

private let otherCurveKey = """
  -----BEGIN PRIVATE KEY-----
  MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnYGOlOaSE75u7zSK
  XQwLOPoYdFjg3gj0q+YEnWt3IzWhRANCAATHmDmqe6Or+bqnZZKaBDk0TN1PjkED
  BmXsbjtCCNM/NxuI9Ko3DV/EECBErsyn/TRKZUSmjbQS11TG2DG1pKYb
  -----END PRIVATE KEY-----
  """

private let modulusCertificate = """
  -----BEGIN CERTIFICATE-----
  MIIB+DCCAWGgAwIBAgIUHT7jwK5/fZm1Tr9Wq87J37+BdmMwDQYJKoZIhvcNAQEL
  BQAwDjEMMAoGA1UEAwwDaHViMB4XDTI2MTEzMDIyMDAxN1oXDTM2MTEyNzIyMDAx
  N1owDjEMMAoGA1UEAwwDaHViMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0
  ARG6Ny8jG1MurBtrX1mPV5/zgghh1Y3lyLrHRJGa6CKuqgebvIkH35V0tU1gnY5c
  q0aC93gcXJKGpya5VDfQYJZjvGM2wUUoZpV03KS8/F7iZh5O8FIYcDKIc59eo/eJ
  srTfK5g+KTnzxBy32PoOEa22F6gKY738L/TNJTuaRQIDAQABo1MwUTAdBgNVHQ4E
  FgQU0epXNSIc9ISxAL2qeBD5YH5GPsAwHwYDVR0jBBgwFoAU0epXNSIc9ISxAL2q
  eBD5YH5GPsAwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOBgQAPQgW5
  1qAshPMjRAwRKCIMQr8v7NmjRgvu8qu2rk524sAhmqq0fOWD3iudl6LuYdItJBol
  zmKBtvv20KNfW0IOHI7P2NxA1JDwYN1p4KFqk5inEsfxEpZRpx4NRgq4KGlMt9/d
  wVRCqVI413vnCm3bKP+D9R29pnsCNqKn+j18GQ==
  -----END CERTIFICATE-----
  """

private let modulusKey = """
  -----BEGIN PRIVATE KEY-----
  MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALQBEbo3LyMbUy6s
  G2tfWY9Xn/OCCGHVjeXIusdEkZroIq6qB5u8iQfflXS1TWCdjlyrRoL3eBxckoan
  JrlUN9BglmO8YzbBRShmlXTcpLz8XuJmHk7wUhhwMohzn16j94mytN8rmD4pOfPE
  HLfY+g4RrbYXqApjvfwv9M0lO5pFAgMBAAECgYEAsGf32pooXOxzieLrgD/SwpLq
  U7eUxWSHirE8svr1A24KR0ik6jBLzuaETvs7WLswAItuL/2cvZbPlp0La0co5iwK
  Cgoy0sfNOhzEBEwrbsH8LmH3gM1SQo3P+K4ngSwR6snSbSv4ntbjnFpLTX76IKJ5
  42LCsMPanHOMfQWKkeUCQQDu3VlA8fmZozUHCVJU7AWE0LVXAADWS0tzgEUX1tau
  VUYZ/Yn9pOCLA8RmLoy3nSPaYEzcirUGMYVvt/PLN4PrAkEAwOrFsXeezlNKPsFU
  d+H/oBqSlBE5cpeZgmdsL2p7vZSOpsDlFFqxJMrid9Hkw0YwZpKYHzuxEepah8c3
  SlI+jwJAK7UlF9UvLwXGNjtmbVOizuLBy+GcRZoRfFkES5BsSAoiga77CQaab9WI
  oonyBccjQFpOtixLY468M+0dFxpZcQJAQIKBRx3kCcSKUD/f2hLFoykfmMnFtw8A
  sz2YTKbD6Bo0NYjNUageElqRrlWOtMnUx4f/vHn+dSozybGRSJYF+wJBAMzfRAcP
  +ls8GmHHW0tJM0uSTWinEQuK1Sfy/HzF2nQYpQj7tgWYW/nXtf82uqPcSyZ/5H9M
  Xn5iSbTf5TaPNj0=
  -----END PRIVATE KEY-----
  """

@Suite struct KeyPairTests {
  private func belongs(_ key: String, _ certificate: String) -> Bool? {
    CredentialEnd.belongs(key: Array(key.utf8), to: Array(certificate.utf8))
  }

  @Test func aKeyIsKnownByItsPublicPart() {
    #expect(belongs(curveKey, curveCertificate) == true && belongs(curveKeyOfPKCS8, curveCertificate) == true)
    #expect(belongs(otherCurveKey, curveCertificate) == false)
    #expect(belongs(modulusKey, modulusCertificate) == true)
    #expect(belongs(curveKey, modulusCertificate) == false)
    #expect(belongs(modulusKey, curveCertificate) != true)
  }

  @Test func whatIsNoneTellsNothingAndNeverTraps() {
    #expect(belongs("", curveCertificate) == nil && belongs(curveKey, "") == nil)
    let octets = Array(curveCertificate.utf8)
    for count in stride(from: 0, to: octets.count, by: 7) {
      _ = CredentialEnd.belongs(key: Array(curveKey.utf8), to: Array(octets.prefix(count)))
      var broken = octets
      broken[count] = 0x2F
      _ = CredentialEnd.belongs(key: Array(curveKey.utf8), to: broken)
      _ = CredentialEnd.belongs(key: broken, to: octets)
    }
  }
}
