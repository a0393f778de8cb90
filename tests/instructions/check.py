#!/usr/bin/env python3
"""Guard what the common ways cost, by counting instructions.

Time is noisy, instructions in user mode are nearly the same on every run: each
way is gone a few times and many times under valgrind, and the difference says
what one more costs.  What is recorded here is what it was when it was recorded;
more than LIMIT times that fails, which is no noise, nor another compiler, but
something new that is done every time.  Whoever adds it on purpose records the
new figure.  usage: check.py, with the programs in $BUILD
"""

import os
import random
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402

LIMIT = 1.6
RECORDED = {
    "compile 10,000 globs": 122_000_000,
    "decide, 10,000 globs": 970,
    "CONNECT, allowed": 18_700,
    "CONNECT, denied": 10_500,
    "GET, kept connections": 12_900,
}
FEW, MANY = 20, 120  # requests


def valgrind(log):
    return ["valgrind", "--tool=cachegrind", "--cache-sim=no",
            "--cachegrind-out-file=/dev/null", f"--log-file={log}"]


def counted(log):
    found = re.search(r"I +refs: +([\d,]+)", Path(log).read_text())
    assert found, Path(log).read_text()
    return int(found[1].replace(",", ""))


def stripped(directory, name):
    """The program NAME without debugging information, of which not every
    compiler's can be read by every valgrind."""
    copy = Path(directory) / Path(name).name
    subprocess.run(["strip", "--strip-debug", "-o", copy, harness.BUILD / name],
                   check=True)
    return copy


def instructions(directory, *command):
    """Of a whole run of COMMAND."""
    log = Path(directory) / "valgrind.log"
    subprocess.run([*valgrind(log), *map(str, command)], check=True,
                   stdout=subprocess.DEVNULL)
    return counted(log)


def write_acl(path, count):
    """COUNT globs that differ early and late, some of them wildcards."""
    pick = random.Random(count)
    letters = "abcdefghijklmnopqrstuvwxyz"
    globs = {"127.0.0.1", "example.com", "*.wild.example.net"}
    while len(globs) < count:
        name = "".join(pick.choice(letters) for _ in range(pick.randint(5, 13)))
        start = pick.choice(["", "", "*.", "api.", "*.eu."])
        globs.add(f"{start}{name}.{pick.choice(['com', 'net', 'co.uk'])}")
    path.write_text("version: v1\nservices: []\ndefault:\n  project: count\n"
                    "  action: enforce\n  allowed_domains:\n" +
                    "".join(f"  - '{glob}'\n" for glob in sorted(globs)))


class CountedProxy(harness.Proxy):
    """A proxy with one worker, under valgrind."""

    def __init__(self, directory, blob):
        self.program = stripped(directory, "smokescreen")
        self.log = Path(directory) / "proxy.log"
        config = Path(directory) / "config.yaml"
        config.write_text("allow_missing_role: true\n")
        super().__init__("--workers", "1", "--config-file", config,
                         "--egress-acl-file", blob, *harness.LOOPBACK)

    def start(self, words, **more):
        return super().start(
            [*valgrind(self.log), str(self.program), *words[1:]], **more)


def tunnels(proxy, origin, count):
    for done in range(count):
        proxy.tunnel("127.0.0.1", origin.port).close()
        proxy.wait_log("CANONICAL-PROXY-CN-CLOSE", done + 1)


def denials(proxy, origin, count):
    for _ in range(count):
        assert proxy.connect("denied.test:443").status == 407


def gets(proxy, origin, count):
    request = (f"GET http://127.0.0.1:{origin.port}/ HTTP/1.1\r\n"
               f"Host: 127.0.0.1:{origin.port}\r\n\r\n").encode()
    with proxy.dial() as sock:
        for _ in range(count):
            sock.sendall(request)
            assert harness.read_head(sock).status == 200
            harness.read_exactly(sock, 1024)


def serve(sock):
    """Answer GETs; to a tunnel there is nothing to say."""
    if sock.recv(1, socket.MSG_PEEK):
        while sock.recv(1 << 16):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" +
                         b"x" * 1024)


def each_request(directory, blob, way):
    totals = []
    origin = harness.Origin(serve)
    for count in (FEW, MANY):
        proxy = CountedProxy(directory, blob)
        way(proxy, origin, count)
        proxy.stop()
        totals.append(counted(proxy.log))
    origin.close()
    return (totals[1] - totals[0]) // (MANY - FEW)


def measure(directory):
    """Name and count, one after the other."""
    acl, blob = Path(directory) / "acl.yaml", Path(directory) / "acl.blob"
    compiler = stripped(directory, "smokescreenc")
    loop = stripped(directory, "instructions/decide_loop")
    write_acl(acl, 10_000)
    yield "compile 10,000 globs", instructions(
        directory, compiler, "--quiet", "-o", blob, acl)
    yield "decide, 10,000 globs", (
        instructions(directory, loop, blob, 10_000) -
        instructions(directory, loop, blob, 0)) // 10_000
    yield "CONNECT, allowed", each_request(directory, blob, tunnels)
    yield "CONNECT, denied", each_request(directory, blob, denials)
    yield "GET, kept connections", each_request(directory, blob, gets)


def main():
    os.environ.pop("ASAN_OPTIONS", None)
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, count in measure(directory):
            ratio = count / RECORDED[name]
            bad += ratio > LIMIT
            print(f"{name:24} {count:12,} instructions, {ratio:5.2f} of what "
                  f"is recorded{'  TOO MANY' if ratio > LIMIT else ''}",
                  flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
