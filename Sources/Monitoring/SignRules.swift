// Rules over what devices say beside values, over readings that cannot be trusted, and over the devices themselves.

public import Readings

/// A sign in `k` of the newest `of` readings of a kind.
public struct BitsRule: Sendable, Hashable {
  /// Which readings; nil: of every kind.
  public var readingKind: ReadingKind?
  /// Any of these.
  public var flags: [ReadingFlag]
  /// How many.
  public var k: Int
  /// Of how many.
  public var of: Int
  /// The zone that it brings about.
  public var zone: Zone

  /// A rule over signs.
  public init(readingKind: ReadingKind?, flags: [ReadingFlag], k: Int, of: Int, zone: Zone) {
    self.readingKind = readingKind
    self.flags = flags
    self.k = k
    self.of = of
    self.zone = zone
  }

  func zone(at time: Int64, _ history: PatientHistory) -> Zone {
    let newest = history.newestSigns(readingKind, of, upTo: time)
    let mask = PatientHistory.Sign.mask(flags)
    return newest.count { $0.says(mask) } >= k ? zone : .green
  }
}

/// A device that needs somebody.
public struct DeviceRule: Sendable, Hashable {
  /// What is watched.
  public enum Watch: Sendable, Hashable {
    /// The battery's charge, below so many percent.
    case battery(below: Int)
    /// The device's clock, wrong by more than so many milliseconds.
    case clock(beyond: Int64)
    /// Nothing heard for so many milliseconds.
    case silent(for: Int64)
  }
  /// What is watched.
  public var watch: Watch
  /// The zone that it brings about.
  public var zone: Zone

  /// A rule over devices.
  public init(watch: Watch, zone: Zone) {
    self.watch = watch
    self.zone = zone
  }
}

/// What is known of one device, for its rules.
public struct DeviceFacts: Sendable, Hashable {
  /// 0…100 %.
  public var battery: Int?
  /// How far its clock is off, in milliseconds.
  public var clockOffset: Int64?
  /// When it was heard last, in milliseconds since 1970.
  public var lastContact: Int64?

  /// What is known of one device.
  public init(battery: Int? = nil, clockOffset: Int64? = nil, lastContact: Int64? = nil) {
    self.battery = battery
    self.clockOffset = clockOffset
    self.lastContact = lastContact
  }
}

extension DeviceRule {
  /// The zone by what is known of the patient's devices; nil while nothing is.
  func zone(_ devices: [DeviceFacts], now: Int64) -> Zone? {
    var isKnown = false
    var isBad = false
    for device in devices {
      switch watch {
      case .battery(let below):
        guard let battery = device.battery else { continue }
        isKnown = true
        isBad = isBad || battery < below
      case .clock(let beyond):
        guard let offset = device.clockOffset else { continue }
        isKnown = true
        isBad = isBad || offset.magnitude > beyond.magnitude
      case .silent(let length):
        guard let last = device.lastContact else { continue }
        isKnown = true
        isBad = isBad || now - last > length
      }
    }
    return isKnown ? (isBad ? zone : .green) : nil
  }
}
