// Users of a device by the User Control Point 2A9F (User Data Service 1.1): a scale keeps its users apart and gives a user's
// measurements only to who knows the code of the slot. Codes are 0…9999; a technician reads them off the display or chooses
// one for a new slot. Beurer's BF scales give nothing, or only what nobody claims, before that.

internal import HealthProfiles
internal import Octets

/// Where the code of a user slot comes from.
enum ConsentCode: Sendable, Hashable {
  /// The device gives its values without.
  case none
  /// The display shows it; a technician enters it.
  case entered
  /// The display shows it when it is asked to; some devices take 0.
  case shown
  /// The maker's application chose it, and nothing shows it.
  case ofApplication

  /// What is tried while no code was entered.
  var usual: (user: UInt8, code: UInt16)? {
    switch self {
    case .none, .entered: nil
    case .shown: (1, 0)
    case .ofApplication: (1, 8229)
    }
  }
}

/// One device's user control point.
struct UserConsent: Sendable {
  static let point = CharacteristicID(0x181C, 0x2A9F)
  /// ATT error of these services: user data access not permitted.
  static let notPermitted: UInt8 = 0x80
  /// Beurer's list of users: 10 and a slot make the display show the slot's code.
  static let display = CharacteristicID(0xFFFF, 0x0001)
  /// What a device may know of a user, and wants to be told again once consent was given: birthday, gender, height.
  static let userData = [0x2A85, 0x2A8C, 0x2A8E].map { CharacteristicID(0x181C, $0) }

  /// The device has one.
  let isThere: Bool
  private let canShow: Bool
  /// What is being tried was not entered by anybody.
  private var isUsual = false
  /// The request that waits for its answer.
  private var asked: DriverRequest?
  /// Slots and codes still to be tried or made, in order.
  private var waiting: [DriverRequest] = []

  init(_ device: some Collection<CharacteristicID>) {
    isThere = device.contains(UserConsent.point)
    canShow = device.contains(UserConsent.display)
  }

  /// Subscribed with the measurements, so that no answer is missed.
  var subscription: [DriverAction] { isThere ? [.subscribe(UserConsent.point, indications: true)] : [] }

  /// Gives the code that is known, or says that one is needed.
  mutating func ready(_ context: DriverContext, _ code: ConsentCode) -> [DriverAction] {
    guard isThere else { return context.requests.filter(UserConsent.isMine).map(\.refusal) }
    waiting = context.requests.filter(UserConsent.isMine)
    if waiting.isEmpty, let consent = context.consent {
      waiting = [.consent(user: consent.user, code: consent.code)]
    }
    guard waiting.isEmpty else { return next() }
    if code == .shown, context.isPairing, canShow {
      return [.write(UserConsent.display, [0x11], withResponse: true), .answer(.consentNeeded)]
    }
    if let usual = code.usual {
      isUsual = true
      waiting = [.consent(user: usual.user, code: usual.code)]
      return next()
    }
    return code == .none ? [] : [.answer(.consentNeeded)]
  }

  static func isMine(_ request: DriverRequest) -> Bool {
    switch request {
    case .consent, .registerUser: true
    case .countStored, .deleteStored, .abort: false
    }
  }

  /// A technician asks while the link is up.
  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    guard isThere else { return [request.refusal] }
    waiting.append(request)
    return next()
  }

  private mutating func next() -> [DriverAction] {
    guard asked == nil, !waiting.isEmpty else { return [] }
    let request = waiting.removeFirst()
    let octets: [UInt8]
    switch request {
    case .consent(let user, let code):
      guard code <= 9999 else { return refused(request, "a code is 0 to 9999") }
      octets = UserControlRequest.consent(user: user, consentCode: code).octets
    case .registerUser(let code):
      guard code <= 9999 else { return refused(request, "a code is 0 to 9999") }
      octets = UserControlRequest.registerNewUser(consentCode: code).octets
    case .countStored, .deleteStored, .abort: return next()
    }
    asked = request
    return [.write(UserConsent.point, octets, withResponse: true)]
  }

  private mutating func refused(_ request: DriverRequest, _ reason: String) -> [DriverAction] {
    [.answer(.refused(request, reason))] + next()
  }

  /// The device's answer; `isGranted` tells that its values may be asked for now.
  mutating func answered(_ octets: [UInt8]) -> (actions: [DriverAction], isGranted: Bool) {
    let response: UserControlResponse
    do {
      response = try UserControlResponse(decoding: octets)
    } catch {
      return ([.problem(DriverProblem(error))], false)
    }
    guard let asked, response.request == (asked.isRegistration ? 1 : 2) else { return ([], false) }
    self.asked = nil
    guard response.code == 1 || !isUsual else {
      isUsual = false
      return ([.answer(.consentNeeded)] + next(), false)
    }
    guard response.code == 1 else {
      let meaning = UserControlResponse.meaning(of: response.code)
      let message =
        asked.isRegistration
        ? "the device makes no new user: \(meaning)" : "the device does not take the consent code: \(meaning)"
      let problem = DriverProblem(code: "consent-refused", message: message)
      return ([.problem(problem)] + refused(asked, message), false)
    }
    switch asked {
    case .registerUser(let code):
      guard let user = response.user else {
        return (refused(asked, "the device made a user and does not say which"), false)
      }
      // The new slot wants its code too.
      waiting.insert(.consent(user: user, code: code), at: 0)
      return ([.answer(.userRegistered(user: user, code: code))] + next(), false)
    case .consent(let user, _): return ([.answer(.consentGiven(user: user))] + next(), true)
    case .countStored, .deleteStored, .abort: return ([], false)
    }
  }

  /// The link refused the request.
  mutating func writeFailed(_ code: UInt8) -> [DriverAction] {
    guard let asked else { return [] }
    self.asked = nil
    return refused(asked, "the device refuses the request (ATT error \(code)); is it paired?")
  }
}

extension DriverRequest {
  fileprivate var isRegistration: Bool {
    if case .registerUser = self { return true }
    return false
  }
}
