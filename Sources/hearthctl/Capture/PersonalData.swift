// What a session holds of people and secrets besides addresses and serial numbers: names, birthdays and codes of a device's users, keys that
// a device and the hub share. Each is at a known place of a known protocol, and gives way to something of the same length, the same to the
// same, so that the session still plays: the headers tell the driver what now stands there.

import Octets

struct PersonalData {
  /// The code of a user slot, as it stands in the file.
  private(set) var consent: (user: UInt8, code: UInt16)?
  /// The key of the hub or the password of the device, as it stands in the file.
  private(set) var key: [UInt8]?
  /// The device was shown its key for the first time.
  private(set) var isPairing = false
  /// What was replaced where, and how often.
  private(set) var altered: [String: Int] = [:]
  /// Random octets that a Transtek device gave last.
  private var challenge: [UInt8] = []

  private static let unlock = "/B305B680-AEE7-11E1-A730-0002A5D5C51B"
  private static let transtek = ["78B2", "7802", "7809", "7889", "7899"]
  private static let birthday: [UInt8] = [0xB2, 0x07, 0x01, 0x01]
  private static let newKey = (0..<16).map { UInt8($0) }
  private static let newPassword: [UInt8] = [1, 2, 3, 4]
  /// Lists of users of Beurer's scales.
  private static let userLists: Set<String> = ["FFFF/0001", "FFFF/FFF1", "FFF0/FFF2"]

  /// What a characteristic says or is told, `name` such as `181C/2A85`.
  mutating func apply(_ octets: [UInt8], _ name: String, isFromDevice: Bool) -> [UInt8] {
    if isFromDevice, PersonalData.isTaiDocNumber(octets) { return taiDoc(octets, name) }
    switch name {
    case "181C/2A8A", "181C/2A90", "181C/2A87": return replaced(octets, Disguise.text(octets), name, "name")
    case "181C/2A85" where octets.count == 4 && Set(octets) != [0] && Set(octets) != [0xFF]:
      return replaced(octets, PersonalData.birthday, name, "birthday")
    case "181C/2A9F" where !isFromDevice: return consent(octets, name)
    case "FFE0/FFE1" where isFromDevice && octets.count >= 16 && octets[1] == 0x34: return user(octets, name)
    case _ where PersonalData.userLists.contains(name) && isFromDevice && octets.count >= 9 && octets[0] == 0:
      var new = octets
      new.replaceSubrange(2..<5, with: Array("AAA".utf8))
      new.replaceSubrange(5..<9, with: PersonalData.birthday)
      return replaced(octets, new, name, "user")
    case _ where name.hasSuffix(PersonalData.unlock) && !isFromDevice: return omron(octets, name)
    case _ where PersonalData.transtek.contains(String(name.prefix { $0 != "/" })):
      return greeting(octets, name, isFromDevice)
    default: return octets
    }
  }

  private mutating func replaced(_ old: [UInt8], _ new: [UInt8], _ name: String, _ what: String) -> [UInt8] {
    if old != new { altered["\(name) (\(what))", default: 0] += 1 }
    return new
  }

  /// 01 and a code makes a slot, 02, a slot and its code opens one.
  private mutating func consent(_ octets: [UInt8], _ name: String) -> [UInt8] {
    let at: Int
    switch (octets.first, octets.count) {
    case (0x01, 3): at = 1
    case (0x02, 4): at = 2
    default: return octets
    }
    let code = UInt16(octets[at]) | UInt16(octets[at + 1]) << 8
    // What drivers try by themselves is no secret.
    let new = [0, 8229].contains(code) ? code : Disguise.code(code)
    if at == 2 { consent = (octets[1], new) }
    return replaced(octets, octets[..<at] + [UInt8(new & 0xFF), UInt8(new >> 8)], name, "code")
  }

  /// A scale's user: eight octets of its own, three letters, the year of birth less 1900.
  private mutating func user(_ octets: [UInt8], _ name: String) -> [UInt8] {
    var new = octets
    new.replaceSubrange(12..<15, with: Array("AAA".utf8))
    new[15] = 70
    return replaced(octets, new, name, "user")
  }

  /// 00 gives an Omron cuff the hub's key, 01 presents it, 02 asks for the mode in which it may be given.
  private mutating func omron(_ octets: [UInt8], _ name: String) -> [UInt8] {
    guard octets.count == 17, let first = octets.first, first <= 2 else { return octets }
    if first == 0x02 {
      isPairing = true
      return octets
    }
    key = PersonalData.newKey
    return replaced(octets, [first] + PersonalData.newKey, name, "key")
  }

  /// Half of a TaiDoc meter's serial number, with its check value.
  private static func isTaiDocNumber(_ octets: [UInt8]) -> Bool {
    octets.count == 8 && octets[0] == 0x51 && (octets[1] == 0x27 || octets[1] == 0x28) && octets[6] == 0xA5
      && octets[7] == Checksum.sum8(octets[..<7])
  }

  private mutating func taiDoc(_ octets: [UInt8], _ name: String) -> [UInt8] {
    let hidden = Disguise.address(Array(octets[2..<6])).suffix(2)
    let new = octets[..<2] + hidden + hidden + [0xA5]
    return replaced(octets, new + [Checksum.sum8(new)], name.isEmpty ? "from the device" : name, "serial number")
  }

  /// A0 gives a password, A1 four random octets, 20 answers them with both.
  private mutating func greeting(_ octets: [UInt8], _ name: String, _ isFromDevice: Bool) -> [UInt8] {
    guard octets.count == 5 else { return octets }
    let four = Array(octets[1...])
    switch (octets[0], isFromDevice) {
    case (0xA0, true):
      key = PersonalData.newPassword
      return replaced(octets, [0xA0] + PersonalData.newPassword, name, "password")
    case (0xA1, true):
      challenge = four
      return octets
    case (0x20, false) where challenge.count == 4:
      let old = zip(challenge, four).map { $0 ^ $1 }
      // Without a password the octets go back as they came.
      guard old.contains(where: { $0 != 0 }) else { return octets }
      key = PersonalData.newPassword
      return replaced(octets, [0x20] + zip(challenge, PersonalData.newPassword).map { $0 ^ $1 }, name, "password")
    default: return octets
    }
  }
}
