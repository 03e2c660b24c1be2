// Reading one of `backends` of the configuration: the keys of each type, and nothing else.

internal import Exchange
internal import JSON
internal import Readings

extension ConfigurationFile {
  private static let types = ["directory", "native", "fhir-phd", "fhir-batch", "cloudevents"]
  private static let httpKeys = [
    "url", "bearer", "basic", "oauth2", "helper", "trust_2xx", "deadline", "ca_file", "client_certificate",
    "client_key",
    "proxy", "allow_plain_http", "plans", "compress", "test_patient",
  ]
  private static let keys = [
    "directory": ["path", "keep"], "native": httpKeys,
    "fhir-phd": httpKeys + shapeKeys + ["patient", "patient_system", "create_by", "unplaced", "entries"],
    "fhir-batch": httpKeys + shapeKeys + [
      "bundle_type", "create", "patient_system", "municipality", "unplaced", "entries",
    ],
    // Any success of a receiver of CloudEvents takes the batch: there is nothing to trust.
    "cloudevents": httpKeys.filter { $0 != "trust_2xx" } + ["source", "type_prefix"],
  ]

  /// Of `FHIRShapeFile`.
  private static let shapeKeys = [
    "profile", "profiles", "single_loinc", "encounter", "based_on", "focus", "performer", "performers",
  ]

  /// One backend.
  static func backend(_ node: JSONNode) throws(JSONError) -> BackendConfiguration {
    let typeNode = try node.objectOfAnyKeys().first { $0.key == "type" }?.value
    guard let typeNode else {
      throw node.error("missing-key", "missing key \"type\": expected one of \(types.joined(separator: ", "))")
    }
    let type = try typeNode.string(of: types)
    let object = try node.object(known: ["name", "type", "batch"] + (keys[type] ?? []))
    let kind: BackendConfiguration.Kind =
      type == "directory"
      ? .directory(path: try path(try object.required("path", "a folder")))
      : .http(try format(type, object), try http(object))
    var backend = BackendConfiguration(
      name: try identifier(try object.required("name", "the hub's name for the backend")), kind: kind,
      maximumReadings: type == "directory" ? 2000 : 50, maximumBytes: type == "directory" ? 2 << 20 : 262_144)
    if let batch = try object["batch"]?.object(known: ["maximum_readings", "maximum_bytes"]) {
      if let node = batch["maximum_readings"] { backend.maximumReadings = try node.int(in: 1...5000) }
      if let node = batch["maximum_bytes"] { backend.maximumBytes = try node.int(in: 4096...(8 << 20)) }
    }
    if case .http(_, let http) = backend.kind, let node = object["plans"] {
      backend.plans = try plans(node, http.allowsPlainHTTP)
    }
    if let node = object["test_patient"] { backend.testPatient = try testPatient(node, backend.kind) }
    if type == "directory" { backend.keep = try object["keep"].map(keep) ?? BackendConfiguration.usualKeep }
    return backend
  }

  /// The patient of test readings: a reference like every other one.
  private static func testPatient(_ node: JSONNode, _ kind: BackendConfiguration.Kind) throws(JSONError) -> String {
    let text = try node.string()
    if let fault = PatientReference.fault(in: text) { throw node.error(fault.code, "\(fault.message); \(fault.hint)") }
    if case .http(.phd(let settings), _) = kind, settings.patient == .reference, text.utf8.contains(0x5F) {
      throw node.error("invalid-value", "expected a FHIR id (letters, digits, \"-\", \".\"), found \"\(text)\"")
    }
    return text
  }

  /// How long the files of a directory backend are kept.
  private static func keep(_ node: JSONNode) throws(JSONError) -> Int64 {
    let keep = try duration(node, upTo: 3650 * 86_400_000)
    guard keep >= 86_400_000 else {
      throw node.error("invalid-value", "expected at least \"P1D\": whoever collects the files needs the time")
    }
    return keep
  }

  private static func plans(_ node: JSONNode, _ isPlainAllowed: Bool) throws(JSONError) -> PlanSource {
    let object = try node.object(known: ["url", "every", "verify"])
    var source = PlanSource(
      url: try address(try object.required("url", "the address that gives plans"), isPlainAllowed))
    if let node = object["every"] {
      source.every = try duration(node, upTo: 7 * 86_400_000)
      guard source.every >= 300_000 else {
        throw node.error("invalid-value", "expected at least \"PT5M\": a backend may say itself that a plan is new")
      }
    }
    source.verifier = try object["verify"].map { node throws(JSONError) in try path(node) }
    return source
  }

