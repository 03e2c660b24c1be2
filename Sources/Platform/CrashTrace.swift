// Which device's event the process is handling, kept where a crash of the process cannot take it away.

internal import CLinux

/// A page of memory that outlives the process. One thread uses it.
package enum CrashTrace {
  /// Opens the page, and gives what an earlier process was handling when a fault ended it; nil when it did not end so.
  /// A file system that refuses leaves the process without trace.
  package static func open(_ path: String) throws(SystemError) -> String? {
    var left = [CChar](repeating: 0, count: 128)
    let result = left.withUnsafeMutableBufferPointer { cl_trace_open(path, $0.baseAddress) }
    guard result == 0 else { throw .last("open", path: path) }
    let name = left.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
  }

  /// Something that concerns `name` is being handled.
  package static func begin(_ name: String) {
    var name = name
    name.withUTF8 { octets in
      octets.withMemoryRebound(to: CChar.self) { cl_trace_begin($0.baseAddress, $0.count) }
    }
  }

  /// It is done.
  package static func end() { cl_trace_end() }
}
