"""The .deb under the real systemd: units, sandbox, callers, life and death of the processes."""
import os
import re
import subprocess

from framework import case, expect, expect_equal, stays, wait_until
from hub import CONFIGURATION, STATE, shell
from serial_line import Pty, weight


def scale(line, **more):
    return dict({'id': 'scale', 'driver': 'and-scale', 'port': line.path, 'patient': 'p-secret-1'}, **more)


def package():
    """The package on the guest's own disk. /tmp is empty after a boot."""
    path = '/tmp/hearth.deb'
    if not os.path.exists(path):
        shell('cp', '/ctl/hearth.deb', path)
    return path


@case(limit=150)
def installs(hub):
    """dpkg installs the package beside what the image has; users, sockets and the daemon are there at once."""
    if not os.path.ismount(STATE):
        os.makedirs(STATE, exist_ok=True)
        with open('/etc/fstab', 'a') as file:
            file.write('/dev/vdb %s ext4 defaults 0 2\n' % STATE)
        shell('systemctl', 'daemon-reload')
        shell('mount', STATE)
    shell('dpkg', '-i', package(), timeout=120)
    # A guest that dies in a later case still has it.
    os.sync()
    for unit in ('hearthd.service', 'hearthd.socket', 'hearth-uplink.socket'):
        expect(hub.is_active(unit), unit, 'is not active')
        expect_equal(shell('systemctl', 'is-enabled', unit).strip(), 'enabled', unit)
    status = hub.ask('status')
    expect_equal(status['journal']['state'], 'ok', 'journal')
    expect_equal(oct(os.stat(STATE).st_mode & 0o777), '0o700', 'mode of the state directory')
    expect_equal(oct(os.stat(CONFIGURATION).st_mode & 0o777), '0o640', 'mode of the configuration')
    expect('hearthctl' in hub.ctl('--help').out, 'no help')
    shell('udevadm', 'verify', check=False)


@case
def runs_unprivileged(hub):
    """The daemon is its own user with one capability, no new privileges, a filter of system calls; the uplink has none."""
    hub.start()
    status = dict(l.split(':', 1) for l in open('/proc/%d/status' % hub.pid()).read().splitlines())
    uid = int(shell('id', '-u', 'hearth'))
    expect_equal(status['Uid'].split(), [str(uid)] * 4, 'user')
    expect_equal(int(status['CapEff'], 16), 1 << 12, 'capabilities (CAP_NET_ADMIN alone)')
    expect_equal(int(status['CapBnd'], 16), 1 << 12, 'bounding set')
    expect_equal(status['NoNewPrivs'].strip(), '1', 'no new privileges')
    expect_equal(status['Seccomp'].strip(), '2', 'system call filter')
    for unit, most in (('hearthd.service', 2.2), ('hearth-uplink.service', 1.5)):
        text = shell('systemd-analyze', 'security', '--no-pager', unit, check=False)
        level = float(re.search(r'exposure level for \S+: ([0-9.]+)', text).group(1))
        print('    %s: exposure %.1f' % (unit, level))
        expect(level <= most, unit, 'exposure', level)


PROBE = '''
import os, socket, sys
def refused(what, call):
    try: call()
    except OSError: print("refused", what)
    else: print("GRANTED", what)
def granted(what, call):
    try: call()
    except OSError as error: print("REFUSED", what, error)
    else: print("granted", what)
refused("ipv4", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
refused("ipv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
refused("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
refused("write /etc", lambda: open("/etc/hearth/x", "w"))
refused("write /usr", lambda: open("/usr/x", "w"))
refused("disk", lambda: open("/dev/vda", "rb"))
refused("memory", lambda: open("/dev/mem", "rb"))
refused("root's home", lambda: os.listdir("/root"))
refused("clock", lambda: __import__("time").clock_settime(0, 1))
refused("mount namespace", lambda: os.unshare(0x20000) if hasattr(os, "unshare") else (_ for _ in ()).throw(OSError()))
granted("bluetooth", lambda: socket.socket(31, socket.SOCK_RAW, 1))
granted("state", lambda: open("/var/lib/hearth/probe", "w"))
granted("configuration", lambda: open("/etc/hearth/hearth.json"))
print("probe done", flush=True)
'''


