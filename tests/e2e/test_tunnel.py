"""What happens inside a tunnel: nothing.  Every byte arrives, in order, both
ways, whatever the pace, and the end of one way is not the end of the other."""

import hashlib
import resource
import queue
import socket
import threading

import pytest

import harness

MIB = 1 << 20


def test_early_data_is_forwarded(proxy, origin):
    """Bytes in the same segment as the head are the tunnel's first."""
    child = proxy()
    with child.tunnel("127.0.0.1", origin().port, early=b"hello") as sock:
        assert harness.read_exactly(sock, 5) == b"hello"
        sock.sendall(b" again")
        assert harness.read_exactly(sock, 6) == b" again"
    line = child.close_line()
    assert (line["bytes_out"], line["bytes_in"]) == (11, 11)


def test_much_early_data(proxy, origin):
    data = bytes(range(256)) * 200  # more than one read takes with the head
    child = proxy()
    with child.dial() as sock:
        sock.sendall(harness.connect_head("127.0.0.1", origin().port) + data)
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, len(data)) == data


def test_the_client_may_end_first(proxy, origin):
    """After the client's end of file the origin still answers."""
    def count(sock):
        sock.sendall(b"%d\n" % len(harness.read_all(sock)))
    child = proxy()
    with child.tunnel("127.0.0.1", origin(count).port) as sock:
        sock.sendall(b"x" * 1000)
        sock.shutdown(socket.SHUT_WR)
        assert harness.read_all(sock) == b"1000\n"
    line = child.close_line()
    assert (line["bytes_out"], line["bytes_in"]) == (1000, 5)
    assert line["error"] == ""


def test_the_origin_may_end_first(proxy, origin):
    heard = queue.Queue()

    def speak(sock):
        sock.sendall(b"bye\n")
        sock.shutdown(socket.SHUT_WR)
        heard.put(harness.read_all(sock))
    child = proxy()
    with child.tunnel("127.0.0.1", origin(speak).port) as sock:
        assert harness.read_all(sock) == b"bye\n"
        sock.sendall(b"still here")
        sock.shutdown(socket.SHUT_WR)
        child.close_line()
    assert heard.get(timeout=harness.SECONDS) == b"still here"


