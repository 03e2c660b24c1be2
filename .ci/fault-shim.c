// Makes calls on files fail, lie or kill, for .ci/fault-test: LD_PRELOAD it and say in HEARTH_FAULT which.
//
//   HEARTH_FAULT="op=fdatasync,nth=3,count=1,errno=5,path=/journal/,action=fail"
//
// op: pwrite fdatasync fsync rename unlink any, or malloc (NULL from the nth call on, whatever else is said); nth: the first call that is hit, from 1, among those whose path holds `path`;
// count: how many are hit (0: all from there on); action: fail (with errno), short (half of a write), torn (half of it, then SIGKILL),
// kill (SIGKILL before the call), killafter, lie (a sync that does nothing), slow (the call takes errno milliseconds).
// HEARTH_FAULT_OFF names a file: while it is there, nothing is hit. op=write with action=trap: a write to a terminal is a fault of
// the program (SIGSEGV). HEARTH_CLOCK names a file with seconds: so far is the wall clock behind, and not synchronised; 0: it is right.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <sys/types.h>
#include <unistd.h>

static struct { char op[16], path[256], action[16]; long nth, count, error; int ready; } fault;
static long calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void setup(void) {
  if (fault.ready) return;
  fault.ready = 1;
  const char *text = getenv("HEARTH_FAULT");
  if (!text) return;
  fault.nth = 1, fault.count = 1, fault.error = EIO;
  strcpy(fault.action, "fail");
  char copy[512];
  snprintf(copy, sizeof copy, "%s", text);
  for (char *rest = copy, *part; (part = strsep(&rest, ","));) {
    char *value = strchr(part, '=');
    if (!value) continue;
    *value++ = 0;
    if (!strcmp(part, "op")) snprintf(fault.op, sizeof fault.op, "%s", value);
    if (!strcmp(part, "path")) snprintf(fault.path, sizeof fault.path, "%s", value);
    if (!strcmp(part, "action")) snprintf(fault.action, sizeof fault.action, "%s", value);
    if (!strcmp(part, "nth")) fault.nth = atol(value);
    if (!strcmp(part, "count")) fault.count = atol(value);
    if (!strcmp(part, "errno")) fault.error = atol(value);
  }
}

// True when this call is hit.
static int hit(const char *op, int fd, const char *path) {
  setup();
  if (!fault.op[0] || (strcmp(fault.op, op) && strcmp(fault.op, "any"))) return 0;
  char name[512] = "", link[64];
  if (!path) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 2);
    if (length < 0) return 0;
    name[length] = '/', name[length + 1] = 0;
    path = name;
  }
  if (!strstr(path, fault.path) || strstr(path, "/lock")) return 0;
  const char *off = getenv("HEARTH_FAULT_OFF");
  struct stat info;
  if (off && stat(off, &info) == 0) return 0;
  pthread_mutex_lock(&lock);
  long number = ++calls;
  pthread_mutex_unlock(&lock);
  if (number < fault.nth || (fault.count && number >= fault.nth + fault.count)) return 0;
  const char *log = getenv("HEARTH_FAULT_LOG");
  if (log) {
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    char line[640];
    int length = snprintf(line, sizeof line, "%s %ld %s %s\n", op, number, fault.action, path);
    if (out >= 0) { if (write(out, line, length) < 0) {} close(out); }
  }
  if (!strcmp(fault.action, "kill")) raise(SIGKILL);
  if (!strcmp(fault.action, "slow")) { usleep(fault.error * 1000); return 0; }
  return 1;
}

static int is(const char *action) { return !strcmp(fault.action, action); }
#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t pwrite_any(ssize_t (*real)(int, const void *, size_t, off_t), int fd, const void *data, size_t size, off_t at) {
  if (!hit("pwrite", fd, 0)) return real(fd, data, size, at);
  if (is("short")) return real(fd, data, size / 2 ? size / 2 : 1, at);
  if (is("torn")) { real(fd, data, size / 2, at); raise(SIGKILL); }
  if (is("killafter")) { real(fd, data, size, at); raise(SIGKILL); }
  errno = fault.error;
  return -1;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(pwrite); return pwrite_any(real, fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { REAL(pwrite64); return pwrite_any((void *)real, fd, data, size, at); }

static int sync_any(const char *op, int (*real)(int), int fd) {
  if (!hit(op, fd, 0)) return real(fd);
  if (is("lie")) return 0;
  if (is("killafter")) { real(fd); raise(SIGKILL); }
  errno = fault.error;
  return -1;
}
int fdatasync(int fd) { REAL(fdatasync); return sync_any("fdatasync", real, fd); }
int fsync(int fd) { REAL(fsync); return sync_any("fsync", real, fd); }

int rename(const char *from, const char *to) {
  REAL(rename);
  if (!hit("rename", -1, from)) return real(from, to);
  if (is("killafter")) { real(from, to); raise(SIGKILL); }
  errno = fault.error;
  return -1;
}
int unlink(const char *path) {
  REAL(unlink);
  if (!hit("unlink", -1, path)) return real(path);
  if (is("killafter")) { real(path); raise(SIGKILL); }
  errno = fault.error;
  return -1;
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  if (fd > 2 && !strcmp(fault.ready ? fault.op : "write", "write") && isatty(fd) && hit("write", fd, 0) && is("trap")) raise(SIGSEGV);
  return real(fd, data, size);
}

// Nothing on this way may ask for memory itself.
extern void *__libc_malloc(size_t size);
void *malloc(size_t size) {
  if (!environ) return __libc_malloc(size);
  setup();
  if (strcmp(fault.op, "malloc") || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) < fault.nth) return __libc_malloc(size);
  errno = ENOMEM;
  return NULL;
}

static int clock_behind(long *seconds) {
  const char *name = getenv("HEARTH_CLOCK");
  if (!name) return 0;
  FILE *file = fopen(name, "re");
  *seconds = 0;
  if (file && fscanf(file, "%ld", seconds) != 1) *seconds = 0;
  if (file) fclose(file);
  return 1;
}
int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  long behind;
  if (clock == CLOCK_REALTIME && clock_behind(&behind)) time->tv_sec -= behind;
  return result;
}
int adjtimex(struct timex *state) {
  REAL(adjtimex);
  long behind;
  if (!clock_behind(&behind)) return real(state);
  state->status = behind ? STA_UNSYNC : 0;
  return behind ? TIME_ERROR : TIME_OK;
}
