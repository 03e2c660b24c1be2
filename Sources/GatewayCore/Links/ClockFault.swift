// The clock of a device that measures now is wrong: its stored records have wrong times, and somebody has to set it at the device.

internal import ControlProtocol
internal import Ledger

extension Links {
  /// The clock of a device that measures now is wrong: told once a day.
  mutating func tellClockFault(of id: String, _ turn: inout Turn) -> [Effect] {
    guard let distance = devices[id]?.clockFault else { return [] }
    if let told = devices[id]?.clockFaultToldAt, turn.now.monotonic - told < Admission.day { return [] }
    devices[id]?.clockFaultToldAt = turn.now.monotonic
    let seconds = distance.magnitude / 1000
    let length =
      seconds >= 172_800
      ? Count.of(seconds / 86_400, "day")
      : seconds >= 7200 ? Count.of(seconds / 3600, "hour") : Count.of(max(1, seconds / 60), "minute")
    let message =
      "its clock is \(length) \(distance < 0 ? "behind" : "ahead"): set it at the device; what it measures now has the hub's time"
    return [.log(.warning, "device \(id): device.clock-wrong: \(message)")]
      + turn.append([.event(turn.house.event(of: id, "device.clock-wrong", message, turn.now))])
  }
}
