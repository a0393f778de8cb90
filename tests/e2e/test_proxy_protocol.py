"""The header of a load balancer: who the client is, before its first word."""

import socket
import struct
import threading
import time

import pytest

import harness

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"


def v2(command=0x21, family=0x11, payload=None):
    if payload is None:
        payload = socket.inet_aton("192.0.2.7") + \
            socket.inet_aton("198.51.100.1") + struct.pack(">HH", 4711, 443)
    return SIGNATURE + bytes([command, family]) + \
        struct.pack(">H", len(payload)) + payload


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def with_checksum():
    header = bytearray(v2(payload=v2()[16:] + b"\x03\0\4" + bytes(4)))
    header[-4:] = struct.pack(">I", crc32c(bytes(header)))
    return bytes(header)


V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + \
    socket.inet_pton(socket.AF_INET6, "2001:db8::1") + \
    struct.pack(">HH", 4711, 443)
NAMED = "192.0.2.7:4711"
HEADERS = [
    (V1, NAMED),
    (b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", "[2001:db8::7]:4711"),
    (b"PROXY UNKNOWN\r\n", None),
    (v2(), NAMED),
    (v2(family=0x21, payload=V6), "[2001:db8::7]:4711"),
    (v2(command=0x20, family=0), None),
    (v2(command=0x20, family=0, payload=b""), None),
    (v2(family=0, payload=b""), None),
    (v2(payload=v2()[16:] + b"\x04\0\x03abc"), NAMED),
    (v2(payload=v2()[16:] + b"\x04" + struct.pack(">H", 60000) +
        bytes(60000)), NAMED),
    (with_checksum(), NAMED),
]


def own_name(sock):
    host, port = sock.getsockname()
    return f"{host}:{port}"


@pytest.mark.parametrize("header, source", HEADERS,
                         ids=range(len(HEADERS)))
@pytest.mark.parametrize("how", ["at once", "apart", "bytewise"])
def test_the_client_is_whom_the_header_names(proxy, origin, header, source,
                                             how):
    child = proxy("--proxy-protocol")
    echo = origin()
    head = harness.connect_head("127.0.0.1", echo.port)
    if how == "bytewise" and len(header) > 1000:
        header_parts = [header[i:i + 999] for i in range(0, len(header), 999)]
    else:
        header_parts = [bytes([byte]) for byte in header]
    with child.dial() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if how == "at once":
            sock.sendall(header + head + b"early")
        elif how == "apart":
            sock.sendall(header)
            time.sleep(0.02)
            sock.sendall(head + b"early")
        else:
            for part in header_parts:
                sock.sendall(part)
            sock.sendall(head + b"early")
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, 5) == b"early"
        name = source or own_name(sock)
    assert child.decision()["inbound_remote_addr"] == name
    assert child.close_line()["inbound_remote_addr"] == name


@pytest.mark.parametrize("header", [
    b"", b"\r\n", b"PROXY\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 99999999 443\r\n",
    V1.replace(b"\r\n", b"\n"), V1.replace(b"TCP4", b"TCP6"),
    v2(command=0x11), v2(family=0x41), v2(payload=b"short"),
    v2(payload=v2()[16:] + b"\x04\0\x09abc"),
    with_checksum()[:-1] + b"\0", b"PROXY UNKNOWN " + b"x" * 200,
])
def test_without_a_good_header_nothing_is_served(proxy, header):
    child = proxy("--proxy-protocol")
    answer = b""
    with child.dial() as sock:
        sock.sendall(header + harness.connect_head("127.0.0.1", 9))
        try:
            answer = harness.read_all(sock)
        except ConnectionResetError:
            pass
    assert answer == b""
    line = child.wait_log("PROXY header refused")
    assert line["level"] == "warning" and line["error"]
    assert not child.logged("CANONICAL-PROXY-DECISION")


def test_a_header_is_none_of_ours_unless_asked_for(proxy):
    assert harness.Answer(_exchange(proxy(), V1)).status == 400


def _exchange(child, header):
    with child.dial() as sock:
        sock.sendall(header + harness.connect_head("127.0.0.1", 9))
        return harness.read_all(sock)


@pytest.mark.parametrize("trust, believed", [
    (["127.0.0.0/8"], True), (["10.0.0.0/8", "127.0.0.1/32"], True),
    (["0.0.0.0/0"], True), (["10.0.0.0/8"], False), (["127.0.0.0/32"], False),
    (["::1/128"], False),
])
def test_whose_header_is_believed(proxy, origin, trust, believed):
    flags = [word for prefix in trust
             for word in ("--proxy-protocol-trust", prefix)]
    child = proxy("--proxy-protocol", *flags)
    opened = child.logged("anyone who can reach the port can use this proxy")
    assert "PROXY headers" not in opened[0]["open_doors"]
    with child.dial() as sock:
        if not believed:
            line = child.wait_log("PROXY header refused")
            assert line["error"] == "not from a trusted address"
            try:
                assert sock.recv(1) == b""
            except ConnectionResetError:
                pass
            return
        sock.sendall(V1 + harness.connect_head("127.0.0.1", origin().port))
        assert harness.read_head(sock).status == 200
    assert child.decision()["inbound_remote_addr"] == NAMED


def test_believing_anyone_is_an_open_door(proxy):
    child = proxy(config="support_proxy_protocol: true\n")
    line = child.logged("anyone who can reach the port can use this proxy")[0]
    assert "PROXY headers are believed from anyone" in line["open_doors"]


def test_stalling_in_the_header_has_an_end(proxy, origin):
    child = proxy("--proxy-protocol",
                  config="read_header_timeout: 1s\n")
    with child.dial() as silent, child.dial() as half, child.dial() as slow:
        half.sendall(V1[:20])
        stop = threading.Event()

        def dribble():
            for byte in b"PROXY UNKNOWN " + b"x" * 80:
                if stop.wait(0.03):
                    return
                try:
                    slow.sendall(bytes([byte]))
                except OSError:
                    return
        thread = threading.Thread(target=dribble)
        thread.start()
        for sock in (silent, half, slow):
            try:
                assert sock.recv(1) == b""
            except ConnectionResetError:
                pass
        stop.set()
        thread.join()
    child.wait_log("PROXY header refused", 2,
                   error="the PROXY header was not complete in time")
    # and the head has a time of its own
    with child.dial() as sock:
        time.sleep(0.6)
        sock.sendall(V1)
        time.sleep(0.6)
        sock.sendall(harness.connect_head("127.0.0.1", origin().port))
        assert harness.read_head(sock).status == 200


def test_health_checks_that_only_connect_are_not_logged(proxy):
    child = proxy("--proxy-protocol")
    child.dial().close()
    assert _exchange(child, V1)
    assert not child.logged("PROXY header refused")


def test_refusals_are_counted(proxy):
    child = proxy("--proxy-protocol", "--expose-prometheus-metrics",
                  "--prometheus-port", "0",
                  "--prometheus-listen-ip", "127.0.0.1")
    with child.dial() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        child.wait_log("PROXY header refused")
    port = child.logged("serving metrics")[0]["port"]
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"\nsmokescreen_proxy_headers_refused_total 1\n" in \
            harness.read_all(sock)