  /// A FHIR server's logical id has no underscore: readings of such a patient would all be refused.
  static func checkPatients(_ configuration: Configuration, _ node: JSONNode?) throws(JSONError) {
    let patients = configuration.devices.flatMap { [$0.patient].compactMap { $0 } + $0.users.values }
    guard let patient = patients.sorted().first(where: { $0.utf8.contains(0x5F) }) else { return }
    for backend in configuration.backends {
      guard case .http(.phd(let settings), _) = backend.kind, settings.patient == .reference,
        let element = try node?.array().first(where: { name(of: $0, "name") == backend.name })
      else { continue }
      throw element.error(
        "invalid-value",
        "the patient \"\(patient)\" is no FHIR id (letters, digits, \"-\", \".\"): expected \"patient\": \"resource\"")
    }
  }

  private static func format(_ type: String, _ object: JSONMembers) throws(JSONError) -> ExchangeFormat {
    switch type {
    case "fhir-phd": return .phd(try phd(object))
    case "fhir-batch": return .observations(try observations(object))
    case "cloudevents":
      return .cloudEvents(
        CloudEventsSettings(
          source: try object["source"].map(uri), typePrefix: try object["type_prefix"].map(identifier) ?? "hearth"))
    default: return .native
    }
  }

  private static func phd(_ object: JSONMembers) throws(JSONError) -> PHDSettings {
    var settings = PHDSettings()
    let form = try object["patient"]?.string(of: ["reference", "resource", "identifier"]) ?? "reference"
    switch form {
    case "reference":
      if let system = object["patient_system"] {
        throw system.error("invalid-value", "\"patient\": \"reference\" has no identifier, and so no system")
      }
    default:
      let system = try uri(try object.required("patient_system", "the system of the patients' identifiers, a URI"))
      settings.patient = form == "resource" ? .resource(system: system) : .identifier(system: system)
    }
    if let node = object["create_by"] {
      settings.key = CreationKey(rawValue: try node.string(of: CreationKey.allCases.map(\.rawValue))) ?? .own
    }
    settings.sendsUnplaced = try unplaced(object)
    if let node = object["entries"] { settings.maximumEntries = try node.int(in: 10...5000) }
    settings.shape = try shape(object, presets: [.phd, .vitalsigns])
    return settings
  }

