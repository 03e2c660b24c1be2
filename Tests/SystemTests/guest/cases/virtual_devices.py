"""The virtual devices themselves, with a plain-socket client instead of hearthd: when these pass, a fault is hearthd's. They run
when they are asked for, after a failure that nobody understands or a change of the devices."""
import os
import re
import subprocess
import time

from framework import case, expect, wait_until
from hub import shell

PROBE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'probe.py')
CUFF, SCALE, OXIMETER = ('F0:00:00:00:00:%02X' % n for n in (1, 2, 3))


def probe(*words, timeout=45):
    return shell('timeout', str(timeout), 'python3', PROBE, *words, check=False, timeout=timeout + 5)


def expect_in(pattern, text):
    expect(re.search(pattern, text), 'no %r in' % pattern, text[-1500:])


@case(asked=True)
def are_found_and_pair(hub):
    """Discovery; a passkey typed on the hub, wrong and right; Just Works after a legacy pairing; values over the new link."""
    hub.air.start('cuff,advertise=off', 'scale,pairing=passkey,passkey=246810', 'oximeter,sc=0')
    expect_in('Device Found.*' + SCALE, probe('scan', '3'))
    expect_in('Pair Device: status 0x05', probe('pair', SCALE, 'random', '--io', '4', '--passkey', '111111'))
    expect_in('key_type 3 .* size 16', probe('pair', SCALE, 'random', '--io', '4', '--passkey', '246810', '--keys', '/tmp/k2'))
    expect_in('READING weight 82.40', probe('read', SCALE, 'random', '--io', '4', '--keys', '/tmp/k2', '--cycle'))
    expect_in('key_type 0 central 1', probe('pair', OXIMETER, 'random', '--keys', '/tmp/k3'))
    expect_in('READING 01', probe('read', OXIMETER, 'random', '--keys', '/tmp/k3', '--cycle'))


@case(asked=True)
def passkey_typed_on_the_device(hub):
    """The hub shows six digits, somebody types them on the device."""
    hub.air.start('cuff,pairing=entry')
    with open('/tmp/out', 'w+') as out:
        child = hub.spawn('python3', '-u', PROBE, 'pair', CUFF, 'random', '--io', '4', '--keys', '/tmp/k1', stdout=out)
        shown = wait_until(lambda: re.search(r'type on the device: (\d{6})', open('/tmp/out').read()), 20, 'six digits')
        hub.air.wait_for('passkey-wanted')
        hub.air.tell('type', 'cuff', shown.group(1))
        child.wait(20)
    expect_in('key_type 3 .* size 16', open('/tmp/out').read())


@case(asked=True)
def numeric_comparison(hub):
    """Both show the same six digits; a no at the device ends it."""
    hub.air.start('cuff,pairing=compare', 'scale,pairing=compare,agree=0')
    good = probe('pair', CUFF, 'random', '--io', '1')
    shown = re.search(r'confirm (\d{6})', good)
    expect_in('key_type 3 .* size 16', good)
    compared = hub.air.wait_for('numbers-compared', device='cuff')
    expect(shown and shown.group(1) == compared['number'], 'other numbers', shown, compared)
    expect_in('Pair Device: status', probe('pair', SCALE, 'random', '--io', '1'))


@case(asked=True)
def wakes_for_two_seconds(hub):
    """On the air for 2 s after a silence: caught by Add Device 2; a bond lost on the other side is reported as such."""
    hub.air.start('cuff,advertise=off,hangup=0.1')
    child = hub.spawn('python3', PROBE, 'auto', CUFF, 'random', '--flow', 'add2', '--seconds', '9', '--keys', '/tmp/k4',
                      stdout=open('/tmp/out', 'w'))
    time.sleep(4)
    hub.air.tell('advertise', 'cuff', 2)
    child.wait(30)
    expect_in('READING blood pressure 128/82', open('/tmp/out').read())
    hub.air.tell('forget', 'cuff')
    hub.air.tell('measure', 'cuff')
    hub.air.tell('advertise', 'cuff', 10)
    expect_in('Device Disconnected.*reason 0x04', probe('read', CUFF, 'random', '--keys', '/tmp/k4', '--cycle'))


@case(asked=True)
def private_address(hub):
    """A resolvable private address: paired, then reached by the identity."""
    hub.air.start('cuff,addr=rpa')
    address = hub.air.wait_for('advertising')['address'].split('/')[0]
    expect_in('identity ' + CUFF, probe('pair', address, 'random', '--keys', '/tmp/k5'))
    expect_in('READING blood pressure', probe('read', CUFF, 'random', '--keys', '/tmp/k5', '--cycle'))


@case(asked=True)
def controllers_come_and_go(hub):
    """Two controllers; one is pulled and put back; a hardware error makes the kernel reset the other."""
    names = lambda: sorted(os.listdir('/sys/class/bluetooth')) if os.path.isdir('/sys/class/bluetooth') else []
    hub.air.start('cuff', arguments=['--hubs', '2'])
    wait_until(lambda: names() == ['hci0', 'hci1'], 10, lambda: 'two controllers: %s' % names())
    hub.air.tell('unplug', 1)
    wait_until(lambda: names() == ['hci0'], 10, lambda: 'one controller: %s' % names())
    hub.air.tell('plug', 1)
    wait_until(lambda: names() == ['hci0', 'hci1'], 10, lambda: 'two again: %s' % names())
    hub.air.tell('unplug', 1)
    expect_in('Device Found.*' + CUFF, probe('scan', '3'))
    before = len(hub.air.events('controller-reset'))
    hub.air.tell('hardware-error')
    hub.air.wait_for('controller-reset', count=before + 1)
    expect_in('Device Found.*' + CUFF, probe('scan', '3'))


@case(asked=True)
def nobody_answers(hub):
    """Heard, but deaf: the attempt ends after 4 s."""
    hub.air.start('cuff,deaf=1')
    expect_in('Pair Device: status 0x08', probe('pair', CUFF, 'random'))


@case(asked=True)
def storm(hub):
    """2,000 unasked indications; the last one is good. (The client confirms what it gets.)"""
    hub.air.start('cuff,hostile=storm', 'scale,hostile=lengths')
    expect_in('READING blood pressure 128/82', probe('read', CUFF, 'random', '--wait', '8', timeout=80))
    expect_in('READING weight 82.40', probe('read', SCALE, 'random', '--wait', '4'))
