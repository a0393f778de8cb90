#!/usr/bin/env python3
"""Two proxies under mixed load for SECONDS (20), one of TCP and one of TLS
clients, their policies, certificates, CAs and CRLs reloaded every second.

At the end nobody may be stuck, every tunnel has its line in the log, no slot of
a limit and no descriptor is lost, and memory has stopped growing.  BUILD says
which build; it is meant for the sanitizers', too.  The last line is
`N passed, M failed`.
"""

import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402
import tcp_clients  # noqa: E402
import tls_clients  # noqa: E402
from crowd import descriptors  # noqa: E402
from dns_server import ScriptedDns, drop  # noqa: E402
from origins import serve, serve_proxy, serve_web  # noqa: E402

LENGTH = float(os.environ.get("SECONDS", "20"))
TUNNELS, REQUESTS = 64, 128  # more than the clients of one ever have at once
LIMITS = f"""\
max_concurrent_connect_tunnels: {TUNNELS}
max_concurrent_requests: {REQUESTS}
"""
# Above what it has once warm; a sanitizer keeps freed memory for a while.
GROWTH_KB = 16 << 10
QUARANTINE_MB = 4


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
    """One proxy's clients and its reloads, for a while and until all have
    ended."""

    def __init__(self, crowd, acl, directory, report):
        self.crowd = crowd
        self.acl = acl
        self.directory = directory
        self.report = report
        self.turn = 0
        self.idle = self.warm = None

    def check(self, what, good, detail):
        self.report.check(f"{self.crowd.NAME}: {what}", good, detail)

    def start(self):
        self.crowd.stop.clear()
        self.threads = [
            threading.Thread(target=self.crowd.client, args=(seed,))
            for seed in range(self.crowd.THREADS)]
        for thread in self.threads:
            thread.start()

    def reload(self):
        self.turn += 1
        # in every rule, so that it is another policy each time
        compile_acl(self.directory, self.acl, self.turn % 7)
        self.crowd.renew(self.turn)
        self.crowd.child.reload()

    def end(self):
        self.crowd.stop.set()
        for thread in self.threads:
            thread.join(harness.SECONDS * 2)
        stuck = sum(thread.is_alive() for thread in self.threads)
        self.check("clients got what they should", not self.crowd.problems,
                   self.crowd.problems or
                   dict(sorted(self.crowd.counts.items())))
        self.check("nobody is stuck", stuck == 0,
                   f"{stuck} of {self.crowd.THREADS}")

    # --- what is looked at ---

    def look_when_warm(self):
        """What is opened and allocated at first need is, by now."""
        pid = self.crowd.child.process.pid
        self.idle = settled(lambda: descriptors(pid),
                            lambda n: n <= self.crowd.least, 2)
        self.warm = resident_kb(pid)

    def look_at_growth(self):
        pid = self.crowd.child.process.pid
        now = settled(lambda: descriptors(pid), lambda n: n <= self.idle)
        self.check("descriptors", now <= self.idle,
                   f"{self.idle} before, {now} now")
        now = resident_kb(pid)
        self.check("memory", now - self.warm <= GROWTH_KB,
                   f"{self.warm} KiB when warm, {now} KiB now")
        self.check("reloads", self.turn >= LENGTH / 4, self.turn)

    def look_at_limits(self):
        held = []
        with contextlib.suppress(AssertionError, OSError):
            for _ in range(TUNNELS):
                held.append(self.crowd.tunnel())
        self.check("no tunnel's slot is lost", len(held) == TUNNELS, len(held))
        if len(held) == TUNNELS:
            status = self.crowd.refused()
            self.check("there are no more of them", status == 429, status)
        for sock in held:
            sock.close()

    def look_at_the_end(self):
        child = self.crowd.child
        child.signal(signal.SIGTERM)
        status = child.process.wait(harness.SECONDS)
        self.check("it drains", status == 0, f"exit status {status}")
        child.reader.join(harness.SECONDS)
        tunnels = {line["id"] for line in
                   child.logged("CANONICAL-PROXY-DECISION", allow=True)
                   if "error" not in line}
        failed = {line["id"] for line in child.lines
                  if line["level"] == "error" and "id" in line}
        closed = [line["id"] for line in
                  child.logged("CANONICAL-PROXY-CN-CLOSE")]
        self.check("a tunnel is closed once", len(closed) == len(set(closed)),
                   f"{len(closed)} closed")
        self.check("only tunnels are closed", set(closed) <= tunnels - failed,
                   len(set(closed) - (tunnels - failed)))
        self.check("the log is clean", child.garbage == [] and
                   not child.logged("log lines were dropped"),
                   child.garbage[:3] or f"{len(child.lines)} lines")


def compile_acl(directory, acl, turn):
    return harness.compile_acl(directory, acl.replace("x%d", f"x{turn}"))


def run_for(loads, seconds):
    for load in loads:
        load.start()
    turn = time.monotonic()
    end = turn + seconds
    while time.monotonic() < end and \
            not any(load.crowd.problems for load in loads):
        for load in loads:
            load.reload()
        turn += 1
        time.sleep(max(0.0, min(turn, end) - time.monotonic()))
    for load in loads:
        load.end()


def run(loads):
    run_for(loads, LENGTH / 3)
    for load in loads:
        load.look_when_warm()
    run_for(loads, LENGTH * 2 / 3)
    for load in loads:
        load.look_at_growth()
        load.look_at_limits()
        load.look_at_the_end()


def start(directory, dns, acl, config, *flags):
    """A proxy, its files in a directory of its own."""
    directory.mkdir()
    file = directory / "config.yaml"
    file.write_text(config + LIMITS)
    return harness.Proxy(
        "--config-file", file, "--workers", "2", *harness.LOOPBACK,
        "--resolver-address", f"127.0.0.1:{dns.port}", "--egress-acl-file",
        compile_acl(directory, acl, 0), *flags)


def main():
    os.environ.setdefault("ASAN_OPTIONS",
                          f"quarantine_size_mb={QUARANTINE_MB}")
    report = Report()
    names = {"origin.test": ["127.0.0.1"], "mute.test": drop(),
             **tls_clients.NAMES}
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = stack.enter_context(ScriptedDns(names))
        body = random.Random(1).randbytes(200_000)
        ports = []
        for each in serve, serve_web(body), serve_proxy:
            origin = harness.Origin(each)
            stack.callback(origin.close)
            ports.append(origin.port)
        (directory / "pki").mkdir()
        world = tls_clients.World(directory / "pki")
        loads = []
        for kind, module, flags, more in (
                (tcp_clients.TcpClients, tcp_clients, (), {}),
                (tls_clients.TlsClients, tls_clients, world.flags(),
                 {"world": world})):
            place = directory / kind.NAME
            child = start(place, dns, module.ACL, module.CONFIG, *flags)
            stack.callback(child.process.kill)
            loads.append(Load(kind(child, ports, body, **more), module.ACL,
                              place, report))
        run(loads)
        resumed = loads[1].crowd.counts["(resumed)"]
        report.check("TLS: sessions were resumed", resumed > 0, resumed)
    print(f"{report.passed} passed, {report.failed} failed")
    return 0 if report.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
