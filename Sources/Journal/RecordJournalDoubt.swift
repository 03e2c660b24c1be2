// A refused group may be on the medium all the same: what was handed to the disk cannot be called back. So it is withdrawn by a
// record of its own before its caller hears that it is refused. Until that record is synced the journal takes nothing else.

/// A group whose two copies failed.
struct Doubt {
  /// Its numbers. The record that withdraws them has the next one.
  var numbers: ClosedRange<UInt64>
  /// Segments that hold nothing but its copies.
  var copies: [String]
  /// The segment of the last record that withdraws it and could not be synced. It stays until a later one is synced: a process
  /// that is killed leaves it in memory, where the next start finds it.
  var attempt: String?
}

extension RecordJournal {
  /// Withdraws a group at once, if the disk allows it.
  mutating func refuse(_ numbers: Range<UInt64>, begun: [String], _ cause: DiskError) -> AppendFailure {
    nextSequence = numbers.upperBound
    isGapIntended = true
    doubt = Doubt(numbers: numbers.lowerBound...numbers.upperBound - 1, copies: begun)
    do throws(DiskError) { try withdraw() } catch { return .outcomeUnknown(cause) }
    return failure(cause)
  }

  /// Writes the record that withdraws a group in doubt, alone in a new segment: the same number and octets each time.
  mutating func withdraw() throws(DiskError) {
    guard let doubt else { return }
    let number = doubt.numbers.upperBound + 1
    let record = JournalRecord(
      sequence: number, kind: .withdrawn, flags: RecordFormat.gapIsIntended,
      payload: Withdrawal.encode([doubt.numbers]))
    let octets = RecordFormat.encode(record)
    let name = try begin(number, size: smallSize(octets.count))
    var isWritten = false
    do throws(DiskError) {
      try put(octets)
      isWritten = true
      try confirm(octets.count, through: number)
    } catch {
      giveUp(error)
      // One attempt stays: the last that was written.
      if isWritten || doubt.attempt == nil {
        discard([doubt.attempt].compactMap { $0 })
        self.doubt?.attempt = name
      } else {
        discard([name])
      }
      throw error
    }
    numbersWithdrawn.insert(doubt.numbers)
    nextSequence = number + 1
    isGapIntended = false
    self.doubt = nil
    discard(doubt.copies + [doubt.attempt].compactMap { $0 })
  }
}
