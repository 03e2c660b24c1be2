// A disk for tests: writes wait until a sync, names wait until the directory's sync; it can lose power at any octet, fail
// any call, and lie.

import Journal

/// The power is gone: every call fails from here on.
let powerIsOff: Int32 = 9999

/// Numbers that look random and are the same in each run.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}

final class SimulatedDisk: JournalDisk {
  final class Inode {
    var durable: [UInt8] = []
    var current: [UInt8] = []
    var pending: [(offset: Int, octets: [UInt8])] = []
  }
  private enum NameChange {
    case add(String, Inode)
    case rename(String, String)
    case remove(String)
  }

  /// What becomes of a call.
  enum Verdict {
    case go
    /// It fails; of what a sync was to bring onto the medium so much came there, and the memory may be gone at once.
    case fail(Int32, reached: Reach, forgets: Bool = false)
    /// The process ends before it; of a write so many octets are handed over first.
    case stop(torn: Int)
  }
  enum Reach: CaseIterable { case nothing, firstHalf, everything }

  private var inodes: [Inode] = []
  private var names: [String: Inode] = [:]
  private var durableNames: [String: Inode] = [:]
  private var nameChanges: [NameChange] = []
  var aside: [String: [UInt8]] = [:]
  var extra: [DiskEntry] = []
  /// Calls so far, counted for `cutAt` and `failAt`.
  private(set) var calls = 0
  /// At this call the power goes; of a write this many octets are handed over first.
  var cutAt: (call: Int, torn: Int)?
  /// Asked at each call, with the length of a write.
  var oracle: ((_ operation: String, _ length: Int) -> Verdict)?
  /// These calls fail.
  var failAt: (calls: Range<Int>, errno: Int32)?
  /// Length of the write at each call, 0 for others: what an exhaustive test walks over.
  private(set) var writeLengths: [Int] = []
  /// Octets that files may take together.
  var capacity = Int.max
  /// Syncs do nothing.
  var isLying = false
  /// Octets of a file that cannot be read.
  var unreadable: (name: String, octets: Range<Int>)?
  private(set) var isOff = false
  private(set) var syncedNames: [String] = []
  private(set) var failedSyncs: [String] = []
  /// Synced although a sync had failed before.
  private(set) var syncedAgain: [String] = []

  /// - Returns: how many octets of a write are handed over before the process ends; nil: all, and it goes on.
  @discardableResult
  private func begin(_ operation: String, _ path: String, length: Int = 0) throws(DiskError) -> Int? {
    if isOff { throw DiskError(operation: operation, path: path, errno: powerIsOff) }
    calls += 1
    writeLengths.append(length)
    switch oracle?(operation, length) ?? .go {
    case .go: break
    case .fail(let errno, let reached, let forgets):
      if operation == "fdatasync", let inode = names[path] {
        fail(inode, reached)
        if forgets { inode.current = inode.durable }
      }
      throw DiskError(operation: operation, path: path, errno: errno)
    case .stop(let torn):
      if torn > 0, length > 0 { return torn }
      isOff = true
      throw DiskError(operation: operation, path: path, errno: powerIsOff)
    }
    if let failAt, failAt.calls.contains(calls) {
      throw DiskError(operation: operation, path: path, errno: failAt.errno)
    }
    if let cutAt, cutAt.call == calls, length == 0 || cutAt.torn == 0 {
      isOff = true
      throw DiskError(operation: operation, path: path, errno: powerIsOff)
    }
    return nil
  }

  /// As Linux may do it: what could not be written counts as clean and is never written again; the memory still shows it.
  private func fail(_ inode: Inode, _ reached: Reach) {
    guard reached != .nothing else { return }
    for (offset, octets) in inode.pending {
      // Whole sectors of 16 octets.
      let count = reached == .everything ? octets.count : octets.count / 32 * 16
      Self.apply(Array(octets.prefix(count)), at: offset, to: &inode.durable)
    }
  }

  private func inode(_ name: String) throws(DiskError) -> Inode {
    guard let inode = names[name] else { throw DiskError(operation: "open", path: name, errno: 2) }
    return inode
  }

  private func put(_ inode: Inode, _ offset: Int, _ octets: [UInt8]) {
    inode.pending.append((offset, octets))
    Self.apply(octets, at: offset, to: &inode.current)
  }

