"""Upstream proxies that speak TLS, and https:// URLs by way of any: what passes
through a tunnel may be TLS again."""

import json
import os
import queue
import socket
import ssl
import time
import urllib.request

import pytest

import harness
import pki
import tls
import web
from servers import Servers, Site, ask, context, over_tls
from test_via import Upstream

ONE = ("--workers", "1")  # each has a pool of its own
NAMES = {"dest.test": ["93.184.216.34"], "proxy.test": ["127.0.0.1"],
         "origin.test": ["127.0.0.1"], "in.test": ["10.1.2.3"]}
ACL = """\
version: v1
services: []
default:
  project: tests
  action: open
  allowed_external_proxies: [proxy.test]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Servers(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def upstream(origin, world):
    """Start an upstream proxy over TLS that is a script."""
    def start(*answers, file=None, asked=None, **more):
        made = context(file or world.good)
        return Upstream(
            lambda serve, **rest: origin(over_tls(serve, made, asked), **rest),
            *answers, **more)
    return start


@pytest.fixture
def child(proxy, world):
    """Start the proxy under test, which trusts the world's servers."""
    def start(*flags, **more):
        return proxy(*world.trust, *flags, **{"dns": NAMES, **more})
    return start


@pytest.fixture
def second(proxy, world):
    """Start another proxy of ours, with TLS for its clients: the upstream."""
    def start(*flags, file=None, **more):
        return proxy("--tls-server-bundle-file", file or world.good, *flags,
                     **{"dns": NAMES, **more})
    return start


def declared(there, kind="https", scheme="https", host="proxy.test", user=""):
    return (f"--upstream-{kind}-proxy-addr",
            f"{scheme}://{user}{host}:{there.port}")


def named(there, host="proxy.test", user=""):
    return f"X-Upstream-Https-Proxy: https://{user}{host}:{there.port}\r\n"


def bad(world, what):
    name = pki.dns("proxy.test")
    if what == "UNKNOWN_CA":
        return world.issue("u1.pem", name, issuer=pki.authority("other"))
    if what == "EXPIRED":
        return world.issue("u2.pem", name, end="2024-01-01")
    return world.issue("u3.pem", pki.dns("other.test"))


# --- CONNECT ---

def test_declared(child, upstream):
    asked = []
    there = upstream(asked=asked)
    one = child(*declared(there, user="u:p@"), loopback=False)
    with one.tunnel("dest.test", 443) as sock:
        sock.sendall(b"ping")
        assert harness.read_exactly(sock, 4) == b"ping"
    assert there.head == (
        "CONNECT dest.test:443 HTTP/1.1\r\nHost: dest.test:443\r\n"
        "User-Agent: Go-http-client/1.1\r\n"
        "Proxy-Authorization: Basic dTpw\r\n\r\n")
    assert asked == ["proxy.test"]
    line = one.close_line()
    assert line["outbound_remote_addr"] == f"127.0.0.1:{there.port}"
    assert line["bytes_in"] == line["bytes_out"] == 4


def test_declared_by_address(child, upstream):
    asked = []
    there = upstream(asked=asked)
    child(*declared(there, host="127.0.0.1")).tunnel("dest.test", 443).close()
    assert there.heads and asked == [None]


def test_named(child, upstream):
    there = upstream()
    one = child(acl=ACL)
    with one.tunnel("dest.test", 443, named(there, user="me:secret@")) as sock:
        sock.sendall(b"ping")
        assert harness.read_exactly(sock, 4) == b"ping"
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in there.head
    one.close_line()
    assert "secret" not in json.dumps(one.lines)


@pytest.mark.parametrize("how", ["declared", "named"])
@pytest.mark.parametrize("verdict", ["UNKNOWN_CA", "EXPIRED", "SERVER_NAME"])
def test_a_proxy_that_is_another(child, upstream, world, how, verdict):
    """It hears neither where to nor who we are."""
    there = upstream(file=bad(world, verdict))
    if how == "declared":
        one = child(*declared(there, user="u:secret@"))
        said = one.connect("dest.test", 443)
    else:
        one = child()
        said = one.connect("dest.test", 443, named(there, user="u:secret@"))
    assert said.status == 502
    assert said.error.startswith(
        "Failed to connect to remote host: TLS handshake with upstream proxy "
        "proxy.test: the server's certificate: ")
    line = one.wait_log(said.error)
    assert line["error"].endswith(f"({verdict})")
    assert one.decision()["allow"] is True
    assert there.heads == []
    assert "secret" not in said.raw.decode() + json.dumps(one.lines)


