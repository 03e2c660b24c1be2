// A state that is larger than a record: the lists that grow with patients, devices and refusals are parts behind the snapshot, in the
// same group. A home's state is one record.

internal import Monitoring
internal import Readings

extension LedgerState {
  /// Beyond so many octets of lists they are parts of their own. The rest of a snapshot has fixed bounds, and room beside it.
  static let mostLists = 1 << 19
  /// About how large a part gets. One item may be as large as a record.
  private static let partOctets = 1 << 18

  /// The state without the lists, and the lists in parts. One state when there is little of them.
  var parts: (core: LedgerState, lists: [LedgerState]) {
    guard listWeight > LedgerState.mostLists else { return (self, []) }
    var splitting = Splitting()
    for (patient, state) in rules.sorted(by: { $0.key < $1.key }) {
      splitting.add(state.listWeight) { $0.rules[patient] = state }
    }
    for (device, readings) in recent.sorted(by: { $0.key < $1.key }) {
      splitting.add(readings.listWeight) { $0.recent[device] = readings }
    }
    for (backend, list) in refusals.sorted(by: { $0.key < $1.key }) {
      for refusal in list { splitting.add(refusal.listWeight) { $0.refusals[backend, default: []].append(refusal) } }
    }
    for (number, retry) in retries.sorted(by: { $0.key < $1.key }) {
      splitting.add(LedgerState.itemWeight) { $0.retries[number] = retry }
    }
    for (id, place) in held.sorted(by: { $0.value.sequence < $1.value.sequence }) {
      splitting.add(LedgerState.itemWeight) { $0.held[id] = place }
    }
    for (device, raws) in fragments.sorted(by: { $0.key < $1.key }) {
      for raw in raws { splitting.add(raw.listWeight) { $0.fragments[device, default: []].append(raw) } }
    }
    var core = self
    core.rules = [:]
    core.recent = [:]
    core.refusals = [:]
    core.retries = [:]
    core.held = [:]
    core.fragments = [:]
    return (core, splitting.parts)
  }

  /// Takes a part of a snapshot that stands before it.
  mutating func merge(_ part: LedgerState) {
    rules.merge(part.rules) { $1 }
    recent.merge(part.recent) { $1 }
    for (backend, list) in part.refusals { refusals[backend, default: []] += list }
    retries.merge(part.retries) { $1 }
    held.merge(part.held) { $1 }
    for (device, raws) in part.fragments { fragments[device, default: []] += raws }
  }

  /// More than any retry or held reading takes.
  private static let itemWeight = 512

  /// About how many octets a snapshot takes beside histories.
  var coreWeight: Int {
    let slots = bindings.slots.count + register.devices.count + counted.count
    return 8192 + listWeight + 512 * slots + 128 * (min(parked.count, LedgerState.mostParkedInSnapshot) + urgent.count)
  }

  /// At most so many octets of JSON that the lists take.
  private var listWeight: Int {
    var sum = (retries.count + held.count) * LedgerState.itemWeight
    sum += rules.values.reduce(0) { $0 + $1.listWeight }
    sum += recent.values.reduce(0) { $0 + $1.listWeight }
    for list in refusals.values { sum += list.reduce(0) { $0 + $1.listWeight } }
    for raws in fragments.values { sum += raws.reduce(0) { $0 + $1.listWeight } }
    return sum
  }

  /// Parts that fill one after the other.
  private struct Splitting {
    var parts: [LedgerState] = []
    private var octets = 0

    mutating func add(_ weight: Int, _ body: (inout LedgerState) -> Void) {
      if parts.isEmpty || octets + weight > LedgerState.partOctets {
        parts.append(LedgerState())
        octets = 0
      }
      octets += weight
      body(&parts[parts.count - 1])
    }
  }
}

extension PatientState {
  /// At most so many octets of JSON: a control character takes six.
  fileprivate var listWeight: Int {
    rules.reduce(256 + 64 * unsettled.count) { sum, rule in
      let word = rule.value.acknowledgement.map { 128 + 6 * ($0.by.utf8.count + $0.note.utf8.count) } ?? 0
      let state = rule.value
      let findings =
        state.told.count + state.asked.count + state.lateTold.count + state.held.count + state.doubts.count
        + state.lateDue.count + (state.ask?.counted.count ?? 0) + 1
      return sum + 1024 + 6 * rule.key.utf8.count + word + 384 * findings + 24 * state.tellings.count
        + 192 * state.askedAbout.count
    } + 1024 * displaced.count
  }
}

extension RecentReadings {
  fileprivate var listWeight: Int { 512 + 17 * identifiers.count }
}

extension Refusal {
  fileprivate var listWeight: Int { 512 + 6 * (reason.utf8.count + id.utf8.count) }
}

extension RawSource {
  fileprivate var listWeight: Int { 256 + 6 * source.utf8.count + 2 * octets.count }
}
