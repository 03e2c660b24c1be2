// Every remark, every quality of a time and every event has words of its own in each language.

import Monitoring
import Readings
import Testing

@testable import Reports

@Suite struct WordTests {
  @Test func everyRemarkHasWordsInEachLanguage() {
    let (nb, nn, en) = (Words(.bokmal), Words(.nynorsk), Words(.english))
    for flag in ReadingFlag.allCases {
      let english = en.flag(flag)
      for text in [nb.flag(flag), nn.flag(flag)] {
        #expect(!text.isEmpty && text != english && text != flag.rawValue, "\(flag)")
        #expect(text != flag.rawValue.split(separator: "-").joined(separator: " "), "\(flag)")
      }
      #expect(!english.contains("-"), "\(flag)")
    }
    for quality in TimeQuality.allCases {
      for words in [nb, nn] {
        #expect(words.timeQuality(quality) != en.timeQuality(quality), "\(quality)")
        #expect(words.timeQuality(quality) != quality.rawValue, "\(quality)")
      }
    }
    for kind in MonitoringEvent.Kind.allCases {
      let mark = PatientHistory.Mark(time: 0, rule: "r", kind: kind, zone: .yellow)
      #expect(nb.event(mark) != en.event(mark) && nn.event(mark) != en.event(mark), "\(kind)")
    }
  }
}
