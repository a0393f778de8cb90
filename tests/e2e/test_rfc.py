"""The RFC list: RFC 9110, RFC 9112 and CONNECT, end to end, case by case."""

import contextlib
import re

import pytest

import harness
import rfc_answers
import rfc_connect
import rfc_requests
import web
from dns_server import ScriptedDns

CASES = {f"{kind} {case.section}: {case.what}": case
         for kind, cases in (("request", rfc_requests.CASES),
                             ("answer", rfc_answers.CASES),
                             ("CONNECT", rfc_connect.CASES))
         for case in cases}


class Message:
    """A head as it came, fields in order, and its body."""

    def __init__(self, wire, method=None):
        raw = wire.until(b"\r\n\r\n")[:-4].decode("latin-1")
        self.lines = raw.split("\r\n")
        self.first = self.lines[0]
        self.names = [line.split(":")[0].lower() for line in self.lines[1:]]
        self.cut = False
        is_answer = self.first.startswith("HTTP/")
        self.status = int(self.first.split(" ")[1]) if is_answer else None
        self.body = b""
        if is_answer and (method == "HEAD" or self.status < 200 or
                          self.status in (204, 304) or
                          (method == "CONNECT" and self.status < 300)):
            return
        try:
            self.read_body(wire, is_answer)
        except AssertionError:
            self.cut = True
            wire.rest = b""

    def read_body(self, wire, is_answer):
        if "transfer-encoding" in self.names:
            assert self.names.count("transfer-encoding") == 1
            assert "Transfer-Encoding: chunked" in self.lines
            assert "content-length" not in self.names
            self.body = wire.chunked()
            while (line := wire.until(b"\r\n")) != b"\r\n":
                self.lines.append("trailer " + line[:-2].decode("latin-1"))
        elif "content-length" in self.names:
            at = self.names.index("content-length")
            size = self.lines[1:][at].partition(": ")[2]
            assert re.fullmatch(r"\d+", size)
            assert self.names.count("content-length") == 1
            self.body = wire.exactly(int(size))
        elif is_answer:
            self.body = wire.to_end()


class World:
    """One proxy and the origins that all cases have in common."""

    def __init__(self):
        self.case = None
        self.requests = []
        self.origin = harness.Origin(self.serve)
        self.echo = harness.Origin(harness.echo)
        self.dns = ScriptedDns({"origin.test": ["127.0.0.1"],
                                "xn--bcher-kva.test": ["127.0.0.1"]})

    def __enter__(self):
        self.dns.__enter__()
        self.proxy = harness.Proxy(
            *harness.LOOPBACK, "--workers", "1", "--resolver-address",
            f"127.0.0.1:{self.dns.port}")
        return self

    def __exit__(self, *_):
        self.proxy.stop()
        self.dns.__exit__(None, None, None)
        self.origin.close()
        self.echo.close()

    def serve(self, sock):
        wire = web.Wire(sock)
        with contextlib.suppress(AssertionError):
            while wire.rest or wire.more():
                case, message = self.case, Message(wire)
                if message.cut:
                    return
                self.requests.append(message)
                wire.send(self.fill(case.answer if case else web.OK))
                if case and case.end:
                    return

    def fill(self, text):
        if isinstance(text, bytes):
            return text
        return text.replace("{at}", f"127.0.0.1:{self.origin.port}").replace(
            "{port}", f"{self.origin.port}").replace(
            "{echo}", f"127.0.0.1:{self.echo.port}").replace(
            "{echo_port}", f"{self.echo.port}").encode("latin-1")

    def text(self, text):
        return self.fill(text).decode("latin-1")


@pytest.fixture(scope="module")
def world():
    with World() as made:
        yield made


def check_origin(world, case):
    seen = [message.first for message in world.requests]
    if case.seen is not None:
        assert seen == [world.text(line) for line in case.seen]
    if not seen:
        assert not case.there and case.body_there is None
        return
    first = world.requests[0]
    for line in case.there:
        assert world.text(line) in first.lines
    for name in case.not_there:
        assert name not in first.names
    if case.body_there is not None:
        assert first.body == case.body_there.encode("latin-1")


def check_answer(world, case, message):
    for line in case.here:
        assert world.text(line) in message.lines
    for name in case.not_here:
        assert name not in message.names
    assert message.cut == case.cut
    if case.body_here is not None:
        assert message.body == case.body_here.encode("latin-1")


def check_connection(world, case, client):
    if case.echoes is not None:
        wanted = world.fill(case.echoes)
        assert client.exactly(len(wanted)) == wanted
        client.send(b"more")
        assert client.exactly(4) == b"more"
    elif case.stays:
        # in step with the proxy: another request has its answer
        world.case = None
        client.send(world.fill("GET http://{at}/next HTTP/1.1\r\n"
                               "Host: x\r\n\r\n"))
        message = Message(client)
        assert (message.status, message.body) == (200, b"ok")
    else:
        assert client.to_end() == case.rest.encode("latin-1")


@pytest.mark.parametrize("name", CASES)
def test_a_case(world, name):
    case = CASES[name]
    world.case, world.requests = case, []
    methods = re.findall(r"(?m)^(\S+) \S* ?HTTP/1", case.send)
    with web.dial(world.proxy) as client:
        client.send(world.fill(case.send))
        messages = []
        for status in case.statuses:
            messages.append(Message(client, (methods or [None])[0]))
            assert messages[-1].status == status
            if status >= 200:
                methods = methods[1:]
        check_origin(world, case)
        check_answer(world, case, messages[-1])
        check_connection(world, case, client)


def test_the_list_is_whole():
    tables = rfc_requests.CASES + rfc_answers.CASES + rfc_connect.CASES
    assert len(CASES) == len(tables) >= 150
    assert all(re.fullmatch(r"(9110|9112) \d+(\.\d+)*", case.section)
               for case in tables)