  private static func observations(_ object: JSONMembers) throws(JSONError) -> ObservationBundleSettings {
    typealias Settings = ObservationBundleSettings
    var settings = Settings(
      patientSystem: try uri(
        try object.required("patient_system", "the system of the patients' identifiers, a URI")))
    if let node = object["bundle_type"] {
      let text = try node.string(of: Settings.BundleType.allCases.map(\.rawValue))
      settings.bundleType = Settings.BundleType(rawValue: text) ?? .batch
    }
    if let node = object["create"] {
      let text = try node.string(of: Settings.Creation.allCases.map(\.rawValue))
      settings.creation = Settings.Creation(rawValue: text) ?? .ifNoneExist
      guard settings.bundleType == .batch else {
        throw node.error("invalid-value", "a collection has no requests: expected no \"create\"")
      }
    }
    if let node = object["municipality"] {
      let text = try node.string()
      guard text.utf8.count == 4, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw node.error("invalid-value", "expected a municipality's number of four digits, found \"\(text)\"")
      }
      settings.municipality = text
    }
    settings.shape = try shape(object, presets: [.vitalsigns, .vkp])
    if case .identifier(let system, let value)? = settings.shape.performer {
      settings.performer = Settings.Organisation(system: system, value: value)
      settings.shape.performer = nil
    }
    settings.sendsUnplaced = try unplaced(object)
    if let node = object["entries"] { settings.maximumEntries = try node.int(in: 10...5000) }
    return settings
  }

  private static func unplaced(_ object: JSONMembers) throws(JSONError) -> Bool {
    try object["unplaced"]?.string(of: ["park", "send"]) == "send"
  }

  private static func http(_ object: JSONMembers) throws(JSONError) -> HTTPBackend {
    let isPlainAllowed = try object["allow_plain_http"]?.bool() ?? false
    let url = try address(try object.required("url", "the address that takes batches"), isPlainAllowed)
    var backend = HTTPBackend(url: url)
    backend.allowsPlainHTTP = isPlainAllowed
    backend.authorization = try authorization(object, isPlainAllowed)
    backend.trustsSuccess = try object["trust_2xx"]?.bool() ?? false
    if let node = object["deadline"] { backend.deadline = Int(try duration(node, upTo: 600_000)) }
    backend.caFile = try object["ca_file"].map { node throws(JSONError) in try path(node) }
    backend.clientCertificate = try object["client_certificate"].map { node throws(JSONError) in try path(node) }
    backend.clientKey = try object["client_key"].map { node throws(JSONError) in try path(node) }
    guard (backend.clientCertificate == nil) == (backend.clientKey == nil) else {
      throw object.node.error("missing-key", "expected \"client_certificate\" and \"client_key\" together")
    }
    backend.usesProxyEnvironment = try object["proxy"]?.bool() ?? false
    backend.compresses = try object["compress"]?.string(of: ["none", "gzip"]) == "gzip"
    return backend
  }

  private static func address(_ node: JSONNode, _ isPlainAllowed: Bool) throws(JSONError) -> String {
    let url = try node.string()
    let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { prefix in
      url.hasPrefix(prefix) && [nil, ":", "/"].contains(url.dropFirst(prefix.count).first)
    }
    guard url.hasPrefix("https://") || url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw node.error(
        "invalid-value", "expected an address that begins with https://, found \"\(WebAddress.shown(url))\"")
    }
    guard url.hasPrefix("https://") || isLocal || isPlainAllowed else {
      throw node.error(
        "invalid-value", "expected https://: readings would travel in clear (\"allow_plain_http\": true permits it)")
    }
    return url
  }

  private static func authorization(
    _ object: JSONMembers, _ isPlainAllowed: Bool
  ) throws(JSONError) -> HTTPBackend.Authorization? {
    let given = ["bearer", "basic", "oauth2", "helper"].compactMap { object[$0] }
    guard given.count <= 1 else {
      throw given[1].error("invalid-value", "expected one of \"bearer\", \"basic\", \"oauth2\" and \"helper\"")
    }
    if let node = object["bearer"] { return .bearer(try secret(node)) }
    if let node = object["helper"] { return .helper(path: try path(node)) }
    if let basic = try object["basic"]?.object(known: ["user", "password"]) {
      let node = try basic.required("user", "the user's name")
      let user = try word(node)
      guard !user.utf8.contains(0x3A) else { throw node.error("invalid-value", "expected a name without \":\"") }
      return .basic(
        user: user,
        password: try secret(try basic.required("password", "{\"credential\": NAME} or {\"file\": PATH}")))
    }
    guard
      let client = try object["oauth2"]?.object(
        known: ["token_url", "client_id", "client_secret", "scope", "audience"])
    else { return nil }
    return .oauth2(
      HTTPBackend.OAuth2Client(
        tokenURL: try address(try client.required("token_url", "where tokens come from"), isPlainAllowed),
        id: try word(try client.required("client_id", "the client's id")),
        secret: try secret(
          try client.required("client_secret", "{\"credential\": NAME} or {\"file\": PATH}")),
        scope: try client["scope"].map(word), audience: try client["audience"].map(word)))
  }

  private static func secret(_ node: JSONNode) throws(JSONError) -> HTTPBackend.Secret {
    if case .string = node.content {
      throw node.error(
        "invalid-value",
        "a secret never stands in the configuration: expected {\"credential\": NAME} or {\"file\": PATH}")
    }
    let object = try node.object(known: ["credential", "file"])
    switch (object["credential"], object["file"]) {
    case (let name?, nil): return .credential(try identifier(name))
    case (nil, let file?): return .file(try path(file))
    default: throw node.error("missing-key", "expected one of \"credential\" and \"file\"")
    }
  }

  /// Text that is there and printable.
  static func word(_ node: JSONNode) throws(JSONError) -> String {
    let text = try node.string()
    guard !text.isEmpty, text.utf8.count <= 512, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
      text.first != " ", text.last != " "
    else { throw node.error("invalid-value", "expected a text without control characters") }
    return text
  }

  /// An absolute URI, such as the system of an identifier.
  static func uri(_ node: JSONNode) throws(JSONError) -> String {
    let text = try node.string()
    let isGood = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3C && $0 != 0x3E && $0 != 0x7C }
    let scheme = text.utf8.prefix { $0 != 0x3A }
    guard isGood, text.utf8.count <= 256, scheme.count >= 2, scheme.count + 1 < text.utf8.count else {
      throw node.error(
        "invalid-value", "expected a URI such as \"urn:oid:2.999.1\" or \"https://example.org/ids\", found \"\(text)\"")
    }
    return text
  }
}
