// The memory of a process that waits most of its life.

internal import CLinux

/// What a waiting process can give back.
package enum Memory {
  /// Gives back pages of the program itself that only its start needed; they come back when they are needed again.
  package static func releaseStart() { cl_release_clean_pages() }
}
