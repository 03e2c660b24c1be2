// The backends' transports: each has its own thread or process, and answers through the mailbox when it is done.

import ControlProtocol
import Exchange
import GatewayCore
import Monitoring
import Platform
import Settings
import Ledger

/// One lane of one backend.
struct BackendLane: Hashable, Sendable {
  var backend: String
  var lane: OutboxLane
  init(_ backend: String, _ lane: OutboxLane) {
    self.backend = backend
    self.lane = lane
  }
}

/// What a backend's transport tells.
struct BackendMessage: Sendable {
  var way: BackendLane
  var outcome: UploadOutcome
  /// Larger batches were refused as too large on the way.
  var mostItems: Int?
}

/// Sends batches to backends.
final class Backends {
  private let mailbox: Mailbox<BackendMessage>
  private let directories: DirectoryBackends
  private var senders: [BackendLane: HTTPSender] = [:]
  private var fetchers: [String: PlanFetcher] = [:]
  private var trials: [String: BackendTrial] = [:]
  private var backends: [BackendConfiguration] = []
  private var compressions: [String: BackendCompression] = [:]
  private let emit: (Event) -> Void
  private let uplink: UplinkClient
  private let helpers: HelperPrograms
  private let identity: HTTPSender.Identity

  init(
    _ loop: EventLoop, uplink: UplinkClient, identity: HTTPSender.Identity, _ emit: @escaping (Event) -> Void
  ) throws(SystemError) {
    self.uplink = uplink
    self.identity = identity
    self.emit = emit
    helpers = HelperPrograms(loop)
    mailbox = try Mailbox()
    directories = try DirectoryBackends(loop, mailbox, emit)
    mailbox.attach(to: loop) {
      emit(.delivered(backend: $0.way.backend, lane: $0.way.lane, $0.outcome, mostItems: $0.mostItems))
    }
  }

  /// The backends of a configuration that came into force, and the patients' plans.
  func configure(_ configuration: Configuration, plans: [String: Plan]) {
    backends = configuration.backends
    directories.configure(configuration)
    var orphans: [BackendLane: [Deliverable]] = [:]
    for (way, sender) in senders
    where !configuration.backends.contains(where: { $0.name == way.backend && $0.kind.name == sender.format.name }) {
      orphans[way] = sender.abandon()
      senders[way] = nil
    }
    for name in compressions.keys where !configuration.backends.contains(where: { $0.name == name }) {
      compressions[name] = nil
    }
    for backend in configuration.backends {
      switch backend.kind {
      case .directory: break
      case .http(let format, let http):
        let bands = plans.mapValues { PatientBands($0) }
        let compression = compression(of: backend.name, http)
        for lane in OutboxLane.allCases {
          let way = BackendLane(backend.name, lane)
          let known = senders[way]
          if known?.http != http || known?.format != format {
            if let known { orphans[way] = known.abandon() }
            senders[way] = HTTPSender(
              backend, lane, format, http, identity: identity, uplink: uplink, helpers: helpers,
              compression: compression, mailbox: mailbox)
          }
          senders[way]?.maximumBytes = backend.maximumBytes
          senders[way]?.bands = bands
          senders[way]?.tellsPlans = { [emit] in emit(.plansHinted(backend: backend.name, etag: $0)) }
        }
      }
    }
    configureFetchers(configuration)
    // The outboxes wait for the answers to what the old settings were sending.
    for (way, items) in orphans where !items.isEmpty { deliver(way, items) }
  }

  /// Both lanes have one. Settings that changed begin anew, and so does a backend that refused: it may have been mended.
  private func compression(of backend: String, _ http: HTTPBackend) -> BackendCompression {
    if let known = compressions[backend], senders[BackendLane(backend, .backlog)]?.http == http {
      known.tryAgain()
      return known
    }
    let made = BackendCompression(isWanted: http.compresses) { [emit] in
      emit(.compressionKnown(backend: backend, $0))
    }
    compressions[backend] = made
    return made
  }

  private func configureFetchers(_ configuration: Configuration) {
    var kept: [String: PlanFetcher] = [:]
    for backend in configuration.backends {
      guard case .http(_, let http) = backend.kind, let source = backend.plans else { continue }
      let known = fetchers[backend.name]
      kept[backend.name] =
        known?.http == http && known?.source == source
        ? known : PlanFetcher(backend.name, http, source, hubID: identity.hubID, uplink, helpers, emit)
    }
    // One that is asking answers all the same.
    fetchers = kept
  }

  /// Asks a backend for patients' plans.
  func fetchPlans(_ backend: String, etag: String?) { fetchers[backend]?.fetch(etag) }

  /// Sends test readings to a backend; one trial of it at a time.
  func tryBackend(_ name: String, _ readings: [TestReading], _ tell: @escaping (ControlAnswer) -> Void) {
    guard let backend = backends.first(where: { $0.name == name }), case .http(let format, let http) = backend.kind
    else {
      return tell(.failure(ControlError(code: "not-found", message: "there is no backend \(name) over HTTP")))
    }
    guard trials[name] == nil else {
      return tell(
        .failure(
          ControlError(code: "busy", message: "\(name) is being tried already", hint: "wait for that trial's end")))
    }
    let trial = BackendTrial(backend, format, http, uplink, helpers) { [weak self] steps in
      self?.trials[name] = nil
      tell(.result(TrialReport.json(backend, steps)))
    }
    trials[name] = trial
    trial.run(readings) { items in
      format.encode(items, HTTPSender.context(identity, maximumBytes: backend.maximumBytes, bands: [:]))
    }
  }

  func deliver(_ way: BackendLane, _ items: [Deliverable]) {
    if !directories.deliver(way, items) { senders[way]?.deliver(items) }
  }

  /// The octets of the last delivery once more.
  func redeliver(_ way: BackendLane) {
    if !directories.redeliver(way) { senders[way]?.redeliver() }
  }

  /// Looks for a patient's lines in the files of directory backends.
  func eraseFiles(_ patient: String, removes: Bool) { directories.erase(patient, removes: removes) }

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? {
    [uplink.nextDeadline, helpers.nextDeadline, directories.nextDeadline].compactMap { $0 }.min()
  }

  /// Time went on.
  func due(at now: Int64) {
    uplink.due(at: now)
    helpers.due(at: now)
    directories.due(at: now)
  }

  /// A child process ended: perhaps an uplink, perhaps a helper.
  func childEnded() {
    uplink.childEnded()
    helpers.childEnded()
  }

  func stop() {
    directories.stop()
    uplink.stop()
    helpers.stop()
  }
}
