"""USB-serial on the real kernel: QEMU's FTDI adapter, the kernel's ftdi_sio, Debian's udev, a port named by its USB socket."""
import os
import subprocess

from framework import case, expect, expect_equal, stays, wait_until
from serial_line import USBLine, weight


def scale(port, name='scale', patient='p-secret-1'):
    return {'id': name, 'driver': 'and-scale', 'port': USBLine.path(port), 'patient': patient}


def line(hub, name='line1'):
    line = USBLine(name)
    hub.undo.append(line.close)
    return line


def connected(hub):
    """A scale that the configuration names is in socket 1 when the daemon starts."""
    usb = line(hub)
    usb.plug(1)
    hub.configure([scale(1)])
    hub.start()
    hub.wait_for_device('scale', 'connected')
    return usb


def told_apart(hub, one, two, frame, *serial):
    """The scales of hall and bath are read; pulled and put back in the other order, each is still the same device."""
    names = ('hall', 'bath')
    for name in names:
        hub.wait_for_device(name, 'connected')
    one.write(frame(61))
    two.write(frame(92))
    wait_until(lambda: len(hub.readings()) == 2, 20, 'two readings')
    for usb in (one, two):
        usb.pull()
    two.plug(2, *serial)
    one.plug(1, *serial)
    for name in names:
        hub.wait_for_device(name, 'connected', 40)
    one.write(frame(62))
    two.write(frame(93))
    got = hub.wait_for_readings(4)
    values = {n: [(r['observations'][0]['value'], r['patient']) for r in got if r['device']['id'] == n] for n in names}
    expect_equal(values, {'hall': [('61.00', 'p-secret-1'), ('62.00', 'p-secret-1')],
                          'bath': [('92.00', 'p-secret-2'), ('93.00', 'p-secret-2')]}, 'values')


