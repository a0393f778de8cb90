#!/usr/bin/env python3
"""A proxy under mixed load for SECONDS (20), its policy reloaded every second.

Clients of every kind at once: served, denied, refused, not resolvable, slow,
resetting, speaking early, half-closing, leaving.  At the end nobody may be
stuck, every tunnel has its line in the log, no slot of a limit and no
descriptor is lost, and memory has stopped growing.  BUILD says which build; it
is meant for the sanitizers', too.  The last line is `N passed, M failed`.
"""

import base64
import contextlib
import os
import random
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402
from dns_server import ScriptedDns, drop  # noqa: E402

LENGTH = float(os.environ.get("SECONDS", "20"))
THREADS = 12
TUNNELS, REQUESTS = 64, 128  # more than THREADS ever have at once
# A busy machine may stall a client, or the name server, for long.
HEAD_TIMEOUT = 5.0
DNS_TIMEOUT = 4.0
# Above what it has once warm; a sanitizer keeps freed memory for a while.
GROWTH_KB = 16 << 10
QUARANTINE_MB = 4

ACL = """\
version: v1
services: []
default:
  project: soak
  action: enforce
  allowed_external_proxies: [127.0.0.1]
  allowed_domains: [127.0.0.1, origin.test, gone.test, mute.test, x%d.test]
"""
CONFIG = f"""\
allow_missing_role: true
read_header_timeout: {int(HEAD_TIMEOUT * 1000)}ms
dns_timeout: {int(DNS_TIMEOUT * 1000)}ms
max_concurrent_connect_tunnels: {TUNNELS}
max_concurrent_requests: {REQUESTS}
"""


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


