// Longer lives by chance: groups of all sizes over many segments, snapshots, retention, rewriting, several processes, and any call
// that fails. Every life comes again by its seed.

import Journal
import Testing

/// One disk's life under faults.
struct RandomLife {
  var promises = GroupPromises()
  private var dice: Dice
  private let limits: JournalLimits

  init(seed: Int) {
    dice = Dice(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
    limits = JournalLimits(
      segmentBytes: [256, 512, 2048].randomElement(using: &dice) ?? 256, maximumBytes: 1 << 16, groupBytes: 1024)
  }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &dice) < percent }

  /// Some processes on one disk, one after the other; then starts without faults.
  mutating func run() -> [String] {
    var disk = SimulatedDisk()
    for _ in 0..<Int.random(in: 2...5, using: &dice) {
      arm(disk)
      live(on: disk)
      disk.oracle = nil
      disk = after(disk)
    }
    for _ in 0..<2 where promises.complaints.isEmpty {
      guard var journal = promises.open(disk, limits) else { return ["did not open"] }
      _ = promises.append(size: 2, to: &journal, on: disk)
      // Names that retention took away come back in any order.
      if journal.verify().missing > 0, promises.released == 0 {
        return ["numbers are missing: \(journal.takeFindings())"]
      }
      disk = disk.afterPowerCut(.nothing)
    }
    return promises.complaints
  }

  /// Up to three faults, and an end at any call.
  private func arm(_ disk: SimulatedDisk) {
    var dice = dice
    var faults = Int.random(in: 0...3, using: &dice)
    let end = Int.random(in: 1...60, using: &dice)
    var calls = 0
    disk.oracle = { operation, length in
      calls += 1
      if calls == end { return .stop(torn: length > 0 ? Int.random(in: 0...length, using: &dice) : 0) }
      guard faults > 0, Int.random(in: 0..<(operation == "fdatasync" ? 6 : 25), using: &dice) == 0 else { return .go }
      faults -= 1
      return .fail(
        [5, 28].randomElement(using: &dice) ?? 5,
        reached: SimulatedDisk.Reach.allCases.randomElement(using: &dice) ?? .nothing,
        forgets: Bool.random(using: &dice))
    }
  }

  private mutating func live(on disk: SimulatedDisk) {
    guard var journal = promises.open(disk, limits) else { return }
    var rewriting: JournalRewriting?
    for _ in 0..<Int.random(in: 1...15, using: &dice) where !disk.isOff {
      let size = Int.random(in: 1...5, using: &dice)
      let octets = Int.random(in: 8...120, using: &dice)
      guard promises.append(size: size, octets: octets, to: &journal, on: disk) else { return }
      if chance(15), !promises.append(size: 0, to: &journal, on: disk) { return }
      if chance(5) { journal.seal() }
      // Some complete, some go on between appends, some are forgotten.
      if chance(5) { _ = try? journal.rewrite { _ in .keep } }
      if chance(10) { rewriting = JournalRewriting(part: Int.random(in: 20...300, using: &dice)) }
      for _ in 0..<Int.random(in: 0...3, using: &dice) {
        guard var begun = rewriting else { break }
        let isRefused = (try? journal.step(&begun, look: { _ in }, decide: { _ in .keep })) == nil
        rewriting = isRefused ? nil : begun
      }
      if chance(8) {
        let through = journal.status.lastSequence
        promises.released = promises.next - 1
        _ = try? journal.retain(
          cursors: [through], pinned: nil, now: 1 << 40, keep: 0, during: [rewriting].compactMap { $0 })
      }
    }
  }

  private mutating func after(_ disk: SimulatedDisk) -> SimulatedDisk {
    if chance(50) { return disk.afterKill(forgets: chance(50)) }
    let survival = SimulatedDisk.Survival.allCases.randomElement(using: &dice) ?? .nothing
    return disk.afterPowerCut(survival, seed: dice.next())
  }
}

@Suite struct SeedTests {
  @Test func everyPromiseOfAGroupIsKeptInLongerLives() {
    for seed in 0..<600 {
      var life = RandomLife(seed: seed)
      let complaints = life.run()
      #expect(complaints == [], "seed \(seed)")
      if !complaints.isEmpty { break }
    }
  }
}
