"""https:// URLs: the proxy itself is the client of a server that has to prove who
it is."""

import os
import ssl
import subprocess
import time

import pytest

import harness
import pki
import web
from harness import run_smokescreen
from servers import Servers, Site, ask, context, over_tls
from test_start import refused
from tls import Pki

ONE = ("--workers", "1")  # each has a pool of its own
NAMES = {"origin.test": ["127.0.0.1"], "a.wild.test": ["127.0.0.1"],
         "a.b.wild.test": ["127.0.0.1"], "server": ["127.0.0.1"],
         "in.test": ["10.1.2.3"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Servers(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def site(origin, world):
    """Start a site over TLS: site(answer, ..., file=...)."""
    return lambda *answers, file=None, **more: Site(
        origin, file or world.good, *answers, **more)


@pytest.fixture
def https(proxy, world):
    """Start a proxy that trusts the world's servers."""
    def start(*flags, trust=world.trust, **more):
        return proxy(*trust, *flags, dns=NAMES, **more)
    return start


# --- servers that are who they say ---

def test_the_head_to_the_byte(https, site):
    there = site()
    child = https()
    answer = ask(child, there, headers="X-One: 1\r\n"
                 "Proxy-Authorization: Basic YTpi\r\n"
                 "X-Upstream-Https-Proxy: http://a.test\r\n")
    assert (answer.status, answer.body) == (200, b"ok")
    assert there.requests[0].raw == (
        b"GET / HTTP/1.1\r\nHost: origin.test:%d\r\nX-One: 1\r\n\r\n"
        % there.port)
    assert there.asked == ["origin.test"]
    line = child.decision()
    assert line["allow"] is True
    assert line["requested_host"] == there.at
    assert line["outbound_remote_addr"] == f"127.0.0.1:{there.port}"


@pytest.mark.parametrize("kind", ["ec", "rsa", "p384", "p521", "rsa4096"])
@pytest.mark.parametrize("depth", [0, 1])
def test_kinds_of_keys_and_chains(https, site, world, kind, depth):
    options = {"rsa": ("-algorithm", "RSA"),
               "rsa4096": ("-algorithm", "RSA", "-pkeyopt",
                           "rsa_keygen_bits:4096"),
               "p384": ("-algorithm", "EC", "-pkeyopt",
                        "ec_paramgen_curve:P-384"),
               "p521": ("-algorithm", "EC", "-pkeyopt",
                        "ec_paramgen_curve:P-521"), "ec": ()}[kind]
    chain = (world.middle,) if depth else ()
    there = site(file=world.issue(
        f"{kind}{depth}.pem", key=pki.Key(*options),
        issuer=world.middle if depth else None, chain=chain))
    assert ask(https(), there).body == b"ok"


@pytest.mark.parametrize("host", ["127.0.0.1", "a.wild.test", "A.Wild.TEST"])
def test_names(https, site, world, host):
    there = site(host=host, file=world.issue(
        "names.pem", pki.dns("other.test"), pki.dns("*.wild.test"),
        pki.ip([127, 0, 0, 1])))
    assert ask(https(), there).body == b"ok"
    assert there.asked == [None if host == "127.0.0.1" else "a.wild.test"]


def test_trusted_for_itself(https, site, world):
    """What `openssl req -x509` makes says that it is a CA."""
    file = world.write("itself.pem", pki.openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=any", "-addext", "subjectAltName=DNS:origin.test",
        "-keyout", "-").decode())
    there = site(file=file)
    assert ask(https(trust=("--origin-ca-file", file)), there).body == b"ok"
    assert ask(https(), there).status == 502


def test_tls_1_2_is_enough(https, site):
    there = site(maximum_version=ssl.TLSVersion.TLSv1_2)
    assert ask(https(), there).body == b"ok"


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_ciphers(https, origin, world, cipher):
    there = Site(origin, world.good)
    made = context(world.good)
    made.set_ciphers(cipher)
    there.origin.serve = over_tls(there.serve, made)
    assert ask(https(), there).body == b"ok"


def test_the_port_is_443(https):
    child = https("--allow-address", "127.0.0.1:443", loopback=False)
    for port, denied in (b"", False), (b":443", False), (b":80", True):
        answer = child.ask(b"GET https://origin.test%s/ HTTP/1.1\r\nHost: x\r\n"
                           b"Connection: close\r\n\r\n" % port)
        assert (answer.status == 407) == denied


def test_a_client_with_a_certificate(proxy, site, world, tmp_path):
    clients = Pki(tmp_path)
    there = site()
    child = proxy(*world.trust, "--tls-server-bundle-file", clients.bundle,
                  "--tls-client-ca-file", clients.ca, dns=NAMES, acl="""\
version: v1
services:
- {name: web, project: t, action: enforce, allowed_domains: [origin.test]}
""")
    answer = clients.ask(child, there.get(headers="Connection: close\r\n"),
                         clients.client("web"))
    assert (answer.status, answer.body) == (200, b"ok")
    answer = clients.ask(child, there.get(headers="Connection: close\r\n"),
                         clients.client("other"))
    assert answer.status == 407
    assert len(there.requests) == 1


def test_judged_like_any_other(https, site):
    child = https(loopback=False)
    there = site(host="in.test")
    answer = ask(child, there)
    assert answer.status == 407
    assert "Deny: Private Range" in answer["x-smokescreen-error"]
    assert ask(child, site()).status == 407
    assert child.decision()["allow"] is False


# --- servers that are not ---

def bad(world, what):
    """A file for origin.test with something wrong about it, or its maker."""
    other = pki.authority("somebody else")
    name = pki.dns("origin.test")
    clients = [pki.usage(pki.DIGITAL), pki.purposes(pki.CLIENT)]
    issue = world.issue
    return {
        "unknown CA": lambda: issue("b1.pem", name, issuer=other),
        "self-signed": lambda: alone(world, name),
        "no intermediate": lambda: issue("b3.pem", name, issuer=world.middle),
        "expired": lambda: issue("b4.pem", name, end="2024-01-01"),
        "not yet": lambda: issue("b5.pem", name, start="2048-01-01"),
        "other name": lambda: issue("b6.pem", pki.dns("other.test")),
        "common name": lambda: issue(
            "b7.pem", pki.email("a@b.test"), subject=pki.name("origin.test")),
        "address": lambda: issue("b8.pem", pki.ip([127, 0, 0, 1])),
        "wide wildcard": lambda: issue("b9.pem", pki.dns("*.test")),
        "a client's": lambda: issue("b10.pem", name, more=clients),
        "a CA's": lambda: issue("b12.pem", name, more=[
            pki.basic(), pki.usage(b"\x01\x86")]),
        "small key": lambda: issue("b13.pem", name, key=pki.Key(
            "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")),
        "Ed25519": lambda: issue("b14.pem", name, key=pki.Key(
            "-algorithm", "ED25519")),
        "SHA-1": lambda: issue("b15.pem", name, hash="sha1", issuer=rsa_root(
            world)),
    }[what]()


def alone(world, name):
    made = pki.Certificate("origin.test", key=world.key,
                           extensions=[pki.alt_names(name)])
    return world.write("b2.pem", made.pem + world.key.pem.decode())


def rsa_root(world):
    made = pki.authority("rsa", key=pki.Key("-algorithm", "RSA"))
    world.write("rsa-root.pem", world.root.pem + made.pem)
    return made


@pytest.mark.parametrize("what, verdict", [
    ("unknown CA", "UNKNOWN_CA"), ("self-signed", "UNKNOWN_CA"),
    ("no intermediate", "UNKNOWN_CA"), ("expired", "EXPIRED"),
    ("not yet", "NOT_YET_VALID"), ("other name", "SERVER_NAME"),
    ("common name", "SERVER_NAME"), ("address", "SERVER_NAME"),
    ("wide wildcard", "SERVER_NAME"), ("a client's", "PURPOSE"),
    ("a CA's", "LEAF_IS_CA"),
])
def test_refused_servers(https, site, world, what, verdict):
    there = site(file=bad(world, what))
    child = https()
    answer = ask(child, there)
    assert answer.status == 502
    told = answer["x-smokescreen-error"]
    assert told.startswith("Failed to connect to remote host: TLS handshake "
                           "with origin.test: the server's certificate: ")
    line = child.decision()
    assert line["allow"] is True
    assert line["error"].endswith(f"({verdict})")
    assert line["error"].startswith("TLS handshake with origin.test: the ")
    assert there.requests == []


def test_a_small_key(https, origin, world):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.load_cert_chain(bad(world, "small key"))
    there = Site(origin, world.good)
    there.origin.serve = over_tls(there.serve, made)
    child = https()
    assert ask(child, there).status == 502
    assert child.decision()["error"].endswith("(KEY_SMALL)")


def test_sha1(https, origin, world):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.load_cert_chain(bad(world, "SHA-1"))
    there = Site(origin, world.good)
    there.origin.serve = over_tls(there.serve, made)
    child = https(trust=("--origin-ca-file", world.directory / "rsa-root.pem"))
    assert ask(child, there).status == 502
    assert child.decision()["error"].endswith("(ALGORITHM_WEAK)")


@pytest.mark.parametrize("more, why", [
    ({"minimum_version": ssl.TLSVersion.TLSv1_3},
     "the server does not speak TLS 1.2"),
    ({"file": "Ed25519"},
     "no cipher suite, curve or signature of TLS 1.2 in common"),
])
def test_what_cannot_be_spoken(https, site, world, more, why):
    if "file" in more:
        more = {"file": bad(world, more["file"])}
    child = https()
    answer = ask(child, site(**more))
    assert answer.status == 502
    assert answer["x-smokescreen-error"].endswith(why)
    assert child.decision()["error"].endswith(why)


def plain(origin, serve):
    """A server that does not speak TLS, with what asks for it."""
    there = web.Site(origin)
    there.origin.serve = serve
    there.url = f"https://origin.test:{there.port}"
    return there


def test_a_server_without_tls(https, origin):
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        harness.silent(sock)
    child = https()
    answer = ask(child, plain(origin, serve))
    assert answer.status == 502
    assert answer["x-smokescreen-error"].endswith(
        "the server does not speak TLS")


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x00\x50\x02\x00\x00\x4c"])
def test_one_that_closes_in_the_middle(https, origin, said):
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(said)
    child = https()
    answer = ask(child, plain(origin, serve))
    assert answer.status == 502
    assert answer["x-smokescreen-error"].endswith(
        "the server closed the connection")


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x00\x50\x02\x00\x00\x4c"])
def test_one_that_stalls(https, origin, said):
    def serve(sock):
        sock.sendall(said)
        harness.silent(sock)
    child = https("--timeout", "400ms")
    answer = ask(child, plain(origin, serve))
    assert answer.status == 504
    assert answer["x-smokescreen-error"] == (
        "Timed out connecting to remote host: TLS handshake with origin.test: "
        "i/o timeout")


def test_a_client_that_leaves_in_the_handshake(https, origin):
    left = []

    def serve(sock):
        harness.silent(sock)
        left.append(True)
    child = https("--max-concurrent-requests", "1")
    there = plain(origin, serve)
    with web.dial(child) as client:
        client.send(there.get())
        end = time.monotonic() + harness.SECONDS
        while there.origin.accepted == 0 and time.monotonic() < end:
            time.sleep(0.01)
    child.stop()
    end = time.monotonic() + harness.SECONDS
    while not left and time.monotonic() < end:
        time.sleep(0.01)
    assert left


def test_the_client_may_go_on_after_a_failure(https, site, world):
    there, good = site(file=bad(world, "expired")), site()
    child = https()
    with web.dial(child) as client:
        client.send(there.get())
        assert client.message().status == 502
        client.send(good.get())
        assert client.message().body == b"ok"


def test_denials_tell_nothing_when_they_should_not(https, site, world):
    child = https("--deny-detail", "none")
    answer = ask(child, site(file=bad(world, "expired")))
    assert answer.status == 407
    assert answer["x-smokescreen-error"] == \
        f"Egress proxying is denied to host '{child.decision()['requested_host']}'."


# --- bytes ---

def test_large_bodies_both_ways(https, site):
    body = os.urandom(8 << 20)
    there = site(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 web.chunks(*(body[i:i + 100000]
                              for i in range(0, len(body), 100000)),
                            trailers="X-Sum: 1\r\n"))
    answer = ask(https(), there, method="POST", body=body,
                 headers=f"Content-Length: {len(body)}\r\n")
    assert there.requests[0].body == body
    assert answer.body == body
    assert answer.trailers == "X-Sum: 1\r\n"


def test_a_slow_client_gets_all_of_it(https, site):
    body = os.urandom(4 << 20)
    there = site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) +
                 body)
    with web.dial(https()) as client:
        client.send(there.get())
        head = client.head()
        got = []
        while sum(map(len, got)) + len(client.rest) < len(body):
            time.sleep(0.001)
            got.append(client.sock.recv(20000))
        assert client.rest + b"".join(got) == body
        assert head.status == 200