@case
def plugged_before(hub):
    """The cable is there when the daemon starts: a weight becomes a reading, the port is the daemon's alone."""
    usb = line(hub)
    path = usb.plug(1, 'BP0001')
    hub.configure([scale(1)])
    hub.start()
    hub.wait_for_device('scale', 'connected')
    usb.write(weight(82.4))
    reading = hub.wait_for_readings(1)[0]
    expect_equal(reading['observations'][0]['value'], '82.40', 'value')
    expect_equal(reading['patient'], 'p-secret-1', 'patient')
    refused = subprocess.run(['setpriv', '--reuid', 'nobody', '--regid', 'hearth-device', '--clear-groups', 'cat', path],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    expect('busy' in refused.stderr, 'another program got the port:', refused.stderr)


@case
def plugged_later(hub):
    """The daemon waits for a cable that is not there and takes it when it comes; it says so meanwhile."""
    usb = line(hub)
    hub.configure([scale(1)])
    hub.start()
    hub.wait_for_device('scale', 'waiting')
    usb.plug(1)
    hub.wait_for_device('scale', 'connected', 40)
    usb.write(weight(83.4))
    hub.wait_for_readings(1)


@case
def pulled_in_mid_frame(hub):
    """The cable is pulled in the middle of a line and put back: no reading of the half, none of half and new half."""
    usb = connected(hub)
    usb.write(weight(70))
    hub.wait_for_readings(1)
    usb.write(b'US,+00000.00 kg\r\nST,+000')
    usb.pull()
    hub.wait_for_device('scale', 'waiting')
    usb.plug(1)
    hub.wait_for_device('scale', 'connected', 40)
    usb.write(b'91.50 kg\r\n')
    stays(lambda: len(hub.readings()) == 1, 2, 'a reading of two halves')
    usb.write(weight(71))
    got = hub.wait_for_readings(2)
    expect_equal([r['observations'][0]['value'] for r in got], ['70.00', '71.00'], 'values')


@case(limit=120)
def pulled_often(hub):
    """Ten times out and in: each weight is there once, no descriptor is lost."""
    usb = connected(hub)
    descriptors = lambda: len(os.listdir('/proc/%d/fd' % hub.pid()))
    # With the first reading comes the connection to the uplink.
    usb.write(weight(50))
    hub.wait_for_readings(1)
    wait_until(lambda: hub.ask('status')['backends'][0]['waiting'] == 0, 15, 'delivered')
    before = descriptors()
    for n in range(10):
        usb.pull()
        hub.wait_for_device('scale', 'waiting')
        usb.plug(1)
        hub.wait_for_device('scale', 'connected', 40)
        usb.write(weight(60 + n))
        wait_until(lambda: len(hub.readings()) == n + 2, 15, 'reading %d' % n)
    wait_until(lambda: descriptors() <= before, 5, lambda: 'descriptors: %d, before %d' % (descriptors(), before))


@case
def two_identical_adapters(hub):
    """Two adapters without serial numbers: the socket tells them apart, also when they come in the other order."""
    one, two = line(hub), line(hub, 'line2')
    one.plug(1)
    two.plug(2)
    hub.configure([scale(1, 'hall', 'p-secret-1'), scale(2, 'bath', 'p-secret-2')])
    hub.start()
    told_apart(hub, one, two, weight)


@case
def babbling(hub):
    """64 KiB of garbage: no reading, a small log, and the next good line is taken."""
    usb = connected(hub)
    usb.write(os.urandom(65536), 40)
    usb.write(b'\r\n' + weight(77))
    got = hub.wait_for_readings(1, 40)
    expect_equal(got[0]['observations'][0]['value'], '77.00', 'value')
    expect(len(hub.log('hearthd.service')) < 30, 'lines in the log:', len(hub.log('hearthd.service')))


def cas(kilograms):
    """What a scale of the other family says, at 9600 8N1: where listening begins."""
    return b'US,GS,+   0.00kg\r\n' + (b'ST,GS,+%7.2fkg\r\n' % kilograms) * 3 + b'ST,GS,+   0.00kg\r\n' * 2


def port(hub, place):
    """What the daemon says about a USB socket."""
    path = USBLine.path(place).removeprefix('/dev/serial/by-path/').removesuffix('-port0')
    return next((p for p in hub.ask('serial', 'list')['ports'] if p['path'] == path), {})


def wait_for_port(hub, place, state, seconds=20):
    wait_until(lambda: port(hub, place).get('state') == state, seconds,
               lambda: 'socket %d %s: %s' % (place, state, port(hub, place)))


def listened_to(hub, *serial):
    """An adapter that nobody configured is plugged into socket 1."""
    usb = line(hub)
    hub.configure([])
    hub.start()
    usb.plug(1, *serial)
    wait_for_port(hub, 1, 'listening')
    return usb


def bind(hub, place, name, patient):
    answer = hub.ctl('serial', 'bind', USBLine.path(place), '--driver', 'cas', '--id', name, '--patient', patient)
    expect_equal(answer.status, 0, 'bind')


@case
def recognised(hub):
    """A scale that nobody configured is plugged in: recognised by listening, its first weight is parked, then it is somebody's."""
    usb = listened_to(hub, 'A9UXYZ17')
    usb.write(cas(72.4))
    wait_for_port(hub, 1, 'recognised')
    expect_equal(hub.wait_for_readings(1)[0]['patient'], None, 'patient')
    expect_equal(usb.read(1), b'', 'what was sent to it')
    expect_equal(len([l for l in hub.log('hearthd.service') if 'recognised' in str(l)]), 1, 'lines that tell of it')
    expect_equal(hub.ctl('assign', '--device', 'cas', 'p-secret-1').status, 0, 'assign')
    usb.write(cas(82.4))
    wait_until(lambda: [r['patient'] for r in hub.readings()][-1:] == ['p-secret-1'], 20, 'a reading with its patient')


@case
def recognised_at_another_speed(hub):
    """One that speaks at 2400 7E1, again and again: found when listening comes to that."""
    usb = listened_to(hub)

    def there():
        usb.write(weight(72.4))
        return port(hub, 1).get('state') == 'recognised'
    wait_until(there, 60, lambda: port(hub, 1))
    expect_equal(port(hub, 1)['driver'], 'and-scale', 'driver')


@case
def bound_and_moved(hub):
    """A bound adapter with a serial number of its own is found in another socket, after a restart and a pull in mid-line."""
    usb = listened_to(hub, 'A9UXYZ17')
    bind(hub, 1, 'scale', 'p-secret-1')
    hub.wait_for_device('scale', 'connected')
    usb.write(cas(61) + b'US,GS,+   0.00kg\r\nST,GS,+')
    hub.wait_for_readings(1)
    usb.pull()
    wait_for_port(hub, 1, 'absent', 5)
    hub.restart()
    usb.plug(2, 'A9UXYZ17')
    hub.wait_for_device('scale', 'connected')
    usb.write(b'  99.00kg\r\n' + cas(62))
    got = hub.wait_for_readings(2)
    expect_equal([r['observations'][0]['value'] for r in got], ['61.00', '62.00'], 'values')
    expect_equal({r['patient'] for r in got}, {'p-secret-1'}, 'patients')


@case
def two_identical_adapters_bound(hub):
    """Two adapters with the same serial number, bound by their sockets: each keeps its device, whichever comes first."""
    one, two = line(hub), line(hub, 'line2')
    hub.configure([])
    hub.start()
    one.plug(1, '0001')
    two.plug(2, '0001')
    for place, name in ((1, 'hall'), (2, 'bath')):
        wait_for_port(hub, place, 'listening')
        bind(hub, place, name, 'p-secret-%d' % place)
    told_apart(hub, one, two, cas, '0001')


@case
def plug_to_reading(hub):
    """From plugging in a bound scale that talks to its reading on disk: the device's own time and little more."""
    usb = listened_to(hub)
    bind(hub, 1, 'scale', 'p-secret-1')
    hub.wait_for_device('scale', 'connected')
    usb.pull()
    wait_for_port(hub, 1, 'absent', 5)
    usb.plug(1)
    # Under emulation, hearthctl itself takes a good part of a second.
    hub.wait_for_device('scale', 'connected', 5)
    usb.write(cas(61))
    hub.wait_for_readings(1, 5)
