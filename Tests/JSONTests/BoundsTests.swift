// What hostile texts may cost, and what a value keeps: order, names, digits.

import JSON
import Testing

@Suite struct BoundsTests {
  /// Each element once held its whole path as a text of its own: this one took 2 GB.
  @Test func aLongNameBeforeALongArrayIsHeldOnce() throws {
    let name = String(repeating: "k", count: 64_000)
    let text = "{\"\(name)\":[" + Array(repeating: "1", count: 32_000).joined(separator: ",") + "]}"
    let node = try JSONReader(maximumSize: 1 << 20).node(Array(text.utf8))
    let last = try #require(try node.objectOfAnyKeys().first?.value.array().last)
    #expect(last.path == "\(name)[31999]")
    #expect(last.place.offset == text.utf8.count - 3)
  }

  @Test(arguments: [
    (#"[[1],[2,{"a":[true,{"b":x}]}]]"#, "[1][1].a[1].b"), (#"{"a":{"b":[],"c":[1,2,}]}}"#, "a.c"),
    (#"{"a":[{"b":1},{"b":01}]}"#, "a[1].b"), (#"{"a":1,"b":"#, "b"), ("x", ""), (#"{"a":[1]}]"#, ""),
  ])
  func theKeyPathOfASyntaxError(text: String, path: String) {
    do {
      _ = try JSONReader().value(Array(text.utf8))
      Issue.record("taken")
    } catch {
      #expect(error.path == path || error.path.hasPrefix(path + "["))
      #expect(error.code == "syntax")
    }
  }

  @Test func columnsCountCharacters() {
    do {
      _ = try JSONReader().value(Array("{\"é𝄞\":\n \"å\", x}".utf8))
      Issue.record("taken")
    } catch { #expect(error.place == JSONPlace(offset: 18, line: 2, column: 7)) }
  }

  @Test(arguments: [[0x2F, 0x2F, 0xFF, 0x0A, 0x31], [0x2F, 0x2A, 0xC0, 0xAF, 0x2A, 0x2F, 0x31]] as [[UInt8]])
  func aCommentIsUTF8Too(octets: [UInt8]) {
    do {
      _ = try JSONReader(dialect: .configuration).value(octets)
      Issue.record("taken")
    } catch { #expect(error.code == "encoding") }
  }

  @Test(arguments: [JSONReader.Dialect.strict, .configuration])
  func everyChangeOfEveryOctetIsAValueOrAnError(dialect: JSONReader.Dialect) {
    let sample = Array("// c\n{\"a\":[1,-2.5e3,\"x\\ud83d\\ude39\\n\",/**/true,null,{\"b\":[]},],\"c\":\"é𝄞\"}".utf8)
    var taken = 0
    for index in sample.indices {
      for octet in UInt8.min...UInt8.max {
        var changed = sample
        changed[index] = octet
        guard let value = try? JSONReader(dialect: dialect).value(changed) else { continue }
        taken += 1
        #expect((try? JSONReader().value(value.encoded())) == value)
      }
    }
    #expect(dialect == .strict ? taken == 0 : taken > sample.count)
  }

  /// Small objects are searched, large ones indexed: nobody may see the difference.
  @Test(arguments: [1, 15, 16, 17, 40]) func anObjectKeepsOrderAndNames(count: Int) throws {
    var object = JSONObject()
    for number in 0..<count { object["k\(number)"] = .int(number) }
    for number in 0..<count { #expect(object["k\(number)"]?.int == number) }
    #expect(object["k\(count)"] == nil)
    object["k0"] = "new"
    #expect(object["k0"]?.string == "new" && object.count == count)
    let same = try JSONReader().value(JSONValue.object(object).encoded())
    #expect(same == .object(object))
    #expect(same.hashValue == JSONValue.object(object).hashValue)
    object["k0"] = nil
    object["none"] = nil
    #expect(object.keys == (1..<max(1, count)).map { "k\($0)" })
    for number in 1..<max(1, count) { #expect(object["k\(number)"]?.int == number) }
    #expect(same != .object(object))
  }

  @Test func numbersOfCallersAreCheckedToo() {
    for good in ["0", "-0", "12.50", "1e+9", "-1.0E-3"] { #expect(JSONNumber(text: good)?.text == good) }
    for bad in ["", "-", "01", "+1", ".5", "1.", "1e", "NaN", "0x1", "1 ", "१"] {
      #expect(JSONNumber(text: bad) == nil)
    }
  }
}