@pytest.mark.parametrize("polite", [True, False])
def test_an_end_that_is_forged_is_none(https, site, polite):
    """Without a length the answer ends with the connection: but TLS has a way to
    say so."""
    there = site(b"HTTP/1.1 200 OK\r\n\r\nall of it", end=True, polite=polite)
    with web.dial(https()) as client:
        client.send(there.get())
        head = client.head()
        assert head["transfer-encoding"] == "chunked"
        assert client.chunk() == b"all of it"
        if polite:
            assert client.chunk() is None
        else:
            assert client.to_end() == b""


def test_a_websocket(https, origin, world):
    def serve(sock):
        wire = web.Wire(sock)
        wire.head()
        wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\nhello")
        harness.echo(sock)
    there = plain(origin, over_tls(serve, context(world.good)))
    child = https()
    with web.dial(child) as client:
        client.send(there.get(headers="Upgrade: websocket\r\n"
                                      "Connection: Upgrade\r\n"))
        assert client.head().status == 101
        assert client.exactly(5) == b"hello"
        client.send(b"ping")
        assert client.exactly(4) == b"ping"
    line = child.close_line()
    assert line["bytes_in"] >= 9 and line["bytes_out"] == 4


# --- connections that are used again ---

def test_clients_share_connections(https, site):
    there = site()
    child = https(*ONE)
    for _ in range(10):
        assert ask(child, there).body == b"ok"
    assert there.connections == 1
    assert child.wait_log("CANONICAL-PROXY-DECISION",
                          10)["conn_establish_time_ms"] == 0


