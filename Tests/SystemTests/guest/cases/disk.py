"""A disk that does not take the reading: the device gets no confirmation, keeps its record, and gives it again."""
import os

from desk import pair
from framework import case, expect, expect_equal, stays, wait_until
from hub import STATE, shell

CUFF = 'F0:00:00:00:00:01'


def freeze(hub):
    """Writing to the disk hangs from now on, as on a dying card."""
    def thaw():
        shell('fsfreeze', '-u', STATE, check=False)
    shell('fsfreeze', '-f', STATE)
    hub.undo.append(thaw)
    return thaw


@case
def hangs(hub):
    """fdatasync does not return: no confirmation; it returns: the confirmation goes out, the reading is there once."""
    hub.air.start('cuff,stored=0')
    hub.start()
    pair(hub, CUFF)
    hub.air.wait_for('subscribed')
    thaw = freeze(hub)
    hub.air.tell('measure', 'cuff', 'systolic=141')
    hub.air.wait_for('sent')
    stays(lambda: not hub.air.events('confirmed'), 5, 'confirmed without being on disk')
    expect_equal(hub.ctl('status').status, 0, 'the daemon answers meanwhile')
    thaw()
    hub.air.wait_for('confirmed')
    hub.wait_for_readings(1)


@case(limit=240)
def is_full(hub):
    """No space: no confirmation, the link ends, the technician is told; with space again the device's record comes in."""
    hub.air.start('cuff,stored=0')
    # Small segments: little is reserved beforehand.
    hub.configure(journal={'segment_bytes': 65536})
    hub.start()
    pair(hub, CUFF)
    hub.air.wait_for('subscribed')
    filler = STATE + '/filler'
    shell('dd', 'if=/dev/zero', 'of=' + filler, 'bs=64k', check=False)
    shell('dd', 'if=/dev/zero', 'of=' + filler + '2', 'bs=1k', check=False)
    sent = 0
    # What the journal had reserved may still take some.
    while sent < 300:
        for _ in range(10):
            hub.air.tell('measure', 'cuff', 'systolic=%d' % (100 + sent % 100), 'pulse=%d' % (50 + sent // 100))
            sent += 1
        if hub.ask('status')['journal']['state'] != 'ok':
            break
    state = hub.ask('status')
    expect(state['journal']['state'] != 'ok', 'the journal took', sent, 'readings on a full disk')
    confirmed = len(hub.air.events('confirmed'))
    expect(confirmed < sent, 'confirmed without space')
    expect_equal(len(hub.readings()), confirmed, 'stored and confirmed')
    expect(any(p['code'].startswith('journal') for p in state['problems']), 'nobody is told', state['problems'])
    os.unlink(filler)
    os.unlink(filler + '2')
    wait_until(lambda: len(hub.air.events('confirmed')) == sent, 60, 'the rest is confirmed')
    expect_equal(len(hub.readings()), sent, 'readings')


@case
def breaks(hub):
    """Writes fail with EIO: no confirmation. The disk is replaced: the record comes in again."""
    hub.air.start('cuff,stored=0')
    hub.stop()
    shell('umount', STATE)
    sectors = int(shell('blockdev', '--getsz', '/dev/vdb'))

    def mend():
        shell('systemctl', 'stop', 'hearthd.service', check=False)
        shell('umount', STATE, check=False)
        shell('dmsetup', 'remove', '--force', 'dying', check=False)
        shell('e2fsck', '-p', '/dev/vdb', check=False)
        shell('mount', STATE, check=False)
    hub.undo.append(mend)
    shell('dmsetup', 'create', 'dying', '--table', '0 %d linear /dev/vdb 0' % sectors)
    shell('mount', '/dev/mapper/dying', STATE)
    hub.start()
    pair(hub, CUFF)
    hub.air.wait_for('subscribed')
    hub.air.tell('measure', 'cuff', 'systolic=120')
    hub.air.wait_for('confirmed')
    shell('dmsetup', 'suspend', '--noflush', 'dying')
    shell('dmsetup', 'load', 'dying', '--table', '0 %d flakey /dev/vdb 0 0 3600 1 error_writes' % sectors)
    shell('dmsetup', 'resume', 'dying')
    hub.air.tell('measure', 'cuff', 'systolic=141')
    hub.air.wait_for('sent', count=2)
    stays(lambda: len(hub.air.events('confirmed')) == 1, 6, 'confirmed without being on disk')
    pid = hub.pid()
    expect(pid, 'the daemon lives')
    mend()
    hub.start()
    hub.air.wait_for('confirmed', count=2, seconds=60)
    expect_equal(len(hub.readings()), 2, 'readings')
