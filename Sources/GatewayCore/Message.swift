// What components tell one another, and which of them hear of an event or of a record.

internal import ControlProtocol
internal import Drivers
internal import Monitoring
internal import Readings
internal import Settings
internal import Journal
internal import Ledger

/// Something for one component.
enum Message: Sendable {
  case links(Links.Input)
  case bluetooth(Bluetooth.Input)
  case ports(Ports.Input)
  case rules(Rules.Input)
  case delivery(Delivery.Input)
  case watch(Watch.Input)
  case desk(Desk.Input)
}

/// Who hears of what.
enum Route {
  /// Everybody whose time may have come.
  static let due: [Message] = [
    .links(.due), .bluetooth(.due), .ports(.due), .desk(.due), .delivery(.due), .watch(.due), .rules(.due),
  ]

  static let started: [Message] = [
    .desk(.started), .delivery(.started), .rules(.started), .watch(.started), .bluetooth(.started), .links(.started),
    .delivery(.wake), .rules(.expire), .desk(.resumeErasures),
  ]

  /// - Parameter changesPlans: other plans are in force now.
  static func configured(changesPlans: Bool) -> [Message] {
    [
      .links(.configured), .bluetooth(.configured), .delivery(.configured), .rules(.configured(changesPlans)),
      .ports(.configured), .desk(.devicesChanged), .delivery(.wake),
    ]
  }

  /// A record is on disk.
  static func written(_ entry: JournalEntry, at sequence: UInt64) -> [Message] {
    switch entry {
    case .reading(let reading): [.rules(.stored(reading)), .links(.stored(reading, sequence: sequence))]
    case .erase(let patient, _): [.links(.forget(patient)), .delivery(.forget(patient))]
    case .binding: [.desk(.sweep)]
    case .device(let record): [.bluetooth(.recorded(record)), .links(.recorded(record)), .desk(.devicesChanged)]
    case .quarantine(let device, _): [.links(.crashRecorded(device))]
    case .session: [.desk(.sessionsChanged)]
    case .imported: [.desk(.imported)]
    case .pauses: [.rules(.expire)]
    case .swept, .acknowledgement, .refusal, .retry, .line, .dismissal, .deviceFacts, .identity, .heldLoad, .plan,
      .backendLeft, .fragment, .fragmentsTaken, .erased, .rules, .event,
      .problem, .audit, .snapshot, .snapshotPart, .history:
      []
    }
  }

  /// A record is lost: what depended on it is decided anew.
  static func refused(_ entry: JournalEntry, _ failure: JournalFailure) -> [Message] {
    switch entry {
    case .rules(let patient, _): [.rules(.refused(patient))]
    case .erase(let patient, _): [.desk(.eraseRefused(patient, failure))]
    case .device(let record): record.keys == nil ? [] : [.bluetooth(.recordRefused)]
    case .quarantine(let device, let entry): entry == nil ? [] : [.links(.crashRefused(device))]
    case .session: [.desk(.sessionsRefused)]
    case .imported: [.desk(.importRefused)]
    case .binding, .swept: [.desk(.sweepRefused)]
    case .erased: [.desk(.erasedRefused)]
    case .reading(let reading): reading.anchor == nil ? [.links(.restampRefused(reading.id))] : []
    case .acknowledgement, .deviceFacts, .identity, .heldLoad, .event, .fragment, .fragmentsTaken, .plan, .pauses,
      .problem,
      .audit, .refusal, .retry, .line, .dismissal, .backendLeft, .snapshot, .snapshotPart, .history:
      []
    }
  }

  /// The records of a ticket are on disk.
  static func written(_ ticket: Ticket) -> [Message] {
    switch ticket {
    case .none, .held, .device, .assigned: []
    case .answer(let backend, let lane): [.delivery(.stored(backend: backend, lane))]
    case .completion(let completion): written(completion)
    }
  }

  private static func written(_ completion: Completion) -> [Message] {
    switch completion {
    case .paired(let outcome): [.bluetooth(.paired(outcome))]
    case .unpaired(let device, let link): [.bluetooth(.unpaired(device, link))]
    case .bound(let bound): [.ports(.bound(bound))]
    case .accepted(let device): [.links(.accepted(device))]
    case .portReleased(let device): [.ports(.released(device: device))]
    case .recognised(let device, let node): [.ports(.registered(device: device, node: node))]
    case .released(let device): [.bluetooth(.list), .links(.open(device))]
    case .asked(let device, let request): request.map { [.links(.request(device, $0))] } ?? []
    case .plansChanged(let giver): [.rules(.changed(giver, isWritten: true))]
    case .swept(let slot): [.desk(.swept(slot))]
    }
  }

  /// The records of a ticket are lost.
  static func refused(_ ticket: Ticket) -> [Message] {
    switch ticket {
    case .none, .held, .device: []
    case .answer(let backend, let lane): [.delivery(.storingRefused(backend: backend, lane))]
    case .assigned(let readings): [.desk(.assignedRefused(readings))]
    case .completion(.paired(let outcome)): [.bluetooth(.pairingRefused(outcome))]
    case .completion(.bound(let bound)): [.ports(.bindingRefused(bound))]
    case .completion(.recognised(_, let node)): [.ports(.registrationRefused(node: node))]
    case .completion(.plansChanged(let giver)): [.rules(.changed(giver, isWritten: false))]
    case .completion(.swept(let slot)): [.desk(.sweptRefused(slot))]
    case .completion(.unpaired), .completion(.accepted), .completion(.portReleased), .completion(.released),
      .completion(.asked):
      []
    }
  }
}
