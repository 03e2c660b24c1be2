"""Virtual BLE measurement devices behind the kernel's own Bluetooth stack.

Runs in the guest, as root. It opens /dev/vhci, so that the kernel gets a controller (hci0, and more with --hubs), and puts virtual
devices on the same virtual air.

    python3 peripherals --device cuff,stored=3 --device scale,pairing=none ...

Each --device is KIND[,KEY=VALUE...]; KIND is cuff, scale, oximeter, thermometer, meter (glucose) or strap. Keys:

    name=N         for the control socket and the events (default: the kind)
    title=T        what it calls itself on the air
    address=A      default F0:00:00:00:00:01, 02, 03 ...
    addr=KIND      static (default), public or rpa
    pairing=P      none, justworks (default), passkey (the device shows one), entry (somebody types it on the device: `type`),
                   compare
    passkey=N      the passkey that the device shows (default 123456)
    agree=0        compare: the person at the device says no
    sc=0           legacy pairing only; default is LE Secure Connections
    bond=0         does not bond
    pairs=0        knows no pairing and says so
    secure=S       what asks for encryption: cccd (default: error 0x05 on the CCCD write), request (an SMP Security Request on
                   connect), both, never
    stored=N       readings in memory (default 1)
    advertise=S    seconds on the air: 0 for ever (default), off: not until told
    repeat=S       on the air again S seconds after the last time
    interval=MS    advertising interval (default 100)
    drop=N         cuts the link after N readings, without waiting for the confirmation of the last
    hangup=S       cuts the link S seconds after the last reading (like a cuff that switches itself off); default: stays
    mtu=N          largest ATT MTU (default 23)
    slow=S         seconds between readings (default 0)
    forget=1       loses the bond on every disconnect
    deaf=1         advertises, but never answers a connection request
    clock=S        its clock is S seconds off
    reads-time=1   reads the hub's Current Time
    users=N, consent=CODE   a scale with User Data that sends nothing before consent; user 1 has CODE, 2 has CODE+1
    queue=HEX+HEX  readings in memory, as octets, before the stored ones
    keys=FILE      its bonds are in this file
    hears-confirmation=0   confirmations get lost on the air
    hostile=H      lengths, mtu, storm, services, silent, errors, requests; see hostile.py
    appearance, systolic, diastolic, pulse, weight, spo2, temperature: values

Control, one command a line on --control's Unix socket, answered by `ok` or `error …`:
    advertise NAME [SECONDS] | silence NAME | measure NAME [VALUE...] | disconnect NAME | forget NAME | type NAME PASSKEY |
    set NAME KEY VALUE | unplug [N] | plug [N] | hardware-error [N] | list | quit
Events: one JSON object a line on standard output. AIR_HCI=1 adds every HCI command of the kernel.
"""
import argparse
import asyncio
import logging
import os
import sys

from bumble.transport import open_transport

from events import event
from hostile import hostile
from kinds import KINDS
from radio import Air, KernelController


class Wire:
    """From a controller to the kernel. A kernel whose radio is blocked takes nothing (ENXIO); asyncio would close the device."""

    def __init__(self, pipe):
        self.pipe = pipe

    def on_packet(self, packet):
        try:
            os.write(self.pipe.fileno(), bytes(packet))
        except (OSError, ValueError) as error:   # ValueError: the controller was pulled meanwhile.
            event('not-taken', error=str(error))


