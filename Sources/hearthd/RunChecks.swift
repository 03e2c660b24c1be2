// What a configuration may say and no hub can do: it passes for its text, and fails when it runs.

import Drivers
import GatewayCore
import Glibc
import JSON
import Platform
import Playback
import Settings

enum RunChecks {
  /// Something that does not work.
  struct Finding {
    var node: JSONNode
    var message: String
    /// The code under which a running hub tells it; nil: the device or the backend itself tells of it.
    var code: String?

    /// What a running hub tells: an earlier version took it.
    func fault(file: String, _ own: OwnWords) -> HubFault? {
      guard let code else { return nil }
      let error = node.error(code, message)
      return HubFault(
        .configuration, code, error.description(file: file), told: error.withoutValue(file: file, own),
        hint: "correct the file until hearthd --check finds it good, then hearthctl reload", isWarning: true)
    }
  }

  static func all(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    devices(configuration, top) + folders(configuration, top) + groups(configuration, top) + plans(configuration, top)
  }

  // MARK: Devices

  private static func devices(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    let nodes = (try? JSONMembers(top)["devices"]?.array()) ?? []
    return configuration.devices.compactMap { device in
      guard let node = DeviceChecks.node(of: device, among: nodes) else { return nil }
      func find(_ key: String, _ message: String?) -> Finding? {
        message.map { Finding(node: (try? JSONMembers(node))?[key] ?? node, message: $0) }
      }
      switch device.endpoint {
      case .playback(let path):
        if let message = recording(path) { return find("playback", message) }
        // What is no recording the device itself tells; of another device's nobody would.
        var finding = find("playback", otherDevice(path, device.driver))
        finding?.code = "playback.other-driver"
        return finding
      case .serial(let path): return find("port", port(path))
      case .usb, .bluetooth: return nil
      }
    }
  }

  private static func recording(_ path: String) -> String? {
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      // Whoever may not look cannot tell.
      return [ENOENT, ENOTDIR].contains(errno) ? "\(path) is not there: expected a recorded session" : nil
    }
    if facts.st_mode & S_IFMT == S_IFDIR { return "\(path) is a directory: expected a recorded session" }
    guard let text = contents(path), !text.isEmpty else { return nil }
    do throws(CaptureError) {
      return try CaptureFile(text).isEmpty
        ? "\(path) holds nothing that a device said: expected a recorded session (hearthctl capture)" : nil
    } catch {
      return "\(path):\(error.line): \(error.message): expected a recorded session (hearthctl capture)"
    }
  }

  /// The text of a recording; nil for whoever may not look.
  private static func contents(_ path: String) -> String? {
    var facts = stat()
    // What is no file may never end.
    guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
    return SmallFile.read(path, atMost: 4 << 20).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A recording says with which driver it was made: another one hears nothing in it, or what was never measured. One
  /// of the recorder is for every driver.
  private static func otherDevice(_ path: String, _ driver: String) -> String? {
    guard let text = contents(path), let capture = try? CaptureFile(text), !capture.isEmpty else { return nil }
    if let other = capture.headers["driver"], other != driver, other != Registry.recorder {
      return "\(path) was recorded with the driver \(other): expected a recording for \(driver)"
    }
    let transport: CaptureFile.Transport? =
      switch Registry.profile(id: driver)?.transport {
      case .gatt?: .gatt
      case .advertisement?: .advertisement
      case .serial?: .serial
      case nil: nil
      }
    guard let transport, capture.transport != transport else { return nil }
    return "\(path) is a recording over \(capture.transport.rawValue): expected one over \(transport.rawValue)"
  }

  /// A port that is not plugged in may come; what is there and no terminal never becomes one. It is not opened: that may restart a device.
  private static func port(_ path: String) -> String? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    let what =
      "\(path) is no serial port: expected a terminal such as /dev/ttyUSB0; ls -l /dev/serial/by-path shows them"
    guard facts.st_mode & S_IFMT == S_IFCHR else { return what }
    // As the C library takes a number of 64 bits apart.
    let (major, minor) = (
      facts.st_rdev >> 8 & 0xFFF | facts.st_rdev >> 32 & ~0xFFF, facts.st_rdev & 0xFF | facts.st_rdev >> 12 & ~0xFF
    )
    // Pseudo-terminals stand in no class of sysfs (devices.txt of Linux, 136 to 143).
    if (136...143).contains(major) { return nil }
    let link = "/sys/dev/char/\(major):\(minor)/subsystem"
    guard let real = realpath(link, nil) else { return nil }
    defer { free(real) }
    return String(cString: real).hasSuffix("/tty") ? nil : what
  }

  // MARK: Folders

  /// Two backends in one folder write each line twice, and each removes what the other keeps.
  private static func folders(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    let nodes = (try? JSONMembers(top)["backends"]?.array()) ?? []
    var owners: [String: String] = [:]
    return configuration.backends.compactMap { backend in
      guard case .directory(let path) = backend.kind,
        let node = DeviceChecks.node("name", backend.name, among: nodes)
      else { return nil }
      let place = place(path)
      guard let owner = owners[place] else {
        owners[place] = backend.name
        return nil
      }
      return Finding(
        node: (try? JSONMembers(node))?["path"] ?? node,
        message: "expected a folder of its own, found that of the backend \"\(owner)\"", code: "folder.shared")
    }
  }

  /// The folder behind all links; the path itself while nothing is there.
  private static func place(_ path: String) -> String {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    // What is not there yet has no links, and ".." goes up.
    let parts = path.split(separator: "/").reduce(into: [Substring]()) { parts, part in
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  private static func plans(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    guard let path = configuration.plans, let node = (try? JSONMembers(top))?["plans"] else { return [] }
    var facts = stat()
    guard stat(path, &facts) != 0, [ENOENT, ENOTDIR].contains(errno) else { return [] }
    return [
      Finding(
        node: node,
        message: "\(path) is not there, and no plan is read from it: make the folder, or leave \"plans\" out",
        code: "plans.missing")
    ]
  }

  // MARK: Groups

  private static func groups(_ configuration: Configuration, _ top: JSONNode) -> [Finding] {
    guard let control = (try? JSONMembers(top))?["control"], let members = try? JSONMembers(control) else { return [] }
    return ["technician_group", "reader_group"].compactMap { key in
      guard let node = members[key], case .string(let name) = node.content, !name.isEmpty, getgrnam(name) == nil else {
        return nil
      }
      return Finding(
        node: node,
        message:
          "this machine has no group \"\(name)\", and nobody is in it: sudo groupadd --system \(name), or name another",
        code: "group.unknown")
    }
  }
}

extension CaptureFile {
  /// No device said anything in it.
  fileprivate var isEmpty: Bool { items.isEmpty && characteristics.isEmpty }
}
