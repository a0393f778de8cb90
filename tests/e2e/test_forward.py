"""Plain HTTP through the proxy: requests, answers, and what of their heads goes
on."""

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


def test_curl(proxy, site):
    there = site(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    done = proxy().curl(f"{there.url}/a/b?c=d")
    assert (done.returncode, done.stdout) == (0, b"hello\n")
    assert there.requests[0].first == "GET /a/b?c=d HTTP/1.1"


@pytest.mark.parametrize("method", [
    "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get",
    "PROPFIND", "M-SEARCH", "X!#$%&'*+-.^_`|~"])
def test_every_method(proxy, site, method):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get("/x", method=method))
        assert client.message().body == b"ok"
    assert there.requests[0].first == f"{method} /x HTTP/1.1"


def test_the_head_to_the_byte(proxy, site):
    there = site(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nServer:x\r\n"
                 b"Date: today\r\nX-Two: \t a  b \r\n\r\nok")
    with web.dial(proxy()) as client:
        client.send(there.get(headers="User-Agent:me\r\nX-One:  1 \t\r\n"
                                      "Accept-Encoding: br\r\nEmpty:\r\n"))
        answer = client.message()
    assert there.requests[0].raw == (
        f"GET / HTTP/1.1\r\nHost: {there.at}\r\nUser-Agent: me\r\nX-One: 1\r\n"
        "Accept-Encoding: br\r\nEmpty: \r\n\r\n").encode()
    assert answer.raw == (b"HTTP/1.1 200 Fine\r\nServer: x\r\nDate: today\r\n"
                          b"X-Two: a  b\r\nContent-Length: 2\r\n\r\n")


@pytest.mark.parametrize("target, path", [
    ("http://{at}", "/"), ("http://{at}/", "/"), ("http://{at}?a=b", "/?a=b"),
    ("HTTP://{at}/A%20b/../c;d=e,f?g=[h]&i={{j}}|k\\l\"^`",
     "/A%20b/../c;d=e,f?g=[h]&i={{j}}|k\\l\"^`"),
    ("http://user:pass@{at}/p", "/p"),
    ("http://@{at}/p", "/p"),
    ("http://{at}/@{at}:1/http://x/", "/@{at}:1/http://x/"),
])
def test_the_target_becomes_a_path(proxy, site, target, path):
    there = site()
    with web.dial(proxy()) as client:
        target = target.format(at=there.at)
        client.send(f"GET {target} HTTP/1.1\r\nHost: other.test\r\n\r\n"
                    .encode())
        assert client.message().status == 200
    request = there.requests[0]
    assert request.first == f"GET {path.format(at=there.at)} HTTP/1.1"
    # the target wins over Host
    assert request["host"] == there.at


def test_bytes_beyond_ascii_are_escaped(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get("/\u00e4?\u20ac"))
        client.message()
    assert there.requests[0].first == "GET /%C3%A4?%E2%82%AC HTTP/1.1"


def test_options_of_the_whole_server(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get("", method="OPTIONS"))
        client.message()
        client.send(there.get("?a", method="OPTIONS"))
        client.message()
    assert [each.first for each in there.requests] == [
        "OPTIONS * HTTP/1.1", "OPTIONS /?a HTTP/1.1"]


def test_max_forwards(proxy, site):
    there = site()
    child = proxy()
    with web.dial(child) as client:
        for method, value in (("OPTIONS", 10), ("TRACE", 1), ("GET", 0),
                              ("OPTIONS", "x"), ("OPTIONS", "")):
            client.send(there.get("/", method=method,
                                  headers=f"Max-Forwards: {value}\r\n"))
            assert client.message().status == 200
    assert [each["max-forwards"] for each in there.requests] == [
        "9", "0", "0", "x", ""]
    for method, status in (("OPTIONS", 200), ("TRACE", 405)):
        answer = child.ask(there.get("/", method=method,
                                     headers="Max-Forwards: 0\r\n"))
        assert (answer.status, answer.body) == (status, b"")
    assert len(there.requests) == 5


