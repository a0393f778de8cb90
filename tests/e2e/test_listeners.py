"""Where clients come in: our own sockets, and those that somebody opened
before us."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import harness
from harness import run_smokescreen


class Started(harness.Proxy):
    """A proxy that is started with sockets, as 3, 4 and so on.  SHIM is Python
    that sets the environment in the child, where its process id is known."""

    def __init__(self, socks, shim, *args):
        self.numbers = [sock.fileno() for sock in socks]
        self.shim = (
            "import os, sys\n"
            f"high = [os.dup2(n, 100 + i) for i, n in "
            f"enumerate({self.numbers})]\n"
            f"for n in {self.numbers}: os.close(n)\n"
            "for i, n in enumerate(high):\n"
            "    os.dup2(n, 3 + i); os.close(n)\n"
            f"{shim}\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n")
        super().__init__(*args)

    def start(self, words, **more):
        return subprocess.Popen([sys.executable, "-c", self.shim, *words],
                                pass_fds=self.numbers, **more)


SYSTEMD = ("os.environ['LISTEN_PID'] = str(os.getpid())\n"
           "os.environ['LISTEN_FDS'] = '{}'")


def systemd(socks, *args):
    return Started(socks, SYSTEMD.format(len(socks)), *args,
                   *harness.LOOPBACK)


def listening(host="127.0.0.1", family=socket.AF_INET):
    return socket.create_server((host, 0), family=family)


def tunnel_at(address, port):
    with socket.create_connection(address, harness.SECONDS) as sock:
        sock.settimeout(harness.SECONDS)
        sock.sendall(harness.connect_head("127.0.0.1", port) + b"x")
        head = harness.read_head(sock)
        if head.status == 200:
            assert sock.recv(1) == b"x"
        return head


def test_systemd_passes_several_sockets(origin):
    echo = origin()
    with listening() as one, listening() as two, \
            listening("::1", socket.AF_INET6) as three:
        child = systemd([one, two, three], "--workers", "3")
        try:
            ready = child.logged("ready")[0]
            assert ready["inherited_sockets"] == 3
            assert ready["port"] == one.getsockname()[1]
            for sock in (one, two, three):
                host, port = sock.getsockname()[:2]
                for _ in range(6):
                    assert tunnel_at((host, port), echo.port).status == 200
            # and none of them is reachable through us
            for sock in (one, two):
                answer = child.connect("127.0.0.1", sock.getsockname()[1])
                assert "Self Connection" in answer.error
            assert {line["listening_port"] for line in child.logged(
                "Self-connection detection initialized")} == \
                {sock.getsockname()[1] for sock in (one, two, three)}
        finally:
            child.stop()


def test_sockets_meant_for_another_process_are_not_touched():
    with listening() as sock:
        child = Started([sock], "os.environ['LISTEN_PID'] = '1'\n"
                                "os.environ['LISTEN_FDS'] = '1'")
        try:
            assert child.port != sock.getsockname()[1]
            assert "inherited_sockets" not in child.logged("ready")[0]
        finally:
            child.stop()


@pytest.mark.parametrize("make", [
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    lambda: socket.socketpair()[0],
    lambda: open("/dev/null", "rb"),
])
def test_what_is_no_tcp_socket_is_fatal(make):
    with make() as thing:
        with pytest.raises(harness.Failed) as failed:
            systemd([thing])
    assert failed.value.status == 1
    assert "inherited descriptor 3 is no TCP socket" in failed.value.text


def test_too_many_sockets_are_fatal():
    with listening() as sock, pytest.raises(harness.Failed) as failed:
        Started([sock], SYSTEMD.format(17))
    assert "more than 16 inherited sockets" in failed.value.text


EINHORN = ("os.environ['EINHORN_MASTER_PID'] = str(os.getppid())\n"
           "os.environ['EINHORN_FD_COUNT'] = '1'\n"
           "os.environ['EINHORN_FD_0'] = '3'\n"
           "os.environ['EINHORN_SOCK_PATH'] = {!r}")


def test_einhorn(origin, tmp_path):
    path = str(tmp_path / "einhorn.sock")
    with listening() as sock, socket.socket(socket.AF_UNIX) as control:
        control.bind(path)
        control.listen(1)
        control.settimeout(harness.SECONDS)
        child = Started([sock], EINHORN.format(path), *harness.LOOPBACK,
                        "--listen-port", "9")
        try:
            with control.accept()[0] as master:
                said = harness.read_all(master).decode()
            assert said == \
                f"command: worker:ack%0Apid: {child.process.pid}%0A\n"
            assert child.port == sock.getsockname()[1]
            echo = origin()
            assert tunnel_at(sock.getsockname(), echo.port).status == 200
            answer = child.connect("127.0.0.1", child.port)
            assert "Self Connection" in answer.error
        finally:
            child.stop()


def test_einhorn_that_cannot_be_told_is_logged():
    with listening() as sock:
        child = Started([sock], EINHORN.format("/no/such/socket"))
        try:
            line = child.wait_for(lambda line: "einhorn" in line["msg"])
            assert line["level"] == "error"
        finally:
            child.stop()


def test_einhorn_without_sockets_is_fatal():
    with listening() as sock, pytest.raises(harness.Failed) as failed:
        Started([sock], "os.environ['EINHORN_MASTER_PID'] = "
                        "str(os.getppid())")
    assert "einhorn: too few EINHORN_FDs passed" in failed.value.text


def test_another_ones_einhorn_is_none_of_ours():
    with listening() as sock:
        child = Started([sock], "os.environ['EINHORN_MASTER_PID'] = '1'")
        try:
            assert child.port != sock.getsockname()[1]
        finally:
            child.stop()


def test_a_restart_under_load_refuses_nobody(origin):
    """Old and new serve one socket; the old one drains."""
    echo = origin()
    stop, failures, done = threading.Event(), [], [0]

    def load(address):
        while not stop.is_set():
            try:
                assert tunnel_at(address, echo.port).status == 200
                done[0] += 1
            except Exception as error:  # noqa: BLE001
                failures.append(repr(error))

    with listening() as sock:
        child = systemd([sock], "--workers", "2")
        threads = [threading.Thread(target=load, args=(sock.getsockname(),))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for round_ in range(5):
                before = done[0]
                successor = systemd([sock], "--workers", "2")
                child.signal(signal.SIGTERM)
                assert child.process.wait(harness.SECONDS) == 0
                child.stop()
                child = successor
                end = time.monotonic() + harness.SECONDS
                while done[0] < before + 20:
                    assert time.monotonic() < end, failures
                    time.sleep(0.01)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            child.stop()
    assert failures == []


def test_while_nobody_serves_clients_wait(origin):
    """The socket is there before the process and after it."""
    echo = origin()
    with listening() as sock:
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            tunnel_at(sock.getsockname(), echo.port)))
        waiting.start()
        child = systemd([sock])
        waiting.join(harness.SECONDS)
        child.stop()
    assert [answer.status for answer in answers] == [200]


@pytest.mark.parametrize("ip, address", [
    ("::1", "[::1]"), ("[::1]", "[::1]"), ("127.0.0.1", "127.0.0.1"),
])
def test_listen_ip_with_brackets_and_without(proxy, ip, address):
    child = proxy("--listen-ip", ip)
    assert child.logged("ready")[0]["address"] == f"{address}:{child.port}"
    host = ip.strip("[]")
    with socket.create_connection((host, child.port), harness.SECONDS):
        pass


@pytest.mark.parametrize("ip", ["localhost", "1.2.3", "[::1", "::1]", "[]"])
def test_what_is_no_address_is_refused(ip):
    done = run_smokescreen("--listen-port", "0", "--listen-ip", ip)
    assert done.returncode == 1
    assert "is not an IP address" in done.stderr
    assert not [line for line in done.stderr.splitlines()
                if line.startswith("{") and json.loads(line)]


def test_descriptors_are_not_left_behind():
    with listening() as sock:
        child = systemd([sock], "--workers", "2")
        try:
            held = [os.readlink(f"/proc/{child.process.pid}/fd/{n}")
                    for n in os.listdir(f"/proc/{child.process.pid}/fd")]
            inode = os.fstat(sock.fileno()).st_ino
            assert held.count(f"socket:[{inode}]") == 2
        finally:
            child.stop()