def pattern(size):
    block = bytes((i * 7 + i // 256) & 0xff for i in range(MIB))
    return block * (size // MIB)


def test_64_mib_each_way_at_once(proxy, origin):
    data = pattern(64 * MIB)
    digest = hashlib.sha256(data).hexdigest()
    uploaded = []

    def both(sock):
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        got = hashlib.sha256()
        while part := sock.recv(MIB):
            got.update(part)
        sender.join()
        uploaded.append(got.hexdigest())
    child = proxy()
    with child.tunnel("127.0.0.1", origin(both).port) as sock:
        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        got = hashlib.sha256()
        while part := sock.recv(MIB):
            got.update(part)
        sender.join()
    line = child.close_line()
    assert got.hexdigest() == digest
    assert uploaded == [digest]
    assert line["bytes_in"] == line["bytes_out"] == len(data)


def test_bulk_and_small_take_turns(proxy, origin):
    """Splicing begins when a flow is bulk and ends when it is not; no byte is
    lost or moved on the way, nor when the reader lags."""
    pieces = [1, 900_000, 5, 17, 3_000_000, 1, 2, 3, 1_500_000, 40]
    blob = pattern(4 * MIB)

    def speak(sock):
        for size in pieces:
            assert sock.recv(1) == b"n"  # the reader has all before it
            sock.sendall(blob[:size])
    child = proxy()
    with child.tunnel("127.0.0.1", origin(speak).port) as sock:
        for size in pieces:
            sock.sendall(b"n")
            if size > 1_000_000:
                threading.Event().wait(0.05)  # let everything fill up
            assert harness.read_exactly(sock, size) == blob[:size]
    line = child.close_line()
    assert (line["bytes_in"], line["bytes_out"]) == (sum(pieces), len(pieces))


def test_a_reset_with_bytes_on_their_way(proxy, origin):
    """Bytes that were in a pipe when a tunnel broke never reach another."""
    go = threading.Event()

    def flood(sock):
        try:
            while True:
                sock.sendall(b"s" * MIB)
        except OSError:
            go.set()
    child = proxy()
    flooding = origin(flood).port
    for _ in range(4):
        with child.tunnel("127.0.0.1", flooding) as sock:
            harness.read_exactly(sock, 4 * MIB)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        assert go.wait(harness.SECONDS)
        go.clear()
    data = pattern(8 * MIB)

    def send(sock):
        sock.sendall(data)
    with child.tunnel("127.0.0.1", origin(send).port) as sock:
        assert harness.read_all(sock) == data


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_a_reader_that_stops_is_not_buffered_for(proxy, origin):
    """Backpressure: what one end does not take, the other may not send."""
    size = 128 * MIB  # more than four socket buffers at their largest
    go = threading.Event()
    sent = []

    def flood(sock):
        sock.setblocking(True)
        sock.settimeout(0.5)
        total = 0
        block = b"z" * MIB
        try:
            while total < size:
                total += sock.send(block)
        except TimeoutError:
            pass
        sent.append(total)
        go.set()
        sock.settimeout(harness.SECONDS)
        while total < size:
            total += sock.send(block[:size - total])
    child = proxy()
    before = resident_kib(child.process.pid)
    with child.tunnel("127.0.0.1", origin(flood).port) as sock:
        assert go.wait(harness.SECONDS)
        # the kernel's buffers, and one read of ours
        assert sent[0] < size * 3 / 4
        assert resident_kib(child.process.pid) - before < 4096
        total = 0
        while part := sock.recv(MIB):
            total += len(part)
        assert total == size
    assert child.close_line()["bytes_in"] == size


def test_1000_tunnels_at_once(proxy, origin):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        pytest.skip(f"no more than {hard} descriptors here")
    if soft < 5000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (5000, hard))
    child = proxy()
    port = origin().port
    socks = []
    try:
        for i in range(1000):
            sock = child.dial()
            sock.sendall(harness.connect_head("127.0.0.1", port))
            socks.append(sock)
        for sock in socks:
            assert harness.read_head(sock).status == 200
        for i, sock in enumerate(socks):
            sock.sendall(b"%06d" % i)
        for i, sock in enumerate(socks):
            assert harness.read_exactly(sock, 6) == b"%06d" % i
    finally:
        for sock in socks:
            sock.close()
    child.wait_log("CANONICAL-PROXY-CN-CLOSE", 1000)
    ids = {line["id"] for line in child.lines if "id" in line}
    assert len(ids) == 1000


def test_an_idle_tunnel_is_closed(proxy, origin):
    child = proxy(config="idle_timeout: 400ms\n")
    with child.tunnel("127.0.0.1", origin().port) as sock:
        for _ in range(6):
            # each byte starts the time again
            sock.sendall(b"x")
            assert harness.read_exactly(sock, 1) == b"x"
            assert not threading.Event().wait(0.1)
        assert harness.read_all(sock) == b""
    line = child.close_line()
    assert line["error"] == "idle timeout"
    # without the bytes it would have ended after 0.4 s
    assert 0.8 < line["duration"] < harness.SECONDS


def test_a_reset_is_passed_on_as_an_end(proxy, origin):
    def reset(sock):
        sock.recv(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
    child = proxy()
    with child.tunnel("127.0.0.1", origin(reset).port) as sock:
        sock.sendall(b"x")
        assert harness.read_all(sock) == b""
    line = child.close_line()
    assert line["error"] == "origin: Connection reset by peer"


def test_an_answer_before_a_reset_arrives(proxy, origin):
    """A server may answer and close with our bytes unread: its kernel resets
    us, and what it said before must get through."""
    answer = pattern(MIB)[:200000]

    def rude(sock):
        sock.recv(10)
        sock.sendall(answer)
    child = proxy()
    with child.tunnel("127.0.0.1", origin(rude).port) as sock:
        sock.sendall(b"x" * 5000)
        got = harness.read_exactly(sock, 1000)
        try:
            sock.sendall(b"y" * 5000)
            got += harness.read_all(sock)
        except ConnectionError:
            pass
    assert answer.startswith(got)
    child.close_line()


def test_close_line_has_every_field(proxy, origin):
    child = proxy()
    target = origin()
    with child.tunnel("127.0.0.1", target.port) as sock:
        name = sock.getsockname()
        sock.sendall(b"x")
        harness.read_exactly(sock, 1)
    line = child.close_line()
    assert line["inbound_remote_addr"] == f"127.0.0.1:{name[1]}"
    assert line["outbound_local_addr"].startswith("127.0.0.1:")
    for key in ("id", "proxy_type", "requested_host", "start_time", "trace_id",
                "role", "project", "allow", "enforce_would_deny",
                "decision_reason", "dns_lookup_time_ms",
                "conn_establish_time_ms", "outbound_remote_addr", "bytes_in",
                "bytes_out", "end_time", "duration", "last_activity", "error",
                "policy"):
        assert key in line, key
    assert line["id"] == child.decision()["id"]
    assert len(line["id"]) == 20
    assert line["start_time"] <= line["last_activity"] <= line["end_time"]
