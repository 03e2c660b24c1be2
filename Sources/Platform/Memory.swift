// The memory of a process that waits most of its life.

internal import CLinux

/// What a waiting process can give back.
package enum Memory {
  /// Gives back what is not needed while the process waits: free pieces of the heap, and pages of the program's own code. The kernel
  /// keeps the code in its page cache and gives each page back when it is run again, so nothing is read from the disk while there is
  /// room; a page fault is all that it costs.
  package static func release() { cl_release_unused() }
}
