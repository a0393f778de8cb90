"""Sessions that clients resume: who they are stays, and nothing of it outlives
a reload."""

import signal
import ssl
import subprocess
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import harness
import pki
import pytest
from tls import ACL, Pki


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def secure(proxy, world, tmp_path):
    def start(*flags, **more):
        return proxy("--tls-server-bundle-file", world.bundle,
                     "--tls-client-ca-file", world.ca, "--egress-acl-file",
                     harness.compile_acl(tmp_path, ACL), *flags, **more)
    return start


class Client:
    """One that keeps its session, as browsers and curl do."""

    def __init__(self, world, child, certificate=None):
        self.child = child
        self.context = world.context(certificate)
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.session = None

    def dial(self):
        sock = self.context.wrap_socket(
            self.child.dial(), server_hostname="127.0.0.1",
            session=self.session, suppress_ragged_eofs=False)
        self.session = sock.session
        return sock

    def ask(self, port):
        """The status of a CONNECT, and whether a session was resumed."""
        with self.dial() as sock:
            sock.sendall(harness.connect_head("127.0.0.1", port))
            return harness.read_head(sock).status, sock.session_reused


def counted(child):
    port = child.logged("serving metrics")[0]["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                timeout=harness.SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2])
            for line in lines if line.startswith("smokescreen_tls_")}


def test_role_stays(secure, world, origin):
    child = secure("--expose-prometheus-metrics", "--prometheus-listen-ip",
                   "127.0.0.1", "--prometheus-port", "0", "--workers", "3")
    client = Client(world, child, world.client(
        pki.name("web", ous=["payments"])))
    port = origin().port
    assert client.ask(port) == (200, False)
    # whichever worker it comes to
    for _ in range(8):
        assert client.ask(port) == (200, True)
    child.wait_log("CANONICAL-PROXY-DECISION", 9, role="web")
    for line in child.logged("CANONICAL-PROXY-DECISION"):
        assert line["role_source"] == "cn"
        assert line["inbound_remote_x509_cn"] == "web"
        assert line["inbound_remote_x509_ou"] == "payments"
    seen = counted(child)
    assert seen['smokescreen_tls_handshakes_total{result="ok"}'] == 9
    assert seen["smokescreen_tls_resumptions_total"] == 8


def test_nobody_stays_nobody(secure, world, origin):
    client = Client(world, secure())
    assert client.ask(origin().port) == (407, False)
    assert client.ask(origin().port) == (407, True)


def test_required_certificates(secure, world, origin):
    client = Client(world, secure("--require-client-cert"),
                    world.client("web"))
    port = origin().port
    assert client.ask(port) == (200, False)
    assert client.ask(port) == (200, True)


def test_no_client_ca(proxy, world, origin):
    client = Client(world, proxy("--tls-server-bundle-file", world.bundle,
                                 "--allow-range", "127.0.0.0/8"))
    port = origin().port
    assert client.ask(port) == (200, False)
    assert client.ask(port) == (200, True)


def test_reload_ends_sessions(secure, world, origin):
    child = secure()
    client = Client(world, child, world.client("web"))
    port = origin().port
    client.ask(port)
    assert client.ask(port) == (200, True)
    child.reload()
    assert client.ask(port) == (200, False)
    assert client.ask(port) == (200, True)


def test_revoked_clients_cannot_resume(secure, world, origin, tmp_path):
    """Nor are their certificates remembered as good ones."""
    victim = world.client("web")
    path = tmp_path / "live.crl"
    path.write_bytes(pki.crl(world.root))
    child = secure("--tls-crl-file", path)
    client, port = Client(world, child, victim), origin().port
    assert client.ask(port) == (200, False)
    assert client.ask(port) == (200, True)
    assert Client(world, child, victim).ask(port) == (200, False)
    path.write_bytes(pki.crl(world.root, [victim], number=2))
    child.reload()
    for each in client, Client(world, child, victim):
        with pytest.raises(ssl.SSLError, match="(?i)certificate revoked"):
            each.ask(port)
    assert child.wait_log("TLS handshake failed", 2, refused="REVOKED")


def test_removed_ca_ends_sessions(secure, world, origin, tmp_path):
    cas = tmp_path / "cas.pem"
    other = pki.authority("other root")
    cas.write_text(other.pem)
    child = secure("--tls-client-ca-file", cas)
    client = Client(world, child, world.client("web", other))
    port = origin().port
    client.ask(port)
    assert client.ask(port) == (200, True)
    cas.write_text(pki.authority("third root").pem)
    child.reload()
    with pytest.raises(ssl.SSLError, match="(?i)unknown ca"):
        client.ask(port)


def test_a_failed_reload_keeps_them(secure, world, origin, tmp_path):
    path = tmp_path / "live.crl"
    path.write_bytes(pki.crl(world.root))
    child = secure("--tls-crl-file", path)
    client, port = Client(world, child, world.client("web")), origin().port
    client.ask(port)
    path.write_bytes(b"nothing")
    child.signal(signal.SIGHUP)
    child.wait_log("policy not reloaded, the old one stays")
    assert client.ask(port) == (200, True)


def test_expired_certificates_cannot_resume(secure, world, origin):
    """A session lasts no longer than the certificate."""
    child, port = secure(), origin().port
    end = datetime.now(timezone.utc) + timedelta(seconds=12)
    client = Client(world, child, world.client(
        "web", end=end.strftime("%Y-%m-%d %H:%M:%S")))
    assert client.ask(port) == (200, False)
    assert client.ask(port) == (200, True)
    while datetime.now(timezone.utc) < end + timedelta(seconds=1):
        time.sleep(0.1)
    with pytest.raises(ssl.SSLError, match="(?i)certificate expired"):
        client.ask(port)


def test_openssl(secure, world, tmp_path):
    """The client that everybody has at hand."""
    child = secure()
    session = tmp_path / "session.pem"

    def run(*flags):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{child.port}",
             "-CAfile", world.server_ca, "-tls1_2", *flags],
            input=b"Q\n", capture_output=True, timeout=60)
        return done.stdout.decode()
    assert "New, TLSv1.2" in run("-sess_out", session)
    assert "Reused, TLSv1.2" in run("-sess_in", session)
    child.reload()
    assert "New, TLSv1.2" in run("-sess_in", session)
