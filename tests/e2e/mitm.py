"""What the tests of mitm_domains share: a CA to mint by, a policy, and clients
that speak TLS inside of their tunnels."""

import ssl
from pathlib import Path

import harness
import pki
import web
from servers import Servers, Site

HOST = "origin.test"
NAMES = {HOST: ["127.0.0.1"], "other.test": ["127.0.0.1"],
         "in.test": ["10.1.2.3"]}
NO_EOF_CHECK = 0x80  # SSL_OP_IGNORE_UNEXPECTED_EOF


def acl(entry=None, domain=HOST, more=""):
    """A policy whose default rule has this entry of mitm_domains."""
    text = f"""\
version: v1
services: []
default:
  project: tests
  action: enforce
  allowed_domains: ["{domain}", other.test, in.test, 127.0.0.1]
{more}"""
    if entry is not None:
        text += f"  mitm_domains:\n  - domain: \"{domain}\"\n"
        text += "".join(f"    {line}\n" for line in entry.splitlines())
    return text


SECRET = "add_headers: {X-Key: s3cret, authorization: Bearer t0ken}"
LOGS = SECRET + """
detailed_http_logs: true
detailed_http_logs_full_headers: [User-Agent, x-shown]
"""


class Ca:
    """A CA to mint by, and the configuration that says so."""

    def __init__(self, directory, **more):
        directory = Path(directory)
        self.root = pki.authority("MITM CA", **more)
        self.file = directory / "mitm-ca.pem"
        self.key_file = directory / "mitm-ca.key"
        self.file.write_text(self.root.pem)
        self.key_file.write_bytes(self.root.key.pem)
        self.config = (f"mitm_ca_cert_file: {self.file}\n"
                       f"mitm_ca_key_file: {self.key_file}\n")

    def context(self):
        context = ssl.create_default_context(cafile=self.file)
        context.options &= ~NO_EOF_CHECK
        return context


class World:
    """A proxy that mints, and origins that it trusts."""

    def __init__(self, directory):
        self.ca = Ca(directory)
        self.servers = Servers(directory)

    def at(self, proxy, origin):
        """The same, with a test's own way to start both."""
        return Here(self, proxy, origin)


class Here:
    def __init__(self, world, proxy, origin):
        self.ca, self.servers = world.ca, world.servers
        self._proxy, self._origin = proxy, origin

    def site(self, *answers, file=None, **more):
        return Site(self._origin, file or self.servers.good, *answers, **more)

    def proxy(self, *flags, entry=SECRET, domain=HOST, more="", config="",
              ca=None, **rest):
        """A proxy whose policy has this entry, with one worker: each has a pool
        of its own."""
        return self._proxy(
            "--workers", "1", *self.servers.trust, *flags,
            config=(ca or self.ca).config + config,
            **{"dns": NAMES, "acl": acl(entry, domain, more), **rest})


class Within:
    """TLS over a socket that may speak TLS itself, as a socket.  The ssl module
    wraps no SSLSocket; the two BIOs are carried by hand."""

    def __init__(self, context, sock, host, early=b""):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_hostname=host)
        self.incoming.write(early)
        self.call(self.tls.do_handshake)

    def flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def call(self, method, *args):
        while True:
            try:
                result = method(*args)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                part = self.sock.recv(1 << 16)
                if part:
                    self.incoming.write(part)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                self.flush()
                raise

    def sendall(self, data):
        # no more than the peer is sure to take before it is read again
        for at in range(0, len(data), 1 << 14):
            self.call(self.tls.write, data[at:at + (1 << 14)])

    def recv(self, size):
        try:
            return self.call(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def getpeercert(self, binary=False):
        return self.tls.getpeercert(binary)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def inside(child, ca, there, host=None, headers="", context=None, name=None):
    """A client that speaks TLS in its tunnel to the site; `name` is its SNI,
    when that is another one."""
    host = host or there.at.rpartition(":")[0]
    sock = child.tunnel(host, there.port, headers)
    tls = (context or ca.context()).wrap_socket(
        sock, server_hostname=name or host, suppress_ragged_eofs=False)
    return web.Wire(tls)


def get(there, path="/", method="GET", headers="", body=b"", version="1.1",
        host=None):
    """The bytes of a request as it is sent to a server."""
    host = there.at if host is None else host
    return (f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{headers}\r\n"
            ).encode() + body


def ask(wire, there, **more):
    """One request and its answer."""
    wire.send(get(there, **more))
    return wire.message(bodiless=more.get("method") == "HEAD")


def inner(child, count=1, **fields):
    """The decision about a request inside, once there are so many."""
    return child.wait_log("CANONICAL-PROXY-DECISION", count,
                          proxy_type="mitm", **fields)


def nothing_leaks(child, *secrets):
    """None of these is in any line of the log."""
    for line in child.lines:
        for secret in secrets:
            assert secret not in str(line), line


__all__ = ["HOST", "LOGS", "NAMES", "SECRET", "Ca", "Within", "World", "acl", "ask",
           "get", "harness", "inner", "inside", "nothing_leaks"]
