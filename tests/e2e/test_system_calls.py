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
import web

ROUNDS = 15  # the median of so many: now and then a cache is filled again
NOT_COUNTED = {"epoll_wait", "epoll_pwait", "futex", "brk", "mmap", "munmap",
               "mremap", "mprotect", "madvise", "sched_yield", "clock_gettime",
               "restart_syscall"}
# name and what it returned; of a call that another one came between, the line
# that tells of its end
CALL = re.compile(r"^\d+ +(?:(\w+)\(|<\.\.\. (\w+) resumed>).*\) += (-?\d+)")

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


def comes(name, result):
    """A client."""
    return name == "accept4" and result >= 0


def asks(name, result):
    """A request, or an answer, and then the next one."""
    return name == "recvfrom" and result > 0


def calls_of_each(traced, begins=comes, parts=1):
    """Once it has ended: what it called from the beginning of one unit of work,
    which is made up of PARTS that begin so, to that of the next, for all units
    but the first and the last."""
    traced.stop()
    begun, units = 0, []
    for line in traced.trace.read_text().splitlines():
        found = CALL.match(line)
        name = found and (found[1] or found[2])
        if not found or name in NOT_COUNTED:
            continue
        if begins(name, int(found[3])):
            begun += 1
            if begun % parts == 1 % parts:
                units.append([])
        if units:
            units[-1].append(name)
    assert len(units) == ROUNDS + 2
    return units[1:-1]


def check(units, most):
    total = statistics.median(map(len, units))
    typical = min(units, key=lambda calls: abs(len(calls) - total))
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
    check(calls_of_each(traced), 25)


def test_a_denied_connect(traced):
    for _ in range(ROUNDS + 2):
        assert traced.connect("denied.test:443").status == 407
    check(calls_of_each(traced), 10)


def test_a_plain_request(traced, origin):
    """Both connections are there already: read and write twice, and log."""
    there = web.Site(origin)
    with web.dial(traced) as client:
        for count in range(ROUNDS + 2):
            client.send(there.get())
            assert client.message().body == b"ok"
            traced.wait_log("CANONICAL-PROXY-DECISION", count + 1)
    check(calls_of_each(traced, begins=asks, parts=2), 6)
