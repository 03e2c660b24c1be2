// The interposed curl_easy_init, curl_easy_setopt, curl_multi_setopt and curl_url_get. The option numbers are libcurl's stable ABI
// (include/curl/curl.h, 7.77 and later); its headers are not needed.
#define _GNU_SOURCE
#include "CCurlHook.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPTION_SSLVERSION = 32,
  OPTION_PROXY = 10004,
  OPTION_SSLCERT = 10025,
  OPTION_CAINFO = 10065,
  OPTION_SSLKEY = 10087,
  OPTION_CAPATH = 10097,
  OPTION_MAXAGE_CONN = 288,
  OPTION_SEEKFUNCTION = 20167,
  OPTION_HEADERFUNCTION = 20079,
  MULTI_OPTION_SOCKETFUNCTION = 20001,
  OPTION_SSLCERT_BLOB = 40291,
  OPTION_SSLKEY_BLOB = 40292,
  OPTION_CAINFO_BLOB = 40309,
};
enum { TLS_1_2_OR_LATER = 6, FAILED_INIT = 2 };
/// A connection that was idle for longer, in seconds, is not used again: many servers close theirs after five, perhaps just then.
enum { LONGEST_IDLE = 4 };

/// struct curl_blob of curl/easy.h.
struct blob {
  void *data;
  size_t len;
  unsigned int flags;
};

typedef void *(*init_function)(void);
typedef int (*setopt_function)(void *, int, ...);
typedef void (*cleanup_function)(void *);

/// What is in force. Written once, before the first handle.
static struct {
  hearth_pem authorities, certificate, key;
  bool allow_proxies;
} profile;
static atomic_bool configured;
static atomic_bool failed;
static atomic_ulong handles;

static bool copy(hearth_pem from, hearth_pem *to) {
  memset(to, 0, sizeof *to);
  if (from.path) return (to->path = strdup(from.path)) != NULL;
  if (!from.octets) return true;
  void *octets = malloc(from.count ? from.count : 1);
  if (!octets) return false;
  memcpy(octets, from.octets, from.count);
  to->octets = octets;
  to->count = from.count;
  return true;
}

bool hearth_curl_configure(hearth_pem authorities, hearth_pem certificate, hearth_pem key, bool allow_proxies) {
  if (atomic_load(&configured) || atomic_load(&handles)) return false;
  if (!copy(authorities, &profile.authorities) || !copy(certificate, &profile.certificate) || !copy(key, &profile.key))
    return false;
  profile.allow_proxies = allow_proxies;
  atomic_store(&configured, true);
  return true;
}

unsigned long hearth_curl_handles(void) { return atomic_load(&handles); }

bool hearth_curl_failed(void) { return atomic_load(&failed); }

static bool is_given(hearth_pem pem) { return pem.path || pem.octets; }

/// Sets one PEM by path or by octets. libcurl keeps the pointer only (flag 0): the copy of `profile` lives for ever.
static bool set(setopt_function setopt, void *handle, hearth_pem pem, int by_path, int by_octets) {
  if (pem.path) return setopt(handle, by_path, pem.path) == 0;
  if (!pem.octets) return true;
  struct blob blob = {(void *)pem.octets, pem.count, 0};
  return setopt(handle, by_octets, &blob) == 0;
}

static bool equip(setopt_function setopt, void *handle) {
  if (setopt(handle, OPTION_SSLVERSION, (long)TLS_1_2_OR_LATER) != 0) return false;
  setopt(handle, OPTION_MAXAGE_CONN, (long)LONGEST_IDLE);
  // An empty proxy is none, whatever the environment says.
  if (!profile.allow_proxies && setopt(handle, OPTION_PROXY, "") != 0) return false;
  if (is_given(profile.authorities)) {
    // Debian's libcurl also trusts a folder by default: without this the system's authorities would still count.
    if (setopt(handle, OPTION_CAINFO, NULL) != 0 || setopt(handle, OPTION_CAPATH, NULL) != 0) return false;
    if (!set(setopt, handle, profile.authorities, OPTION_CAINFO, OPTION_CAINFO_BLOB)) return false;
  }
  return set(setopt, handle, profile.certificate, OPTION_SSLCERT, OPTION_SSLCERT_BLOB) &&
         set(setopt, handle, profile.key, OPTION_SSLKEY, OPTION_SSLKEY_BLOB);
}

