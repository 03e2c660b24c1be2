// Serial ports: exclusive, raw, with the line settings of a protocol (termios(3), tty_ioctl(4)).

internal import CLinux
internal import Glibc

/// The line settings of a port.
package struct LineSettings: Sendable, Hashable {
  /// Bits a second.
  package var baud: Int
  /// 7 or 8.
  package var dataBits: Int
  /// "N", "E" or "O".
  package var parity: Character
  /// 1 or 2.
  package var stopBits: Int
  /// Data terminal ready, raised or not; some devices are powered or reset by it.
  package var dtr: Bool
  /// Request to send, raised or not. With hardware flow control the kernel moves it.
  package var rts: Bool
  /// RTS and CTS hold the other side back.
  package var hasHardwareFlow: Bool
  /// Line settings such as 9600 8N1; both lines raised, as opening a port leaves them.
  package init(
    baud: Int, dataBits: Int, parity: Character, stopBits: Int, dtr: Bool = true, rts: Bool = true,
    hasHardwareFlow: Bool = false
  ) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
    self.dtr = dtr
    self.rts = rts
    self.hasHardwareFlow = hasHardwareFlow
  }

  /// The bits of TIOCMSET that are raised, of DTR and RTS.
  package var modemBits: Int32 { (dtr ? cl_dtr : 0) | (rts ? cl_rts : 0) }
}

