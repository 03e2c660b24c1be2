// The TLS options that URLSession on Linux does not offer: a private authority, a client certificate, a least version of TLS,
// and proxies switched off. This target defines `curl_easy_init`, so that every handle URLSession makes passes through here,
// and calls libcurl's own; likewise `curl_easy_setopt` and `curl_multi_setopt`, for callbacks of URLSession that do not do what
// they say, and `curl_url_get`, for IPv6 addresses. A dynamically linked program must export the symbols (see Package.swift), or
// they are never called: hence the counter, which has to have moved before anything is sent.
#ifndef CCURLHOOK_H
#define CCURLHOOK_H

#include <stdbool.h>
#include <stddef.h>

/// One PEM text: a file's path, or octets, or (both NULL) nothing.
typedef struct {
  const char *_Nullable path;
  const void *_Nullable octets;
  size_t count;
} hearth_pem;

/// Puts the options in force for every handle of this process. Works once, before the first handle; copies what it is given.
/// Authorities, when given, replace the system's. Returns false when it was called before or memory is short.
bool hearth_curl_configure(hearth_pem authorities, hearth_pem certificate, hearth_pem key, bool allow_proxies);

/// How many handles got every option.
unsigned long hearth_curl_handles(void);

/// Whether a handle was asked for that could not be given every option; it was refused.
bool hearth_curl_failed(void);

/// Opens zlib by the name of its library; false when it is not there or has not what is needed. To be called from one thread, and
/// before `hearth_gzip`.
bool hearth_gzip_open(const char *_Nonnull name);

/// Writes `count` octets as one gzip member (RFC 1952) into `packed`; returns its length. 0: they need more than `capacity`, or there
/// is no library. The same octets always give the same member: no time and no name stand in it.
size_t hearth_gzip(const void *_Nonnull octets, size_t count, void *_Nonnull packed, size_t capacity);

#endif
