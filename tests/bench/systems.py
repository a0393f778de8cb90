"""The proxies under test as processes: ours, the bare relay, a peer; what they
use of the processor and of memory."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
READY_SECONDS = 120
SETTLE_SECONDS = 1.0

NAMES = {"ours": "ours", "stock": "ours, --crypto=stock", "relay": "bare relay",
         "splice": "bare relay, splice", "peer": "peer",
         "peer1": "peer, GOMAXPROCS=1"}
OUR_OWN = {"ours", "relay", "splice"}  # which have to work


class Unavailable(Exception):
    """A system that cannot do what a row asks; the reason is for people."""


# --- what the kernel says of a process ----------------------------------------

def cpu_seconds(pid):
    """CPU time of a process, all its threads, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3)


def thread_seconds(pid):
    """CPU time of each live thread."""
    return {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9
            for task in Path(f"/proc/{pid}/task").iterdir()}


def rss_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def free_port():
    """Below those that outgoing connections take, so that it stays free."""
    while True:
        port = random.randint(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def listeners(port):
    """Who listens on PORT of this machine."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            field = line.split()
            if field[3] == "0A" and int(field[1].split(":")[1], 16) == port:
                inodes.add(f"socket:[{field[9]}]")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) in inodes
                   for fd in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


# --- processes ----------------------------------------------------------------

class Server:
    """Something that listens on .port; .pids are its processes."""

    def __init__(self, port, pids, process=None):
        self.port, self.pids, self.process = port, pids, process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def cpu(self):
        return sum(map(cpu_seconds, self.pids))

    def settled_cpu(self):
        """CPU time once what is left over of a load has been cleared away."""
        end = time.monotonic() + SETTLE_SECONDS
        last = self.cpu()
        while time.monotonic() < end:
            time.sleep(0.02)
            now = self.cpu()
            if now - last < 50e-6:
                return now
            last = now
        return last

    def rss(self):
        return sum(map(rss_bytes, self.pids))


def await_listener(process, port, what):
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.001)
    if process.poll() is None:
        process.kill()
    raise Unavailable(f"{what} did not start")


class Bench:
    """What there is to measure, and what is needed to start it."""

    def __init__(self, directory, peer):
        self.directory, self.peer = directory, peer
        self.peer_port = int(peer.split(":")[1]) if runs_already(peer) else 0
        usage = subprocess.run([BUILD / "smokescreen", "--help"],
                               stdout=subprocess.PIPE, text=True, check=True)
        self.has_stock = "--crypto" in usage.stdout

    def peers(self, started=False):
        """The peer's columns: with GOMAXPROCS=1 too, when it is Go's.  STARTED
        asks for one that the bench gives a policy and a fresh process."""
        if not self.peer or started and self.peer_port:
            return []
        return ["peer", "peer1"] if go_version(self.peer) else ["peer"]

    def start(self, system, policy=None, tls=None, workers=1, under=(),
              threads=None):
        """Start SYSTEM with POLICY (see inputs.Policy) and perhaps TLS (see
        inputs.Pki); UNDER is a command line to run it by."""
        port = free_port()
        env = dict(os.environ)
        if system in ("relay", "splice"):
            command = [BUILD / "bench/bench_relay", str(port)] + \
                ([system] if system == "splice" else [])
        elif system in ("ours", "stock"):
            command = [BUILD / "smokescreen", "--workers", str(workers),
                       "--egress-acl-file", policy.blob]
            if system == "stock":
                command.append("--crypto=stock")
        elif self.peer_port:
            if tls:
                raise Unavailable("TLS needs a peer that is a program")
            pids = listeners(self.peer_port)
            if not pids:
                raise Unavailable(f"nothing listens on {self.peer}")
            return Server(self.peer_port, pids)
        else:
            command = [self.peer, "--egress-acl-file", policy.yaml]
            if system == "peer1":
                env["GOMAXPROCS"] = "1"
        if system not in ("relay", "splice"):
            config = Path(self.directory, "config.yaml")
            config.write_text("allow_missing_role: true\n")
            command += ["--config-file", config, "--listen-ip", "127.0.0.1",
                        "--listen-port", str(port),
                        "--allow-range", "127.0.0.0/8"]
            if tls:
                command += ["--tls-server-bundle-file", tls.server,
                            "--tls-client-ca-file", tls.ca]
        with open("/dev/null", "wb") as sink:
            process = subprocess.Popen([*under, *map(str, command)],
                                       stdout=sink, stderr=sink, env=env)
        await_listener(process, port, NAMES[system])
        return Server(port, [process.pid], process)


def runs_already(peer):
    """Whether PEER is the port of a proxy, not a program."""
    return bool(re.fullmatch(r"127\.0\.0\.1:\d+", peer))


def go_version(path):
    """Which Go a program was built with; None when it is not Go's."""
    if not os.path.isfile(path):
        return None
    found = re.search(rb"\xff Go buildinf:.{19}(go[0-9.]+)",
                      Path(path).read_bytes(), re.DOTALL)
    return found and found.group(1).decode()


# --- load ---------------------------------------------------------------------

class Load:
    """A load generator that is set up and waits."""

    def __init__(self, server, mode, **options):
        command = [BUILD / "bench/bench_load", mode, str(server.port)]
        command += [f"{name}={value}" for name, value in options.items()]
        self.server = server
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.open = self.answer()["open"]
        if self.open < 0:
            self.process.kill()
            self.process.wait()
            raise Unavailable("it does not serve this")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Unavailable("the load ended early")
        return json.loads(line)

    def run(self, count):
        """COUNT units of load; what the generator says of them."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        result = self.answer()
        if result["failures"] > count // 100:
            raise Unavailable(f"{result['failures']} of {count} failed")
        return result

    def cpu(self, count):
        """CPU seconds that the proxy spent on COUNT units."""
        before = self.server.settled_cpu()
        self.run(count)
        return self.server.settled_cpu() - before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def fail(text):
    sys.exit(f"bench: {text}")
