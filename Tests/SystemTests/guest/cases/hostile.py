"""Devices that misbehave on purpose. Whatever one does: the daemon lives, its memory stays small, another device is read."""
import re
import time

from desk import Pairing, pair
from framework import case, expect, expect_equal, wait_until

CUFF, SCALE = 'F0:00:00:00:00:01', 'F0:00:00:00:00:02'


def memory(hub):
    """Resident memory of the daemon, in KiB."""
    return int(re.search(r'VmRSS:\s+(\d+)', open('/proc/%d/status' % hub.pid()).read()).group(1))


class Watch:
    """The daemon before and after; a scale beside the hostile device must be read."""

    def __init__(self, hub, device, driver='blood-pressure'):
        hub.air.start(device, 'scale,advertise=off')
        hub.start()
        self.hub, self.pid = hub, hub.pid()
        hub.air.tell('advertise', 'scale')
        pair(hub, SCALE)
        hub.wait_for_readings(1)
        self.memory = memory(hub)
        # Unbonded or never finished, the pairing with the hostile one may end in any way but a dead daemon.
        self.pairing = Pairing(hub, CUFF, '--driver', driver, '--patient', 'p-secret-2')

    def still_good(self, most=6144):
        hub = self.hub
        expect_equal(hub.pid(), self.pid, 'process')
        count = len([r for r in hub.readings() if r['patient'] == 'p-secret-1'])
        # The hub gives the quiet link back, the scale wakes for its measurement. What is sent while the kernel still holds a link
        # that the daemon has closed (2 s) is heard by nobody.
        wait_until(lambda: 'scale=free' in hub.air.tell('list'), 60, 'the scale is let go')
        hub.air.tell('measure', 'scale', 'weight=%d' % (60 + count))
        hub.air.tell('advertise', 'scale')
        wait_until(lambda: len([r for r in hub.readings() if r['patient'] == 'p-secret-1']) == count + 1, 60,
                   'the scale beside it is read')
        grown = memory(hub) - self.memory
        print('    memory: %d KiB more' % grown)
        expect(grown < most, 'memory grew by', grown, 'KiB')
        expect(len(hub.log('hearthd.service')) < 60, 'lines in the log:', len(hub.log('hearthd.service')))

    def readings(self):
        return [r for r in self.hub.readings() if r['patient'] == 'p-secret-2']


@case
def wrong_lengths(hub):
    """Measurements of every length from 0 to 40 with random octets, then a good one."""
    watch = Watch(hub, 'cuff,hostile=lengths')
    watch.pairing.paired()
    hub.air.wait_for('worst-done')
    good = hub.air.wait_for('confirmed', device='cuff', seconds=60)['value']
    wait_until(lambda: any(r['raw']['hex'] == good for r in watch.readings()), 20, 'the good one')
    watch.still_good()


@case
def mtu_games(hub):
    """MTU answers of 0 and 65535, answers nobody asked for, a PDU longer than any MTU."""
    watch = Watch(hub, 'cuff,hostile=mtu')
    hub.air.wait_for('worst-done', seconds=40)
    time.sleep(2)
    watch.still_good()


@case(limit=150)
def storm(hub):
    """2,000 indications and notifications without waiting, of handles that do not exist too."""
    watch = Watch(hub, 'cuff,hostile=storm')
    hub.air.wait_for('worst-done', seconds=90)
    watch.still_good()


@case(limit=150)
def endless_services(hub):
    """A list of services that never ends and goes backwards."""
    watch = Watch(hub, 'cuff,hostile=services')
    hub.air.wait_for('asked', device='cuff', seconds=30)
    time.sleep(6)
    watch.still_good()
    expect(not hub.air.events('asked', count=10_000), 'ten thousand requests')


@case(limit=150)
def answers_nothing(hub):
    """Every request is left unanswered: after 30 s the link is ended, and the daemon does not hang."""
    watch = Watch(hub, 'cuff,hostile=silent')
    hub.air.wait_for('asked', device='cuff', seconds=30)
    hub.air.wait_for('disconnected', device='cuff', seconds=60)
    watch.still_good()


@case
def errors_only(hub):
    """An error to everything, then answers to questions nobody asked."""
    watch = Watch(hub, 'cuff,hostile=errors')
    hub.air.wait_for('asked', device='cuff', seconds=30)
    time.sleep(5)
    watch.still_good()


@case(limit=150)
def asks_us_everything(hub):
    """All opcodes with random octets against the hub's own attribute server: errors, and only the few values that it has."""
    watch = Watch(hub, 'cuff,hostile=requests')
    hub.air.wait_for('worst-done', device='cuff', seconds=100)
    answers = [(bytes.fromhex(e['asked']), bytes.fromhex(e['answer'])) for e in hub.air.events('hub-answer')]
    expect(len(answers) > 100, 'answers', len(answers))
    longest = max(len(answer) for _, answer in answers)
    expect(longest <= 517, 'an answer of', longest, 'octets')
    values = {a for ask, a in answers if a[0] in (0x0B, 0x09, 0x0D)}
    print('    %d answers, %d of them values, longest %d' % (len(answers), len(values), longest))
    expect(len(values) < 30, 'values', len(values))
    watch.still_good()
