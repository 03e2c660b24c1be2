// Ctrl-C and its like as something to wait for (signalfd(2)), for verbs that have something to put in order before they end.

import CLinux
import Glibc

enum Signals {
  /// From now on SIGINT, SIGTERM and SIGHUP end nothing by themselves; gives a descriptor that is readable when one came,
  /// or -1 when the kernel refuses.
  static func hold() -> Int32 {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    guard sigprocmask(SIG_BLOCK, &set, nil) == 0 else { return -1 }
    return signalfd(-1, &set, Int32(SFD_CLOEXEC))
  }
}
