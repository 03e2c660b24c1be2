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
  /// The daemon's time of day is this machine's.
  private let began = time(nil)

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
    let attributes = isGATT ? attributes(&disguise) : []
    let session = session(&disguise)
    return (headers(disguise) + attributes + session).joined(separator: "\n") + "\n"
  }

  private func headers(_ disguise: Disguise) -> [String] {
    // By the hub's clock, which a device's stamps are held against; whoever records may live elsewhere.
    var local = tm()
    var moment = began
    localtime_r(&moment, &local)
    let offset = zone.map { Int64($0.local(at: Int64(began)).offset) } ?? Int64(local.tm_gmtoff)
    let now = CivilTime(seconds: Int64(began) + offset)
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let date = "\(now.year)-\(two(now.month))-\(two(now.day))"
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
    if let firmware = device["firmware"]?.string { lines.append("# firmware: \(Terminal.clean(firmware))") }
    let services = Set(plainLines.compactMap { $0.words.split(separator: "/").last }).sorted()
    if !services.isEmpty { lines.append("# service-data: \(services.joined(separator: " "))") }
    lines.append("# date: \(date)")
    lines.append("# local-time: \(date)T\(two(now.hour)):\(two(now.minute)):\(two(now.second))")
    if let address = device["address"]?.string, let octets = try? Hex.decode(address.filter { $0 != ":" }),
      octets.count == 6
    {
      let pairs = Disguise.address(octets).map { Hex.encode([$0]).uppercased() }
      lines.append("# address: \(pairs.joined(separator: ":"))")
    }
    lines += ["# source: hearthctl capture", "# origin: captured frames; addresses and serial numbers are replaced"]
    if !disguise.altered.isEmpty {
      let places = disguise.altered.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)x" }.joined(separator: ", ")
      lines.append("# altered: \(places); check values over these octets hold no more")
    }
    return lines + transcript.remarks.map { "# \($0)" }
  }

  /// Header lines of the characteristics that a driver may use.
  private func attributes(_ disguise: inout Disguise) -> [String] {
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

  private func session(_ disguise: inout Disguise) -> [String] {
    var all = isGATT ? transcript.lines : plainLines
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
