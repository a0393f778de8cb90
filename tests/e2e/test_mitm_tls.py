"""The handshake inside of a tunnel that ends at the proxy: nested, early, with
others than browsers, and all the ways in which it fails."""

import os
import socket
import ssl
import struct

import pytest

import harness
import pki
import tls
import web
from mitm import (HOST, LOGS, Ca, Within, ask, get, inner, inside,
                  nothing_leaks)
from test_metrics import FLAGS as METRICS
from test_metrics import samples

FAILED = "TLS handshake failed"


def failed(child, there, **fields):
    """The line of a handshake that has failed, and that it names its tunnel."""
    line = child.wait_log(FAILED, requested_host=there.at, **fields)
    assert line["connect_id"] == child.decision(proxy_type="connect")["id"]
    assert line["level"] == "warning"
    return line


# --- certificates ---

def test_a_certificate_is_kept(mitm):
    there = mitm.site()
    child = mitm.proxy(*METRICS)
    seen = set()
    for _ in range(3):
        with inside(child, mitm.ca, there) as client:
            ask(client, there)
            seen.add(client.sock.getpeercert(True))
    found = samples(child)
    assert len(seen) == 1
    assert found["smokescreen_mitm_certificates_minted_total"] == 1
    assert found['smokescreen_mitm_handshakes_total{result="ok"}'] == 3
    # a reload makes another key, and so another certificate
    child.reload()
    with inside(child, mitm.ca, there) as client:
        seen.add(client.sock.getpeercert(True))
    assert len(seen) == 2


def test_a_reload_takes_another_ca(mitm, tmp_path):
    """All or nothing, and a tunnel that is open goes on."""
    there = mitm.site()
    one = Ca(tmp_path)
    child = mitm.proxy(ca=one)
    who_knows_one = one.context()
    with inside(child, one, there, context=who_knows_one) as client:
        assert ask(client, there).body == b"ok"
        two = Ca(tmp_path)  # in the same files
        child.reload()
        assert ask(client, there).body == b"ok"
    with inside(child, two, there) as client:
        assert ask(client, there).body == b"ok"
    with pytest.raises(ssl.SSLCertVerificationError):
        inside(child, one, there, context=who_knows_one)


def test_an_address(mitm):
    there = mitm.site(host="127.0.0.1")
    child = mitm.proxy(domain="127.0.0.1")
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
    assert there.asked == [None]


def test_the_longest_name(mitm):
    host = ".".join(["a" * 62] * 4)[:253]
    there = mitm.site(file=mitm.servers.issue("long.pem", pki.dns(host)),
                      host=host)
    child = mitm.proxy(domain=host, dns={host: ["127.0.0.1"]})
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
        assert client.sock.getpeercert()["subject"] == ()


def test_another_server_name_than_the_tunnels(mitm):
    """SNI decides nothing: whoever insists on it finds another's
    certificate."""
    there = mitm.site()
    child = mitm.proxy()
    with pytest.raises(ssl.SSLCertVerificationError):
        inside(child, mitm.ca, there, name="other.test")
    careless = mitm.ca.context()
    careless.check_hostname = False
    with inside(child, mitm.ca, there, name="other.test",
                context=careless) as client:
        assert ("DNS", HOST) in client.sock.getpeercert()["subjectAltName"]
        assert ask(client, there).body == b"ok"
    assert there.asked == [HOST]


# --- within TLS ---

@pytest.fixture
def pki_of_clients(tmp_path):
    return tls.Pki(tmp_path)


def test_within_the_tls_of_a_client_with_a_role(mitm, pki_of_clients):
    there = mitm.site()
    entry = "".join(f"    {line}\n" for line in LOGS.splitlines())
    policy = f"""\
version: v1
services:
- name: web
  project: web's
  action: enforce
  allowed_domains: [{HOST}]
  mitm_domains:
  - domain: {HOST}
{entry}- name: other
  project: others'
  action: enforce
  allowed_domains: [{HOST}]
"""
    child = mitm.proxy("--tls-server-bundle-file", pki_of_clients.bundle,
                       "--tls-client-ca-file", pki_of_clients.ca,
                       "--tls-crl-file", pki_of_clients.crl("live.crl"),
                       acl=policy)
    body = os.urandom(3_000_000)
    sock = pki_of_clients.dial(child, pki_of_clients.client("web"))
    sock.sendall(harness.connect_head(HOST, there.port))
    assert harness.read_head(sock).status == 200
    with web.Wire(Within(mitm.ca.context(), sock, HOST)) as client:
        assert ask(client, there).body == b"ok"
        assert ask(client, there, method="POST", body=body, headers=(
            f"Content-Length: {len(body)}\r\n")).body == b"ok"
        assert there.requests[1].body == body
        assert there.requests[1]["x-key"] == "s3cret"
        line = inner(child, 2)
        assert (line["role"], line["project"]) == ("web", "web's")
        assert line["inbound_remote_x509_cn"] == "web"
        # a client with a certificate has to show it again after a reload of
        # CRLs, and after no other
        child.reload()
        assert ask(client, there).body == b"ok"
        pki_of_clients.crl("live.crl", number=2)
        child.reload()
        assert client.to_end() == b""
    nothing_leaks(child, "s3cret")
    # another role's tunnel is a tunnel
    sock = pki_of_clients.dial(child, pki_of_clients.client("other"))
    sock.sendall(harness.connect_head(HOST, there.port))
    assert harness.read_head(sock).status == 200
    context = ssl.create_default_context(cafile=mitm.servers.ca)
    with web.Wire(Within(context, sock, HOST)) as client:
        assert ask(client, there).body == b"ok"
    assert "x-key" not in there.requests[-1]


