"""What the TLS tests share: a PKI, and clients that speak TLS to the proxy."""

import contextlib
import select
import ssl
import tempfile
from pathlib import Path

import harness
import pki

ACL = """\
version: v1
services:
- name: web
  project: tests
  action: enforce
  allowed_domains: [127.0.0.1]
"""


class Pki:
    """A server's certificate, a CA of clients, and clients of it."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.root = pki.authority("root")
        self.server_root = pki.authority("server root")
        self.ca = self.write("ca.pem", self.root.pem)
        self.server_ca = self.write("server-ca.pem", self.server_root.pem)
        self.bundle = self.server("server.pem")

    def write(self, name, text):
        path = self.directory / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return path

    def server(self, name, key=None, **more):
        """The path of a bundle for 127.0.0.1, which is localhost."""
        certificate = pki.Certificate(
            "proxy", self.server_root, key=key, extensions=[
                pki.usage(pki.DIGITAL), pki.purposes(pki.SERVER),
                pki.alt_names(pki.ip([127, 0, 0, 1]), pki.dns("localhost"))], **more)
        return self.write(name, certificate.pem +
                          certificate.key.pem.decode())

    def client(self, subject="web", issuer=None, *chain, **more):
        """A client's certificate, with .file being it and its key."""
        certificate = pki.Certificate(subject, issuer or self.root, **more)
        with tempfile.NamedTemporaryFile("w", dir=self.directory,
                                         delete=False) as file:
            file.write(certificate.pem)
            file.write("".join(each.pem for each in chain))
            file.write(certificate.key.pem.decode())
        certificate.file = file.name
        return certificate

    def crl(self, name, *revoked, issuer=None, **more):
        """The path of a CRL."""
        return self.write(name, pki.crl(issuer or self.root, revoked, **more))

    def context(self, client=None):
        context = ssl.create_default_context(cafile=self.server_ca)
        # a connection that is cut must not look as if it had ended
        context.options &= ~0x80  # SSL_OP_IGNORE_UNEXPECTED_EOF
        if client is not None:
            context.load_cert_chain(client.file)
        return context

    def dial(self, proxy, client=None, context=None):
        """A TLS connection to the proxy."""
        context = context or self.context(client)
        return context.wrap_socket(proxy.dial(), server_hostname="127.0.0.1",
                                   suppress_ragged_eofs=False)

    def tunnel(self, proxy, port, client=None, early=b"", context=None):
        """CONNECT to the port on loopback; the answer must be 200."""
        sock = self.dial(proxy, client, context)
        sock.sendall(harness.connect_head("127.0.0.1", port) + early)
        head = harness.read_head(sock)
        assert head.status == 200, head
        return sock

    def ask(self, proxy, request, client=None):
        with self.dial(proxy, client) as sock:
            sock.sendall(request)
            return harness.Answer(harness.read_all(sock))

    def connect(self, proxy, port, client=None):
        return self.ask(proxy, harness.connect_head("127.0.0.1", port),
                        client)


class Stepwise:
    """A client whose bytes are sent when we say so."""

    def __init__(self, proxy, context):
        self.came, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.came, self.out,
                                    server_hostname="127.0.0.1")
        self.sock = proxy.dial()
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.hello = self.out.read()

    def receive(self):
        part = self.sock.recv(1 << 16)
        assert part
        self.came.write(part)

    def finish(self):
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.sock.sendall(self.out.read())
                self.receive()

    def sendall(self, data):
        self.tls.write(data)
        self.sock.sendall(self.out.read())

    def recv(self, size):
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                self.receive()
            except ssl.SSLZeroReturnError:
                return b""


def through_echo(sock, data):
    """Send and receive at once, in one thread, for OpenSSL's connections are no
    place for two to meet; what came back."""
    sock.setblocking(False)
    sent, parts, got = 0, [], 0
    while got < len(data):
        if not sock.pending():
            select.select([sock], [sock] if sent < len(data) else [], [],
                          harness.SECONDS)
        try:
            part = sock.recv(1 << 16)
            assert part, f"ended after {got} bytes"
            parts.append(part)
            got += len(part)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        try:
            if sent < len(data):
                sent += sock.send(data[sent:sent + (1 << 16)])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
    return b"".join(parts)
