"""As many handshakes as there can be, none of which gets on: newcomers get in,
and the slowest goes."""

import contextlib
import resource

import pytest

import harness
import tls

LIVE = 1024  # handshakes of one worker: ENGINE_MAX_LIVE
BEGINNING = b"\x16\x03\x01"  # of a handshake record, and no more


@pytest.fixture
def world(tmp_path):
    return tls.Pki(tmp_path)


@pytest.fixture
def child(proxy, world):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * LIVE:
        pytest.skip(f"no more than {hard} descriptors here")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft < 3 * LIVE:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 * LIVE, hard))
    return proxy("--workers", "1", "--tls-server-bundle-file", world.bundle,
                 config="read_header_timeout: 300s\n")


@contextlib.contextmanager
def crowd(child, count):
    with contextlib.ExitStack() as stack:
        socks = []
        for _ in range(count):
            sock = stack.enter_context(child.dial())
            sock.sendall(BEGINNING)
            socks.append(sock)
        yield socks


def ask(world, child):
    """A request with a handshake of its own."""
    return world.ask(child, b"GET /healthcheck HTTP/1.0\r\n\r\n").status


def shed(child, socks, count=1):
    """The one of the crowd that made room, and has heard of it."""
    line = child.wait_log("TLS handshake failed", count)
    assert "none is slower" in line["error"]
    lost = [sock for sock in socks if line["inbound_remote_addr"] ==
            "%s:%d" % sock.getsockname()]
    assert harness.read_all(lost[0]) == b""
    return lost[0]


def test_newcomers_get_in(child, world):
    with crowd(child, LIVE) as socks:
        for _ in range(3):
            assert ask(world, child) == 200
        # one made room for the first of them, which left it to the others
        shed(child, socks)
        assert len(child.logged("TLS handshake failed")) == 1
        # a second crowd takes the place of the first
        with crowd(child, LIVE):
            assert ask(world, child) == 200
        child.wait_log("TLS handshake failed", LIVE)


def test_who_gets_on_stays(child, world):
    """Whoever was answered has got on, not who says a byte now and then."""
    first = tls.Stepwise(child, world.context())
    with first.sock:
        first.sock.sendall(first.hello[:5])
        assert ask(world, child) == 200  # it has begun, before all others
        with crowd(child, LIVE - 1) as socks:
            # they have begun, too, once this one is answered
            first.sock.sendall(first.hello[5:])
            first.receive()
            for sock in socks:
                sock.sendall(b"\x00")
            assert ask(world, child) == 200
            shed(child, socks)
            first.finish()