/// Stands before libcurl's own. Gives no handle at all rather than one without the options.
__attribute__((visibility("default"))) void *curl_easy_init(void) {
  init_function init = (init_function)dlsym(RTLD_NEXT, "curl_easy_init");
  setopt_function setopt = (setopt_function)dlsym(RTLD_NEXT, "curl_easy_setopt");
  cleanup_function cleanup = (cleanup_function)dlsym(RTLD_NEXT, "curl_easy_cleanup");
  if (!init || !setopt || !cleanup || !atomic_load(&configured)) {
    atomic_store(&failed, true);
    return NULL;
  }
  void *handle = init();
  if (!handle) return NULL;
  if (!equip(setopt, handle)) {
    atomic_store(&failed, true);
    cleanup(handle);
    return NULL;
  }
  atomic_fetch_add(&handles, 1);
  return handle;
}

_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "every option's value is as wide as a pointer");

/// The function of libcurl that one of this file stands before, looked up once; NULL when there is none.
static setopt_function libcurls_own(_Atomic(setopt_function) *known, const char *name) {
  setopt_function real = atomic_load(known);
  if (!real) {
    real = (setopt_function)dlsym(RTLD_NEXT, name);
    atomic_store(known, real);
  }
  return real;
}

// MARK: Header lines

typedef size_t (*header_function)(char *, size_t, size_t, void *);

static _Atomic(header_function) take_header;

/// The heads that are being read, by the pointer that URLSession gives libcurl for each handle. A full table forgets the oldest: its
/// lines are passed on as they come.
static struct {
  void *owner;
  bool is_final, has_ended;
} heads[256];
static unsigned next_head;
static pthread_mutex_t heads_lock = PTHREAD_MUTEX_INITIALIZER;

/// Whether a line comes after the end of the final head: a trailer field (RFC 9110, 6.5).
static bool is_trailer(const char *line, size_t length, void *owner) {
  bool begins = length >= 5 && memcmp(line, "HTTP/", 5) == 0;
  bool ends = length > 0 && length <= 2 && line[length - 1] == '\n' && (length == 1 || line[0] == '\r');
  bool found = false;
  pthread_mutex_lock(&heads_lock);
  unsigned count = sizeof heads / sizeof *heads, place = 0;
  while (place < count && heads[place].owner != owner) place += 1;
  if (place == count && begins) {
    place = next_head;
    next_head = (next_head + 1) % count;
    heads[place].owner = owner;
  }
  if (place < count) {
    if (begins) {
      // Of `HTTP/1.1 100 Continue` and other heads with 1xx another head follows.
      const char *space = memchr(line, ' ', length);
      heads[place].is_final = !space || (size_t)(space - line) + 1 >= length || space[1] != '1';
      heads[place].has_ended = false;
    } else if (heads[place].has_ended) {
      found = true;
    } else if (ends) {
      heads[place].has_ended = heads[place].is_final;
    }
  }
  pthread_mutex_unlock(&heads_lock);
  return found;
}

/// Keeps trailer fields from URLSession. libcurl gives them to the same callback as header fields; URLSession takes them for a new head,
/// finds no response for it and ends the process ("Transfer completed, but there's no response", NativeProtocol.swift of Swift 6.3.1).
static size_t header_without_trailers(char *line, size_t size, size_t count, void *owner) {
  size_t length = size * count;
  header_function real = atomic_load(&take_header);
  if (!real || is_trailer(line, length, owner)) return length;
  return real(line, size, count, owner);
}

/// Stands before libcurl's own, for two options. libcurl sends a request again by itself when a kept connection is dead, and asks for
/// the body from its beginning. URLSession answers that it did so and does not: the new connection would wait for octets that never
/// come until the deadline. Without that callback libcurl gives up at once, and the daemon sends the batch again. The callback for
/// header lines gets no trailers.
__attribute__((visibility("default"))) int curl_easy_setopt(void *handle, int option, ...) {
  static _Atomic(setopt_function) known;
  setopt_function real = libcurls_own(&known, "curl_easy_setopt");
  if (!real) return FAILED_INIT;
  va_list rest;
  va_start(rest, option);
  void *value = va_arg(rest, void *);
  va_end(rest);
  if (option == OPTION_SEEKFUNCTION) value = NULL;
  if (option == OPTION_HEADERFUNCTION && value) {
    atomic_store(&take_header, (header_function)value);
    value = (void *)header_without_trailers;
  }
  return real(handle, option, value);
}

