"""Devices that misbehave on purpose: `hostile=WHAT` of any kind of device. Each does its worst and then, where it can, gives the one
good reading of its queue, which the hub must still take.

    lengths    measurements of every length from 0 to 40 with random octets before the good one
    mtu        an MTU answer of 0 and of 65535, further answers nobody asked for, a PDU longer than any MTU
    storm      2,000 indications and notifications without waiting for a confirmation, also of handles that do not exist
    services   a list of services that never ends and goes backwards
    silent     answers no request at all
    errors     an error to everything, then answers to questions nobody asked
    requests   asks the hub's own attribute server everything with random octets
"""
import asyncio
import random
import struct

from bumble import att

from events import event


class Hostile:
    """Put in front of a kind of device by `hostile()` below."""

    def __init__(self, air, number, options):
        super().__init__(air, number, options)
        self.how = options['hostile']
        self.random = random.Random(int(options.get('seed', 1)))
        self.asked = 0
        server = self.device.gatt_server
        self.good = server.on_gatt_pdu
        self.device.gatt_server.on_gatt_pdu = self.on_request
        channel = self.device.l2cap_channel_manager
        usual = channel.fixed_channels[att.ATT_CID]
        channel.fixed_channels[att.ATT_CID] = lambda handle, pdu: self.on_octets(usual, handle, bytes(pdu))

    def raw(self, pdu):
        """One PDU to the hub, whatever is in it."""
        if self.connection:
            self.device.send_l2cap_pdu(self.connection.handle, att.ATT_CID, pdu)

    def octets(self, count):
        return self.random.randbytes(count)

    def on_octets(self, usual, handle, pdu):
        if self.how == 'requests' and self.awaited is not None and pdu[:1] and (pdu[0] & 1 or pdu[0] == 0x01):
            event('hub-answer', device=self.name, asked=self.awaited.hex(), answer=pdu.hex())
            return None
        return usual(handle, pdu)

    awaited = None

    def on_connection(self, connection):
        super().on_connection(connection)
        if self.how in ('requests', 'mtu'):
            asyncio.ensure_future(getattr(self, self.how)())

    def on_request(self, bearer, pdu):
        self.asked += 1
        if self.asked in (1, 100, 10_000):
            event('asked', device=self.name, count=self.asked, opcode=int(pdu.op_code))
        if self.how == 'silent':
            return None
        if self.how == 'mtu' and pdu.op_code == 0x02:
            for size in (0, 65535, 5, 22):
                self.raw(struct.pack('<BH', 0x03, size))
            return None
        if self.how == 'services' and pdu.op_code == 0x10:
            return self.services()
        if self.how == 'errors' and pdu.op_code not in (0x02, 0x1E):
            self.raw(bytes([0x01, pdu.op_code]) + self.octets(2) + bytes([self.random.choice([0x01, 0x0E, 0x80, 0xFF])]))
            for opcode in (0x09, 0x11, 0x13, 0x19, 0x7F, 0xFF):
                self.raw(bytes([opcode]) + self.octets(8))
            return None
        return self.good(bearer, pdu)

    def services(self):
        """Every answer says that there is more, some go back to the start."""
        first = self.random.choice([1, 2, self.asked % 0xFFF0 + 1])
        self.raw(bytes([0x11, 0x06]) + struct.pack('<HHH', first, first, 0x1800 + self.asked % 256))

    async def transfer(self):
        try:
            if self.how == 'lengths':
                for length in range(41):
                    self.raw(struct.pack('<BH', 0x1D, self.value.handle) + self.octets(length))
                    await asyncio.sleep(0.05)
                self.raw(b'\x1d')
                self.raw(b'\x1d\x01')
                event('worst-done', device=self.name)
            elif self.how == 'storm':
                handles = (self.value.handle, 0, 0xFFFF, self.value.handle + 1)
                for n in range(2000):
                    self.raw(struct.pack('<BH', 0x1D if n % 2 else 0x1B, handles[n // 2 % 4]) + self.octets(18))
                    if n % 50 == 0:
                        await asyncio.sleep(0.02)
                event('worst-done', device=self.name)
            if self.how in ('lengths', 'storm'):
                await asyncio.sleep(0.5)
        except asyncio.CancelledError:
            return
        await super().transfer()

    async def mtu(self):
        await asyncio.sleep(0.3)
        for size in (0, 22, 23, 65535):
            self.raw(struct.pack('<BH', 0x02, size))
            await asyncio.sleep(0.05)
        self.raw(b'\x1b\x03\x00' + bytes(240))
        event('worst-done', device=self.name)

    async def requests(self):
        """Each opcode with nothing, too little, and random octets; then every handle of a range by its own."""
        await asyncio.sleep(0.3)
        asks = [bytes([opcode]) + self.octets(length) for opcode in range(256) for length in (0, 1, 4, 20)]
        asks += [struct.pack('<BH', 0x0A, handle) for handle in range(0, 64)]
        asks += [struct.pack('<BHHH', 0x10, 1, 0xFFFF, 0x2800), struct.pack('<BHHH', 0x08, 1, 0xFFFF, 0x2803),
                 struct.pack('<BHHH', 0x08, 1, 0xFFFF, 0x2A2B), struct.pack('<BHH', 0x04, 1, 0xFFFF),
                 struct.pack('<BHHH', 0x10, 0xFFFF, 1, 0x2800), struct.pack('<BHHH', 0x16, 3, 0, 0) + self.octets(18),
                 b'\x18\x01', struct.pack('<BHH', 0x0C, 3, 0xFFFF)]
        for ask in asks:
            if not self.connection:
                break
            if ask[:1] in (b'\x1e', b'\x01') or ask[0] & 1 and ask[0] < 0x1F:
                continue    # Answers nobody asked for belong to `errors`.
            self.awaited = ask
            self.raw(ask)
            await asyncio.sleep(0.01)
        self.awaited = None
        event('worst-done', device=self.name)


def hostile(kind):
    return type('Hostile' + kind.__name__, (Hostile, kind), {})
