// What the operating system refused, with the operation and the place.

internal import Glibc

/// A failed call of the operating system.
package struct SystemError: Error, Sendable, Hashable {
  /// Such as `open`.
  package var operation: String
  /// The file or socket, when there is one.
  package var path: String?
  /// The error number.
  package var errno: Int32

  /// A failed call, with its error number.
  package init(_ operation: String, path: String? = nil, errno number: Int32) {
    self.operation = operation
    self.path = path
    self.errno = number
  }

  /// A failed call, with the error number that it just set.
  package static func last(_ operation: String, path: String? = nil) -> SystemError {
    SystemError(operation, path: path, errno: Glibc.errno)
  }

  /// `open /dev/ttyUSB0: Permission denied`.
  package var message: String {
    let text = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    return "\(operation)\(path.map { " \($0)" } ?? ""): \(text)"
  }
}
