// Plugging, pulling, opening, failing, talking and asking in any order, seeded: whatever happens, nothing is sent to a port that is
// nobody's, no port has two owners, and a reading is its device's patient's or nobody's.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Readings
import Testing
@testable import Ledger

private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

/// The shell's side: which links are up, by key or device, and on which node.
private struct Links {
  var up: [String: String] = [:]
  /// What the shell tells the gateway next.
  var events: [Event] = []

  mutating func take(_ effects: [Effect], plugged: Set<String>, refuses: Bool) {
    for effect in effects {
      switch effect {
      case .openPort(let device, let path, _):
        up[device] = nil
        if refuses || !plugged.contains(path) || up.values.contains(path) {
          events.append(.linkClosed(device: device, LinkEnd(code: "port.busy", message: "in use")))
        } else {
          up[device] = path
          events.append(.linkOpened(device: device))
        }
      case .adoptPort(let key, let device):
        if let path = up.removeValue(forKey: key) {
          up[device] = path
          events.append(.linkOpened(device: device))
        } else {
          events.append(.linkClosed(device: device, LinkEnd(code: "hang-up", message: "gone")))
        }
      case .close(let device):
        if up.removeValue(forKey: device) != nil {
          events.append(.linkClosed(device: device, LinkEnd(code: "ended", message: "closed")))
        }
      default: break
      }
    }
  }
}

@Suite struct SerialStormTests {
  @Test(arguments: 1...12) func nothingIsSentToAPortThatIsNobodys(seed: UInt64) {
    var dice = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15)
    var hub = Hub(.with([]))
    hub.done = []
    var links = Links()
    var plugged: [String: String] = [:]
    var seen = 0
    var asked: Set<String> = []
    func settle() {
      while true {
        hub.sync()
        let fresh = Array(hub.done[seen...])
        seen = hub.done.count
        for case .transmit(let key, _) in fresh where key.hasPrefix("port:") { #expect(asked.contains(key)) }
        links.take(fresh, plugged: Set(plugged.keys), refuses: Int.random(in: 0..<8, using: &dice) == 0)
        guard !links.events.isEmpty else { break }
        hub.send(links.events.removeFirst())
      }
      #expect(Set(links.up.values).count == links.up.count, "a port with two owners: \(links.up)")
    }
    let lines = [
      "ST,GS,+  72.15kg\r\n", "ST,+00072.15 kg\r\n", "S S     71.00 kg\r\n", "I4 A \"1234567\"\r\n",
      "I4 A \"7654321\"\r\n",
      "\u{1}\u{7F}garbage", "US,GS,+   0.00kg\r\n",
    ]
    for _ in 0..<1500 {
      hub.time += Int64.random(in: 1...4000, using: &dice)
      switch Int.random(in: 0..<12, using: &dice) {
      case 0, 1:
        let node = "/dev/ttyUSB\(Int.random(in: 0..<4, using: &dice))"
        let place = "hub-\(Int.random(in: 0..<5, using: &dice))"
        guard plugged[node] == nil, !plugged.values.contains(place) else { continue }
        plugged[node] = place
        let serial = [nil, "0001", "A9UXYZ17", "A9UXYZ18"].randomElement(using: &dice) ?? nil
        hub.send(.portAdded(PortFacts(node: node, path: place, vendor: 0x0403, product: 0x6001, serial: serial)))
      case 2:
        guard let node = plugged.keys.sorted().randomElement(using: &dice) else { continue }
        plugged[node] = nil
        // The line is hung up before udev tells, or the other way round.
        let owner = links.up.first { $0.value == node }?.key
        if let owner, Bool.random(using: &dice) {
          links.up[owner] = nil
          hub.send(.linkClosed(device: owner, LinkEnd(code: "hang-up", message: "gone")))
          settle()
        }
        hub.send(.portRemoved(node: node))
      case 3, 4, 5, 6:
        guard let link = links.up.keys.sorted().randomElement(using: &dice) else { continue }
        hub.send(.linkReceived(device: link, Array((lines.randomElement(using: &dice) ?? "").utf8)))
      case 7:
        guard let node = plugged.keys.sorted().randomElement(using: &dice) else { continue }
        var wish = PortWish(port: node, driver: ["cas", "mt-sics"].randomElement(using: &dice) ?? "cas")
        wish.id = "d\(Int.random(in: 0..<3, using: &dice))"
        wish.patient = wish.id.map { "p-\($0)" }
        hub.send(.asked(RequestID(connection: 1, number: 1), .serialBind(wish), CallerName(uid: 0)))
      case 8:
        guard let node = plugged.keys.sorted().randomElement(using: &dice) else { continue }
        let driver = Bool.random(using: &dice) ? "mt-sics" : nil
        if driver != nil { asked.insert("port:\(node)") }
        let request = ControlRequest.serialIdentify(port: node, driver: driver)
        hub.send(.asked(RequestID(connection: 1, number: 2), request, CallerName(uid: 0)))
      case 9:
        let device = "d\(Int.random(in: 0..<3, using: &dice))"
        hub.send(.asked(RequestID(connection: 1, number: 3), .serialRelease(device: device), CallerName(uid: 0)))
      case 10: hub.send(.asked(RequestID(connection: 1, number: 4), .serialList, CallerName(uid: 0)))
      default: hub.send(.timer)
      }
      settle()
    }
    for reading in hub.readings {
      #expect(reading.patient == nil || reading.patient == "p-\(reading.device.id)")
    }
    #expect(!hub.readings.isEmpty)
  }
}
