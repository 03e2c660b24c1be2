"""The virtual devices, seen from a case: starts and stops the process of peripherals/, steers it, and reads what it saw.

Under emulation half of a case would go by with the loading of Bumble. So it is loaded once a boot, for the first case that
wants it, and each case has a fork of this process."""
import asyncio
import importlib
import json
import multiprocessing
import os
import signal
import socket
import sys
import time
import traceback

from framework import Failed, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
# On the host: a guest that dies leaves them behind.
EVENTS, ERRORS, CONTROL = '/ctl/air.events', '/ctl/air.errors', '/run/air.sock'
sys.path.append(os.path.join(HERE, 'peripherals'))


def play(words, environment):
    """The process of the devices."""
    for path, descriptor in ((EVENTS, 1), (ERRORS, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    # Sockets of the suite must end with the suite's own copies.
    os.closerange(3, 1024)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.environ.update(environment)
    try:
        importlib.import_module('events').START = time.monotonic()
        asyncio.run(importlib.import_module('world').main(words))
    except BaseException:
        # Nothing of the suite goes on in this process.
        os.write(2, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


class Air:
    def __init__(self):
        self.process = None

    def start(self, *devices, environment={}, arguments=()):
        """Each device is `KIND,KEY=VALUE,…`; see peripherals/world.py."""
        words = ['--control', CONTROL, *arguments]
        for device in devices:
            words += ['--device', device]
        importlib.import_module('world')
        for path in (EVENTS, ERRORS):
            open(path, 'w').close()
        self.process = multiprocessing.get_context('fork').Process(target=play, args=(words, environment))
        self.process.start()
        self.wait_for('ready', seconds=60)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.join()
            self.process = None

    def tell(self, *words):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(CONTROL)
            client.sendall(' '.join(str(word) for word in words).encode() + b'\n')
            answer = client.makefile().readline().strip()
        if answer.startswith('error') or answer == 'unknown command':
            raise Failed('air: %s: %s' % (words, answer))
        return answer

    def events(self, name=None, **fields):
        """What the devices saw so far."""
        found = []
        try:
            lines = open(EVENTS).read().splitlines()
        except OSError:
            return []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if (name is None or event['event'] == name) and all(event.get(k) == v for k, v in fields.items()):
                found.append(event)
        return found

    def wait_for(self, name, seconds=20, count=1, **fields):
        def there():
            found = self.events(name, **fields)
            if len(found) >= count:
                return found[count - 1]
            if self.process and not self.process.is_alive():
                raise Failed('the virtual devices ended: ' + open(ERRORS).read()[-500:])
            return None
        return wait_until(there, seconds, lambda: 'event %s %s of the virtual devices' % (name, fields))

    def tail(self, count):
        try:
            return open(EVENTS).read().splitlines()[-count:] + open(ERRORS).read().splitlines()[-8:]
        except OSError:
            return []
