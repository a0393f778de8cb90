"""How much is too much: rate, requests and tunnels at once, how long a tunnel
may last.  The limits hold for all workers together."""

import socket
import struct
import threading
import time

import pytest

import harness
from harness import run_smokescreen
from test_metrics import FLAGS as METRICS, samples
from test_start import refused

WORKERS = ("--workers", "4")


def reset(sock):
    """Gone, and not merely done with sending."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def statuses(child, count, host="10.0.0.1", port=1):
    """Those of so many requests at once."""
    found = []

    def ask():
        found.append(child.connect(host, port).status)
    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    return found


def test_rate_is_exact_across_workers(proxy):
    """None comes back within the test: one token takes 1000 seconds."""
    child = proxy(*WORKERS, "--max-request-rate", "0.001",
                  "--max-request-burst", "7")
    found = statuses(child, 40)
    assert found.count(407) == 7
    assert found.count(429) == 33
    answer = child.connect("10.0.0.1", 1)
    assert answer.status == 429
    assert answer.phrase == "Too Many Requests"
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.error is None
    assert answer.body == b"Proxy rate limit exceeded. Please retry later.\n"
    line = child.decision(status_code=429)
    assert line["allow"] is False and line["level"] == "warning"
    assert line["decision_reason"] == "request rate limit exceeded"
    assert line["requested_host"] == "10.0.0.1:1"
    assert line["content_length"] == len(answer.body)


@pytest.mark.parametrize("rate, burst", [
    ("0.001", 1), ("0.4", 1), ("1.6", 3), ("3", 6), ("2e1", 40)])
def test_burst_is_twice_the_rate_and_at_least_one(rate, burst):
    done = run_smokescreen("--check-config", "--max-request-rate", rate)
    assert done.returncode == 0, done.stderr
    assert f"max_request_burst: {burst}\n" in done.stdout


def test_a_rate_below_one_lets_the_first_through_and_comes_back(proxy):
    child = proxy("--max-request-rate", "0.9")
    began = time.monotonic()
    assert child.connect("10.0.0.1", 1).status == 407
    assert child.connect("10.0.0.1", 1).status == 429
    while child.connect("10.0.0.1", 1).status == 429:
        assert time.monotonic() - began < harness.SECONDS
        time.sleep(0.05)
    assert time.monotonic() - began > 1


def test_every_kind_of_request_counts_for_the_rate(proxy):
    child = proxy("--max-request-rate", "0.001")
    assert child.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 500
    assert child.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 429


@pytest.fixture
def held(proxy):
    """Proxy with two requests at work, which is as many as may be: they wait
    for a name server that says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        child = proxy(*WORKERS, *METRICS, "--max-concurrent-requests", "2",
                      "--resolver-address", server, "--dns-timeout", "20s")
        socks = []
        for name in "a.test", "b.test":
            socks.append(child.dial())
            socks[-1].sendall(harness.connect_head(name, 443))
            # it has a slot once it has asked
            silent.settimeout(harness.SECONDS)
            while name.encode()[:1] != silent.recv(512)[13:14]:
                pass
        yield child, socks
        for sock in socks:
            sock.close()


