"""What stands between a hub and its backend, and how it fails: certificates, nginx, a line that breaks, a network of its own.

Used by .ci/fault-test; knows nothing of readings.
"""
import os, shutil, socket, subprocess, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


ONE = threading.RLock()


class Missing(Exception):
    """The machine does not have it, or does not allow it."""


def program(name, package):
    """The path of a program of Debian, installed where it is missing. No service is started by that."""
    with ONE:
        return shutil.which(name, path=PATH) or install(name, package)


def install(name, package):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"{name} is not installed")
    policy = "/usr/sbin/policy-rc.d"
    is_ours = not os.path.exists(policy)
    try:
        if is_ours:
            with open(policy, "w") as file:
                file.write("#!/bin/sh\nexit 101\n")
            os.chmod(policy, 0o755)
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300)
    finally:
        if is_ours:
            os.remove(policy)
    found = shutil.which(name, path=PATH)
    if not found:
        raise Missing(f"{name}: apt-get does not give {package}")
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def certificates(folder):
    """Two authorities, servers that are right, late, early, of another name or another authority, and two clients."""
    program("openssl", "openssl")
    with ONE:
        if not os.path.exists(folder):
            os.mkdir(folder)
            subprocess.run(["sh", f"{ROOT}/Tests/ProgramTests/Support/make_certificates.sh", folder], check=True)
    return folder