def test_a_proxy_without_tls(child, origin):
    there = Upstream(origin)

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        harness.silent(sock)
    there.port = origin(serve).port
    said = child(*declared(there)).connect("dest.test", 443)
    assert said.status == 502
    assert said.error.endswith("the server does not speak TLS")


@pytest.mark.parametrize("step", ["handshake", "answer"])
def test_no_answer_in_time(child, upstream, origin, step):
    there = upstream(None, after=harness.silent)
    if step == "handshake":
        there.port = origin(harness.silent).port
    one = child(*declared(there), "--timeout", "400ms",
                config="max_concurrent_connect_tunnels: 1\n")
    for _ in range(2):
        said = one.connect("dest.test", 443)
        assert said.status == 504
        assert ("TLS handshake with upstream proxy proxy.test: i/o timeout"
                if step == "handshake" else
                "no answer from the upstream proxy") in said.error


def test_what_the_client_says_early_is_kept(child, origin, world):
    """The proxy is slow to shake hands, and the client is not."""
    made = context(world.good)
    early = os.urandom(50000)

    def serve(sock):
        first = sock.recv(1, socket.MSG_PEEK)
        assert first == b"\x16"
        arrived.append(True)
        while not go:
            time.sleep(0.01)
        over_tls(there.serve, made)(sock)
    there = Upstream(origin)
    arrived, go = [], []
    there.port = origin(serve).port
    one = child(*declared(there))
    with one.dial() as sock:
        sock.sendall(harness.connect_head("dest.test", 443))
        end = time.monotonic() + harness.SECONDS
        while not arrived and time.monotonic() < end:
            time.sleep(0.01)
        sock.sendall(early)
        go.append(True)
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, len(early)) == early
    assert one.close_line()["bytes_out"] == len(early)


def test_the_port_is_443(child):
    one = child("--upstream-https-proxy-addr", "https://proxy.test")
    said = one.connect("dest.test", 443)
    assert said.status == 502
    assert "127.0.0.1:443" in said.error or "TLS handshake" in said.error


