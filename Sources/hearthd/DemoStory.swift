// What the demo plays: the devices' recorded octets, the patient's plan, and an outage in the middle.

import Glibc
import Platform

struct DemoStory {
  private let folder: String
  private let scale: Int32
  private let oximeter: Int32

  /// Writes configuration, plan and recordings, and opens the ports.
  init(folder: String) throws {
    self.folder = folder
    let (scaleMaster, scalePath) = try PseudoTerminal.open()
    let (oximeterMaster, oximeterPath) = try PseudoTerminal.open()
    scale = scaleMaster
    oximeter = oximeterMaster
    try Directory.make("\(folder)/plans")
    try Directory.make("\(folder)/network")
    symlink("\(folder)/network", "\(folder)/delivered")
    try StateFile.write(Array(DemoStory.plan.utf8), to: "\(folder)/plans/p-demo.json")
    try StateFile.write(Array(DemoStory.cuff.utf8), to: "\(folder)/cuff.capture")
    let configuration = """
      {
        "hub": {"timezone": "UTC"}, "bluetooth": {"enabled": false}, "serial": {"recognise": false},
        "devices": [
          {"id": "cuff", "driver": "beurer-bm85", "playback": "\(folder)/cuff.capture", "patient": "p-demo"},
          {"id": "scale", "driver": "and-scale", "port": "\(scalePath)", "patient": "p-demo"},
          {"id": "oximeter", "driver": "contec-v7", "port": "\(oximeterPath)", "patient": "p-demo"},
        ],
        "backends": [{"name": "local", "type": "directory", "path": "\(folder)/delivered"}],
      }

      """
    try StateFile.write(Array(configuration.utf8), to: "\(folder)/hearth.json")
  }

  /// Octets of a Beurer BM85: 106/71 pulse 63 and 113/73 pulse 65, with the stamps of today. The red
  /// ones are the second recording with the systolic pressure raised to 190 and 186.
  private static let cuff = """
    # device: Beurer BM85
    # transport: gatt
    # characteristic: 1810/2A35 indicate
    # characteristic: 1805/2A2B read,write {datetime}000000
    # characteristic: 180A/2A29 read "Beurer"
    # characteristic: 180A/2A24 read "BM85"
    # characteristic: 180F/2A19 read 5a
    @ 1000
    < 1810/2A35 566a0047000000{datetime}003f000000
    @ 7000
    < 1810/2A35 56be0049000000{datetime}0041000000
    @ 11000
    < 1810/2A35 56ba0049000000{datetime}0041000000

    """

  private static let plan = """
    {
      "patient": "p-demo", "version": 3, "timezone": "UTC",
      "rules": [
        {"id": "bp.extreme", "kind": "band", "measure": "bp.systolic",
         "zones": [{"red": {"gte": "180"}}, {"red": {"lt": "90"}}], "confirm": {"n": 2, "within": "PT5M"}, "hysteresis": "5"},
        {"id": "spo2", "kind": "band", "measure": "spo2",
         "zones": [{"red": {"lt": "88"}}, {"yellow": {"lt": "92"}}], "hysteresis": "1"},
        {"id": "weight", "kind": "band", "measure": "weight", "zones": [{"yellow": {"gt": "75"}}]}
      ]
    }

    """

  /// Live frames of a CMS50D+ (recorded; facts of two public projects): 97 %, pulse 65.
  private static let oximeterFrames: [[UInt8]] = [
    [0x01, 0xE0, 0x85, 0xAE, 0x95, 0xC1, 0xE1, 0xFF, 0xFF], [0x01, 0xE0, 0x85, 0xAC, 0x95, 0xC1, 0xE1, 0xFF, 0xFF],
    [0x01, 0xE0, 0x85, 0xAB, 0x95, 0xC1, 0xE1, 0xFF, 0xFF], [0x01, 0xE0, 0x85, 0xAA, 0x95, 0xC1, 0xE1, 0xFF, 0xFF],
  ]

  /// Plays the story beside the daemon, then ends it.
  func play(stays: Bool) {
    guard let stage = try? WorkerThread(self) else { return }
    stage.run { story in
      story.wait(3)
      Demo.say("* someone steps on the scale")
      story.weigh([
        "US,+00041.30 kg", "US,+00071.95 kg", "ST,+00072.15 kg", "ST,+00072.15 kg", "ST,+00072.15 kg",
        "ST,+00000.00 kg",
        "ST,+00000.00 kg",
      ])
      story.wait(2)
      Demo.say("* a finger goes into the oximeter")
      story.measureOxygen()
      story.wait(4)
      Demo.say("* the network goes away")
      rename("\(story.folder)/network", "\(story.folder)/network.gone")
      story.wait(3)
      Demo.say("* somebody steps on the scale all the same")
      story.weigh([
        "US,+00071.10 kg", "ST,+00072.30 kg", "ST,+00072.30 kg", "ST,+00072.30 kg", "ST,+00000.00 kg",
        "ST,+00000.00 kg",
      ])
      story.wait(4)
      Demo.say("* the network comes back")
      rename("\(story.folder)/network.gone", "\(story.folder)/network")
      story.waitForDelivery()
      if stays {
        Demo.say("* the story is over; Ctrl-C ends the demo")
      } else {
        kill(getpid(), SIGTERM)
      }
    }
  }

  private func wait(_ seconds: UInt32) { sleep(seconds) }

  /// Six readings and two messages.
  private static let items = 8

  /// Until the backend has everything. When it is tried again is not known beforehand: half a minute at most.
  private func waitForDelivery() {
    for _ in 0..<60 where delivered < DemoStory.items { usleep(500_000) }
    wait(2)
  }

  /// Lines that the backend has.
  private var delivered: Int {
    let names = ((try? Directory.list("\(folder)/delivered")) ?? []).map(\.name).filter { $0.hasSuffix(".ndjson") }
    return names.reduce(0) { sum, name in
      sum + (SmallFile.read("\(folder)/delivered/\(name)", atMost: 64 << 20)?.count { $0 == 0x0A } ?? 0)
    }
  }

  private func weigh(_ lines: [String]) {
    for line in lines { _ = Descriptor.writeAll(scale, Array((line + "\r\n").utf8)) }
  }

  private func measureOxygen() {
    for index in 0..<660 {
      // What the driver asked is read away, as a device would.
      _ = Descriptor.read(oximeter)
      _ = Descriptor.writeAll(oximeter, DemoStory.oximeterFrames[index % DemoStory.oximeterFrames.count])
      if index % 60 == 59 { usleep(80_000) }
    }
  }
}
