// Which Linux kernel runs, and a fault of some of them that the hub goes round.

/// A running kernel, as uname(2) tells it.
package struct KernelRelease: Sendable, Hashable {
  /// The version of its source at kernel.org, such as 6.1.192.
  package struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
    fileprivate let major: Int
    fileprivate let minor: Int
    fileprivate let patch: Int

    package init(_ major: Int, _ minor: Int, _ patch: Int) {
      self.major = major
      self.minor = minor
      self.patch = patch
    }

    package static func < (one: Version, other: Version) -> Bool {
      (one.major, one.minor, one.patch) < (other.major, other.minor, other.patch)
    }

    package var description: String { "\(major).\(minor).\(patch)" }

    /// The numbers that a text begins with; nil when they are not three. - Parameter rest: what stands behind them.
    fileprivate init?(_ text: Substring, rest: inout Substring) {
      var numbers: [Int] = []
      rest = text
      while numbers.count < 3 {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        numbers.append(number)
        rest = rest.dropFirst(digits.count)
        guard numbers.count < 3 else { break }
        guard rest.first == "." else { return nil }
        rest = rest.dropFirst()
      }
      self.init(numbers[0], numbers[1], numbers[2])
    }
  }

  /// What is known of the fault in closing sockets.
  package enum ClosingFault: Sendable, Hashable {
    case absent
    case present
    /// A later kernel of the same series: nobody looked.
    case possible
    /// The version of its source cannot be told.
    case unknown
  }

  /// What `uname -r` says.
  package let name: String
  /// Nil when the texts do not tell it.
  package let version: Version?

  /// - Parameters: what `uname -r` and `uname -v` say.
  package init(release: String, build: String) {
    name = release
    var rest = Substring()
    // Debian's release names its binary interface (6.1.0-57-amd64), and its build the source ("... Debian 6.1.192-3 (2026-11-26)").
    if let source = build.split(separator: " ").drop(while: { $0 != "Debian" }).dropFirst().first {
      // An epoch may stand before it ("1:6.12.47-1+rpt1").
      version = Version(source.split(separator: ":").last ?? "", rest: &rest)
    } else if let version = Version(release[...], rest: &rest), version.patch > 0 || rest.first != "-" {
      self.version = version
    } else {
      version = nil
    }
  }

  /// The kernel frees a channel of a link twice when an ATT socket is closed after its link ended and nothing had come over it:
  /// a use of freed memory in `hci_chan_del`, called from close(2), which ends the process or the whole kernel.
  ///
  /// It came with a patch of 6.1.191 ("L2CAP: Fix slab-use-after-free Read in l2cap_send_cmd", b4f82f9ed43a upstream), which leaves
  /// `hci_chan_del` to whoever lets go of the link last; that is a socket since 6.1.183 ("L2CAP: Fix UAF in channel timeout by
  /// holding conn ref", b66774b48dd9 upstream). What mended it upstream (ab4eedb790ca, "L2CAP: Fix corrupted list in hci_chan_del")
  /// is not in 6.1.192, the newest of its series that was looked at. 6.6.84 and 6.12.20 took both at once.
  package var closingFault: ClosingFault {
    guard let version else { return .unknown }
    guard version.major == 6, version.minor == 1, version >= KernelRelease.firstWithFault else { return .absent }
    return version <= KernelRelease.lastWithFault ? .present : .possible
  }

  private static let firstWithFault = Version(6, 1, 191)
  /// Of those that were looked at.
  private static let lastWithFault = Version(6, 1, 192)

  /// The hub takes care not to meet the fault.
  package var isHandledWithCare: Bool { [.present, .possible].contains(closingFault) }

  /// The version of the source beside the name, for people.
  package var text: String {
    guard let version, !name.hasPrefix(version.description) else { return name }
    return "\(name) (\(version))"
  }
}
