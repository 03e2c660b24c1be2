"""The plug is pulled: QEMU dies by SIGKILL, the guest boots again from the same disks, and the readings are counted."""
import json
import subprocess
import threading
import time

from framework import case, expect, expect_equal, wait_until
from hub import shell
from serial_line import Pty, weight


def count(hub, told):
    """After the boot: everything that was told as stored is there, nothing twice, the same in the directory backend."""
    wait_until(hub.is_active, 60, 'the daemon starts by itself')
    readings = hub.readings()
    identifiers = [r['id'] for r in readings]
    expect_equal(len(set(identifiers)), len(identifiers), 'an identifier twice')
    missing = set(told) - set(identifiers)
    expect(not missing, len(missing), 'of', len(told), 'told readings are lost')
    wait_until(lambda: hub.ask('backends')['backends'][0]['waiting'] == 0, 30, 'the backlog drains')
    delivered = [item['id'] for item in hub.delivered() if 'kind' in item]
    expect_equal(sorted(delivered), sorted(identifiers), 'delivered to the directory')
    expect_equal(hub.ask('status')['journal']['state'], 'ok', 'journal')
    return readings


def write_until_cut(hub, seconds):
    """Weights without end; what the daemon tells as stored is noted on the host at once."""
    line = Pty()
    hub.configure([{'id': 'scale', 'driver': 'and-scale', 'port': line.path, 'patient': 'p-secret-1'}])
    hub.start()
    follow = hub.spawn('hearthctl', 'readings', '--follow', '--json', stdout=subprocess.PIPE)

    def note():
        with open('/ctl/told', 'w') as file:
            for text in follow.stdout:
                file.write(json.loads(text)['id'] + '\n')
                file.flush()
    threading.Thread(target=note, daemon=True).start()
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end or n < 20:
        line.write(weight(50 + n / 100))
        n += 1
        time.sleep(0.05)
    expect(len(open('/ctl/told').read().split()) > 5, 'nothing was told as stored')
    # The device goes on while the power goes.
    threading.Thread(target=lambda: [(line.write(weight(90 + k / 100)), time.sleep(0.01)) for k in range(500)], daemon=True).start()
    time.sleep(0.2)
    hub.cut_power()


@case(cuts=True, limit=120)
def while_readings_arrive(hub, rebooted):
    """A scale gives weights without end, the plug is pulled: what was told as stored is there after the boot, each once."""
    if not rebooted:
        write_until_cut(hub, 4)
    told = open('/ctl/told').read().split()
    readings = count(hub, told)
    print('    %d told, %d there' % (len(told), len(readings)))
    expect(all(r['patient'] == 'p-secret-1' for r in readings), 'patients')


@case(cuts=True, limit=120)
def after_weeks_of_readings(hub, rebooted):
    """The same with small segments, so that the cut falls among rolls and snapshots; then it goes on."""
    if not rebooted:
        line = Pty()
        hub.configure([{'id': 'scale', 'driver': 'and-scale', 'port': line.path, 'patient': 'p-secret-1'}],
                      journal={'segment_bytes': 65536})
        hub.start()
        for n in range(300):
            line.write(weight(50 + n / 100))
            time.sleep(0.03)
        wait_until(lambda: len(hub.readings()) > 250, 40, 'readings')
        hub.keep(told=[r['id'] for r in hub.readings()])
        threading.Thread(target=lambda: [(line.write(weight(90 + k / 100)), time.sleep(0.01)) for k in range(500)], daemon=True).start()
        time.sleep(0.5)
        hub.cut_power()
    count(hub, hub.kept()['told'])
    line = Pty()
    hub.configure([{'id': 'scale', 'driver': 'and-scale', 'port': line.path, 'patient': 'p-secret-1'}])
    shell('systemctl', 'reload', 'hearthd.service')
    hub.wait_for_device('scale', 'connected')
    before = len(hub.readings())
    line.write(weight(55))
    wait_until(lambda: len(hub.readings()) == before + 1, 20, 'it goes on')


@case(cuts=True, limit=120)
def twice(hub, rebooted):
    """Cut again while it recovers, seconds after the boot."""
    if not rebooted:
        write_until_cut(hub, 3)
    told = open('/ctl/told').read().split()
    if not hub.has_cut('second'):
        hub.has_cut('second', True)
        hub.cut_power()
    count(hub, told)
