// The names of the configuration's format. Any other name in it is somebody's own: a slip, a device, a person.

extension ConfigurationFile {
  private static let keys: Set<String> = [
    "allow_plain_http", "audience", "backends", "based_on", "basic", "batch", "bearer", "bluetooth", "bundle_type",
    "ca_file",
    "client_certificate",
    "client_id", "client_key", "client_secret", "clock", "clock_after", "compress",
    "continuous", "control", "controller", "create",
    "create_by",
    "credential", "deadline", "devices", "disk_percent", "driver", "enabled", "encounter", "entries", "focus", "every",
    "file", "heartbeat",
    "helper", "hold",
    "hub", "id", "journal", "keep", "maximum_bytes", "maximum_readings", "model", "municipality", "name", "oauth2",
    "other_daemon",
    "password", "path", "patient", "patient_system", "performer", "performers", "plans", "profile", "profiles",
    "single_loinc", "playback", "port", "proxy", "reader_group",
    "recognise",
    "scope", "segment_bytes", "serial", "silent_after", "source", "stored_records", "system", "technician_group",
    "test_patient", "timezone",
    "token_url", "trust_2xx", "type", "type_prefix", "unplaced", "url", "user", "users", "value", "verify", "watch",
    "*",
  ]

  /// A name of the format.
  package static func isKnownKey(_ key: String) -> Bool { keys.contains(key) }

  /// A key path with the format's names alone: `devices[0].users.(a key)`.
  package static func shownPath(_ path: String) -> String {
    var parts: [String] = []
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      let name = part.prefix { $0 != "[" }
      // Numbers are user slots.
      let isSlot = name.utf8.count <= 3 && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
      let shown = path.isEmpty || isSlot || isKnownKey(String(name)) ? String(part) : "(a key)"
      if shown != "(a key)" || parts.last != shown { parts.append(shown) }
    }
    return parts.joined(separator: ".")
  }
}
