"""The process as such: reload under traffic, draining, quitting, a log that
nobody reads, descriptors that run out."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

import harness

ACL = """\
version: v1
services: []
default:
  project: tests
  action: enforce
  allowed_domains: [%s]
"""


def write_acl(directory, *hosts):
    """Compile a policy that allows HOSTS to the place of the last one."""
    return harness.compile_acl(directory, ACL % ", ".join(hosts))


@pytest.fixture
def policed(proxy, tmp_path):
    """A proxy whose policy allows 127.0.0.1, and the directory of the blob."""
    child = proxy(acl=ACL % "127.0.0.1")
    return child, tmp_path


def test_reload_changes_what_is_decided(policed, origin):
    child, directory = policed
    port = origin().port
    old = child.policy
    tunnel = child.tunnel("127.0.0.1", port)
    write_acl(directory, "127.0.0.2")
    line = child.reload()
    assert line["old_policy"] == old
    assert line["policy"] == line["new_policy"] != old
    # what is open stays open and remembers what let it through
    tunnel.sendall(b"still here")
    assert harness.read_exactly(tunnel, 10) == b"still here"
    # whoever comes now meets the new policy, on every worker
    for _ in range(20):
        assert child.connect("127.0.0.1", port).status == 407
    tunnel.close()
    assert child.close_line()["policy"] == old
    assert child.close_line()["entry"] == "127.0.0.1"


def test_an_old_policy_is_let_go(policed, origin):
    """Without waiting for a request on every worker."""
    child, directory = policed

    def mapped():
        with open(f"/proc/{child.process.pid}/maps") as maps:
            return len({line.split()[4] for line in maps if "memfd:" in line})
    # every worker has decided by the first one
    for _ in range(20):
        child.tunnel("127.0.0.1", origin().port).close()
    assert mapped() == 1
    write_acl(directory, "127.0.0.2")
    child.reload()
    end = time.monotonic() + harness.SECONDS
    while mapped() != 1:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("damage", [
    "flip", "truncate", "empty", "missing", "text", "directory"])
def test_a_bad_blob_is_refused_and_the_old_one_stays(policed, origin, damage):
    child, directory = policed
    blob = directory / "acl.blob"
    data = bytearray(blob.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        blob.write_bytes(data)
    elif damage == "truncate":
        blob.write_bytes(data[:-1])
    elif damage == "empty":
        blob.write_bytes(b"")
    elif damage == "text":
        blob.write_text("version: v1\nservices: []\n")
    else:
        blob.unlink()
        if damage == "directory":
            blob.mkdir()
    child.signal(signal.SIGHUP)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert line["level"] == "error"
    assert line["policy"] == line["old_policy"] == child.policy
    assert str(blob) in line["error"]
    child.tunnel("127.0.0.1", origin().port).close()
    # and a good one is taken again
    if damage == "directory":
        blob.rmdir()
    write_acl(directory, "127.0.0.1")
    assert child.reload()["policy"] == child.policy


def test_a_file_changed_in_place_does_not_touch_the_policy(policed, origin):
    """What was verified is a copy: cutting the file neither kills the proxy
    nor changes what it decides."""
    child, directory = policed
    os.truncate(directory / "acl.blob", 0)
    child.tunnel("127.0.0.1", origin().port).close()
    assert child.connect("127.0.0.2", 443).status == 407


def test_a_disabled_action_is_refused_on_reload(proxy, tmp_path):
    child = proxy("--disable-acl-policy-action", "open", acl=ACL % "a.test")
    harness.compile_acl(tmp_path, (ACL % "a.test").replace("enforce", "open"))
    child.signal(signal.SIGHUP)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert "utilizes a disabled policy:Open" in line["error"]
    assert line["new_policy"] != line["old_policy"] == child.policy


def test_reload_under_load(policed, origin):
    """Every answer is that of the old or of the new policy, none is lost, and
    the log says of each which one it was."""
    child, directory = policed
    port = origin().port
    stop = threading.Event()
    problems, counts = [], {200: 0, 407: 0}

    def client():
        while not stop.is_set():
            try:
                with child.dial() as sock:
                    sock.sendall(harness.connect_head("127.0.0.1", port))
                    status = harness.read_head(sock).status
                    counts[status] += 1
                    if status == 200:
                        sock.sendall(b"ping")
                        assert harness.read_exactly(sock, 4) == b"ping"
            except Exception as error:  # noqa: BLE001
                problems.append(repr(error))
                return
    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    allowed, other = child.policy, None
    try:
        for i in range(10):
            host = "127.0.0.2" if i % 2 == 0 else "127.0.0.1"
            write_acl(directory, host)
            line = child.reload()
            other = other or line["policy"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert counts[200] > 0 and counts[407] > 0
    total = sum(counts.values())
    child.wait_log("CANONICAL-PROXY-DECISION", total)
    for line in child.logged("CANONICAL-PROXY-DECISION"):
        assert line["policy"] == (allowed if line["allow"] else other)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_draining(proxy, origin, number):
    child = proxy()
    port = origin().port
    tunnel = child.tunnel("127.0.0.1", port)
    child.signal(number)
    child.wait_log("quitting gracefully")
    child.wait_log("Waiting for all connections to close...")
    child.wait_log("Waiting for all connections to become idle...")
    # the default exit timeout is 500 minutes, less what went by since
    child.wait_for(lambda line: re.fullmatch(
        r"There are still active connections\. Waiting 8h(20m0|19m5\d\.\d+)s "
        r"before checking again\.", line["msg"]))
    end = time.monotonic() + harness.SECONDS
    while time.monotonic() < end:
        try:
            child.dial().close()
        except ConnectionRefusedError:
            break
    else:
        raise AssertionError("still listening")
    tunnel.sendall(b"going on")
    assert harness.read_exactly(tunnel, 8) == b"going on"
    assert child.process.poll() is None
    tunnel.close()
    assert child.process.wait(harness.SECONDS) == 0
    child.wait_log("All connections are closed. Continuing with shutdown...")
    child.wait_log("All connections closed: closing all remaining "
                   "connections.")
    assert "active_at_termination" not in child.close_line()


def test_draining_ends_when_all_is_idle(proxy, origin):
    child = proxy(config="idle_timeout: 700ms\n")
    tunnel = child.tunnel("127.0.0.1", origin().port)
    child.signal(signal.SIGTERM)
    assert child.process.wait(harness.SECONDS) == 0
    assert harness.read_all(tunnel) == b""
    # by its own timeout or by ours: both come to the same
    assert child.close_line()


def test_draining_ends_at_the_exit_timeout(proxy, origin):
    child = proxy(config="exit_timeout: 500ms\n")
    tunnel = child.tunnel("127.0.0.1", origin().port)
    busy = threading.Event()

    def chatter():
        try:
            while not busy.wait(0.02):
                tunnel.sendall(b"x")
        except OSError:
            pass
    thread = threading.Thread(target=chatter)
    thread.start()
    child.signal(signal.SIGTERM)
    try:
        assert child.process.wait(harness.SECONDS) == 0
    finally:
        busy.set()
        thread.join()
        tunnel.close()
    child.wait_log("ExitTimeout 500ms reached - timing out")
    assert child.close_line()["active_at_termination"] is True


def test_a_head_on_its_way_is_served_while_draining(proxy, origin):
    child = proxy()
    head = harness.connect_head("127.0.0.1", origin().port)
    with child.dial() as sock:
        sock.sendall(head[:10])
        child.tunnel("127.0.0.1", origin().port).close()
        child.signal(signal.SIGTERM)
        child.wait_log("quitting gracefully")
        sock.sendall(head[10:])
        assert harness.read_head(sock).status == 200
    assert child.process.wait(harness.SECONDS) == 0


def test_interrupt_ends_at_once(proxy, origin):
    child = proxy()
    tunnel = child.tunnel("127.0.0.1", origin().port)
    child.signal(signal.SIGINT)
    assert child.process.wait(harness.SECONDS) == -signal.SIGINT
    assert harness.read_all(tunnel) == b""
    # its line is not lost
    assert child.close_line()["active_at_termination"] is True


def test_a_log_that_nobody_reads_stops_nobody(origin):
    """The reader stalls: requests go on, lines are dropped and counted."""
    read_end, write_end = os.pipe()
    blocking = os.get_blocking(write_end)
    target = origin()
    child = harness.Proxy("--workers", "1", *harness.LOOPBACK,
                          stderr=write_end)
    # our own stderr shares the open file: it must not become non-blocking
    reader = os.fdopen(read_end, "rb")
    while True:
        line = json.loads(reader.readline())
        if line["msg"] == "ready":
            child.port = line["port"]
            break
    trace = "X-Smokescreen-Trace-ID: " + "t" * 1000 + "\r\n"
    asked = 6000
    for _ in range(asked):
        child.connect("10.0.0.1", 443, trace)
    with child.tunnel("127.0.0.1", target.port) as sock:
        sock.sendall(b"alive")
        assert harness.read_exactly(sock, 5) == b"alive"
    assert os.get_blocking(write_end) == blocking
    os.close(write_end)
    # now read on: complete lines, and the number of those that are missing
    counted, dropped = 0, 0
    child.signal(signal.SIGINT)
    for raw in reader:
        line = json.loads(raw)
        if line["msg"] == "CANONICAL-PROXY-DECISION":
            counted += 1
        if line["msg"] == "log lines were dropped":
            dropped += line["dropped"]
    reader.close()
    child.process.wait(harness.SECONDS)
    assert dropped > 0
    # one more decision and one close line belong to the tunnel
    assert asked <= counted + dropped <= asked + 2


def test_running_out_of_descriptors_pauses_and_recovers(origin):
    target = origin()
    limit = 60

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    child = LimitedProxy(lower)
    try:
        socks = [child.dial() for _ in range(limit * 2)]
        spent = cpu_seconds(child.process.pid)
        time.sleep(0.5)
        # it does not spin meanwhile
        assert cpu_seconds(child.process.pid) - spent < 0.2
        for sock in socks:
            sock.close()
        end = time.monotonic() + harness.SECONDS
        while True:
            try:
                child.tunnel("127.0.0.1", target.port).close()
                break
            except (AssertionError, ConnectionError):
                assert time.monotonic() < end
                time.sleep(0.05)
    finally:
        child.stop()


class LimitedProxy(harness.Proxy):
    """A proxy that may have few descriptors."""

    def __init__(self, preexec):
        popen = subprocess.Popen

        def limited(*args, **more):
            return popen(*args, preexec_fn=preexec, **more)
        subprocess.Popen = limited
        try:
            super().__init__("--workers", "1", *harness.LOOPBACK)
        finally:
            subprocess.Popen = popen


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_port_is_not_shared_with_another(proxy):
    child = proxy()
    done = harness.run_smokescreen("--listen-port", child.port)
    assert done.returncode == 1
    assert f"listen on 127.0.0.1:{child.port}: Address already in use" in \
        done.stderr


def test_every_worker_serves(proxy, origin):
    port = origin().port
    child = proxy("--workers", "4")
    assert child.logged("ready")[0]["workers"] == 4
    for _ in range(40):
        child.tunnel("127.0.0.1", port).close()
    child.wait_log("CANONICAL-PROXY-CN-CLOSE", 40)
    # an id carries its worker's own bytes
    assert len({line["id"][8:16] for line in
                child.logged("CANONICAL-PROXY-DECISION")}) > 1


def test_clients_that_vanish_leave_nothing(proxy, origin):
    """Descriptors return to what they were."""
    port = origin().port
    child = proxy()

    def descriptors():
        return len(os.listdir(f"/proc/{child.process.pid}/fd"))
    child.tunnel("127.0.0.1", port).close()
    child.close_line()
    before = descriptors()
    for step in range(200):
        sock = child.dial()
        head = harness.connect_head("127.0.0.1", port)
        sock.sendall(head[:step % len(head)])
        if step % 3 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        sock.close()
    end = time.monotonic() + harness.SECONDS
    while descriptors() > before:
        assert time.monotonic() < end, descriptors()
        time.sleep(0.02)
