"""Tunnels by way of an upstream proxy: the one we are told of, and the one that
a client names.  The other proxy is a script that records what it is told."""

import base64
import json
import os
import socket
import time

import pytest

import harness
from harness import run_smokescreen
from test_start import refused

ACL = """\
version: v1
services: []
default:
  project: tests
  action: open
  allowed_external_proxies: [%s]
"""
NAMES = {"dest.test": ["93.184.216.34"], "proxy.test": ["127.0.0.1"]}


class Upstream:
    """What an upstream proxy was told, and what it does then."""

    def __init__(self, origin, answer=b"HTTP/1.1 200 OK\r\n\r\n",
                 after=harness.echo, **more):
        self.heads = []
        self.answer = answer
        self.after = after
        self.port = origin(self.serve, **more).port

    def serve(self, sock):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                return
            head += byte
        self.heads.append(head.decode("latin-1"))
        if self.answer is not None:
            sock.sendall(self.answer)
        self.after(sock)

    @property
    def head(self):
        assert len(self.heads) == 1, self.heads
        return self.heads[0]


def declared(upstream, host="127.0.0.1", user=""):
    return ("--upstream-https-proxy-addr",
            f"http://{user}{host}:{upstream.port}")


def named(upstream, host="127.0.0.1", user=""):
    return f"X-Upstream-Https-Proxy: http://{user}{host}:{upstream.port}\r\n"


# --- the declared one ---

@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test"])
def test_declared(proxy, origin, host):
    """It needs no allowance: the destination is judged, the proxy is not."""
    upstream = Upstream(origin)
    child = proxy(*declared(upstream, host), dns=NAMES, loopback=False)
    with child.tunnel("dest.test", 443) as sock:
        sock.sendall(b"ping")
        assert harness.read_exactly(sock, 4) == b"ping"
    assert upstream.head == (
        "CONNECT dest.test:443 HTTP/1.1\r\nHost: dest.test:443\r\n"
        "User-Agent: Go-http-client/1.1\r\n\r\n")
    line = child.close_line()
    assert line["outbound_remote_addr"] == f"127.0.0.1:{upstream.port}"
    assert line["bytes_in"] == line["bytes_out"] == 4
    assert child.decision()["allow"] is True


@pytest.mark.parametrize("asked, told", [
    ("DEST.Test:443", "dest.test:443"),
    ("93.184.216.34:8443", "93.184.216.34:8443"),
    ("[2606:2800:220:1::1]:443", "[2606:2800:220:1::1]:443"),
])
def test_it_is_told_what_was_judged(proxy, origin, asked, told):
    upstream = Upstream(origin)
    child = proxy(*declared(upstream), dns=NAMES, loopback=False)
    child.tunnel(asked).close()
    assert upstream.head.startswith(
        f"CONNECT {told} HTTP/1.1\r\nHost: {told}\r\n")


@pytest.mark.parametrize("user, plain", [
    ("u:p@", b"u:p"), ("u@", b"u:"), ("a%3Ab:%20%ff@", b"a:b: \xff")])
def test_credentials_go_to_the_proxy_and_nowhere_else(
        proxy, origin, user, plain):
    upstream = Upstream(origin)
    child = proxy(*declared(upstream, user=user), dns=NAMES)
    secret = base64.b64encode(plain).decode()
    child.tunnel("dest.test", 443,
                 "Proxy-Authorization: Basic Y2xpZW50OnM=\r\n").close()
    assert f"\r\nProxy-Authorization: Basic {secret}\r\n" in upstream.head
    # a client's own are for us
    assert "Y2xpZW50OnM" not in upstream.head
    child.close_line()
    assert secret not in json.dumps(child.lines)
    assert user not in json.dumps(child.lines)


def test_the_destination_is_judged_as_ever(proxy, origin):
    upstream = Upstream(origin)
    child = proxy(*declared(upstream), loopback=False, dns={
        **NAMES, "in.test": ["10.1.2.3"]}, acl=ACL.replace("open", "enforce")
        .replace("  allowed_ext", "  allowed_domains: [in.test]\n"
                 "  allowed_ext") % "proxy.test")
    assert child.connect("dest.test", 443).status == 407
    assert "Deny: Private Range" in child.connect("in.test", 443).error
    assert child.connect("gone.test", 443).status == 407
    assert upstream.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test"])
