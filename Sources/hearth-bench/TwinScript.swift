// The other side of the twins: a program for Python that does what is told line by line. It stands here because the bench is one file.

extension Twins {
  static let script = #"""
    import os, shutil, socket, sqlite3, subprocess, time

    link = socket.socket(fileno=3)
    lines = link.makefile("rw")
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    payload, bases, logs, mounts = "a" * 300, {}, {}, []
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


    def sqlite(folder, count, group):
        """So many messages, each group of them a transaction of its own: nanoseconds."""
        if folder not in bases:
            base = bases[folder] = sqlite3.connect(f"{folder}/twin.sqlite", isolation_level=None)
            base.execute("pragma journal_mode=wal")
            base.execute("pragma synchronous=full")
            base.execute("create table queue (id integer primary key, body text)")
        base = bases[folder]
        begin = time.perf_counter_ns()
        for _ in range(int(count) // int(group)):
            base.execute("begin")
            for _ in range(int(group)):
                base.execute("insert into queue (body) values (?)", (payload,))
            base.execute("commit")
        return time.perf_counter_ns() - begin


    class Rsyslog:
        """A pure disk queue; what it sends to is not there until it is started with a file to write to."""
        def __init__(self, folder, syncs, out=None):
            if not shutil.which("rsyslogd"):
                raise RuntimeError("rsyslogd is not installed")
            self.folder, self.out = folder, out
            os.makedirs(f"{folder}/rsyslog", exist_ok=True)
            path = f"{folder}/rsyslog/socket"
            if os.path.exists(path):
                os.unlink(path)
            action = f'type="omfile" file="{out}" template="plain" sync="on"' if out else (
                'type="omfwd" target="127.0.0.1" port="1" protocol="tcp" '
                'action.resumeRetryCount="-1" action.resumeInterval="3600"')
            with open(f"{folder}/rsyslog.conf", "w") as file:
                file.write(f'''
    global(workDirectory="{folder}/rsyslog")
    main_queue(queue.type="Disk" queue.filename="queue" queue.syncQueueFiles="{syncs}"
      queue.checkpointInterval="{1 if syncs == "on" else 1000}" queue.maxFileSize="16m" queue.size="10000000"
      queue.timeoutEnqueue="-1" queue.saveOnShutdown="on" queue.dequeueBatchSize="500")
    module(load="imuxsock" SysSock.Use="off")
    input(type="imuxsock" Socket="{path}" RateLimit.Interval="0")
    template(name="plain" type="string" string="%msg%\\n")
    action({action})
    ''')
            self.process = subprocess.Popen(
                ["rsyslogd", "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/rsyslog.pid"], **quiet)
            while not os.path.exists(path):
                if self.process.poll() is not None:
                    raise RuntimeError("rsyslogd does not start")
                time.sleep(0.005)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.connect(path)

        def send(self, count):
            begin = time.perf_counter_ns()
            for _ in range(count):
                self.socket.send(b"<13>b: " + payload.encode())
            # The socket holds ten of them: the time of a hundred is within that.
            return time.perf_counter_ns() - begin

        def end(self):
            self.process.terminate()
            self.process.wait()


    def rsyslog(folder, count, group):
        if folder not in logs:
            logs[folder] = Rsyslog(folder, "on")
            logs[folder].send(20)
        return logs[folder].send(int(count))


    def drain(folder, count, group):
        """Queued without syncs, which takes its time; drained with them: nanoseconds."""
        os.makedirs(f"{folder}/drain")
        daemon = Rsyslog(f"{folder}/drain", "off")
        daemon.send(int(count))
        time.sleep(0.5)
        daemon.end()
        out = f"{folder}/drain/out"
        begin = time.perf_counter_ns()
        daemon = Rsyslog(f"{folder}/drain", "on", out)
        first, size = None, 0
        # From the first octets that are seen: what its start takes is not counted.
        while size < int(count) * 300 * 99 // 100:
            time.sleep(0.002)
            size = os.path.getsize(out) if os.path.exists(out) else 0
            if size > 0 and first is None:
                first = (time.perf_counter_ns(), size)
            if time.perf_counter_ns() - begin > 60e9:
                raise RuntimeError(f"rsyslogd drained {size // 301} of {count} in a minute")
        drained = (size - first[1]) // 301
        now = time.perf_counter_ns()
        taken = (now - first[0]) * int(count) // drained if drained * 2 > int(count) else now - begin
        daemon.end()
        return taken


    def flash(folder, count, group):
        """A file system of its own on a loop device, which counts what reaches it: its folder and the device's name."""
        image, place = f"{folder}/flash.image", f"{folder}/flash"
        os.makedirs(place, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(192 << 20)
        if not shutil.which("mkfs.ext4") or os.getuid() != 0:
            raise RuntimeError("needs root and mkfs.ext4")
        for command in (["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image],
                        ["mount", "-o", "loop", image, place]):
            if subprocess.run(command, **quiet).returncode != 0:
                raise RuntimeError(" ".join(command[:3]) + " failed")
        mounts.append(place)
        device = next(line.split()[0] for line in open("/proc/mounts") if line.split()[1] == os.path.realpath(place))
        return f"{place} {os.path.basename(device)}"


    def sync(folder, *_):
        subprocess.run(["sync", "-f", folder], check=True, **quiet)


    def end(*_):
        for daemon in logs.values():
            daemon.end()
        for base in bases.values():
            base.close()
        for place in mounts:
            subprocess.run(["umount", "-l", place], **quiet)
        return "end"


    for line in lines:
        word, *rest = line.split()
        try:
            answer = f"ok {globals()[word](*rest)}"
        except Exception as error:
            answer = f"no {error}"
        lines.write(answer + "\n")
        lines.flush()
        if word == "end":
            break
    else:
        end()
    """#
}