def test_requests_at_once(held):
    child, socks = held
    assert statuses(child, 10) == [503] * 10
    answer = child.connect("10.0.0.1", 1)
    assert (answer.status, answer.phrase) == (503, "Service Unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.body == b"Proxy overloaded. Please retry later.\n"
    line = child.decision(status_code=503)
    assert line["decision_reason"] == "concurrent request limit exceeded"
    assert line["allow"] is False
    # one who gives up makes room, and an answer does at once
    reset(socks.pop())
    end = time.monotonic() + harness.SECONDS
    while child.connect("10.0.0.1", 1).status == 503:
        assert time.monotonic() < end
    assert child.connect("10.0.0.1", 1).status == 407


def test_every_request_of_a_connection_counts(proxy):
    """Keep-alive is no way around, and the health check never counts."""
    child = proxy("--max-request-rate", "0.001", "--max-request-burst", "3")
    one = b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n"
    health = child.ask(b"GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n")
    assert health.status == 200
    with child.dial() as sock:
        for _ in range(3):
            sock.sendall(one)
            answer = harness.read_head(sock)
            assert answer.status == 407
            harness.read_exactly(sock, int(answer.headers["content-length"]))
        sock.sendall(one)
        assert harness.read_head(sock).status == 429
    head = child.ask(one.replace(b"GET", b"HEAD"))
    assert head.status == 429 and head.body == b""
    assert child.ask(b"GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n") \
        .status == 200


def test_a_plain_request_holds_a_slot_until_its_answer_is_through(
        proxy, origin):
    go = threading.Event()

    def slow(sock):
        while not sock.recv(1 << 16).endswith(b"\r\n\r\n"):
            pass
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        go.wait(harness.SECONDS)
        sock.sendall(b"b")
    port = origin(slow).port
    child = proxy("--max-concurrent-requests", "1")
    with child.dial() as sock:
        sock.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n"
                     % port)
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, 1) == b"a"
        assert child.connect("10.0.0.1", 1).status == 503
        go.set()
        assert harness.read_exactly(sock, 1) == b"b"
        # the connection is still there, and is no request
        end = time.monotonic() + harness.SECONDS
        while child.connect("10.0.0.1", 1).status == 503:
            assert time.monotonic() < end


def test_plain_requests_are_no_tunnels(proxy, origin):
    child = proxy("--max-concurrent-connect-tunnels", "1")
    target = origin()
    with child.tunnel("127.0.0.1", target.port), child.dial() as sock:
        sock.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n"
                     % harness.refusing_port())
        assert harness.read_head(sock).status == 502


def test_tunnels_are_not_requests(proxy, origin):
    child = proxy("--max-concurrent-requests", "1")
    port = origin().port
    with child.tunnel("127.0.0.1", port), child.tunnel("127.0.0.1", port):
        assert child.connect("10.0.0.1", 1).status == 407


def test_an_answer_that_is_not_taken_holds_no_slot(proxy):
    child = proxy("--max-concurrent-requests", "1")
    with child.dial() as sock:
        sock.sendall(harness.connect_head("10.0.0.1", 1))
        harness.read_head(sock)
        assert child.connect("10.0.0.1", 1).status == 407


def test_tunnels_at_once(proxy, origin):
    child = proxy(*WORKERS, "--max-concurrent-connect-tunnels", "3",
                  "--additional-error-message-on-deny", "ask us")
    port = origin().port
    tunnels = [child.tunnel("127.0.0.1", port) for _ in range(3)]
    assert statuses(child, 10, "127.0.0.1", port) == [429] * 10
    answer = child.connect("127.0.0.1", port)
    message = "maximum concurrent connect tunnels exceeded"
    assert (answer.status, answer.phrase) == (429, "Too Many Requests")
    assert answer.headers["retry-after"] == "1"
    assert answer.error.startswith(message)
    assert answer.body == f"{message}\n\nask us\n\n".encode()
    # as upstream has it: allowed by the policy, then one too many
    line = child.wait_log(message, status_code=429)
    assert line["allow"] is True and line["level"] == "error"
    assert child.logged("CANONICAL-PROXY-DECISION", id=line["id"])
    # what is denied needs no slot, and what ends gives it back
    assert child.connect("10.0.0.1", 1).status == 407
    tunnels.pop().close()
    child.close_line()
    tunnels.append(child.tunnel("127.0.0.1", port))
    # so does a dial that fails
    tunnels.pop().close()
    child.wait_log("CANONICAL-PROXY-CN-CLOSE", 2)
    refuses = harness.refusing_port()
    for _ in range(5):
        assert child.connect("127.0.0.1", refuses).status == 502
    child.tunnel("127.0.0.1", port).close()
    for sock in tunnels:
        sock.close()


def test_a_dial_holds_a_tunnel_slot(proxy):
    child = proxy("--max-concurrent-connect-tunnels", "1", "--timeout", "20s")
    with harness.full_listener() as port, child.dial() as sock:
        sock.sendall(harness.connect_head("127.0.0.1", port))
        child.decision(requested_host=f"127.0.0.1:{port}")
        assert child.connect("127.0.0.1", port).status == 429
        # who gives up takes the dial along
        reset(sock)
        end = time.monotonic() + harness.SECONDS
        refuses = harness.refusing_port()
        while child.connect("127.0.0.1", refuses).status == 429:
            assert time.monotonic() < end
        assert child.connect("127.0.0.1", refuses).status == 502