def test_the_declared_proxy_is_no_destination(proxy, origin, host):
    """Not by its name, not by its address, not as a proxy that a client names,
    not for plain HTTP; whatever is allowed."""
    upstream = Upstream(origin)
    child = proxy(*declared(upstream, host), dns=NAMES)
    for wanted in "127.0.0.1", "proxy.test", "localhost":
        answer = child.connect(wanted, upstream.port)
        assert answer.status == 407
        assert "Deny: User Configured" in answer.error
        answer = child.ask(
            b"GET http://%s:%d/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"\r\n" % (wanted.encode(), upstream.port))
        assert answer.status == 407
        assert "Deny: User Configured" in answer.error
    answer = child.connect("dest.test", 443, named(upstream))
    assert answer.status == 407
    assert "upstream proxy's address not allowed" in answer.error
    assert upstream.heads == []
    # another port of its machine is as allowed as it was
    other = origin()
    plain = child.ask(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n"
                      b"Connection: close\r\n\r\n" % harness.refusing_port())
    assert plain.status == 502
    child.tunnel("127.0.0.1", other.port).close()
    assert upstream.head.startswith(f"CONNECT 127.0.0.1:{other.port} ")


def test_bytes_behind_the_consent_are_kept(proxy, origin):
    big = os.urandom(20000)
    upstream = Upstream(origin, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + big)
    child = proxy(*declared(upstream), dns=NAMES)
    with child.tunnel("dest.test", 443, early=b"early") as sock:
        assert harness.read_exactly(sock, len(big)) == big
        assert harness.read_exactly(sock, 5) == b"early"
    line = child.close_line()
    assert line["bytes_in"] == len(big) + 5
    assert line["bytes_out"] == 5


def test_the_consent_comes_in_pieces(proxy, origin):
    answer = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 299 Fine\r\n"
              b"Content-Length: 5\r\n\r\nfirst")

    def serve_slowly(sock):
        for byte in answer:
            sock.sendall(bytes([byte]))
            time.sleep(0.001)
        harness.echo(sock)
    upstream = Upstream(origin, None, serve_slowly)
    child = proxy(*declared(upstream), dns=NAMES)
    with child.tunnel("dest.test", 443) as sock:
        # a length means nothing here (RFC 9110 9.3.6)
        sock.sendall(b" second")
        assert harness.read_exactly(sock, 12) == b"first second"