  private static func apply(_ octets: [UInt8], at offset: Int, to file: inout [UInt8]) {
    if file.count < offset + octets.count {
      file += [UInt8](repeating: 0, count: offset + octets.count - file.count)
    }
    file.replaceSubrange(offset..<offset + octets.count, with: octets)
  }

  func list() throws(DiskError) -> [DiskEntry] {
    names.map { DiskEntry(name: $0.key, size: $0.value.current.count, isRegular: true, modified: 0) } + extra
  }

  func create(_ name: String, size: Int) throws(DiskError) {
    try begin("create", name)
    guard names[name] == nil else { throw DiskError(operation: "open", path: name, errno: 17) }
    guard names.values.reduce(size, { $0 + $1.current.count }) <= capacity else {
      throw DiskError(operation: "pwrite", path: name, errno: 28)
    }
    let new = Inode()
    inodes.append(new)
    names[name] = new
    nameChanges.append(.add(name, new))
    put(new, 0, [UInt8](repeating: 0, count: size))
    do throws(DiskError) {
      try begin("fsync", name)
    } catch {
      if !isOff {
        names[name] = nil
        nameChanges.append(.remove(name))
      }
      throw error
    }
    if !isLying { settle(new) }
  }

  func read(_ name: String, offset: Int, count: Int) throws(DiskError) -> [UInt8] {
    if isOff { throw DiskError(operation: "pread", path: name, errno: powerIsOff) }
    if let unreadable, unreadable.name == name, unreadable.octets.overlaps(offset..<offset + count) {
      throw DiskError(operation: "pread", path: name, errno: 5)
    }
    return Array(try inode(name).current.dropFirst(offset).prefix(count))
  }

  func write(_ name: String, offset: Int, _ octets: [UInt8]) throws(DiskError) {
    var torn = try begin("pwrite", name, length: octets.count)
    let inode = try inode(name)
    if let cutAt, cutAt.call == calls { torn = cutAt.torn }
    if let torn {
      put(inode, offset, Array(octets.prefix(torn)))
      isOff = true
      throw DiskError(operation: "pwrite", path: name, errno: powerIsOff)
    }
    put(inode, offset, octets)
  }

  func sync(_ name: String) throws(DiskError) {
    do throws(DiskError) {
      try begin("fdatasync", name)
    } catch {
      failedSyncs.append(name)
      // As Linux may do it: what could not be written counts as clean and is never written again.
      if !isOff, let inode = names[name] { inode.pending = [] }
      throw error
    }
    syncedNames.append(name)
    if failedSyncs.contains(name) { syncedAgain.append(name) }
    if !isLying { settle(try inode(name)) }
  }

  private func settle(_ inode: Inode) {
    for (offset, octets) in inode.pending { Self.apply(octets, at: offset, to: &inode.durable) }
    inode.pending = []
  }

  func syncDirectory() throws(DiskError) {
    try begin("fsync directory", ".")
    if isLying { return }
    nameChanges = []
    durableNames = names
  }

  func rename(_ from: String, to: String) throws(DiskError) {
    try begin("rename", from)
    names[to] = try inode(from)
    names[from] = nil
    nameChanges.append(.rename(from, to))
  }

  func remove(_ name: String) throws(DiskError) {
    try begin("unlink", name)
    _ = try inode(name)
    names[name] = nil
    nameChanges.append(.remove(name))
  }

  func setAside(_ name: String, _ octets: [UInt8]) throws(DiskError) -> Bool {
    if aside[name] != nil { return false }
    aside[name] = octets
    return true
  }

  // MARK: what tests do

  /// The disk as the next process finds it when this one was killed: the memory is still there, but it may have dropped what it
  /// takes to be on the medium.
  func afterKill(forgets: Bool) -> SimulatedDisk {
    let disk = SimulatedDisk()
    var copies: [ObjectIdentifier: Inode] = [:]
    func copy(_ inode: Inode) -> Inode {
      if let copy = copies[ObjectIdentifier(inode)] { return copy }
      let copy = Inode()
      copy.durable = inode.durable
      copy.pending = inode.pending
      copy.current = inode.current
      if forgets {
        copy.current = inode.durable
        for (offset, octets) in inode.pending { Self.apply(octets, at: offset, to: &copy.current) }
      }
      copies[ObjectIdentifier(inode)] = copy
      return copy
    }
    disk.inodes = inodes.map(copy)
    disk.names = names.mapValues(copy)
    disk.durableNames = durableNames.mapValues(copy)
    disk.nameChanges = nameChanges.map { change in
      if case .add(let name, let inode) = change { return .add(name, copy(inode)) }
      return change
    }
    disk.aside = aside
    return disk
  }

