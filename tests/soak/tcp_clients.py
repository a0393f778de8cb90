"""Clients of a proxy without TLS: served, denied, refused, not resolvable, slow,
resetting, speaking early, half-closing, leaving."""

import contextlib
import random
import socket
import threading
import time

import harness
from crowd import Crowd
from origins import reset

# A busy machine may stall a client, or the name server, for long.
HEAD_TIMEOUT = 5.0
DNS_TIMEOUT = 4.0

ACL = """\
version: v1
services: []
default:
  project: soak
  action: enforce
  allowed_external_proxies: [127.0.0.1]
  allowed_domains: [127.0.0.1, origin.test, gone.test, mute.test, x%d.test]
"""
CONFIG = f"""\
allow_missing_role: true
read_header_timeout: {int(HEAD_TIMEOUT * 1000)}ms
dns_timeout: {int(DNS_TIMEOUT * 1000)}ms
"""


class TcpClients(Crowd):
    NAME = "TCP"
    THREADS = 12

    def __init__(self, *args):
        super().__init__(*args)
        self.refusing = harness.refusing_port()

    def kinds(self):
        return [self.denied, self.denied_address, self.refused_port,
                self.unknown_name, self.mute_name_server, self.malformed,
                self.echoed, self.echoed, self.by_name, self.early,
                self.plain, self.plain_resetting, self.by_another_proxy,
                self.half_closed, self.slow_head, self.slow_reader,
                self.resetting, self.leaving, self.origin_resets]

    def tunnel(self):
        return self.child.tunnel("127.0.0.1", self.target)

    def refused(self):
        return self.child.connect("127.0.0.1", self.target).status

    def expect(self, status, host, port):
        answer = self.child.connect(host, port)
        assert answer.status == status, answer

    # --- what a client can be like ---

    def denied(self, _):
        self.expect(407, "denied.test", 443)

    def denied_address(self, _):
        self.expect(407, "10.0.0.1", 443)

    def refused_port(self, _):
        self.expect(502, "127.0.0.1", self.refusing)

    def unknown_name(self, _):
        self.expect(502, "gone.test", 443)

    def mute_name_server(self, _):
        self.expect(504, "mute.test", 443)

    def malformed(self, _):
        answer = self.child.ask(b"CONNECT  x HTTP/1.1\r\n\r\n")
        assert answer.status == 400, answer

    def echoed(self, rng, host="127.0.0.1"):
        with self.child.tunnel(host, self.target) as sock:
            for _ in range(rng.randrange(4)):
                part = self.bytes[:rng.randrange(1, len(self.bytes))]
                sender = threading.Thread(target=sock.sendall, args=(part,))
                sender.start()
                assert harness.read_exactly(sock, len(part)) == part
                sender.join()

    def by_name(self, rng):
        self.echoed(rng, "origin.test")

    def early(self, rng):
        part = self.bytes[:rng.randrange(1, 4000)]
        with self.child.tunnel("127.0.0.1", self.target, early=part) as sock:
            assert harness.read_exactly(sock, len(part)) == part

    def plain(self, rng):
        """Some requests of plain HTTP on one connection, one of them denied."""
        with self.child.dial() as sock:
            for _ in range(rng.randrange(1, 4)):
                size = rng.randrange(50_000)
                sock.sendall(b"GET http://127.0.0.1:%d/%d HTTP/1.1\r\n"
                             b"Host: a\r\n\r\n" % (self.web, size))
                assert harness.read_head(sock).status == 200
                assert harness.read_exactly(sock, size) == self.bytes[:size]
            sock.sendall(b"GET http://denied.test/ HTTP/1.1\r\nHost: a\r\n"
                         b"Connection: close\r\n\r\n")
            assert harness.Answer(harness.read_all(sock)).status == 407

    def plain_resetting(self, rng):
        sock = self.child.dial()
        sock.sendall(b"GET http://127.0.0.1:%d/90000 HTTP/1.1\r\nHost: a\r\n"
                     b"\r\n" % self.web)
        if rng.random() < 0.5:
            sock.recv(rng.randrange(1, 5000))
        reset(sock)

    def by_another_proxy(self, rng):
        """Which consents, refuses, resets or talks nonsense."""
        part = self.bytes[:rng.randrange(1, 4000)]
        what = rng.choice(["yes", "no", "reset", "nonsense"])
        with self.child.dial() as sock:
            sock.sendall(harness.connect_head(
                "127.0.0.1", self.target, "X-Upstream-Https-Proxy: http://"
                f"{what}:pw@127.0.0.1:{self.proxy}\r\n") + part)
            head = harness.read_head(sock)
            assert head.status == (200 if what == "yes" else 500), head
            if what == "yes":
                assert harness.read_exactly(sock, 5) == b"ahead"
                assert harness.read_exactly(sock, len(part)) == part

    def half_closed(self, rng):
        part = self.bytes[:rng.randrange(1, 20000)]
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            assert harness.read_all(sock) == part

    def slow_head(self, rng):
        """A byte at a time, and sometimes not to the end."""
        head = harness.connect_head("127.0.0.1", self.target)
        whole = rng.random() < 0.5
        begun = time.monotonic()
        with self.child.dial() as sock:
            # refused halfway it has run out of time, which is told below
            with contextlib.suppress(ConnectionError):
                for byte in head[:-4]:
                    sock.sendall(bytes([byte]))
                if whole:
                    time.sleep(HEAD_TIMEOUT / 20)
                    sock.sendall(head[-4:])
            status = harness.read_head(sock).status
            # its clock has a grain of some milliseconds
            if time.monotonic() - begun < HEAD_TIMEOUT - 0.1:
                assert whole and status == 200, status
            else:
                assert status == 408 or (whole and status == 200), status

    def slow_reader(self, rng):
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(self.bytes[:rng.randrange(1, 60000)])
            time.sleep(rng.random() / 4)

    def resetting(self, rng):
        """At any moment."""
        sock = self.child.dial()
        head = harness.connect_head(
            rng.choice(["127.0.0.1", "mute.test", "origin.test"]), self.target)
        sock.sendall(head[:rng.choice([1, len(head)])])
        if rng.random() < 0.5:
            time.sleep(rng.random() / 50)
        with contextlib.suppress(OSError):
            sock.sendall(self.bytes[:1000])
        reset(sock)

    def leaving(self, _):
        with self.child.dial() as sock:
            sock.sendall(harness.connect_head("mute.test", 443))

    def origin_resets(self, _):
        with self.child.tunnel("127.0.0.1", self.target) as sock:
            sock.sendall(b"reset me")
            with contextlib.suppress(ConnectionError):
                harness.read_all(sock)
