"""At the desk: finding and pairing over the kernel's own Bluetooth, every way of the specification that a device may choose."""
import os
import re
import time

from desk import Pairing, Terminal, known_cuff, pair, scan, wait_for_bluetooth
from framework import case, expect, expect_equal, stays, wait_until
from hub import STATE

CUFF, SCALE, OXIMETER = ('F0:00:00:00:00:%02X' % n for n in (1, 2, 3))


def value(reading, code):
    return next(o.get('value') for o in reading['observations'] if o['code'] == code)


@case
def scan_shows_what_is_there(hub):
    """Live list: address, name, what it is and by which driver; the known one is marked."""
    hub.air.start('cuff', 'scale', 'oximeter,addr=public,address=00:11:22:33:44:55')
    hub.start()
    found = scan(hub)
    for address, driver in ((CUFF, 'blood-pressure'), (SCALE, 'weight-scale'), ('00:11:22:33:44:55', 'pulse-oximeter')):
        expect(address in found, address, 'was not found:', list(found))
        expect_equal((found[address]['driver'], found[address]['supported']), (driver, True), address)
    expect_equal(found[CUFF]['name'], 'Test Cuff', 'name')
    expect(-128 < found[CUFF]['rssi'] < 21, 'signal', found[CUFF])
    expect(not found[CUFF]['known'], 'known before it was paired')
    name = pair(hub, CUFF)
    hub.wait_for_readings(1)
    hub.air.tell('disconnect', 'cuff')
    expect(scan(hub).get(SCALE), 'the second scan finds nothing')
    expect_equal([d['id'] for d in hub.ask('devices')['devices']], [name], 'devices')


@case
def just_works(hub):
    """No question; the first reading comes over the very link that was paired."""
    hub.air.start('cuff')
    hub.start()
    done = Pairing(hub, CUFF, '--patient', 'p-secret-1').paired()
    expect_equal((done['driver'], done['bonded']), ('blood-pressure', True), 'paired')
    reading = hub.wait_for_readings(1)[0]
    expect_equal(value(reading, 'MDC_PRESS_BLD_NONINV_SYS'), '128', 'systolic')
    expect_equal(reading['patient'], 'p-secret-1', 'patient')
    hub.air.wait_for('confirmed')


@case
def at_the_terminal(hub):
    """`hearthctl pair` as the README shows it: whose, which one, paired, first reading."""
    hub.air.start('cuff', 'scale,advertise=off')
    hub.start()
    wait_for_bluetooth(hub)
    screen = Terminal(hub, 'pair')
    screen.wait_for("Whose device is it? The patient's reference (empty: decide later):")
    screen.type('p-secret-1')
    screen.wait_for('NO  SIGNAL  NAME')
    screen.wait_for('Test Cuff')
    screen.wait_for('Which one? Its number and Enter:')
    screen.type('1')
    screen.wait_for('found Test Cuff')
    screen.wait_for('paired as blood-pressure (blood-pressure); its keys are kept')
    screen.wait_for('Now measure once.')
    screen.wait_for('first reading: ')
    screen.wait_for('128/82 mmHg, 66/min')
    expect_equal(screen.child.wait(10), 0, 'status')
    expect_equal(hub.wait_for_readings(1)[0]['patient'], 'p-secret-1', 'patient')


@case
def legacy(hub):
    """A device of the years before Secure Connections; the bond holds over a restart of the daemon."""
    hub.air.start('oximeter,sc=0', 'cuff,sc=0,advertise=off')
    hub.start()
    address = CUFF
    pair(hub, address)
    hub.wait_for_readings(1)
    hub.stop()
    wait_until(lambda: hub.air.events('disconnected'), 15, 'the link ends with the daemon')
    hub.start()
    hub.air.tell('measure', 'oximeter', 'spo2=95')
    hub.wait_for_readings(2)


@case
def passkey_on_the_hub(hub):
    """The device shows six digits: a wrong number is refused, with the right one the bond is protected."""
    hub.air.start('scale,pairing=passkey,passkey=246810')
    hub.start()
    wrong = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    wrong.wait_for('prompt', prompt='passkey')
    wrong.answer('111111')
    wrong.refused('pairing.refused')
    expect_equal(hub.ask('devices')['devices'], [], 'devices')
    right = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    right.wait_for('prompt', prompt='passkey')
    right.answer('246810')
    expect(right.paired()['protected'], 'not protected')
    reading = hub.wait_for_readings(1)[0]
    expect_equal(value(reading, 'MDC_MASS_BODY_ACTUAL'), '82.400', 'weight')


@case
def passkey_on_the_device(hub):
    """The hub shows six digits, somebody types them on the device."""
    hub.air.start('cuff,pairing=entry')
    hub.start()
    pairing = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    passkey = pairing.wait_for('passkey')['passkey']
    expect(len(passkey) == 6 and passkey.isdigit(), 'passkey', passkey)
    hub.air.wait_for('passkey-wanted')
    hub.air.tell('type', 'cuff', passkey)
    expect(pairing.paired()['protected'], 'not protected')
    hub.wait_for_readings(1)


