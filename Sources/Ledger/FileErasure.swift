// What was found of an erased patient in the files of a directory backend, and what became of it.

/// The files of one directory backend after an erasure.
package struct FileErasure: Sendable, Hashable {
  /// A file that could not be read or written anew.
  package struct Left: Sendable, Hashable {
    /// Its name in the folder; empty for the folder itself.
    package var file: String
    /// The call that failed, and why.
    package var reason: String
    /// A file that stays as it was.
    package init(file: String, reason: String) {
      self.file = file
      self.reason = reason
    }
  }

  /// The backend's name.
  package var backend: String
  /// Its folder.
  package var folder: String
  /// How many files hold lines of the patient.
  package var files = 0
  /// How many lines those are.
  package var lines = 0
  /// How many files were written anew without them.
  package var rewritten = 0
  /// How many lines are gone.
  package var removed = 0
  /// What could not be done.
  package var left: [Left] = []

  /// Nothing was found yet.
  package init(backend: String, folder: String) {
    self.backend = backend
    self.folder = folder
  }
}
