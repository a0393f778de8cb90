"""What the end-to-end tests share: the proxy as a child process, origins on
loopback, and a raw HTTP client that hides nothing.

Everything waits for something that is said or done, never for time to pass;
every wait has an end.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
SECONDS = 20  # longer than anything here takes, even under a sanitizer
LOOPBACK = ("--allow-range", "127.0.0.0/8")


def find_promtool():
    """Its path: as said, as installed, or as `make deps-ci` has put it."""
    kept = Path(__file__).resolve().parents[2] / "build/tools/promtool"
    return os.environ.get("PROMTOOL") or shutil.which("promtool") or \
        (str(kept) if os.access(kept, os.X_OK) else None)


PROMTOOL = find_promtool()


class Failed(Exception):
    """The proxy did not start; `text` is what it said, `status` its exit."""

    def __init__(self, status, text):
        super().__init__(f"exit status {status}: {text}")
        self.status = status
        self.text = text


def compile_acl(directory, text, *flags):
    """Compile the YAML in `text`; the path of the blob."""
    source = Path(directory) / "acl.yaml"
    blob = Path(directory) / "acl.blob"
    source.write_text(text)
    done = subprocess.run(
        [BUILD / "smokescreenc", *flags, "-o", blob, source],
        capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return blob


def run_smokescreen(*args, **more):
    """Run it to its end."""
    return subprocess.run([BUILD / "smokescreen", *map(str, args)],
                          capture_output=True, text=True, timeout=SECONDS,
                          **more)


class Proxy:
    """A running smokescreen: its port, its log as objects."""

    def __init__(self, *args, stderr=subprocess.PIPE):
        self.lines = []  # every log line, parsed
        self.garbage = []  # lines that are no JSON objects
        self.process = self.start(
            [str(BUILD / "smokescreen"), "--listen-port", "0",
             *map(str, args)], stderr=stderr, stdin=subprocess.DEVNULL)
        self.news = threading.Condition()
        self.ended = False
        if stderr is not subprocess.PIPE:
            return
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            ready = self.wait_log("ready")
        except AssertionError:
            status = self.process.wait(SECONDS)
            raise Failed(status, "\n".join(self.garbage)) from None
        self.port = ready["port"]
        self.policy = ready["policy"]

    def start(self, words, **more):
        return subprocess.Popen(words, **more)

    def _read(self):
        for raw in self.process.stderr:
            with self.news:
                try:
                    line = json.loads(raw)
                    assert isinstance(line, dict)
                    self.lines.append(line)
                except (ValueError, AssertionError):
                    self.garbage.append(raw.decode(errors="replace"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def logged(self, msg, **fields):
        """The lines so far with this msg and these fields."""
        return [line for line in list(self.lines) if line["msg"] == msg and
                all(line.get(key) == value for key, value in fields.items())]

    def wait_log(self, msg, count=1, **fields):
        """Wait for `count` such lines; the last of them."""
        return self._wait(lambda: self.logged(msg, **fields), count,
                          f"{msg!r} {fields}")

    def wait_for(self, wanted):
        """Wait for a line of which `wanted` is true; that line."""
        return self._wait(lambda: list(filter(wanted, self.lines)), 1,
                          "of the lines wanted")

    def _wait(self, find, count, what):
        end = time.monotonic() + SECONDS
        with self.news:
            while True:
                found = find()
                if len(found) >= count:
                    return found[count - 1]
                if self.ended or not self.news.wait(end - time.monotonic()):
                    break
        shown = "\n".join(map(str, self.lines[-20:]))
        raise AssertionError(f"{len(found)} of {count} {what}; the last "
                             f"lines:\n{shown}")

    def decision(self, **fields):
        return self.wait_log("CANONICAL-PROXY-DECISION", **fields)

    def close_line(self, **fields):
        return self.wait_log("CANONICAL-PROXY-CN-CLOSE", **fields)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        before = len(self.logged("policy reloaded"))
        self.signal(signal.SIGHUP)
        return self.wait_log("policy reloaded", before + 1)

    def dial(self):
        sock = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        sock.settimeout(SECONDS)
        return sock

    def tunnel(self, host, port=None, headers="", early=b""):
        """CONNECT and return the socket; the answer must be 200."""
        sock = self.dial()
        sock.sendall(connect_head(host, port, headers) + early)
        head = read_head(sock)
        assert head.status == 200, head
        return sock

    def ask(self, request):
        """Send bytes, read until the end; the answer."""
        with self.dial() as sock:
            sock.sendall(request)
            return Answer(read_all(sock))

    def connect(self, host, port=None, headers=""):
        """CONNECT that is not to succeed; the answer."""
        return self.ask(connect_head(host, port, headers))

    def curl(self, *args):
        return subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", str(SECONDS),
             "--noproxy", "", "--proxy", f"http://127.0.0.1:{self.port}",
             *args], capture_output=True, timeout=SECONDS * 2)

    def stop(self):
        """End it and look at what must hold of every run."""
        if self.process.poll() is None:
            self.signal(signal.SIGINT)
        try:
            status = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self.process.stderr is not None:
            self.reader.join(SECONDS)
            self.process.stderr.close()
        assert status in (0, -signal.SIGINT), status
        assert self.garbage == [], "\n".join(self.garbage)


def connect_head(host, port=None, headers=""):
    authority = host if port is None else f"{host}:{port}"
    return (f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
            f"{headers}\r\n").encode()


def read_all(sock):
    parts = []
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def read_exactly(sock, size):
    parts = []
    while size > 0:
        part = sock.recv(min(size, 1 << 16))
        assert part, f"ended {size} bytes too early"
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Answer:
    """A response as it came."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.([01]) (\d{3}) (.*)", first)
        assert found, f"not a status line: {raw!r}"
        self.minor, self.status = int(found[1]), int(found[2])
        self.phrase = found[3]
        self.headers = {}
        for field in fields:
            name, colon, value = field.partition(":")
            assert colon and name.strip() == name and name, field
            assert name.lower() not in self.headers, field
            self.headers[name.lower()] = value.strip()

    @property
    def error(self):
        return self.headers.get("x-smokescreen-error")

    def __repr__(self):
        return f"<{self.raw!r}>"


