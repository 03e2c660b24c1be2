"""Readings over the kernel's own Bluetooth: every profile, short contacts, several devices, clocks, controllers that go and come."""
import os
import shutil
import struct
import time

from desk import Pairing, known_cuff, pair
from framework import case, expect, expect_equal, stays, wait_until
from hub import shell, synchronise_clock

CUFF, SCALE, OXIMETER = ('F0:00:00:00:00:%02X' % n for n in (1, 2, 3))
ADDRESS = 'F0:00:00:00:00:%02X'


def values(reading):
    return {o['code']: o.get('value') for o in reading['observations']}


@case
def cuff(hub):
    """Blood pressure, pulse and the octets as they came."""
    hub.air.start('cuff,systolic=141,diastolic=87,pulse=71')
    hub.start()
    pair(hub, CUFF)
    reading = hub.wait_for_readings(1)[0]
    got = values(reading)
    expect_equal((got['MDC_PRESS_BLD_NONINV_SYS'], got['MDC_PRESS_BLD_NONINV_DIA']), ('141', '87'), 'pressure')
    expect('71' in got.values(), 'no pulse', got)
    expect_equal(reading['raw']['hex'], hub.air.wait_for('sent')['value'], 'octets')
    expect_equal(hub.device(reading['device']['id']).get('battery'), 87, 'battery')


@case
def scale(hub):
    """Weight in kilograms with the scale's own precision."""
    hub.air.start('scale,weight=71.355')
    hub.start()
    pair(hub, CUFF)
    expect_equal(values(hub.wait_for_readings(1)[0])['MDC_MASS_BODY_ACTUAL'], '71.355', 'weight')


@case
def oximeter(hub):
    """A spot check; the notification beside it makes no second reading."""
    hub.air.start('oximeter,spo2=93,pulse=88')
    hub.start()
    pair(hub, CUFF)
    got = values(hub.wait_for_readings(1)[0])
    expect_equal((got['MDC_PULS_OXIM_SAT_O2'], got['MDC_PULS_OXIM_PULS_RATE']), ('93', '88'), 'values')
    stays(lambda: len(hub.readings()) == 1, 2, 'a second reading')


@case
def thermometer(hub):
    """A 32-bit FLOAT with an exponent."""
    hub.air.start('thermometer,temperature=38.6')
    hub.start()
    pair(hub, CUFF)
    expect('38.6' in values(hub.wait_for_readings(1)[0]).values(), 'no temperature', hub.readings())


@case
def heart_rate(hub):
    """Notifications of a strap."""
    hub.air.start('strap,pairs=0,pairing=none,pulse=64,stored=20,slow=1')
    hub.start()
    expect(not Pairing(hub, CUFF, '--patient', 'p-secret-1').paired()['bonded'], 'a bond with a strap that knows none')
    wait_until(lambda: hub.readings(), 40, 'a reading of the strap')
    expect_equal(hub.readings()[0]['kind'], 'heart-rate', 'kind')


@case
def heart_rate_with_keys(hub):
    """A strap that speaks only to whom it knows."""
    hub.air.start('strap,pulse=64,stored=20,slow=1')
    hub.start()
    expect(Pairing(hub, CUFF, '--patient', 'p-secret-1').paired()['bonded'], 'no bond')
    wait_until(lambda: hub.readings(), 40, 'a reading of the strap')


@case
def confirmed_when_stored(hub):
    """The confirmation goes out only when the reading is stored: what the device saw confirmed is in the list at that moment."""
    hub.air.start('cuff,stored=5')
    hub.start()
    pair(hub, CUFF)
    hub.wait_for_readings(5)
    confirmed = [e['value'] for e in hub.air.events('confirmed')]
    expect_equal(sorted(r['raw']['hex'] for r in hub.readings()), sorted(confirmed), 'confirmed and stored')


@case(limit=150)
def wakes_for_two_seconds(hub):
    """A cuff that sleeps and is on the air for 2 s after a measurement, three times over: each is caught, each reading is there."""
    known_cuff(hub, 'cuff,hangup=0.3')
    hub.air.wait_for('disconnected')
    hub.air.tell('set', 'cuff', 'advertise_for', 'off')
    hub.air.tell('silence', 'cuff')
    for n, silence in enumerate((8, 3, 3)):
        time.sleep(silence)
        hub.air.tell('measure', 'cuff', 'systolic=%d' % (140 + n))
        hub.air.tell('advertise', 'cuff', 2)
        hub.wait_for_readings(2 + n)


@case
def three_at_once(hub):
    """Three devices are on the air in the same moment; none waits for another."""
    hub.air.start('cuff,hangup=1', 'scale,hangup=1', 'oximeter,hangup=1')
    hub.start()
    for address in (CUFF, SCALE, OXIMETER):
        pair(hub, address)
    hub.wait_for_readings(3, 30)
    for name in ('cuff', 'scale', 'oximeter'):
        hub.air.tell('set', name, 'advertise_for', 'off')
    wait_until(lambda: '=connected' not in hub.air.tell('list'), 20, 'all are gone')
    for name in ('cuff', 'scale', 'oximeter'):
        hub.air.tell('silence', name)
        hub.air.tell('measure', name, 'pulse=77')
    for name in ('cuff', 'scale', 'oximeter'):
        hub.air.tell('advertise', name, 15)
    wait_until(lambda: len(hub.air.events('confirmed')) == 6, 30, 'three more confirmed')
    expect(len(hub.readings()) >= 5, 'readings', len(hub.readings()))


