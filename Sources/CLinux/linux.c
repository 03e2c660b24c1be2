#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <grp.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int cl_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
  *uid = credentials.uid;
  *gid = credentials.gid;
  *pid = credentials.pid;
  return 0;
}

int cl_peer_groups(int fd, uint32_t *groups, int capacity) {
  socklen_t length = (socklen_t)capacity * sizeof(gid_t);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0) return -1;
  return (int)(length / sizeof(gid_t));
}

int cl_accept(int fd) {
  // One descriptor is kept in reserve (the loop's thread alone accepts): when none is left, it makes room to take the
  // connection and close it. Otherwise it would stay pending, the listener ready, and the loop would spin.
  static int reserve = -1;
  for (;;) {
    if (reserve < 0) reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) return connection;
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if ((errno != EMFILE && errno != ENFILE) || reserve < 0) return -1;
    close(reserve);
    reserve = -1;
    connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) return -1;
    close(connection);
  }
}

int cl_socketpair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds); }

static int address_of(const char *path, struct sockaddr_un *address, socklen_t *length) {
  size_t count = strlen(path);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (count == 0 || count >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address->sun_path, path, count);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count + 1);
  if (path[0] == '@') {
    address->sun_path[0] = 0;
    *length -= 1;
  }
  return 0;
}

int cl_unix_connect(const char *path, int milliseconds) {
  struct sockaddr_un address;
  socklen_t length;
  if (address_of(path, &address, &length) != 0) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (milliseconds <= 0 ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return -1;
  // Connecting waits only while the listener's queue is full, and for that the send timeout counts (unix(7), socket(7)).
  struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000}, none = {0, 0};
  int failed = milliseconds > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0;
  failed = failed || connect(fd, (struct sockaddr *)&address, length) != 0;
  if (failed) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  if (milliseconds > 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
  } else {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  }
  return fd;
}

int cl_unix_listen(const char *path, unsigned int mode) {
  struct sockaddr_un address;
  socklen_t length;
  struct stat existing;
  if (address_of(path, &address, &length) != 0) return -1;
  // A stale socket is removed only when it is a socket and nobody answers on it.
  if (lstat(path, &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      errno = EEXIST;
      return -1;
    }
    int probe = cl_unix_connect(path, 0);
    if (probe >= 0) close(probe);
    // Only a refused connection says that nobody listens; a full queue (EAGAIN) or a want of rights does not.
    if (probe >= 0 || errno != ECONNREFUSED) {
      if (probe >= 0 || errno == EAGAIN) errno = EADDRINUSE;
      return -1;
    }
    unlink(path);
  }
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  mode_t before = umask(0777 & ~mode);
  int failed = bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 64) != 0;
  int saved = errno;
  umask(before);
  if (failed) {
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

int cl_unix_send(const char *path, const void *bytes, size_t count) {
  struct sockaddr_un address;
  socklen_t length;
  if (address_of(path, &address, &length) != 0) return -1;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  ssize_t sent = sendto(fd, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
  int saved = errno;
  close(fd);
  errno = saved;
  return sent == (ssize_t)count ? 0 : -1;
}

int cl_unix_datagram(const char *path) {
  struct sockaddr_un address;
  socklen_t length;
  if (address_of(path, &address, &length) != 0) return -1;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) != 0) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

int cl_exclusive(int fd) { return ioctl(fd, TIOCEXCL); }

const int cl_dtr = TIOCM_DTR;
const int cl_rts = TIOCM_RTS;

int cl_modem_lines(int fd, int raised) {
  int lines;
  if (ioctl(fd, TIOCMGET, &lines) != 0) return -1;
  lines = (lines & ~(TIOCM_DTR | TIOCM_RTS)) | (raised & (TIOCM_DTR | TIOCM_RTS));
  return ioctl(fd, TIOCMSET, &lines);
}

int cl_open_pty(int *master, char *path, size_t capacity) {
  int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  if (grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, path, capacity) != 0) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  struct termios raw;
  if (tcgetattr(fd, &raw) == 0) {
    cfmakeraw(&raw);
    tcsetattr(fd, TCSANOW, &raw);
  }
  *master = fd;
  return 0;
}

int cl_clock_synchronised(void) {
  struct timex state = {0};
  int result = adjtimex(&state);
  if (result < 0) return -1;
  return result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int cl_watch_clock(void) {
  int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd >= 0 && cl_rearm_clock(fd) != 0) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

int cl_rearm_clock(int fd) {
  // Far away: it never expires, it is only cancelled.
  struct itimerspec far = {.it_value = {.tv_sec = (time_t)1 << 40}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

int cl_keep_capabilities_to_ourselves(void) { return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int cl_spawn(int32_t *pid, const char *path, char *const arguments[], char *const environment[], int pass) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  pid_t child;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (pass == 3) {
    // dup2 onto itself keeps CLOEXEC: go over another number.
    posix_spawn_file_actions_adddup2(&actions, 3, 63);
    posix_spawn_file_actions_adddup2(&actions, 63, 3);
    posix_spawn_file_actions_addclose(&actions, 63);
  } else if (pass >= 0) {
    posix_spawn_file_actions_adddup2(&actions, pass, 3);
  }
  // What this process itself was given by others stays with it.
  posix_spawn_file_actions_addclosefrom_np(&actions, pass >= 0 ? 4 : 3);
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int result = posix_spawn(&child, path, &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (result == 0) *pid = child;
  return result;
}

int64_t cl_group_id(const char *name) {
  // /etc/group is read directly: NSS would load shared objects into a statically linked program.
  FILE *file = fopen("/etc/group", "re");
  if (!file) return -1;
  char line[4096];
  int64_t found = -1;
  size_t length = strlen(name);
  while (found < 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, name, length) != 0 || line[length] != ':') continue;
    char *id = strchr(line + length + 1, ':');
    if (id) found = strtol(id + 1, NULL, 10);
  }
  fclose(file);
  return found;
}

int cl_exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int cl_lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

static int release(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < info->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[index];
    // A segment that can be written holds relocations or data: only the others equal their file.
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
    uintptr_t start = (info->dlpi_addr + segment->p_vaddr) / page * page;
    uintptr_t end = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) / page * page;
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void cl_release_unused(void) {
  malloc_trim(0);
  dl_iterate_phdr(release, NULL);
}