def read_head(sock, raw=b""):
    """Up to the empty line and no further; RAW is what was read already."""
    while not raw.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, f"ended in {raw!r}"
        raw += byte
    return Answer(raw)


class Origin:
    """A TCP server on a loopback port; `serve(sock)` handles one client."""

    def __init__(self, serve, host="127.0.0.1", family=socket.AF_INET):
        self.serve = serve
        self.listener = socket.create_server((host, 0), family=family,
                                             backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            sock.settimeout(SECONDS)
            threading.Thread(target=self._one, args=(sock,),
                             daemon=True).start()

    def _one(self, sock):
        with sock, contextlib.suppress(OSError):
            self.serve(sock)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def echo(sock):
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return
        sock.sendall(part)


def silent(sock):
    """Say nothing until the other end has ended."""
    read_all(sock)


def greet(sock):
    """Answer one request with its Host header."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1 << 16)
        if not part:
            return
        head += part
    host = re.search(rb"(?i)\nhost: *([^\r\n]*)", head)[1]
    body = b"you reached " + host + b"\n"
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def over_tls(serve, certificate):
    """The same server, over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def secured(sock):
        with context.wrap_socket(sock, server_side=True) as tls:
            serve(tls)
    return secured


def https(certificate):
    """A server that answers one HTTPS request with its Host header."""
    return over_tls(greet, certificate)


def unused_port():
    """A port to listen on.  Somebody else may be faster."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


KEPT = []


def refusing_port():
    """A port that refuses: bound as long as this process lives, so that nobody
    else gets it meanwhile, and never listened on."""
    KEPT.append(socket.socket())
    KEPT[-1].bind(("127.0.0.1", 0))
    return KEPT[-1].getsockname()[1]


@contextlib.contextmanager
def full_listener():
    """A port whose queue is full: the kernel drops what knocks there."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
