"""Octets of measurements, by the Bluetooth SIG's GATT Specification Supplement."""
import struct


def sfloat(mantissa, exponent=0):
    return struct.pack('<H', (exponent & 0xF) << 12 | mantissa & 0xFFF)


def float32(mantissa, exponent=0):
    return struct.pack('<I', (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def date_time(t):
    return struct.pack('<HBBBBB', t.year, t.month, t.day, t.hour, t.minute, t.second)
