// The one question of a family that changes nothing on the device: who are you, or what do you show. A technician allows it for one
// port and one driver; never the daemon by itself. Families that only listen have none.

/// What may be asked, and how long an answer may take.
struct HarmlessQuery: Sendable, Hashable {
  /// What the technician allows, in one sentence.
  var sentence: String
  /// Asked one after the other.
  var questions: [[UInt8]]
  /// How long each is waited for, in milliseconds.
  var answerMilliseconds: Int
}
