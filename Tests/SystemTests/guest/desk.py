"""The technician at the desk: `hearthctl scan`, and `hearthctl pair` with its questions and answers."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time

from framework import Failed, expect, expect_equal, wait_until


def wait_for_bluetooth(hub):
    """Right after its start the daemon says `bluetooth.starting`."""
    def ready():
        return hub.ask('status')['bluetooth']['state'] == 'ready'
    if not getattr(hub, 'bluetooth_pid', None) == hub.pid():
        wait_until(ready, 20, 'a controller that is ready')
        hub.bluetooth_pid = hub.pid()


def scan(hub, seconds=4):
    """What is on the air, newest word of each device, by address."""
    wait_for_bluetooth(hub)
    answer = hub.ctl('scan', '--seconds', str(seconds), '--json', timeout=seconds + 30)
    expect(answer.status == 0, 'hearthctl scan: status', answer.status, answer.out[-300:], answer.error[-300:])
    return {line['address']: line for line in answer.lines if line.get('event') == 'found'}


class Pairing:
    """One `hearthctl pair … --json`; events come in the background."""

    def __init__(self, hub, address, *options):
        wait_for_bluetooth(hub)
        self.events, self.child = [], hub.spawn(
            'hearthctl', 'pair', address, '--json', *options, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.child.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.events.append({'broken': line})

    def wait_for(self, event, seconds=30, **fields):
        def there():
            for got in self.events:
                if got.get('event') == event and all(got.get(k) == v for k, v in fields.items()):
                    return got
            if self.child.poll() is not None:
                time.sleep(0.2)
                late = [e for e in self.events if e.get('event') == event]
                if not late:
                    raise Failed('the pairing ended without %s %s: %s' % (event, fields, self.events))
            return None
        return wait_until(there, seconds, lambda: 'pairing event %s %s: %s' % (event, fields, self.events))

    def answer(self, text):
        try:
            self.child.stdin.write(json.dumps({'answer': text}) + '\n')
            self.child.stdin.flush()
        except BrokenPipeError:
            pass    # The device ended it first.

    def paired(self, seconds=30):
        done = self.wait_for('paired', seconds)
        expect_equal(self.child.wait(10), 0, 'status of hearthctl pair')
        return done

    def refused(self, code, seconds=45):
        """It must end with this error."""
        wait_until(lambda: self.child.poll() is not None, seconds, lambda: 'the end of the pairing: %s' % self.events)
        wait_until(lambda: any('error' in e for e in self.events), 3, lambda: 'an error: %s' % self.events)
        error = next(e['error'] for e in self.events if 'error' in e)
        expect_equal(error['code'], code, 'error')
        expect(self.child.returncode != 0, 'status 0 with an error')
        return error


class Terminal:
    """hearthctl at a terminal of 80 columns, with somebody who reads and types."""

    def __init__(self, hub, *words):
        self.seen = ''
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        self.child = hub.spawn('hearthctl', *words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env={**os.environ, 'TERM': 'xterm', 'LANG': 'C.UTF-8', 'TZ': 'Europe/Oslo'})
        os.close(slave)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        octets = b''
        while True:
            try:
                octets += os.read(self.master, 4096)
            except OSError:     # The other end is closed: hearthctl ended.
                return
            # Without colours and cursor movements: the words.
            self.seen = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', octets.decode(errors='replace')).replace('\r', '')

    def wait_for(self, text, seconds=40):
        wait_until(lambda: text in self.seen, seconds, lambda: 'at the terminal: %r in %r' % (text, self.seen[-1500:]))

    def type(self, line):
        os.write(self.master, line.encode() + b'\n')


def pair(hub, address, *options):
    """A pairing without questions; the hub's name of the device. hearthctl keeps standard input open meanwhile."""
    return Pairing(hub, address, *(options or ('--patient', 'p-secret-1'))).paired()['device']


def known_cuff(hub, *devices):
    """The daemon runs; the first of these virtual devices, else a cuff, is paired and was read once. The hub's name of it."""
    hub.air.start(*(devices or ['cuff']))
    hub.start()
    name = pair(hub, 'F0:00:00:00:00:01')
    hub.wait_for_readings(1)
    return name