class Soak:
    """What the clients share."""

    def __init__(self, child, ports, random_bytes):
        self.child = child
        self.target, self.web, self.proxy = ports
        self.bytes = random_bytes
        self.refusing = harness.refusing_port()
        self.stop = threading.Event()
        self.counts = {}
        self.least = descriptors(child.process.pid)
        self.problems = []

    def expect(self, status, host, port):
        answer = self.child.connect(host, port)
        assert answer.status == status, answer

    # --- what a client can be like ---

    def denied(self, _):
        self.expect(407, "denied.test", 443)

    def denied_address(self, _):
        self.expect(407, "10.0.0.1", 443)

    def refused(self, _):
        self.expect(502, "127.0.0.1", self.refusing)

    def unknown_name(self, _):
        self.expect(502, "gone.test", 443)

    def mute_name_server(self, _):
        self.expect(504, "mute.test", 443)

    def malformed(self, _):
        answer = self.child.ask(b"CONNECT  x HTTP/1.1\r\n\r\n")
        assert answer.status == 400, answer

    def echoed(self, rng, host="127.0.0.1"):
        with self.child.tunnel(host, self.target) as sock:
            for _ in range(rng.randrange(4)):
                part = self.bytes[:rng.randrange(1, len(self.bytes))]
                sender = threading.Thread(target=sock.sendall, args=(part,))
                sender.start()
                assert harness.read_exactly(sock, len(part)) == part
                sender.join()

    def by_name(self, rng):
        self.echoed(rng, "origin.test")

    def early(self, rng):
        part = self.bytes[:rng.randrange(1, 4000)]
        with self.child.tunnel("127.0.0.1", self.target, early=part) as sock:
            assert harness.read_exactly(sock, len(part)) == part

    def plain(self, rng):
        """Some requests of plain HTTP on one connection, one of them denied."""
        with self.child.dial() as sock:
            for _ in range(rng.randrange(1, 4)):
                size = rng.randrange(50_000)
                sock.sendall(b"GET http://127.0.0.1:%d/%d HTTP/1.1\r\n"
                             b"Host: a\r\n\r\n" % (self.web, size))
                assert harness.read_head(sock).status == 200
                assert harness.read_exactly(sock, size) == self.bytes[:size]
            sock.sendall(b"GET http://denied.test/ HTTP/1.1\r\nHost: a\r\n"
                         b"Connection: close\r\n\r\n")
            assert harness.Answer(harness.read_all(sock)).status == 407

    def plain_resetting(self, rng):
        sock = self.child.dial()
        sock.sendall(b"GET http://127.0.0.1:%d/90000 HTTP/1.1\r\nHost: a\r\n"
                     b"\r\n" % self.web)
        if rng.random() < 0.5:
            sock.recv(rng.randrange(1, 5000))
        reset(sock)

    def by_another_proxy(self, rng):
        """Which consents, refuses, resets or talks nonsense."""
        part = self.bytes[:rng.randrange(1, 4000)]
        what = rng.choice(["yes", "no", "reset", "nonsense"])
        with self.child.dial() as sock:
            sock.sendall(harness.connect_head(
                "127.0.0.1", self.target, "X-Upstream-Https-Proxy: http://"
                f"{what}:pw@127.0.0.1:{self.proxy}\r\n") + part)
            head = harness.read_head(sock)
            assert head.status == (200 if what == "yes" else 500), head
            if what == "yes":
                assert harness.read_exactly(sock, 5) == b"ahead"
                assert harness.read_exactly(sock, len(part)) == part

    def half_closed(self, rng):
        part = self.bytes[:rng.randrange(1, 20000)]
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            assert harness.read_all(sock) == part

    def slow_head(self, rng):
        """A byte at a time, and sometimes not to the end."""
        head = harness.connect_head("127.0.0.1", self.target)
        whole = rng.random() < 0.5
        begun = time.monotonic()
        with self.child.dial() as sock:
            # refused halfway it has run out of time, which is told below
            with contextlib.suppress(ConnectionError):
                for byte in head[:-4]:
                    sock.sendall(bytes([byte]))
                if whole:
                    time.sleep(HEAD_TIMEOUT / 20)
                    sock.sendall(head[-4:])
            status = harness.read_head(sock).status
            # its clock has a grain of some milliseconds
            if time.monotonic() - begun < HEAD_TIMEOUT - 0.1:
                assert whole and status == 200, status
            else:
                assert status == 408 or (whole and status == 200), status

    def slow_reader(self, rng):
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(self.bytes[:rng.randrange(1, 60000)])
            time.sleep(rng.random() / 4)

    def resetting(self, rng):
        """At any moment."""
        sock = self.child.dial()
        head = harness.connect_head(
            rng.choice(["127.0.0.1", "mute.test", "origin.test"]), self.target)
        sock.sendall(head[:rng.choice([1, len(head)])])
        if rng.random() < 0.5:
            time.sleep(rng.random() / 50)
        with contextlib.suppress(OSError):
            sock.sendall(self.bytes[:1000])
        reset(sock)

    def leaving(self, _):
        with self.child.dial() as sock:
            sock.sendall(harness.connect_head("mute.test", 443))

    def origin_resets(self, _):
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(b"reset me")
            with contextlib.suppress(ConnectionError):
                harness.read_all(sock)

    # --- one thread ---

    def client(self, seed):
        rng = random.Random(seed)
        kinds = [self.denied, self.denied_address, self.refused,
                 self.unknown_name, self.mute_name_server, self.malformed,
                 self.echoed, self.echoed, self.by_name, self.early,
                 self.plain, self.plain_resetting, self.by_another_proxy,
                 self.half_closed, self.slow_head, self.slow_reader,
                 self.resetting, self.leaving, self.origin_resets]
        while not self.stop.is_set():
            kind = rng.choice(kinds)
            try:
                kind(rng)
            except Exception as error:  # noqa: BLE001
                self.problems.append(f"{kind.__name__}: {error!r}")
                return
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1


def serve(sock):
    """Echo, unless asked for a reset."""
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return
        if part == b"reset me":
            reset(sock)
            return
        sock.sendall(part)


def serve_web(body):
    """As many bytes of BODY as the path says."""
    def serve_one(sock):
        head = b""
        while True:
            while b"\r\n\r\n" not in head:
                part = sock.recv(1 << 16)
                if not part:
                    return
                head += part
            first, _, head = head.partition(b"\r\n\r\n")
            size = int(first.split(b" ")[1][1:])
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                         % size + body[:size])
    return serve_one


