"""Bodies of plain HTTP: framing both ways, streaming, backpressure, turns."""

import hashlib
import os
import re
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


def answer(*fields, body=b"", status="200 OK"):
    lines = [f"HTTP/1.1 {status}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


CHUNKED = "Transfer-Encoding: chunked"


# --- requests -----------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 5, 70000, 300000])
def test_a_request_with_a_length(proxy, site, size):
    there = site()
    body = os.urandom(size)
    with web.dial(proxy()) as client:
        client.send(there.get(method="POST", body=body,
                              headers=f"Content-Length: {size}\r\n"))
        assert client.message().status == 200
        client.send(there.get(method="POST", body=body,
                              headers=f"Content-Length: {size}\r\n"))
        assert client.message().status == 200
    for request in there.requests:
        assert request["content-length"] == str(size)
        assert request.body == body


@pytest.mark.parametrize("parts", [
    [], [b"x"], [b"hello", b" ", b"world"], [b"a" * 300, b"b" * 70000, b"c"]])
def test_a_request_in_chunks(proxy, site, parts):
    there = site()
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get(method="POST", headers=f"{CHUNKED}\r\n",
                                  body=web.chunks(*parts)))
            assert client.message().status == 200
    for request in there.requests:
        assert request.body == b"".join(parts)


def test_a_request_a_byte_at_a_time(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in there.get(method="POST", headers=f"{CHUNKED}\r\n",
                              body=web.chunks(b"hello", b"world",
                                              trailers="A: b\r\nC: d\r\n")):
            client.send(bytes([byte]))
        assert client.message().status == 200
    assert there.requests[0].body == b"helloworld"
    assert there.requests[0].trailers == "A: b\r\nC: d\r\n"


def test_extensions_go_no_further(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(method="POST", headers=f"{CHUNKED}\r\n",
                              body=b'5;a=b;c="d;\\""\r\nhello\r\n'
                                   b"0000;e\r\n\r\n"))
        assert client.message().status == 200
    assert there.requests[0].body == b"hello"


def test_trailers_of_a_request(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(
            method="POST", headers=f"Trailer: X-Sum\r\n{CHUNKED}\r\n",
            body=web.chunks(b"x", trailers="X-Sum: 1\r\nContent-Length: 5\r\n"
                                           "Transfer-Encoding: gzip\r\n"
                                           "Host: y\r\n"
                                           "X-Smokescreen-Role: z\r\n")))
        assert client.message().status == 200
    assert there.requests[0]["trailer"] == "X-Sum"
    assert there.requests[0].trailers == "X-Sum: 1\r\n"


def test_a_get_may_have_a_body(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(headers="Content-Length: 3\r\n", body=b"abc"))
        assert client.message().status == 200
    assert there.requests[0].body == b"abc"


# --- answers ------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 70000, 300000])
def test_an_answer_with_a_length(proxy, site, size):
    body = os.urandom(size)
    there = site(answer(f"Content-Length: {size}", body=body))
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get())
            got = client.message()
            assert got["content-length"] == str(size)
            assert got.body == body


@pytest.mark.parametrize("parts", [
    [], [b"x"], [b"hello", b" ", b"world"], [b"a" * 300, b"b" * 70000, b"c"]])
def test_an_answer_in_chunks(proxy, site, parts):
    there = site(answer(CHUNKED, body=web.chunks(*parts)))
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get())
            assert client.message().body == b"".join(parts)
    assert there.connections == 1


def test_trailers_of_an_answer(proxy, site):
    there = site(answer(CHUNKED, "Trailer: A, B",
                        body=web.chunks(b"x", trailers="A: b\r\nB:  c \r\n"
                                        "Content-Length: 7\r\n"
                                        "X-Smokescreen-Error: no\r\n")))
    with web.dial(proxy()) as client:
        client.send(there.get())
        got = client.message()
        assert got["trailer"] == "A, B"
        assert got.trailers == "A: b\r\nB: c\r\n"
        client.send(there.get())
        assert client.message().body == b"x"


