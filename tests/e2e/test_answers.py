"""What a client that gets no tunnel is told: statuses, phrases, headers and
bodies to the byte, and that nothing of a request gets into them raw."""

import socket
import time

import pytest

import harness

DENIED = "10.0.0.1:443"  # an address class needs no policy


def test_a_denial_to_the_byte(proxy):
    child = proxy()
    text = (b"Egress proxying is denied to host '10.0.0.1:443': no valid IP "
            b"found among resolved addresses - denied by rule "
            b"'Deny: Private Range'.")
    assert child.connect(DENIED).raw == (
        b"HTTP/1.1 407 Request rejected by proxy\r\n"
        b"Content-Length: %d\r\n"
        b"Content-Type: text/plain\r\n"
        b"Connection: close\r\n"
        b"X-Smokescreen-Error: %s\r\n\r\n%s\n" % (len(text) + 1, text, text))
    line = child.decision()
    assert line["content_length"] == len(text) + 1
    assert line["error"] == text.decode()


def test_an_http_1_0_client_is_answered_in_its_version(proxy):
    answer = proxy().ask(b"CONNECT 10.0.0.1:443 HTTP/1.0\r\n\r\n")
    assert (answer.minor, answer.status) == (0, 407)


def test_the_additional_message(proxy):
    child = proxy("--additional-error-message-on-deny", "ask\nsecurity@")
    answer = child.connect(DENIED)
    message = answer.body.decode().split("\n")[0]
    assert answer.body.decode() == f"{message}\n\nask\nsecurity@\n\n"
    assert answer.error == f"{message}  ask security@"
    assert int(answer.headers["content-length"]) == len(answer.body)
    # every error has it, not only denials
    port = harness.refusing_port()
    assert "security@" in child.connect("127.0.0.1", port).error


def test_deny_status_403(proxy):
    child = proxy("--deny-status", "403")
    answer = child.connect(DENIED)
    assert (answer.status, answer.phrase) == (403, "Request rejected by proxy")
    assert child.decision()["status_code"] == 403


def test_deny_detail_full_names_the_address(proxy):
    child = proxy("--deny-detail", "full", dns={"in.test": ["10.7.7.7"]})
    assert child.connect("in.test:443").error == (
        "Egress proxying is denied to host 'in.test:443': no valid IP found "
        "among resolved addresses - 10.7.7.7 denied by rule "
        "'Deny: Private Range'.")


def test_deny_detail_none_is_no_oracle(proxy):
    port = harness.refusing_port()
    child = proxy("--deny-detail", "none",
                  dns={"in.test": ["10.7.7.7"], "closed.test": ["127.0.0.1"]})

    def told(host):
        answer = child.connect(host, port)
        return answer.raw.replace(host.encode(), b"HOST")
    answers = [told(host).replace(b"Content-Length: ", b"")
               for host in ("in.test", "closed.test", "nowhere.test")]
    texts = {raw.split(b"\r\n", 2)[2] for raw in answers}
    assert len(texts) == 1
    assert all(raw.startswith(b"HTTP/1.1 407 ") for raw in answers)
    # the log still knows
    assert "10.7.7.7" in child.decision(allow=False)["decision_reason"]
    assert child.decision(allow=True, status_code=407)["error"]


@pytest.mark.parametrize("host", [
    b"a\xffb:443", "\u00e4*b:443".encode(), b"x%e2%80%ae:443",
    b"h\xc2\x85ost:443", b"a\xe2\x80\xa8b:443"])
def test_no_raw_bytes_of_a_host_in_a_header(proxy, host):
    child = proxy()
    answer = child.ask(b"CONNECT " + host + b" HTTP/1.1\r\n\r\n")
    assert answer.status in (400, 407, 502)
    head = answer.raw.partition(b"\r\n\r\n")[0]
    assert all(0x20 <= byte < 0x7f or byte in b"\r\n" for byte in head)


# Well-formed, but no destination: 407 as upstream.
@pytest.mark.parametrize("authority, why", [
    ("example.net", "address example.net: missing port in address"),
    ("1:2:3", "too many colons in address"),
    ("a:", "port"),
    ("a:65536", "port"),
    ("a:99999999999999999999", "port"),
    ("*:80", "invalid domain"),
    ("*.a.test:80", "invalid domain"),
    ("2130706433:80", "invalid domain"),
    ("0177.0.0.1:80", "invalid domain"),
    ("0x7f.1:80", "invalid domain"),
    ("127.1:80", "invalid domain"),
    ("a..b:80", "invalid domain"),
    (":80", "invalid domain"),
    (f"{'a' * 64}.test:80", "invalid domain"),
    (f"{'a.' * 200}test:80", "invalid domain"),
    ("[fe80::1%25lo]:80", ""),
])
def test_a_destination_that_cannot_be(proxy, authority, why):
    child = proxy()
    answer = child.connect(authority)
    assert answer.status == 407
    assert why in answer.error
    line = child.decision()
    assert line["allow"] is False
    assert line["requested_host"] == authority


