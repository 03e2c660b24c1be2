"""What the kernel itself does with an ATT socket whose link ended, with a plain-socket client instead of hearthd, and what hearthd makes
of that. They run when they are asked for. A kernel with the fault that README's chapter *Operate* describes dies in those that end in `closed_late` and begin with
`silent`, and passes the others: this is how its table of versions was made."""
import struct
import time

import probe
from desk import Pairing, pair
from framework import case, expect, expect_equal, wait_until
from hub import shell

CUFF, SCALE = 'F0:00:00:00:00:01', 'F0:00:00:00:00:02'
ROUNDS = 5
POWERED, DISCONNECTED = 0x0005, 0x000C


def each_link(hub, use):
    """Links one after the other, over which the client asks nothing by itself."""
    probe.say = lambda *_: None
    hub.air.start('cuff,pairing=none')
    mgmt = probe.Mgmt()
    print('    ' + shell('uname', '-rv').strip())
    for _ in range(ROUNDS):
        mgmt.up(cycle=True)
        use(mgmt, probe.Att(probe.bdaddr(CUFF), probe.BDADDR_LE['random'], timeout=30, mgmt=mgmt))
        time.sleep(0.3)


def power_off(mgmt):
    mgmt.call(POWERED, b'\0')
    mgmt.drain()


@case(asked=True)
def silent_link_closed_first(hub):
    """Nothing came over the link; the socket is closed, then the link ends."""
    def use(mgmt, att):
        att.sock.close()
        power_off(mgmt)
    each_link(hub, use)


@case(asked=True)
def heard_link_closed_late(hub):
    """One answer came over the link; it ends, then the socket is closed."""
    def use(mgmt, att):
        expect(att.request(struct.pack('<BH', 0x02, 185))[0] == 0x03, 'no answer')
        power_off(mgmt)
        att.sock.close()
    each_link(hub, use)


@case(asked=True)
def silent_link_closed_late(hub):
    """Nothing came over the link; the controller is switched off, then the socket is closed."""
    def use(mgmt, att):
        power_off(mgmt)
        att.sock.close()
    each_link(hub, use)


@case(asked=True)
def silent_link_of_the_device_closed_late(hub):
    """Nothing came over the link; the device ends it, then the socket is closed."""
    def use(mgmt, att):
        hub.air.tell('disconnect', 'cuff')
        expect(mgmt.wait_for(DISCONNECTED, 10), 'the link did not end')
        mgmt.drain()
        att.sock.close()
    each_link(hub, use)


@case(asked=True, limit=300)
def hub_lives_with_it(hub):
    """hearthd with a device that ends each link before it answered, on a kernel that ends only the process that closes such a socket:
    the daemon goes on, and ends and starts as ever."""
    with open('/proc/sys/kernel/panic_on_oops', 'w') as file:
        file.write('0')
    is_faulty = 'Debian 6.1.192-' in shell('uname', '-v')
    hub.air.start('cuff,hostile=silent,pairing=none', 'scale')
    hub.start()
    Pairing(hub, CUFF, '--patient', 'p-secret-1').paired()
    pid = hub.pid()
    for n in range(3):
        # The socket is open by then, and its first question unanswered.
        hub.air.wait_for('connected', device='cuff', count=n + 1, seconds=60)
        time.sleep(3)
        hub.air.tell('disconnect', 'cuff')
    hub.air.tell('set', 'cuff', 'advertise_for', 'off')
    time.sleep(1)
    told = [line for line in hub.log() if 'bluetooth.kernel-fault' in line]
    expect_equal(bool(told), is_faulty, 'bluetooth.kernel-fault in the log')
    expect_equal('bluetooth-kernel' in hub.ctl('doctor', '--json').out, is_faulty, 'the doctor names the kernel')
    pair(hub, SCALE)
    hub.wait_for_readings(1)
    expect_equal(hub.pid(), pid, 'process')
    hub.restart()
    wait_until(lambda: hub.pid() not in (0, pid), 20, 'started again')
    expect_equal(hub.ctl('status').status, 0, 'status')
    time.sleep(3)
    kernel = shell('dmesg')
    print('    oopses: %d' % kernel.count('---[ end trace'))
    expect('recursive fault' not in kernel, 'a process that never ends', kernel[-2000:])
    expect_equal(len(hub.readings()), 1, 'readings')
