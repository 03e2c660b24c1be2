// Runs a scanner over a segment on a disk, window by window. A block that the medium cannot give back (EIO) is replaced by
// octets that are no record: it becomes damage like any other, and what is behind it is still read.

/// Scans until `body` says false or the segment ends. Throws what is not the medium's fault (EMFILE, EACCES …).
func scanSegment(
  _ disk: some JournalDisk, _ name: String, size: Int, from: Int = 0, window: Int,
  _ body: (ScanStep) -> Bool
) throws(DiskError) {
  var scanner = SegmentScanner(size: size, from: from)
  while true {
    let step = scanner.next()
    if case .need(let offset, let count) = step {
      var unreadable: [(offset: Int, length: Int)] = []
      let octets = try readBlocks(
        disk, name, offset: offset, count: min(size - offset, max(count, window)), &unreadable)
      for place in unreadable {
        guard body(.unreadable(offset: place.offset, length: place.length)) else { return }
      }
      if octets.count < count {
        _ = body(.end(offset: offset))
        return
      }
      scanner.supply(octets, at: offset)
      continue
    }
    guard body(step) else { return }
    if case .end = step { return }
  }
}

private func readBlocks(
  _ disk: some JournalDisk, _ name: String, offset: Int, count: Int, _ unreadable: inout [(offset: Int, length: Int)]
) throws(DiskError) -> [UInt8] {
  do throws(DiskError) {
    return try disk.read(name, offset: offset, count: count)
  } catch {
    guard error.errno == 5 else { throw error }
  }
  var octets: [UInt8] = []
  while octets.count < count {
    let at = offset + octets.count
    let length = min(4096 - at % 4096, count - octets.count)
    do throws(DiskError) {
      let block = try disk.read(name, offset: at, count: length)
      octets += block
      if block.count < length { break }
    } catch {
      guard error.errno == 5 else { throw error }
      octets += [UInt8](repeating: 0xFF, count: length)
      unreadable.append((at, length))
    }
  }
  return octets
}
