// A time zone from the system's database, and the place in a configuration or plan that names one which is not there.

import JSON
import ZoneFiles
import Zones

enum ZoneFile {
  static func read(_ name: String) throws(SettingsFault) -> TimeZoneRules {
    do throws(ZoneError) { return try ZoneDatabase.rules(of: name) } catch { throw SettingsFault(error.message) }
  }

  /// What is wrong with a zone of this name; nil when the machine knows it.
  static func fault(_ name: String) -> String? {
    do throws(SettingsFault) {
      _ = try read(name)
      return nil
    } catch { return error.message }
  }

  /// The fault of a zone with the place where the text of a configuration or of a plan first names it. The readers of
  /// both know only how a zone's name looks; which ones there are is the disk's to say.
  /// The log names the file by `logged`.
  static func placed(
    _ fault: SettingsFault, _ name: String, _ text: [UInt8], _ file: String, logged: String
  ) -> SettingsFault {
    guard let top = try? JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text),
      let members = try? JSONMembers(top)
    else { return fault }
    let owners = [members["hub"]].compactMap(\.self) + ((try? members["devices"]?.array()) ?? [])
    let nodes = [members["timezone"]] + owners.map { owner in (try? JSONMembers(owner))?["timezone"] }
    guard let node = nodes.compactMap(\.self).first(where: { $0.content == .string(name) }) else { return fault }
    let error = node.error("invalid-value", fault.message)
    return SettingsFault(plan: error.description(file: file), logged: error.description(file: logged))
  }
}