// MARK: Sockets

typedef int (*socket_function)(void *, int, int, void *, void *);

/// What libcurl wants of a socket (curl/multi.h).
enum { POLL_IN = 1, POLL_OUT = 2, POLL_INOUT = 3, POLL_REMOVE = 4 };

static _Atomic(socket_function) watch_socket;
/// What was wanted last of each socket. Beyond it sockets are watched as URLSession does by itself.
static _Atomic unsigned char wanted[4096];

/// Has URLSession forget a socket that it watches for writing before it watches it for reading alone. By itself it adds the source for
/// reading and keeps the one for writing (Swift 6.3.1): the socket can always be written, so a processor core burns until the answer
/// comes. A source that is made anew is one of what is wanted now.
static int watch_only_what_is_wanted(void *easy, int fd, int what, void *owner, void *sources) {
  socket_function real = atomic_load(&watch_socket);
  if (!real) return 0;
  if (fd >= 0 && fd < (int)(sizeof wanted / sizeof *wanted)) {
    int before = atomic_exchange(&wanted[fd], (unsigned char)(what == POLL_REMOVE ? 0 : what));
    if (what == POLL_IN && sources && (before == POLL_OUT || before == POLL_INOUT)) {
      int result = real(easy, fd, POLL_REMOVE, owner, sources);
      if (result != 0) return result;
      // What stood behind the pointer is gone with it.
      sources = NULL;
    }
  }
  return real(easy, fd, what, owner, sources);
}

/// Stands before libcurl's own, to stand before the callback for sockets.
__attribute__((visibility("default"))) int curl_multi_setopt(void *handle, int option, ...) {
  static _Atomic(setopt_function) known;
  setopt_function real = libcurls_own(&known, "curl_multi_setopt");
  if (!real) return FAILED_INIT;
  va_list rest;
  va_start(rest, option);
  void *value = va_arg(rest, void *);
  va_end(rest);
  if (option == MULTI_OPTION_SOCKETFUNCTION && value) {
    atomic_store(&watch_socket, (socket_function)value);
    value = (void *)watch_only_what_is_wanted;
  }
  return real(handle, option, value);
}

// MARK: Hosts

typedef int (*url_get_function)(const void *, int, char **, unsigned int);

/// Of CURLUPart and CURLUcode (curl/urlapi.h).
enum { PART_HOST = 5, BAD_HANDLE = 1 };

/// Whether an address of code lies in the same library as another one.
static bool is_in_library_of(const void *address, const void *other) {
  Dl_info one, two;
  return dladdr(address, &one) && dladdr(other, &two) && one.dli_fbase == two.dli_fbase;
}

/// Stands before libcurl's own, to give URLSession an IPv6 address without its brackets. URLSession compares the host that libcurl finds
/// in a URL with the one that it finds itself. libcurl's has the brackets and `URL.host` has not, so every such URL was refused as bad
/// (NSURLErrorBadURL, Swift 6.3.1). libcurl calls this function too, and knows an IPv6 address by its brackets: what it asks for itself
/// stays as it is.
__attribute__((visibility("default"), noinline)) int curl_url_get(const void *url, int part, char **text, unsigned int flags) {
  static _Atomic(url_get_function) known;
  url_get_function real = atomic_load(&known);
  if (!real) {
    real = (url_get_function)dlsym(RTLD_NEXT, "curl_url_get");
    if (!real) return BAD_HANDLE;
    atomic_store(&known, real);
  }
  const void *caller = __builtin_return_address(0);
  int result = real(url, part, text, flags);
  if (result != 0 || part != PART_HOST || !text || !*text || is_in_library_of(caller, (const void *)real)) return result;
  size_t length = strlen(*text);
  if (length > 2 && (*text)[0] == '[' && (*text)[length - 1] == ']') {
    memmove(*text, *text + 1, length - 2);
    (*text)[length - 2] = 0;
  }
  return result;
}
