"""Stored records behind the Record Access Control Point (2A52), Glucose Profile 1.0.1: report, count, abort, delete."""
import asyncio
import struct

from bumble.att import Attribute
from bumble.gatt import CharacteristicValue

from device import INDICATE, WRITE
from events import event


class Records:
    """Mixed into a device whose records carry a sequence number in octets 1 and 2. Its queue is its memory."""

    def record_access_control_point(self):
        self.transferring = None
        self.racp = self.subscribable(
            0x2A52, INDICATE | WRITE, CharacteristicValue(write=self.on_request),
            permissions=Attribute.WRITEABLE | (self.permissions() & ~Attribute.READABLE))
        return self.racp

    def start_transfer(self):
        """Records are sent on request only."""

    def on_request(self, _connection, value):
        value = bytes(value)
        event('racp', device=self.name, value=value.hex())
        if value[:1] == b'\x03':
            if self.transferring and not self.transferring.done():
                self.transferring.cancel()
            asyncio.ensure_future(self.answer(bytes([0x06, 0x00, 0x03, 0x01])))
            return
        self.transferring = asyncio.ensure_future(self.serve(value))

    def chosen(self, operator, operand):
        """The records that operator and operand (filter 1: sequence number) name; None when they are not understood."""
        number = lambda record: struct.unpack_from('<H', record, 1)[0]
        if operator == 1:
            return list(self.queue)
        if operator in (5, 6):
            return self.queue[:1] if operator == 5 else self.queue[-1:]
        if operator in (2, 3) and len(operand) == 3 and operand[0] == 1:
            limit = struct.unpack_from('<H', operand, 1)[0]
            return [r for r in self.queue if (number(r) <= limit if operator == 2 else number(r) >= limit)]
        return None

    async def serve(self, request):
        operation, operator, operand = request[0], request[1], request[2:]
        records = self.chosen(operator, operand)
        if operation not in (1, 2, 4):
            return await self.answer(bytes([0x06, 0x00, operation, 0x02]))
        if records is None:
            return await self.answer(bytes([0x06, 0x00, operation, 0x05]))
        if operation == 4:
            return await self.answer(bytes([0x05, 0x00]) + struct.pack('<H', len(records)))
        if not records:
            return await self.answer(bytes([0x06, 0x00, operation, 0x06]))
        if operation == 2:
            self.queue = [r for r in self.queue if r not in records]
            event('deleted', device=self.name, count=len(records))
            return await self.answer(bytes([0x06, 0x00, 0x02, 0x01]))
        for sent, record in enumerate(records, 1):
            if not self.connection:
                return None
            await self.device.notify_subscriber(self.connection, self.value, record)
            event('sent', device=self.name, value=record.hex())
            await asyncio.sleep(self.slow or 0.02)
            if self.drop and sent >= self.drop:
                self.drop = 0
                event('dropping', device=self.name, sent=sent)
                return await self.connection.disconnect()
        return await self.answer(bytes([0x06, 0x00, 0x01, 0x01]))

    async def answer(self, value):
        if self.connection:
            event('racp-answer', device=self.name, value=value.hex())
            await self.device.indicate_subscriber(self.connection, self.racp, value)
