// The interposed curl_easy_init and curl_easy_setopt. The option numbers are libcurl's stable ABI (include/curl/curl.h, 7.77 and
// later); its headers are not needed.
#define _GNU_SOURCE
#include "CCurlHook.h"

#include <dlfcn.h>
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

/// Stands before libcurl's own, to keep one option from it. libcurl sends a request again by itself when a kept connection is dead, and
/// asks for the body from its beginning. URLSession answers that it did so and does not: the new connection would wait for octets
/// that never come until the deadline. Without that callback libcurl gives up at once, and the daemon sends the batch again.
__attribute__((visibility("default"))) int curl_easy_setopt(void *handle, int option, ...) {
  static _Atomic(setopt_function) known;
  setopt_function real = atomic_load(&known);
  if (!real) {
    real = (setopt_function)dlsym(RTLD_NEXT, "curl_easy_setopt");
    if (!real) return FAILED_INIT;
    atomic_store(&known, real);
  }
  va_list rest;
  va_start(rest, option);
  void *value = va_arg(rest, void *);
  va_end(rest);
  return real(handle, option, option == OPTION_SEEKFUNCTION ? NULL : value);
}
