// What a strict reader takes and refuses: the well-known cases of public JSON parsing suites, written anew.

import JSON
import Testing

private func read(_ text: String, _ dialect: JSONReader.Dialect = .strict) -> JSONValue? {
  try? JSONReader(dialect: dialect).value(Array(text.utf8))
}

@Suite struct StrictReaderTests {
  @Test(arguments: [
    "[]", "[ ]", "{}", "[[]   ]", "[null, 1, \"1\", {}]", "[\"\"]", "\"\"", "42", "-0.1", "null", "true", "false",
    " [1]\n", "[1]\r\n\t ",
    "[123e65]", "[0e+1]", "[0e1]", "[ 4]",
    "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]", "[20e1]",
    "[-0]", "[-123]", "[-1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]", "[123]",
    "[123.456789]",
    "[1e9999]", "[-1e-9999]", "[100000000000000000000]",
    "[0.4e00669999999999999999999999999999999999999999999999999999999999999999]",
    "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"\":0}", "{\"foo\\u0000bar\": 42}",
    "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }",
    "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}", "{\n\"a\": \"b\"\n}",
    "[\"\\u0060\\u012a\\u12AB\"]",
    "[\"\\uD801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]",
    "[\"\\\"\"]",
    "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]", "[\"\\\\n\"]", "[\"\\u0012\"]", "[\"\\uFFFF\"]", "[\"asd\"]", "[ \"asd\"]",
    "[\"\u{10FFFF}\"]",
    "[\"\u{FFFF}\"]", "[\"\\u0000\"]", "[\"\\u002c\"]", "[\"π\"]", "[\"asd \"]", "\" \"", "[\"\\u0821\"]",
    "[\"\\u0123\"]",
    "[\"\u{2028}\"]", "[\"\u{2029}\"]", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]", "[\"new\\u000Aline\"]", "[\"\u{7F}\"]",
    "[\"\\uA66D\"]",
    "[\"\\u005C\"]", "[\"⍂㈴⍂\"]", "[\"\\u200B\"]", "[\"\\u2064\"]", "[\"\\uFDD0\"]", "[\"\\uFFFE\"]", "[\"\\u0022\"]",
    "[\"€𝄞\"]", "[\"a\u{7F}a\"]",
    "[true]", "[\"a\"]\n", " [] ",
  ])
  func takesWhatIsJSON(text: String) { #expect(read(text) != nil) }

  @Test(arguments: [
    "", " ", "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x",
    "[3[4]]", "[1:2]", "[,]",
    "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[1,,]", "[*]", "[\"\"", "[1,", "[1,\n1\n,1", "[{}", "[fals]",
    "[nul]", "[tru]",
    "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]", "[0.1.2]", "[0.3e+]",
    "[0.3e]", "[0.e1]", "[0E+]",
    "[0E]", "[0e+]", "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]", "[1 000.0]", "[1eE2]", "[2.e+3]", "[2.e-3]", "[2.e3]",
    "[9.e+]", "[Inf]", "[NaN]",
    "[１]", "[1+2]", "[0x1]", "[0x42]", "[Infinity]", "[0e+-1]", "[-123.123foo]", "[-Infinity]", "[-foo]", "[- 1]",
    "[-012]", "[-.123]", "[-1x]",
    "[1ea]", "[1.]", "[.123]", "[1.2a-3]", "[1.8011670033376514H-308]", "[012]", "[\"x\", truth]", "{[: \"x\"}\n",
    "{\"x\", null}", "{\"x\"::\"b\"}",
    "{🇨🇭}", "{\"a\":\"a\" 123}", "{key: 'value'}", "{\"a\" b}", "{:\"b\"}", "{\"a\"", "{\"a\":", "{1:1}",
    "{9999E9999:1}", "{null:null,null:null}",
    "{\"id\":0,,,,,}", "{'a':0}", "{\"id\":0,}", "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}/**//", "{\"a\":\"b\"}//",
    "{\"a\":\"b\"}/", "{\"a\":\"b\",,\"c\":\"d\"}",
    "{a: \"b\"}", "{\"a\":\"a", "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":\"b\"}#", "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]",
    "[\"\\uD800\\u1\"]",
    "[\"\\uD800\\u1x\"]", "[é]", "[\"\\x00\"]", "[\"\\\\\\\"]", "[\"\\\t\"]", "[\"\\🌀\"]", "[\"\\\"]", "[\"\\u00A\"]",
    "[\"\\uD834\\uDd\"]",
    "[\"\\uD800\\uD800\\x\"]", "[\"\\a\"]", "[\"\\uqqqq\"]", "[\\u0020\"asd\"]", "[\\n]", "\"", "['single quote']",
    "abc", "[\"\\", "[\"a\u{0}a\"]",
    "[\"new\nline\"]", "[\"\t\"]", "\"\\UA66D\"", "\"\"x", "[⁠]", "\u{FEFF}[]", "<.>", "[<null>]", "[1]x", "[1]]",
    "[\"asd]", "aå", "[True]", "1]",
    "{\"x\": true,", "[][]", "]", "�{}", "å", "[", "{]", "2@", "{}}", "{\"\":", "{\"a\":/*comment*/\"b\"}",
    "{\"a\": true} \"x\"", "['", "[,", "[{",
    "[\"a", "[\"a\"", "{", "{,", "{[", "{\"a", "{'a'", "[\"\\{[\"\\{[\"\\{[\"\\{", "*", "{\"a\":\"b\"}#{}",
    "[\\u000A\"\"]", "[1", "[ false, nul",
    "[ true, fals", "[ false, tru", "{\"asd\":\"asd\"", "\u{2060}", "[\u{0C}]", "[\u{A0}1]", "nul", "tru ", "-",
    "\"\\ud800\"", "\"\\udc00\"",
    "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"",
  ])
  func refusesWhatIsNot(text: String) { #expect(read(text) == nil, "\(text)") }

  @Test(
    arguments: [
      [0x22, 0xE5, 0x22], [0x22, 0xFF, 0x22], [0x22, 0x81, 0x22], [0x22, 0xC0, 0xAF, 0x22],
      [0x22, 0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF, 0x22],
      [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0xBF, 0xBF, 0xBF, 0x22], [0x22, 0xE0, 0xFF, 0x22],
      [0xFF, 0xFE, 0x5B, 0, 0x5D, 0], [0, 0x5B, 0, 0x5D],
      [0x22, 0x61, 0xC3, 0x22], [0xEF, 0xBB, 0xBF, 0x7B, 0x7D],
    ] as [[UInt8]])
  func refusesWhatIsNotUTF8(octets: [UInt8]) { #expect((try? JSONReader().value(octets)) == nil) }

  @Test func refusesDuplicateNamesAndNamesThem() {
    do {
      _ = try JSONReader().value(Array(#"{"a": {"b": 1, "b": 2}}"#.utf8))
      Issue.record("taken")
    } catch {
      #expect(error.code == "duplicate-key")
      #expect(error.path == "a.b")
      #expect(error.place == JSONPlace(offset: 15, line: 1, column: 16))
    }
  }

  @Test(arguments: [1000, 100_000])
  func deepNestingIsAnErrorAndNoTrap(depth: Int) {
    for text in [String(repeating: "[", count: depth), String(repeating: "{\"a\":", count: depth)] {
      do {
        _ = try JSONReader(maximumSize: 1 << 20).value(Array(text.utf8))
        Issue.record("taken")
      } catch { #expect(error.code == "too-deep") }
    }
  }

  @Test func sizeIsBounded() {
    do {
      _ = try JSONReader(maximumSize: 10).value(Array("[1,2,3,4,5]".utf8))
      Issue.record("taken")
    } catch { #expect(error.code == "too-large") }
  }

  @Test func numbersKeepTheirDigits() {
    let text = "[70.0,2.00,1e3,-0,123456789012345678901234567890]"
    #expect(read(text)?.text == text)
    #expect(read("[9223372036854775807]")?.array?.first?.int == Int.max)
    #expect(read("[9223372036854775808]")?.array?.first?.int == nil)
  }

  @Test func everyPrefixAndEveryChangeIsAValueOrAnError() {
    let sample = Array(#"{"a":[1,-2.5e3,"x\u00e5\n",true,null,{"b":[]}],"c":"é"}"#.utf8)
    var taken = 0
    for end in 0...sample.count where (try? JSONReader().value(Array(sample[..<end]))) != nil { taken += 1 }
    #expect(taken == 1)
    for index in sample.indices {
      for octet in [UInt8(0), 0x22, 0x2C, 0x5C, 0x7B, 0x7D, 0x80, 0xFF] {
        var changed = sample
        changed[index] = octet
        _ = try? JSONReader(dialect: .configuration).value(changed)
      }
    }
  }

  @Test func whatWasWrittenIsReadBack() {
    let value: JSONValue = [
      "text": .string("tab\t quote\" back\\ nul\u{0} del\u{7F} å 𝄞"), "list": [1, true, nil, "x"], "empty": [:],
      "number": -42,
    ]
    #expect(read(value.text) == value)
    #expect(JSONValue.string("a/b").text == "\"a/b\"")
  }

  @Test func configurationsMayHaveCommentsAndTrailingCommas() {
    #expect(read("// c\n{\"a\": [1, 2,], /* d */ \"b\": {},}", .configuration) == ["a": [1, 2], "b": [:]])
    for bad in ["/* open", "{,}", "[,]", "/", "{'a':1}", "[1,,]", "NaN", "{a:1}"] {
      #expect(read(bad, .configuration) == nil)
    }
  }
}

@Suite struct PlaceTests {
  @Test func anErrorNamesLineColumnAndPath() {
    let text = "{\n  \"backends\": [\n    {\"url\": 12}\n  ]\n}"
    do {
      let top = try JSONReader(dialect: .configuration).node(Array(text.utf8)).object(known: ["backends"])
      let backend = try top.required("backends", "a list").array()[0].object(known: ["url"])
      _ = try backend.required("url", "an address").string()
      Issue.record("taken")
    } catch {
      #expect(
        error.description(file: "hearth.json") == "hearth.json:3:13: backends[0].url: expected a string, found a number"
      )
    }
  }

  @Test func anUnknownKeyGetsASuggestion() {
    do {
      _ = try JSONReader().node(Array(#"{"backend": []}"#.utf8)).object(known: ["backends", "devices"])
      Issue.record("taken")
    } catch {
      #expect(error.code == "unknown-key")
      #expect(error.message.contains("did you mean \"backends\"?"))
    }
  }
}

@Suite struct SlipTests {
  @Test(arguments: [
    ("p-7f3a", "p-7f3b"), ("p-7f3a", "p-7f3"), ("p-7f3a", "p-7f3aa"), ("p-7f3a", "p-73fa"), ("p-7f3a", "q-7f3a"),
    ("aa", "a"), ("ab", "ba"), ("aba", "abba"), ("p", ""), ("xyx", "xyyx"),
    ("P-7F3A", "p-7f3a"), ("P-7F3B", "p-7f3a"),
  ])
  func oneSlipIsOne(left: String, right: String) {
    #expect(Suggestion.isOneSlip(left, right) && Suggestion.isOneSlip(right, left))
  }

  @Test(arguments: [
    ("p-7f3a", "p-7f3a"), ("p-7f3a", "p-7e3b"), ("p-7f3a", "p-7f"), ("p-7f3a", "p-a37f"), ("abc", "cba"), ("", ""),
    ("p-1", "p-234"), ("abcd", "badc"),
  ])
  func twoSlipsAreNot(left: String, right: String) {
    #expect(!Suggestion.isOneSlip(left, right) && !Suggestion.isOneSlip(right, left))
  }

  @Test(arguments: [
    ("p-7f3a", "p-7f3b", true), ("p-7f3a", "p-7f3", true), ("kari-nordmann", "kari-nordman", true),
    ("p-9998", "p-9999", true), ("p-83920174", "p-83920175", true), ("P-1", "p-1", true),
    ("aurora-1", "auorra-1", true),
    // Counted, or too short to tell.
    ("p-1", "p-2", false), ("p-1", "p-12", false), ("home-1", "home-2", false), ("patient-007", "patient-008", false),
    ("ward-9", "ward-10", false), ("a", "b", false), ("p-7f3", "p-7f4", false), ("anna", "anne", false),
    // No slip at all.
    ("p-7f3a", "p-7f3a", false), ("p-7f3a", "p-81c2", false),
  ])
  func whatIsCountedIsNoSlip(left: String, right: String, isSlip: Bool) {
    #expect(Suggestion.isLikelySlip(left, right) == isSlip && Suggestion.isLikelySlip(right, left) == isSlip)
  }
}
