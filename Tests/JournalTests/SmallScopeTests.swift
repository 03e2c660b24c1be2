// Every fault in a small scope, on the real code: two appends, an end of the process at any call and any half of a write, the next
// start with another append and another end, and a last start; syncs fail in between. What was not synced survives, or not,
// or in part; a process that is killed leaves its memory, or the kernel has dropped it.

import Journal
import Testing

/// Gives a choice at each place, and every combination of them one after the other.
struct Choices {
  private var taken: [(choice: Int, count: Int)] = []
  private var place = 0

  mutating func next(_ count: Int) -> Int {
    defer { place += 1 }
    if place == taken.count { taken.append((0, count)) }
    return taken[place].choice
  }

  /// False when there are no more.
  mutating func advance() -> Bool {
    place = 0
    while let last = taken.popLast() {
      guard last.choice + 1 < last.count else { continue }
      taken.append((last.choice + 1, last.count))
      return true
    }
    return false
  }
}

/// A disk between two processes.
private struct World {
  var disk: SimulatedDisk
  var promises: GroupPromises
  var syncFaults: Int
  var ends: Int
  /// How it came about.
  var history: [String] = []

  var key: Int {
    var hasher = Hasher()
    disk.hash(into: &hasher)
    hasher.combine(promises)
    hasher.combine(syncFaults)
    hasher.combine(ends)
    return hasher.finalize()
  }
}

/// What is tried.
struct Scope {
  var syncFaults = 2
  var ends = 2
  /// Sizes of the groups that each process appends.
  var groups = [2, 1]
  var reaches = SimulatedDisk.Reach.allCases
  var survivals: [SimulatedDisk.Survival] = [.nothing, .everything, .firstHalves, .secondHalves]
  /// Other calls than syncs fail too.
  var failsAnything = false
}

/// Tries all of a scope.
struct SmallScope {
  let scope: Scope
  private(set) var complaints: [String] = []
  private(set) var worlds = 0
  private(set) var lives = 0
  private var known: Set<Int> = []

  init(_ scope: Scope) { self.scope = scope }

  /// - Parameter told: called now and then with the worlds and lives so far, and the worlds that wait.
  mutating func run(most: Int = .max, told: (Int, Int, Int) -> Void = { _, _, _ in }) {
    var waiting = [
      World(disk: SimulatedDisk(), promises: GroupPromises(), syncFaults: scope.syncFaults, ends: scope.ends)
    ]
    while let world = waiting.popLast(), worlds < most, complaints.count < 5 {
      worlds += 1
      if worlds % 1000 == 0 { told(worlds, lives, waiting.count) }
      var choices = Choices()
      repeat {
        lives += 1
        for next in live(world, &choices) where known.insert(next.key).inserted { waiting.append(next) }
      } while complaints.count < 5 && choices.advance()
    }
  }

  /// One process; gives what the next one may find.
  private mutating func live(_ world: World, _ choices: inout Choices) -> [World] {
    let disk = world.disk.afterKill(forgets: false)
    var world = world
    var picked = choices
    var faults = world.syncFaults
    var trace: [String] = []
    let mayEnd = world.ends > 0
    disk.oracle = { [scope] operation, length in
      let isFallible = faults > 0 && (operation.hasPrefix("f") || scope.failsAnything)
      let stops = mayEnd ? (length > 0 ? 2 : 1) : 0
      let choice = picked.next(1 + stops + (isFallible ? scope.reaches.count : 0))
      if choice > 0 { trace.append("\(operation) \(choice)") } else { trace.append(operation) }
      if choice == 0 { return .go }
      if choice <= stops { return .stop(torn: choice == 2 ? length / 32 * 16 : 0) }
      faults -= 1
      return .fail(5, reached: scope.reaches[choice - 1 - stops])
    }
    appendAll(disk, &world.promises)
    choices = picked
    disk.oracle = nil
    world.syncFaults = faults
    world.history.append(trace.joined(separator: " "))
    complaints += world.promises.complaints.map { "\($0): \(world.history)" }
    guard world.promises.complaints.isEmpty else { return [] }
    guard world.ends > 0 else {
      finish(disk, world)
      return []
    }
    world.ends -= 1
    return after(disk, world)
  }

  private func appendAll(_ disk: SimulatedDisk, _ promises: inout GroupPromises) {
    guard var journal = promises.open(disk) else { return }
    for size in scope.groups where !promises.append(size: size, to: &journal, on: disk) { return }
  }

  private func after(_ disk: SimulatedDisk, _ world: World) -> [World] {
    var disks = [("kill", disk.afterKill(forgets: false)), ("kill, memory gone", disk.afterKill(forgets: true))]
    for survival in scope.survivals {
      disks.append(("cut, \(survival)", disk.afterPowerCut(survival, seed: UInt64(lives))))
    }
    return disks.map { name, disk in
      var next = world
      next.disk = disk
      next.history.append(name)
      return next
    }
  }

  /// Starts without faults: what is there now stays.
  private mutating func finish(_ disk: SimulatedDisk, _ world: World) {
    let disks = [disk.afterKill(forgets: true), disk.afterPowerCut(.nothing)]
    for (index, after) in disks.enumerated() {
      var promises = world.promises
      var found: [String] = []
      if var journal = promises.open(after) {
        _ = promises.append(size: 1, to: &journal, on: after)
        if journal.verify().missing > 0 { found.append("numbers are missing \(journal.takeFindings())") }
      } else {
        found.append("did not open")
      }
      _ = promises.open(after.afterPowerCut(.nothing))
      complaints += (found + promises.complaints).map { "at last \(index): \($0): \(world.history)" }
    }
  }
}

@Suite struct SmallScopeTests {
  @Test func everyPromiseOfAGroupIsKept() {
    var search = SmallScope(Scope(syncFaults: 1, groups: [2]))
    search.run()
    #expect(search.complaints == [])
    #expect(search.lives > 5000)
  }
}
