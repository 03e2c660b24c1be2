"""The plug is pulled: QEMU dies by SIGKILL, the guest boots again from the same disks, and the readings are counted."""
import json
import subprocess
import threading
import time

from cases.disk import freeze
from desk import pair
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
    """A scale gives weights without end, the plug is pulled, and once more while the hub recovers, seconds after the boot: what
    was told as stored is there, each once."""
    if not rebooted:
        write_until_cut(hub, 4)
    told = open('/ctl/told').read().split()
    if not hub.has_cut('second'):
        hub.has_cut('second', True)
        hub.cut_power()
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


CUFF = 'F0:00:00:00:00:01'
KEYS = 'keys=/ctl/keys.json'


def cuff_after_cut(hub, octets):
    """The cuff after the power cut: it never saw a confirmation, so it gives the same octets again; they are there once."""
    wait_until(hub.is_active, 60, 'the daemon starts by itself')
    hub.air.start('cuff,stored=0,%s,queue=%s' % (KEYS, octets))
    hub.air.wait_for('confirmed', seconds=60)
    readings = hub.wait_for_readings(1)
    expect_equal(readings[0]['raw']['hex'], octets, 'octets')
    expect(not hub.air.events('paired'), 'it was paired again')
    wait_until(lambda: len([i for i in hub.delivered() if 'kind' in i]) >= 1, 20, 'delivered')
    expect_equal(len([i for i in hub.delivered() if 'kind' in i]), 1, 'delivered')


@case(cuts=True, limit=150)
def between_indication_and_disk(hub, rebooted):
    """The cuff's indication is in the hub, the disk does not answer, the power goes: no confirmation went out, and the record comes
    again after the boot. Once."""
    if not rebooted:
        shell('rm', '-f', '/ctl/keys.json')
        hub.air.start('cuff,stored=0,' + KEYS)
        hub.start()
        pair(hub, CUFF)
        hub.air.wait_for('subscribed')
        shell('sync')
        freeze(hub)
        hub.air.tell('measure', 'cuff', 'systolic=141')
        octets = hub.air.wait_for('sent')['value']
        time.sleep(2)
        expect(not hub.air.events('confirmed'), 'confirmed before it was on disk')
        hub.keep(octets=octets)
        hub.cut_power()
    cuff_after_cut(hub, hub.kept()['octets'])


@case(cuts=True, limit=150)
def between_disk_and_confirmation(hub, rebooted):
    """The reading is on disk, its confirmation is lost with the power: the cuff sends it again, and it is one reading."""
    if not rebooted:
        shell('rm', '-f', '/ctl/keys.json')
        hub.air.start('cuff,stored=0,hears-confirmation=0,' + KEYS)
        hub.start()
        pair(hub, CUFF)
        hub.air.wait_for('subscribed')
        hub.air.tell('measure', 'cuff', 'systolic=142')
        octets = hub.air.wait_for('sent')['value']
        hub.wait_for_readings(1)
        hub.air.wait_for('confirmation-missed')
        hub.keep(octets=octets)
        hub.cut_power()
    cuff_after_cut(hub, hub.kept()['octets'])


@case(cuts=True, limit=150)
def among_records(hub, rebooted):
    """A meter gives 20 records while the power goes; after the boot it gives what is missing: 20 readings, none twice."""
    meter = 'meter,stored=20,slow=0.2,' + KEYS
    if not rebooted:
        shell('rm', '-f', '/ctl/keys.json')
        hub.air.start(meter)
        hub.start()
        pair(hub, CUFF)
        wait_until(lambda: len(hub.readings()) >= 5, 40, 'some records')
        hub.keep(told=[r['id'] for r in hub.readings()], queue=[e['value'] for e in hub.air.events('sent')])
        hub.cut_power()
    wait_until(hub.is_active, 60, 'the daemon starts by itself')
    told = hub.kept()['told']
    readings = hub.readings()
    expect({r['id'] for r in readings} >= set(told), 'told readings are lost')
    known = [r['raw']['hex'] for r in readings]
    # The same records as before: their octets hold the times of the first run.
    later = [v for v in hub.kept()['queue'] if v not in known]
    hub.air.start('meter,stored=0,%s,queue=%s' % (KEYS, '+'.join(known + later)))
    wait_until(lambda: hub.air.events('racp-answer'), 40, 'the meter was asked')
    time.sleep(2)
    got = [r['raw']['hex'] for r in hub.readings()]
    expect_equal(sorted(got), sorted(known + later), 'records')
