#define _GNU_SOURCE
#include "CBlueZ.h"
#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <bluetooth/l2cap.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATT_CID 4

static int fail(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

int cb_open_management(void) {
  int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);
  if (fd < 0) return -1;
  struct sockaddr_hci address = {
      .hci_family = AF_BLUETOOTH, .hci_dev = HCI_DEV_NONE, .hci_channel = HCI_CHANNEL_CONTROL};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail(fd);
  return fd;
}

int cb_set_security(int fd, uint8_t level) {
  struct bt_security security = {.level = level};
  return setsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &security, sizeof security);
}

int cb_get_security(int fd) {
  struct bt_security security = {0};
  socklen_t length = sizeof security;
  if (getsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &security, &length) != 0) return -1;
  // The level is what was asked for; only a key tells that it is so.
  return security.key_size > 0 ? security.level : BT_SECURITY_LOW;
}

int cb_connect_att(const uint8_t adapter[6], const uint8_t peer[6], uint8_t peer_type) {
  int fd = socket(AF_BLUETOOTH, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_L2CAP);
  if (fd < 0) return -1;
  struct sockaddr_l2 own = {
      .l2_family = AF_BLUETOOTH, .l2_cid = htobs(ATT_CID), .l2_bdaddr_type = BDADDR_LE_PUBLIC};
  memcpy(&own.l2_bdaddr, adapter, 6);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) return fail(fd);
  // Low at first: raising it later keeps clear of a kernel fault in closing a link that failed to become secure.
  if (cb_set_security(fd, BT_SECURITY_LOW) != 0) return fail(fd);
  struct sockaddr_l2 other = {.l2_family = AF_BLUETOOTH, .l2_cid = htobs(ATT_CID), .l2_bdaddr_type = peer_type};
  memcpy(&other.l2_bdaddr, peer, 6);
  if (connect(fd, (struct sockaddr *)&other, sizeof other) != 0 && errno != EINPROGRESS && errno != EAGAIN)
    return fail(fd);
  return fd;
}

int cb_pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}
