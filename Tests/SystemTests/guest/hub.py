"""The hub under test: its configuration, its units, its command line, its log; and how it is set back between cases."""
import ctypes
import grp
import json
import os
import re
import shutil
import struct
import subprocess
import time

from framework import Failed, expect, wait_until
from air import Air
from backend import Backend

CONFIGURATION = '/etc/hearth/hearth.json'
STATE = '/var/lib/hearth'
UNITS = ('hearthd.service', 'hearth-uplink.service')
# What must never stand in a log: addresses of the virtual devices, references of patients, values.
SECRETS = re.compile(r'F0[:_]?00[:_]?00[:_]?00|p-secret|SECRET|\b(12[0-9]|13[0-9])/(8[0-9]|9[0-9])\b', re.IGNORECASE)


def shell(*words, check=True, timeout=60, text=True, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, text=text, **more)
    if check and done.returncode != 0:
        raise Failed('%s: status %d: %s' % (' '.join(words), done.returncode, done.stdout.strip()[-600:]))
    return done.stdout


def synchronise_clock(good=True):
    """Tells the kernel that its clock is synchronised, as a time daemon would: the guest has no network."""
    modes = 0x10 | 0x08 | 0x04      # ADJ_STATUS, ADJ_ESTERROR, ADJ_MAXERROR
    status = 0 if good else 0x40    # STA_UNSYNC
    timex = ctypes.create_string_buffer(struct.pack('<I4xqqqqi4x', modes, 0, 0, 0, 0, status) + bytes(256))
    expect(ctypes.CDLL(None).adjtimex(timex) >= 0, 'adjtimex')


