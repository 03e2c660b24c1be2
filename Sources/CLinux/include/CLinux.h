// What Swift's Glibc import misses: headers that are not in its module map, and wrappers for macros and variadic functions.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>

/// The peer of a Unix socket by the kernel's word. Returns 0, or -1 with errno.
int cl_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);

/// The peer's supplementary groups; returns how many, or -1 with errno.
int cl_peer_groups(int fd, uint32_t *groups, int capacity);

/// accept4 with SOCK_CLOEXEC | SOCK_NONBLOCK. When the process has no descriptor left, waiting connections are taken and
/// closed, so that the listener does not stay ready. One thread calls it.
int cl_accept(int fd);

/// A socket pair of SOCK_STREAM with CLOEXEC on both ends.
int cl_socketpair(int fds[2]);

/// A Unix stream socket bound to `path` and listening; CLOEXEC, not blocking. Returns the descriptor, or -1 with errno.
int cl_unix_listen(const char *path, unsigned int mode);

/// A Unix stream socket connected to `path`; CLOEXEC, blocking. Waits so long for room in the listener's queue, then EAGAIN.
/// Returns the descriptor, or -1 with errno.
int cl_unix_connect(const char *path, int milliseconds);

/// Sends one datagram to a Unix socket; a leading '@' names an abstract one. Returns 0, or -1 with errno.
int cl_unix_send(const char *path, const void *bytes, size_t count);

/// A bound Unix datagram socket, CLOEXEC: what a service manager listens on. Returns the descriptor, or -1 with errno.
int cl_unix_datagram(const char *path);

/// Takes a terminal for itself (TIOCEXCL). Returns 0, or -1 with errno.
int cl_exclusive(int fd);

/// The bits of DTR and RTS.
extern const int cl_dtr;
extern const int cl_rts;

/// Raises these of DTR and RTS, and drops the others. Returns 0, or -1 with errno (ENOTTY on a pty).
int cl_modem_lines(int fd, int raised);

/// A pseudo terminal in raw mode: the master's descriptor, the slave's path. Returns 0, or -1 with errno.
int cl_open_pty(int *master, char *path, size_t capacity);

/// The kernel's word on the wall clock: 1 synchronised, 0 not, -1 with errno when it may not be asked (a sandbox).
int cl_clock_synchronised(void);

/// A timer that is ready when somebody sets the wall clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET); its read then gives
/// ECANCELED, and it is armed anew. Returns the descriptor or 0, or -1 with errno.
int cl_watch_clock(void);

/// A page that outlives the process: it says what the calling thread is doing. When a fault of that thread ends the process
/// (SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT; not SIGKILL), the page says so. Gives in `left` (128 octets, terminated)
/// what an earlier process was doing when it ended so; empty: nothing. Returns 0, or -1 with errno. Once a process.
int cl_trace_open(const char *path, char *left);
/// The calling thread begins something with this name (cut at 111 octets). No system call, no write to a disk.
void cl_trace_begin(const char *name, size_t length);
/// It is done.
void cl_trace_end(void);
int cl_rearm_clock(int fd);

/// Capabilities that this process was given are not handed on to programs that it starts (PR_CAP_AMBIENT_CLEAR_ALL); it keeps
/// its own. Returns 0, or -1 with errno.
int cl_keep_capabilities_to_ourselves(void);

/// Starts a program with its environment; descriptor `pass` becomes 3 in the child (-1: none). Returns 0, or an errno value.
int cl_spawn(int32_t *pid, const char *path, char *const arguments[], char *const environment[], int pass);

/// The group id of a name; -1 when there is none.
int64_t cl_group_id(const char *name);

/// WIFEXITED and WEXITSTATUS, or 128 + the signal.
int cl_exit_status(int status);

/// flock(LOCK_EX | LOCK_NB). Returns 0, or -1 with errno.
int cl_lock(int fd);

/// Gives back free pieces of the heap, and the pages of program and libraries that are the files' own (their segments without write
/// permission): those that are needed come back from the page cache.
void cl_release_unused(void);
#endif
