"""What Prometheus reads, from the real program."""

import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

import harness
from dns_server import nxdomain
from harness import PROMTOOL, run_smokescreen

ACL = """\
version: v1
services: []
default:
  project: pro|ject
  action: enforce
  allowed_domains: [allowed.test, private.test, nowhere.test]
global_allow_list: ["global.test"]
"""
FLAGS = ("--expose-prometheus-metrics", "--prometheus-listen-ip", "127.0.0.1",
         "--prometheus-port", "0")


def port_of(child):
    return child.logged("serving metrics")[0]["port"]


def fetch(child, path="/metrics"):
    url = f"http://127.0.0.1:{port_of(child)}{path}"
    with urllib.request.urlopen(url, timeout=harness.SECONDS) as answer:
        kind = answer.headers["Content-Type"]
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        return answer.read().decode()


def samples(child):
    """Every sample by its name with labels, as a number."""
    found = {}
    for line in fetch(child).splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, name
            found[name] = float(value)
    return found


def ask(child, raw):
    with socket.create_connection(("127.0.0.1", port_of(child)),
                                  harness.SECONDS) as sock:
        sock.sendall(raw)
        return harness.Answer(harness.read_all(sock))


def test_requests_are_counted_under_upstreams_names_and_ours(proxy, origin):
    child = proxy(*FLAGS, acl=ACL, config="time_connect: true\n", dns={
        "allowed.test": ["127.0.0.1"], "private.test": ["10.0.0.1"],
        "nowhere.test": nxdomain()})
    echo = origin()
    sock = child.tunnel("allowed.test", echo.port)
    assert samples(child)["smokescreen_tunnels"] == 1
    assert samples(child)["smokescreen_clients"] == 1
    sock.sendall(b"12345")
    harness.read_exactly(sock, 5)
    sock.close()
    child.close_line()
    child.connect("allowed.test", harness.refusing_port())
    child.connect("private.test", 443)
    child.connect("nowhere.test", 443)
    child.connect("other.test", 443)
    child.connect("[::1]", 443)
    child.ask(b"nonsense\r\n\r\n")
    now = samples(child)
    for name, value in {
            'acl_allow{role="default",def_rule="true",project="pro_ject"}': 4,
            'acl_deny{role="default",def_rule="true",project="pro_ject"}': 1,
            "acl_role_not_determined": 0,
            "resolver_attempts_total": 4,
            "resolver_errors_total": 2,
            "resolver_allow_user_configured": 2,
            "resolver_allow_default": 0,
            "resolver_deny_private_range": 1,
            "resolver_lookup_time_timer_count": 4,
            "proxy_duration_ms_timer_count": 2,
            'cn_atpt_total{success="true"}': 1,
            'cn_atpt_total{success="false"}': 1,
            'cn_atpt_connect_err{type="refused"}': 1,
            'cn_atpt_connect_err{type="timeout"}': 0,
            "cn_atpt_connect_time_timer_count": 2,
            'cn_close{role="default",project="pro_ject"}': 1,
            'cn_duration_count{role="default",project="pro_ject"}': 1,
            'cn_bytes_in_sum{role="default",project="pro_ject"}': 5,
            'cn_bytes_out_sum{role="default",project="pro_ject"}': 5,
            'smokescreen_decisions_total{verdict="allow",'
            'reason="host_in_rule"}': 3,
            'smokescreen_decisions_total{verdict="deny",'
            'reason="address_private_range"}': 1,
            'smokescreen_decisions_total{verdict="deny",'
            'reason="default_rule"}': 1,
            'smokescreen_decisions_total{verdict="deny",'
            'reason="ipv6_host"}': 1,
            'smokescreen_dials_total{class="user_allowed",'
            'result="connected"}': 1,
            'smokescreen_dials_total{class="user_allowed",'
            'result="refused"}': 1,
            'smokescreen_dns_lookups_total{result="ok"}': 3,
            'smokescreen_dns_lookups_total{result="not_found"}': 1,
            "smokescreen_requests_refused_total": 1,
            "smokescreen_clients_accepted_total": 7,
            "smokescreen_tunnels": 0,
            "smokescreen_log_lines_dropped_total": 0,
            f'smokescreen_policy_info{{policy="{child.policy}"}}': 1,
    }.items():
        assert now.get(name) == value, name
    assert now["process_open_fds"] > 5
    assert now["process_resident_memory_bytes"] > 1 << 20


def test_plain_requests_are_counted(proxy, origin):
    def serve(sock):
        while sock.recv(1 << 16):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    child = proxy(*FLAGS)
    web = origin(serve)
    url = f"http://127.0.0.1:{web.port}/"
    done = child.curl(url, url, "http://10.0.0.1/")
    assert done.returncode == 0, done.stderr
    now = samples(child)
    assert now['smokescreen_decisions_total{verdict="allow",'
               'reason="no_acl"}'] == 2
    assert now['smokescreen_decisions_total{verdict="deny",'
               'reason="address_private_range"}'] == 1
    assert now["smokescreen_clients_accepted_total"] == 1
    assert now["smokescreen_requests_refused_total"] == 0


def test_requests_at_once_are_a_gauge(proxy, origin):
    """Up when there is one, down when it is answered or has become a tunnel."""
    come, go = threading.Semaphore(0), threading.Semaphore(0)

    def serve(sock):
        sock.recv(1 << 16)
        come.release()
        assert go.acquire(timeout=harness.SECONDS)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        sock.recv(1)
    child = proxy(*FLAGS)
    request = (f"GET http://127.0.0.1:{origin(serve).port}/ HTTP/1.1\r\n"
               "Host: x\r\n\r\n").encode()
    with child.dial() as one, child.dial() as other, \
            child.tunnel("127.0.0.1", origin().port):
        for sock in one, other:
            sock.sendall(request)
            assert come.acquire(timeout=harness.SECONDS)
        assert samples(child)["requests_concurrent"] == 2
        go.release(2)
        for sock in one, other:
            assert harness.read_head(sock).status == 200
        # the answers are here a moment before the gauge is down
        end = time.monotonic() + harness.SECONDS
        while samples(child)["requests_concurrent"] != 0:
            assert time.monotonic() < end