class Answer:
    """What a call of hearthctl gave."""

    def __init__(self, done):
        self.status, self.out, self.error = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Hub:
    def __init__(self):
        self.air = Air()
        self.backends = []
        self.children = []
        self.since = self.cursor()
        self.undo = []

    # -- configuration and units

    def configure(self, devices=(), backends=None, **more):
        """Writes the configuration; the patients of the tests are called p-secret-N, so that a log that names them is noticed."""
        if backends is None:
            backends = [{'name': 'local', 'type': 'directory', 'path': STATE + '/delivered'}]
        self.write_configuration(json.dumps(dict(
            {'hub': {'timezone': 'Europe/Oslo'}, 'devices': list(devices), 'backends': list(backends)}, **more)))

    def write_configuration(self, text):
        with open(CONFIGURATION + '.new', 'w') as file:
            file.write(text)
        os.chown(CONFIGURATION + '.new', 0, grp.getgrnam('hearth').gr_gid)
        os.chmod(CONFIGURATION + '.new', 0o640)
        os.rename(CONFIGURATION + '.new', CONFIGURATION)

    def start(self):
        shell('systemctl', 'reset-failed', check=False)
        shell('systemctl', 'start', 'hearthd.service')

    def stop(self):
        shell('systemctl', 'stop', *UNITS)

    def restart(self):
        self.stop()
        self.start()

    def pid(self, unit='hearthd.service'):
        return int(shell('systemctl', 'show', '-p', 'MainPID', '--value', unit))

    def is_active(self, unit='hearthd.service'):
        return shell('systemctl', 'is-active', unit, check=False).strip() == 'active'

    def drop_in(self, text, unit='hearthd.service'):
        """A change of the unit for this case only."""
        folder = '/run/systemd/system/%s.d' % unit
        os.makedirs(folder, exist_ok=True)
        with open(folder + '/test.conf', 'w') as file:
            file.write(text)
        shell('systemctl', 'daemon-reload')
        self.undo.append(lambda: (shutil.rmtree(folder), shell('systemctl', 'daemon-reload')))

    # -- the technician

    def ctl(self, *words, user=None, groups='', input=None, timeout=30):
        """Runs hearthctl, as root or as somebody else."""
        before = []
        if user:
            before = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups'] if not groups else [
                'setpriv', '--reuid', user, '--regid', user, '--groups', groups]
        done = subprocess.run(before + ['hearthctl', *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              input=input, timeout=timeout)
        return Answer(done)

    def ask(self, *words, **more):
        """The JSON that hearthctl answers; it must succeed."""
        answer = self.ctl(*words, '--json', **more)
        expect(answer.status == 0, 'hearthctl', *words, 'status', answer.status, answer.out[-300:], answer.error[-300:])
        return answer.json

    def readings(self, **filter):
        answer = self.ctl('readings', '--limit', '10000', '--json')
        expect(answer.status == 0, 'hearthctl readings: status', answer.status, answer.error[-300:])
        return [r for r in answer.lines if all(r['device'].get(key) == value for key, value in filter.items())]

    def wait_for_readings(self, count, seconds=20, **filter):
        got = []

        def enough():
            got[:] = self.readings(**filter)
            return len(got) >= count
        wait_until(enough, seconds, lambda: '%d readings, there are %d' % (count, len(got)))
        expect(len(got) == count, 'more readings than were sent:', len(got), 'instead of', count)
        return sorted(got, key=lambda r: r['seq'])

    def device(self, name):
        return next((d for d in self.ask('devices')['devices'] if d['id'] == name), None)

    def wait_for_device(self, name, state, seconds=20):
        last = []

        def there():
            last[:] = [self.device(name)]
            return last[0] and last[0].get('state') == state
        wait_until(there, seconds, lambda: 'device %s %s: %s' % (name, state, last))

    def delivered(self):
        """What the directory backend holds: every line, in order."""
        lines = []
        folder = STATE + '/delivered'
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if os.path.isfile(os.path.join(folder, name)):
                with open(os.path.join(folder, name)) as file:
                    lines += [json.loads(line) for line in file if line.strip()]
        return lines

    # -- the world around it

    def backend(self):
        backend = Backend()
        self.backends.append(backend)
        return backend

    def spawn(self, *words, **more):
        child = subprocess.Popen(words, **more)
        self.children.append(child)
        return child

    def cut_power(self):
        """The host kills the machine; this never returns."""
        with open('/ctl/cut', 'w') as file:
            file.write('now')
        while True:
            time.sleep(1)

    def keep(self, **what):
        """For after the power cut: written on the host."""
        with open('/ctl/kept.json', 'w') as file:
            json.dump(what, file)

    def kept(self):
        return json.load(open('/ctl/kept.json'))

    @staticmethod
    def has_cut(name, now=False):
        """A mark on the host, for a case with more than one power cut."""
        path = '/ctl/cut-' + name
        if now:
            open(path, 'w').close()
        return os.path.exists(path)

    # -- logs

    @staticmethod
    def cursor():
        out = subprocess.run(['journalctl', '-n', '0', '--show-cursor', '-q'], capture_output=True, text=True).stdout
        return out.split('cursor: ')[-1].strip() if 'cursor: ' in out else None

    def log(self, unit=None):
        words = ['journalctl', '-q', '-o', 'cat', '--no-pager'] + (['--after-cursor', self.since] if self.since else [])
        for name in [unit] if unit else UNITS:
            words += ['-u', name]
        return shell(*words, check=False).splitlines()

    def check_logs(self):
        for line in self.log():
            found = SECRETS.search(line)
            expect(not found, 'the log holds what it must not:', line)

    def story(self):
        """For a failed case: the ends of the log, of what the virtual devices did, and of the kernel's own words."""
        kernel = [l for l in shell('dmesg', check=False).splitlines() if re.search('Bluetooth|BUG|ftdi|EXT4', l)][-5:]
        return ['log: ' + l for l in self.log()[-25:]] + ['air: ' + l for l in self.air.tail(25)] + [
            'kernel: ' + l for l in kernel]

    # -- between cases

    def reset(self):
        """A hub as after its first installation: no state, no devices, nothing left of the case before."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.children = []
        for backend in self.backends:
            backend.close()
        self.backends = []
        shell('systemctl', 'stop', *UNITS, check=False)
        for step in reversed(self.undo):
            try:
                step()
            except Exception as error:
                print('    undoing: %r' % error)
        self.undo = []
        synchronise_clock()
        self.air.stop()
        if os.path.isdir(STATE):
            for name in os.listdir(STATE):
                if name != 'lost+found':
                    path = os.path.join(STATE, name)
                    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        if os.path.isdir('/etc/hearth'):
            shutil.rmtree('/etc/hearth/plans', ignore_errors=True)
            os.makedirs('/etc/hearth/plans', mode=0o750)
            shutil.chown('/etc/hearth/plans', 'root', 'hearth')
            self.configure()
        self.since = self.cursor()
