"""The virtual machine of the system test, on the host: QEMU without KVM, Debian's own kernel, no network.

What the guest gets beside its root disk:
  /dev/vdb                       the disk of /var/lib/hearth
  /share (9p)                    this folder
  /ctl (9p)                      the folder of this run: command, package, results
  /dev/virtio-ports/qmp          QEMU's own monitor: the guest plugs and unplugs its USB devices itself
  /dev/virtio-ports/line1, line2 the far ends of two USB serial lines; QMP's chardevs of the same names are the near ends
"""
import os
import queue
import re
import subprocess
import threading
import time


class Machine:
    def __init__(self, image, folder, share):
        self.image, self.folder, self.share = image, folder, share
        self.ctl = os.path.join(folder, 'ctl')
        os.makedirs(self.ctl, exist_ok=True)
        # A copy: what is installed stays over the power cuts of this run, and only of this run.
        subprocess.run(['cp', '--sparse=always', os.path.join(image, 'root.img'), self.path('root.img')], check=True)
        subprocess.run(['truncate', '-s', '48M', self.path('state.img')], check=True)
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-J', 'size=4', self.path('state.img')], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def words(self):
        # One processor: two machines that emulate two each wait for one another's locks on a host with two, and boot in 42 s, not 27.
        words = [
            'qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '768',
            '-machine', 'pc,usb=off,vmport=off,graphics=off', '-nodefaults', '-no-user-config', '-display', 'none',
            '-no-reboot', '-nic', 'none',
            '-kernel', os.path.join(self.image, 'vmlinux'), '-initrd', os.path.join(self.image, 'initrd'),
            '-append', 'console=ttyS0 quiet loglevel=4 panic=-1 oops=panic mitigations=off nokaslr tsc=reliable '
                       'no_timer_check nowatchdog audit=0 random.trust_cpu=on systemd.show_status=0 '
                       'init_on_alloc=0 apparmor=0 psi=0 rcupdate.rcu_expedited=1',
            '-serial', 'file:' + self.path('console'),
            '-device', 'virtio-serial-pci', '-chardev', 'stdio,id=out,signal=off', '-device', 'virtconsole,chardev=out',
            '-device', 'virtio-rng-pci', '-device', 'qemu-xhci,id=xhci',
        ]
        for name in ('root', 'state'):
            words += ['-drive', 'file=%s,if=none,id=%s,format=raw,cache=writeback' % (self.path(name + '.img'), name),
                      '-device', 'virtio-blk-pci,drive=' + name]
        for name, folder in (('ctl', self.ctl), ('share', self.share)):
            words += ['-fsdev', 'local,id=%s,path=%s,security_model=none,multidevs=remap' % (name, folder),
                      '-device', 'virtio-9p-pci,fsdev=%s,mount_tag=%s' % (name, name)]
        for name in ('qmp', 'line1', 'line2'):
            # QEMU is connected with itself: what the guest writes into the port arrives at the monitor, or at the USB device.
            socket = self.path(name)
            words += ['-chardev', 'socket,id=%s,path=%s,server=on,wait=off' % (name, socket),
                      '-chardev', 'socket,id=far-%s,path=%s' % (name, socket),
                      '-device', 'virtserialport,chardev=far-%s,name=%s' % (name, name)]
        return words + ['-mon', 'chardev=qmp,mode=control']

    def run(self, command, limit, stall, line=print):
        """Boots, runs the command, hands each line of its output to `line`. Returns its exit status as an int, or one word:
        'cut' (the guest asked for a power cut and got it), 'died', 'stalled' (silent for `stall` seconds), 'limit'."""
        for name in ('status', 'cut'):
            if os.path.exists(os.path.join(self.ctl, name)):
                os.unlink(os.path.join(self.ctl, name))
        with open(os.path.join(self.ctl, 'command'), 'w') as file:
            file.write(command + '\n')
        for name in ('qmp', 'line1', 'line2'):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        # A limit of its own, in case this script is killed before it can end QEMU.
        qemu = subprocess.Popen(['timeout', '-s', 'KILL', str(int(limit) + 30)] + self.words(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        lines = queue.Queue()
        reader = threading.Thread(target=self.read, args=(qemu.stdout, lines), daemon=True)
        reader.start()
        began = heard = time.monotonic()
        try:
            while True:
                try:
                    line(lines.get(timeout=0.02))
                    heard = time.monotonic()
                    continue
                except queue.Empty:
                    pass
                if os.path.exists(os.path.join(self.ctl, 'cut')):
                    return 'cut'
                if qemu.poll() is not None:
                    break
                if time.monotonic() - began > limit:
                    return 'limit'
                if time.monotonic() - heard > stall:
                    return 'stalled'
        finally:
            self.kill(qemu)
            reader.join(5)
            while not lines.empty():
                line(lines.get())
        try:
            return int(open(os.path.join(self.ctl, 'status')).read())
        except (OSError, ValueError):
            return 'died'

    @staticmethod
    def kill(qemu):
        """SIGKILL for the whole session of this QEMU: nothing is flushed, as when the plug is pulled."""
        if qemu.poll() is None:
            try:
                os.killpg(qemu.pid, 9)
            except ProcessLookupError:
                pass
        qemu.wait()

    @staticmethod
    def read(pipe, lines):
        for line in pipe:
            lines.put(line.decode(errors='replace').rstrip('\r\n'))

    # With what the kernel begins when something is wrong with it.
    ALARMS = re.compile(r'kernel BUG|BUG:|Oops|general protection fault|list_(del|add) corruption|Unable to handle|'
                        r'Kernel panic|INFO: task .* blocked|rcu: INFO|watchdog: BUG')

    def story(self):
        """For a guest that died: the kernel's last lines, from its first alarm on, and what the virtual devices saw."""
        lines = self.tail('console', 30000).splitlines()
        first = next((n for n, line in enumerate(lines) if self.ALARMS.search(line)), max(0, len(lines) - 30))
        # Stack words of code and registers say nothing without the kernel's own symbols; the calls do.
        told = [line for line in lines[first:] if not re.search(r'\] (Code:|R[A-Z0-9]{2}: |RSP:|FS: |CS: |CR2: |PKRU:|\s*\? )', line)]
        return '\n'.join(['    kernel: ' + line for line in told[:60]] +
                         ['    air: ' + line for line in self.tail('ctl/air.events', 2500).splitlines()[-20:]])

    def tail(self, name, octets):
        try:
            return open(self.path(name), errors='replace').read()[-octets:]
        except OSError:
            return ''