  /// Equal for disks that hold the same, in memory and on the medium.
  func hash(into hasher: inout Hasher) {
    func add(_ files: [String: Inode]) {
      for (name, inode) in files.sorted(by: { $0.key < $1.key }) {
        hasher.combine(name)
        hasher.combine(inode.durable)
        hasher.combine(inode.current)
        for (offset, octets) in inode.pending {
          hasher.combine(offset)
          hasher.combine(octets)
        }
      }
    }
    add(names)
    add(durableNames)
    for change in nameChanges {
      switch change {
      case .add(let name, _): hasher.combine(name)
      case .rename(let from, let to): hasher.combine([from, to])
      case .remove(let name): hasher.combine([name, ""])
      }
    }
  }

  /// How much of what was not synced reaches the medium.
  enum Survival: CaseIterable {
    case nothing, everything, some, sectorsOutOfOrder, anySubset
    /// Of each write, by sectors.
    case firstHalves, secondHalves
  }

  /// The disk as it is after the power came back.
  func afterPowerCut(_ survival: Survival, seed: UInt64 = 1) -> SimulatedDisk {
    var dice = Dice(state: seed)
    var found = durableNames
    let kept =
      switch survival {
      case .nothing: 0
      case .everything, .anySubset, .firstHalves, .secondHalves: nameChanges.count
      case .some, .sectorsOutOfOrder: Int.random(in: 0...nameChanges.count, using: &dice)
      }
    for change in nameChanges.prefix(kept) {
      // A directory of several blocks may be written back in any order.
      if survival == .anySubset, Bool.random(using: &dice) { continue }
      switch change {
      case .add(let name, let inode): found[name] = inode
      case .remove(let name): found[name] = nil
      case .rename(let from, let to):
        guard let inode = found[from] else { break }
        found[to] = inode
        found[from] = nil
      }
    }
    let disk = SimulatedDisk()
    for (name, inode) in found {
      var octets = inode.durable
      for (offset, written) in inode.pending {
        switch survival {
        case .nothing: break
        case .everything: Self.apply(written, at: offset, to: &octets)
        case .anySubset: if Bool.random(using: &dice) { Self.apply(written, at: offset, to: &octets) }
        case .some:
          Self.apply(Array(written.prefix(Int.random(in: 0...written.count, using: &dice))), at: offset, to: &octets)
        case .firstHalves: Self.apply(Array(written.prefix(written.count / 32 * 16)), at: offset, to: &octets)
        case .secondHalves:
          let start = written.count / 32 * 16
          Self.apply(Array(written.dropFirst(start)), at: offset + start, to: &octets)
        case .sectorsOutOfOrder:
          for start in stride(from: 0, to: written.count, by: 16) where Bool.random(using: &dice) {
            Self.apply(Array(written[start..<min(start + 16, written.count)]), at: offset + start, to: &octets)
          }
        }
      }
      disk.set(name, octets)
    }
    return disk
  }

  /// Puts a file there, durably.
  func set(_ name: String, _ octets: [UInt8]) {
    let inode = Inode()
    inodes.append(inode)
    inode.durable = octets
    inode.current = octets
    names[name] = inode
    durableNames[name] = inode
  }

  /// The octets of every file that was ever made, also of those that have no name any more: what a thief finds.
  var everythingEverSynced: [[UInt8]] { inodes.map(\.current) }

  /// The octets of a file as a reader sees them.
  func octets(_ name: String) -> [UInt8] { names[name]?.current ?? [] }

  /// Names of segments, in order.
  var segmentNames: [String] { names.keys.filter { $0.hasSuffix(".journal") }.sorted() }

  /// A copy without a past.
  func copy() -> SimulatedDisk {
    let disk = SimulatedDisk()
    for (name, inode) in names { disk.set(name, inode.current) }
    return disk
  }
}