def test_a_client_that_asks_again(https, site):
    there = site()
    with web.dial(https()) as client:
        for _ in range(10):
            client.send(there.get())
            assert client.message().body == b"ok"
    assert there.connections == 1


def test_plain_connections_are_others(https, origin, world):
    """The same host and port, once with TLS and once without."""
    def serve(sock):
        first = sock.recv(1, 2)  # MSG_PEEK
        if first == b"\x16":
            over_tls(there.serve, made)(sock)
        else:
            there.serve(sock)
    made = context(world.good)
    there = plain(origin, serve)
    child = https(*ONE)
    for _ in range(3):
        assert ask(child, there).body == b"ok"
        url, there.url = there.url, f"http://origin.test:{there.port}"
        assert ask(child, there).body == b"ok"
        there.url = url
    assert there.connections == 2


@pytest.mark.parametrize("polite", [True, False])
def test_one_that_an_origin_has_closed_is_not_used(https, site, polite):
    there = site(end=True, polite=polite)
    child = https(*ONE)
    for method in "GET", "GET", "GET":
        assert ask(child, there, method=method).body == b"ok"
    assert there.connections == 3


def test_asked_again_when_it_closes_without_an_answer(https, origin, world):
    lost = []

    def serve(sock):
        there.connections += 1
        wire = web.Wire(sock)
        there.requests.append(wire.message())
        wire.send(web.OK)
        if wire.more():
            lost.append(wire.head().first)
    there = plain(origin, None)
    there.origin.serve = over_tls(serve, context(world.good))
    child = https(*ONE)
    assert ask(child, there).body == b"ok"
    assert ask(child, there, path="/again").body == b"ok"
    assert lost[0] == "GET /again HTTP/1.1"
    assert there.connections == 2