@pytest.mark.parametrize("answer, told", [
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnope\r\n", "nope"),
    (b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n", ""),
    (b"HTTP/1.1 503\r\nContent-Length: 900\r\n\r\n" + b"x" * 600, "x" * 500),
    (b"HTTP/1.1 101 Switching\r\n\r\n", ""),
    (b"HTTP/1.0 302 Found\r\nLocation: http://a\r\n\r\n\x01\xff", r"\x01\xff"),
])
def test_a_refusal_is_told(proxy, origin, answer, told):
    upstream = Upstream(origin, answer)
    child = proxy(*declared(upstream), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert (said.status, said.phrase) == (500, "Internal server error")
    assert said.error == \
        f"An unexpected error occurred: proxy refused connection{told}"
    line = child.wait_log(said.error)
    assert line["allow"] is True
    assert line["status_code"] == 500
    assert line["error"].startswith("upstream proxy answered ")


def test_a_refusal_that_shows_our_request_is_not_passed_on(proxy, origin):
    secret = base64.b64encode(b"user:secret").decode()
    upstream = Upstream(
        origin, f"HTTP/1.1 400 Bad\r\n\r\nyou said Basic {secret}".encode())
    child = proxy(*declared(upstream, user="user:secret@"), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert said.status == 500
    assert secret not in said.raw.decode()
    child.wait_log(said.error)
    assert secret not in json.dumps(child.lines)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\n\n", b"220 smtp.test ESMTP\r\n", b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", b"HTTP/1.1 0200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000, b"\x00",
])
def test_a_malformed_answer_is_no_consent(proxy, origin, answer):
    upstream = Upstream(origin, answer)
    child = proxy(*declared(upstream), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert said.status == 500
    assert "malformed answer from the upstream proxy" in said.error


def test_an_answer_that_ends_early(proxy, origin):
    upstream = Upstream(origin, b"HTTP/1.1 200 OK\r\n", lambda sock: None)
    child = proxy(*declared(upstream), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert said.status == 500
    assert "unexpected EOF" in said.error


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\n"])
def test_no_answer_in_time(proxy, origin, answer):
    upstream = Upstream(origin, answer, harness.silent)
    child = proxy(*declared(upstream), "--timeout", "400ms", dns=NAMES,
                  config="max_concurrent_connect_tunnels: 1\n")
    for _ in range(2):
        said = child.connect("dest.test", 443)
        assert said.status == 504
        assert "no answer from the upstream proxy" in said.error


def test_a_slow_refusal_is_one(proxy, origin):
    upstream = Upstream(origin, b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n"
                        b"wait", harness.silent)
    child = proxy(*declared(upstream), "--timeout", "400ms", dns=NAMES)
    assert child.connect("dest.test", 443).error.endswith("connectionwait")


def test_it_does_not_listen(proxy):
    class Nobody:
        port = harness.refusing_port()
    child = proxy(*declared(Nobody), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert said.status == 502
    assert f"connect 127.0.0.1:{Nobody.port}: Connection refused" in said.error


def test_its_name_is_not_there(proxy, origin):
    upstream = Upstream(origin)
    child = proxy(*declared(upstream, "gone.test"), dns=NAMES)
    said = child.connect("dest.test", 443)
    assert said.status == 502
    assert said.error.endswith("lookup of the upstream proxy failed")
    assert "gone.test" in child.decision()["error"]


def test_a_client_that_leaves_meanwhile(proxy, origin):
    upstream = Upstream(origin, None, harness.silent)
    child = proxy(*declared(upstream), "--max-concurrent-connect-tunnels", "1",
                  dns=NAMES)
    with child.dial() as sock:
        sock.sendall(harness.connect_head("dest.test", 443))
        child.decision()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
    end = time.monotonic() + harness.SECONDS
    upstream.answer, upstream.after = b"HTTP/1.1 200 OK\r\n\r\n", harness.echo
    while child.connect("127.0.0.1", 1, named(upstream)).status == 429:
        assert time.monotonic() < end


# --- the one that a client names ---

def test_named(proxy, origin):
    upstream = Upstream(origin)
    child = proxy(dns=NAMES, acl=ACL % "proxy.test")
    with child.tunnel("dest.test", 443,
                      named(upstream, "proxy.test", "me:secret@")) as sock:
        sock.sendall(b"ping")
        assert harness.read_exactly(sock, 4) == b"ping"
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in upstream.head
    assert "X-Upstream" not in upstream.head
    child.close_line()
    for word in "secret", "bWU6c2VjcmV0":
        assert word not in json.dumps(child.lines)


def test_named_without_an_acl(proxy, origin):
    upstream = Upstream(origin)
    child = proxy(dns=NAMES)
    child.tunnel("dest.test", 443, named(upstream)).close()
    assert upstream.heads


def test_named_wins_over_declared(proxy, origin):
    first, second = Upstream(origin), Upstream(origin)
    child = proxy(*declared(first), dns=NAMES)
    child.tunnel("dest.test", 443, named(second)).close()
    assert second.heads and not first.heads


def test_named_must_be_on_the_list(proxy, origin):
    upstream = Upstream(origin)
    child = proxy(dns=NAMES, acl=ACL % "other.test")
    said = child.connect("dest.test", 443, named(upstream, "proxy.test"))
    assert said.status == 407
    assert "connect proxy host not allowed in rule" in said.error
    assert upstream.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test", "[::1]"])
def test_a_named_proxy_is_judged_like_a_destination(proxy, origin, host):
    upstream = Upstream(origin)
    child = proxy(dns=NAMES, loopback=False)
    said = child.connect("dest.test", 443, named(upstream, host))
    assert said.status == 407
    assert "upstream proxy's address not allowed - denied by rule" in said.error
    line = child.decision()
    assert line["allow"] is False and line["enforce_would_deny"] is True
    assert upstream.heads == []


def test_a_named_proxy_is_not_ourselves(proxy):
    child = proxy(dns=NAMES)
    said = child.connect("dest.test", 443, named(child))
    assert "Deny: Self Connection" in said.error


@pytest.mark.parametrize("url, why", [
    ("socks5://127.0.0.1:1080", "its scheme is neither http nor https"),
    ("127.0.0.1:3128", "it is no URL"),
    ("http://u:secret@0x7f.1", "its host is no name and no address"),
    ("http://127.0.0.1:0", "its port is not a number from 1 to 65535"),
    ("http://u:secret@127.0.0.1:99999", "its port"),
])
def test_a_name_that_makes_no_sense_is_denied(proxy, url, why):
    child = proxy(dns=NAMES)
    said = child.connect("dest.test", 443, f"X-Upstream-Https-Proxy: {url}\r\n")
    assert said.status == 407
    assert f"X-Upstream-Https-Proxy cannot be understood: {why}" in said.error
    assert "cannot be understood" in child.decision()["decision_reason"]
    assert "secret" not in said.raw.decode() + json.dumps(child.lines)


def test_plain_http_does_not_take_one(proxy, origin):
    upstream, target = Upstream(origin), Upstream(
        origin, b"HTTP/1.1 204 No Content\r\n\r\n")
    said = proxy().ask(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n"
                       b"Connection: close\r\n" % target.port +
                       named(upstream, user="u:secret@").encode() + b"\r\n")
    assert said.status == 204
    assert target.head.startswith("GET / ")
    assert "secret" not in target.head
    assert upstream.heads == []


def test_a_denied_plain_request_leaves_no_proxy_behind(proxy, origin):
    """The next one on the connection is decided for itself."""
    target = origin(lambda sock: sock.sendall(
        b"HTTP/1.1 204 No Content\r\n\r\n"))
    child = proxy(dns=NAMES)
    with child.dial() as sock:
        sock.sendall(b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: a\r\n"
                     b"X-Upstream-Https-Proxy: http://127.0.0.1:1\r\n\r\n")
        answer = harness.read_head(sock)
        assert answer.status == 407
        harness.read_exactly(sock, int(answer.headers["content-length"]))
        sock.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n"
                     % target.port)
        assert harness.read_head(sock).status == 204


# --- configuration ---

@pytest.mark.parametrize("url, message", [
    ("socks5://127.0.0.1:1080", "its scheme is neither http nor https"),
    ("proxy.test:3128", "it is no URL such as http://proxy.example:3128"),
    ("http://u:secret@a:0", "its port is not a number"),
    ("ftp://u:secret@a", "its scheme is neither http nor https"),
])
def test_refused_at_start(tmp_path, url, message):
    said = refused(run_smokescreen("--upstream-https-proxy-addr", url))
    assert message in said
    assert "secret" not in said


def test_check_config_shows_no_credentials(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("upstream_https_proxy_addr: 'http://u:secret@[::1]:3128'\n")
    done = run_smokescreen("--check-config", "--config-file", path)
    assert "upstream_https_proxy_addr: http://[::1]:3128 # with credentials\n" \
        in done.stdout
    assert "secret" not in done.stdout
    done = run_smokescreen("--check-config", "--config-file", path,
                           "--upstream-https-proxy-addr=")
    assert "upstream_https_proxy_addr: none\n" in done.stdout


def test_the_environment_is_ignored(origin, monkeypatch):
    for name in "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY":
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    child = harness.Proxy(*harness.LOOPBACK)
    try:
        child.tunnel("127.0.0.1", origin().port).close()
    finally:
        child.stop()