@case
def scan_beside_devices(hub):
    """While a technician looks around, a known device that wakes for 4 s is not missed."""
    known_cuff(hub, 'cuff,hangup=0.3', 'scale')
    hub.air.tell('set', 'cuff', 'advertise_for', 'off')
    hub.air.wait_for('disconnected')
    hub.air.tell('silence', 'cuff')
    looking = hub.spawn('hearthctl', 'scan', '--seconds', '15', '--json', stdout=open('/tmp/scan', 'w'))
    time.sleep(3)
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.air.tell('advertise', 'cuff', 4)
    hub.wait_for_readings(2)
    looking.wait(40)
    expect(SCALE in open('/tmp/scan').read(), 'the scan found nothing')


@case
def daemon_restarts(hub):
    """Bonds and devices are there after a restart and after kill -9; no pairing, no question."""
    name = known_cuff(hub)
    paired = len(hub.air.events('paired'))
    for n, end in enumerate((hub.restart, lambda: shell('systemctl', 'kill', '-s', 'KILL', 'hearthd.service'))):
        end()
        hub.air.tell('measure', 'cuff', 'systolic=%d' % (140 + n))
        wait_until(hub.is_active, 20, 'active')
        wait_until(lambda: len(hub.air.events('confirmed')) == 2 + n, 40, 'the reading after it')
        hub.wait_for_readings(2 + n)
    expect_equal(len(hub.air.events('paired')), paired, 'pairings')
    expect_equal(hub.device(name)['id'], name, 'device')


@case
def link_cut_in_mid_transfer(hub):
    """The cuff drops the link after two of five, without waiting for the confirmation, and sends the rest later: five readings."""
    hub.air.start('cuff,stored=5,drop=2')
    hub.start()
    pair(hub, CUFF)
    wait_until(lambda: hub.air.events('confirmed', left=0), 40, 'everything confirmed')
    readings = hub.wait_for_readings(5)
    expect_equal(len({r['raw']['hex'] for r in readings}), 5, 'different readings')


@case
def clock_is_set(hub):
    """A cuff whose clock is a day slow: its readings have the right day, also the first, which it sends before anybody read its
    clock, and those after the clock was set; what it said itself is kept."""
    hub.air.start('cuff,clock=-86400')
    hub.start()
    pair(hub, CUFF)
    reading = hub.wait_for_readings(1)[0]
    expect(reading['device_time'] and reading['device_time'][:10] != reading['received_at'][:10], 'time as the device said it')
    expect_equal(reading['time_quality'], 'corrected', 'quality of the first')
    expect_equal(reading['taken_at'][:10], reading['received_at'][:10], 'day of the first')
    hub.air.wait_for('time-written')
    hub.air.tell('measure', 'cuff', 'systolic=150')
    second = hub.wait_for_readings(2)[1]
    expect(second['time_quality'] in ('device', 'corrected', 'received'), second['time_quality'], second['taken_at'])
    expect_equal(second['taken_at'][:10], second['received_at'][:10], 'day')


@case
def clock_unsynchronised(hub):
    """The hub itself does not know the time: it gives it to no device, and its readings say so."""
    synchronise_clock(False)
    hub.air.start('cuff,reads-time=1')
    hub.start()
    expect(not hub.ask('status')['clock_synchronised'], 'the hub takes its clock for good')
    pair(hub, CUFF)
    expect(not hub.air.wait_for('hub-time')['value'], 'it gave a time that it does not know')
    hub.wait_for_readings(1)


@case
def reads_our_clock(hub):
    """A device that takes its time from the hub's Current Time Service."""
    hub.air.start('cuff,reads-time=1')
    hub.start()
    pair(hub, CUFF)
    got = hub.air.wait_for('hub-time')
    expect(got['value'], 'the hub did not answer:', got)
    octets = bytes.fromhex(got['value'])
    expect_equal(len(octets), 10, 'length')
    now = shell('date', '+%Y %m').split()
    expect_equal(['%d' % struct.unpack('<H', octets[:2])[0], '%02d' % octets[2]], now, 'year and month')
    hub.wait_for_readings(1)


@case
def controller_unplugged(hub):
    """The adapter is pulled and put back: said, and everything goes on by itself."""
    name = known_cuff(hub)
    pid = hub.pid()
    hub.air.tell('unplug')
    wait_until(lambda: any(p['code'].startswith('bluetooth.') for p in hub.ask('status')['problems']), 15, 'a problem')
    hub.wait_for_device(name, 'waiting')
    time.sleep(2)
    hub.air.tell('plug')
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.wait_for_readings(2, 40)
    expect_equal(hub.pid(), pid, 'process')
    wait_until(lambda: not [p for p in hub.ask('status')['problems'] if p['code'].startswith('bluetooth.')], 10,
               'no problem any more')