/// Opens and reads serial ports.
package enum SerialPort {
  /// CRTSCTS of termios(3), which Swift does not see.
  private static let hardwareFlow = tcflag_t(0o20_000_000_000)

  /// A port that cannot be opened, and what to do.
  package struct Failure: Error, Sendable {
    /// Stable: `port.busy`, `port.permission`, `open-failed`.
    package var code: String
    /// What the system refused.
    package var error: SystemError
    /// What to do.
    package var hint: String
    /// What is wrong, in one sentence.
    package var message: String
    init(code: String = "open-failed", error: SystemError, hint: String, message: String? = nil) {
      self.code = code
      self.error = error
      self.hint = hint
      self.message = message ?? error.message
    }
  }

  /// The control and input flags that settings come to; nil for a rate that is not standard. A pseudo terminal changes them
  /// silently, so that they can only be looked at here.
  package static func controlFlags(_ settings: LineSettings) -> (control: UInt32, input: UInt32)? {
    attributes(settings).map { ($0.c_cflag, $0.c_iflag) }
  }

  /// The settings as the kernel takes them: raw, no flow control of any kind. Nil for a rate that is not standard.
  static func attributes(_ settings: LineSettings) -> termios? {
    let speeds: [Int: speed_t] = [
      1200: speed_t(B1200), 2400: speed_t(B2400), 4800: speed_t(B4800), 9600: speed_t(B9600), 19_200: speed_t(B19200),
      38_400: speed_t(B38400), 57_600: speed_t(B57600), 115_200: speed_t(B115200),
    ]
    guard let speed = speeds[settings.baud] else { return nil }
    var attributes = termios()
    cfmakeraw(&attributes)
    attributes.c_iflag &= ~tcflag_t(IXON | IXOFF | IXANY)
    attributes.c_cflag &= ~(tcflag_t(CSIZE | PARENB | PARODD | CSTOPB | HUPCL) | SerialPort.hardwareFlow)
    if settings.hasHardwareFlow { attributes.c_cflag |= SerialPort.hardwareFlow }
    attributes.c_cflag |= tcflag_t(CLOCAL | CREAD) | tcflag_t(settings.dataBits == 7 ? CS7 : CS8)
    if settings.parity != "N" {
      attributes.c_cflag |= tcflag_t(PARENB) | (settings.parity == "O" ? tcflag_t(PARODD) : 0)
      // An octet that fails its parity is dropped where frames have a fixed length, so that the frame is cut. In lines of text a
      // digit less would be another weight: there it arrives as NUL, which no line has.
      attributes.c_iflag |= tcflag_t(INPCK) | (settings.dataBits == 7 ? 0 : tcflag_t(IGNPAR))
    }
    if settings.stopBits == 2 { attributes.c_cflag |= tcflag_t(CSTOPB) }
    cfsetispeed(&attributes, speed)
    cfsetospeed(&attributes, speed)
    withUnsafeMutableBytes(of: &attributes.c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    return attributes
  }

  /// Opens a port for this process alone. Throws with what to do. A pseudo terminal has no modem lines: a test looks at them by
  /// `setModemLines`, which is given the descriptor and the raised bits.
  package static func open(
    _ path: String, _ settings: LineSettings, setModemLines: (Int32, Int32) -> Void = SerialPort.setModemLines
  ) throws(Failure) -> Int32 {
    guard var attributes = attributes(settings) else {
      throw Failure(
        error: SystemError("set the speed \(settings.baud)", path: path, errno: EINVAL), hint: "use a standard rate")
    }
    let fd = Glibc.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard fd >= 0 else { throw failure("open", path) }
    guard isatty(fd) == 1 else {
      Descriptor.close(fd)
      throw Failure(error: SystemError("open", path: path, errno: ENOTTY), hint: "this is no serial port")
    }
    // A terminal that knows no TIOCEXCL is still locked.
    guard cl_lock(fd) == 0, cl_exclusive(fd) == 0 || Glibc.errno == ENOTTY, configure(fd, &attributes) else {
      let failure = failure("configure", path)
      Descriptor.close(fd)
      throw failure
    }
    // A terminal program that opened the port without taking it for itself would share what arrives. A pseudo terminal is held
    // open by who plays the device.
    if !path.hasPrefix("/dev/pts/"), PortOwner.find(path) != nil {
      let failure = busy(SystemError("open", path: path, errno: EBUSY), path)
      Descriptor.close(fd)
      throw failure
    }
    setModemLines(fd, settings.modemBits)
    tcflush(fd, TCIFLUSH)
    return fd
  }

  /// Raises these of DTR and RTS and lets go of the others; a terminal that has none is left as it is.
  package static func setModemLines(_ fd: Int32, _ raised: Int32) { _ = cl_modem_lines(fd, raised) }

  /// EINVAL means that the port took only some of it. A pseudo terminal has neither 7 bits nor parity, which is no harm; a port
  /// that refuses the speed is of no use.
  private static func configure(_ fd: Int32, _ attributes: inout termios) -> Bool {
    if tcsetattr(fd, TCSANOW, &attributes) == 0 { return true }
    guard Glibc.errno == EINVAL else { return false }
    var taken = termios()
    guard tcgetattr(fd, &taken) == 0 else { return false }
    if cfgetospeed(&taken) == cfgetospeed(&attributes), taken.c_lflag & tcflag_t(ICANON | ECHO) == 0 { return true }
    Glibc.errno = EINVAL
    return false
  }

  private static func failure(_ operation: String, _ path: String) -> Failure {
    let error = SystemError.last(operation, path: path)
    switch error.errno {
    case EACCES, EPERM:
      let group = PortOwner.group(of: path) ?? "dialout"
      return Failure(
        code: "port.permission", error: error,
        hint: "the port belongs to the group \(group): adduser hearth \(group), then systemctl restart hearthd")
    case EBUSY, EAGAIN: return busy(error, path)
    case ENOENT, ENXIO, ENODEV:
      return Failure(
        error: error, hint: "the cable is not plugged in, or its adapter was not recognised: look with dmesg")
    default: return Failure(error: error, hint: "look with dmesg for the cable's adapter")
    }
  }

  /// Another program has the port; which one, as far as it can be seen.
  private static func busy(_ error: SystemError, _ path: String) -> Failure {
    if let owner = PortOwner.find(path) {
      return Failure(
        code: "port.busy", error: error, hint: "end \(owner.name), or keep it from this port",
        message: "\(path) is in use by \(owner.name) (process \(owner.pid))")
    }
    if let suspect = PortOwner.suspect() {
      return Failure(
        code: "port.busy", error: error,
        hint: "fuser -v \(path) tells who has it; systemctl disable --now \(suspect.name) if it is that",
        message: "\(path) is in use, perhaps by \(suspect.name) (process \(suspect.pid))")
    }
    return Failure(
      code: "port.busy", error: error, hint: "fuser -v \(path) tells who has it",
      message: "\(path) is in use by another program")
  }

  /// Other line settings for an open port; what was received before is dropped. False when the port does not take them.
  package static func change(_ fd: Int32, _ settings: LineSettings) -> Bool {
    guard var attributes = attributes(settings), configure(fd, &attributes) else { return false }
    setModemLines(fd, settings.modemBits)
    tcflush(fd, TCIFLUSH)
    return true
  }
}

/// A pseudo terminal: what is written to the master is what a port receives.
package enum PseudoTerminal {
  /// The master's descriptor and the path to open as a port.
  package static func open() throws(SystemError) -> (master: Int32, path: String) {
    var master: Int32 = -1
    var path = [CChar](repeating: 0, count: 128)
    guard cl_open_pty(&master, &path, path.count) == 0 else { throw .last("open a pseudo terminal") }
    let octets = path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return (master, String(decoding: octets, as: UTF8.self))
  }
}
