// Where the models of Omron cuffs keep their records and their clock. Source: the catalogue of hass-omron@d6758ed and omblepy@708c13e;
// one source each but for the models of which records were captured. The longest number that a model's name begins with decides, and
// the service has to be that of the table: the same number may stand on a cuff of the other service.

internal import Octets
internal import Readings

/// Where a model keeps its records.
struct OmronModel: Sendable, Hashable {
  /// How a cuff is spoken to.
  enum Access: Sendable, Hashable {
    /// The service ECBE3980, four channels, a key of the hub.
    case key
    /// The service FE4A, and four octets that it gives back.
    case token
    /// The service FE4A, nothing to unlock.
    case open
  }

  /// How a record is written.
  enum Layout: Sendable, Hashable {
    /// As it stands.
    case plain
    /// The octets of each word exchanged.
    case swapped
    /// The same; what stands beside the date is disputed.
    case swappedWithoutFlags
    /// A weighing of a scale.
    case weighing

    var isSwapped: Bool { self == .swapped || self == .swappedWithoutFlags }
  }

  /// Where the clock stands.
  struct Clock: Sendable, Hashable {
    /// Where the slice of the settings begins, and how many octets it has.
    var address: UInt16
    var count: Int
    /// Where in it year, month, day, hour, minute and second begin.
    var start: Int
    /// The octets of each word are exchanged.
    var isSwapped: Bool
    /// The sum of the octets before it stands behind the second.
    var hasSum = false
  }

  /// The beginnings of its numbers, such as `HEM-7361T`.
  var numbers: [String]
  var access: Access
  /// Where each user's records begin.
  var users: [UInt16]
  /// Records of a user.
  var records: Int
  /// Octets of a record.
  var stride: Int
  /// The most octets of one read.
  var block: Int
  var layout: Layout
  /// Nil where nobody has published it.
  var clock: Clock?

  /// Read over the service FE4A.
  var isModern: Bool { access != .key }
  /// A scale, no cuff.
  var isScale: Bool { layout == .weighing }
  /// Movement and irregular pulse are agreed upon.
  var takesFlags: Bool { layout != .swappedWithoutFlags }

  private init(
    _ numbers: String, _ access: Access, _ users: [UInt16], _ records: Int, _ stride: Int, _ layout: Layout,
    _ clock: Clock?, block: Int? = nil
  ) {
    // Scales have other beginnings than cuffs, whose numbers are written without theirs.
    self.numbers = numbers.split(separator: " ").map { $0.first?.isNumber ?? false ? "HEM-\($0)" : String($0) }
    self.access = access
    self.users = users
    self.records = records
    self.stride = stride
    self.block = block ?? (access == .key ? stride : stride == 16 ? 0x38 : 0x2C)
    self.layout = layout
    self.clock = clock
  }

  /// Settings at `base`, the clock at 14…1E: year first, or with exchanged octets.
  private static func short(_ base: UInt16, isSwapped: Bool) -> Clock {
    Clock(address: base + 0x14, count: 10, start: 2, isSwapped: isSwapped)
  }

  /// Settings at `base`, the clock at 2C…3C or 30…40 with its sum.
  private static func long(_ base: UInt16, at offset: UInt16 = 0x2C) -> Clock {
    Clock(address: base + offset, count: 16, start: 8, isSwapped: false, hasSum: true)
  }

  private static let exchanged = Clock(address: 0x028C, count: 16, start: 8, isSwapped: true)

