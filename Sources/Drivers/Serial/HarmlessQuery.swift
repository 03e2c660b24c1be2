// The one question of each driver that changes nothing on the device: who are you, or what do you show. A technician allows it
// for one port and one driver; never the daemon by itself. Drivers that only listen have none.

/// What may be asked, and how long an answer may take.
public struct HarmlessQuery: Sendable, Hashable {
  /// The driver's id.
  public var driver: String
  /// What the technician allows, in one sentence.
  public var sentence: String
  /// Asked one after the other.
  public var questions: [[UInt8]]
  /// How long each is waited for, in milliseconds.
  public var answerMilliseconds: Int
}

extension HarmlessQuery {
  /// The question of a driver; nil for one that listens only and for what is no serial driver.
  public static func of(driver id: String) -> HarmlessQuery? { table.first { $0.driver == id } }

  /// All of them.
  public static let table: [HarmlessQuery] = [
    HarmlessQuery(
      driver: ContecV7Driver.id, sentence: "asks the oximeter for its model, maker and number",
      questions: [0xA7, 0xA2, 0xA0, 0xA8, 0xA9, 0xAA].map { ContecV7Driver.command($0) }, answerMilliseconds: 1000),
    HarmlessQuery(
      driver: "taidoc", sentence: "wakes the meter and asks for its model and number",
      questions: [0x54, 0x24, 0x27, 0x28].map { TaiDocProtocol.request($0, index: 0) }, answerMilliseconds: 2000),
    HarmlessQuery(
      driver: NoninSpotCheckLine.id, sentence: "asks the oximeter for the time of its clock",
      questions: [[0x02, 0x72, 0x00, 0x03]], answerMilliseconds: 1000),
    HarmlessQuery(
      driver: AndScaleLine.id, sentence: "asks the scale for the weight that it shows",
      questions: [Array("Q\r\n".utf8)],
      answerMilliseconds: 1000),
    HarmlessQuery(
      driver: MTSICSLine.id, sentence: "asks the scale for its type, its number and the weight that it shows",
      questions: ["I2\r\n", "I4\r\n", "SI\r\n"].map { Array($0.utf8) }, answerMilliseconds: 1000),
    HarmlessQuery(
      driver: KernLine.id, sentence: "asks the scale for the weight that it shows",
      questions: [Array("w".utf8), Array("w".utf8), Array("w".utf8)], answerMilliseconds: 1000),
    HarmlessQuery(
      driver: Toledo8217Line.id, sentence: "asks the scale for the weight that it shows",
      questions: [Array("W".utf8), Array("W".utf8), Array("W".utf8)], answerMilliseconds: 1000),
    HarmlessQuery(
      driver: AndUA767Line.id, sentence: "wakes the cuff, opens the conversation with it and closes it again",
      // What comes first only wakes it.
      questions: [
        [0x43, 0x50, 0x43, 0x30, 0x35, 0x3B], [0x43, 0x50, 0x43, 0x30, 0x35, 0x3B],
        [0x43, 0x50, 0x43, 0x30, 0x34, 0x3A],
      ]
      .map { [0x02] + $0 },
      answerMilliseconds: 1000),
    HarmlessQuery(
      driver: AndTM265xLine.id, sentence: "asks the cuff for its last result; nothing of it is stored",
      questions: [AndTM265xLine.request("RB")], answerMilliseconds: 2000),
    HarmlessQuery(
      driver: SunTechLine.id, sentence: "asks the module for the pressure in its cuff",
      questions: [SunTechLine.askPressure, SunTechLine.askPressure], answerMilliseconds: 1000),
    HarmlessQuery(
      driver: BeurerSerialLine.id, sentence: "asks the cuff whether it is there and for its description",
      questions: [[0xAA], [0xA4]], answerMilliseconds: 1000),
  ]
}
