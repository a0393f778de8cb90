"""Connections to origins that are used again, and when they are not."""

import socket
import threading
import time

import pytest

import harness
import web


@pytest.fixture
def site(origin):
    """Start a site: site(answer, ...)."""
    return lambda *answers, **more: web.Site(origin, *answers, **more)


ONE = ("--workers", "1")  # each has a pool of its own


def ask(child, there, host="127.0.0.1", **more):
    """One request on a connection of its own."""
    with web.dial(child) as client:
        request = there.get(headers="Connection: close\r\n", **more)
        client.send(request.replace(b"127.0.0.1", host.encode(), 1))
        return client.message(bodiless=more.get("method") == "HEAD")


def test_clients_share_connections(proxy, site):
    there = site()
    child = proxy(*ONE)
    for _ in range(10):
        assert ask(child, there).body == b"ok"
    assert there.connections == 1
    line = child.wait_log("CANONICAL-PROXY-DECISION", 10)
    assert line["conn_establish_time_ms"] == 0
    assert line["outbound_local_addr"].startswith("127.0.0.1:")


def test_every_name_has_its_own(proxy, site):
    there = site()
    child = proxy(*ONE, dns={"a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"]})
    for host in ("a.test", "b.test", "a.test", "b.test", "127.0.0.1"):
        assert ask(child, there, host).body == b"ok"
    assert there.connections == 3


OPEN = """\
version: v1
services: []
default: {action: open, project: p}
"""


def test_a_new_policy_empties_the_pool(proxy, site, tmp_path):
    there = site()
    child = proxy(*ONE, acl=OPEN)
    for _ in range(2):
        assert ask(child, there).body == b"ok"
    assert there.connections == 1
    harness.compile_acl(tmp_path, OPEN.replace("project: p", "project: q"))
    child.reload()
    for _ in range(2):
        assert ask(child, there).body == b"ok"
    assert there.connections == 2


def test_a_new_policy_is_obeyed_on_open_connections(proxy, site, tmp_path):
    there = site()
    child = proxy(*ONE, acl=OPEN)
    with web.dial(child) as client:
        client.send(there.get())
        assert client.message().body == b"ok"
        harness.compile_acl(tmp_path, OPEN.replace("open", "enforce"))
        child.reload()
        client.send(there.get())
        assert client.message().status == 407
    assert len(there.requests) == 1


def test_a_limit_for_each_host(proxy, site):
    there = site()
    gate = threading.Barrier(4)

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        while wire.rest or wire.more():
            wire.head()
            gate.wait(harness.SECONDS)
            wire.send(web.OK)
    there.origin.serve = serve
    child = proxy(*ONE, config="transport_max_idle_conns_per_host: 2\n")

    def four():
        threads = [threading.Thread(target=ask, args=(child, there))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    four()
    assert there.connections == 4
    four()
    assert there.connections == 6


def test_a_limit_for_all(proxy, site):
    sites = [site() for _ in range(3)]
    child = proxy(*ONE, config="transport_max_idle_conns: 2\n")
    for there in sites + sites[1:] + sites[:1]:
        assert ask(child, there).body == b"ok"
    # the one that waited longest had to go
    assert [there.connections for there in sites] == [2, 1, 1]


def test_one_that_waited_too_long_is_closed(proxy, site, origin):
    closed = threading.Event()

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(web.OK)
        assert sock.recv(1) == b""
        closed.set()
    there = site()
    there.origin.serve = serve
    child = proxy(*ONE, config="idle_timeout: 200ms\n")
    assert ask(child, there).body == b"ok"
    assert closed.wait(harness.SECONDS)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n"
    b"Connection: keep-alive\r\n\r\nok",
])
def test_one_that_ends_is_not_used_again(proxy, site, answer):
    there = site(answer)
    child = proxy(*ONE)
    for _ in range(3):
        assert ask(child, there).body == b"ok"
    assert there.connections == 3


def test_one_that_an_origin_has_closed_is_not_used(proxy, site):
    there = site(end=True)
    child = proxy(*ONE)
    for method in ("GET", "POST", "GET", "POST"):
        assert ask(child, there, method=method).body == b"ok"
        time.sleep(0.05)
    assert there.connections == 4


class Closing:
    """Answers the first request of a connection; the second one makes it close
    or reset the connection, with or without a part of an answer."""

    def __init__(self, there, reset=False, part=b""):
        self.reset, self.part = reset, part
        self.there, self.lost = there, []
        there.origin.serve = self.serve

    def serve(self, sock):
        self.there.connections += 1
        wire = web.Wire(sock)
        self.there.requests.append(wire.message())
        wire.send(web.OK)
        if wire.more():
            self.lost.append(wire.head().first)
            if self.part:
                wire.send(self.part)
            if self.reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                b"\1\0\0\0\0\0\0\0")
                sock.close()


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE",
                                    "PUT", "TRACE"])
