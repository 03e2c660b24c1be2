// A recorded session as the text that the driver tests and playback read (Tests/DriversTests/Captures/README.md).

import Drivers
import GATT
import Glibc
import JSON
import Octets
import Zones

struct CaptureText {
  /// As the daemon tells of the device.
  private let device: JSONValue
  private let profile: DeviceProfile?
  /// The hub's zone; nil from a daemon that does not tell.
  private let zone: TimeZoneRules?
  private var transcript: GATTTranscript
  /// Of a serial port, or from the air.
  private var plainLines: [CaptureLine] = []
  private var start: Int64?
  private(set) var frames = 0
  /// When the first frame came; the daemon's time of day is this machine's.
  private var began = time(nil)

  /// - Parameter answer: the daemon's answer to `capture`.
  init(_ answer: JSONValue) {
    device = answer["capturing"] ?? .null
    profile = device["driver"]?.string.flatMap { Registry.profile(id: $0) }
    zone = HubZone.named(answer["timezone"]?.string)
    let octets = answer["attributes"]?.string.flatMap { try? Hex.decode($0) }
    transcript = GATTTranscript(octets.flatMap { try? GATTDatabase(decoding: $0) } ?? GATTDatabase())
  }

  private var isGATT: Bool {
    switch profile?.transport {
    case .serial, .advertisement: false
    default: true
    }
  }

  /// A notification `capture`.
  mutating func take(_ value: JSONValue) {
    guard let at = value["at"]?.int.map(Int64.init), let octets = value["hex"]?.string.flatMap({ try? Hex.decode($0) })
    else { return }
    frames += 1
    if start == nil { began = time(nil) }
    let start = start ?? at
    self.start = start
    let isFromDevice = value["direction"]?.string == "<"
    let moment = max(0, at - start)
    if !isGATT {
      let source = value["source"]?.string ?? ""
      plainLines.append(CaptureLine(at: moment, isFromDevice: isFromDevice, words: source, octets: octets))
    } else {
      transcript.take(octets, isFromDevice: isFromDevice, at: moment)
    }
  }

  /// The whole file.
  var text: String {
    var disguise = Disguise()
    if let address = device["address"]?.string { disguise.hide(address: address) }
    if let serial = device["serial"]?.string { disguise.hide(serial: serial) }
    for characteristic in transcript.database.characteristics {
      guard let value = transcript.values[characteristic.valueHandle] else { continue }
      switch characteristic.uuid {
      case BluetoothUUID(0x2A25): disguise.hide(serial: String(decoding: value.filter { $0 != 0 }, as: UTF8.self))
      case BluetoothUUID(0x2A23): disguise.hide(systemID: value)
      default: continue
      }
    }
    var personal = PersonalData()
    var transcript = transcript
    if isGATT { transcript.replace { personal.apply($0, $1, isFromDevice: $2) } }
    let attributes = isGATT ? attributes(transcript, &disguise) : []
    let plain = plainLines.map { line in
      var line = line
      line.octets = personal.apply(line.octets, "", isFromDevice: line.isFromDevice)
      return line
    }
    let lines = isGATT ? transcript.lines : plain
    let session = session(lines, &disguise)
    return (headers(disguise, personal, lines) + attributes + session).joined(separator: "\n") + "\n"
  }

  /// Whole quarter hours east of UTC without daylight saving, and that, as the driver was told; nil where the hub's zone is not known.
  private var quarters: (standard: Int, daylight: Int)? {
    guard let local = zone?.local(at: Int64(began)) else { return nil }
    let daylight = local.isDaylight ? 3600 : 0
    return ((Int(local.offset) - daylight) / 900, daylight / 900)
  }

  /// What the hub's clock showed: as the hub wrote it to the device, or when the first frame came.
  private func clock(_ lines: [CaptureLine]) -> (date: String, time: String) {
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let written = lines.first {
      !$0.isFromDevice && $0.words.hasPrefix("write ") && ($0.words.hasSuffix("/2A08") || $0.words.hasSuffix("/2A2B"))
        && $0.octets.count >= 7
    }?.octets.map { Int($0) }
    if let written {
      return (
        "\(written[0] | written[1] << 8)-\(two(written[2]))-\(two(written[3]))",
        "\(two(written[4])):\(two(written[5])):\(two(written[6]))"
      )
    }
    // By the hub's clock, which a device's stamps are held against; whoever records may live elsewhere.
    var local = tm()
    var moment = began
    localtime_r(&moment, &local)
    let offset = zone.map { Int64($0.local(at: Int64(began)).offset) } ?? Int64(local.tm_gmtoff)
    let now = CivilTime(seconds: Int64(began) + offset)
    return (
      "\(now.year)-\(two(now.month))-\(two(now.day))", "\(two(now.hour)):\(two(now.minute)):\(two(now.second))"
    )
  }