# No request: 400 and the connection is closed.
@pytest.mark.parametrize("request_bytes", [
    b"CONNECT user:pw@a.test:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:443/path HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:443?x HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:443#f HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:http HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:+1 HTTP/1.1\r\n\r\n",
    b"CONNECT a|b:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a\\b:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a^b:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a%41:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a%00:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a b:443 HTTP/1.1\r\n\r\n",
    b"CONNECT [a.test]:443 HTTP/1.1\r\n\r\n",
    b"CONNECT [[::1]]:443 HTTP/1.1\r\n\r\n",
    b"CONNECT / HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    b"CONNECT * HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    b"CONNECT a.test:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 0\r\n"
    b"Content-Length: 0\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\nHost: a\n\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nHost : a\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\n: a\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nA: \x00\r\n\r\n",
    b"CONNECT a.test:443 HTTP/1.1\r\nA: a\rb\r\n\r\n",
    b"CONNECT  a.test:443 HTTP/1.1\r\n\r\n",
    b"CONNECT a.test:443\r\n\r\n",
    b"\r\n\r\nCONNECT a.test:443 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET http://a.test/ HTTP/1.1\r\n\r\n",
    b"GET a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n",
])
def test_bad_requests(proxy, request_bytes):
    child = proxy()
    answer = child.ask(request_bytes)
    assert (answer.status, answer.phrase) == (400, "Bad Request")
    assert answer.headers["connection"] == "close"
    assert int(answer.headers["content-length"]) == len(answer.body)
    line = child.wait_log("request refused")
    assert line["status_code"] == 400
    assert line["error"]
    assert child.logged("CANONICAL-PROXY-DECISION") == []


def test_too_long(proxy):
    child = proxy()
    head = b"CONNECT " + b"a" * 8200
    assert child.ask(head).status == 414
    assert child.ask(head + b":443 HTTP/1.1\r\n\r\n").status == 414
    field = b"CONNECT a:1 HTTP/1.1\r\nA: " + b"a" * 33000
    assert child.ask(field).status == 431
    many = b"CONNECT a:1 HTTP/1.1\r\n" + b"A: b\r\n" * 129 + b"\r\n"
    assert child.ask(many).status == 431
    assert child.ask(b"GET / HTTP/2.0\r\n\r\n").status == 505


def test_a_host_as_long_as_may_be_is_shown_cut(proxy):
    child = proxy()
    host = ("\u20ac" * 2600)[:2000]
    answer = child.ask(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    assert answer.status == 407
    assert len(answer.error) < 2048
    assert len(child.decision()["requested_host"].encode()) < 2048


@pytest.mark.parametrize("request_bytes, status, body", [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 500,
     b"This is a proxy server. Does not respond to non-proxy requests.\n"),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, b""),
])
def test_what_is_no_connect(proxy, request_bytes, status, body):
    child = proxy()
    answer = child.ask(request_bytes)
    assert (answer.status, answer.body) == (status, body)
    assert child.wait_log("request refused", status_code=status)


def test_the_answer_survives_what_the_client_sends_meanwhile(proxy):
    """Bytes that nobody reads make a kernel reset the connection; the answer
    must not be lost to that."""
    child = proxy()
    with child.dial() as sock:
        sock.sendall(harness.connect_head(DENIED) + b"x" * 70000)
        time.sleep(0.05)
        sock.sendall(b"y" * 70000)
        sock.shutdown(socket.SHUT_WR)
        assert harness.Answer(harness.read_all(sock)).status == 407


def test_a_slow_head_is_cut_off(proxy):
    child = proxy(config="read_header_timeout: 300ms\n")
    with child.dial() as silent, child.dial() as slow:
        begun = time.monotonic()
        slow.sendall(b"CONNECT a.test:443 HT")
        # silence is answered with silence
        assert harness.read_all(silent) == b""
        answer = harness.Answer(harness.read_all(slow))
        assert time.monotonic() - begun < harness.SECONDS / 2
    assert answer.status == 408
    assert child.wait_log("request refused", status_code=408)


def test_drops_of_a_head_do_not_extend_its_time(proxy):
    child = proxy(config="read_header_timeout: 400ms\n")
    with child.dial() as sock:
        sock.settimeout(0.05)
        begun = time.monotonic()
        answer = b""
        for byte in harness.connect_head(DENIED, headers="A: b\r\n" * 50):
            try:
                sock.sendall(bytes([byte]))
                answer = sock.recv(4096)
                break
            except TimeoutError:
                assert time.monotonic() - begun < harness.SECONDS
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_head_in_single_bytes(proxy, origin):
    child = proxy()
    head = harness.connect_head("127.0.0.1", origin().port,
                                "X-Smokescreen-Trace-ID: t\r\n")
    with child.dial() as sock:
        for byte in head + b"early":
            sock.sendall(bytes([byte]))
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, 5) == b"early"
    assert child.decision()["trace_id"] == "t"
