"""Stored records behind the Record Access Control Point, and users behind consent."""
from desk import Pairing, pair
from framework import case, expect, expect_equal, stays, wait_until

CUFF = 'F0:00:00:00:00:01'


@case
def all_records(hub):
    """A glucose meter with ten records: each is a reading once; nothing is deleted on the meter."""
    hub.air.start('meter,stored=10')
    hub.start()
    pair(hub, CUFF)
    readings = hub.wait_for_readings(10, 30)
    expect_equal([r['raw']['hex'] for r in readings], [e['value'] for e in hub.air.events('sent')], 'order and octets')
    expect_equal(len(hub.air.events('deleted')), 0, 'deletions')


@case
def link_cut_among_records(hub):
    """The link is cut after four of ten: the next contact brings the rest, none twice."""
    hub.air.start('meter,stored=10,drop=4,slow=0.1')
    hub.start()
    pair(hub, CUFF)
    readings = hub.wait_for_readings(10, 60)
    expect_equal(len({r['raw']['hex'] for r in readings}), 10, 'different')
    requests = [e['value'] for e in hub.air.events('racp') if e['value'].startswith('01')]
    expect(len(requests) >= 2 and requests[-1] != '0101', 'it asked for everything again:', requests)


@case
def only_the_new_ones(hub):
    """The second contact asks from the last record on."""
    hub.air.start('meter,stored=5')
    hub.start()
    pair(hub, CUFF)
    hub.wait_for_readings(5, 30)
    hub.air.tell('disconnect', 'meter')
    wait_until(lambda: len([e for e in hub.air.events('racp') if e['value'].startswith('01')]) >= 2, 30, 'a second request')
    second = [e['value'] for e in hub.air.events('racp') if e['value'].startswith('01')][1]
    expect(second.startswith('010301'), 'the second request', second)
    stays(lambda: len(hub.readings()) == 5, 3, 'records twice')


@case
def consent(hub):
    """A scale that sends nothing before consent: the code is asked for at pairing, the reading is the user's."""
    hub.air.start('scale,users=2,consent=520')
    hub.start()
    pairing = Pairing(hub, CUFF, '--patient', 'p-secret-1', '--user', '1', '--consent-code', '520')
    pairing.paired()
    expect(hub.air.wait_for('consent')['good'], 'consent was refused')
    reading = hub.wait_for_readings(1)[0]
    expect_equal((reading['user'], reading['patient']), (1, 'p-secret-1'), 'user')


@case
def consent_refused(hub):
    """With a wrong code nothing comes, and the hub says why."""
    hub.air.start('scale,users=2,consent=520')
    hub.start()
    pairing = Pairing(hub, CUFF, '--patient', 'p-secret-1', '--user', '1', '--consent-code', '521')
    name = pairing.paired()['device']
    expect(not hub.air.wait_for('consent')['good'], 'consent was given')
    wait_until(lambda: (hub.device(name) or {}).get('last_problem'), 15, 'a problem of the device')
    expect_equal(hub.readings(), [], 'readings')
