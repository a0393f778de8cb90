"""The open tunnels, told over a UNIX socket."""

import json
import os
import re
import socket
import stat
import time

import pytest

import harness
from harness import run_smokescreen


def path_of(child, directory):
    return directory / f"track-{child.process.pid}.sock"


def ask(path, target="/"):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(harness.SECONDS)
        sock.connect(str(path))
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return harness.Answer(harness.read_all(sock))


def tunnels(path, target="/"):
    answer = ask(path, target)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


def test_what_it_says_of_a_tunnel(proxy, origin, tmp_path):
    child = proxy("--stats-socket-dir", tmp_path,
                  dns={"x.test": ["127.0.0.1"]})
    path = path_of(child, tmp_path)
    assert ask(path).body == b"[\n]\n"
    echo = origin()
    sock = child.tunnel("x.test", echo.port, early=b"12345")
    harness.read_exactly(sock, 5)
    sock.sendall(b"67")
    harness.read_exactly(sock, 2)
    one, = tunnels(path, "/any/path?at=all")
    assert list(one) == ["role", "rhost", "raddr", "created", "bytesIn",
                         "bytesOut", "secondsSinceLastActivity", "proxyType"]
    assert one["rhost"] == f"x.test:{echo.port}"
    assert one["raddr"] == f"127.0.0.1:{echo.port}"
    assert one["role"] == ""
    assert one["bytesIn"] == one["bytesOut"] == 7
    assert one["proxyType"] == "connect"
    assert 0 <= one["secondsSinceLastActivity"] < harness.SECONDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
                        one["created"])
    sock.close()
    child.close_line()
    assert tunnels(path) == []


def test_the_shape_is_upstreams(proxy, origin, tmp_path):
    child = proxy("--stats-socket-dir", tmp_path)
    echo = origin()
    socks = [child.tunnel("127.0.0.1", echo.port) for _ in range(3)]
    body = ask(path_of(child, tmp_path)).body.decode()
    lines = body.split("\n")
    assert lines[0] == "[" and lines[4:] == [""]
    assert lines[1].endswith("},") and lines[2].endswith("},")
    assert lines[3].endswith("}]")
    for sock in socks:
        sock.close()


def test_many_tunnels_of_several_workers(proxy, origin, tmp_path):
    child = proxy("--stats-socket-dir", tmp_path, "--workers", "3")
    echo = origin(harness.silent)
    path = path_of(child, tmp_path)
    socks = [child.tunnel("127.0.0.1", echo.port) for _ in range(700)]
    found = tunnels(path)
    assert len(found) == 700
    # several who ask at once get their answers, one that goes does no harm
    asking = []
    for i in range(8):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(harness.SECONDS)
        sock.connect(str(path))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if i % 3 == 0:
            sock.close()
        else:
            asking.append(sock)
    for sock in socks[::2]:
        sock.close()
    for sock in asking:
        with sock:
            answer = harness.Answer(harness.read_all(sock))
            assert 350 <= len(json.loads(answer.body)) <= 700
    child.wait_log("CANONICAL-PROXY-CN-CLOSE", 350)
    assert len(tunnels(path)) == 350
    for sock in socks:
        sock.close()


def test_mode_and_end(proxy, tmp_path):
    child = proxy("--stats-socket-dir", tmp_path)
    mode = path_of(child, tmp_path).stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o700
    child.signal(15)
    child.process.wait(harness.SECONDS)
    assert list(tmp_path.glob("*.sock")) == []
    child = proxy("--stats-socket-dir", tmp_path,
                  "--stats-socket-file-mode", "666")
    assert stat.S_IMODE(path_of(child, tmp_path).stat().st_mode) == 0o666


def run_with(tmp_path, prepare):
    """Run one whose process id is known before it opens its socket."""
    pid = os.fork()
    if pid == 0:
        try:
            prepare(tmp_path / f"track-{os.getpid()}.sock")
            log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
            os.dup2(log, 2)
            os.execv(harness.BUILD / "smokescreen", [
                "smokescreen", "--listen-port", "0", "--stats-socket-dir",
                str(tmp_path)])
        finally:
            os._exit(99)
    return pid


def stale(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


def alive(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(1)
    os.set_inheritable(sock.fileno(), True)
    sock.detach()


def no_socket(path):
    path.write_text("precious")


def test_a_socket_of_the_dead_is_replaced(tmp_path):
    pid = run_with(tmp_path, stale)
    path = tmp_path / f"track-{pid}.sock"
    end = time.monotonic() + harness.SECONDS
    while '"ready"' not in ((tmp_path / "log").read_text()
                            if (tmp_path / "log").exists() else ""):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert tunnels(path) == []
    os.kill(pid, 2)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("prepare", [alive, no_socket])
def test_what_is_not_stale_stays(tmp_path, prepare):
    pid = run_with(tmp_path, prepare)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert "Address already in use" in (tmp_path / "log").read_text()
    assert (tmp_path / f"track-{pid}.sock").exists()


@pytest.mark.parametrize("directory", ["/no/such/directory", "/" + "x" * 200])
def test_a_socket_that_cannot_be_bound_is_fatal(directory):
    done = run_smokescreen("--listen-port", "0", "--stats-socket-dir",
                           directory)
    assert done.returncode == 1
    assert "stats socket" in done.stderr
