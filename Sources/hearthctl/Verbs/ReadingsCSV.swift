// Readings as comma-separated values by RFC 4180, a line a value: for spreadsheets.

import JSON

enum ReadingsCSV {
  static let heading = "taken_at,patient,device,kind,code,value,unit,absent,zone,flags,id,time_quality\r\n"

  /// The lines of one reading.
  static func lines(_ reading: JSONValue) -> String {
    (reading["observations"]?.array ?? []).map { observation in
      let fields = [
        reading["taken_at"], reading["patient"], reading["device"]?["id"], reading["kind"], observation["code"],
        observation["value"], observation["unit"], observation["absent"], reading["evaluation"]?["zone"],
        .string((reading["flags"]?.array ?? []).compactMap(\.string).joined(separator: " ")), reading["id"],
        reading["time_quality"],
      ]
      return fields.map { field($0?.string ?? "") }.joined(separator: ",") + "\r\n"
    }.joined()
  }

  /// Quoted where it must be. What a spreadsheet would take for a formula is text.
  private static func field(_ text: String) -> String {
    var text = Terminal.clean(text)
    if let first = text.first, "=+@\t".contains(first) || (first == "-" && Double(text) == nil) { text = "'" + text }
    guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
