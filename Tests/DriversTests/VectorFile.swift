// Vectors of the fixtures: one JSON object a line.

import Foundation
import JSON

enum VectorFile {
  /// The objects of a file of the folder `Fixtures`, without what is none. A missing file has none: its suite counts them.
  static func lines(_ name: String) -> [JSONValue] {
    Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "jsonl").map { lines(of: $0) } ?? []
  }

  /// The objects of a file.
  static func lines(of url: URL) -> [JSONValue] {
    guard let data = try? Data(contentsOf: url) else { return [] }
    return Array(data).split(separator: 0x0A).compactMap { try? JSONReader().value(Array($0)) }
  }
}
