// gzip by zlib, which is there wherever libcurl is. It is opened when it is first needed, with prototypes of this file: the build
// needs no headers of it, and where it is missing requests go as they are.
#include "CCurlHook.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

/// Of zlib.h. Its layout and these numbers have been the same since zlib 1.2 and are part of libz.so.1's ABI.
enum { FINISH = 4, OK = 0, STREAM_END = 1, DEFLATED = 8, DEFAULT_STRATEGY = 0 };
/// Six is zlib's own choice; 15 bits of window, and 16 more for a gzip header and trailer (RFC 1952); nine is the fastest memory.
enum { LEVEL = 6, WINDOW_BITS = 31, MEMORY_LEVEL = 9 };

/// z_stream of zlib.h.
struct stream {
  const unsigned char *next_in;
  unsigned int avail_in;
  unsigned long total_in;
  unsigned char *next_out;
  unsigned int avail_out;
  unsigned long total_out;
  const char *msg;
  void *state;
  void *(*zalloc)(void *, unsigned int, unsigned int);
  void (*zfree)(void *, void *);
  void *opaque;
  int data_type;
  unsigned long adler, reserved;
};
_Static_assert(sizeof(struct stream) == 112, "z_stream as zlib has it where pointers and long have eight octets");

typedef const char *(*version_function)(void);
typedef int (*init_function)(struct stream *, int, int, int, int, int, const char *, int);
typedef int (*deflate_function)(struct stream *, int);
typedef int (*end_function)(struct stream *);

static struct {
  version_function version;
  init_function init;
  deflate_function deflate;
  end_function end;
} library;

bool hearth_gzip_open(const char *name) {
  // Never closed: libcurl has it open all the same.
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return false;
  library.version = (version_function)dlsym(handle, "zlibVersion");
  library.init = (init_function)dlsym(handle, "deflateInit2_");
  library.deflate = (deflate_function)dlsym(handle, "deflate");
  library.end = (end_function)dlsym(handle, "deflateEnd");
  if (library.version && library.init && library.deflate && library.end) return true;
  memset(&library, 0, sizeof library);
  return false;
}

size_t hearth_gzip(const void *octets, size_t count, void *packed, size_t capacity) {
  if (!library.init || !octets || !packed || count > INT_MAX || capacity > INT_MAX) return 0;
  struct stream stream;
  memset(&stream, 0, sizeof stream);
  if (library.init(
        &stream, LEVEL, DEFLATED, WINDOW_BITS, MEMORY_LEVEL, DEFAULT_STRATEGY, library.version(), (int)sizeof stream) != OK)
    return 0;
  stream.next_in = octets;
  stream.avail_in = (unsigned int)count;
  stream.next_out = packed;
  stream.avail_out = (unsigned int)capacity;
  // One call takes everything, or there is not room enough and it is not wanted.
  int result = library.deflate(&stream, FINISH);
  size_t length = capacity - stream.avail_out;
  library.end(&stream);
  return result == STREAM_END && length <= capacity ? length : 0;
}