def test_without_a_role_and_without_an_acl(proxy, origin, tmp_path):
    acl = harness.compile_acl(tmp_path, ACL)
    child = proxy(*FLAGS, "--egress-acl-file", acl)
    child.connect("allowed.test", 443)
    now = samples(child)
    assert now["acl_role_not_determined"] == 1
    assert now['smokescreen_decisions_total{verdict="deny",'
               'reason="no_role"}'] == 1
    child = proxy(*FLAGS)
    child.tunnel("127.0.0.1", origin().port).close()
    child.close_line()
    now = samples(child)
    assert now['smokescreen_decisions_total{verdict="allow",'
               'reason="no_acl"}'] == 1
    assert not [name for name in now if name.startswith("acl_allow")]


def test_reloads_are_counted_and_change_the_policy(proxy, tmp_path):
    child = proxy(*FLAGS, acl=ACL)
    before = child.policy
    child.reload()
    harness.compile_acl(tmp_path, ACL.replace("global.test", "other.test"))
    child.reload()
    (tmp_path / "acl.blob").write_bytes(b"no policy")
    child.signal(signal.SIGHUP)
    child.wait_log("policy not reloaded, the old one stays")
    now = samples(child)
    assert now['smokescreen_reloads_total{result="ok"}'] == 2
    assert now['smokescreen_reloads_total{result="failed"}'] == 1
    info = [name for name in now if name.startswith("smokescreen_policy_info")]
    assert len(info) == 1 and before not in info[0]


def test_counts_survive_a_reload_that_moves_the_rule(proxy, tmp_path):
    child = proxy(*FLAGS, acl=ACL)
    child.connect("other.test", 443)
    harness.compile_acl(tmp_path, ACL.replace(
        "services: []", "services:\n- {name: a, project: p, action: open}"))
    child.reload()
    child.connect("other.test", 443)
    name = 'acl_deny{role="default",def_rule="true",project="pro_ject"}'
    assert samples(child)[name] == 2


def test_the_metrics_listener_is_not_reachable_through_the_proxy(proxy):
    child = proxy(*FLAGS)
    answer = child.connect("127.0.0.1", port_of(child))
    assert answer.status == 407
    assert "Self Connection" in answer.error
    assert samples(child)["resolver_deny_self_connection"] == 1


def test_every_family_is_described_once(proxy):
    text = fetch(proxy(*FLAGS))
    helped = re.findall(r"^# HELP (\w+) .+$", text, re.M)
    typed = re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", text,
                       re.M)
    assert helped == typed
    assert len(set(helped)) == len(helped)
    for name in re.findall(r"^(\w+)", re.sub("^#.*\n", "", text, flags=re.M),
                           re.M):
        assert name in typed or \
            re.sub("_(bucket|sum|count)$", "", name) in typed


def test_the_endpoint_and_what_is_none(proxy):
    child = proxy(*FLAGS, "--prometheus-endpoint", "/here")
    assert "smokescreen_clients" in fetch(child, "/here")
    assert "smokescreen_clients" in fetch(child, "/here?name=x")
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(child, "/metrics")
    assert error.value.code == 404
    for raw, status in [
            (b"POST /here HTTP/1.1\r\nHost: x\r\n\r\n", 405),
            (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
            (b"GET /here HTTP/1.1\nHost: x\n\n", 400),
            (b"GET /here HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            (b"GET /here HTTP/1.1\r\nA: " + b"x" * 9000, 400),
            (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400)]:
        assert ask(child, raw).status == status, raw
    head = ask(child, b"HEAD /here HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.status == 200 and head.body == b""
    assert int(head.headers["content-length"]) > 1000


def test_many_who_say_nothing_shut_nobody_out_for_long(proxy):
    child = proxy(*FLAGS)
    idle = [socket.create_connection(("127.0.0.1", port_of(child)),
                                     harness.SECONDS) for _ in range(40)]
    # those beyond the limit are closed at once, the others in time
    for sock in idle:
        sock.settimeout(harness.SECONDS)
        assert sock.recv(1) == b""
        sock.close()
    assert "smokescreen_clients" in fetch(child)


@pytest.mark.parametrize("flags, why", [
    (["--prometheus-listen-ip", "192.0.2.1"], "metrics: listen on "),
    (["--prometheus-listen-ip", "nowhere"], "is not an IP address"),
])
def test_a_listener_that_cannot_be_had_is_fatal(flags, why):
    done = run_smokescreen("--listen-port", "0", *FLAGS, *flags)
    assert done.returncode == 1
    assert why in done.stderr
    assert "{" not in done.stderr


def test_a_port_that_is_taken_is_fatal():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_smokescreen("--listen-port", "0", *FLAGS,
                               "--prometheus-port", taken.getsockname()[1])
    assert done.returncode == 1
    assert "metrics: listen on 127.0.0.1:" in done.stderr
    assert "Address already in use" in done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool: make deps-ci fetches one")
def test_promtool_finds_nothing_in_what_is_ours(proxy):
    text = fetch(proxy(*FLAGS))
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text,
                          capture_output=True, text=True, timeout=60)
    assert "error while linting" not in done.stderr, done.stderr
    found = [line for line in (done.stdout + done.stderr).splitlines()
             if line.startswith(("smokescreen_", "process_"))]
    assert found == []
