#!/usr/bin/python3
"""Drives the kernel's Bluetooth as hearthd does: mgmt control socket for
the controller, discovery and pairing, L2CAP sockets on CID 4 for ATT. Needs
root (CAP_NET_ADMIN) and no library: bind() and connect() go through libc,
since Python's own address tuples have no room for the channel, the CID and
the address type.

    probe.py info
    probe.py scan [SECONDS]
    probe.py read ADDRESS TYPE [--security N] [--keys FILE] [--connect-timeout S] [--cycle]
    probe.py pair ADDRESS TYPE [--io N] [--passkey N] [--keys FILE]
    probe.py auto ADDRESS TYPE --flow add2|add0|connect [--seconds S] [--security N] [--keys FILE]

TYPE: public or random. FILE keeps long term keys between runs (JSON).
"""
import argparse
import ctypes
import errno
import json
import os
import select
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
AF_BLUETOOTH, BTPROTO_L2CAP, BTPROTO_HCI = 31, 0, 1
SOL_BLUETOOTH, BT_SECURITY, BT_SNDMTU, BT_RCVMTU = 274, 4, 12, 13
HCI_DEV_NONE, HCI_CHANNEL_CONTROL = 0xFFFF, 3
ATT_CID = 4
BDADDR_LE = {'public': 1, 'random': 2}
START = time.monotonic()

COMMANDS = {
    0x0001: 'Read Version', 0x0003: 'Read Index List', 0x0004: 'Read Info', 0x0005: 'Set Powered',
    0x0007: 'Set Connectable', 0x0009: 'Set Bondable', 0x000D: 'Set LE', 0x0012: 'Load Link Keys',
    0x0013: 'Load Long Term Keys', 0x0014: 'Disconnect', 0x0015: 'Get Connections', 0x0018: 'Set IO Capability',
    0x0019: 'Pair Device', 0x001A: 'Cancel Pair Device', 0x001B: 'Unpair Device', 0x001C: 'User Confirm Reply',
    0x001D: 'User Confirm Negative Reply', 0x001E: 'User Passkey Reply', 0x001F: 'User Passkey Negative Reply',
    0x0023: 'Start Discovery', 0x0024: 'Stop Discovery', 0x002C: 'Set Scan Parameters',
    0x002D: 'Set Secure Connections', 0x0030: 'Load IRKs', 0x0033: 'Add Device', 0x0034: 'Remove Device',
    0x003A: 'Start Service Discovery', 0x0042: 'Read Extended Info',
}
EVENTS = {
    0x0001: 'Command Complete', 0x0002: 'Command Status', 0x0003: 'Controller Error', 0x0004: 'Index Added',
    0x0005: 'Index Removed', 0x0006: 'New Settings', 0x0008: 'Local Name Changed', 0x0009: 'New Link Key',
    0x000A: 'New Long Term Key', 0x000B: 'Device Connected', 0x000C: 'Device Disconnected',
    0x000D: 'Connect Failed', 0x000E: 'PIN Code Request', 0x000F: 'User Confirmation Request',
    0x0010: 'User Passkey Request', 0x0011: 'Authentication Failed', 0x0012: 'Device Found', 0x0013: 'Discovering',
    0x0016: 'Device Unpaired', 0x0017: 'Passkey Notify', 0x0018: 'New IRK', 0x0019: 'New CSRK',
    0x001A: 'Device Added', 0x001B: 'Device Removed', 0x001C: 'New Connection Parameter',
    0x0025: 'Extended Info Changed', 0x002A: 'Device Flags Changed',
}


def say(*words):
    print('%8.3f' % (time.monotonic() - START), *words, flush=True)


def bdaddr(text):
    return bytes(reversed(bytes.fromhex(text.replace(':', ''))))


def text(raw):
    return ':'.join('%02X' % b for b in reversed(raw[:6]))


