// What a process was doing when a fault ended it: a page of a file, shared with the kernel, so that it outlives the process.
// Nothing is written to it but memory; the folder is the service manager's run-time directory, which is one of memory too.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct trace {
  char magic[8];
  volatile int32_t signal;
  volatile int32_t reserved;
  volatile char name[112];
};

static const char magic[8] = "hearthT1";
static struct trace *trace;
static pid_t thread;
static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
#define FAULTS (sizeof faults / sizeof faults[0])
static struct sigaction before[FAULTS];
static char stack[16384];

// Only stores to memory and calls that are safe in a handler.
static void ended(int number) {
  if (trace && gettid() == thread && trace->name[0]) trace->signal = number;
  for (size_t i = 0; i < FAULTS; i++)
    if (faults[i] == number) sigaction(number, &before[i], NULL);
  raise(number);
  // A handler that reports and returns has no fault to return to here.
  signal(number, SIG_DFL);
  raise(number);
}

int cl_trace_open(const char *path, char *left) {
  left[0] = 0;
  if (trace) return 0;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return -1;
  void *page = MAP_FAILED;
  if (ftruncate(fd, 4096) == 0) page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int saved = errno;
  close(fd);
  errno = saved;
  if (page == MAP_FAILED) return -1;
  struct trace *found = page;
  if (memcmp(found->magic, magic, sizeof magic) == 0 && found->signal != 0) {
    memcpy(left, (const char *)found->name, sizeof found->name);
    left[sizeof found->name - 1] = 0;
  }
  memset(page, 0, sizeof *found);
  memcpy(found->magic, magic, sizeof magic);
  trace = found;
  thread = gettid();
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action = {.sa_handler = ended, .sa_flags = SA_ONSTACK | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < FAULTS; i++) sigaction(faults[i], &action, &before[i]);
  return 0;
}

void cl_trace_begin(const char *name, size_t length) {
  if (!trace) return;
  if (length > sizeof trace->name - 1) length = sizeof trace->name - 1;
  memcpy((char *)trace->name, name, length);
  trace->name[length] = 0;
}

void cl_trace_end(void) {
  if (trace) trace->name[0] = 0;
}