@case
def numeric_comparison(hub):
    """Both show the same number: yes pairs; no at the hub, or no at the device, does not."""
    hub.air.start('cuff,pairing=compare', 'scale,pairing=compare,agree=0')
    hub.start()
    no = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    no.wait_for('prompt', prompt='confirm')
    no.answer('no')
    no.refused('pairing.refused')
    other = Pairing(hub, SCALE, '--patient', 'p-secret-1')
    other.wait_for('prompt', prompt='confirm')
    other.answer('yes')
    other.refused('pairing.refused')
    before = len(hub.air.events('numbers-compared', device='cuff'))
    yes = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    shown = yes.wait_for('prompt', prompt='confirm')['value']
    expect_equal(hub.air.wait_for('numbers-compared', device='cuff', count=before + 1)['number'], shown, 'numbers')
    yes.answer('yes')
    expect(yes.paired()['protected'], 'not protected')
    hub.wait_for_readings(1)


@case
def nobody_answers(hub):
    """Heard, but it sleeps again: the technician hears of it within seconds; the next try with the device awake succeeds."""
    hub.air.start('cuff,deaf=1')
    hub.start()
    Pairing(hub, CUFF, '--patient', 'p-secret-1').refused('pairing.no-answer')
    hub.air.tell('set', 'cuff', 'deaf', 0)
    pair(hub, CUFF)
    hub.wait_for_readings(1)


@case
def technician_leaves(hub):
    """hearthctl is ended in the middle of a question: the window closes, nothing stays, another may pair."""
    hub.air.start('scale,pairing=passkey,passkey=246810')
    hub.start()
    left = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    left.wait_for('prompt', prompt='passkey')
    left.child.kill()
    time.sleep(1)
    expect_equal(hub.ask('devices')['devices'], [], 'devices')
    again = Pairing(hub, CUFF, '--patient', 'p-secret-1')
    again.wait_for('prompt', prompt='passkey')
    again.answer('246810')
    again.paired()


@case
def only_in_a_window(hub):
    """A stranger that asks for pairing by itself gets no bond: there is no pairing window, and it is nobody's device."""
    known_cuff(hub, 'cuff', 'scale,secure=request')
    stays(lambda: not hub.air.events('paired', device='scale'), 6, 'a stranger was paired')
    expect_equal(len(hub.readings()), 1, 'readings')


@case
def private_address(hub):
    """A device that changes its address: paired by one, found again by its identity, also after a restart."""
    hub.air.start('cuff,addr=rpa')
    hub.start()
    address = hub.air.wait_for('advertising')['address'].split('/')[0]
    name = pair(hub, address)
    hub.wait_for_readings(1)
    expect_equal(hub.device(name)['address'], CUFF, 'identity')
    hub.restart()
    hub.air.tell('measure', 'cuff', 'systolic=131')
    hub.wait_for_readings(2)


@case
def asks_by_itself(hub):
    """A cuff that sends a Security Request as soon as it is connected."""
    known_cuff(hub, 'cuff,secure=both')
    hub.air.tell('disconnect', 'cuff')
    hub.air.tell('measure', 'cuff', 'systolic=131')
    hub.wait_for_readings(2)


@case
def unpair_forgets(hub):
    """Unpaired: no device, no key, no connection any more; the readings stay."""
    name = known_cuff(hub)
    hub.ask('unpair', name)
    expect_equal(hub.ask('devices')['devices'], [], 'devices')
    time.sleep(3)
    before = len(hub.air.events('connected'))
    hub.air.tell('measure', 'cuff', 'systolic=131')
    stays(lambda: len(hub.air.events('connected')) == before, 5, 'it was connected again')
    expect_equal(len(hub.readings()), 1, 'readings')
    expect(hub.ctl('unpair', name).status != 0, 'unpaired twice')


@case
def bond_lost_over_there(hub):
    """The device was reset and knows the hub no more: said once, no loop; paired anew it goes on under its old name."""
    name = known_cuff(hub)
    hub.air.tell('forget', 'cuff')
    hub.air.tell('disconnect', 'cuff')
    hub.wait_for_device(name, 'needs-pairing', 30)
    time.sleep(3)
    before = len(hub.air.events('connected'))
    stays(lambda: len(hub.air.events('connected')) <= before + 1, 6, 'it tries again and again')
    expect(any(p['code'] == 'device.needs-pairing' for p in hub.ask('status')['problems']), 'nobody is told')
    hub.air.tell('measure', 'cuff', 'systolic=131')
    expect_equal(pair(hub, CUFF), name, 'name')
    hub.wait_for_readings(2)
    expect_equal(hub.readings()[-1]['patient'], 'p-secret-1', 'patient')


@case
def keys_are_secret(hub):
    """Keys lie in a file of mode 0600, and nowhere else: not in logs, not in what hearthctl answers."""
    known_cuff(hub)
    text = open(STATE + '/keys.json').read()
    expect_equal(oct(os.stat(STATE + '/keys.json').st_mode & 0o777), '0o600', 'mode')
    keys = re.findall('[0-9A-Fa-f]{32,}', text)
    expect(keys, 'no key in the file')
    told = '\n'.join(hub.log()) + ''.join(hub.ctl(v, '--json').out for v in ('devices', 'status', 'doctor'))
    for key in keys:
        expect(key.lower() not in told.lower(), 'a key was told')
