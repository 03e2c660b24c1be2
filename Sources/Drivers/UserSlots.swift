// Which devices say whose slot a reading is in. Their drivers alone know; whoever gives a slot to a patient asks here.

extension DeviceProfile {
  /// Its readings may name the device's user slot. Where they never do, a slot is nobody's place.
  package var tellsUser: Bool { DeviceProfile.userTelling.contains(id) }

  /// Blood Pressure and Weight Scale Profile have a field for it; the others say it in words of their own.
  private static let userTelling: Set<String> = [
    "and-ua651ble", "beurer-bm85", "beurer-bm", "omron-standard", "omron", "microlife", "qardioarm", "blood-pressure",
    "taidoc-ble", "and-uc352ble", "beurer-bf720", "beurer-bf915", "beurer-bf500", "sanitas-sbf70", "beurer-bf700",
    "transtek-scale", "transtek-cuff", "weight-scale", "xiaomi-s400", "visomat", "jamr", "soehnle-shape",
    "omron-scale", "health-sensor",
  ]
}
