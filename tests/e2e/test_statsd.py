"""What a DogStatsD server is sent."""

import re
import socket

import pytest

import harness
from harness import run_smokescreen

LINE = re.compile(r"smokescreen\.[a-z0-9_.]+:-?\d+(\.\d+)?\|(c|g|ms|h)"
                  r"(\|@0\.5)?(\|#[a-z_]+:[^,|#]*(,[a-z_]+:[^,|#]*)*)?")
ACL = """\
version: v1
services: []
default: {project: "a|b#c", action: report}
"""


class Server:
    """A statsd server: every line that came, in order."""

    def __init__(self, family=socket.AF_INET, host="127.0.0.1"):
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.settimeout(harness.SECONDS)
        self.lines = []

    @property
    def address(self):
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def wait_for(self, *wanted):
        """Receive until there is a line that starts with each."""
        for start in wanted:
            while not [line for line in self.lines if line.startswith(start)]:
                data = self.sock.recv(65536)
                assert len(data) <= 1432
                for line in data.decode().split("\n"):
                    assert LINE.fullmatch(line), line
                    self.lines.append(line)


@pytest.fixture
def server():
    made = Server()
    yield made
    made.sock.close()


def test_a_tunnel(proxy, origin, server):
    child = proxy("--statsd-address", server.address, acl=ACL,
                  config="time_connect: true\n",
                  dns={"x.test": ["127.0.0.1"]})
    sock = child.tunnel("x.test", origin().port)
    sock.sendall(b"123")
    harness.read_exactly(sock, 3)
    sock.close()
    tags = "role:default,project:a_b_c"
    server.wait_for(
        "smokescreen.acl.report:1|c|#role:default,def_rule:true,"
        "project:a_b_c",
        "smokescreen.resolver.attempts_total:1|c",
        "smokescreen.resolver.allow.user_configured:1|c",
        "smokescreen.cn.atpt.total:1|c|#success:true",
        "smokescreen.cn.atpt.connect.time:", "smokescreen.proxy_duration_ms:",
        f"smokescreen.cn.close:1|c|#{tags}", "smokescreen.cn.duration:",
        f"smokescreen.cn.bytes_in:3|h|#{tags}",
        f"smokescreen.cn.bytes_out:3|h|#{tags}",
        "smokescreen.decisions:1|c|#verdict:report,reason:default_rule",
        "smokescreen.tunnels:", "smokescreen.clients:")


def test_lookups_are_sampled(proxy, server):
    child = proxy("--statsd-address", server.address,
                  dns={"x.test": ["10.0.0.1"]})
    for _ in range(20):
        child.connect("x.test", 443)
    server.wait_for("smokescreen.resolver.lookup_time:")
    lines = [line for line in server.lines if "lookup_time" in line]
    assert all(line.endswith("|ms|@0.5") for line in lines)


def test_together_with_prometheus(proxy, server):
    child = proxy("--statsd-address", server.address,
                  "--expose-prometheus-metrics", "--prometheus-port", "0",
                  "--prometheus-listen-ip", "127.0.0.1")
    child.connect("10.0.0.1", 443)
    server.wait_for("smokescreen.resolver.deny.private_range:1|c")
    port = child.logged("serving metrics")[0]["port"]
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"\nresolver_deny_private_range 1\n" in harness.read_all(sock)


def test_ipv6(proxy):
    server = Server(socket.AF_INET6, "::1")
    proxy("--statsd-address", server.address)
    server.wait_for("smokescreen.clients:0|g")
    server.sock.close()


def test_nobody_listens(proxy, origin):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    child = proxy("--statsd-address", f"127.0.0.1:{port}")
    echo = origin()
    for _ in range(30):
        child.tunnel("127.0.0.1", echo.port).close()


def test_what_happens_last_is_sent(proxy, server):
    child = proxy("--statsd-address", server.address)
    child.connect("10.0.0.1", 443)
    child.signal(15)
    child.process.wait(harness.SECONDS)
    server.wait_for("smokescreen.resolver.deny.private_range:1|c")


@pytest.mark.parametrize("address", ["nowhere", "no-such.invalid:8125",
                                     "127.0.0.1:", "::1:8125"])
def test_a_server_that_cannot_be_found_is_fatal(address):
    done = run_smokescreen("--listen-port", "0", "--statsd-address", address)
    assert done.returncode == 1
    assert f"statsd address '{address}'" in done.stderr
