// A hub whose journal answers fetches from the test's disk, retries included, and whose deliveries a test takes and answers.

import Exchange
@testable import GatewayCore
import Readings
@testable import Ledger

protocol DeliveringHub {
  var hub: Hub { get set }
}

extension DeliveringHub {
  private func item(_ place: (sequence: UInt64, entry: JournalEntry), for backend: String) -> Deliverable? {
    switch place.entry {
    case .reading(let reading):
      return Deliverable(
        sequence: place.sequence, id: reading.id.description, isReading: true,
        receivedAt: reading.receivedAt.milliseconds, json: [])
    case .event(let event):
      return Deliverable(sequence: place.sequence, id: event.id, isReading: false, receivedAt: event.at, json: [])
    case .retry(let retry) where retry.backend == backend:
      guard let original = hub.disk.first(where: { $0.sequence == retry.original }) else { return nil }
      var item = item(original, for: backend)
      item?.sequence = place.sequence
      return item
    default: return nil
    }
  }

  /// Answers every fetch from the disk.
  mutating func serve() {
    while let index = hub.done.firstIndex(where: { if case .fetch = $0 { true } else { false } }),
      case .fetch(let request) = hub.done.remove(at: index)
    {
      let items = hub.disk.filter { $0.sequence > request.after }.compactMap { item($0, for: request.backend) }
      hub.send(
        .fetched(request, Array(items.prefix(request.maximumCount)), isAtEnd: items.count <= request.maximumCount))
    }
  }

  /// Takes the last delivery to a backend out of what was done.
  mutating func delivery(_ backend: String) -> [Deliverable]? {
    serve()
    guard
      let index = hub.done.lastIndex(where: { if case .deliver(backend, .backlog, _) = $0 { true } else { false } }),
      case .deliver(_, _, let items) = hub.done.remove(at: index)
    else { return nil }
    return items
  }

  mutating func answer(_ backend: String, _ outcome: UploadOutcome) {
    hub.send(.delivered(backend: backend, lane: .backlog, outcome))
    hub.sync()
    serve()
  }
}
