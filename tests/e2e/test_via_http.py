"""Plain HTTP by way of the upstream proxy that is declared for it: a script that
answers in the origins' place and records what it is told."""

import base64
import json
import socket

import pytest

import harness
import web
from harness import run_smokescreen
from test_start import refused
from test_via import ACL, Upstream, named

NAMES = {"dest.test": ["93.184.216.34"], "other.test": ["93.184.216.35"],
         "proxy.test": ["127.0.0.1"], "in.test": ["10.1.2.3"]}
ONE = ("--workers", "1")  # each has a pool of its own


@pytest.fixture
def upstream(origin):
    """Start an upstream proxy: upstream(answer, ...)."""
    return lambda *answers, **more: web.Site(origin, *answers, **more)


def declared(there, host="127.0.0.1", user=""):
    return "--upstream-http-proxy-addr", f"http://{user}{host}:{there.port}"


def get(url="http://dest.test/", method="GET", headers="", body=b""):
    return (f"{method} {url} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").encode() \
        + body


def ask(child, *args, **more):
    """One request on a connection of its own."""
    with web.dial(child) as client:
        client.send(get(*args, **more))
        return client.message()


def silent(origin):
    class There:
        port = origin(harness.silent).port
    return There


def nobody():
    class There:
        port = harness.refusing_port()
    return There


# --- the way ---

@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test"])
def test_the_head_to_the_byte(proxy, upstream, host):
    """It needs no allowance: the destination is judged, the proxy is not."""
    there = upstream(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nDate: x\r\n"
                     b"Proxy-Connection: close\r\n\r\nok")
    child = proxy(*declared(there, host), dns=NAMES, loopback=False)
    answer = ask(child, "http://u:p@dest.test/a?b=c", headers="X-One: 1\r\n"
                 "Proxy-Authorization: Basic Y2xpZW50OnM=\r\n")
    assert answer.raw == (b"HTTP/1.1 200 Fine\r\nDate: x\r\n"
                          b"Content-Length: 2\r\n\r\n")
    assert answer.body == b"ok"
    assert there.requests[0].raw == (
        b"GET http://dest.test/a?b=c HTTP/1.1\r\nHost: dest.test\r\n"
        b"X-One: 1\r\n\r\n")
    line = child.decision()
    assert line["allow"] is True
    assert line["requested_host"] == "dest.test"
    assert line["outbound_remote_addr"] == f"127.0.0.1:{there.port}"


@pytest.mark.parametrize("asked, told", [
    ("http://DEST.Test", "http://dest.test/"),
    ("http://dest.test.:0080/", "http://dest.test:80/"),
    ("http://DEST%E3%80%82test:8080?a", "http://dest.test:8080/?a"),
    ("http://93.184.216.34:81/\u00e4", "http://93.184.216.34:81/%C3%A4"),
    ("http://[2606:2800:220:1:0::1]:81/", "http://[2606:2800:220:1::1]:81/"),
    ("http://[2606:2800:220:1::1]", "http://[2606:2800:220:1::1]/"),
])
def test_it_is_told_what_was_judged(proxy, upstream, asked, told):
    there = upstream()
    child = proxy(*declared(there), dns=NAMES, loopback=False)
    assert ask(child, asked).status == 200
    request = there.requests[0]
    assert request.first == f"GET {told} HTTP/1.1"
    assert request["host"] == told[len("http://"):].partition("/")[0]


def test_options_of_the_whole_server(proxy, upstream):
    there = upstream()
    child = proxy(*declared(there), dns=NAMES)
    ask(child, "http://dest.test", method="OPTIONS")
    assert there.requests[0].first == "OPTIONS http://dest.test HTTP/1.1"


def test_bodies_go_both_ways(proxy, upstream):
    there = upstream(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                     web.chunks(b"a" * 70000, b"b", trailers="X-Sum: 1\r\n"))
    child = proxy(*declared(there), dns=NAMES)
    answer = ask(child, method="POST", headers="Content-Length: 100000\r\n",
                 body=b"c" * 100000)
    assert answer.body == b"a" * 70000 + b"b"
    assert there.requests[0].body == b"c" * 100000


def test_a_websocket(proxy, origin):
    answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              b"Connection: Upgrade\r\n\r\n")
    there = Upstream(origin, answer)
    child = proxy(*declared(there), dns=NAMES)
    with web.dial(child) as client:
        client.send(get(headers="Upgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"))
        assert client.head().status == 101
        client.send(b"ping")
        assert client.exactly(4) == b"ping"
    assert there.head.startswith("GET http://dest.test/ HTTP/1.1\r\n")
    assert child.close_line()["outbound_remote_addr"] == \
        f"127.0.0.1:{there.port}"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_an_ipv6_literal(proxy, origin):
    there = Upstream(origin, web.OK, host="::1", family=socket.AF_INET6)
    child = proxy(*declared(there, "[::1]"), dns=NAMES, loopback=False)
    assert ask(child).status == 200
    assert there.head.startswith("GET http://dest.test/ ")