def test_large_answers_within_tls(mitm, pki_of_clients):
    body = os.urandom(3_000_000)
    there = mitm.site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" %
                      len(body) + body)
    child = mitm.proxy("--tls-server-bundle-file", pki_of_clients.bundle)
    sock = pki_of_clients.dial(child)
    sock.sendall(harness.connect_head(HOST, there.port))
    assert harness.read_head(sock).status == 200
    with web.Wire(Within(mitm.ca.context(), sock, HOST)) as client:
        for _ in range(2):
            assert ask(client, there).body == body


# --- how it may begin ---

def client_hello(context, host):
    """The first bytes of a client, and the two BIOs to go on with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        made.do_handshake()
    return made, incoming, outgoing


@pytest.mark.parametrize("early", [1, 5, 100, 10_000])
def test_a_client_that_does_not_wait(mitm, early):
    """Its hello, or a part of it, comes right behind the CONNECT."""
    there = mitm.site()
    child = mitm.proxy()
    made, incoming, outgoing = client_hello(mitm.ca.context(), HOST)
    hello = outgoing.read()
    sock = child.tunnel(HOST, there.port, early=hello[:early])
    sock.sendall(hello[early:])
    within = Within.__new__(Within)
    within.sock, within.tls = sock, made
    within.incoming, within.outgoing = incoming, outgoing
    within.call(made.do_handshake)
    with web.Wire(within) as client:
        assert ask(client, there).body == b"ok"


def test_byte_by_byte(mitm):
    there = mitm.site()
    child = mitm.proxy()
    sock = child.tunnel(HOST, there.port)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    class Slow:
        def sendall(self, data):
            for byte in data:
                sock.sendall(bytes([byte]))

        def recv(self, _size):
            return sock.recv(1)

        def close(self):
            sock.close()

    with web.Wire(Within(mitm.ca.context(), Slow(), HOST)) as client:
        assert ask(client, there).body == b"ok"


@pytest.mark.parametrize("offered, negotiated", [
    (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1")])
def test_alpn(mitm, offered, negotiated):
    there = mitm.site()
    context = mitm.ca.context()
    context.set_alpn_protocols(offered)
    with inside(mitm.proxy(), mitm.ca, there, context=context) as client:
        assert client.sock.selected_alpn_protocol() == negotiated
        assert ask(client, there).body == b"ok"


# --- how it fails ---

def handshake_fails(mitm, there, context, *flags):
    child = mitm.proxy(*METRICS, *flags)
    with pytest.raises((ssl.SSLError, OSError)):
        inside(child, mitm.ca, there, context=context)
    return child


def test_a_client_that_does_not_know_the_ca(mitm):
    there = mitm.site()
    child = handshake_fails(mitm, there, ssl.create_default_context())
    assert "unknown CA" in failed(child, there)["error"]
    name = 'smokescreen_mitm_handshakes_total{result="failed"}'
    assert samples(child)[name] == 1
    assert samples(child)[
        'smokescreen_tls_handshakes_total{result="failed"}'] == 0


def test_a_client_that_speaks_http_2_only(mitm):
    there = mitm.site()
    context = mitm.ca.context()
    context.set_alpn_protocols(["h2"])
    child = handshake_fails(mitm, there, context)
    assert "HTTP/1.1" in failed(child, there)["error"]


def test_a_client_that_speaks_tls_1_3_only(mitm):
    there = mitm.site()
    context = mitm.ca.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    child = handshake_fails(mitm, there, context)
    assert "of TLS 1.2 in common" in failed(child, there)["error"]


def test_a_client_that_speaks_http(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with child.tunnel(HOST, there.port) as sock:
        sock.sendall(get(there))
        answer = harness.Answer(harness.read_all(sock))
    assert answer.status == 400
    assert b"only TLS is taken" in answer.body
    assert "does not speak TLS" in failed(child, there)["error"]
    assert there.connections == 0


def test_a_client_that_speaks_something_else(mitm):
    there = mitm.site()
    child = mitm.proxy()
    with child.tunnel(HOST, there.port) as sock:
        sock.sendall(b"\x00\x01\x02garbage")
        alert = harness.read_all(sock)
    assert alert[0] == 21
    failed(child, there)


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
def test_a_client_that_stalls(mitm, said):
    """One that waits for the server to speak first, too."""
    there = mitm.site()
    child = mitm.proxy(config="read_header_timeout: 300ms\n")
    with child.tunnel(HOST, there.port) as sock:
        sock.sendall(said)
        assert harness.read_all(sock) == b""
    assert "not complete in time" in failed(child, there)["error"]


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"])
def test_a_client_that_goes_away(mitm, said, how):
    there = mitm.site()
    child = mitm.proxy(*METRICS)
    sock = child.tunnel(HOST, there.port, early=said)
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    sock.close()
    assert "went away" in failed(child, there)["error"]


def test_a_client_that_stalls_in_its_request(mitm):
    there = mitm.site()
    # the handshake before it has as long
    child = mitm.proxy(config="read_header_timeout: 3s\n")
    with inside(child, mitm.ca, there) as client:
        client.send(get(there)[:-5])
        assert client.message().status == 408
        assert client.to_end() == b""


def test_a_client_that_is_silent_between_requests(mitm):
    there = mitm.site()
    child = mitm.proxy(config="idle_timeout: 3s\n")
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
        assert client.to_end() == b""


def test_a_client_that_does_not_say_goodbye(mitm):
    there = mitm.site()
    child = mitm.proxy()
    client = inside(child, mitm.ca, there)
    assert ask(client, there).body == b"ok"
    client.sock.close()
    with inside(child, mitm.ca, there) as client:
        assert ask(client, there).body == b"ok"
