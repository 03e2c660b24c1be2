"""Serial ports that come and go, as udev tells of them: umockdev's test bed, in a process of its own.

Started with libumockdev-preload. Prints the folder of the test bed, then takes one command a line and answers "ok":
  plug NAME NODE PLACE VENDOR PRODUCT SERIAL    NODE is usually a pseudo terminal; SERIAL "-": none
  pull NAME
"""
import ctypes
import sys

lib = ctypes.CDLL('libumockdev.so.0')
bytes_, pointer = ctypes.c_char_p, ctypes.c_void_p
lists = ctypes.POINTER(bytes_)
lib.umockdev_testbed_new.restype = pointer
lib.umockdev_testbed_get_root_dir.restype = bytes_
lib.umockdev_testbed_get_root_dir.argtypes = [pointer]
lib.umockdev_testbed_add_devicev.restype = bytes_
lib.umockdev_testbed_add_devicev.argtypes = [pointer, bytes_, bytes_, bytes_, lists, lists]
lib.umockdev_testbed_set_property.argtypes = [pointer, bytes_, bytes_, bytes_]
lib.umockdev_testbed_uevent.argtypes = [pointer, bytes_, bytes_]
lib.umockdev_testbed_remove_device.argtypes = [pointer, bytes_]
bed = lib.umockdev_testbed_new()
plugged = {}


def add(subsystem, name, parent, attributes, **properties):
    def strings(members):
        flat = [text.encode() for pair in members.items() for text in pair]
        return (bytes_ * (len(flat) + 1))(*flat, None)
    return lib.umockdev_testbed_add_devicev(
        bed, subsystem.encode(), name.encode(), parent, strings(attributes), strings(properties))


def plug(name, node, place, vendor, product, serial):
    number = {} if serial == '-' else {'ID_SERIAL_SHORT': serial}
    usb = add('usb', 'usb-' + name, None, {'idVendor': vendor, 'idProduct': product}, DEVTYPE='usb_device')
    interface = add('usb', 'if-' + name, usb, {}, DEVTYPE='usb_interface')
    # Without a node: the test bed would make one of its own and answer what is asked of it.
    tty = add('tty', name, interface, {}, ID_VENDOR_ID=vendor, ID_MODEL_ID=product, ID_PATH=place,
              ID_VENDOR='FTDI', ID_MODEL='FT232R', ID_USB_INTERFACE_NUM='00', ID_USB_DRIVER='ftdi_sio', **number)
    lib.umockdev_testbed_set_property(bed, tty, b'DEVNAME', node.encode())
    plugged[name] = (tty, interface, usb)
    lib.umockdev_testbed_uevent(bed, tty, b'add')


def pull(name):
    devices = plugged.pop(name)
    lib.umockdev_testbed_uevent(bed, devices[0], b'remove')
    for device in devices:
        lib.umockdev_testbed_remove_device(bed, device)


print(lib.umockdev_testbed_get_root_dir(bed).decode(), flush=True)
for line in sys.stdin:
    verb, *words = line.split()
    {'plug': plug, 'pull': pull}[verb](*words)
    print('ok', flush=True)