def test_a_name(proxy, site):
    there = site()
    with web.dial(proxy(dns={"a.test": ["127.0.0.1"]})) as client:
        client.send(f"GET http://A.test:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        assert client.message().status == 200
    # as it was written
    assert there.requests[0]["host"] == f"A.test:{there.port}"


@pytest.mark.parametrize("name", ["\u00e4.test", "%C3%A4.test"])
def test_a_name_beyond_ascii(proxy, site, name):
    there = site()
    with web.dial(proxy(dns={"xn--4ca.test": ["127.0.0.1"]})) as client:
        client.send(f"GET http://{name}:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        assert client.message().status == 200
    assert there.requests[0]["host"] == f"xn--4ca.test:{there.port}"


@pytest.mark.parametrize("authority", ["10.0.0.1", "10.0.0.1:"])
def test_the_default_port(proxy, authority):
    """Only the entry for port 80 denies, and says so."""
    child = proxy("--unsafe-allow-private-ranges", "--deny-address",
                  "10.0.0.1:80")
    answer = child.ask(f"GET http://{authority}/ HTTP/1.0\r\n\r\n".encode())
    assert answer.status == 407
    assert "'Deny: User Configured'" in answer.error


def test_an_ipv6_origin(proxy):
    try:
        there = harness.Origin(lambda sock: sock.sendall(web.OK), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    child = proxy("--allow-range", "::1/128")
    with web.dial(child) as client:
        client.send(f"GET http://[::1]:{there.port}/ HTTP/1.1\r\nHost: x\r\n"
                    "Connection: close\r\n\r\n".encode())
        assert client.message().body == b"ok"
    there.close()


# --- hygiene ------------------------------------------------------------------


def test_what_goes_no_further_than_here(proxy, site):
    there = site(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                 b"Connection: x-hop, Keep-Alive\r\nX-Hop: 1\r\n"
                 b"Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"
                 b"Proxy-Connection: close\r\nUpgrade: h2c\r\nTrailer: A\r\n"
                 b"TE: gzip\r\nX-Smokescreen-Error: forged\r\n"
                 b"X-Stays: 1\r\n\r\nok")
    with web.dial(proxy()) as client:
        client.send(there.get(headers=(
            "Connection: X-Named , close\r\nX-NAMED: 1\r\n"
            "Proxy-Connection: Keep-Alive\r\nProxy-Authorization: Basic x\r\n"
            "Proxy-Authenticate: y\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\n"
            "TE: gzip\r\nTrailer: A\r\nX-Smokescreen-Role: admin\r\n"
            "X-Smokescreen-Trace-ID: t-1\r\nX-Stays: 1\r\n")))
        answer = client.message()
    request = there.requests[0]
    assert set(request.fields) == {"host", "x-stays"}
    assert set(answer.fields) == {"content-length", "date", "x-stays",
                                  "connection"}
    assert answer["connection"] == "close"


def test_credentials_for_an_upstream_proxy_are_not_for_origins(proxy, site):
    there = site()
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get(headers="X-Upstream-Https-Proxy: \r\n"))
        assert client.message().status == 200
    assert "x-upstream-https-proxy" not in there.requests[0]


def test_a_field_that_connection_names_cannot_hide_the_framing(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(
            method="POST", body=b"12345",
            headers="Connection: Content-Length, Host\r\n"
                    "Content-Length: 5\r\n"))
        client.message()
    request = there.requests[0]
    assert (request["content-length"], request.body) == ("5", b"12345")
    assert request["host"] == there.at


def test_te_trailers_is_ours_to_say(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(headers="TE: gzip;q=0.5, trailers\r\n"
                                      "Connection: TE\r\n"))
        client.message()
    assert there.requests[0]["te"] == "trailers"
    assert there.requests[0]["connection"] == "TE"


def test_an_answer_without_a_date_gets_one(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get())
        date = client.message()["date"]
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} "
                        r"\d\d:\d\d:\d\d GMT", date)
    seen = time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
    assert abs(time.mktime(seen) - time.mktime(time.gmtime())) < 60