def test_by_the_configuration_file(proxy, upstream):
    there = upstream()
    child = proxy(dns=NAMES, config="upstream_http_proxy_addr: "
                  f"'http://proxy.test:{there.port}'\n")
    assert ask(child).status == 200
    assert len(there.requests) == 1


# --- who we are to it ---

@pytest.mark.parametrize("user, plain", [
    ("u:p@", b"u:p"), ("u@", b"u:"), ("a%3Ab:%20%ff@", b"a:b: \xff")])
def test_credentials_go_to_the_proxy_and_nowhere_else(
        proxy, upstream, user, plain):
    there, site = upstream(), upstream()
    secret = base64.b64encode(plain).decode()
    child = proxy(*declared(there, user=user), dns=NAMES)
    answer = ask(child, headers="Proxy-Authorization: Basic Y2xpZW50OnM=\r\n")
    assert there.requests[0]["proxy-authorization"] == f"Basic {secret}"
    # a tunnel is none of its business
    with child.tunnel("127.0.0.1", site.port) as sock:
        wire = web.Wire(sock)
        wire.send(site.get())
        wire.message()
    assert "proxy-authorization" not in site.requests[0]
    child.close_line()
    told = json.dumps(child.lines) + answer.raw.decode()
    assert secret not in told and user not in told


def test_trace_does_not_show_them(proxy, upstream):
    """Its answer repeats what was asked."""
    there = upstream()
    child = proxy(*declared(there, user="u:p@"), dns=NAMES)
    ask(child, method="TRACE")
    assert there.requests[0].first == "TRACE http://dest.test/ HTTP/1.1"
    assert "proxy-authorization" not in there.requests[0]


def test_its_refusal_is_the_answer(proxy, upstream):
    there = upstream(b"HTTP/1.1 407 Who\r\nContent-Length: 2\r\n"
                     b"Proxy-Authenticate: Basic realm=\"a\"\r\n\r\nno")
    answer = ask(proxy(*declared(there), dns=NAMES))
    assert (answer.status, answer.body) == (407, b"no")
    # whom the client is to name itself to is us
    assert "proxy-authenticate" not in answer


# --- what may be asked for ---

def test_the_destination_is_judged_as_ever(proxy, upstream):
    there = upstream()
    child = proxy(*declared(there), loopback=False, dns=NAMES,
                  acl=ACL.replace("open", "enforce").replace(
                      "  allowed_ext", "  allowed_domains: [in.test, gone.test]"
                      "\n  allowed_ext") % "proxy.test")
    assert "default rule policy used" in ask(child)["x-smokescreen-error"]
    assert "Deny: Private Range" in \
        ask(child, "http://in.test/")["x-smokescreen-error"]
    assert ask(child, "http://gone.test/").status == 502
    assert there.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.test"])
def test_it_is_no_destination(proxy, upstream, origin, host):
    """Not for a tunnel, not as a proxy that a client names; whatever is
    allowed.  The same holds for the one that is declared for tunnels."""
    there, tunnels = upstream(), Upstream(origin)
    child = proxy(*declared(there, host), "--upstream-https-proxy-addr",
                  f"http://{host}:{tunnels.port}", dns=NAMES)
    for port in there.port, tunnels.port:
        for wanted in "127.0.0.1", "proxy.test", "localhost":
            answer = ask(child, f"http://{wanted}:{port}/")
            assert answer.status == 407
            assert "Deny: User Configured" in answer["x-smokescreen-error"]
            answer = child.connect(wanted, port)
            assert answer.status == 407
            assert "Deny: User Configured" in answer.error
    answer = child.connect("dest.test", 443, named(there))
    assert "upstream proxy's address not allowed" in answer.error
    assert there.requests == tunnels.heads == []
    # each has its own kind of requests
    assert ask(child).status == 200
    child.tunnel("dest.test", 443).close()
    assert len(there.requests) == len(tunnels.heads) == 1


def test_the_proxy_that_a_client_names_is_for_tunnels(proxy, upstream, origin):
    there, other = upstream(), Upstream(origin)
    child = proxy(*declared(there), dns=NAMES, acl=ACL % "proxy.test")
    for url in (f"http://u:secret@proxy.test:{other.port}",
                "https://u:secret@proxy.test"):
        assert ask(child, headers=f"X-Upstream-Https-Proxy: {url}\r\n") \
            .status == 200
        assert "x-upstream-https-proxy" not in there.requests[-1]
        assert b"secret" not in there.requests[-1].raw
    assert other.heads == [] and len(there.requests) == 2
    # it is subject to the policy all the same
    for url in "http://else.test", "socks5://proxy.test":
        assert ask(child, headers=f"X-Upstream-Https-Proxy: {url}\r\n") \
            .status == 407
    assert len(there.requests) == 2


