"""How often a request enters the kernel.

What a request costs is mostly what the kernel does for it, and calls that are
not needed come in unseen.  Counted are those that the proxy's own code decides
on: not waiting for events, which depends on what happens at the same time, nor
memory and locks."""

import collections
import os
import re
import shutil
import statistics
import subprocess

import pytest

import harness

ROUNDS = 15  # the median of so many: now and then a cache is filled again
NOT_COUNTED = {"epoll_wait", "epoll_pwait", "futex", "brk", "mmap", "munmap",
               "mremap", "mprotect", "madvise", "sched_yield", "clock_gettime",
               "restart_syscall"}
# pid, name, arguments and what it returned
CALL = re.compile(r"^\d+ +(\w+)\((.*?)(?:<unfinished|\) += (-?\d+))")

ACL = """
version: v1
services: []
default:
  project: calls
  action: enforce
  allowed_domains: [127.0.0.1]
"""


def can_trace():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"],
                          capture_output=True).returncode == 0


class TracedProxy(harness.Proxy):
    """Runs under strace, which passes its exit status on but no signals."""

    def __init__(self, trace, *args):
        self.trace = trace
        super().__init__(*args)

    def start(self, words, **more):
        # leaks cannot be looked for under a tracer
        asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        return super().start(
            ["strace", "-f", "-qq", "-s", "0", "-e", "signal=none",
             "-o", str(self.trace), *words],
            env=dict(os.environ, ASAN_OPTIONS=asan.lstrip(":")), **more)

    def signal(self, number):
        with open(self.trace) as lines:
            os.kill(int(lines.readline().split()[0]), number)


@pytest.fixture
def traced(tmp_path):
    if not can_trace():
        pytest.skip("no strace, or no right to trace")
    config = tmp_path / "config.yaml"
    config.write_text("allow_missing_role: true\n")
    child = TracedProxy(tmp_path / "trace", "--workers", "1", "--config-file",
                        config, "--egress-acl-file",
                        harness.compile_acl(tmp_path, ACL), *harness.LOOPBACK)
    yield child
    if child.process.poll() is None:
        child.stop()


def calls_of_each(traced):
    """Once it has ended: what it called from one client's coming to the
    next's, for all clients but the first and the last."""
    traced.stop()
    clients = []
    for line in traced.trace.read_text().splitlines():
        found = CALL.match(line)
        if not found or found[1] in NOT_COUNTED:
            continue
        if found[1] == "accept4" and int(found[3] or -1) >= 0:
            clients.append([])
        if clients:
            clients[-1].append(found[1])
    assert len(clients) == ROUNDS + 2
    return clients[1:-1]


def check(clients, most):
    total = statistics.median(map(len, clients))
    typical = min(clients, key=lambda calls: abs(len(calls) - total))
    shown = dict(collections.Counter(typical).most_common())
    assert total <= most, shown


def test_a_tunnel(traced, origin):
    """Accept, CONNECT, dial, an echo, the end, and two lines of log."""
    port = origin().port
    for count in range(ROUNDS + 2):
        with traced.tunnel("127.0.0.1", port) as sock:
            sock.sendall(b"ping")
            assert harness.read_exactly(sock, 4) == b"ping"
        traced.wait_log("CANONICAL-PROXY-CN-CLOSE", count + 1)
    check(calls_of_each(traced), 27)


def test_a_denied_connect(traced):
    for _ in range(ROUNDS + 2):
        assert traced.connect("denied.test:443").status == 407
    check(calls_of_each(traced), 12)