class Nginx:
    """Terminates TLS in front of a backend and makes faults that its configuration has directives for."""
    def __init__(self, folder, certificates, behind, **options):
        self.program = program("nginx", "nginx")
        self.folder, self.certificates, self.behind = f"{folder}/nginx", certificates, behind
        os.mkdir(self.folder)
        self.port, self.process = free_port(), None
        self.start(**options)

    def write(self, server="", location="", outside="", certificate="server", protocols="TLSv1.2 TLSv1.3", listen="ssl"):
        own, pair = self.folder, f"{self.certificates}/{certificate}"
        paths = "".join(f"{name}_temp_path {own}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{own}/nginx.conf", "w") as file:
            file.write(f"""
                {'user root;' if os.geteuid() == 0 else ''}
                daemon off; pid {own}/pid; error_log {own}/error.log info; worker_processes 1;
                events {{ worker_connections 128; }}
                http {{
                  {paths} {outside}
                  log_format f '$msec $status $ssl_protocol $server_protocol $request_length $upstream_status';
                  access_log {own}/access.log f;
                  server {{
                    listen 127.0.0.1:{self.port} {listen};
                    ssl_certificate {pair}.pem; ssl_certificate_key {pair}.key; ssl_protocols {protocols};
                    {server}
                    location / {{ {location} proxy_pass http://127.0.0.1:{self.behind}; }}
                  }}
                }}""")

    def start(self, **options):
        self.write(**options)
        self.process = subprocess.Popen(
            [self.program, "-p", self.folder, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        with open(f"{self.folder}/error.log") as file:
            raise Missing(f"nginx does not start: {file.read()[-300:]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def become(self, **options):
        """Another configuration; connections of the old one are ended."""
        self.stop()
        self.start(**options)

    def reload(self):
        self.process.send_signal(1)

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [int(word) for word in file.read().split()]

    def log(self):
        """Each request: when it ended, status, TLS, HTTP, its octets, what the backend said."""
        try:
            with open(f"{self.folder}/access.log") as file:
                lines = [line.split(None, 5) for line in file]
            return [(float(l[0]), int(l[1]), l[2], l[3], int(l[4]), l[5].strip()) for l in lines if len(l) == 6]
        except FileNotFoundError:
            return []

    def statuses(self):
        return [line[1] for line in self.log()]


class Line:
    """A TCP proxy as a bad line. `treat(n)` says what connection n (from 1) meets, as a dictionary:

    lost       reset as soon as it is there
    up, down   after so many octets to the server, to the hub, it ends as `end` says: "reset", "close" or "silence"
    once       reset when a second request comes over it
    flip       ("up" or "down", n): a bit of octet n that way is another one
    delay      seconds that each piece takes, each way
    """
    def __init__(self, target, treat=lambda n: {}):
        self.target, self.treat = target, treat
        self.count, self.faults, self.is_up = 0, 0, True
        self.lock, self.open = threading.Lock(), set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @staticmethod
    def reset(*ends):
        for end in ends:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RD)
            except OSError:
                pass
            end.close()

    def fault(self):
        with self.lock:
            self.faults += 1

    def accept(self):
        while True:
            try:
                hub, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            plan = self.treat(self.count)
            if not self.is_up or plan.get("lost"):
                self.fault()
                self.reset(hub)
                continue
            try:
                server = socket.create_connection(self.target, timeout=5)
                server.settimeout(None)
            except OSError:
                self.reset(hub)
                continue
            state = {"down": 0, "is_over": False, "sockets": (hub, server)}
            with self.lock:
                self.open.add((hub, server))
            for source, sink, way in ((hub, server, "up"), (server, hub, "down")):
                threading.Thread(target=self.pump, args=(source, sink, way, plan, state), daemon=True).start()

    def pump(self, source, sink, way, plan, state):
        passed, limit, end, is_silent = 0, plan.get(way), plan.get("end", "reset"), False
        try:
            while True:
                octets = source.recv(16384)
                if not octets and is_silent and way == "down":
                    # The hub hears nothing of it, not even that it is over.
                    return
                if not octets:
                    break
                if plan.get("delay"):
                    time.sleep(plan["delay"])
                if is_silent:
                    continue
                if plan.get("once") and way == "up" and state["down"]:
                    self.fault()
                    return self.over(state, "reset")
                flip = plan.get("flip")
                if flip and flip[0] == way and passed <= flip[1] < passed + len(octets):
                    self.fault()
                    octets = bytearray(octets)
                    octets[flip[1] - passed] ^= 8
                if limit is not None and passed + len(octets) > limit:
                    sink.sendall(octets[:limit - passed])
                    self.fault()
                    if end != "silence":
                        return self.over(state, end)
                    is_silent = True
                    continue
                sink.sendall(octets)
                passed += len(octets)
                state[way] = passed
        except OSError:
            pass
        self.over(state, "close")

    def over(self, state, end):
        with self.lock:
            self.open.discard(state["sockets"])
            if state["is_over"]:
                return
            state["is_over"] = True
        if end == "reset":
            return self.reset(*state["sockets"])
        for one in state["sockets"]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def down(self):
        """It is cut, with all that goes over it."""
        self.is_up = False
        with self.lock:
            gone, self.open = self.open, set()
        for ends in gone:
            self.fault()
            self.reset(*ends)

    def up(self):
        self.is_up = True

    def close(self):
        self.listener.close()
        self.down()


class Network:
    """A network namespace for the hub, tied to the machine by a pair of interfaces whose rate can be set."""
    numbers = iter(range(1, 250))

    def __init__(self):
        if os.geteuid() != 0:
            raise Missing("needs root")
        self.ip, self.tc = program("ip", "iproute2"), program("tc", "iproute2")
        number = next(Network.numbers)
        process = os.getpid() % 100000
        self.name, self.near, self.far = f"hearth-{process}-{number}", f"hf{process}n{number}", f"hf{process}f{number}"
        # 198.18.0.0/15 is for tests of networks (RFC 2544).
        self.address, self.hub = f"198.18.{number}.1", f"198.18.{number}.2"
        try:
            self.run(self.ip, "netns", "add", self.name)
            self.run(self.ip, "link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name)
            self.run(self.ip, "addr", "add", f"{self.address}/30", "dev", self.near)
            self.run(self.ip, "link", "set", self.near, "up")
            self.inside("addr", "add", f"{self.hub}/30", "dev", self.far)
            self.inside("link", "set", self.far, "up")
            self.inside("link", "set", "lo", "up")
        except Missing:
            self.end()
            raise
        self.prefix = [self.ip, "netns", "exec", self.name]

    @staticmethod
    def run(*words):
        answer = subprocess.run(words, capture_output=True, text=True)
        if answer.returncode:
            raise Missing(f"{' '.join(words[:4])}: {answer.stderr.strip()}")

    def inside(self, *words):
        self.run(self.ip, "-n", self.name, *words)

    def rate(self, kilobits=None, latency="400ms"):
        """Both ways by the kernel's token bucket; nothing: as fast as it goes."""
        for words in ([self.tc], [self.tc, "-n", self.name]):
            interface = self.near if len(words) == 1 else self.far
            if kilobits:
                self.run(*words, "qdisc", "replace", "dev", interface, "root", "tbf", "rate", f"{kilobits}kbit",
                         "burst", "3200", "latency", latency)
            else:
                self.run(*words, "qdisc", "del", "dev", interface, "root")

    def cable(self, is_in):
        self.run(self.ip, "link", "set", self.near, "up" if is_in else "down")

    def end(self):
        subprocess.run([self.ip, "link", "del", self.near], capture_output=True)
        subprocess.run([self.ip, "netns", "del", self.name], capture_output=True)
        shutil.rmtree(f"/etc/netns/{self.name}", ignore_errors=True)