def test_a_proxy_for_tunnels_is_none_for_plain_http(proxy, upstream, origin):
    site, tunnels = upstream(), Upstream(origin)
    child = proxy("--upstream-https-proxy-addr",
                  f"http://127.0.0.1:{tunnels.port}")
    with web.dial(child) as client:
        client.send(site.get())
        assert client.message().status == 200
    assert site.requests[0].first == "GET / HTTP/1.1"
    assert tunnels.heads == []


# --- connections ---

def test_connections_are_kept_by_destination(proxy, upstream):
    there = upstream()
    child = proxy(*ONE, *declared(there), dns=NAMES)
    with web.dial(child) as client:
        for host in "dest.test", "other.test", "DEST.test", "other.test":
            client.send(get(f"http://{host}/"))
            assert client.message().body == b"ok"
    assert ask(child).status == 200
    assert there.connections == 2
    child.wait_log("CANONICAL-PROXY-DECISION", 5)
    for line in child.logged("CANONICAL-PROXY-DECISION"):
        assert line["outbound_remote_addr"] == f"127.0.0.1:{there.port}"


def test_one_that_was_closed_meanwhile(proxy, origin):
    """The request goes again, by the proxy again."""
    heads, lost = [], []

    def serve(sock):
        wire = web.Wire(sock)
        heads.append(wire.message().first)
        wire.send(web.OK)
        # the next one is read, and not answered
        first = len(heads) == 1
        if wire.more() and first:
            lost.append(wire.rest)

    class There:
        port = origin(serve).port
    child = proxy(*ONE, *declared(There), dns=NAMES)
    with web.dial(child) as client:
        for path in "/a", "/b":
            client.send(get(f"http://dest.test{path}"))
            assert client.message().status == 200
    assert heads == ["GET http://dest.test/a HTTP/1.1",
                     "GET http://dest.test/b HTTP/1.1"]
    assert lost == [b"GET http://dest.test/b HTTP/1.1\r\n"
                    b"Host: dest.test\r\n\r\n"]


# --- what may go wrong ---

def test_it_does_not_listen(proxy):
    there = nobody()
    child = proxy(*declared(there), dns=NAMES)
    answer = ask(child)
    assert answer.status == 502
    assert f"connect 127.0.0.1:{there.port}: Connection refused" in \
        answer["x-smokescreen-error"]
    assert str(there.port) in child.decision()["error"]


def test_no_answer_in_time(proxy, origin):
    there = silent(origin)
    child = proxy(*declared(there), dns=NAMES, config="read_timeout: 300ms\n")
    answer = ask(child)
    assert answer.status == 504
    assert f"upstream proxy 127.0.0.1:{there.port}: i/o timeout" in \
        answer["x-smokescreen-error"]


@pytest.mark.parametrize("answer", [
    b"220 smtp.test ESMTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", b""])
def test_a_bad_answer(proxy, origin, answer):
    there = Upstream(origin, answer, lambda sock: None)
    child = proxy(*declared(there, user="u:secret@"), dns=NAMES)
    said = ask(child)
    assert said.status == 502
    blamed = f"upstream proxy 127.0.0.1:{there.port}: "
    assert blamed in said["x-smokescreen-error"]
    assert blamed in child.decision()["error"]
    assert "secret" not in json.dumps(child.lines)


def test_its_name_is_not_there(proxy):
    child = proxy(*declared(nobody(), "gone.test"), dns=NAMES)
    said = ask(child)
    assert said.status == 502
    assert "lookup of the upstream proxy failed" in said["x-smokescreen-error"]
    assert "gone.test" in child.decision()["error"]


# --- configuration ---

@pytest.mark.parametrize("url, message", [
    ("socks5://127.0.0.1:1080", "its scheme is neither http nor https"),
    ("proxy.test:3128", "it is no URL such as http://proxy.example:3128"),
    ("http://u:secret@a:0", "its port is not a number"),
    ("ftp://u:secret@a", "its scheme is neither http nor https"),
])
def test_refused_at_start(url, message):
    said = refused(run_smokescreen("--upstream-http-proxy-addr", url))
    assert message in said
    assert "secret" not in said


@pytest.mark.parametrize("url, shown", [
    ("http://u:secret@[::1]", "http://[::1]:80 # with credentials"),
    ("HTTP://Proxy.test:3128/", "http://proxy.test:3128"),
    ("", "none"),
])
def test_check_config_shows_no_credentials(url, shown):
    done = run_smokescreen("--check-config", "--upstream-http-proxy-addr", url)
    assert done.returncode == 0
    assert f"upstream_http_proxy_addr: {shown}\n" in done.stdout
    assert "secret" not in done.stdout + done.stderr
