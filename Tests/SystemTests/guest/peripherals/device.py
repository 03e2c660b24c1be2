"""One virtual device: its radio, its security, its clock, its life on the air. What it measures stands in kinds.py."""
import asyncio
import datetime
import struct

from bumble.att import Attribute
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.hci import Address, OwnAddressType
from bumble.host import Host
from bumble.keys import JsonKeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import AsyncPipeSink

from events import event
from radio import PeripheralController
from values import date_time

CCCD = UUID.from_16_bits(0x2902)
READ, WRITE, INDICATE, NOTIFY = (Characteristic.Properties.READ, Characteristic.Properties.WRITE,
                                 Characteristic.Properties.INDICATE, Characteristic.Properties.NOTIFY)


class Ask(PairingDelegate):
    """The device's side of the pairing: its display and its keys."""

    def __init__(self, device, io):
        super().__init__(io)
        self.device = device

    async def accept(self):
        event('pairing-request', device=self.device.name)
        return self.device.pairs

    async def generate_passkey(self):
        return self.device.passkey

    async def display_number(self, number, digits=6):
        event('passkey-shown', device=self.device.name, passkey='%06d' % number)

    async def get_number(self):
        """Somebody types what the hub shows: `type NAME PASSKEY` over the control socket."""
        event('passkey-wanted', device=self.device.name)
        number = await self.device.typed.get()
        event('passkey-typed', device=self.device.name)
        return number

    async def compare_numbers(self, number, digits=6):
        event('numbers-compared', device=self.device.name, number='%06d' % number)
        return self.device.agrees