def test_an_answer_a_byte_at_a_time(proxy, origin):
    def serve(sock):
        sock.recv(1 << 16)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in answer(CHUNKED, body=web.chunks(b"hello", b"world",
                                                    trailers="A: b\r\n")):
            sock.sendall(bytes([byte]))
            time.sleep(0.0005)
        sock.recv(1)
    there = origin(serve)
    with web.dial(proxy()) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        got = client.message()
    assert (got.body, got.trailers) == (b"helloworld", "A: b\r\n")


def test_an_answer_to_the_end_comes_in_chunks(proxy, site):
    body = os.urandom(200000)
    there = site(answer(body=body), end=True)
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get())
            got = client.message()
            assert got["transfer-encoding"] == "chunked"
            assert got.body == body


@pytest.mark.parametrize("fields, wanted", [
    (["Content-Length: 1000"], {"content-length": "1000"}),
    ([CHUNKED], {}), ([], {})])
def test_head_has_no_body(proxy, site, fields, wanted):
    there = site(answer(*fields))
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get(method="HEAD"))
            got = client.message(bodiless=True)
            del got.fields["date"]
            assert got.fields == wanted
    assert there.connections == 1


@pytest.mark.parametrize("status, fields, wanted", [
    ("204 No Content", [], {}),
    ("204 No Content", ["Content-Length: 0"], {}),
    ("304 Not Modified", ["Content-Length: 1000"],
     {"content-length": "1000"}),
    ("304 Not Modified", [CHUNKED], {}),
])
def test_statuses_without_a_body(proxy, site, status, fields, wanted):
    there = site(answer(*fields, status=status))
    with web.dial(proxy()) as client:
        for _ in range(2):
            client.send(there.get())
            got = client.message(bodiless=True)
            del got.fields["date"]
            assert got.fields == wanted
    assert there.connections == 1


def test_interim_answers(proxy, site):
    hints = answer("Link: </a>", status="103 Early Hints")
    there = site(answer(status="100 Continue") + hints + hints + web.OK)
    with web.dial(proxy()) as client:
        client.send(there.get() * 2)
        for _ in range(2):
            assert client.head().first == "HTTP/1.1 100 Continue"
            for _ in range(2):
                head = client.head()
                assert head.raw == hints
            assert client.message().body == b"ok"


def test_too_many_interim_answers(proxy, site):
    there = site(answer(status="100 Continue") * 33 + web.OK)
    with web.dial(proxy()) as client:
        client.send(there.get())
        seen = [client.head().status]
        while seen[-1] == 100:
            seen.append(client.head().status)
        assert seen == [100] * 32 + [502]


def test_100_continue(proxy, origin):
    """The client waits to be told, the origin tells it."""
    def serve(sock):
        wire = web.Wire(sock)
        request = wire.head()
        assert request["expect"] == "100-continue"
        assert not wire.rest
        wire.send(answer(status="100 Continue"))
        assert wire.exactly(5) == b"hello"
        wire.send(web.OK)
        wire.more()
    there = origin(serve)
    with web.dial(proxy()) as client:
        client.send(f"PUT http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    "\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
                    .encode())
        assert client.head().status == 100
        client.send(b"hello")
        assert client.message().body == b"ok"


def test_100_continue_refused(proxy, site):
    """The final answer comes instead; whether the client sends its body all
    the same nobody knows, so that the connection ends."""
    def serve(sock):
        wire = web.Wire(sock)
        wire.head()
        wire.send(answer("Content-Length: 0", status="417 No"))
        wire.more()
    there = site()
    there.origin.serve = serve
    with web.dial(proxy()) as client:
        client.send(there.get(method="PUT", headers="Expect: 100-continue\r\n"
                                                    "Content-Length: 5\r\n"))
        got = client.message()
        assert (got.status, got["connection"]) == (417, "close")
        assert client.to_end() == b""