# --- what is not passed on ----------------------------------------------------


def test_a_denial_leaves_the_connection_open(proxy, site):
    there = site()
    child = proxy()
    text = ("Egress proxying is denied to host '10.0.0.1:81': no valid IP "
            "found among resolved addresses - denied by rule "
            "'Deny: Private Range'.")
    with web.dial(child) as client:
        client.send(b"GET http://u:p@10.0.0.1:81/ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.message()
        assert answer.first == "HTTP/1.1 407 Proxy Authentication Required"
        assert answer["x-smokescreen-error"] == text
        assert answer.body.decode() == text + "\n"
        assert "date" in answer
        assert "connection" not in answer
        client.send(there.get())
        assert client.message().body == b"ok"
    line = child.decision(allow=False)
    assert line["proxy_type"] == "http"
    assert line["requested_host"] == "10.0.0.1:81"
    assert line["status_code"] == 407


def test_a_denied_head_request_has_no_body(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(b"HEAD http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.message(bodiless=True)
        assert answer.status == 407
        assert int(answer["content-length"]) > 0
        client.send(there.get())
        assert client.message().body == b"ok"


def test_a_denied_request_with_its_body_keeps_the_connection(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(b"POST http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n"
                    + web.chunks(b"abc", trailers="A: b\r\n") + there.get())
        assert client.message().status == 407
        assert client.message().body == b"ok"


def test_a_denied_request_without_all_of_its_body_ends_it(proxy):
    with web.dial(proxy()) as client:
        client.send(b"POST http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Length: 10\r\n\r\n123")
        answer = client.message()
        assert (answer.status, answer["connection"]) == (407, "close")
        assert client.to_end() == b""


def test_every_request_is_decided_on(proxy, site):
    there = site()
    acl = """\
version: v1
services: []
default: {action: enforce, allowed_domains: [good.test], project: p}
"""
    child = proxy(acl=acl, dns={"good.test": ["127.0.0.1"],
                                "bad.test": ["127.0.0.1"]})
    with web.dial(child) as client:
        for name, status in (("good", 200), ("bad", 407), ("good", 200)):
            client.send(f"GET http://{name}.test:{there.port}/ HTTP/1.1\r\n"
                        "Host: good.test\r\n\r\n".encode())
            assert client.message().status == status
    assert [each["host"] for each in there.requests] == [
        f"good.test:{there.port}"] * 2
    child.wait_log("CANONICAL-PROXY-DECISION", 2, allow=True)
    assert child.decision(allow=False)["requested_host"] == \
        f"bad.test:{there.port}"


@pytest.mark.parametrize("authority, why", [
    ("a.test:99999", "port"), ("1.2.3:80", "invalid domain"),
    ("a..b", "invalid domain"), ("*.a.test", "invalid domain"),
    ("[::1%25lo]", ""),
])
def test_a_destination_that_cannot_be(proxy, authority, why):
    child = proxy()
    with web.dial(child) as client:
        client.send(f"GET http://{authority}/ HTTP/1.1\r\nHost: x\r\n\r\n"
                    .encode())
        answer = client.message()
    assert answer.status == 407
    assert why in answer["x-smokescreen-error"]
    assert child.decision()["requested_host"] == authority


def test_other_schemes(proxy):
    answer = proxy().ask(b"GET ftp://a.test/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 500
    assert 'unsupported protocol scheme "ftp"' in answer.error


def test_the_health_check(proxy):
    child = proxy()
    answer = child.ask(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"OK\n")
    answer = child.ask(b"HEAD /healthcheck HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"")
    assert child.ask(b"POST /healthcheck HTTP/1.0\r\n\r\n").status == 500
    assert child.ask(b"GET /healthchecks HTTP/1.0\r\n\r\n").status == 500
    assert len(child.logged("request refused")) <= 2


def test_nobody_there(proxy):
    child = proxy()
    port = harness.refusing_port()
    with web.dial(child) as client:
        for _ in range(2):
            client.send(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n"
                        "Host: x\r\n\r\n".encode())
            answer = client.message()
            assert answer.first == "HTTP/1.1 502 Bad Gateway"
            assert "Connection refused" in answer["x-smokescreen-error"]
    line = child.decision()
    assert (line["allow"], line["level"]) == (True, "error")
    assert "Connection refused" in line["error"]
    child.wait_log("CANONICAL-PROXY-DECISION", 2)


def test_no_such_name(proxy):
    child = proxy(dns={})
    with web.dial(child) as client:
        client.send(b"GET http://no.test/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.message().status == 502
    assert child.decision()["status_code"] == 502


def test_an_origin_that_hangs_up(proxy, origin):
    there = origin(lambda sock: sock.recv(1))
    child = proxy()
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\n\r\n".encode())
        assert client.message().status == 502
    assert child.decision()["error"]


# --- the log ------------------------------------------------------------------


def test_the_decision_line(proxy, site):
    there = site()
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get(headers="X-Smokescreen-Trace-ID: t-9\r\n"))
        client.message()
        inbound = "%s:%d" % client.sock.getsockname()
    line = child.decision()
    assert line["level"] == "info"
    assert line["proxy_type"] == "http"
    assert line["requested_host"] == there.at
    assert line["inbound_remote_addr"] == inbound
    assert line["trace_id"] == "t-9"
    assert line["allow"] is True
    assert line["outbound_remote_addr"] == there.at
    assert line["outbound_local_addr"].startswith("127.0.0.1:")
    assert line["conn_establish_time_ms"] > 0
    assert line["content_length"] == 2
    assert "status_code" not in line


def test_the_decision_line_of_an_answer_without_a_length(proxy, site):
    there = site(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 + web.chunks(b"x"))
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get())
        client.message()
    assert child.decision()["content_length"] == -1


def test_a_client_that_leaves_in_the_middle_is_logged(proxy, origin):
    seen = threading.Event()

    def serve(sock):
        sock.recv(1 << 16)
        seen.set()
        harness.read_all(sock)
    there = origin(serve)
    child = proxy()
    with web.dial(child) as client:
        client.send(f"POST http://127.0.0.1:{there.port}/ HTTP/1.1\r\n"
                    "Host: x\r\nContent-Length: 5\r\n\r\n12".encode())
        assert seen.wait(harness.SECONDS)
    assert child.decision()["error"] == "closed by the client"


# --- HTTP/1.0 -----------------------------------------------------------------


def test_a_1_0_client_gets_a_length_or_the_end(proxy, site):
    there = site(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 + web.chunks(b"one", b"two", trailers="A: b\r\n"))
    with web.dial(proxy()) as client:
        client.send(there.get(version="1.0", headers="Connection: keep-alive"
                                                     "\r\n"))
        answer = client.message()
        assert answer.first == "HTTP/1.0 200 OK"
        assert set(answer.fields) == {"date"}
        assert answer.body == b"onetwo"
    assert there.requests[0].first == "GET / HTTP/1.1"


def test_a_1_0_client_does_not_hear_of_100(proxy, site):
    there = site(b"HTTP/1.1 100 Continue\r\n\r\n" + web.OK)
    with web.dial(proxy()) as client:
        client.send(there.get(version="1.0", headers="Expect: 100-continue"
                                                     "\r\n"))
        assert client.message().first == "HTTP/1.0 200 OK"
    assert "expect" not in there.requests[0]


def test_a_cut_answer_resets_a_1_0_client(proxy, site):
    """The end of the connection would pass for the end of the body."""
    there = site(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"5\r\nhel", end=True)
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get(version="1.0"))
        client.head()
        with pytest.raises(ConnectionResetError):
            client.to_end()
    assert child.wait_log("answer cut off")["error"]


def test_a_1_0_origin(proxy, site):
    there = site(b"HTTP/1.0 200 OK\r\n\r\nto the end", end=True)
    with web.dial(proxy()) as client:
        client.send(there.get())
        answer = client.message()
        assert answer["transfer-encoding"] == "chunked"
        assert answer.body == b"to the end"
        client.send(there.get())
        assert client.message().body == b"to the end"
    assert there.connections == 2


# --- upgrade ------------------------------------------------------------------

SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
          b"Upgrade: websocket\r\nSec-WebSocket-Accept: z\r\n\r\n")


def upgrading(*, early=b""):
    def serve(sock):
        wire = web.Wire(sock)
        request = wire.head()
        assert request["connection"] == "Upgrade"
        assert request["upgrade"] == "websocket"
        assert request["sec-websocket-key"] == "k"
        wire.send(SWITCH + early + wire.rest)
        harness.echo(sock)
    return serve


UPGRADE = ("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Key: k\r\n")


def test_a_websocket(proxy, origin):
    there = origin(upgrading(early=b"hello"))
    child = proxy()
    with web.dial(child) as client:
        client.send(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\nHost: x"
                    f"\r\n{UPGRADE}\r\n".encode() + b"early")
        answer = client.head()
        assert answer.status == 101
        assert answer["upgrade"] == "websocket"
        assert answer["connection"] == "Upgrade"
        assert answer["sec-websocket-accept"] == "z"
        assert client.exactly(5) == b"hello"
        assert client.exactly(5) == b"early"
        client.send(b"x" * 100000)
        assert client.exactly(100000) == b"x" * 100000
        client.sock.shutdown(socket.SHUT_WR)
        assert client.to_end() == b""
    line = child.close_line()
    assert line["proxy_type"] == "http"
    assert line["bytes_in"] >= 100000
    assert child.decision()["allow"] is True


def test_an_upgrade_that_is_declined(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(headers=UPGRADE))
        assert client.message().status == 200
        client.send(there.get())
        assert client.message().status == 200


def test_nothing_but_websockets(proxy, site):
    there = site()
    with web.dial(proxy()) as client:
        client.send(there.get(headers="Connection: Upgrade, HTTP2-Settings\r\n"
                                      "Upgrade: h2c\r\n"
                                      "HTTP2-Settings: x\r\n"))
        assert client.message().status == 200
    assert set(there.requests[0].fields) == {"host"}


def test_an_upgrade_that_nobody_asked_for(proxy, site):
    there = site(SWITCH)
    child = proxy()
    with web.dial(child) as client:
        client.send(there.get())
        assert client.message().status == 502
    assert "upgrade" in child.decision()["error"]


# --- what may be told ---------------------------------------------------------


def test_the_status_and_the_message_as_configured(proxy):
    child = proxy("--deny-status", "403", "--deny-detail", "full",
                  "--additional-error-message-on-deny", "ask\nsecurity@")
    with web.dial(child) as client:
        client.send(b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.message()
    assert answer.first == "HTTP/1.1 403 Forbidden"
    assert "10.0.0.1 denied by rule" in answer["x-smokescreen-error"]
    assert answer["x-smokescreen-error"].strip().endswith(
        ".  ask security@")
    assert answer.body.endswith(b".\n\nask\nsecurity@\n\n")


def test_deny_detail_none_is_no_oracle(proxy):
    child = proxy("--deny-detail", "none",
                  dns={"in.test": ["10.7.7.7"], "shut.test": ["127.0.0.1"]})
    port = harness.refusing_port()
    told = set()
    with web.dial(child) as client:
        for name in ("in.test", "shut.test", "none.test"):
            client.send(f"GET http://{name}:{port}/ HTTP/1.1\r\nHost: x\r\n"
                        "\r\n".encode())
            answer = client.message()
            told.add((answer.first, answer.body.replace(name.encode(), b"x"),
                      "connection" in answer))
    assert len(told) == 1


def test_a_host_that_shows_what_it_is_not(proxy):
    """Bytes of a target never get into a header raw."""
    child = proxy()
    with web.dial(child) as client:
        client.send("GET http://a\u2028b.test/ HTTP/1.1\r\nHost: x\r\n\r\n"
                    .encode())
        answer = client.message()
    assert answer.status in (407, 502)
    assert all(0x20 <= byte < 0x7f or byte in b"\r\n" for byte in answer.raw)