class Peripheral:
    kind, service, appearance = 'device', 0x180A, 0

    def __init__(self, air, number, options):
        get = options.get
        self.options = options
        self.name = get('name') or self.kind
        self.pairing = get('pairing', 'justworks')
        self.pairs = get('pairs', '1') == '1'
        self.passkey = int(get('passkey', 123456))
        self.agrees = get('agree', '1') == '1'
        self.sc = get('sc', '1') == '1'
        self.bond = get('bond', '1') == '1'
        self.secure = get('secure', 'never' if self.pairing == 'none' else 'cccd')
        self.stored = int(get('stored', 1))
        self.advertise_for = get('advertise', '0')
        self.repeat = float(get('repeat', 0))
        self.interval = float(get('interval', 100))
        self.drop = int(get('drop', 0))
        self.hangup = float(get('hangup', -1))
        self.slow = float(get('slow', 0))
        self.forget = get('forget') == '1'
        self.addr = get('addr', 'static')
        self.reads_time = get('reads-time') == '1'
        self.clock = datetime.timedelta(seconds=float(get('clock', 0)))
        self.queue = []
        self.typed = asyncio.Queue()
        self.connection = None
        self.silence_handle = None
        self.sender = None
        address = get('address', 'F0:00:00:00:00:%02X' % number)
        kind = Address.PUBLIC_DEVICE_ADDRESS if self.addr == 'public' else Address.RANDOM_DEVICE_ADDRESS
        self.address = Address(address, kind)
        self.controller = PeripheralController(
            self.name, link=air, public_address=address if self.addr == 'public' else None)
        self.controller.deaf = get('deaf') == '1'
        self.device = self.make_device(number, kind)
        self.device.advertising_data = self.advertisement()
        self.device.scan_response_data = bytes(AdvertisingData([
            (AdvertisingData.COMPLETE_LOCAL_NAME, self.device.name.encode())]))
        self.device.add_services([self.information(), self.battery(), self.current_time(), *self.own_services()])

    def make_device(self, number, kind):
        config = DeviceConfiguration()
        config.name = self.options.get('title') or 'Test ' + self.kind.capitalize()
        config.address = Address(str(self.address).split('/')[0], Address.RANDOM_DEVICE_ADDRESS)
        config.irk = bytes([number]) * 16
        config.le_privacy_enabled = self.addr == 'rpa'
        config.identity_address_type = kind
        host = Host(self.controller, AsyncPipeSink(self.controller))
        self.controller.host = host
        device = Device(config=config, host=host)
        device.gatt_server.max_mtu = int(self.options.get('mtu', 23))
        if self.options.get('hears-confirmation') == '0':
            device.gatt_server.on_att_handle_value_confirmation = lambda *_: event('confirmation-missed', device=self.name)
        host.long_term_key_provider = self.long_term_key
        device.pairing_config_factory = self.pairing_config
        device.on('connection', self.on_connection)
        return device

    def advertisement(self):
        return bytes(AdvertisingData([
            (AdvertisingData.FLAGS, bytes([0x06])),
            (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, struct.pack('<HH', self.service, 0x180A)),
            (AdvertisingData.APPEARANCE, struct.pack('<H', int(self.options.get('appearance', self.appearance)))),
        ]))

    async def long_term_key(self, handle, rand, ediv):
        """After legacy pairing Bumble answers a reconnecting central with the central's own key; the right one is the key that it
        was given."""
        connection = self.device.lookup_connection(handle)
        if connection and not self.device.smp_manager.get_long_term_key(connection, rand, ediv):
            keys = await self.device.keystore.get(str(connection.peer_address))
            if keys and not keys.ltk and keys.ltk_central:
                return keys.ltk_central.value
        return await self.device.get_long_term_key(handle, rand, ediv)

    def pairing_config(self, connection):
        io = {
            'passkey': PairingDelegate.DISPLAY_OUTPUT_ONLY,
            'entry': PairingDelegate.KEYBOARD_INPUT_ONLY,
            'compare': PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
        }.get(self.pairing, PairingDelegate.NO_OUTPUT_NO_INPUT)
        return PairingConfig(sc=self.sc, mitm=self.pairing not in ('none', 'justworks'), bonding=self.bond,
                             delegate=Ask(self, io))

    # -- services

    def own_services(self):
        return []

    @staticmethod
    def readable(uuid, value):
        return Characteristic(UUID.from_16_bits(uuid), READ, Attribute.READABLE, value)

    def information(self):
        return Service(UUID.from_16_bits(0x180A), [
            self.readable(0x2A29, b'Test Instruments'), self.readable(0x2A24, self.kind.encode()),
            self.readable(0x2A25, b'SECRET' + str(self.address).split('/')[0].replace(':', '')[-2:].encode()),
            self.readable(0x2A26, b'1.0'), self.readable(0x2A23, b'\x01\x02\x03\xfe\xff\x04\x05\x06')])

    def battery(self):
        return Service(UUID.from_16_bits(0x180F), [self.readable(0x2A19, bytes([87]))])

    def now(self):
        """The device's own clock: civil time without a zone."""
        return datetime.datetime.now() + self.clock

    def current_time(self):
        def read(_connection):
            now = self.now()
            event('time-read', device=self.name)
            return date_time(now) + bytes([now.isoweekday(), 0, 0])

        def write(_connection, value):
            value = bytes(value)
            event('time-written', device=self.name, value=value.hex())
            year, *rest = struct.unpack_from('<HBBBBB', value)
            self.clock = datetime.datetime(year, *rest) - datetime.datetime.now()
        return Service(UUID.from_16_bits(0x1805), [Characteristic(
            UUID.from_16_bits(0x2A2B), READ | WRITE, Attribute.READABLE | Attribute.WRITEABLE,
            CharacteristicValue(read=read, write=write))])

    def permissions(self):
        permissions = Attribute.READABLE | Attribute.WRITEABLE
        if self.secure in ('cccd', 'both'):
            permissions |= Attribute.Permissions.WRITE_REQUIRES_ENCRYPTION
            if self.pairing in ('passkey', 'entry', 'compare'):
                permissions |= Attribute.Permissions.WRITE_REQUIRES_AUTHENTICATION
        return permissions

    def subscribable(self, uuid, properties, value=b'', subscribed=None, permissions=Attribute.Permissions(0)):
        """A characteristic with a CCCD behind the device's security; `subscribed` is called when the hub turns it on."""
        characteristic = Characteristic(UUID.from_16_bits(uuid), properties, permissions, value)
        characteristic.descriptors = (Descriptor(
            CCCD, self.permissions(), self.device.gatt_server.make_descriptor_value(characteristic)),)

        def changed(_bearer, notify, indicate):
            event('subscribed', device=self.name, uuid='%04x' % uuid, notify=notify, indicate=indicate)
            if (notify or indicate) and subscribed:
                subscribed()
        characteristic.on(Characteristic.EVENT_SUBSCRIPTION, changed)
        return characteristic

    def measurement(self, uuid, properties):
        return self.subscribable(uuid, properties, subscribed=self.start_transfer)

    # -- life on the air

    async def start(self):
        await self.device.power_on()
        self.device.keystore = self.key_store()
        if 'queue' in self.options:
            self.queue += [bytes.fromhex(text) for text in self.options['queue'].split('+')]
        for n in range(self.stored):
            self.queue.append(self.reading(n))
        if self.advertise_for != 'off':
            await self.advertise(float(self.advertise_for))

    async def advertise(self, seconds=0):
        if self.connection:
            return
        own = OwnAddressType.PUBLIC if self.addr == 'public' else OwnAddressType.RANDOM
        await self.device.start_advertising(
            own_address_type=own, advertising_interval_min=self.interval, advertising_interval_max=self.interval)
        event('advertising', device=self.name, seconds=seconds,
              address=str(self.address if self.addr != 'rpa' else self.device.random_address))
        if self.silence_handle:
            self.silence_handle.cancel()
        self.silence_handle = None
        if seconds:
            self.silence_handle = asyncio.get_running_loop().call_later(
                seconds, lambda: asyncio.ensure_future(self.silence()))

    async def silence(self):
        if self.connection is None:
            await self.device.stop_advertising()
            event('silent', device=self.name)
            self.again()

    def again(self):
        if self.repeat:
            asyncio.get_running_loop().call_later(
                self.repeat, lambda: asyncio.ensure_future(self.advertise(float(self.advertise_for))))

    def on_connection(self, connection):
        self.connection = connection
        if self.silence_handle:
            self.silence_handle.cancel()
        event('connected', device=self.name, peer=str(connection.peer_address))
        connection.on('disconnection', lambda reason: asyncio.ensure_future(self.on_disconnection(reason)))
        connection.on('connection_encryption_change', lambda: event(
            'encrypted', device=self.name, on=bool(connection.encryption), authenticated=connection.authenticated,
            sc=bool(connection.sc)))
        connection.on('connection_encryption_failure', lambda error: event(
            'encryption-failed', device=self.name, error=int(error)))
        connection.on('connection_att_mtu_update', lambda: event('mtu', device=self.name, mtu=connection.att_mtu))
        connection.on('pairing', lambda keys: event('paired', device=self.name, ltk=bool(keys.ltk)))
        connection.on('pairing_failure', lambda reason: event('pairing-failed', device=self.name, reason=int(reason)))
        if self.secure in ('request', 'both'):
            event('security-request', device=self.name)
            connection.request_pairing()
        if self.reads_time:
            asyncio.ensure_future(self.read_hub_time(connection))

    async def read_hub_time(self, connection):
        """A device that takes its time from the hub: client of the hub's Current Time Service."""
        try:
            await asyncio.sleep(0.5)
            values = await connection.gatt_client.read_characteristics_by_uuid(UUID.from_16_bits(0x2A2B), None)
            event('hub-time', device=self.name, value=bytes(values[0]).hex() if values else None)
        except Exception as error:
            event('hub-time', device=self.name, value=None, error=repr(error))

    async def on_disconnection(self, reason):
        event('disconnected', device=self.name, reason=int(reason))
        self.connection = None
        if self.sender:
            self.sender.cancel()
        if self.forget:
            await self.forget_bonds()
        if self.advertise_for == '0':
            await self.advertise()
        else:
            self.again()

    def key_store(self):
        """In memory, or in a file that survives a power cut of the machine."""
        path = self.options.get('keys')
        return JsonKeyStore(self.name, path) if path else MemoryKeyStore()

    async def forget_bonds(self):
        await self.device.keystore.delete_all()
        event('bonds-forgotten', device=self.name)

    # -- measurements

    def start_transfer(self):
        if self.sender is None or self.sender.done():
            self.sender = asyncio.ensure_future(self.transfer())

    async def transfer(self):
        sent = 0
        try:
            while self.queue and self.connection:
                value = self.queue[0]
                last = self.drop and sent + 1 >= self.drop
                sending = asyncio.ensure_future(self.send(value))
                event('sent', device=self.name, value=value.hex())
                if last:
                    await asyncio.sleep(0.01)
                    sending.cancel()
                    event('dropping', device=self.name, sent=sent + 1)
                    self.drop = 0
                    await self.connection.disconnect()
                    return
                await sending
                self.queue.pop(0)
                sent += 1
                event('confirmed', device=self.name, value=value.hex(), left=len(self.queue))
                if self.slow:
                    await asyncio.sleep(self.slow)
            if self.hangup >= 0:
                await asyncio.sleep(self.hangup)
                if self.connection:
                    await self.connection.disconnect()
        except asyncio.CancelledError:
            pass
        except Exception as error:
            event('transfer-failed', device=self.name, error=repr(error))

    def reading(self, n):
        return b''

    async def send(self, value):
        await self.device.indicate_subscriber(self.connection, self.value, value)

    async def measure(self, words):
        for word in words:
            key, _, value = word.partition('=')
            self.options[key] = value
        self.queue.append(self.reading(0))
        if self.connection:
            self.start_transfer()

    def number(self, key, default):
        return float(self.options.get(key, default))