def test_tunnel_duration(proxy, origin):
    child = proxy("--max-tunnel-duration", "600ms")
    began = time.monotonic()
    with child.tunnel("127.0.0.1", origin().port) as sock:
        while True:
            # not for want of traffic
            try:
                sock.sendall(b"x")
                if not sock.recv(10):
                    break
            except ConnectionError:
                break
            time.sleep(0.01)
    assert 0.5 < time.monotonic() - began < harness.SECONDS
    line = child.close_line()
    assert line["error"] == "maximum tunnel duration"
    assert "active_at_termination" not in line


@pytest.mark.parametrize("text, message", [
    ("max_request_rate: 10\nmax_request_burst: 10",
     "maxRequestBurst (10) must be greater than maxRequestRate (10.00); omit "
     "to use default (2x rate)"),
    ("max_request_rate: 0.5\nmax_request_burst: 0", "maxRequestBurst (0)"),
    ("max_request_rate: -1", "maxRequestRate must be >= 0, got -1"),
    ("max_request_rate: .inf", "'.inf' is not a number"),
    ("max_request_rate: '1'", "cannot unmarshal !!str"),
    ("max_request_rate: 0x10", "'0x10' is not a number"),
    ("max_concurrent_requests: -3", "maxConcurrent must be >= 0, got -3"),
    ("max_concurrent_requests: 1.5", "cannot unmarshal !!float"),
    ("max_concurrent_requests: 2147483648", "is not a number from 0 to"),
    ("max_concurrent_connect_tunnels: many", "cannot unmarshal"),
    ("max_tunnel_duration: 10", "has no unit"),
])
def test_limits_refused(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text + "\n")
    assert message in refused(run_smokescreen("--config-file", path,
                                              "--check-config"))


def shown(tmp_path, text, *flags):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    done = run_smokescreen("--config-file", path, "--check-config", *flags)
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines()
                if line.startswith("max_"))


def test_a_flag_replaces_its_own_key_and_no_other(tmp_path):
    text = ("max_concurrent_requests: 5\nmax_request_rate: 2.5\n"
            "max_request_burst: 9\nmax_concurrent_connect_tunnels: 8\n"
            "max_tunnel_duration: 1h\n")
    assert shown(tmp_path, text) == {
        "max_concurrent_requests": "5", "max_request_rate": "2.5",
        "max_request_burst": "9", "max_concurrent_connect_tunnels": "8",
        "max_tunnel_duration": "60m"}
    assert shown(tmp_path, text, "--max-concurrent-requests", "7") == {
        "max_concurrent_requests": "7", "max_request_rate": "2.5",
        "max_request_burst": "9", "max_concurrent_connect_tunnels": "8",
        "max_tunnel_duration": "60m"}
    assert shown(tmp_path, text, "--max-request-burst", "-1",
                 "--max-request-rate=4", "--max-tunnel-duration=0",
                 "--max-concurrent-connect-tunnels=-1") == {
        "max_concurrent_requests": "5", "max_request_rate": "4",
        "max_request_burst": "8", "max_concurrent_connect_tunnels": "none",
        "max_tunnel_duration": "none"}


def test_no_limits_unless_asked_for(tmp_path):
    assert set(shown(tmp_path, "max_concurrent_connect_tunnels: -1\n")
               .values()) == {"none"}


def test_who_is_turned_away_is_counted(proxy, origin):
    child = proxy(*METRICS, "--max-concurrent-connect-tunnels", "1",
                  "--max-request-rate", "0.001", "--max-request-burst", "4")
    port = origin().port
    with child.tunnel("127.0.0.1", port):
        for _ in range(3):
            assert child.connect("127.0.0.1", port).status == 429
        for _ in range(5):
            assert child.connect("127.0.0.1", port).status == 429
        found = samples(child)
    assert found["tunnels_concurrency_limited"] == 3
    assert found["requests_rate_limited"] == 5
    assert found["requests_concurrency_limited"] == 0


def test_requests_turned_away_are_counted(held):
    child, _ = held
    statuses(child, 6)
    assert samples(child)["requests_concurrency_limited"] == 6
