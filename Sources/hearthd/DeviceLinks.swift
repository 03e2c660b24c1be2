// What carries octets to devices and back.

/// The links of one kind: serial ports, Bluetooth, recorded sessions. A device has a link of one kind.
protocol DeviceLinks {
  /// Whether a link of this kind is open for the device.
  func has(_ device: String) -> Bool

  /// Sends octets of a line, or one ATT PDU. A device that is gone by now hears nothing, and its end is told as an event.
  func send(_ device: String, _ octets: [UInt8])

  /// Ends the link, and tells so by `linkClosed`.
  func close(_ device: String)
}
