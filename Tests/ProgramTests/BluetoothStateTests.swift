// What hearthctl shows of Bluetooth: devices, status, doctor.

import Foundation
import Testing

@Suite struct BluetoothStateTests {
  @Test func devicesShowBondSignalAndMissedContacts() throws {
    let daemon = try FakeDaemon(
      result: #"""
        {"devices":[{"id":"cuff","driver":"d","state":"needs-pairing","address":"F0:00:00:00:00:01","bond":"needs-pairing","rssi":-72,"missed_contacts":3,"readings":12,"patients":{"*":"p-1"}},{"id":"scale","driver":"d","state":"waiting","address":"F0:00:00:00:00:02","bond":"authenticated","missed_contacts":0,"readings":1,"patients":{}},{"id":"wire","driver":"d","state":"waiting","port":"/dev/ttyUSB0","readings":1,"patients":{}}]}
        """#.trimmingCharacters(in: .whitespacesAndNewlines))
    #expect(
      try daemon.hearthctl("devices").out == """
        DEVICE  WHAT  STATE          LAST CONTACT  BAT  SIGNAL  MISSED  BOND      READINGS  PATIENT  LAST PROBLEM  ADDRESS
        cuff    d     needs-pairing  -             -    ▂▄      3       lost      12        p-1      -             F0:00:00:00:00:01
        scale   d     waiting        -             -    -       0       verified  1         -        -             F0:00:00:00:00:02
        wire    d     waiting        -             -    -       -       -         1         -        -             -

        """)
  }

  @Test(arguments: [
    (
      #"{"state":"ready","controllers":[{"index":0,"address":"00:1B:DC:07:32:01","ready":true}],"pairing":true}"#,
      "bluetooth ready  hci0 00:1B:DC:07:32:01  a pairing is under way"
    ),
    (
      #"{"state":"bluetooth.absent","message":"there is no Bluetooth controller","controllers":[],"pairing":false}"#,
      "bluetooth there is no Bluetooth controller (bluetooth.absent)"
    ),
  ]) func statusHasOneLineOfIt(_ bluetooth: String, _ line: String) throws {
    let daemon = try FakeDaemon(
      result: #"{"problems":[],"devices":[],"backends":[],"journal":{},"bluetooth":\#(bluetooth)}"#)
    #expect(try daemon.hearthctl("status").out.split(separator: "\n").contains(Substring(line)))
  }

  @Test func theAdapterAndItsRadioAreLookedAt() throws {
    let hub = SickHub()
    func check(_ id: String) throws -> String {
      let check = try hub.checks()["bluetooth-" + id]
      return "\(check?["state"] ?? ""): \(check?["message"] ?? "")"
    }
    #expect(try check("adapter") == "warning: the kernel has no Bluetooth")
    // A connection is no adapter.
    try hub.sysfs("bluetooth/hci0:64/uevent", "")
    #expect(try check("adapter") == "warning: there is no Bluetooth adapter")
    try hub.sysfs("bluetooth/hci0/uevent", "")
    #expect(try check("adapter") == "ok: adapters: hci0")
    try hub.sysfs("rfkill/rfkill0/type", "wlan")
    try hub.sysfs("rfkill/rfkill0/soft", "1")
    try hub.sysfs("rfkill/rfkill1/type", "bluetooth")
    try hub.sysfs("rfkill/rfkill1/soft", "0")
    try hub.sysfs("rfkill/rfkill1/hard", "0")
    #expect(try check("radio") == "ok: nothing blocks the Bluetooth radio")
    try hub.sysfs("rfkill/rfkill1/soft", "1")
    #expect(try check("radio") == "failed: the Bluetooth radio is blocked (rfkill1)")
    try hub.sysfs("rfkill/rfkill1/hard", "1")
    #expect(try check("radio") == "failed: the Bluetooth radio is off by a switch (rfkill1)")
    #expect(try check("kernel").hasPrefix("ok: "))
  }

  @Test(arguments: [
    ("ActiveState=active", "owner", "failed"), ("ActiveState=inactive UnitFileState=enabled", "owner", "warning"),
    ("ActiveState=inactive UnitFileState=disabled", "owner", "ok"),
    ("User=hearth AmbientCapabilities=cap_net_admin CapabilityBoundingSet=cap_net_admin", "capability", "ok"),
    ("User=hearth AmbientCapabilities= CapabilityBoundingSet=cap_net_admin", "capability", "failed"),
    ("User= CapabilityBoundingSet=cap_chown", "capability", "failed"),
    ("User=root CapabilityBoundingSet=cap_chown\\ cap_net_admin", "capability", "ok"),
  ]) func systemdIsAskedForTheRest(_ properties: String, _ id: String, _ state: String) throws {
    let unit = id == "owner" ? "bluetooth.service" : "hearthd.service"
    let checks = try SickHub().checks(
      systemctl: "case \"$*\" in *\(unit)*) printf '%s\\n' LoadState=loaded \(properties);; *) exit 1;; esac")
    #expect(checks["bluetooth-" + id]?["state"] == state, "\(checks)")
  }

  @Test func aDaemonWithoutBluetoothIsExplainedFromOutside() throws {
    let daemon = try FakeDaemon(
      result:
        #"{"checks":[{"id":"bluetooth","state":"failed","message":"there is no Bluetooth controller","hint":"plug in"}]}"#
    )
    let folder = try TestFolder()
    let outcome = try CommandOutcome.hearthctl(
      ["doctor", "--socket", daemon.socket], environment: ["SYSFS_PATH": folder.path("none")])
    #expect(outcome.status == 1)
    #expect(outcome.out.contains("FAIL  bluetooth: there is no Bluetooth controller"))
    #expect(outcome.out.contains("warn  bluetooth-adapter: the kernel has no Bluetooth"))
  }
}