@pytest.mark.parametrize("broken", [
    answer("Content-Length: 5", body=b"hel"),
    answer(CHUNKED, body=b"5\r\nhel"),
    answer(CHUNKED, body=b"5\r\nhello\r\n"),
    answer(CHUNKED, body=b"5\r\nhello\r\n0\r\n"),
    answer(CHUNKED, body=b"5\r\nhello\r\n0\r\nA: b\r\n"),
])
def test_a_cut_answer_stays_cut(proxy, site, broken):
    there = site(broken, end=True)
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get())
        head = client.head()
        rest = client.to_end()
    if "content-length" in head:
        assert len(rest) < int(head["content-length"])
    else:
        assert not rest.endswith(b"0\r\n\r\n")
    assert child.wait_log("answer cut off")["error"] == "unexpected end"


@pytest.mark.parametrize("body", [
    b"5\nhello\n0\n\n", b"5 \r\nhello\r\n0\r\n\r\n", b"g\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nA : b\r\n\r\n", b"5\r\nhello\r\n0\r\n B: c\r\n\r\n",
    b"11111111111111111\r\n", b"1;" + b"a" * 300 + b"\r\nx\r\n0\r\n\r\n",
    b"0\r\nA: " + b"b" * 9000 + b"\r\n\r\n"])
def test_a_broken_answer_body(proxy, site, body):
    there = site(answer(CHUNKED, body=body))
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get())
        client.head()
        assert not client.to_end().endswith(b"0\r\n\r\n")
    assert child.wait_log("answer cut off")


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
    b"HTTP/1.1 200 OK\nA: b\n\n",
    b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
    b"HTTP/1.1 2x0 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"220 mail.test ESMTP\r\n",
    b"HTTP/1.1 200 OK\r\nA: " + b"a" * 66000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 129 + b"\r\n",
])
def test_an_answer_that_is_none(proxy, site, head):
    there = site(head + b"hello")
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get())
        got = client.message()
        assert got.status == 502
        assert got["x-smokescreen-error"].startswith("Malformed answer ")
        # the client is not to blame
        there.answers = (web.OK,)
        client.send(there.get())
        assert client.message().body == b"ok"
    assert there.connections == 2
    assert child.decision(status_code=502)["error"]


def test_what_follows_an_answer_is_nobodys(proxy, site):
    there = site(web.OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                 web.OK)
    with web.dial(proxy()) as client:
        for _ in range(3):
            client.send(there.get())
            assert client.message().body == b"ok"
    assert there.connections == 2


# --- streaming ----------------------------------------------------------------


