"""What the virtual devices measure: one class for each profile of the Bluetooth SIG."""
import datetime
import struct

from bumble.att import Attribute
from bumble.core import UUID
from bumble.gatt import Service

from device import INDICATE, NOTIFY, Peripheral
from records import Records
from users import Users
from values import date_time, float32, sfloat


class Cuff(Peripheral):
    """Blood Pressure Profile 1.1.1."""
    kind, service, appearance = 'cuff', 0x1810, 0x0381

    def own_services(self):
        self.value = self.measurement(0x2A35, INDICATE)
        return [Service(UUID.from_16_bits(0x1810), [self.value, self.readable(0x2A49, b'\x00\x00')])]

    def reading(self, n):
        systolic, diastolic = int(self.number('systolic', 128)), int(self.number('diastolic', 82))
        when = self.now() - datetime.timedelta(minutes=5 * n)
        return (bytes([0x02 | 0x04 | 0x10]) + sfloat(systolic + n) + sfloat(diastolic + n)
                + sfloat((systolic + 2 * diastolic) // 3 + n) + date_time(when)
                + sfloat(int(self.number('pulse', 66)) + n) + struct.pack('<H', 0))


class Scale(Users, Peripheral):
    """Weight Scale Profile 1.0.1, with User Data (users=N,consent=CODE) if wanted."""
    kind, service, appearance = 'scale', 0x181D, 0x0C80

    def own_services(self):
        self.value = self.measurement(0x2A9D, INDICATE)
        feature = self.readable(0x2A9E, struct.pack('<I', 0x01 | (0x02 if self.has_users else 0) | 3 << 3))
        return [Service(UUID.from_16_bits(0x181D), [self.value, feature]), *self.user_services()]

    def reading(self, n):
        when = self.now() - datetime.timedelta(days=n)
        weight = struct.pack('<H', round(self.number('weight', 82.4) / 0.005) + 20 * n)
        return bytes([0x06 if self.has_users else 0x02]) + weight + date_time(when) + (
            bytes([1]) if self.has_users else b'')


class Oximeter(Peripheral):
    """Pulse Oximeter Profile 1.0: a spot check, and a notification beside it."""
    kind, service, appearance = 'oximeter', 0x1822, 0x0C41

    def own_services(self):
        self.value = self.measurement(0x2A5E, INDICATE)
        self.stream = self.subscribable(0x2A5F, NOTIFY)
        return [Service(UUID.from_16_bits(0x1822), [self.value, self.stream, self.readable(0x2A60, b'\x02\x00')])]

    def reading(self, n):
        when = self.now() - datetime.timedelta(minutes=n)
        return (bytes([0x01]) + sfloat(int(self.number('spo2', 97)) - n) + sfloat(int(self.number('pulse', 66)))
                + date_time(when))

    async def send(self, value):
        await super().send(value)
        if self.connection:
            await self.device.notify_subscriber(self.connection, self.stream, b'\x00' + value[1:5])


class Thermometer(Peripheral):
    """Health Thermometer Profile 1.0."""
    kind, service, appearance = 'thermometer', 0x1809, 0x0300

    def own_services(self):
        self.value = self.measurement(0x2A1C, INDICATE)
        return [Service(UUID.from_16_bits(0x1809), [self.value, self.readable(0x2A1D, b'\x02')])]

    def reading(self, n):
        when = self.now() - datetime.timedelta(minutes=5 * n)
        return bytes([0x02]) + float32(round(self.number('temperature', 37.2) * 10) + n, -1) + date_time(when)


class Meter(Records, Peripheral):
    """Glucose Profile 1.0.1: records behind the Record Access Control Point."""
    kind, service, appearance = 'meter', 0x1808, 0x0400

    def own_services(self):
        self.value = self.subscribable(0x2A18, NOTIFY)
        return [Service(UUID.from_16_bits(0x1808), [
            self.value, self.readable(0x2A51, b'\x00\x00'), self.record_access_control_point()])]

    def reading(self, n):
        """Sequence numbers grow with age turned around: record 0 is the oldest."""
        when = self.now() - datetime.timedelta(hours=self.stored - n)
        # 5.0 mmol/L and more, in mol/L: 50 e-4.
        return (bytes([0x06]) + struct.pack('<H', n) + date_time(when) + sfloat(50 + n, -4) + bytes([0x11]))


class Strap(Peripheral):
    """Heart Rate Profile 1.0: a notification a second."""
    kind, service, appearance = 'strap', 0x180D, 0x0340

    def own_services(self):
        self.value = self.measurement(0x2A37, NOTIFY)
        return [Service(UUID.from_16_bits(0x180D), [self.value])]

    def reading(self, n):
        return bytes([0x06, int(self.number('pulse', 66)) + n % 3])

    async def send(self, value):
        await self.device.notify_subscriber(self.connection, self.value, value)


KINDS = {kind.kind: kind for kind in (Cuff, Scale, Oximeter, Thermometer, Meter, Strap)}