  private static let all: [OmronModel] = [
    // Over ECBE3980, words exchanged.
    OmronModel(
      "7322T 7321T 7280T 7281T 7282T", .key, [0x02AC, 0x0824], 100, 14, .swapped, short(0x0260, isSwapped: true),
      block: 42),
    OmronModel("7511T", .key, [0x02AC, 0x0798], 90, 14, .swapped, short(0x0260, isSwapped: true)),
    OmronModel("8732T", .key, [0x02AC, 0x05F4], 60, 14, .swapped, short(0x0260, isSwapped: true)),
    OmronModel("8732K", .key, [0x02AC, 0x0522], 45, 14, .swapped, short(0x0260, isSwapped: true)),
    OmronModel("7600T 7270C 7271T", .key, [0x02AC], 100, 14, .swapped, short(0x0260, isSwapped: true), block: 42),
    OmronModel("7325T", .key, [0x02AC], 90, 14, .swapped, short(0x0260, isSwapped: true)),
    OmronModel("7530T 6231T2 7271T_SH3 7271P-SH3 8630T 6231T_Z", .key, [0x02E8], 90, 14, .swapped, exchanged),
    OmronModel("6161T 7271L-SH3", .key, [0x02E8], 30, 14, .swapped, exchanged),
    OmronModel("7136T 7138T-SH 7138JT 7139T", .key, [0x02E8], 60, 14, .swapped, exchanged),
    OmronModel("6231T", .key, [0x02E8], 100, 14, .swapped, exchanged),
    OmronModel("6232T 6233T", .key, [0x02E8, 0x0860], 100, 14, .swappedWithoutFlags, exchanged, block: 42),
    // Over ECBE3980, as they stand.
    OmronModel("7320T 8725T-WM", .key, [0x02AC, 0x05F4], 60, 14, .plain, short(0x0260, isSwapped: false)),
    OmronModel("6320T 6322T 6323T 6325T", .key, [0x0370], 100, 14, .plain, short(0x0F74, isSwapped: false)),
    OmronModel("6321T 6324T", .key, [0x0370, 0x08E8], 100, 14, .plain, short(0x0F74, isSwapped: false)),
    OmronModel("7150T 7153T 7156T", .key, [0x0098], 60, 16, .plain, long(0x0010)),
    OmronModel("7153JT", .key, [0x0098], 30, 16, .plain, long(0x0010)),
    OmronModel("7151T", .key, [0x0098], 80, 16, .plain, long(0x0010)),
    OmronModel("7157T 7158T", .key, [0x0098], 100, 16, .plain, long(0x0010)),
    OmronModel("7155T 7340T 7341T", .key, [0x0098, 0x0458], 60, 16, .plain, long(0x0010)),
    OmronModel(
      "7361T 7342T 7343T 7344T 7346T 7347T 7349T 7159T", .key, [0x0098, 0x06D8], 100, 16, .plain, long(0x0010)),
    OmronModel("1026T2", .key, [0x02E8, 0x0928], 100, 16, .plain, long(0x0260)),
    // Scales: the beginnings of their advertised names say group and model.
    OmronModel(
      "HBF-702T KRD-703T BLESMART_0001000C BLESMART_0001040C BLESMART_00010011", .key,
      [0x02C0, 0x0890, 0x0E60, 0x1430], 30, 48, .weighing, nil),
    OmronModel(
      "HBF-222T HBF-227T HBF-228T HBF-230T BCM-500 VIVA BLESMART_00010009 BLESMART_0001000B BLESMART_0001000D "
        + "BLESMART_00010408 BLESMART_00010110 BLESMART_00010208", .key, [0x02C0, 0x06A0, 0x0A80, 0x0E60], 30, 32,
      .weighing, nil),
    // Over FE4A.
    OmronModel("7155T", .open, [0x0098, 0x0458], 60, 16, .plain, long(0x0010)),
    OmronModel("7155T_K4 7340T_K4 7341T_K4", .open, [0x02E8, 0x06A8], 60, 16, .plain, long(0x0260)),
    OmronModel("7155T_ESL1", .token, [0x02E8, 0x06A8], 60, 16, .plain, long(0x0260)),
    OmronModel("7142T1 7142T2 7140T1 7141T1 7138K", .token, [0x02E8], 14, 14, .plain, long(0x0260)),
    OmronModel("7143T1 7143T2 7144T1 7144T2 7146T2 716DT2", .open, [0x02E8], 30, 14, .plain, long(0x0260)),
    OmronModel("716BT2 716CT2 7149T2", .token, [0x02E8], 30, 14, .plain, long(0x0260)),
    OmronModel("7188T1 7183T1", .token, [0x01C4], 30, 16, .plain, long(0x0010)),
    OmronModel("7191T1", .token, [0x01C4], 60, 16, .plain, long(0x0010)),
    OmronModel("7196T1 7194T1", .token, [0x01C4, 0x0584], 60, 16, .plain, long(0x0010)),
    OmronModel("7380T1 7383T1 7384T1", .token, [0x01C4, 0x0804], 100, 16, .plain, long(0x0010)),
    OmronModel("7376T1 7385T1 7387T1 7389T1", .token, [0x080C, 0x0BCC], 60, 16, .plain, long(0x0010, at: 0x30)),
    OmronModel("7377T1", .token, [0x080C, 0x0D0C], 80, 16, .plain, long(0x0010, at: 0x30)),
    OmronModel("7386T1 7388T1 7381T1 7382T1", .token, [0x080C, 0x0E4C], 100, 16, .plain, long(0x0010, at: 0x30)),
  ]

  /// The model of a text such as `HEM-7361T-EBK`, of any case, on a cuff with the service FE4A (`isModern`) or ECBE3980; nil when
  /// no model fits best there.
  static func named(_ text: String?, isModern: Bool) -> OmronModel? {
    guard let words = text?.uppercased().split(separator: " ") else { return nil }
    var best: (model: OmronModel, length: Int)?
    for model in all {
      let fitting = model.numbers.filter { number in words.contains { $0.hasPrefix(number) } }
      let length = fitting.map(\.utf8.count).max() ?? 0
      guard length > 0, length >= best?.length ?? 0 else { continue }
      // Two rows of one number are of the two services.
      if length > best?.length ?? 0 || model.isModern == isModern { best = (model, length) }
    }
    return best.flatMap { $0.model.isModern == isModern ? $0.model : nil }
  }

  /// True for a text that begins with a number of the table.
  static func isNumber(_ text: String?) -> Bool {
    named(text, isModern: false) != nil || named(text, isModern: true) != nil
  }
}
