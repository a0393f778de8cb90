"""Clients of a proxy that speaks TLS: of several certificates, good and bad,
resuming sessions or not, while certificates, CAs and CRLs come and go."""

import contextlib
import os
import ssl

import harness
import pki
import tls
from crowd import Again, Crowd
from origins import reset

ROLES = ["red", "green", "blue"]  # each may go to its own name only

ACL = "version: v1\nservices:\n" + "".join(f"""\
- name: {role}
  project: soak
  action: enforce
  allowed_domains: [{role}.test, x%d.test]
""" for role in ROLES)
# A handshake has more turns than a request, and a client waits at each.
CONFIG = "read_header_timeout: 30s\n"
NAMES = {f"{role}.test": ["127.0.0.1"] for role in ROLES}


class World(tls.Pki):
    """Everybody's certificates, and the files that the proxy loads."""

    def __init__(self, directory):
        super().__init__(directory)
        self.bundles = [self.server(f"{name}.pem", key=key) for name, key in (
            ("ec", None), ("rsa", pki.Key("-algorithm", "RSA")))]
        self.other_root = pki.authority("other root")
        self.roles = {role: self.context(self.client(role)) for role in ROLES}
        self.nobody = self.context()
        revoked, sometimes = (self.client(ROLES[0]) for _ in range(2))
        self.revoked = self.context(revoked)
        self.sometimes_revoked = self.context(sometimes)
        self.stranger = self.context(
            self.client(ROLES[0], pki.authority("unknown root")))
        self.sometimes_stranger = self.context(
            self.client(ROLES[0], self.other_root))
        self.lists = [pki.crl(self.root, each, number=number) for number, each
                      in enumerate(([revoked], [revoked, sometimes]), 1)]
        self.files = [self.directory / name for name in
                      ("live.pem", "cas.pem", "live.crl")]
        self.renew(0)

    def renew(self, turn):
        """Every second time nothing is new but the policy."""
        odd = turn // 2 % 2
        for file, text in zip(self.files, (
                self.bundles[odd].read_bytes(),
                (self.root.pem + odd * self.other_root.pem).encode(),
                self.lists[odd])):
            fresh = file.with_suffix(".fresh")
            fresh.write_bytes(text)
            os.rename(fresh, file)

    def flags(self):
        bundle, cas, crl = self.files
        return ("--tls-server-bundle-file", bundle, "--tls-client-ca-file",
                cas, "--tls-crl-file", crl)

    def context(self, client=None):
        made = super().context(client)
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        return made


class TlsClients(Crowd):
    NAME = "TLS"
    THREADS = 6

    def __init__(self, *args, world):
        super().__init__(*args)
        self.world = world
        self.sessions = {}

    def kinds(self):
        return [self.connect, self.connect, self.elsewhere, self.plain,
                self.without_certificate, self.revoked, self.stranger,
                self.sometimes_refused, self.half_a_hello, self.without_tls,
                self.resetting, self.origin_resets]

    def renew(self, turn):
        self.world.renew(turn)

    def dial(self, context, session=None):
        return context.wrap_socket(
            self.child.dial(), server_hostname="127.0.0.1", session=session,
            suppress_ragged_eofs=False)

    def as_role(self, role):
        """A connection in that role, by the last session there was."""
        sock = self.dial(self.world.roles[role], self.sessions.get(role))
        self.sessions[role] = sock.session
        self.counts["(resumed)"] += sock.session_reused
        return sock

    def ask(self, sock, host):
        """CONNECT; the status."""
        sock.sendall(harness.connect_head(host, self.target))
        return self.status_of(harness.read_head(sock))

    def status_of(self, head):
        if head.status == 503:
            raise Again
        return head.status

    def tunnel_of(self, role):
        sock = self.as_role(role)
        try:
            status = self.ask(sock, f"{role}.test")
            assert status == 200, status
        except BaseException:
            sock.close()
            raise
        return sock

    def tunnel(self):
        return self.tunnel_of(ROLES[0])

    def refused(self):
        with self.as_role(ROLES[0]) as sock:
            return self.ask(sock, f"{ROLES[0]}.test")

    # --- what a client can be like ---

    def connect(self, rng):
        part = self.bytes[:rng.randrange(1, len(self.bytes))]
        with self.tunnel_of(rng.choice(ROLES)) as sock:
            assert tls.through_echo(sock, part) == part

    def elsewhere(self, rng):
        """Where another role may go: a resumed session has its own alone."""
        role, other = rng.sample(ROLES, 2)
        with self.as_role(role) as sock:
            assert self.ask(sock, f"{other}.test") == 407

    def plain(self, rng):
        """Some requests on one connection, which a reload ends in between."""
        role = rng.choice(ROLES)
        with self.as_role(role) as sock:
            for turn in range(rng.randrange(1, 4)):
                size = rng.randrange(50_000)
                head = self.get(sock, f"{role}.test", size, kept=turn > 0)
                if head is None:
                    return
                assert self.status_of(head) == 200, head
                assert harness.read_exactly(sock, size) == self.bytes[:size]

    def get(self, sock, host, size, kept):
        """The head of the answer; None if a kept connection has ended."""
        request = (f"GET http://{host}:{self.web}/{size} HTTP/1.1\r\n"
                   f"Host: a\r\n\r\n")
        try:
            sock.sendall(request.encode())
            first = sock.recv(1)
        except (ConnectionError, ssl.SSLError):
            if kept:
                return None
            raise
        if kept and first == b"":
            return None
        return harness.read_head(sock, first)

    def without_certificate(self, _):
        with self.dial(self.world.nobody) as sock:
            assert self.ask(sock, f"{ROLES[0]}.test") == 407

    def handshake_fails(self, context, why):
        """Whether it does, for that reason."""
        try:
            with self.dial(context) as sock:
                status = self.ask(sock, f"{ROLES[0]}.test")
                assert status == 200, status
                return False
        except ssl.SSLError as error:
            assert why in error.reason, error
            return True

    def revoked(self, _):
        assert self.handshake_fails(self.world.revoked, "CERTIFICATE_REVOKED")

    def stranger(self, _):
        assert self.handshake_fails(self.world.stranger, "UNKNOWN_CA")

    def sometimes_refused(self, rng):
        """As of one turn's files, or as of the next one's."""
        self.handshake_fails(*rng.choice([
            (self.world.sometimes_revoked, "CERTIFICATE_REVOKED"),
            (self.world.sometimes_stranger, "UNKNOWN_CA")]))

    def half_a_hello(self, rng):
        came, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = self.world.nobody.wrap_bio(came, out)
        with contextlib.suppress(ssl.SSLWantReadError):
            half.do_handshake()
        hello = out.read()
        with self.child.dial() as sock:
            sock.sendall(hello[:rng.randrange(1, len(hello))])
            if rng.random() < 0.5:
                reset(sock)

    def without_tls(self, _):
        answer = self.child.connect(f"{ROLES[0]}.test", self.target)
        assert answer.status == 400, answer

    def resetting(self, rng):
        """In a tunnel, with bytes on their way in both directions."""
        sock = self.tunnel_of(rng.choice(ROLES))
        sock.sendall(self.bytes[:rng.randrange(1, 20_000)])
        reset(sock)

    def origin_resets(self, rng):
        with self.tunnel_of(rng.choice(ROLES)) as sock:
            sock.sendall(b"reset me")
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                harness.read_all(sock)
