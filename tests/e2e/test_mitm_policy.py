"""What may pass through a tunnel that ends at the proxy: each request inside is
decided upon anew, and stays what CONNECT was allowed for."""

import time
from types import SimpleNamespace

import pytest

import harness
import pki
from dns_server import addresses
from mitm import (HOST, LOGS, SECRET, acl, ask, get, inner, inside,
                  nothing_leaks)
from test_metrics import FLAGS as METRICS
from test_metrics import samples
from test_via import Upstream

DENIED = 407


def denied(answer):
    assert answer.status == DENIED
    assert answer.first == "HTTP/1.1 407 Proxy Authentication Required"
    return answer["x-smokescreen-error"]


# --- which hosts ---

@pytest.mark.parametrize("host, why", [
    ("other.test:%d", "opened for another"), ("in.test:%d", "opened for"),
    ("origin.test:1", "opened for"), ("origin.test", "opened for"),
    ("127.0.0.1:%d", "opened for"), ("[::1]:%d", "opened for"),
    ("x.origin.test:%d", "opened for"), ("origin.tes:%d", "opened for"),
    ("", "the name is empty"), ("origin.test:%d0", "invalid port number"),
])
def test_another_host_than_the_tunnels(mitm, host, why):
    there = mitm.site()
    child = mitm.proxy(entry=LOGS)
    host = host % there.port if "%" in host else host
    with inside(child, mitm.ca, there) as client:
        answer = ask(client, there, host=host, method="POST", body=b"abc",
                     headers="Content-Length: 3\r\n")
        assert why in denied(answer)
        line = inner(child)
        assert line["allow"] is False
        assert line["requested_host"] == host
        assert line["status_code"] == DENIED
        assert why in line["decision_reason"]
        # the connection goes on
        assert ask(client, there).body == b"ok"
    assert len(there.requests) == 1


@pytest.mark.parametrize("host, seen", [
    ("ORIGIN.test:{}", "ORIGIN.test:{}"), ("origin.test.:{}",
                                           "origin.test.:{}"),
    ("orig%69n.test:{}", "origin.test:{}"),
])
def test_the_same_host_in_other_words(mitm, host, seen):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there, host=host.format(there.port)).body == b"ok"
    assert there.requests[0]["host"] == seen.format(there.port)


def test_the_port_of_https_needs_no_mention(mitm):
    child = mitm.proxy("--timeout", "1s")
    there = SimpleNamespace(at=f"{HOST}:443", port=443)
    with inside(child, mitm.ca, there) as client:
        for host in (HOST, f"{HOST}:443", f"{HOST}:"):
            # that nobody listens there is all that is wrong
            assert ask(client, there, host=host).status in (502, 504)
        assert "opened for" in denied(ask(client, there, host=f"{HOST}:80"))


def test_only_hosts_with_an_entry_end_here(mitm, origin):
    child = mitm.proxy()
    with child.tunnel("other.test", origin().port) as sock:
        sock.sendall(b"hello")
        assert harness.read_exactly(sock, 5) == b"hello"
    child.close_line()
    assert "mitm" not in child.decision()


def test_a_wildcard(mitm):
    names = {f"{each}.wild.test": ["127.0.0.1"] for each in "ab"}
    there = mitm.site(file=mitm.servers.issue("wild.pem",
                                              *map(pki.dns, names)))
    child = mitm.proxy(domain="*.wild.test", dns=names)
    for name in names:
        there.at = f"{name}:{there.port}"
        with inside(child, mitm.ca, there) as client:
            assert ask(client, there).body == b"ok"
    assert inner(child, 2)["entry"] == "*.wild.test"
    assert there.asked == list(names)


def test_addresses_are_judged_again(mitm):
    """The name leads somewhere else, once its old address is forgotten."""
    there = mitm.site()
    child = mitm.proxy(dns={HOST: [addresses(["127.0.0.1"], ttl=0),
                                   addresses(["10.1.2.3"], ttl=0)]})
    end = time.monotonic() + harness.SECONDS
    with inside(child, mitm.ca, there) as client:
        while (answer := ask(client, there)).status == 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert "denied by rule 'Deny: Private Range'" in denied(answer)
    assert "10.1.2.3" in inner(child, allow=False)["decision_reason"]


def test_an_address_that_is_denied_gets_no_tunnel(mitm):
    child = mitm.proxy(domain="in.test")
    answer = child.connect("in.test", 443)
    assert answer.status == DENIED
    line = child.decision()
    assert line["allow"] is False and "mitm" not in line


# --- reload ---

def test_the_policy_in_force_decides(mitm, tmp_path):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
        harness.compile_acl(tmp_path, acl("add_headers: {X-Key: other}"))
        child.reload()
        assert ask(client, there).body == b"ok"
        harness.compile_acl(tmp_path, acl(None))
        child.reload()
        assert ask(client, there).body == b"ok"
        harness.compile_acl(tmp_path, acl(SECRET, "new.test"))
        child.reload()
        assert "rule policy used" in denied(ask(client, there))
        line = inner(child, 4)
        assert line["decision_reason"] == "default rule policy used"
        harness.compile_acl(tmp_path, acl(SECRET))
        child.reload()
        assert ask(client, there).body == b"ok"
    assert [each.get("x-key") for each in there.requests] == [
        "s3cret", "other", None, "s3cret"]
    policies = [line["policy"] for line in child.logged(
        "CANONICAL-PROXY-DECISION", proxy_type="mitm")]
    assert len(set(policies)) == 4