@case
def controller_resets(hub):
    """A hardware error of the controller: the kernel resets it, links and keys are there again."""
    known_cuff(hub)
    hub.air.tell('hardware-error')
    hub.air.wait_for('disconnected', seconds=30)
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.wait_for_readings(2, 60)


@case
def two_controllers(hub):
    """The one that the configuration names is used, the other left alone; a bond belongs to its controller."""
    hub.air.start('cuff', arguments=['--hubs', '2'])
    hub.configure(bluetooth={'controller': '00:1B:DC:07:32:02'})
    hub.start()
    pair(hub, CUFF)
    hub.wait_for_readings(1)
    expect_equal(hub.air.wait_for('connected')['peer'].split('/')[0], '00:1B:DC:07:32:02', 'the hub in the device\'s eyes')


@case
def radio_blocked(hub):
    """rfkill: said by name with what to do; unblocked, it goes on by itself."""
    known_cuff(hub)
    hub.undo.append(lambda: shell('rfkill', 'unblock', 'bluetooth'))
    shell('rfkill', 'block', 'bluetooth')
    # Kernels before 6.12 leave the virtual controller's link as it is; a real one would be lost.
    hub.air.tell('disconnect', 'cuff')
    codes = lambda: [p['code'] for p in hub.ask('status')['problems']]
    wait_until(lambda: 'bluetooth.blocked' in codes(), 15, lambda: 'a problem: %s' % codes())
    doctor = hub.ctl('doctor', '--json').out
    expect('is blocked' in doctor and 'rfkill unblock bluetooth' in doctor, 'the doctor does not see it:', doctor)
    shell('rfkill', 'unblock', 'bluetooth')
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.wait_for_readings(2, 60)


@case
def no_controller(hub):
    """No adapter at all: the daemon runs, says so, and takes one that comes later."""
    hub.start()
    answer = hub.ctl('scan', '--json', '--seconds', '2')
    expect(answer.status != 0 and 'bluetooth.' in answer.out, 'scan without a controller', answer.status, answer.out)
    hub.air.start('cuff')
    time.sleep(2)
    pair(hub, CUFF)
    hub.wait_for_readings(1)


def allow_bluetoothd(hub):
    """Unmasks the unit that the image keeps away from all other cases."""
    hub.undo.append(lambda: shell('systemctl', 'mask', '--now', 'bluetooth.service', check=False))
    shell('systemctl', 'unmask', 'bluetooth.service')
    shell('systemctl', 'start', 'dbus.socket')


@case
def bluetoothd_kept_away(hub):
    """Whoever asks systemd for bluetoothd, as udev does with every adapter, gets none, and hearthd does not notice."""
    known_cuff(hub)
    pid = hub.pid()
    allow_bluetoothd(hub)
    shell('systemctl', 'start', 'bluetooth.service')
    expect(not hub.is_active('bluetooth.service'), 'bluetoothd runs')
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.wait_for_readings(2)
    expect_equal((hub.pid(), hub.ask('status')['problems']), (pid, []), 'hearthd')


@case(limit=150)
def bluetoothd_beside(hub):
    """One that somebody allowed to run is told by name and not fought: Bluetooth waits until it is gone, all else goes on."""
    known_cuff(hub)
    pid = hub.pid()
    # Silent meanwhile: bluetoothd connects to what it hears, and Debian's newest kernel dies in its close() too.
    hub.air.tell('set', 'cuff', 'advertise_for', 'off')
    hub.air.tell('disconnect', 'cuff')
    hub.air.wait_for('disconnected')
    allow_bluetoothd(hub)
    folder = '/run/systemd/system/bluetooth.service.d'
    os.makedirs(folder, exist_ok=True)
    hub.undo.append(lambda: (shutil.rmtree(folder), shell('systemctl', 'daemon-reload')))
    # The same name: it stands for the package's own, which /usr holds.
    open(folder + '/hearth.conf', 'w').close()
    shell('systemctl', 'daemon-reload')
    shell('systemctl', 'start', 'bluetooth.service')
    problems = lambda: [p for p in hub.ask('status')['problems'] if p['code'] == 'bluetooth.shared']
    wait_until(problems, 30, lambda: 'bluetooth.shared: %s' % hub.ask('status')['problems'])
    stays(lambda: hub.is_active('bluetooth.service') and problems(), 5, 'refused once and for all')
    expect('systemctl disable --now bluetooth' in hub.ctl('doctor', '--json').out, 'doctor', hub.ctl('doctor').out)
    expect(hub.ctl('scan', '--seconds', '1', '--json').status != 0, 'a scan beside it')
    shell('systemctl', 'stop', 'bluetooth.service')
    # Within half a minute by itself; at once for a technician who looks.
    wait_until(lambda: hub.ctl('scan', '--seconds', '1', '--json').status == 0, 45, 'it goes on')
    wait_until(lambda: not problems(), 10, 'it goes on without a problem')
    hub.air.tell('measure', 'cuff', 'systolic=150')
    hub.air.tell('advertise', 'cuff')
    hub.wait_for_readings(2, 60)
    expect_equal(hub.pid(), pid, 'process')
