"""A successor takes over the listening sockets: no connection is refused or
reset, before, while or after."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import harness
from harness import run_smokescreen
from test_metrics import samples
from test_start import refused


@pytest.fixture
def generations(tmp_path):
    """Start processes that hand over to one another: start(*flags)."""
    running = []

    def start(*flags, port=None):
        path = tmp_path / "handover"
        more = [] if port is None else ["--listen-port", port]
        running.append(harness.Proxy(
            *harness.LOOPBACK, "--handover-socket", path, *more, *flags))
        return running[-1]

    yield start
    for child in running:
        child.stop()


def ended(child):
    assert child.process.wait(harness.SECONDS) == 0
    child.wait_log("All connections closed: closing all remaining "
                   "connections.")


def test_no_connection_is_lost_under_load(generations, origin):
    target = origin().port
    first = generations("--workers", "3")
    port, stop = first.port, threading.Event()
    problems, served = [], []

    def client():
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port),
                                              harness.SECONDS) as sock:
                    sock.settimeout(harness.SECONDS)
                    sock.sendall(harness.connect_head("127.0.0.1", target) +
                                 b"ping")
                    assert harness.read_head(sock).status == 200
                    assert harness.read_exactly(sock, 4) == b"ping"
                served.append(1)
            except Exception as error:  # noqa: BLE001
                problems.append(repr(error))
                return
    threads = [threading.Thread(target=client) for _ in range(6)]
    for thread in threads:
        thread.start()
    old = first
    try:
        # fewer workers than sockets, as many, and more
        for workers in "1", "3", "5", "2":
            before = len(served)
            new = generations("--workers", workers)
            assert new.port == port
            old.wait_log("a successor has taken the listening sockets")
            # a signal is what an operator may send in any case
            if old.process.poll() is None:
                old.signal(signal.SIGTERM)
            ended(old)
            end = time.monotonic() + harness.SECONDS
            while len(served) < before + 50 and not problems:
                assert time.monotonic() < end
                time.sleep(0.01)
            old = new
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert len(served) >= 200


def test_whoever_was_waiting_is_served(generations, origin):
    """Connections that the predecessor has not accepted: it is stopped."""
    target = origin().port
    first = generations("--workers", "1")
    first.tunnel("127.0.0.1", target).close()
    first.signal(signal.SIGSTOP)
    waiting = []
    try:
        for _ in range(50):
            waiting.append(first.dial())
            waiting[-1].sendall(harness.connect_head("127.0.0.1", target))
    finally:
        first.signal(signal.SIGCONT)
    generations("--workers", "1")
    for sock in waiting:
        assert harness.read_head(sock).status == 200
        sock.close()
    ended(first)


def test_tunnels_of_the_predecessor_go_on(generations, origin):
    first = generations()
    tunnel = first.tunnel("127.0.0.1", origin().port)
    second = generations()
    first.wait_log("quitting gracefully")
    tunnel.sendall(b"still here")
    assert harness.read_exactly(tunnel, 10) == b"still here"
    with second.tunnel("127.0.0.1", origin().port) as other:
        other.sendall(b"new")
        assert harness.read_exactly(other, 3) == b"new"
    assert first.process.poll() is None
    tunnel.close()
    ended(first)


def test_a_successor_that_cannot_start_changes_nothing(
        generations, origin, tmp_path):
    first = generations()
    done = run_smokescreen("--handover-socket", tmp_path / "handover",
                           "--egress-acl-file", tmp_path / "missing",
                           "--listen-port", "0")
    assert done.returncode == 1
    # one who is to listen elsewhere is none
    done = run_smokescreen("--handover-socket", tmp_path / "handover",
                           "--listen-ip", "127.0.0.1", "--listen-port",
                           harness.unused_port())
    assert "listens on another address" in refused(done)
    # nor is one who asks and goes away
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(str(tmp_path / "handover"))
        _, fds, _, _ = socket.recv_fds(sock, 64, 64)
        assert fds
        for fd in fds:
            os.close(fd)
    for _ in range(20):
        first.tunnel("127.0.0.1", origin().port).close()
    assert not first.logged("quitting gracefully")
    # and the real one still comes
    generations(port=first.port)
    ended(first)


def test_the_socket_is_ours_alone(generations, tmp_path):
    first = generations()
    path = tmp_path / "handover"
    assert path.stat().st_mode & 0o777 == 0o600
    second = generations()
    ended(first)
    # the predecessor does not take the successor's away
    assert path.is_socket()
    second.signal(signal.SIGTERM)
    ended(second)
    assert not path.exists()


def test_what_a_dead_process_left_is_replaced(generations, tmp_path):
    first = generations()
    first.process.kill()
    first.process.wait()
    # it ended by no signal of ours
    first.stop = lambda: None
    second = generations()
    assert second.port
    assert (tmp_path / "handover").is_socket()


def test_a_file_is_not_replaced(tmp_path):
    path = tmp_path / "precious"
    path.write_text("x")
    done = run_smokescreen("--handover-socket", path, "--listen-port", "0")
    assert done.returncode == 1
    assert path.read_text() == "x"


def test_a_draining_process_has_nothing_to_give(generations, origin,
                                                tmp_path):
    first = generations()
    tunnel = first.tunnel("127.0.0.1", origin().port)
    first.signal(signal.SIGTERM)
    first.wait_log("quitting gracefully")
    assert not (tmp_path / "handover").exists()
    second = generations()
    assert second.port != first.port
    tunnel.close()
    ended(first)


def test_a_path_that_does_not_fit(tmp_path):
    assert "longer than" in refused(run_smokescreen(
        "--handover-socket", "x" * 101, "--check-config"))


def test_metrics_move_to_the_successor(generations):
    port = harness.unused_port()
    flags = ("--expose-prometheus-metrics", "--prometheus-listen-ip",
             "127.0.0.1", "--prometheus-port", port)
    first = generations(*flags)
    second = generations(*flags)
    ended(first)
    second.connect("10.0.0.1", 443)
    assert samples(second)["smokescreen_clients_accepted_total"] == 1


def test_sockets_outnumber_what_workers_take(generations, tmp_path):
    first = generations("--workers", "17")
    done = run_smokescreen("--handover-socket", tmp_path / "handover",
                           "--workers", "1", "--listen-port", "0")
    assert "too many listening sockets" in refused(done)
    second = generations("--workers", "2")
    ended(first)
    second.signal(signal.SIGTERM)
    ended(second)


def test_inherited_sockets_need_no_handover(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def inherit():
            os.dup2(listener.fileno(), 3)
            os.environ["LISTEN_PID"] = str(os.getpid())
            os.environ["LISTEN_FDS"] = "1"
            os.execv(harness.BUILD / "smokescreen",
                     ["smokescreen", "--handover-socket", tmp_path / "h"])
        done = subprocess.run(
            ["true"], preexec_fn=inherit, stderr=subprocess.PIPE, text=True,
            pass_fds=[listener.fileno()], timeout=harness.SECONDS)
    assert done.returncode == 1
    assert "of no use with inherited sockets" in done.stderr
