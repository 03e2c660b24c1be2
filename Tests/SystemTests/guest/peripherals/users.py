"""User Data Service 1.0 (181C): registration and consent by the User Control Point (2A9F); nothing is sent without consent."""
import asyncio
import struct

from bumble.att import Attribute
from bumble.core import UUID
from bumble.gatt import Characteristic, CharacteristicValue, Service

from device import INDICATE, READ, WRITE
from events import event


class Users:
    """Mixed into a device; `users=N` gives it N users, `consent=CODE` is the code of the first."""

    @property
    def has_users(self):
        return int(self.options.get('users', 0)) > 0

    def user_services(self):
        if not self.has_users:
            return []
        self.codes = {n: int(self.options.get('consent', 1234)) + n - 1
                      for n in range(1, int(self.options['users']) + 1)}
        self.user = 0xFF
        self.ucp = self.subscribable(
            0x2A9F, INDICATE | WRITE, CharacteristicValue(write=self.on_user_request),
            permissions=Attribute.WRITEABLE | (self.permissions() & ~Attribute.READABLE))
        index = Characteristic(UUID.from_16_bits(0x2A9A), READ, Attribute.READABLE,
                               CharacteristicValue(read=lambda _connection: bytes([self.user])))
        change = Characteristic(UUID.from_16_bits(0x2A99), READ | WRITE, Attribute.READABLE | Attribute.WRITEABLE,
                                b'\x00\x00\x00\x00')
        return [Service(UUID.from_16_bits(0x181C), [self.ucp, index, change])]

    def start_transfer(self):
        if not self.has_users or self.user != 0xFF:
            super().start_transfer()

    async def on_disconnection(self, reason):
        self.user = 0xFF
        await super().on_disconnection(reason)

    def on_user_request(self, _connection, value):
        value = bytes(value)
        event('ucp', device=self.name, operation=value[0], length=len(value))
        asyncio.ensure_future(self.answer_user(value))

    async def answer_user(self, value):
        operation, answer = value[0], bytes([0x20, value[0], 0x02])
        if operation == 1 and len(value) == 3:
            index = max(self.codes) + 1
            self.codes[index] = struct.unpack_from('<H', value, 1)[0]
            answer = bytes([0x20, 0x01, 0x01, index])
        elif operation == 2 and len(value) == 4:
            good = self.codes.get(value[1]) == struct.unpack_from('<H', value, 2)[0]
            answer = bytes([0x20, 0x02, 0x01 if good else 0x05])
            event('consent', device=self.name, user=value[1], good=good)
            if good:
                self.user = value[1]
        await self.device.indicate_subscriber(self.connection, self.ucp, answer)
        if self.user != 0xFF:
            self.start_transfer()
