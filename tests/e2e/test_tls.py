"""TLS between clients and the proxy: who gets in, as whom, and that the bytes
and the ends of both directions come through as they do without."""

import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import harness
import pki
import pytest
from tls import ACL, Pki, Stepwise, through_echo

ROLE_MISSING = "Client role cannot be determined"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def web(world):
    return world.client("web")


@pytest.fixture
def secure(proxy, world, tmp_path):
    """Start a proxy that asks for certificates: secure(*flags, acl=...)."""

    def start(*flags, acl=ACL, bundle=None, ca=None, **more):
        flags = ["--tls-server-bundle-file", bundle or world.bundle,
                 "--tls-client-ca-file", ca or world.ca, *flags]
        if acl:
            flags += ["--egress-acl-file",
                      harness.compile_acl(tmp_path, acl)]
        return proxy(*flags, **more)

    return start


def curl(world, child, url, client=None, *args):
    if client is not None:
        args += ("--proxy-cert", client.file)
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", "--noproxy",
         "", "--proxy", f"https://127.0.0.1:{child.port}", "--proxy-cacert",
         world.server_ca, *map(str, args), url],
        capture_output=True, timeout=40)


# --- who gets in, and as whom -------------------------------------------------

def test_curl_through_connect(secure, world, web, origin, certificate):
    child = secure()
    port = origin(harness.https(certificate)).port
    done = curl(world, child, f"https://127.0.0.1:{port}/", web, "-k")
    assert done.stdout == f"you reached 127.0.0.1:{port}\n".encode(), done
    line = child.decision()
    assert line["role"] == line["inbound_remote_x509_cn"] == "web"
    assert line["inbound_remote_x509_ou"] == ""
    assert line["role_source"] == "cn"
    assert line["rule"] == "web" and line["allow"]
    assert child.close_line()["role"] == "web"


def test_curl_plain_http_kept_open(secure, world, web, origin):
    def serve(sock):
        for _ in range(2):
            raw = b""
            while not raw.endswith(b"\r\n\r\n"):
                raw += sock.recv(1)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
    child = secure()
    url = f"http://127.0.0.1:{origin(serve).port}/"
    done = curl(world, child, url, web, url)
    assert done.stdout == b"yesyes", done
    assert child.wait_log("CANONICAL-PROXY-DECISION", 2, role="web")
    # one handshake was enough
    assert len({line["inbound_remote_addr"] for line in
                child.logged("CANONICAL-PROXY-DECISION")}) == 1


def test_no_certificate_is_no_role(secure, world, origin):
    child = secure()
    answer = world.connect(child, origin().port)
    assert answer.status == 407 and ROLE_MISSING in answer.error
    line = child.decision()
    assert line["role"] == "" and "inbound_remote_x509_cn" not in line


def test_missing_roles_may_be_allowed(secure, world, origin):
    child = secure(acl=ACL + "default: {project: p, action: open}\n",
                   config="allow_missing_role: true\n")
    world.tunnel(child, origin().port).close()
    assert child.decision()["rule"] == "default"


def test_another_role_has_another_rule(secure, world, origin):
    child = secure()
    answer = world.connect(child, origin().port, world.client("bob"))
    assert answer.status == 407 and "no rule matched" in answer.error
    assert child.decision()["role"] == "bob"


def test_no_cn_is_no_role(secure, world, origin):
    child = secure(acl=ACL + "default: {project: p, action: open}\n")
    client = world.client(pki.name(ous=["sales"]))
    answer = world.connect(child, origin().port, client)
    assert answer.status == 407 and ROLE_MISSING in answer.error
    line = child.decision()
    assert line["inbound_remote_x509_ou"] == "sales"
    assert line["inbound_remote_x509_cn"] == line["role"] == ""
    assert "role_source" not in line


def test_role_from(secure, world, origin):
    child = secure("--role-from", r"san-dns:prefix=role-,ou.1:split=\.")
    client = world.client(pki.name("x", ous=["first", "web.eu.corp"]))
    world.tunnel(child, origin().port, client).close()
    line = child.decision()
    assert line["role"] == "web" and line["role_source"] == "ou.1"
    assert line["inbound_remote_x509_ou"] == "first"


def test_through_an_intermediate(secure, world, origin):
    middle = pki.authority("middle", world.root)
    child = secure()
    world.tunnel(child, origin().port, world.client("web", middle, middle)
                 ).close()
    assert child.decision()["role"] == "web"


def test_rsa_client(secure, world, origin):
    key = pki.Key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    child = secure()
    world.tunnel(child, origin().port, world.client("web", key=key)).close()
    assert child.decision()["role"] == "web"


