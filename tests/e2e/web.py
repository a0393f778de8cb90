"""Plain HTTP spoken by hand: messages read as they are on the wire, strictly,
so that nothing a proxy does to them goes unnoticed."""

import re

import harness


class Wire:
    """A socket and what was read from it too early."""

    def __init__(self, sock):
        self.sock = sock
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        part = self.sock.recv(1 << 16)
        self.rest += part
        return bool(part)

    def until(self, mark):
        while mark not in self.rest:
            assert self.more(), f"ended in {self.rest!r}"
        found, _, self.rest = self.rest.partition(mark)
        return found + mark

    def exactly(self, size):
        while len(self.rest) < size:
            assert self.more(), f"ended in {self.rest!r}"
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def to_end(self):
        while self.more():
            pass
        found, self.rest = self.rest, b""
        return found

    def chunk(self):
        """One chunk's data; None for the last one."""
        line = self.until(b"\r\n")
        assert re.fullmatch(rb"[0-9a-f]{1,16}\r\n", line), line
        size = int(line, 16)
        if size == 0:
            return None
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def chunked(self):
        """A whole body in chunks; the trailer section stays unread."""
        parts = []
        while (part := self.chunk()) is not None:
            parts.append(part)
        return b"".join(parts)

    def head(self):
        return Head(self.until(b"\r\n\r\n"))

    def message(self, bodiless=False):
        """A head with its body, which has an end other than the connection's
        unless there is none."""
        head = self.head()
        if bodiless:
            head.body = b""
        elif "transfer-encoding" in head:
            assert head["transfer-encoding"] == "chunked"
            assert "content-length" not in head
            head.body = self.chunked()
            trailers = self.until(b"\r\n")
            while not trailers.endswith(b"\r\n\r\n") and trailers != b"\r\n":
                trailers += self.until(b"\r\n")
            head.trailers = trailers[:-2].decode()
        elif "content-length" in head:
            head.body = self.exactly(int(head["content-length"]))
        elif head.first.startswith("HTTP/"):
            head.body = self.to_end()
        else:
            head.body = b""
        return head


class Head:
    """A start line and fields, names in lower case, each at most once."""

    def __init__(self, raw):
        self.raw = raw
        self.body = None
        self.trailers = ""
        assert raw.replace(b"\r\n", b"").find(b"\n") < 0
        self.first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        self.fields = {}
        for line in lines:
            found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?(.*)", line)
            assert found, line
            assert found[1].lower() not in self.fields, line
            self.fields[found[1].lower()] = found[2]

    def __contains__(self, name):
        return name in self.fields

    def __getitem__(self, name):
        return self.fields[name]

    def get(self, name):
        return self.fields.get(name)

    @property
    def status(self):
        return int(self.first.split(" ")[1])

    def __repr__(self):
        return f"<{self.raw!r} {self.body!r}>"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Site:
    """An origin that answers each request with the next of `answers` (the last
    one again and again) and keeps the requests it has seen."""

    def __init__(self, start, *answers, end=False):
        self.requests = []
        self.connections = 0
        self.answers = answers or (OK,)
        self.end = end
        self.origin = start(self.serve)
        self.port = self.origin.port
        self.at = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.at}"

    def serve(self, sock):
        self.connections += 1
        wire = Wire(sock)
        while wire.rest or wire.more():
            self.requests.append(wire.message())
            turn = min(len(self.requests), len(self.answers)) - 1
            wire.send(self.answers[turn])
            if self.end:
                return

    def get(self, path="/", method="GET", headers="", body=b"", version="1.1"):
        """The bytes of a request for this site by way of a proxy."""
        return (f"{method} {self.url}{path} HTTP/{version}\r\nHost: x\r\n"
                f"{headers}\r\n").encode() + body


def dial(child):
    return Wire(child.dial())


def chunks(*parts, trailers=""):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + \
        b"0\r\n" + trailers.encode() + b"\r\n"


__all__ = ["OK", "Head", "Site", "Wire", "chunks", "dial", "harness"]
