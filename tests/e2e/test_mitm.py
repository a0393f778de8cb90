"""Tunnels that end at the proxy (mitm_domains): the requests inside, from the
client to an origin that has to prove who it is."""

import os
import subprocess
from types import SimpleNamespace

import pytest

import harness
import pki
import web
from mitm import (HOST, LOGS, NAMES, SECRET, Ca, acl, ask, get, inner, inside,
                  nothing_leaks)
from servers import ask as ask_plainly


# --- one request ---

def test_the_head_to_the_byte(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        answer = ask(client, there, path="/a?b", headers=(
            "X-One: 1\r\nx-KEY: mine\r\nX-Key: too\r\nConnection: x-key\r\n"
            "X-Smokescreen-Role: r\r\nX-Smokescreen-Trace-ID: t\r\n"
            "X-Upstream-Https-Proxy: http://a.test\r\n"))
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer["content-length"] == "2"
    assert there.requests[0].raw == (
        b"GET /a?b HTTP/1.1\r\nHost: origin.test:%d\r\nX-One: 1\r\n"
        b"X-Key: s3cret\r\nauthorization: Bearer t0ken\r\n\r\n" % there.port)
    assert there.asked == [HOST]


def test_the_lines_in_the_log(mitm):
    there = mitm.site()
    child = mitm.proxy(entry=LOGS)
    with inside(child, mitm.ca, there, headers="X-Smokescreen-Trace-ID: abc\r\n"
                ) as client:
        ask(client, there, path="/p?q", method="POST", body=b"hidden",
            headers="User-Agent: me\r\nCookie: c00kie\r\nX-Shown: 1\r\n"
            "Content-Length: 6\r\n")
        outer = child.decision(proxy_type="connect")
        line = inner(child)
    assert outer["allow"] is True and outer["mitm"] is True
    assert outer["requested_host"] == there.at
    assert "connect_id" not in outer
    assert line["connect_id"] == outer["id"] != line["id"]
    assert line["allow"] is True
    assert line["trace_id"] == "abc"
    assert line["requested_host"] == there.at
    assert line["decision_reason"] == "host matched allowed domain in rule"
    assert line["project"] == "tests" and line["entry"] == HOST
    assert line["outbound_remote_addr"] == f"127.0.0.1:{there.port}"
    assert line["content_length"] == 2
    assert line["mitm_req_url"] == f"https://{there.at}/p?q"
    assert line["mitm_req_method"] == "POST"
    redacted = ["[REDACTED]"]
    assert line["mitm_req_headers"] == {
        "User-Agent": ["me"], "Cookie": redacted, "X-Shown": ["1"],
        "Content-Length": redacted, "X-Key": redacted,
        "Authorization": redacted}
    nothing_leaks(child, "s3cret", "t0ken", "c00kie", "hidden")


def test_details_only_where_they_are_asked_for(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        ask(client, there, path="/pr1vate")
        line = inner(child)
    assert not [key for key in line if key.startswith("mitm_req")]
    nothing_leaks(child, "pr1vate", "s3cret")


def test_an_added_header_is_shown_if_the_policy_says_so(mitm):
    there = mitm.site()
    child = mitm.proxy(entry="add_headers: {X-Team: care}\n"
                 "detailed_http_logs: true\n"
                 "detailed_http_logs_full_headers: [x-team]")
    with inside(child, mitm.ca, there) as client:
        ask(client, there)
        assert inner(child)["mitm_req_headers"] == {"X-Team": ["care"]}


@pytest.mark.parametrize("request_line, host, seen", [
    ("GET / HTTP/1.1", None, "GET / HTTP/1.1"),
    ("HEAD /x HTTP/1.1", None, "HEAD /x HTTP/1.1"),
    ("OPTIONS * HTTP/1.1", None, "OPTIONS * HTTP/1.1"),
    ("GET https://ORIGIN.test:%d/y HTTP/1.1", "ignored.test",
     "GET /y HTTP/1.1"),
    ("OPTIONS https://origin.test:%d HTTP/1.1", None, "OPTIONS * HTTP/1.1"),
    ("GET /healthcheck HTTP/1.1", None, "GET /healthcheck HTTP/1.1"),
    ("DELETE //a/../b?%%41 HTTP/1.1", None, "DELETE //a/../b?%41 HTTP/1.1"),
])
def test_forms_of_targets(mitm, request_line, host, seen):
    there = mitm.site()
    child = mitm.proxy()
    if "%" in request_line:
        request_line = request_line % (
            there.port if "%d" in request_line else ())
    with inside(child, mitm.ca, there) as client:
        client.send(f"{request_line}\r\nHost: {host or there.at}\r\n\r\n"
                    .encode())
        assert client.message(
            bodiless=request_line.startswith("HEAD")).status == 200
    assert there.requests[0].first == seen
    assert there.requests[0]["x-key"] == "s3cret"


def test_a_request_of_http_1_0_without_host(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.message().body == b"ok"
        assert client.to_end() == b""
    assert there.requests[0]["host"] == there.at


@pytest.mark.parametrize("request_line", [
    "CONNECT origin.test:1 HTTP/1.1", "GET http://origin.test/ HTTP/1.1",
    "GET * HTTP/1.1", "GET ftp://origin.test/ HTTP/1.1",
])
def test_targets_that_are_none(mitm, request_line):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        client.send(f"{request_line}\r\nHost: {there.at}\r\n\r\n".encode())
        assert client.message().status == 400
    assert there.requests == []


def test_trace_shows_no_secret(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        ask(client, there, method="TRACE")
    assert "x-key" not in there.requests[0]


# --- many ---

def test_one_connection_is_used_again(mitm):
    there = mitm.site()
    child = mitm.proxy()
    for _ in range(3):
        with inside(child, mitm.ca, there) as client:
            for _ in range(3):
                assert ask(client, there).body == b"ok"
    assert len(there.requests) == 9
    assert there.connections == 1
    assert inner(child, 9)["conn_establish_time_ms"] == 0


def test_pipelined(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        client.send(b"".join(get(there, path=f"/{i}") for i in range(20)))
        for _ in range(20):
            assert client.message().body == b"ok"
    assert [each.first.split()[1] for each in there.requests] == [
        f"/{i}" for i in range(20)]


def test_nothing_is_chunked_that_was_not(mitm):
    chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
               web.chunks(b"one", b"two"))
    there = mitm.site(web.OK, chunked, web.OK)
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).get("transfer-encoding") is None
        assert ask(client, there).body == b"onetwo"
        assert ask(client, there).get("connection") is None


SIZE = 3_000_000


def test_large_bodies(mitm):
    body = os.urandom(SIZE)
    there = mitm.site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE +
                 body)
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        answer = ask(client, there, method="POST", body=body,
                     headers=f"Content-Length: {SIZE}\r\n")
        assert answer.body == body
        assert there.requests[0].body == body
        # and again, over what is there
        assert ask(client, there).body == body


def test_a_websocket(mitm, origin):
    """What is said behind the 101 is nobody's business but theirs."""
    def serve(sock):
        wire = web.Wire(sock)
        head = wire.head()
        assert head["upgrade"] == "websocket"
        assert head["x-key"] == "s3cret"
        wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\nhello")
        harness.echo(sock)

    there = mitm.site()
    there.serve = serve
    child = mitm.proxy(entry=LOGS)
    with inside(child, mitm.ca, there) as client:
        client.send(get(there, headers="Upgrade: websocket\r\n"
                        "Connection: upgrade\r\n"))
        assert client.head().status == 101
        assert client.exactly(5) == b"hello"
        client.send(b"x" * 100_000)
        assert client.exactly(100_000) == b"x" * 100_000
    closed = child.close_line()
    assert closed["proxy_type"] == "mitm"
    assert closed["mitm_req_method"] == "GET"
    assert closed["bytes_out"] == 100_000
    nothing_leaks(child, "s3cret")


def test_an_answer_that_is_cut(mitm):
    there = mitm.site(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                 end=True)
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        client.send(get(there))
        assert client.head().status == 200
        assert client.exactly(4) == b"half"
        with pytest.raises(OSError):
            client.to_end()
    child.wait_log("answer cut off")


# --- the origin ---

@pytest.mark.parametrize("names, issuer, why", [
    ([HOST], "rogue", "UNKNOWN_CA"),
    (["wrong.test"], None, "SERVER_NAME"),
])
def test_an_origin_that_is_not_who_it_says(mitm, names, issuer, why):
    there = mitm.site(file=mitm.servers.issue(
        "bad.pem", *map(pki.dns, names),
        issuer=pki.authority("rogue") if issuer else None))
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        answer = ask(client, there)
        assert answer.status == 502
        assert answer["x-smokescreen-error"].startswith(
            "Failed to connect to remote host: TLS handshake with origin.test")
        # and it would be asked again
        assert ask(client, there).status == 502
    assert there.requests == []
    line = inner(child, 2)
    assert line["allow"] is True and f"({why})" in line["error"]


def test_an_origin_that_is_not_there(mitm):
    port = harness.unused_port()
    there = SimpleNamespace(at=f"{HOST}:{port}", port=port)
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).status == 502
    assert inner(child)["status_code"] == 502


def test_plain_requests_are_not_the_policys_business(mitm, origin):
    there = web.Site(origin)
    child = mitm.proxy()
    with web.dial(child) as client:
        client.send(get(there, path=f"http://{HOST}:{there.port}/"))
        assert client.message().body == b"ok"
    assert "x-key" not in there.requests[0]


def test_https_urls_are(mitm):
    there = mitm.site()
    child = mitm.proxy(entry=LOGS)
    assert ask_plainly(child, there).body == b"ok"
    assert there.requests[0]["x-key"] == "s3cret"
    line = child.decision()
    assert line["proxy_type"] == "http"
    assert line["mitm_req_url"] == f"{there.url}/"
    nothing_leaks(child, "s3cret")


# --- others' programs ---

def test_curl(mitm):
    there = mitm.site()
    child = mitm.proxy()
    done = child.curl("--cacert", str(mitm.ca.file), f"{there.url}/a",
                      f"{there.url}/b")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"okok"
    assert [each["x-key"] for each in there.requests] == ["s3cret"] * 2


def openssl_client(child, ca, there, host):
    return subprocess.run(
        ["openssl", "s_client", "-proxy", f"127.0.0.1:{child.port}",
         "-connect", f"{host}:{there.port}", "-CAfile", ca.file,
         "-verify_return_error", "-showcerts",
         *(["-verify_ip", host] if host[0].isdigit()
           else ["-servername", host, "-verify_hostname", host])],
        input=b"", capture_output=True, timeout=harness.SECONDS)


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_openssl_believes_it(proxy, mitm, tmp_path, host, key):
    more = {} if key == "ec" else {"key": pki.Key("-algorithm", "RSA")}
    ca = Ca(tmp_path, **more)
    there = mitm.site()
    child = proxy(dns=NAMES, acl=acl(SECRET, host if host[0].isdigit()
                                     else HOST), config=ca.config)
    done = openssl_client(child, ca, there, host)
    assert done.returncode == 0, done.stderr
    assert b"Verify return code: 0 (ok)" in done.stdout
    leaf = done.stdout[done.stdout.index(b"-----BEGIN CERTIFICATE-----"):]
    path = tmp_path / "leaf.pem"
    path.write_bytes(leaf)
    text = pki.openssl("x509", "-in", path, "-noout", "-text").decode()
    assert "Version: 3" in text and "ASN1 OID: prime256v1" in text
    assert f"{'IP Address' if host[0].isdigit() else 'DNS'}:{host}" in text
    assert "TLS Web Server Authentication" in text
    assert "CA:FALSE" in text and "Digital Signature" in text
    pki.openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile",
                ca.file, path)
