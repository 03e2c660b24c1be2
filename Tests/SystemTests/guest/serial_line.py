"""Serial devices for the hub: a pseudo terminal, or QEMU's USB adapter (FTDI) whose other end is a port of the machine."""
import fcntl
import grp
import json
import os
import pty
import pwd
import select
import termios
import threading
import time
import tty

from framework import expect, wait_until


def weight(kilograms):
    """What a scale with ST, output says while somebody stands still on it, then steps off."""
    return b'US,+00000.00 kg\r\n' + (b'ST,+%08.2f kg\r\n' % kilograms) * 3 + b'ST,+00000.00 kg\r\n' * 2


class Pty:
    """A device on a pseudo terminal; hearthd opens `path`. A real port forgets at its last close that somebody had it alone
    (TIOCEXCL); a pseudo terminal does not, so that is taken back all the time."""

    def __init__(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.slave = slave
        self.path = os.ttyname(slave)
        os.chown(self.path, pwd.getpwnam('hearth').pw_uid, grp.getgrnam('hearth').gr_gid)
        os.set_blocking(self.master, False)
        threading.Thread(target=self.forget_owner, daemon=True).start()

    def forget_owner(self):
        while True:
            fcntl.ioctl(self.slave, termios.TIOCNXCL)
            time.sleep(0.2)

    def write(self, octets):
        try:
            return os.write(self.master, octets)
        except BlockingIOError:
            return 0


class Monitor:
    """QEMU's monitor, reached from inside the machine."""
    shared = None

    def __init__(self):
        self.fd = os.open('/dev/virtio-ports/qmp', os.O_RDWR)
        self.rest = b''
        try:
            self.call('qmp_capabilities')
        except AssertionError:
            pass    # Another process of this boot has done it.

    @classmethod
    def get(cls):
        cls.shared = cls.shared or cls()
        return cls.shared

    def next(self, seconds=10):
        while b'\n' not in self.rest:
            if not select.select([self.fd], [], [], seconds)[0]:
                raise TimeoutError('the monitor is silent')
            self.rest += os.read(self.fd, 65536)
        line, _, self.rest = self.rest.partition(b'\n')
        return json.loads(line)

    def call(self, command, **arguments):
        os.write(self.fd, json.dumps({'execute': command, 'arguments': arguments}).encode() + b'\n')
        while True:
            answer = self.next()
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise AssertionError('%s: %s' % (command, answer['error']['desc']))

    def wait_for(self, name, seconds=10):
        while self.next(seconds).get('event') != name:
            pass


class USBLine:
    """One serial line with an FTDI adapter that can be plugged into a port of the machine, and pulled."""

    def __init__(self, name):
        self.name = name
        self.fd = os.open('/dev/virtio-ports/' + name, os.O_RDWR | os.O_NONBLOCK)
        self.plugged = False

    def plug(self, port, serial=None):
        """Into USB socket `port` (1 to 4); returns the path that names this socket for good."""
        more = {'serial': serial} if serial else {}
        Monitor.get().call('device_add', driver='usb-serial', id='usb-' + self.name, chardev=self.name, bus='xhci.0',
                           port=str(port), **more)
        self.plugged = True
        path = self.path(port)
        wait_until(lambda: os.path.exists(path), 15, path)
        return path

    @staticmethod
    def path(port):
        """/dev/serial/by-path of a USB socket of this machine."""
        for folder in os.listdir('/sys/bus/pci/devices'):
            if open('/sys/bus/pci/devices/%s/class' % folder).read().startswith('0x0c0330'):
                return '/dev/serial/by-path/pci-%s-usb-0:%d:1.0-port0' % (folder, port)
        raise AssertionError('no xHCI controller')

    def pull(self):
        if self.plugged:
            Monitor.get().call('device_del', id='usb-' + self.name)
            Monitor.get().wait_for('DEVICE_DELETED')
            self.plugged = False

    def write(self, octets, seconds=10):
        end = time.monotonic() + seconds
        while octets:
            try:
                octets = octets[os.write(self.fd, octets):]
            except BlockingIOError:
                expect(time.monotonic() < end, 'the line takes nothing')
                select.select([], [self.fd], [], 0.2)

    def read(self, seconds=2):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                return os.read(self.fd, 65536)
            except BlockingIOError:
                pass
        return b''

    def close(self):
        self.pull()
        os.close(self.fd)