@case
def sandbox_holds(hub):
    """Another program in the daemon's unit: no IP, no disks, no other files; Bluetooth sockets and its own folder."""
    with open('/usr/local/lib/probe.py', 'w') as file:
        file.write(PROBE)
    hub.drop_in('[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/usr/bin/python3 /usr/local/lib/probe.py\n')
    shell('systemctl', 'start', 'hearthd.service')
    log = hub.log('hearthd.service')
    expect('probe done' in log, 'the probe did not end:', log[-8:])
    wrong = [l for l in log if l.startswith(('GRANTED', 'REFUSED'))]
    expect(not wrong, wrong)


@case
def no_ip_sockets(hub):
    """The process that holds devices and data has no IP socket, nothing listens on the network."""
    line, backend = Pty(), hub.backend()
    hub.configure([scale(line)], [backend.configuration])
    hub.start()
    line.write(weight(81.5))
    wait_until(lambda: backend.readings(), 20, 'a delivered reading')
    sockets = shell('ss', '-Htunap')
    expect('hearthd' not in sockets, sockets)
    expect(not [l for l in sockets.splitlines() if 'LISTEN' in l and 'hearth' in l], sockets)


@case
def callers_are_known(hub):
    """Root everything, group hearth reads, group hearth-tech assigns, nobody else gets an answer."""
    for name, group in (('reader', 'hearth'), ('technician', 'hearth-tech'), ('stranger', None)):
        if subprocess.run(['id', name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            shell('useradd', '-M', name, *(['-G', group] if group else []))
    hub.start()
    hearth, tech = (shell('getent', 'group', name).split(':')[2] for name in ('hearth', 'hearth-tech'))
    expect_equal(hub.ctl('status').status, 0, 'root')
    expect_equal(hub.ctl('status', user='reader', groups=hearth).status, 0, 'a reader asks for the status')
    expect_equal(hub.ctl('status', user='technician', groups=tech).status, 0, 'a technician asks for the status')
    expect_equal(hub.ctl('status', user='stranger').status, 77, 'a stranger')
    expect_equal(hub.ctl('assign', 'ffffffff', 'p-1', user='reader', groups=hearth).status, 77, 'a reader assigns')
    answer = hub.ctl('assign', 'ffffffff', 'p-1', user='technician', groups=tech)
    expect(answer.status not in (0, 77), 'a technician may ask:', answer.status, answer.error)


@case
def uplink_on_demand(hub):
    """Socket activation: the uplink starts with the first batch, as its own user, and ends when idle."""
    line, backend = Pty(), hub.backend()
    hub.configure([scale(line)], [backend.configuration])
    hub.start()
    line.write(weight(82.4))
    wait_until(lambda: backend.readings(), 20, 'a delivered reading')
    unit = 'hearth-uplink.service'
    expect(hub.is_active(unit), 'the uplink is not active')
    owner = shell('ps', '-o', 'user:20=', '-p', str(hub.pid(unit))).strip()
    expect_equal(owner, 'hearth-uplink', 'user of the uplink')
    expect_equal(backend.readings()[0]['observations'][0]['value'], '82.40', 'value')
    wait_until(lambda: not hub.is_active(unit), 25, 'the idle uplink ends')
    line.write(weight(83.4))
    wait_until(lambda: len(backend.readings()) == 2, 20, 'it starts again')


@case
def uplink_killed(hub):
    """The uplink dies in the middle of a request: the same octets go out again, the backend has the reading once."""
    import threading
    line, backend = Pty(), hub.backend()
    backend.hold = threading.Event()
    hub.configure([scale(line)], [backend.configuration])
    hub.start()
    line.write(weight(82.4))
    wait_until(lambda: backend.batches, 20, 'a request')
    shell('systemctl', 'kill', '-s', 'KILL', 'hearth-uplink.service')
    backend.hold.set()
    wait_until(lambda: len(backend.batches) >= 2, 30, 'the batch comes again')
    wait_until(lambda: hub.ask('backends')['backends'][0]['waiting'] == 0, 20, 'delivered')
    expect_equal(len(set(backend.batches)), 1, 'different batches')
    expect_equal(len(backend.readings()), 1, 'readings')


@case
def outage(hub):
    """The backend refuses for a while; nothing is lost, each arrives once."""
    line, backend = Pty(), hub.backend()
    backend.refuse = 3
    hub.configure([scale(line)], [backend.configuration])
    hub.start()
    for n in range(5):
        line.write(weight(70 + n))
    hub.wait_for_readings(5)
    wait_until(lambda: len(backend.readings()) == 5, 40, 'all delivered')
    expect_equal(set(backend.accepted.values()), {1}, 'accepted')


@case
def restart_keeps(hub):
    """systemctl restart, then kill -9: systemd starts it again, the readings are there, the scale goes on."""
    line = Pty()
    hub.configure([scale(line)])
    hub.start()
    line.write(weight(71))
    first = hub.wait_for_readings(1)
    shell('systemctl', 'restart', 'hearthd.service')
    expect_equal(hub.readings(), first, 'readings after a restart')
    line.write(weight(72))
    second = hub.wait_for_readings(2)
    old = hub.pid()
    os.kill(old, 9)
    wait_until(lambda: hub.is_active() and hub.pid() not in (0, old), 20, 'started again')
    expect_equal(hub.readings(), second, 'readings after a kill')
    line.write(weight(73))
    hub.wait_for_readings(3)
    wait_until(lambda: len([i for i in hub.delivered() if 'kind' in i]) == 3, 20, 'delivered once each')


@case
def reload(hub):
    """systemctl reload: a good configuration is taken, a bad one refused whole with line and key, and the reload fails."""
    line = Pty()
    hub.start()
    pid = hub.pid()
    expect_equal(hub.ask('devices')['devices'], [], 'devices')
    hub.configure([scale(line)])
    shell('systemctl', 'reload', 'hearthd.service')
    hub.wait_for_device('scale', 'connected')
    hub.write_configuration('{"hub": {"timezone": "Europe/Oslo"},\n "devises": []}')
    expect_equal(subprocess.run(['hearthd', '--check'], capture_output=True).returncode, 78, 'hearthd --check')
    failed = subprocess.run(['systemctl', 'reload', 'hearthd.service'], capture_output=True).returncode
    expect(failed != 0, 'a reload that is refused fails')
    wait_until(lambda: any('devises' in l for l in hub.log()), 10, 'the refusal in the log')
    expect('configuration.refused' in [p['code'] for p in hub.ask('status')['problems']], 'the refusal in status')
    line.write(weight(74))
    hub.wait_for_readings(1)
    hub.configure([scale(line)])
    shell('systemctl', 'reload', 'hearthd.service')
    expect_equal([p for p in hub.ask('status')['problems'] if p['code'] == 'configuration.refused'], [], 'mended')
    expect_equal(hub.pid(), pid, 'process')


@case
def watchdog(hub):
    """A daemon that hangs is ended by systemd and started again."""
    hub.drop_in('[Service]\nWatchdogSec=4\n')
    hub.start()
    old = hub.pid()
    # Alive, it is left alone for longer than the limit.
    stays(lambda: hub.pid() == old, 7, 'the watchdog hit a living daemon')
    os.kill(old, 19)
    wait_until(lambda: hub.is_active() and hub.pid() not in (0, old), 40, 'ended and started again')
    expect_equal(hub.ctl('status').status, 0, 'status')


@case
def bad_configuration(hub):
    """A configuration that is no good: the daemon does not start, says where, and starts once it is mended. From then on the last
    good one is in force at a start that finds it broken."""
    hub.write_configuration('{"hub": {"timezone": "Europe/Nowhere"}}')
    expect(subprocess.run(['systemctl', 'start', 'hearthd.service'], capture_output=True).returncode != 0 or
           not hub.is_active(), 'it started')
    wait_until(lambda: any('Europe/Nowhere' in l for l in hub.log()), 10, 'where')
    state = lambda: shell('systemctl', 'is-failed', 'hearthd.service', check=False).strip()
    stays(lambda: state() == 'failed', 5, 'it is tried again and again')
    hub.configure()
    hub.restart()
    expect_equal(hub.ctl('status').status, 0, 'status')
    hub.write_configuration('{"hub": {"timezone": "Europe/Nowhere"}}')
    hub.restart()
    problems = {p['code']: p['message'] for p in hub.ask('status')['problems']}
    expect('Europe/Nowhere' in problems.get('configuration.refused', ''), 'the refusal in status')


@case(limit=150)
def upgrade(hub):
    """The package is installed over itself while it runs: readings, configuration and the serial line survive."""
    line = Pty()
    hub.configure([scale(line)])
    hub.start()
    line.write(weight(75))
    before = hub.wait_for_readings(1)
    shell('dpkg', '--force-confold', '-i', package(), timeout=120)
    wait_until(hub.is_active, 20, 'active')
    expect_equal(hub.readings(), before, 'readings')
    hub.wait_for_device('scale', 'connected')
    line.write(weight(76))
    hub.wait_for_readings(2)