  private func headers(_ disguise: Disguise, _ personal: PersonalData, _ all: [CaptureLine]) -> [String] {
    let (date, time) = clock(all)
    let maker = [device["manufacturer"]?.string, device["model"]?.string].compactMap { $0 }.joined(separator: " ")
    let transport =
      switch profile?.transport {
      case .serial: "serial"
      case .advertisement: "advertisement"
      default: "gatt"
      }
    var lines = [
      "# driver: \(Show.text(device["driver"]))", "# transport: \(transport)",
      "# device: \(maker.isEmpty ? "unknown" : Terminal.clean(maker))",
    ]
    if let model = device["model"]?.string { lines.append("# model: \(Terminal.clean(model))") }
    if let firmware = device["firmware"]?.string ?? read(0x2A26) {
      lines.append("# firmware: \(Terminal.clean(firmware))")
    }
    let sources = Set(plainLines.compactMap { $0.words.split(separator: "/").last.map(String.init) }).sorted()
    let companies = sources.filter { $0.hasPrefix("company:") }.map { String($0.dropFirst("company:".count)) }
    let services = sources.filter { !$0.hasPrefix("company:") }
    if !services.isEmpty { lines.append("# service-data: \(services.joined(separator: " "))") }
    if let company = companies.first { lines.append("# company: \(company)") }
    lines += ["# date: \(date)", "# local-time: \(date)T\(time)"]
    if let quarters { lines.append("# zone: \(quarters.standard) \(quarters.daylight)") }
    if let last = all.last?.at { lines.append("# until: \(last + 1)") }
    if let consent = personal.consent { lines.append("# consent: \(consent.user) \(consent.code)") }
    if let key = personal.key { lines.append("# key: \(Hex.encode(key))") }
    if personal.isPairing { lines.append("# pairing: true") }
    if let address = device["address"]?.string, let octets = try? Hex.decode(address.filter { $0 != ":" }),
      octets.count == 6
    {
      let pairs = Disguise.address(octets).map { Hex.encode([$0]).uppercased() }
      lines.append("# address: \(pairs.joined(separator: ":"))")
    }
    lines += [
      "# source: hearthctl capture",
      "# origin: captured session; addresses, serial numbers, names and codes are replaced",
    ]
    let altered = disguise.altered.merging(personal.altered) { $0 + $1 }
    if !altered.isEmpty {
      let places = altered.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)x" }.joined(separator: ", ")
      lines.append("# altered: \(places); check values over these octets hold no more")
    }
    return lines + transcript.remarks.map { "# \($0)" }
  }

  /// A text of Device Information that was read in this session.
  private func read(_ uuid: UInt16) -> String? {
    let found = transcript.database.characteristics.first { $0.uuid == BluetoothUUID(uuid) }
    let value = found.flatMap { transcript.values[$0.valueHandle] }?.filter { $0 != 0 }
    return value.map { String(decoding: $0, as: UTF8.self).trimmingSpaces }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Header lines of the characteristics that a driver may use.
  private func attributes(_ transcript: GATTTranscript, _ disguise: inout Disguise) -> [String] {
    let names: [(UInt8, String)] = [
      (0x02, "read"), (0x04, "write-command"), (0x08, "write"), (0x10, "notify"), (0x20, "indicate"),
    ]
    var lines: [String] = []
    for characteristic in transcript.database.characteristics {
      let isOfTheLink = [BluetoothUUID(0x1800), BluetoothUUID(0x1801)].contains(characteristic.service)
      let properties = names.filter { characteristic.properties & $0.0 != 0 }.map(\.1).joined(separator: ",")
      guard !isOfTheLink, !properties.isEmpty else { continue }
      let name = "\(characteristic.service)/\(characteristic.uuid)"
      var line = "# characteristic: \(name) \(properties)"
      if let value = transcript.values[characteristic.valueHandle] {
        let shown = disguise.apply(value, place: name)
        let isText = !shown.isEmpty && shown.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 }
        let isInformation = characteristic.service == BluetoothUUID(0x180A)
        line += isText && isInformation ? " \"\(String(decoding: shown, as: UTF8.self))\"" : " \(Hex.encode(shown))"
      }
      lines.append(line)
    }
    return lines
  }

  private func session(_ lines: [CaptureLine], _ disguise: inout Disguise) -> [String] {
    var all = lines
    // What lies across two pieces of one stream is found too.
    for key in Set(all.map { "\($0.isFromDevice)\($0.words)" }).sorted() {
      let indices = all.indices.filter { "\(all[$0].isFromDevice)\(all[$0].words)" == key }
      guard let first = indices.first else { continue }
      let place =
        all[first].words.isEmpty ? (all[first].isFromDevice ? "from the device" : "to the device") : all[first].words
      let pieces = disguise.apply(indices.map { all[$0].octets }, place: place)
      for (index, piece) in zip(indices, pieces) { all[index].octets = piece }
    }
    var lines: [String] = []
    var now: Int64 = 0
    for line in all {
      if line.at != now {
        lines.append("@ \(line.at)")
        now = line.at
      }
      let parts = [line.isFromDevice ? "<" : ">", line.words, Hex.encode(line.octets)].filter { !$0.isEmpty }
      lines.append(parts.joined(separator: " "))
    }
    return lines
  }
}