def refused(child, world, client, reason, alert):
    """The handshake fails, with this reason in the log."""
    with pytest.raises(ssl.SSLError) as error:
        world.connect(child, 1, client)
    assert alert in str(error.value).lower()
    line = child.wait_log("TLS handshake failed", refused=reason)
    assert line["inbound_remote_addr"].startswith("127.0.0.1:")
    assert child.logged("CANONICAL-PROXY-DECISION") == []


def test_unknown_ca(secure, world):
    refused(secure(), world, world.client("web", pki.authority("rogue")),
            "UNKNOWN_CA", "unknown ca")


def test_forged_ca_of_the_same_name(secure, world):
    refused(secure(), world, world.client("web", pki.authority("root")),
            "SIGNATURE", "bad certificate")


def test_expired(secure, world):
    refused(secure(), world, world.client("web", end="2021-01-01"), "EXPIRED",
            "certificate expired")


def test_server_certificate_is_no_client(secure, world):
    client = world.client("web", extensions=[pki.usage(pki.DIGITAL),
                                             pki.purposes(pki.SERVER)])
    refused(secure(), world, client, "PURPOSE", "bad certificate")


def test_role_with_control_characters(secure, world):
    client = world.client("web\nmsg=forged")
    refused(secure(), world, client, "ROLE_TEXT", "bad certificate")


def test_revoked(secure, world, web, origin):
    bad = world.client("web")
    child = secure("--tls-crl-file", world.crl("revoked.crl", bad))
    world.tunnel(child, origin().port, web).close()
    child.close_line()
    with pytest.raises(ssl.SSLError, match="(?i)certificate revoked"):
        world.connect(child, 1, bad)
    child.wait_log("TLS handshake failed", refused="REVOKED")
    assert len(child.logged("CANONICAL-PROXY-DECISION")) == 1


def test_require_client_cert(secure, world, web, origin):
    child = secure("--require-client-cert")
    with pytest.raises(ssl.SSLError, match="(?i)handshake failure"):
        world.connect(child, 1)
    line = child.wait_log("TLS handshake failed")
    assert "no certificate" in line["error"]
    world.tunnel(child, origin().port, web).close()
    # even where nothing is decided by it
    assert not child.logged("anyone who can reach the port can use this "
                            "proxy")


# --- our side -----------------------------------------------------------------

@pytest.mark.parametrize("options", [
    ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
], ids=["rsa", "p256", "p384"])
def test_server_keys(secure, world, web, origin, options, tmp_path):
    bundle = world.server(f"{options[1]}-{options[3][-5:]}.pem",
                          pki.Key(*options))
    child = secure(bundle=bundle)
    world.tunnel(child, origin().port, web).close()


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_suites(secure, world, web, origin, cipher):
    context = world.context(web)
    context.set_ciphers(cipher)
    child = secure()
    sock = world.tunnel(child, origin().port, context=context)
    assert sock.cipher()[0] == cipher and sock.version() == "TLSv1.2"
    data = os.urandom(100_000)
    assert through_echo(sock, data) == data


@pytest.mark.parametrize("cipher", [
    "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-SHA256"])
def test_suites_that_are_no_good(secure, world, cipher):
    context = world.context()
    context.set_ciphers(cipher + ":@SECLEVEL=0")
    child = secure()
    with pytest.raises(ssl.SSLError, match="(?i)alert"):
        world.dial(child, context=context)
    assert child.wait_log("TLS handshake failed")["error"]


@pytest.mark.parametrize("version", ["TLSv1_3"])
def test_versions_that_are_not_spoken(secure, world, version):
    context = world.context()
    context.minimum_version = getattr(ssl.TLSVersion, version)
    child = secure()
    with pytest.raises(ssl.SSLError, match="(?i)alert"):
        world.dial(child, context=context)
    child.wait_log("TLS handshake failed")


def test_two_handshakes_share_no_random(secure, world):
    """The server's random and its key for the exchange are fresh each time,
    though every connection begins as a copy of the same bytes."""
    child = secure()
    seen = set()
    for _ in range(8):
        context = world.context()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing,
                               server_hostname="127.0.0.1")
        with child.dial() as sock:
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            sock.sendall(outgoing.read())
            raw = b""
            while b"\x0e\x00\x00\x00" not in raw:  # ServerHelloDone
                part = sock.recv(65536)
                assert part
                raw += part
        assert raw[0] == 22 and raw[5] == 2
        random = raw[11:43]
        at = raw.index(b"\x03\x00\x1d\x20")  # named curve x25519, 32 bytes
        seen |= {random, raw[at + 4:at + 36]}
    assert len(seen) == 16


@pytest.mark.parametrize("crypto", ["nettle", "stock"])
@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "2048", "3071",
                                  "4096"])
