// What becomes due without an event, and what is left behind at the end.

internal import BluetoothManagement
internal import Ledger

extension Bluetooth {
  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? {
    var times = [reopenAt, pairing?.deadline, rediscoverAt, keys.retryAt].compactMap(\.self)
    times += scans.values
    for controller in controllers.values {
      switch controller.phase {
      case .down(_, _, _, let at): times.append(at)
      case .starting: times.append(controller.stepDeadline)
      case .ready: break
      }
    }
    for arrival in arrivals.values where controllers[arrival.controller]?.isReady ?? false {
      times.append(arrival.opensAt)
    }
    for air in air.values { if let time = air.relistAt { times.append(time) } }
    return times.min()
  }

  mutating func due(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    if let at = reopenAt, at <= now.monotonic {
      reopenAt = nil
      effects += openBluetooth(&turn)
    }
    for index in controllers.keys.sorted() {
      if case .starting? = controllers[index]?.phase,
        let deadline = controllers[index]?.stepDeadline, deadline <= now.monotonic
      {
        effects += takeDown(index, Controller.failure(.readInfo, .timeout), after: Bluetooth.bluetoothRetry, &turn)
      }
      guard case .down(_, _, _, let at)? = controllers[index]?.phase, at <= now.monotonic else { continue }
      controllers[index]?.phase = .starting([.readInfo])
      controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
      effects.append(manage(.readInfo, index))
    }
    for id in air.keys.sorted() {
      guard let at = air[id]?.relistAt, at <= now.monotonic else { continue }
      air[id]?.relistAt = nil
      effects += listDevices(&turn)
    }
    if let at = rediscoverAt, at <= now.monotonic {
      rediscoverAt = nil
      effects += discover()
    }
    effects += openArrived(&turn)
    effects += endScans(&turn)
    if let deadline = pairing?.deadline, deadline <= now.monotonic { effects += pairingTimedOut(&turn) }
    return effects
  }

  /// The kernel connects to nobody while the daemon is away: a device would take that for a hub that listens.
  func leave() -> [Effect] {
    controllers.values.filter(\.isReady).sorted { $0.index < $1.index }.map {
      manage(.removeDevice(nil), $0.index)
    }
  }
}
