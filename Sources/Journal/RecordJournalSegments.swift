// New segments: their names and sizes, the spare file, and segments that go again because nothing in them counts.

extension RecordJournal {
  /// A large group, a snapshot, has as much room behind it as it takes: else the next roll, and the next snapshot, come too soon.
  func newSize(_ count: Int) -> Int {
    guard count > limits.segmentBytes / 2 else { return limits.segmentBytes }
    return (2 * count + limits.segmentBytes - 1) / limits.segmentBytes * limits.segmentBytes
  }

  /// The size of a segment that is begun because of a failure: a disk that fails again and again must not use up the limit.
  func smallSize(_ count: Int) -> Int {
    let unit = 64 << 10
    let size = (2 * count + unit - 1) / unit * unit
    return size < limits.segmentBytes ? size : newSize(count)
  }

  /// Begins a segment and gives its name; on failure everything is as it was.
  mutating func begin(_ first: UInt64, size: Int) throws(DiskError) -> String {
    var generation = 0
    for segment in segments where segment.first == first { generation = max(generation, segment.generation + 1) }
    var segment = Segment(first: first, generation: generation, size: size, end: 0)
    segment.lastReading = 0
    segment.reach = 0
    let usesSpare = try create(&segment)
    let before = writeOffset
    segments.append(segment)
    writeOffset = nil
    do throws(DiskError) {
      try disk.syncDirectory()
    } catch {
      if takeBack(segment, usesSpare: usesSpare) { writeOffset = before }
      throw error
    }
    hasUnsyncedNames = false
    writeOffset = 0
    return segment.name
  }

  /// True when the spare became the segment. The spare also serves where the disk has no room for a smaller file.
  private mutating func create(_ segment: inout Segment) throws(DiskError) -> Bool {
    if !hasSpare || segment.size != limits.segmentBytes {
      do throws(DiskError) {
        try disk.create(segment.name, size: segment.size)
        return false
      } catch {
        guard hasSpare, error.isFull, segment.size <= limits.segmentBytes else { throw error }
        segment.size = limits.segmentBytes
      }
    }
    try disk.rename(Self.spare, to: segment.name)
    hasSpare = false
    return true
  }

  /// False when the file stays: then it counts as an empty segment.
  private mutating func takeBack(_ segment: Segment, usesSpare: Bool) -> Bool {
    do throws(DiskError) {
      if usesSpare { try disk.rename(segment.name, to: Self.spare) } else { try disk.remove(segment.name) }
    } catch { return false }
    hasSpare = hasSpare || usesSpare
    segments.removeLast()
    return true
  }

  /// A zero-filled file in advance. Returns why there is none.
  mutating func makeSpare() -> DiskError? {
    do throws(DiskError) {
      try disk.create(Self.spare, size: limits.segmentBytes)
      hasSpare = true
      return nil
    } catch { return error }
  }

  /// Removes segments that hold nothing but failed copies. One that cannot be removed stays a segment.
  mutating func discard(_ names: some Sequence<String>) {
    for name in names {
      guard let index = segments.firstIndex(where: { $0.name == name }) else { continue }
      do throws(DiskError) { try disk.remove(name) } catch { continue }
      if index == segments.count - 1 { writeOffset = nil }
      segments.remove(at: index)
    }
  }
}