def test_asked_again_when_that_is_safe(proxy, site, method, reset):
    there = site()
    closing = Closing(there, reset)
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    assert ask(child, there, method=method, path="/again").status == 200
    assert closing.lost == [f"{method} /again HTTP/1.1"]
    assert there.requests[-1].first == f"{method} /again HTTP/1.1"
    assert there.connections == 2
    line = child.wait_log("CANONICAL-PROXY-DECISION", 2)
    assert line["conn_establish_time_ms"] > 0


@pytest.mark.parametrize("more", [
    {"method": "POST"}, {"method": "PATCH"}, {"method": "X"},
    {"method": "PUT", "body": b"2\r\nab\r\n0\r\n\r\n",
     "headers": "Transfer-Encoding: chunked\r\n"},
    {"method": "PUT", "headers": "Content-Length: 2\r\n", "body": b"ab"},
])
def test_not_asked_again_when_that_is_not_safe(proxy, site, more):
    there = site()
    closing = Closing(there)
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    with web.dial(child) as client:
        client.send(there.get(**more))
        got = client.message()
    assert got.status == 502
    assert len(closing.lost) == 1
    assert there.connections == 1


def test_not_asked_again_once_there_was_an_answer(proxy, site):
    there = site()
    closing = Closing(there, part=b"HTTP/1.1 2")
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    assert ask(child, there).status == 502
    assert len(closing.lost) == 1
    assert there.connections == 1


def test_asked_again_once(proxy, site):
    """A fresh connection that closes is an answer of a kind."""
    there = site()
    asked = []

    def serve(sock):
        wire = web.Wire(sock)
        asked.append(wire.head().first)
        if len(asked) == 1:
            wire.send(web.OK)
            asked.append(wire.head().first)
    there.origin.serve = serve
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    assert ask(child, there).status == 502
    assert len(asked) == 3


def test_bytes_that_come_while_it_waits_spoil_it(proxy, site):
    there = site()
    sent = threading.Event()

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        wire.head()
        wire.send(web.OK)
        time.sleep(0.1)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        sent.set()
        wire.more()
    there.origin.serve = serve
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    assert sent.wait(harness.SECONDS)
    time.sleep(0.05)
    assert ask(child, there).body == b"ok"
    assert there.connections == 2


def test_one_whose_request_was_not_all_sent_is_not_used_again(proxy, site):
    there = site()

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        wire.head()
        wire.send(web.OK)
        while wire.more():
            pass
    there.origin.serve = serve
    child = proxy(*ONE)
    with web.dial(child) as client:
        client.send(there.get(method="POST",
                              headers="Content-Length: 100\r\n", body=b"x"))
        assert client.message().body == b"ok"
    assert ask(child, there).body == b"ok"
    assert there.connections == 2


BIG = b"b" * (8 << 20)


def answer_big(wire):
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BIG) +
              BIG)


@pytest.fixture
def various(site):
    """A site whose answers depend on the path."""
    there = site()

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        while wire.rest or wire.more():
            head = wire.head()
            if "big" in head.first:
                answer_big(wire)
            elif "tunnel" in head.first:
                wire.send(b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n"
                          b"Upgrade: websocket\r\n\r\n")
                while wire.more():
                    wire.send(wire.exactly(len(wire.rest)))
            else:
                wire.send(web.OK)
    there.origin.serve = serve
    return there


def test_a_slow_reader_on_one_used_again(proxy, various):
    """What is not taken keeps the origin from being read, and what is taken at
    last lets it wait again."""
    child = proxy(*ONE)
    assert ask(child, various).body == b"ok"
    for _ in range(2):
        with web.dial(child) as client:
            client.send(various.get("/big"))
            # long enough that every buffer on the way is full
            time.sleep(0.2)
            assert client.message().body == BIG
            client.send(various.get())
            assert client.message().body == b"ok"
    assert various.connections == 1


def test_an_upgrade_on_one_used_again(proxy, various):
    child = proxy(*ONE)
    assert ask(child, various).body == b"ok"
    with web.dial(child) as client:
        client.send(various.get("/tunnel", headers="Connection: Upgrade\r\n"
                                "Upgrade: websocket\r\n"))
        assert client.head().status == 101
        for size in (1, 100_000):
            client.send(b"x" * size)
            assert client.exactly(size) == b"x" * size
    assert various.connections == 1
    assert ask(child, various).body == b"ok"
    assert various.connections == 2


def test_a_client_that_goes_away_takes_the_connection_along(proxy, various):
    child = proxy(*ONE)
    assert ask(child, various).body == b"ok"
    with web.dial(child) as client:
        client.send(various.get("/big"))
        client.exactly(1000)
    assert ask(child, various).body == b"ok"
    assert various.connections == 2


def test_used_again_while_the_request_is_on_its_way(proxy, site):
    """Its body goes up and the answer comes down by the same connection."""
    there = site()
    child = proxy(*ONE)
    assert ask(child, there).body == b"ok"
    with web.dial(child) as client:
        head = there.get(method="POST",
                         headers=f"Content-Length: {len(BIG)}\r\n")
        for _ in range(2):
            client.send(head + BIG[:1 << 20])
            time.sleep(0.05)
            client.send(BIG[1 << 20:])
            assert client.message().body == b"ok"
    assert there.requests[-1].body == BIG
    assert there.connections == 1
