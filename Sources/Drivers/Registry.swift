// Every device family that Hearth knows, in one list.

/// The registry of all drivers.
public enum Registry {
  /// All profiles, in the order of the README's table.
  public static let profiles: [DeviceProfile] = []

  /// The profile of an id.
  public static func profile(id: String) -> DeviceProfile? { profiles.first { $0.id == id } }
}
