// The kernel's Bluetooth sockets (Debian's libbluetooth-dev has their addresses; Swift cannot fill them in by itself).
#ifndef CBLUEZ_H
#define CBLUEZ_H
#include <stdint.h>

/// A raw socket on the management channel, not blocking, CLOEXEC: one packet a read or write. -1 with errno: EPERM without
/// CAP_NET_ADMIN, EAFNOSUPPORT without Bluetooth in the kernel.
int cb_open_management(void);

/// A sequential-packet socket for ATT (L2CAP CID 4), not blocking, CLOEXEC, from a controller's address to a device's; it begins
/// to connect at low security. Addresses in the order of the wire; types 1 public, 2 random. -1 with errno.
int cb_connect_att(const uint8_t adapter[6], const uint8_t peer[6], uint8_t peer_type);

/// Asks for a security level: 2 encrypted, 3 authenticated. 0, or -1 with errno (EINVAL when it is reached already).
int cb_set_security(int fd, uint8_t level);

/// The level that is reached (1 without encryption), or -1 with errno.
int cb_get_security(int fd);

/// The pending error of a socket (SO_ERROR), as an errno value.
int cb_pending_error(int fd);
#endif