def test_either_crypto(secure, world, origin, crypto, kind):
    """Both sides' keys, on each curve and of RSA, by nettle with GMP and by
    BearSSL."""
    key = (pki.Key("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}")
           if kind.startswith("P") else
           pki.Key("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind}"))
    child = secure("--crypto", crypto, bundle=world.server(
        f"{crypto}-{kind}.pem", key))
    world.tunnel(child, origin().port, world.client("web", key=key)).close()
    assert child.decision()["role"] == "web"


def test_crypto_is_shown():
    for flags, shown in (((), "nettle"), (("--crypto", "stock"), "stock")):
        done = harness.run_smokescreen("--check-config", *flags)
        assert f"crypto: {shown}\n" in done.stdout
    assert "'openssl' is neither nettle nor stock" in fails("--crypto",
                                                           "openssl")


# --- several certificates ---

@pytest.fixture(scope="module")
def both(world, rsa_bundle):
    """An EC and an RSA certificate, in the order that is not the best."""
    return ["--tls-server-bundle-file", rsa_bundle, "--tls-server-bundle-file",
            world.bundle, "--tls-client-ca-file", world.ca]


def served(world, child, *flags):
    """The kind of the key that openssl's client is shown."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{child.port}",
         "-CAfile", world.server_ca, "-verify_return_error", *flags],
        input=b"Q\n", capture_output=True, timeout=60)
    text = done.stdout.decode()
    found = re.search(r"Peer signature type: (\S+)", text)
    return found and found[1]


@pytest.mark.parametrize("flags, kind", [
    ((), "ECDSA"),
    (("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ECDSA"),
    (("-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "RSA"),
    (("-cipher", "ECDHE-RSA-CHACHA20-POLY1305"), "RSA"),
    # one that has not the curve which the EC key is on
    (("-curves", "X25519"), "RSA"),
    (("-curves", "X25519", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"), "RSA"),
    (("-sigalgs", "RSA+SHA256"), "RSA"),
    (("-sigalgs", "ECDSA+SHA384"), "ECDSA"),
    (("-cipher", "DHE-RSA-AES128-GCM-SHA256"), None),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None)
def test_each_client_gets_a_certificate_that_it_can_use(
        proxy, world, both, flags, kind):
    assert served(world, proxy(*both), "-tls1_2", *flags) == kind


def test_all_suites_that_there_are(proxy, world, both):
    """ECDHE with an AEAD and nothing else, of all that openssl knows."""
    child = proxy(*both)
    level = ":@SECLEVEL=0"
    names = pki.openssl("ciphers", "-s", "-tls1_2",
                        "ALL:eNULL:aNULL" + level).decode().strip().split(":")
    assert len(names) > 80
    taken = set()
    for name in names:
        context = world.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(name + level)
        try:
            with world.dial(child, context=context) as sock:
                taken.add(sock.cipher()[0])
        except ssl.SSLError as error:
            assert "ALERT" in str(error) or "alert" in str(error), error
    assert taken == {f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA")
                     for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384",
                                    "CHACHA20-POLY1305")}


def test_two_keys_on_two_curves(proxy, world):
    p384 = world.server("p384.pem", pki.Key(
        "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"))
    child = proxy("--tls-server-bundle-file", p384, "--tls-server-bundle-file",
                  world.bundle)

    def size(*flags):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{child.port}",
             "-tls1_2", *flags], input=b"Q\n", capture_output=True,
            timeout=60)
        return re.search(rb"Server public key is (\d+) bit", done.stdout)[1]
    assert size() == b"384"
    assert size("-curves", "P-256:X25519") == b"256"


def test_bundles_in_the_configuration(proxy, world, rsa_bundle, tmp_path):
    config = f"tls:\n  bundle_files: [{rsa_bundle}, {world.bundle}]\n"
    child = proxy(config=config)
    assert served(world, child, "-tls1_2") == "ECDSA"
    path = tmp_path / "config.yaml"
    shown = harness.run_smokescreen("--check-config", "--config-file",
                                    path).stdout
    assert (f"tls:\n  bundle_files:\n  - {rsa_bundle}\n  - {world.bundle}\n"
            in shown)
    # those of the command line are instead of them
    shown = harness.run_smokescreen(
        "--check-config", "--config-file", path, "--tls-server-bundle-file",
        world.bundle).stdout
    assert f"cert_file: {world.bundle}\n" in shown
    assert "bundle_files" not in shown
    shown = harness.run_smokescreen(
        "--check-config", "--config-file", path, "--tls-server-bundle-file",
        "").stdout
    assert "tls: none" in shown


def test_bundles_that_will_not_do(world, tmp_path):
    for keys in (f"cert_file: {world.bundle}", f"key_file: {world.bundle}"):
        for text in (f"tls:\n  {keys}\n  bundle_files: [{world.bundle}]\n",
                     f"tls:\n  bundle_files: [{world.bundle}]\n  {keys}\n"):
            error = fails(config=text, tmp_path=tmp_path)
            assert "not both" in error or "goes with cert_file" in error
    flags = ["--tls-server-bundle-file", world.bundle] * 17
    assert "more than 16 certificates" in fails(*flags)
    assert "empty file name" in fails(
        "--tls-server-bundle-file", world.bundle, "--tls-server-bundle-file=",
        config="tls: {bundle_files: ['']}\n", tmp_path=tmp_path)
    bad = world.write("bad.pem", "nothing\n")
    assert str(bad) in fails("--tls-server-bundle-file", world.bundle,
                             "--tls-server-bundle-file", bad)


def test_each_certificate_is_warned_of(proxy, world, rsa_bundle):
    expired = world.server("expired-too.pem", end="2021-01-01")
    child = proxy("--tls-server-bundle-file", rsa_bundle,
                  "--tls-server-bundle-file", expired)
    child.wait_log(f"the server's certificate in {expired} has expired: "
                   "clients that check will refuse it")
    shown = harness.run_smokescreen(
        "--check-config", "--tls-server-bundle-file", rsa_bundle,
        "--tls-server-bundle-file", expired).stdout
    assert f"# warning: the server's certificate in {expired} has" in shown


# --- bytes and ends -----------------------------------------------------------

def test_early_data_behind_connect(secure, world, web, origin):
    sock = world.tunnel(secure(), origin().port, web, early=b"early bird")
    assert harness.read_exactly(sock, 10) == b"early bird"


def test_client_half_closes(secure, world, web, origin):
    """The client is done; the origin answers at length all the same."""
    def serve(sock):
        sock.sendall(hashlib.sha256(harness.read_all(sock)).digest() * 5000)
    sock = raw_tunnel(world, secure(), web, origin(serve).port)
    data = os.urandom(300_000)
    sock.send(data)
    sock.close_notify()
    assert sock.read_to_end() == hashlib.sha256(data).digest() * 5000
    assert sock.closed_properly


def test_origin_half_closes(secure, world, web, origin):
    """The origin is done; what the client still says reaches it."""
    got = []
    done = threading.Event()

    def serve(sock):
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        got.append(harness.read_all(sock))
        done.set()
    sock = raw_tunnel(world, secure(), web, origin(serve).port)
    assert sock.read_to_end() == b"bye" and sock.closed_properly
    sock.send(b"still here" * 10_000)
    sock.close_notify()
    assert done.wait(harness.SECONDS)
    assert got == [b"still here" * 10_000]


def test_fin_without_close_notify_is_an_end(secure, world, web, origin):
    got = []
    done = threading.Event()

    def serve(sock):
        got.append(harness.read_all(sock))
        done.set()
    child = secure()
    sock = raw_tunnel(world, child, web, origin(serve).port)
    sock.send(b"cut")
    sock.sock.shutdown(socket.SHUT_WR)
    assert done.wait(harness.SECONDS) and got == [b"cut"]
    sock.read_to_end()
    assert child.close_line()["bytes_out"] == 3


class Memory:
    """A client whose records are in our hands: half-closes and odd segments
    are beyond what Python's sockets do."""

    def __init__(self, world, child, client, chop=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = world.context(client).wrap_bio(
            self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.sock = child.dial()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.chop = chop
        self.closed_properly = False
        self._turn(self.tls.do_handshake)
        self._flush()

    def _flush(self):
        data = self.outgoing.read()
        step = self.chop or len(data) or 1
        for i in range(0, len(data), step):
            self.sock.sendall(data[i:i + step])

    def _turn(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()

    def _fill(self):
        part = self.sock.recv(65536)
        if part:
            self.incoming.write(part)
        else:
            self.incoming.write_eof()

    def send(self, data):
        self.tls.write(data)
        self._flush()

    def close_notify(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's is not here yet
        self._flush()

    def read(self, size):
        return self._turn(self.tls.read, size)

    def read_to_end(self):
        parts = []
        while True:
            try:
                part = self._turn(self.tls.read, 65536)
            except ssl.SSLZeroReturnError:
                self.closed_properly = True
                break
            except ssl.SSLError:
                break  # cut
            if not part:
                self.closed_properly = True
                break
            parts.append(part)
        return b"".join(parts)


def raw_tunnel(world, child, client, port, chop=None):
    sock = Memory(world, child, client, chop)
    sock.send(harness.connect_head("127.0.0.1", port))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.read(1)
    assert b" 200 " in head, head
    return sock


def test_one_byte_segments(secure, world, web, origin):
    sock = raw_tunnel(world, secure(), web, origin().port, chop=1)
    sock.send(b"a byte at a time")
    got = b""
    while len(got) < 16:
        got += sock.read(16)
    assert got == b"a byte at a time"


def test_bulk_both_ways(secure, world, web, origin):
    """Through an echo, so that both directions are busy at once."""
    data = os.urandom(1 << 20) * 16
    sock = world.tunnel(secure(), origin().port, web)
    assert through_echo(sock, data) == data


def post(port, body):
    return (f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def digest_of_body(sock):
    """Answer each request on a connection with its body's digest."""
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                return
            head += byte
        size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        body = hashlib.sha256(harness.read_exactly(sock, size)).hexdigest()
        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n{body}"
                     .encode())


@pytest.mark.parametrize("cut", [0, 1, 40, 100])
def test_head_and_body_share_records(secure, world, web, origin, cut):
    """Less is asked for than a record holds: no socket knows of the rest."""
    child = secure()
    port = origin(digest_of_body).port
    sock = world.dial(child, web)
    body = os.urandom(100_000)
    request = post(port, body)
    if cut:
        sock.sendall(request[:cut])
    sock.sendall(request[cut:])
    assert harness.read_head(sock).status == 200
    assert harness.read_exactly(sock, 64).decode() == \
        hashlib.sha256(body).hexdigest()


def test_requests_in_one_record(secure, world, web, origin):
    child = secure()
    port = origin(digest_of_body).port
    sock = world.dial(child, web)
    bodies = [os.urandom(n) for n in (10, 3000, 1, 5000, 2000)]
    sock.sendall(b"".join(post(port, body) for body in bodies))
    for body in bodies:
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, 64).decode() == \
            hashlib.sha256(body).hexdigest()


def test_long_head_in_pieces(secure, world, web, origin):
    """Gathered in steps that are smaller than records."""
    child = secure()
    port = origin(digest_of_body).port
    sock = world.dial(child, web)
    pad = "".join(f"X-{i}: {'x' * 200}\r\n" for i in range(60))
    request = post(port, b"body").replace(b"\r\n", b"\r\n" + pad.encode(), 1)
    sock.sendall(request[:20])
    sock.sendall(request[20:])
    assert harness.read_head(sock).status == 200


def test_slow_reader_of_plain_http(secure, world, web, origin):
    body = os.urandom(1 << 20) * 8

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body)
        sock.recv(1)
    child = secure()
    port = origin(serve).port
    sock = world.dial(child, web)
    sock.sendall(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n"
                 f"Host: 127.0.0.1:{port}\r\n\r\n".encode())
    assert harness.read_head(sock).status == 200
    time.sleep(0.3)  # let it fill what there is to fill
    assert harness.read_exactly(sock, len(body)) == body


def test_proxy_header_before_the_handshake(secure, world, web, origin):
    child = secure("--proxy-protocol")
    port = origin().port
    sock = child.dial()
    sock.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 5555 4750\r\n")
    sock = world.context(web).wrap_socket(sock, server_hostname="127.0.0.1")
    sock.sendall(harness.connect_head("127.0.0.1", port))
    assert harness.read_head(sock).status == 200
    line = child.decision()
    assert line["inbound_remote_addr"] == "203.0.113.9:5555"
    assert line["role"] == "web"


def resident(child):
    with open(f"/proc/{child.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_slow_reader_holds_the_origin_up(secure, world, web, origin):
    """What the client does not read is not gathered; then all of it comes."""
    size = 128 << 20
    block = os.urandom(1 << 16)
    sent = []

    def serve(sock):
        for _ in range(size // len(block)):
            sock.sendall(block)
            sent.append(1)
    child = secure()
    sock = world.tunnel(child, origin(serve).port, web)
    before, last = resident(child), -1
    while len(sent) != last:  # until nothing more is taken
        last = len(sent)
        time.sleep(0.2)
    assert len(sent) < size // len(block)
    assert resident(child) - before < 4 << 20
    got = hashlib.sha256()
    while part := sock.recv(1 << 16):
        got.update(part)
    assert got.digest() == hashlib.sha256(block * (size // len(block))
                                          ).digest()


def test_cut_answer_looks_cut(secure, world, web, origin):
    """An answer that ends where its connection does, and broke off: the client
    must not take it for whole."""
    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    child = secure()
    port = origin(serve).port
    sock = Memory(world, child, web)
    sock.send(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n"
              f"Host: 127.0.0.1:{port}\r\n\r\n".encode())
    assert sock.read_to_end().endswith(b"half")
    assert not sock.closed_properly


# --- what is no handshake -----------------------------------------------------

def test_plain_http_is_told_so(secure):
    child = secure()
    answer = child.ask(b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 400 and b"HTTPS proxy" in answer.body
    child.wait_log("request refused")


def test_garbage(secure):
    child = secure()
    with child.dial() as sock:
        sock.sendall(b"\x16\x03\x01\x00\x10" + b"\xff" * 16)
        assert harness.read_all(sock)[:3] == b"\x15\x03\x03"
    child.wait_log("TLS handshake failed")


def test_silence_is_no_failure(secure, world, web, origin):
    child = secure()
    child.dial().close()
    world.tunnel(child, origin().port, web).close()
    child.close_line()
    assert child.logged("TLS handshake failed") == []


def test_stalled_handshake(secure, world, web, origin):
    child = secure(config="read_header_timeout: 300ms\n")
    hello = ssl.MemoryBIO()
    tls = world.context().wrap_bio(ssl.MemoryBIO(), hello,
                                   server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = hello.read()
    for cut in (1, 5, 6, 60, len(hello)):
        with child.dial() as sock:
            sock.sendall(hello[:cut])
            harness.read_all(sock)
    line = child.wait_log("TLS handshake failed", 5)
    assert "in time" in line["error"]
    world.tunnel(child, origin().port, web).close()


def test_many_at_once(secure, world, web, origin):
    child = secure()
    port = origin().port
    context = world.context(web)
    failed, socks = [], []

    def one(i):
        try:
            sock = world.tunnel(child, port, context=context)
            sock.sendall(b"%06d" % i)
            assert harness.read_exactly(sock, 6) == b"%06d" % i
            socks.append(sock)
        except Exception as error:
            failed.append(error)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and len(socks) == 200
    for sock in socks:
        sock.close()
    child.wait_log("CANONICAL-PROXY-CN-CLOSE", 200, role="web")


# --- reload -------------------------------------------------------------------

def test_reload_of_a_crl(secure, world, origin, tmp_path):
    victim = world.client("web")
    path = tmp_path / "live.crl"
    path.write_bytes(pki.crl(world.root))
    child = secure("--tls-crl-file", path)
    port = origin().port
    tunnel = world.tunnel(child, port, victim)
    path.write_bytes(pki.crl(world.root, [victim], number=2))
    child.reload()
    with pytest.raises(ssl.SSLError, match="(?i)revoked"):
        world.connect(child, port, victim)
    # what is open was allowed by what was known then
    tunnel.sendall(b"ok")
    assert harness.read_exactly(tunnel, 2) == b"ok"
    tunnel.close()


def test_reload_ends_what_is_kept_open(secure, world, origin, tmp_path):
    """A revoked client must not go on asking on a connection from before."""
    victim = world.client("web")
    path = tmp_path / "live.crl"
    path.write_bytes(pki.crl(world.root))

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    child = secure("--tls-crl-file", path)
    port = origin(serve).port
    sock = world.dial(child, victim)
    sock.sendall(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n"
                 f"Host: 127.0.0.1:{port}\r\n\r\n".encode())
    assert harness.read_head(sock).status == 200
    assert harness.read_exactly(sock, 2) == b"ok"
    path.write_bytes(pki.crl(world.root, [victim], number=2))
    child.reload()
    assert sock.recv(1) == b""


def before_a_reload(world, web, child, port, when):
    """A client that has got so far; a function that has it go on, for the
    answer."""
    sock = Stepwise(child, world.context(web))
    sock.sock.sendall(sock.hello)
    sock.receive()  # the proxy has begun, by the certificates it had
    head = harness.connect_head("127.0.0.1", port)
    sent = 10 if when == "half a head" else 0
    if when != "handshake":
        sock.finish()
    if sent:
        sock.sendall(head[:sent])

    def go_on():
        sock.finish()
        sock.sendall(head[sent:])
        return harness.read_head(sock)
    return go_on


early = pytest.mark.parametrize("when", ["handshake", "silent", "half a head"])


@early
def test_reload_before_the_first_request(secure, world, web, origin, tmp_path,
                                         when):
    """Its request may be on its way: it hears why it is not served."""
    path = tmp_path / "live.crl"
    path.write_bytes(pki.crl(world.root))
    child, port = secure("--tls-crl-file", path), origin().port
    go_on = before_a_reload(world, web, child, port, when)
    path.write_bytes(pki.crl(world.root, number=2))
    child.reload()
    answer = go_on()
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    line = child.decision(role="web", allow=False)
    assert "reloaded" in line["decision_reason"]
    # and so it is by the new list that it comes in
    world.tunnel(child, port, web).close()


@early
def test_reload_of_the_policy_alone(secure, world, web, origin, tmp_path, when):
    """Nothing else would be found out about clients: they stay."""
    child, port = secure("--tls-crl-file", world.crl("same.crl")), origin().port
    go_on = before_a_reload(world, web, child, port, when)
    harness.compile_acl(tmp_path, ACL + "default: {project: p, action: open}\n")
    child.reload()
    assert go_on().status == 200


def test_reload_of_the_policy_alone_keeps_connections(
        secure, world, web, origin, tmp_path):
    child = secure()
    request = f"GET http://10.0.0.1:{origin().port}/ HTTP/1.1\r\nHost: a\r\n\r\n"
    with world.dial(child, web) as sock:
        for _ in range(2):
            sock.sendall(request.encode())
            head = harness.read_head(sock)
            assert head.status == 407
            harness.read_exactly(sock, int(head.headers["content-length"]))
            child.decision(role="web")
            child.reload()


def test_reload_is_all_or_nothing(secure, world, web, origin, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(world.bundle.read_bytes())
    child = secure(bundle=bundle)
    bundle.write_text("nothing\n")
    child.signal(signal.SIGHUP)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert "no certificate in it" in line["error"]
    port = origin().port
    world.tunnel(child, port, web).close()
    renewed = world.server("renewed.pem")
    bundle.write_bytes(renewed.read_bytes())
    child.reload()
    sock = world.tunnel(child, port, web)
    theirs = ssl.DER_cert_to_PEM_cert(sock.getpeercert(True))
    assert theirs in renewed.read_text().replace("\r", "") or \
        ssl.PEM_cert_to_DER_cert(renewed.read_text().split(
            "-----BEGIN PRIVATE")[0]) == sock.getpeercert(True)


# --- settings -----------------------------------------------------------------

def fails(*flags, config=None, tmp_path=None):
    flags = list(flags)
    if config is not None:
        path = tmp_path / "config.yaml"
        path.write_text(config)
        flags += ["--config-file", path]
    done = harness.run_smokescreen("--check-config", *flags)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_files_that_will_not_do(world, tmp_path):
    empty = world.write("empty.pem", "")
    bundle = "--tls-server-bundle-file"
    assert "No such file" in fails(bundle, tmp_path / "none")
    assert "the file is empty" in fails(bundle, empty)
    other = pki.Key()
    certificate = world.bundle.read_text().split("-----BEGIN PRIVATE")[0]
    assert "no private key in it" in fails(
        bundle, world.write("nokey.pem", certificate))
    assert "does not belong" in fails(
        bundle, world.write("mismatch.pem",
                            certificate + other.pem.decode()))
    locked = pki.openssl("pkey", "-aes128", "-passout", "pass:x",
                         data=other.pem).decode()
    assert "encrypted" in fails(
        bundle, world.write("locked.pem", certificate + locked))
    assert "no certificate in it" in fails(
        bundle, world.bundle, "--tls-client-ca-file",
        world.write("noca.pem", other.pem.decode()))


def test_flags_that_would_do_nothing(world):
    ca = ("--tls-client-ca-file", world.ca)
    bundle = ("--tls-server-bundle-file", world.bundle)
    crl = ("--tls-crl-file", world.crl("some.crl"))
    assert "needs --tls-server-bundle-file" in fails(*ca)
    assert "needs --tls-client-ca-file" in fails(*bundle, *crl)
    assert "needs --tls-client-ca-file" in fails(*bundle,
                                                 "--require-client-cert")
    assert "needs --tls-client-ca-file" in fails(*bundle, "--role-from", "ou")
    assert "--role-from" in fails(*bundle, *ca, "--role-from", "nonsense")


def test_crls_fail_closed(world):
    flags = ("--tls-server-bundle-file", world.bundle,
             "--tls-client-ca-file", world.ca, "--tls-crl-file")
    assert "overdue" in fails(*flags, world.crl("old.crl",
                                                next="2024-06-01"))
    assert "not among the CAs" in fails(
        *flags, world.crl("alien.crl", issuer=pki.authority("alien")))
    done = harness.run_smokescreen(
        "--check-config", *flags, world.crl("old.crl", next="2024-06-01"),
        "--tls-crl-grace", "999999h")
    assert done.returncode != 0  # 2^31 ms is the longest


def test_config_section(proxy, world, web, origin, tmp_path):
    whole = world.bundle.read_text()
    at = whole.index("-----BEGIN PRIVATE")
    config = (f"tls:\n"
              f"  cert_file: {world.write('c.pem', whole[:at])}\n"
              f"  key_file: {world.write('k.pem', whole[at:])}\n"
              f"  client_ca_files: [{world.ca}]\n"
              f"  crl_files: [{world.crl('fine.crl')}]\n"
              f"require_client_cert: true\nrole_from: cn\n")
    child = proxy("--egress-acl-file", harness.compile_acl(tmp_path, ACL),
                  config=config)
    world.tunnel(child, origin().port, web).close()
    path = tmp_path / "config.yaml"
    shown = harness.run_smokescreen("--check-config", "--config-file",
                                    path).stdout
    assert f"key_file: {world.directory / 'k.pem'}" in shown
    assert "require_client_cert: true" in shown


def test_config_mistakes(tmp_path):
    assert "'tls' section requires 'cert_file'" in fails(
        config="tls: {key_file: x}\n", tmp_path=tmp_path)
    text = fails(config="tls: {cert_fil: x}\n", tmp_path=tmp_path)
    assert "did you mean 'cert_file'?" in text
    assert "field tls.cert_file not found" in fails(
        config="tls.cert_file: x\n", tmp_path=tmp_path)


def test_expired_server_certificate_is_warned_of(secure, world):
    child = secure(bundle=world.server("expired.pem", end="2021-01-01"))
    child.wait_log("the server's certificate has expired: clients that check "
                   "will refuse it")


def test_ca_without_crl_is_warned_of(secure, world):
    other = pki.authority("other root")
    cas = world.write("two.pem", world.root.pem + other.pem)
    child = secure("--tls-crl-file", world.crl("one.crl"), ca=cas)
    child.wait_for(lambda line: "no CRL for the client CA other root" in
                   line["msg"])


def test_open_doors(secure, proxy, world):
    msg = "anyone who can reach the port can use this proxy"
    line = secure(acl=None).wait_log(msg)
    assert "no require_client_cert" in line["open_doors"]
    line = proxy("--tls-server-bundle-file", world.bundle).wait_log(msg)
    assert "no client CA" in line["open_doors"]
    assert secure().logged(msg) == []


def test_handshakes_are_counted(secure, world, web, origin):
    child = secure("--expose-prometheus-metrics", "--prometheus-listen-ip",
                   "127.0.0.1", "--prometheus-port", "0")
    world.tunnel(child, origin().port, web).close()
    child.ask(b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n")
    child.dial().close()  # which is none
    port = child.logged("serving metrics")[0]["port"]
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=harness.SECONDS) as answer:
        text = answer.read().decode()
    assert 'smokescreen_tls_handshakes_total{result="ok"} 1\n' in text
    assert 'smokescreen_tls_handshakes_total{result="failed"} 1\n' in text


# --- other clients ------------------------------------------------------------

def s_client(world, child, client, said, *flags):
    """What openssl's client hears after it has said this."""
    command = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect",
               f"127.0.0.1:{child.port}", "-CAfile", world.server_ca,
               *flags]
    if client is not None:
        command += ["-cert", client.file, "-key", client.file]
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        process.stdin.write(said)
        process.stdin.flush()
        heard = process.stdout.read()
        process.stdin.close()
        return heard


@pytest.mark.parametrize("length", [512, 4096])
def test_small_fragments(secure, world, web, origin, length):
    """A client that takes no more in one record gets no more."""
    body = os.urandom(100_000)

    def serve(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body)
    child = secure()
    port = origin(serve).port
    heard = s_client(world, child, web, (
        f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Connection: close\r\n\r\n").encode(), "-tls1_2", "-maxfraglen",
        str(length))
    assert heard.endswith(body)


@pytest.mark.parametrize("flags", [
    ("-tls1_1",), ("-tls1",), ("-tls1_3",),
    ("-tls1_2", "-curves", "secp224r1"),
    ("-tls1_2", "-cipher", "CAMELLIA128-SHA:AES128-SHA")],
    ids=lambda flags: "".join(flags)[1:12])
def test_s_client_is_refused(secure, world, flags):
    child = secure()
    assert s_client(world, child, None, b"", *flags) == b""
    assert child.wait_log("TLS handshake failed")["error"]


@pytest.fixture(scope="module")
def rsa_bundle(world):
    """A client that is kept to one curve would refuse a key on another."""
    return world.server("rsa.pem", pki.Key("-algorithm", "RSA", "-pkeyopt",
                                           "rsa_keygen_bits:2048"))


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "secp521r1",
                                   "X25519"])
def test_curves(secure, world, curve, rsa_bundle):
    heard = s_client(world, secure(bundle=rsa_bundle), None, b"GET /healthcheck HTTP/1.1\r\n"
                     b"Host: x\r\n\r\n", "-tls1_2", "-curves", curve)
    assert heard.startswith(b"HTTP/1.1 200")


def test_a_chain_that_is_too_long(secure, world):
    middle = [pki.authority(f"middle {i}", world.root) for i in range(10)]
    refused(secure(), world, world.client("web", None, *middle), "TOO_MANY",
            "bad certificate")


def test_a_certificate_that_is_too_big(secure, world):
    padded = world.client("web", more=[pki.ext("1.3.6.1.4.1.99999.1",
                                               b"\0" * 66000)])
    refused(secure(), world, padded, "TOO_BIG", "bad certificate")
