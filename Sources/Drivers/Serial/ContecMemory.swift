// What of a V7 oximeter's memory is read and on disk: segments that need not be read again while the port is open, and whether
// all of it may be erased when a technician asks.

/// The memory as far as it is known.
struct ContecMemory: Sendable {
  static let unread = "not every stored record was read and is on disk, so none is erased or counted"

  /// How many segments the device has told of, since it was last asked from the start.
  var count: Int?
  private var whole = 0
  /// Segments that are on disk, by what their device tells of them.
  private var known: Set<[UInt8]> = []
  /// Segments whose readings are on their way to the disk.
  private var pending: [[UInt8]] = []
  private var isUncommitted = false

  /// The device is asked from the start.
  mutating func begin() {
    count = nil
    whole = 0
  }

  /// A reading was given.
  mutating func gave() { isUncommitted = true }

  /// Everything given is on disk.
  mutating func committed() {
    isUncommitted = false
    if known.count > 100 { known = [] }
    known.formUnion(pending)
    pending = []
  }

  /// All of a segment came.
  mutating func completed(_ download: ContecDownload) {
    whole += 1
    guard let identity = download.identity else { return }
    pending.append(identity)
    if !isUncommitted { committed() }
  }

  /// True for a segment that is on disk.
  mutating func knows(_ download: ContecDownload?) -> Bool {
    guard let identity = download?.identity, known.contains(identity) else { return false }
    whole += 1
    return true
  }

  /// Every segment that the device told of was read without fault, and is on disk.
  var isWholeOnDisk: Bool { !isUncommitted && count.map { $0 == whole } ?? false }
}