# --- limits ---

def test_a_tunnel_takes_a_place_until_it_is_closed(mitm):
    there = mitm.site()
    child = mitm.proxy(*METRICS, "--max-concurrent-connect-tunnels", "1")
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
        assert ask(client, there, host="other.test").status == DENIED
        assert samples(child)["smokescreen_mitm_tunnels"] == 1
        assert child.connect(HOST, there.port).status == 429
    end = time.monotonic() + harness.SECONDS
    while samples(child)["smokescreen_mitm_tunnels"] != 0:
        assert time.monotonic() < end
        time.sleep(0.01)
    inside(child, mitm.ca, there).close()


def test_each_request_is_one(mitm):
    there = mitm.site()
    child = mitm.proxy("--max-request-rate", "0.001", "--max-request-burst",
                       "3")
    with inside(child, mitm.ca, there) as client:
        for _ in range(2):
            assert ask(client, there).body == b"ok"
        answer = ask(client, there)
        assert answer.status == 429
        assert client.to_end() == b""
    line = inner(child, allow=False)
    assert line["decision_reason"] == "request rate limit exceeded"


def test_no_tunnel_lasts_too_long(mitm):
    there = mitm.site()
    child = mitm.proxy("--max-tunnel-duration", "3s")
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
        assert client.to_end() == b""


def test_who_merely_waits_is_not_waited_for(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        ask(client, there)
        child.signal(15)
        assert client.to_end() == b""
    assert child.process.wait(harness.SECONDS) == 0


def test_a_request_under_way_is(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with inside(child, mitm.ca, there) as client:
        client.send(get(there, method="POST",
                        headers="Content-Length: 4\r\n", body=b"ab"))
        end = time.monotonic() + harness.SECONDS
        while there.connections == 0:
            assert time.monotonic() < end
            time.sleep(0.01)
        child.signal(15)
        child.wait_log("quitting gracefully")
        client.send(b"cd")
        answer = client.message()
        assert answer.body == b"ok" and answer["connection"] == "close"
        assert client.to_end() == b""
    assert child.process.wait(harness.SECONDS) == 0


# --- upstream proxies ---

PROXIES = "  allowed_external_proxies: [127.0.0.1]\n"


def test_by_a_declared_proxy(mitm, origin):
    there = mitm.site()
    upstream = Upstream(origin, after=there.origin.serve)
    child = mitm.proxy("--upstream-https-proxy-addr",
                       f"http://u:pass@127.0.0.1:{upstream.port}")
    for _ in range(2):
        with inside(child, mitm.ca, there) as client:
            assert ask(client, there).body == b"ok"
    assert upstream.head.startswith(f"CONNECT {there.at} HTTP/1.1\r\n")
    assert [each["x-key"] for each in there.requests] == ["s3cret"] * 2
    assert there.asked == [HOST]
    nothing_leaks(child, "pass", "s3cret")


def test_by_a_proxy_that_connect_has_named(mitm, origin):
    """It is this tunnel's alone, and no connection by it is used for others."""
    there = mitm.site()
    upstream = Upstream(origin, after=there.origin.serve)
    child = mitm.proxy(more=PROXIES)
    header = (f"X-Upstream-Https-Proxy: http://u:pass@127.0.0.1:"
              f"{upstream.port}\r\n")
    with inside(child, mitm.ca, there, headers=header) as client:
        for _ in range(2):
            assert ask(client, there).body == b"ok"
    assert len(upstream.heads) == 2
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
    assert len(upstream.heads) == 2
    assert there.connections == 3
    nothing_leaks(child, "pass", "s3cret")


def test_a_named_proxy_is_judged_each_time(mitm, origin, tmp_path):
    there = mitm.site()
    upstream = Upstream(origin, after=there.origin.serve)
    header = f"X-Upstream-Https-Proxy: http://127.0.0.1:{upstream.port}\r\n"
    child = mitm.proxy()
    answer = child.connect(HOST, there.port, header)
    assert answer.status == DENIED
    harness.compile_acl(tmp_path, acl(SECRET, more=PROXIES))
    child.reload()
    with inside(child, mitm.ca, there, headers=header) as client:
        assert ask(client, there).body == b"ok"
        harness.compile_acl(tmp_path, acl(SECRET))
        child.reload()
        assert "proxy host not allowed" in denied(ask(client, there))


def test_a_proxy_that_refuses(mitm, origin):
    there = mitm.site()
    upstream = Upstream(origin, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
                        after=harness.silent)
    child = mitm.proxy("--upstream-https-proxy-addr",
                       f"http://127.0.0.1:{upstream.port}")
    with inside(child, mitm.ca, there) as client:
        answer = ask(client, there)
        assert answer.status == 500
        assert "proxy refused connection" in answer["x-smokescreen-error"]
    assert "upstream proxy answered 403" in inner(child)["error"]
    assert there.requests == []