class Hub:
    """One controller of the kernel, which can be pulled and put back."""

    def __init__(self, air, number):
        self.air, self.number = air, number
        self.address = '00:1B:DC:07:32:%02X' % (number + 1)
        self.transport = self.controller = None

    async def plug(self):
        if self.transport is None:
            self.transport = await open_transport('vhci')
            self.wire = Wire(self.transport.sink.transport.get_extra_info('pipe'))
            self.controller = KernelController(
                'hub%d' % self.number, host_source=self.transport.source, host_sink=self.wire, link=self.air,
                public_address=self.address)
            event('plugged', hub=self.number, address=self.address)

    async def unplug(self):
        if self.transport is not None:
            self.controller.reset_links()
            self.air.remove_controller(self.controller)
            # The kernel lets go only when it is done with what it just asked, of this or of another controller: the last close
            # may not keep the others from answering.
            last = os.dup(self.transport.sink.transport.get_extra_info('pipe').fileno())
            await self.transport.close()
            await asyncio.sleep(0)
            await asyncio.to_thread(os.close, last)
            self.transport = self.controller = None
            event('unplugged', hub=self.number)

    def hardware_error(self):
        self.wire.on_packet(bytes([0x04, 0x10, 0x01, 0x42]))


class Control:
    def __init__(self, devices, hubs, stop):
        self.devices, self.hubs, self.stop = devices, hubs, stop

    async def run(self, words):
        word, rest = words[0], words[1:]
        if word == 'quit':
            self.stop.set()
        elif word == 'list':
            return ' '.join('%s=%s' % (d.name, 'connected' if d.connection else 'free') for d in self.devices.values())
        elif word in ('plug', 'unplug'):
            await getattr(self.hubs[int(rest[0]) if rest else 0], word)()
        elif word == 'hardware-error':
            self.hubs[int(rest[0]) if rest else 0].hardware_error()
        else:
            return await self.steer(word, self.devices[rest[0]], rest[1:])
        return 'ok'

    async def steer(self, word, device, rest):
        if word == 'advertise':
            await device.advertise(float(rest[0]) if rest else 0)
        elif word == 'silence':
            await device.device.stop_advertising()
            event('silent', device=device.name)
        elif word == 'measure':
            await device.measure(rest)
        elif word == 'disconnect':
            await self.disconnect(device)
        elif word == 'forget':
            await device.forget_bonds()
        elif word == 'type':
            device.typed.put_nowait(int(rest[0]))
        elif word == 'set':
            setattr(device.controller if rest[0] == 'deaf' else device, rest[0],
                    type(getattr(device, rest[0], rest[1]))(rest[1]) if rest[0] != 'deaf' else rest[1] == '1')
        else:
            return 'unknown command'
        return 'ok'

    @staticmethod
    async def disconnect(device):
        """A link that the hub's side ends in the same moment, or ended before, is gone, too: that is no fault of a case."""
        connection = device.connection
        if connection is None:
            return
        try:
            await connection.disconnect()
        except Exception:
            await asyncio.sleep(1)
            if device.connection is connection:
                raise

    async def client(self, reader, writer):
        while line := await reader.readline():
            words = line.decode().split()
            try:
                answer = await self.run(words) if words else 'ok'
            except Exception as error:
                answer = 'error %r' % error
            writer.write(answer.encode() + b'\n')
            await writer.drain()
        writer.close()


async def main(words):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--device', action='append', default=[])
    parser.add_argument('--hubs', type=int, default=1)
    parser.add_argument('--control', default='/run/air.sock')
    parser.add_argument('--debug', action='store_true')
    options = parser.parse_args(words)
    logging.basicConfig(level=logging.DEBUG if options.debug else logging.ERROR, stream=sys.stderr)
    air, devices, stop = Air(), {}, asyncio.Event()
    for number, spec in enumerate(options.device, 1):
        kind, *pairs = spec.split(',')
        keys = dict(pair.split('=', 1) for pair in pairs)
        thing = (hostile(KINDS[kind]) if 'hostile' in keys else KINDS[kind])(air, number, keys)
        devices[thing.name] = thing
    hubs = [Hub(air, number) for number in range(options.hubs)]
    for hub in hubs:
        await hub.plug()
    for thing in devices.values():
        await thing.start()
    if os.path.exists(options.control):
        os.unlink(options.control)
    server = await asyncio.start_unix_server(Control(devices, hubs, stop).client, options.control)
    event('ready')
    await stop.wait()
    server.close()
    for hub in hubs:
        await hub.unplug()
    event('end')

