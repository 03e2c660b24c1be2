"""The virtual devices, seen from a case: starts and stops the process of peripherals/, steers it, and reads what it saw."""
import json
import os
import socket
import subprocess
import time

from framework import Failed, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
# On the host: a guest that dies leaves them behind.
EVENTS, ERRORS, CONTROL = '/ctl/air.events', '/ctl/air.errors', '/run/air.sock'


class Air:
    def __init__(self):
        self.process = None

    def start(self, *devices, environment={}, arguments=()):
        """Each device is `KIND,KEY=VALUE,…`; see peripherals/__main__.py."""
        words = ['python3', '-u', os.path.join(HERE, 'peripherals'), '--control', CONTROL, *arguments]
        for device in devices:
            words += ['--device', device]
        with open(EVENTS, 'w') as out, open(ERRORS, 'w') as errors:
            self.process = subprocess.Popen(words, stdout=out, stderr=errors, env={**os.environ, **environment})
        self.wait_for('ready', seconds=60)

    def stop(self):
        if self.process:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
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
            if self.process and self.process.poll() is not None:
                raise Failed('the virtual devices ended: ' + open(ERRORS).read()[-500:])
            return None
        return wait_until(there, seconds, lambda: 'event %s %s of the virtual devices' % (name, fields))

    def tail(self, count):
        try:
            return open(EVENTS).read().splitlines()[-count:] + open(ERRORS).read().splitlines()[-8:]
        except OSError:
            return []