def raw_call(call, sock, address):
    if call(sock.fileno(), address, len(address)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


class MgmtError(Exception):
    pass


class Mgmt:
    def __init__(self, keys=None):
        self.sock = socket.socket(AF_BLUETOOTH, socket.SOCK_RAW | socket.SOCK_CLOEXEC, BTPROTO_HCI)
        # struct sockaddr_hci: family, device, channel
        raw_call(libc.bind, self.sock, struct.pack('<HHH', AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_CONTROL))
        self.index = 0
        self.keys_file = keys
        self.keys = {'ltk': [], 'irk': []}
        if keys and os.path.exists(keys):
            self.keys = json.load(open(keys))
        self.passkey = None
        self.log = []
        self.found = {}

    def send(self, opcode, data=b'', index=None):
        index = self.index if index is None else index
        say('-> %s (0x%04X) index %d: %s' % (COMMANDS.get(opcode, '?'), opcode, index, data.hex()))
        self.sock.send(struct.pack('<HHH', opcode, index, len(data)) + data)

    def call(self, opcode, data=b'', index=None, timeout=30):
        """Send a command, handle events until its own Complete or Status."""
        self.send(opcode, data, index)
        end = time.monotonic() + timeout
        while True:
            got = self.next(end - time.monotonic())
            if got is None:
                raise MgmtError('%s: no answer in %g s' % (COMMANDS.get(opcode), timeout))
            event, _, body = got
            if event in (1, 2) and struct.unpack_from('<H', body)[0] == opcode:
                if body[2]:
                    raise MgmtError('%s: status 0x%02X' % (COMMANDS.get(opcode), body[2]))
                return body[3:]

    def next(self, timeout):
        if not select.select([self.sock], [], [], max(0, timeout))[0]:
            return None
        packet = self.sock.recv(65536)
        event, index, length = struct.unpack_from('<HHH', packet)
        body = packet[6:6 + length]
        self.show(event, index, body)
        self.react(event, body)
        self.log.append((event, body))
        return event, index, body

    def show(self, event, index, body):
        name = EVENTS.get(event, 'event 0x%04X' % event)
        if event in (1, 2):
            opcode, status = struct.unpack_from('<HB', body)
            more = '%s status 0x%02X %s' % (COMMANDS.get(opcode, hex(opcode)), status, body[3:][:60].hex())
        elif event == 6:
            more = 'settings 0x%08X' % struct.unpack('<I', body)
        elif event == 0x12:
            rssi, flags, length = struct.unpack_from('<bIH', body, 7)
            more = '%s type %d rssi %d flags 0x%X eir %s' % (text(body), body[6], rssi, flags, body[14:14 + length].hex())
        elif event in (0xB,):
            flags, length = struct.unpack_from('<IH', body, 7)
            more = '%s type %d flags 0x%X eir %s' % (text(body), body[6], flags, body[13:13 + length].hex())
        elif event in (0xC, 0xD, 0x11, 0x1A):
            more = '%s type %d %s 0x%02X' % (text(body), body[6], {0xC: 'reason', 0x1A: 'action'}.get(event, 'status'), body[7])
        elif event == 0xA:
            more = 'store %d %s type %d key_type %d central %d size %d ediv %d rand %s key %s' % (
                body[0], text(body[1:]), body[7], body[8], body[9], body[10], *struct.unpack_from('<H', body, 11),
                body[13:21].hex(), body[21:37].hex())
        elif event == 0x18:
            more = 'store %d rpa %s identity %s type %d irk %s' % (
                body[0], text(body[1:]), text(body[7:]), body[13], body[14:30].hex())
        else:
            more = body[:80].hex()
        say('<- %s (0x%04X) index %d: %s' % (name, event, index, more))

    def react(self, event, body):
        """What a pairing agent and a key store must do."""
        if event == 0x0A and body[0]:
            peer = body[1:8].hex()
            # One entry for each address, key type and role.
            self.keys['ltk'] = [k for k in self.keys['ltk']
                                if not (k[:14] == peer and k[14:18] == body[8:10].hex())] + [body[1:37].hex()]
            self.save()
        elif event == 0x18 and body[0]:
            peer = body[7:14].hex()
            self.keys['irk'] = [k for k in self.keys['irk'] if k[:14] != peer] + [body[7:30].hex()]
            self.save()
        elif event == 0x0F:
            hint, value = struct.unpack_from('<BI', body, 7)
            say('   confirm %06d? (hint %d) yes' % (value, hint))
            self.send(0x001C, body[:7])
        elif event == 0x10:
            say('   passkey wanted: %06d' % self.passkey)
            self.send(0x001E, body[:7] + struct.pack('<I', self.passkey))
        elif event == 0x17:
            say('   type on the device: %06d (entered %d)' % struct.unpack_from('<IB', body, 7))
        elif event == 0x12:
            self.found[body[:7]] = body

    def save(self):
        if self.keys_file:
            json.dump(self.keys, open(self.keys_file, 'w'), indent=1)

    def wait_for(self, wanted, timeout, test=lambda body: True):
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            got = self.next(left)
            if got and got[0] == wanted and test(got[2]):
                return got[2]
        return None

    def load_keys(self):
        ltk, irk = self.keys['ltk'], self.keys['irk']
        self.call(0x0030, struct.pack('<H', len(irk)) + b''.join(map(bytes.fromhex, irk)))
        self.call(0x0013, struct.pack('<H', len(ltk)) + b''.join(map(bytes.fromhex, ltk)))

    def up(self, cycle=False):
        """Settings and keys first, then power."""
        version, revision = struct.unpack('<BH', self.call(0x0001, index=0xFFFF))
        say('   mgmt %d.%d' % (version, revision))
        # The kernel lists a controller only once it knows what it can.
        for _ in range(20):
            reply = self.call(0x0003, index=0xFFFF)
            indexes = struct.unpack_from('<%dH' % struct.unpack_from('<H', reply)[0], reply, 2)
            if indexes:
                break
            time.sleep(0.5)
        say('   controllers: %s' % (indexes,))
        self.index = indexes[0]
        info = self.call(0x0004)
        supported, current = struct.unpack_from('<II', info, 9)
        say('   address %s version %d supported 0x%08X current 0x%08X' % (text(info), info[6], supported, current))
        if cycle and current & 1:
            self.call(0x0005, b'\0')
            current &= ~1
        self.call(0x000D, b'\1')
        if supported & 1 << 11:
            self.call(0x002D, b'\1')
        self.call(0x0009, b'\1')
        self.load_keys()
        if not current & 1:
            self.call(0x0005, b'\1')
        return info

    def pair(self, peer, io, passkey, timeout=60):
        self.passkey = passkey
        self.call(0x0018, bytes([io]))
        self.call(0x0019, peer + bytes([io]), timeout=timeout)

    def drain(self, seconds=0.3):
        while self.next(seconds):
            pass


class Att:
    """ATT over an L2CAP socket: SOCK_SEQPACKET, one PDU a read or write."""

    def __init__(self, peer, kind, security=1, timeout=30, mgmt=None):
        self.mgmt = mgmt
        self.sock = socket.socket(AF_BLUETOOTH, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
                                  BTPROTO_L2CAP)
        # struct sockaddr_l2: family, psm, bdaddr[6], cid, bdaddr_type, padding
        self.pack = lambda address, kind: struct.pack('<HH6sHBx', AF_BLUETOOTH, 0, address, ATT_CID, kind)
        raw_call(libc.bind, self.sock, self.pack(bytes(6), 1))
        # struct bt_security: level, key size
        self.sock.setsockopt(SOL_BLUETOOTH, BT_SECURITY, struct.pack('BB', security, 0))
        start = time.monotonic()
        try:
            raw_call(libc.connect, self.sock, self.pack(peer, kind))
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        if mgmt:
            poll.register(mgmt.sock, select.POLLIN)
        while True:
            left = timeout - (time.monotonic() - start)
            if left <= 0:
                self.sock.close()
                raise TimeoutError('connect: no answer in %g s' % timeout)
            for fd, _ in poll.poll(left * 1000):
                if mgmt and fd == mgmt.sock.fileno():
                    mgmt.next(0)
                else:
                    code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    took = time.monotonic() - start
                    if code:
                        raise OSError(code, os.strerror(code) + ' after %.2f s' % took)
                    say('   L2CAP connected after %.2f s, security %s' % (took, self.security()))
                    self.sock.setblocking(True)
                    self.mtu = 23
                    return

    def security(self, level=None):
        if level is not None:
            self.sock.setsockopt(SOL_BLUETOOTH, BT_SECURITY, struct.pack('BB', level, 0))
            # Raised on a connected ATT socket this starts pairing or
            # encryption, and until that ends the socket counts as not
            # connected: send() says ENOTCONN, poll() withholds POLLOUT.
            start = time.monotonic()
            poll = select.poll()
            poll.register(self.sock, select.POLLOUT)
            poll.register(self.mgmt.sock, select.POLLIN)
            while time.monotonic() - start < 30:
                ready = dict(poll.poll(1000))
                if self.mgmt.sock.fileno() in ready:
                    self.mgmt.next(0)
                if (bits := ready.get(self.sock.fileno(), 0)) & (select.POLLOUT | select.POLLERR | select.POLLHUP):
                    say('   security change over after %.2f s, poll 0x%X' % (time.monotonic() - start, bits))
                    break
        return tuple(self.sock.getsockopt(SOL_BLUETOOTH, BT_SECURITY, 2))

    def send(self, pdu):
        say('   ATT ->', pdu.hex())
        self.sock.send(pdu)

    def recv(self, timeout=10):
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            watch = [self.sock] + ([self.mgmt.sock] if self.mgmt else [])
            ready = select.select(watch, [], [], left)[0]
            if self.mgmt and self.mgmt.sock in ready:
                self.mgmt.next(0)
            if self.sock in ready:
                pdu = self.sock.recv(672)
                say('   ATT <-', pdu.hex() or '(end of stream)')
                if not pdu:
                    raise ConnectionError('peer closed')
                return pdu
        return None

    def request(self, pdu):
        self.send(pdu)
        while True:
            answer = self.recv()
            if answer is None:
                raise TimeoutError('ATT request')
            if answer[0] in (0x1B, 0x1D):
                self.unsolicited.append(answer)
                if answer[0] == 0x1D:
                    self.send(b'\x1e')
                continue
            if answer[0] in (0x02, 0x08, 0x10, 0x04, 0x0A):
                # A request of the peer's own: answer 'not supported', or the
                # peer's ATT bearer stops.
                self.send(bytes([0x01, answer[0], 0, 0, 0x06]))
                continue
            return answer

    def measure(self, mgmt=None, wait=3):
        self.unsolicited = []
        answer = self.request(struct.pack('<BH', 0x02, 185))
        if answer[0] == 0x03:
            self.mtu = min(185, struct.unpack_from('<H', answer, 1)[0])
        say('   MTU', self.mtu)
        services, at = [], 1
        while at:
            answer = self.request(struct.pack('<BHHH', 0x10, at, 0xFFFF, 0x2800))
            if answer[0] != 0x11:
                break
            for i in range(2, len(answer), answer[1]):
                first, last = struct.unpack_from('<HH', answer, i)
                services.append((first, last, answer[i + 4:i + answer[1]][::-1].hex()))
                at = last + 1 if last < 0xFFFF else 0
        say('   services', services)
        for first, last, uuid in services:
            if uuid not in ('1810', '181d', '1822'):
                continue
            characteristics, at = [], first
            while at <= last:
                answer = self.request(struct.pack('<BHHH', 0x08, at, last, 0x2803))
                if answer[0] != 0x09:
                    break
                for i in range(2, len(answer), answer[1]):
                    handle, properties, value = struct.unpack_from('<HBH', answer, i)
                    characteristics.append((value, properties, answer[i + 5:i + answer[1]][::-1].hex()))
                    at = handle + 1
            say('   characteristics', characteristics)
            for n, (value, properties, name) in enumerate(characteristics):
                if not properties & 0x30:
                    continue
                end = characteristics[n + 1][0] - 2 if n + 1 < len(characteristics) else last
                answer = self.request(struct.pack('<BHH', 0x04, value + 1, end))
                for i in range(2, len(answer), 4):
                    handle, kind = struct.unpack_from('<HH', answer, i)
                    if kind == 0x2902:
                        code = b'\x02\x00' if properties & 0x20 else b'\x01\x00'
                        answer2 = self.request(struct.pack('<BH', 0x12, handle) + code)
                        if answer2[0] == 0x01 and answer2[4] in (0x05, 0x0F):
                            say('   refused with ATT error 0x%02X; raising security' % answer2[4])
                            self.security(2 if answer2[4] == 0x0F else 3 if self.mitm else 2)
                            answer2 = self.request(struct.pack('<BH', 0x12, handle) + code)
                        say('   subscribed' if answer2[0] == 0x13 else '   NOT subscribed', name, self.security())
        got = [u for u in self.unsolicited]
        for u in got:
            self.reading(u)
        try:
            while (pdu := self.recv(wait)) is not None:
                if pdu[0] == 0x1D:
                    self.send(b'\x1e')
                if pdu[0] in (0x1B, 0x1D):
                    self.reading(pdu)
                    got.append(pdu)
        except (ConnectionError, OSError) as error:
            say('   link gone:', error)
        return got

    mitm = False

    def reading(self, pdu):
        def sfloat(i):
            raw = struct.unpack_from('<H', pdu, i)[0]
            mantissa, exponent = raw & 0xFFF, raw >> 12
            return (mantissa - 4096 if mantissa > 2047 else mantissa) * 10.0 ** (exponent - 16 if exponent > 7 else exponent)
        if pdu[0] == 0x1D and len(pdu) in (20, 21, 22) and pdu[3] == 0x16:
            say('   READING blood pressure %g/%g mean %g pulse %g' % (sfloat(4), sfloat(6), sfloat(8), sfloat(17)))
        elif pdu[0] == 0x1D and len(pdu) == 13:
            say('   READING weight %.2f kg' % (struct.unpack_from('<H', pdu, 4)[0] * 0.005))
        else:
            say('   READING', pdu[3:].hex())


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('what')
    p.add_argument('words', nargs='*')
    p.add_argument('--security', type=int, default=1)
    p.add_argument('--keys')
    p.add_argument('--io', type=int, default=3, help='0 display, 1 display+yesno, 2 keyboard, 3 none, 4 keyboard+display')
    p.add_argument('--passkey', type=int, default=123456)
    p.add_argument('--flow', default='connect')
    p.add_argument('--seconds', type=float, default=20)
    p.add_argument('--connect-timeout', type=float, default=60)
    p.add_argument('--cycle', action='store_true', help='power the controller off first')
    p.add_argument('--wait', type=float, default=3)
    a = p.parse_args()
    mgmt = Mgmt(a.keys)
    mgmt.passkey = a.passkey
    mgmt.up(a.cycle)
    Att.mitm = a.io != 3
    if a.what == 'scan':
        mgmt.call(0x0023, b'\x06')
        end = time.monotonic() + float(a.words[0] if a.words else 5)
        while (left := end - time.monotonic()) > 0:
            mgmt.next(left)
        mgmt.call(0x0024, b'\x06')
        return 0 if mgmt.found else 1
    if a.what == 'info':
        return 0
    peer, kind = bdaddr(a.words[0]), BDADDR_LE[a.words[1]]
    both = peer + bytes([kind])
    mgmt.call(0x0018, bytes([a.io]))
    if a.what == 'pair':
        try:
            mgmt.pair(both, a.io, a.passkey)
        finally:
            mgmt.drain(1)
        return 0
    if a.what == 'read':
        att = Att(peer, kind, a.security, a.connect_timeout, mgmt)
        got = att.measure(wait=a.wait)
        att.sock.close()
        mgmt.drain(1)
        return 0 if got else 1
    if a.what == 'auto':
        readings, end = [], time.monotonic() + a.seconds
        if a.flow == 'connect':
            # One socket always connecting: the kernel scans passively and
            # connects when the peer is heard.
            while time.monotonic() < end:
                try:
                    att = Att(peer, kind, a.security, end - time.monotonic(), mgmt)
                    readings += att.measure(wait=a.wait)
                    att.sock.close()
                except OSError as error:
                    say('   connect:', repr(error))
                    mgmt.drain(0.2)
        else:
            mgmt.call(0x0033, both + bytes([2 if a.flow == 'add2' else 0]))
            wanted = 0x0B if a.flow == 'add2' else 0x12
            while (left := end - time.monotonic()) > 0:
                if mgmt.wait_for(wanted, left, lambda body: body[:7] == both):
                    try:
                        att = Att(peer, kind, a.security, 10, mgmt)
                        readings += att.measure(wait=a.wait)
                        att.sock.close()
                    except OSError as error:
                        say('   connect:', repr(error))
            mgmt.call(0x0034, both)
            mgmt.drain(0.3)
        say('   %d reading(s)' % len(readings))
        return 0 if readings else 1
    p.error('what?')


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (MgmtError, OSError) as error:
        say('FAILED', repr(error))
        sys.exit(2)