def serve_proxy(sock):
    """Do what the user's name says."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1)
        if not part:
            return
        head += part
    if b"Basic " + base64.b64encode(b"yes:pw") in head:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nahead")
        harness.echo(sock)
    elif b"Basic " + base64.b64encode(b"no:pw") in head:
        sock.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope")
    elif b"Basic " + base64.b64encode(b"reset:pw") in head:
        reset(sock)
    else:
        sock.sendall(b"HTTP/1.1 OK\r\n\r\n")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def settled(measure, wanted, seconds=harness.SECONDS):
    """The last of what MEASURE says, once WANTED of it or out of time."""
    end = time.monotonic() + seconds
    while True:
        value = measure()
        if wanted(value) or time.monotonic() > end:
            return value
        time.sleep(0.05)


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, good, detail):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok' if good else 'FAILED'}: {what}: {detail}", flush=True)


class Load:
    """The clients and the reloads, for a while and until all have ended."""

    def __init__(self, soak, directory, report):
        self.soak = soak
        self.directory = directory
        self.report = report
        self.round = 0

    def run(self, seconds):
        soak = self.soak
        soak.stop.clear()
        threads = [threading.Thread(target=soak.client, args=(seed,))
                   for seed in range(THREADS)]
        for thread in threads:
            thread.start()
        began, end = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < end and not soak.problems:
            self.round += 1
            harness.compile_acl(self.directory, ACL % (self.round % 7))
            soak.child.reload()
            wait = began + 1 - time.monotonic()
            time.sleep(max(0.0, min(wait, end - time.monotonic())))
            began += 1
        soak.stop.set()
        for thread in threads:
            thread.join(harness.SECONDS * 2)
        stuck = sum(thread.is_alive() for thread in threads)
        self.report.check("clients got what they should", not soak.problems,
                          soak.problems or dict(sorted(soak.counts.items())))
        self.report.check("nobody is stuck", stuck == 0,
                          f"{stuck} of {THREADS}")


def look_at_limits(soak, report):
    held = []
    with contextlib.suppress(AssertionError, OSError):
        for _ in range(TUNNELS):
            held.append(soak.child.tunnel("127.0.0.1", soak.target))
    report.check("no tunnel's slot is lost", len(held) == TUNNELS, len(held))
    if len(held) == TUNNELS:
        answer = soak.child.connect("127.0.0.1", soak.target)
        report.check("there are no more of them", answer.status == 429,
                     answer.status)
    for sock in held:
        sock.close()


def look_at_the_log(child, report):
    child.reader.join(harness.SECONDS)
    tunnels = {line["id"] for line in
               child.logged("CANONICAL-PROXY-DECISION", allow=True)
               if "error" not in line}
    failed = {line["id"] for line in child.lines
              if line["level"] == "error" and "id" in line}
    closed = [line["id"] for line in child.logged("CANONICAL-PROXY-CN-CLOSE")]
    report.check("a tunnel is closed once", len(closed) == len(set(closed)),
                 f"{len(closed)} closed")
    report.check("only tunnels are closed", set(closed) <= tunnels - failed,
                 len(set(closed) - (tunnels - failed)))
    report.check("the log is clean", child.garbage == [] and
                 not child.logged("log lines were dropped"),
                 child.garbage[:3] or f"{len(child.lines)} lines")


def run(soak, directory, report):
    child, pid = soak.child, soak.child.process.pid
    load = Load(soak, directory, report)
    # what is opened and allocated at first need is, after this
    load.run(LENGTH / 3)
    idle = settled(lambda: descriptors(pid), lambda n: n <= soak.least, 2)
    warm = resident_kb(pid)
    load.run(LENGTH * 2 / 3)
    now = settled(lambda: descriptors(pid), lambda n: n <= idle)
    report.check("descriptors", now <= idle, f"{idle} before, {now} now")
    now = resident_kb(pid)
    report.check("memory", now - warm <= GROWTH_KB,
                 f"{warm} KiB when warm, {now} KiB now")
    report.check("reloads", load.round >= LENGTH / 2, load.round)
    look_at_limits(soak, report)
    child.signal(signal.SIGTERM)
    status = child.process.wait(harness.SECONDS)
    report.check("it drains", status == 0, f"exit status {status}")
    look_at_the_log(child, report)


def main():
    os.environ.setdefault("ASAN_OPTIONS",
                          f"quarantine_size_mb={QUARANTINE_MB}")
    report = Report()
    names = {"origin.test": ["127.0.0.1"], "mute.test": drop()}
    with tempfile.TemporaryDirectory() as directory, \
            ScriptedDns(names) as dns:
        config = Path(directory) / "config.yaml"
        config.write_text(CONFIG)
        body = random.Random(1).randbytes(200_000)
        origins = [harness.Origin(each) for each in
                   (serve, serve_web(body), serve_proxy)]
        child = harness.Proxy(
            "--config-file", config, "--workers", "2", *harness.LOOPBACK,
            "--resolver-address", f"127.0.0.1:{dns.port}", "--egress-acl-file",
            harness.compile_acl(directory, ACL % 0))
        soak = Soak(child, [origin.port for origin in origins], body)
        try:
            run(soak, directory, report)
        finally:
            if child.process.poll() is None:
                child.process.kill()
            for origin in origins:
                origin.close()
    print(f"{report.passed} passed, {report.failed} failed")
    return 0 if report.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