# --- whom to trust ---

def test_ssl_cert_file(proxy, site, world, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(world.ca))
    there = site()
    child = proxy(dns=NAMES)
    assert ask(child, there).body == b"ok"
    line = child.logged("origin CAs loaded")[0]
    assert (line["file"], line["certificates"]) == (str(world.ca), 1)
    # what the operator gives comes first
    other = world.write("other.pem", pki.authority("other").pem)
    child = proxy("--origin-ca-file", other, dns=NAMES)
    assert ask(child, there).status == 502


def test_no_store_at_all(proxy, site, origin, monkeypatch):
    """That is no reason not to start, for it may never be needed."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    child = proxy(dns=NAMES)
    child.tunnel("127.0.0.1", origin().port).close()
    line = child.wait_log("no origin CAs: no server is trusted")
    assert line["error"] == "/nonexistent: No such file or directory"
    answer = ask(child, site())
    assert answer.status == 502
    assert "--origin-ca-file" in answer["x-smokescreen-error"]


def test_the_system_trusts_others(proxy, site, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert ask(proxy(dns=NAMES), site()).status == 502


def test_a_new_file_counts_after_a_reload(https, site, world, tmp_path):
    other = pki.authority("other")
    file = tmp_path / "cas.pem"
    file.write_text(other.pem)
    there = site()
    child = https(*ONE, trust=("--origin-ca-file", file))
    assert ask(child, there).status == 502
    file.write_text(world.root.pem)
    child.reload()
    assert ask(child, there).body == b"ok"
    # one that cannot be used leaves the old one in force
    file.write_text("nothing\n")
    child.signal(1)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert line["error"] == f"{file}: no certificate in it"
    assert ask(child, there).body == b"ok"
    # and who was vetted by the old one is not asked again
    file.write_text(other.pem)
    child.reload()
    assert ask(child, there).status == 502


@pytest.mark.parametrize("text, why", [
    (None, "No such file or directory"), ("", "the file is empty"),
    ("text\n", "no certificate in it"),
    ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
     ":1: this certificate cannot be a CA's: "),
    ("-----BEGIN CERTIFICATE-----\nM\n", ":"),
])
def test_a_bad_file_is_refused(tmp_path, text, why):
    file = tmp_path / "cas.pem"
    if text is not None:
        file.write_text(text)
    said = refused(run_smokescreen("--origin-ca-file", file))
    assert f"{file}" in said and why in said
    config = tmp_path / "config.yaml"
    config.write_text(f"origin_ca_file: {file}\n")
    assert why in refused(run_smokescreen("--config-file", config))


def test_check_config_shows_whom(world, tmp_path, monkeypatch):
    def shown(*flags):
        done = run_smokescreen("--check-config", *flags)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.split("\n")
                if line.startswith("origin_ca_file: ")]
    assert shown(*world.trust) == [
        f"origin_ca_file: {world.ca} # given, 1 certificates"]
    monkeypatch.setenv("SSL_CERT_FILE", str(world.ca))
    assert shown() == [
        f"origin_ca_file: {world.ca} # SSL_CERT_FILE, 1 certificates"]
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    assert shown() == ["origin_ca_file: none: no server is trusted: "
                       "/nonexistent: No such file or directory"]


def test_other_servers(https, world, tmp_path):
    """openssl's own server, one handshake."""
    with subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
             world.good, "-www", "-naccept", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline()
        while not line.startswith(b"ACCEPT"):
            assert line
            line = process.stdout.readline()
        port = int(line.rpartition(b":")[2])
        answer = https().ask(b"GET https://origin.test:%d/ HTTP/1.0\r\n\r\n" %
                             port)
        process.kill()
    assert answer.status == 200
    assert b"ECDHE-ECDSA-AES128-GCM-SHA256" in answer.body