def test_a_refusal_is_told(child, upstream):
    there = upstream(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope")
    said = child(*declared(there)).connect("dest.test", 443)
    assert said.status == 500
    assert said.error.endswith("proxy refused connectionnope")


# --- the whole way: a client with a certificate, two proxies, an echo ---

def test_tls_all_the_way(proxy, second, origin, world, tmp_path):
    clients = tls.Pki(tmp_path)
    there = second()
    one = proxy(*world.trust, *declared(there), "--tls-server-bundle-file",
                clients.bundle, "--tls-client-ca-file", clients.ca, dns=NAMES,
                acl="""\
version: v1
services:
- {name: web, project: t, action: enforce, allowed_domains: [127.0.0.1]}
""")
    data = os.urandom(8 << 20)
    with clients.tunnel(one, origin().port, clients.client("web")) as sock:
        assert tls.through_echo(sock, data) == data
    assert one.close_line()["role"] == "web"
    assert one.close_line()["bytes_in"] == len(data)
    assert there.close_line()["bytes_out"] == len(data)


def test_tls_within_tls(child, second, origin, world):
    """The client's own, through a tunnel that has one."""
    there = second()
    port = origin(harness.https(world.good)).port
    one = child(*declared(there))
    sock = one.tunnel("origin.test", port)
    made = ssl.create_default_context(cafile=world.ca)
    with made.wrap_socket(sock, server_hostname="origin.test") as inner:
        inner.sendall(b"GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n")
        assert b"you reached origin.test" in harness.read_all(inner)


@pytest.mark.parametrize("first", ["client", "origin"])
def test_either_direction_may_end_first(child, second, origin, first):
    there = second()

    def serve(sock):
        if first == "client":
            data = harness.read_all(sock)
            sock.sendall(data)
        else:
            sock.sendall(b"all I have")
            sock.shutdown(socket.SHUT_WR)
            heard.put(harness.read_all(sock))
    heard = queue.Queue()
    one = child(*declared(there))
    with one.tunnel("127.0.0.1", origin(serve).port) as sock:
        if first == "client":
            sock.sendall(b"x" * 300000)
            sock.shutdown(socket.SHUT_WR)
            assert harness.read_all(sock) == b"x" * 300000
        else:
            assert harness.read_all(sock) == b"all I have"
            sock.sendall(b"so what")
    there.close_line()
    one.close_line()
    if first == "origin":
        assert heard.get(timeout=harness.SECONDS) == b"so what"


# --- http:// ---

def test_plain_http(child, origin, world):
    made = context(world.good)
    there = web.Site(lambda serve: origin(over_tls(lambda sock: serve(sock),
                                                   made)))
    one = child(*ONE, *declared(there, "http", user="u:p@"), loopback=False)
    there.url = "http://dest.test"
    for _ in range(5):
        answer = ask(one, there, path="/a")
        assert (answer.status, answer.body) == (200, b"ok")
    assert there.requests[0].raw == (
        b"GET http://dest.test/a HTTP/1.1\r\nHost: dest.test\r\n"
        b"Proxy-Authorization: Basic dTpw\r\n\r\n")
    assert there.connections == 1


def test_plain_http_by_one_that_is_another(child, origin, world):
    made = context(bad(world, "EXPIRED"))
    there = web.Site(lambda serve: origin(over_tls(serve, made)))
    one = child(*declared(there, "http", user="u:secret@"))
    there.url = "http://dest.test"
    answer = ask(one, there)
    assert answer.status == 502
    assert "TLS handshake with upstream proxy proxy.test: the server's " \
        "certificate: it has expired" in answer["x-smokescreen-error"]
    assert one.decision()["error"].endswith("(EXPIRED)")
    assert there.requests == []


def test_plain_http_is_asked_again_the_same_way(child, origin, world):
    lost = []

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        there.requests.append(wire.message())
        wire.send(web.OK)
        if wire.more():
            lost.append(wire.head().first)
    there = web.Site(lambda _: origin(over_tls(serve, context(world.good))))
    there.url = "http://dest.test"
    one = child(*ONE, *declared(there, "http"))
    for _ in range(2):
        assert ask(one, there).body == b"ok"
    assert lost[0] == "GET http://dest.test/ HTTP/1.1"
    assert there.connections == 2


# --- https:// ---

@pytest.fixture(params=["http", "https"])
def two(request, proxy, second, child):
    """Two proxies of ours in a row, the second one with TLS or without."""
    def start(*flags, **more):
        there = second() if request.param == "https" else proxy(dns=NAMES)
        return child(*declared(there, scheme=request.param), *flags,
                     **more), there
    return start


def test_https_by_way_of_a_proxy(two, origin, world):
    there = Site(origin, world.good)
    one, other = two(*ONE)
    for _ in range(5):
        answer = ask(one, there)
        assert (answer.status, answer.body) == (200, b"ok")
    assert there.requests[0].first == "GET / HTTP/1.1"
    assert there.requests[0]["host"] == there.at
    assert there.asked == ["origin.test"]
    # the other has seen a tunnel, and only one
    other.decision(requested_host=there.at)
    assert len(other.logged("CANONICAL-PROXY-DECISION")) == 1
    line = one.decision()
    assert line["outbound_remote_addr"] == f"127.0.0.1:{other.port}"


def test_https_bodies_by_way_of_a_proxy(two, origin, world):
    body = os.urandom(4 << 20)
    there = Site(origin, world.good, b"HTTP/1.1 200 OK\r\nContent-Length: %d"
                 b"\r\n\r\n" % len(body) + body)
    one, _ = two()
    answer = ask(one, there, method="POST", body=body,
                 headers=f"Content-Length: {len(body)}\r\n")
    assert there.requests[0].body == body
    assert answer.body == body


def test_https_the_origin_has_to_prove_itself(two, origin, world):
    there = Site(origin, world.issue("x.pem", pki.dns("other.test")))
    one, _ = two()
    with web.dial(one) as client:
        for _ in range(2):
            client.send(there.get())
            answer = client.message()
            assert answer.status == 502
            assert "TLS handshake with origin.test: the server's certificate: " \
                "it is not for this host" in answer["x-smokescreen-error"]
    assert one.decision()["error"].endswith("(SERVER_NAME)")
    assert there.requests == []


def test_https_is_asked_again_by_the_same_way(two, origin, world):
    lost = []

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        there.requests.append(wire.message())
        wire.send(web.OK)
        if wire.more():
            lost.append(wire.head().first)
    there = Site(origin, world.good)
    there.origin.serve = over_tls(serve, context(world.good))
    one, other = two(*ONE)
    for _ in range(2):
        assert ask(one, there).body == b"ok"
    assert len(lost) == 1
    assert there.connections == 2
    other.wait_log("CANONICAL-PROXY-DECISION", 2)


def test_the_end_comes_while_a_connection_waits(two, origin, world):
    """TLS inside of TLS, pooled: it is closed while all it needs is there."""
    there = Site(origin, world.good)
    one, _ = two(*ONE)
    assert ask(one, there).body == b"ok"
    one.stop()


def test_https_that_the_proxy_refuses(child, origin):
    there = Upstream(origin, b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\n"
                     b"nope")
    one = child(*declared(there, scheme="http"))
    with web.dial(one) as client:
        for _ in range(2):
            client.send(b"GET https://dest.test/ HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = client.message()
            assert answer.status == 500
            assert answer["x-smokescreen-error"].endswith(
                "proxy refused connectionnope")
    assert there.heads[0].startswith("CONNECT dest.test:443 HTTP/1.1\r\n")
    line = one.wait_log("CANONICAL-PROXY-DECISION", 2)
    assert line["error"] == "upstream proxy answered 403: nope"


def test_https_and_bytes_that_nobody_asked_for(child, origin):
    there = Upstream(origin, b"HTTP/1.1 200 OK\r\n\r\nhello")
    one = child(*declared(there, scheme="http"))
    answer = one.ask(b"GET https://dest.test/ HTTP/1.1\r\nHost: x\r\n"
                     b"Connection: close\r\n\r\n")
    assert answer.status == 502
    assert "unexpected bytes before it began" in answer.error


def test_https_does_not_go_by_the_proxy_for_http(child, origin, world):
    class Nobody:
        port = harness.unused_port()
    there = Site(origin, world.good)
    one = child(*declared(Nobody, "http", scheme="http"))
    answer = ask(one, there)
    assert answer.status == 200
    assert there.requests[0].first == "GET / HTTP/1.1"


def test_https_judged_before_any_proxy_hears_of_it(child, origin):
    there = Upstream(origin)
    one = child(*declared(there, scheme="http"))
    answer = one.ask(b"GET https://in.test/ HTTP/1.1\r\nHost: x\r\n"
                     b"Connection: close\r\n\r\n")
    assert answer.status == 407
    assert "Deny: Private Range" in answer.error
    assert there.heads == []


# --- numbers ---

def test_handshakes_are_counted(child, upstream, world):
    there = upstream()
    one = child(*declared(there), "--expose-prometheus-metrics",
                "--prometheus-listen-ip", "127.0.0.1", "--prometheus-port", "0")
    one.tunnel("dest.test", 443).close()
    other = upstream(file=bad(world, "EXPIRED"))
    assert one.connect("dest.test", 443, named(other)).status == 502
    port = one.logged("serving metrics")[0]["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                timeout=harness.SECONDS) as answer:
        text = answer.read().decode()
    name = "smokescreen_tls_origin_handshakes_total"
    assert f'{name}{{result="ok"}} 1\n' in text
    assert f'{name}{{result="failed"}} 1\n' in text