@pytest.mark.parametrize("framed", [True, False])
def test_events_arrive_as_they_are_sent(proxy, origin, framed):
    """Each is sent when the one before it has arrived: nothing waits for more
    to come."""
    arrived = threading.Semaphore(0)
    late = []

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(answer("Content-Type: text/event-stream",
                            *[CHUNKED] * framed))
        for number in range(20):
            event = b"data: %d\n\n" % number
            sent = time.monotonic()
            sock.sendall(b"%x\r\n%s\r\n" % (len(event), event) if framed
                         else event)
            assert arrived.acquire(timeout=harness.SECONDS)
            late.append(time.monotonic() - sent)
        if framed:
            sock.sendall(b"0\r\n\r\n")
    there = origin(serve)
    with web.dial(proxy()) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        client.head()
        for number in range(20):
            assert client.chunk() == b"data: %d\n\n" % number
            arrived.release()
        assert client.chunk() is None
    assert sorted(late)[len(late) // 2] < 0.5


def test_a_request_streams_while_its_answer_does(proxy, origin):
    def serve(sock):
        wire = web.Wire(sock)
        wire.head()
        wire.send(answer(CHUNKED))
        while (part := wire.chunk()) is not None:
            wire.send(b"%x\r\n%s\r\n" % (len(part), part))
        wire.send(b"0\r\n\r\n")
        wire.more()
    there = origin(serve)
    with web.dial(proxy()) as client:
        client.send(f"POST http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    f"\r\n{CHUNKED}\r\n\r\n".encode())
        assert client.head()["connection"] == "close"
        for number in range(5):
            client.send(b"1\r\n%d\r\n" % number)
            assert client.chunk() == b"%d" % number
        client.send(b"0\r\n\r\n")
        assert client.chunk() is None


def rss(child):
    with open(f"/proc/{child.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


MEGABYTES = 64


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_upload_in_constant_memory(proxy, origin, chunked):
    """The origin reads nothing until the client can send no more."""
    stuck, digests = threading.Event(), []
    part = os.urandom(1 << 20)

    def serve(sock):
        wire = web.Wire(sock)
        head = wire.head()
        assert stuck.wait(harness.SECONDS)
        digest = hashlib.sha1()
        if "content-length" in head:
            for _ in range(MEGABYTES):
                digest.update(wire.exactly(1 << 20))
        else:
            while (data := wire.chunk()) is not None:
                digest.update(data)
        digests.append(digest.hexdigest())
        wire.send(web.OK)
        wire.more()
    there = origin(serve)
    child = proxy("--workers", "1")
    with web.dial(child) as client:
        framing = CHUNKED if chunked else f"Content-Length: {MEGABYTES << 20}"
        client.send(f"PUT http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    f"\r\n{framing}\r\n\r\n".encode())
        before = rss(child)
        frame = (b"%x\r\n" % len(part), b"\r\n") if chunked else (b"", b"")
        whole = (frame[0] + part + frame[1]) * MEGABYTES
        if chunked:
            whole += b"0\r\n\r\n"
        sender = threading.Thread(target=client.send, args=(whole,))
        sender.start()
        sender.join(0.5)
        assert sender.is_alive()  # all of it does not fit into the kernel
        stuck.set()
        grown = rss(child) - before
        got = client.message()
        sender.join()
        assert got.body == b"ok"
        assert max(grown, rss(child) - before) < 4096
    assert digests == [hashlib.sha1(part * MEGABYTES).hexdigest()]


@pytest.mark.parametrize("framing", [
    f"Content-Length: {MEGABYTES << 20}", CHUNKED, "X-To: the end"])
def test_a_large_download_in_constant_memory(proxy, origin, framing):
    part = os.urandom(1 << 20)
    sent = []

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(answer(framing))
        for number in range(MEGABYTES):
            sent.append(number)
            sock.sendall(b"%x\r\n%s\r\n" % (len(part), part)
                         if framing == CHUNKED else part)
        if framing == CHUNKED:
            sock.sendall(b"0\r\n\r\n")
    there = origin(serve)
    child = proxy("--workers", "1")
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        before = rss(child)
        head = client.head()
        count = -1  # until the origin is stuck
        while count != len(sent):
            count = len(sent)
            time.sleep(0.2)
        assert count < MEGABYTES
        grown = rss(child) - before
        digest = hashlib.sha1()
        if "content-length" in head:
            for _ in range(MEGABYTES):
                digest.update(client.exactly(1 << 20))
        else:
            while (data := client.chunk()) is not None:
                digest.update(data)
        assert max(grown, rss(child) - before) < 4096
    assert digest.hexdigest() == hashlib.sha1(part * MEGABYTES).hexdigest()


# --- turns --------------------------------------------------------------------


def test_keep_alive(proxy, site):
    there = site()
    child = proxy()
    with web.dial(child) as client:
        for number in range(50):
            client.send(there.get(f"/{number}"))
            assert client.message().body == b"ok"
    assert [each.first for each in there.requests] == [
        f"GET /{number} HTTP/1.1" for number in range(50)]
    child.wait_log("CANONICAL-PROXY-DECISION", 50)
    ids = [line["id"] for line in child.logged("CANONICAL-PROXY-DECISION")]
    assert len(set(ids)) == 50


def test_close_is_honoured(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(headers="Connection: close\r\n") + there.get())
        assert client.message()["connection"] == "close"
        assert client.to_end() == b""
    assert len(there.requests) == 1


def test_pipelining(proxy, site):
    there = site(*[answer("Content-Length: 3", body=b"%03d" % number)
                   for number in range(200)])
    with web.dial(proxy()) as client:
        client.send(b"".join(
            there.get(f"/{number}", method="POST", body=b"hello",
                      headers="Content-Length: 5\r\n")
            for number in range(200)))
        for number in range(200):
            assert client.message().body == b"%03d" % number
    assert [each.first for each in there.requests] == [
        f"POST /{number} HTTP/1.1" for number in range(200)]
    assert there.connections == 1


def test_pipelined_denials(proxy):
    with web.dial(proxy()) as client:
        count = 3000
        sender = threading.Thread(target=client.send, args=(
            b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n" * count,))
        sender.start()
        for _ in range(count):
            assert client.message().status == 407
        sender.join()


def test_pipelined_requests_wait_their_turn(proxy, origin):
    """The second one does not reach an origin while the first is there."""
    seen = []
    go = threading.Event()

    def serve(sock):
        wire = web.Wire(sock)
        while wire.rest or wire.more():
            seen.append(wire.head().first)
            if len(seen) == 1:
                assert go.wait(harness.SECONDS)
            wire.send(web.OK)
    there = origin(serve)
    with web.dial(proxy()) as client:
        head = (f"GET http://127.0.0.1:{there.port}/%d HTTP/1.1\r\n"
                "Host: x\r\n\r\n")
        client.send((head % 1 + head % 2).encode())
        time.sleep(0.2)
        assert len(seen) <= 1
        go.set()
        assert client.message().body == b"ok"
        assert client.message().body == b"ok"
    assert seen == ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1"]


def test_a_connect_may_follow(proxy, site, origin):
    there = site()
    echo = origin()
    with web.dial(proxy()) as client:
        client.send(there.get()
                    + harness.connect_head("127.0.0.1", echo.port) + b"early")
        assert client.message().body == b"ok"
        assert client.head().status == 200
        assert client.exactly(5) == b"early"


def test_a_bad_request_may_follow(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get() + b"GET / HTTP/1.1\r\nBad : x\r\n\r\n")
        assert client.message().body == b"ok"
        assert client.message().status == 400
        assert client.to_end() == b""


def test_a_client_that_has_ended_is_still_answered(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get())
        client.sock.shutdown(socket.SHUT_WR)
        assert client.message().body == b"ok"
        assert client.to_end() == b""


def test_an_early_answer_ends_the_connection(proxy, origin):
    """The origin answers before it has the body and reads no more of it."""
    def serve(sock):
        web.Wire(sock).head()
        sock.sendall(answer("Content-Length: 3", body=b"no\n",
                            status="413 Too Large"))
    there = origin(serve)
    with web.dial(proxy()) as client:
        client.send(f"POST http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    "\r\nContent-Length: 1000000\r\n\r\n".encode()
                    + b"x" * 100)
        got = client.message()
        assert (got.status, got.body) == (413, b"no\n")
        assert got["connection"] == "close"


@pytest.mark.parametrize("body", [
    b"5\nhello\n0\n\n", b"5 \r\nhello\r\n0\r\n\r\n", b"g\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nA : b\r\n\r\n", b"5\r\nhello\r\n0\r\n: b\r\n\r\n",
    b"5\r\nhello\r\n0\r\nA: b\n\r\n", b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
    b"11111111111111111\r\n", b"1;" + b"a" * 300 + b"\r\nx\r\n0\r\n\r\n",
    b"0\r\nA: " + b"b" * 9000 + b"\r\n\r\n"])
def test_a_broken_request_body(proxy, origin, body):
    whole = []
    there = origin(lambda sock: whole.append(harness.read_all(sock)))
    child = proxy()
    with web.dial(child) as client:
        client.send(f"POST http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    f"\r\n{CHUNKED}\r\n\r\n".encode() + body)
        got = client.message()
        assert (got.status, got["connection"]) == (400, "close")
        assert client.to_end() == b""
    assert child.decision(status_code=400)["error"]
    # the origin has no whole request
    assert not whole or not whole[0].endswith(b"0\r\n\r\n")


# --- time ---------------------------------------------------------------------


def test_a_body_that_does_not_come(proxy, origin):
    there = origin(harness.silent)
    child = proxy(config="read_timeout: 300ms\n")
    with web.dial(child) as client:
        client.send(f"POST http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    "\r\nContent-Length: 5\r\n\r\n12".encode())
        assert client.message().status == 408
    assert child.decision(status_code=408)


def test_an_answer_that_does_not_come(proxy, origin):
    there = origin(harness.silent)
    child = proxy(config="read_timeout: 300ms\n")
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        got = client.message()
        assert got.status == 504
        assert "connection" in got
    assert child.decision(status_code=504)


def test_an_answer_that_stops(proxy, origin):
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(answer("Content-Length: 5", body=b"he"))
        harness.silent(sock)
    there = origin(serve)
    child = proxy(config="read_timeout: 300ms\n")
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        client.head()
        assert client.to_end() == b"he"
    assert child.wait_log("answer cut off")["error"] == "i/o timeout"


def test_a_slow_answer_is_not_cut(proxy, origin):
    """The time is that of silence, not of the whole."""
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(answer("Content-Length: 10"))
        for _ in range(10):
            time.sleep(0.1)
            sock.sendall(b"x")
        sock.recv(1)
    there = origin(serve)
    with web.dial(proxy(config="read_timeout: 500ms\n")) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        assert client.message().body == b"x" * 10


def test_a_client_that_takes_nothing(proxy, origin):
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(answer("Content-Length: 100000000"))
        while True:
            sock.sendall(b"x" * 100000)
    there = origin(serve)
    child = proxy(config="write_timeout: 300ms\nread_timeout: 1h\n")
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        assert child.wait_log("answer cut off")["error"] == "i/o timeout"


def test_who_waits_too_long_to_ask_again(proxy, site):
    there = site()
    with web.dial(proxy(config="idle_timeout: 300ms\n")) as client:
        client.send(there.get())
        client.message()
        assert client.to_end() == b""


def test_the_second_head_has_its_time_too(proxy, site):
    there = site()
    child = proxy(config="read_header_timeout: 300ms\n")
    with web.dial(child) as client:
        client.send(there.get())
        client.message()
        time.sleep(0.5)  # nothing has begun
        client.send(there.get())
        client.message()
        client.send(b"GET http://")
        assert client.message().status == 408


def test_draining_ends_who_only_waits(proxy, site):
    there = site()
    child = proxy()
    with web.dial(child) as idle, web.dial(child) as busy:
        idle.send(there.get())
        idle.message()
        busy.send(there.get(method="POST", headers="Content-Length: 2\r\n",
                            body=b"1"))
        child.signal(15)
        assert idle.to_end() == b""
        busy.send(b"2")
        got = busy.message()
        assert (got.body, got["connection"]) == (b"ok", "close")
    assert child.process.wait(harness.SECONDS) == 0


def test_a_body_that_goes_on_after_its_answer(proxy, origin):
    """The answer has ended, and maybe some of it waits for the client, when
    the client sends more of its request: that has nowhere to go."""
    def serve(sock):
        size = int(re.search(rb"/(\d+)", web.Wire(sock).head().raw)[1])
        sock.sendall(answer(f"Content-Length: {size}", body=b"x" * size,
                            status="413 Too Large"))
        harness.silent(sock)
    child = proxy("--workers", "1")
    for size in (10, 50000, 400000, 3000000):
        # one each: a body that was in time leaves a connection for reuse, and
        # this origin answers once
        there = origin(serve)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(harness.SECONDS)
            sock.connect(("127.0.0.1", child.port))
            client = web.Wire(sock)
            client.send(f"POST http://127.0.0.1:{there.port}/{size} HTTP/1.1"
                        "\r\nHost: x\r\nContent-Length: 5\r\n\r\n12".encode())
            time.sleep(0.02)
            client.send(b"34")
            time.sleep(0.01)
            client.send(b"5")
            got = client.message()
            assert (got.status, len(got.body)) == (413, size)
