"""The whole way: curl, by name, through the proxy, to a TLS origin; and every
reason for which it does not get there."""

import json
import signal
import socket
import time

import pytest

import harness
from dns_server import delay, drop, nxdomain

ACL = """\
version: v1
services:
- name: someone
  project: elsewhere
  action: enforce
  allowed_domains: [only-someone.test]
default:
  project: tests
  action: %s
  allowed_domains:
  - allowed.test
  - "*.wild.test"
  - private.test
  - mixed.test
  - nowhere.test
  - silent.test
  - mute.test
global_deny_list: [denied.test]
global_allow_list: [global.test]
"""
ENFORCE = ACL % "enforce"
LOOPBACK = ["127.0.0.1"]


def fetch(proxy, origin, host):
    """curl https://HOST/ through the proxy; (answer of the proxy, body)."""
    done = proxy.curl("--insecure", "--dump-header", "-",
                      f"https://{host}:{origin.port}/")
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def tls_origin(origin, certificate):
    return origin(harness.https(certificate))


@pytest.mark.parametrize("host, reason, entry", [
    ("allowed.test", "host matched allowed domain in rule", "allowed.test"),
    ("a.b.wild.test", "host matched allowed domain in rule", "*.wild.test"),
    ("ALLOWED.test", "host matched allowed domain in rule", "allowed.test"),
    ("global.test", "host matched rule in global allow list", "global.test"),
])
def test_curl_reaches_what_is_allowed(proxy, tls_origin, host, reason, entry):
    child = proxy(acl=ENFORCE, dns={host.lower(): LOOPBACK})
    status, text, error = fetch(child, tls_origin, host)
    assert status == 0, error
    assert "HTTP/1.1 200 OK\r\n\r\n" in text
    assert f"you reached {host}:{tls_origin.port}".lower() in text.lower()
    line = child.decision()
    assert line["level"] == "info"
    assert line["allow"] is True
    assert line["enforce_would_deny"] is False
    assert line["decision_reason"] == reason
    assert line["project"] == "tests"
    assert line["rule"] == "default"
    assert line["entry"] == entry
    assert line["source"].startswith("acl.yaml:")
    assert line["policy"] == child.policy
    assert line["requested_host"].lower() == \
        f"{host}:{tls_origin.port}".lower()
    assert line["proxy_type"] == "connect"
    closed = child.close_line(id=line["id"])
    assert closed["bytes_in"] > 0 and closed["bytes_out"] > 0
    assert closed["outbound_remote_addr"] == f"127.0.0.1:{tls_origin.port}"
    assert closed["error"] == ""


def test_report_lets_through_and_says_so(proxy, tls_origin):
    child = proxy(acl=ACL % "report", dns={"other.test": LOOPBACK})
    status, text, _ = fetch(child, tls_origin, "other.test")
    assert status == 0
    assert "you reached" in text
    line = child.decision()
    assert line["allow"] is True
    assert line["enforce_would_deny"] is True
    assert line["decision_reason"] == "default rule policy used"


def test_open_lets_through(proxy, tls_origin):
    child = proxy(acl=ACL % "open", dns={"other.test": LOOPBACK})
    assert fetch(child, tls_origin, "other.test")[0] == 0
    line = child.decision()
    assert (line["allow"], line["enforce_would_deny"]) == (True, False)


@pytest.mark.parametrize("host, reason", [
    ("other.test", "default rule policy used"),
    ("only-someone.test", "default rule policy used"),
    ("wild.test", "default rule policy used"),
    ("denied.test", "host matched rule in global deny list"),
    ("allowed.test.evil.test", "default rule policy used"),
])
def test_curl_is_denied(proxy, tls_origin, host, reason):
    child = proxy(acl=ENFORCE, dns={host: LOOPBACK})
    status, text, error = fetch(child, tls_origin, host)
    assert status == 56, error
    assert "407 Request rejected by proxy" in text
    assert f"Egress proxying is denied to host '{host}:{tls_origin.port}': " \
        f"{reason}." in text
    line = child.decision()
    assert line["level"] == "warning"
    assert line["allow"] is False
    assert line["enforce_would_deny"] is True
    assert line["decision_reason"] == reason
    assert line["status_code"] == 407
    # denied by the policy: nobody is asked for its address
    assert child.dns.queries == []
    assert tls_origin.accepted == 0


def test_a_denied_address_class(proxy, tls_origin):
    child = proxy(acl=ENFORCE, dns={"private.test": ["10.1.2.3", "fd00::1"]})
    status, text, _ = fetch(child, tls_origin, "private.test")
    assert status == 56
    assert "407 Request rejected by proxy" in text
    assert "no valid IP found among resolved addresses" in text
    assert "Deny: Private Range" in text
    # what the name resolved to is for the log alone
    assert "10.1.2.3" not in text
    line = child.decision()
    assert (line["allow"], line["enforce_would_deny"]) == (False, True)
    assert "10.1.2.3 denied by rule 'Deny: Private Range'" in \
        line["decision_reason"]


def test_denied_addresses_are_skipped(proxy, tls_origin):
    child = proxy(acl=ENFORCE,
                  dns={"mixed.test": ["10.1.2.3", "192.168.0.1", "127.0.0.1"]})
    assert fetch(child, tls_origin, "mixed.test")[0] == 0
    assert child.close_line()["outbound_remote_addr"] == \
        f"127.0.0.1:{tls_origin.port}"


def test_mixed_answers_may_be_refused(proxy, tls_origin):
    child = proxy("--mixed-answers", "refuse", acl=ENFORCE,
                  dns={"mixed.test": ["127.0.0.1", "10.1.2.3"],
                       "allowed.test": ["127.0.0.1", "127.0.0.2"]})
    answer = child.connect("mixed.test", tls_origin.port)
    assert answer.status == 407
    assert tls_origin.accepted == 0
    assert "10.1.2.3" in child.decision()["decision_reason"]
    assert fetch(child, tls_origin, "allowed.test")[0] == 0


def test_the_first_allowed_address_is_used(proxy, origin):
    """First in resolver order, an allowed range before what is public."""
    target = origin(host="127.0.0.3")
    child = proxy(acl=ENFORCE, dns={"mixed.test": ["127.0.0.3", "127.0.0.1"]})
    child.tunnel("mixed.test", target.port).close()
    assert child.close_line()["outbound_remote_addr"] == \
        f"127.0.0.3:{target.port}"


def test_the_next_address_is_tried(proxy, origin):
    target = origin()
    child = proxy(acl=ENFORCE, dns={"mixed.test": ["127.0.0.9", "127.0.0.1"]})
    child.tunnel("mixed.test", target.port).close()
    assert child.close_line()["outbound_remote_addr"] == \
        f"127.0.0.1:{target.port}"


def test_a_name_that_does_not_exist(proxy):
    child = proxy(acl=ENFORCE, dns={"nowhere.test": nxdomain()})
    answer = child.connect("nowhere.test", 443)
    assert (answer.status, answer.phrase) == (502, "Bad gateway")
    assert answer.error == ("Failed to resolve remote hostname: "
                            "lookup nowhere.test:443: no such host")
    line = child.decision()
    assert line["level"] == "error"
    assert line["allow"] is True
    assert line["status_code"] == 502
    assert "no such host" in line["error"]


def test_a_resolver_that_does_not_answer(proxy):
    child = proxy("--dns-timeout", "300ms", acl=ENFORCE,
                  dns={"mute.test": drop()})
    answer = child.connect("mute.test", 443)
    assert (answer.status, answer.phrase) == (504, "Gateway timeout")
    assert answer.error.startswith("Timed out connecting to remote host: ")
    assert child.decision()["dns_lookup_time_ms"] >= 250


def test_a_late_answer_is_in_time(proxy, origin):
    child = proxy(acl=ENFORCE, dns={"allowed.test": delay(0.2, LOOPBACK)})
    child.tunnel("allowed.test", origin().port).close()
    assert child.decision()["dns_lookup_time_ms"] >= 150


def test_a_port_that_refuses(proxy):
    port = harness.refusing_port()
    child = proxy(acl=ENFORCE, dns={"allowed.test": LOOPBACK})
    answer = child.connect("allowed.test", port)
    assert (answer.status, answer.phrase) == (502, "Bad gateway")
    assert answer.error == ("Failed to connect to remote host: connect "
                            f"127.0.0.1:{port}: Connection refused")
    line = child.wait_log(answer.error)
    assert line["level"] == "error"
    assert line["status_code"] == 502
    # the decision comes first, and it was to allow
    assert child.decision(id=line["id"])["allow"] is True


def test_an_address_that_does_not_answer(proxy):
    with harness.full_listener() as port:
        child = proxy("--timeout", "300ms")
        answer = child.connect("127.0.0.1", port)
    assert (answer.status, answer.phrase) == (504, "Gateway timeout")
    assert answer.error.startswith("Timed out connecting to remote host: ")
    assert child.wait_log(answer.error)["status_code"] == 504


def test_without_an_acl_addresses_alone_decide(proxy, origin):
    target = origin()
    child = proxy()
    child.tunnel("127.0.0.1", target.port).close()
    line = child.decision()
    assert line["decision_reason"] == "Egress ACL is not configured"
    assert line["policy"] == ""
    answer = child.connect("10.0.0.1", 443)
    assert "Deny: Private Range" in answer.error


def test_ipv6_literals(proxy):
    child = proxy("--deny-range", "2001:db8::/32")
    answer = child.connect("[2001:db8::1]", 443)
    assert "Deny: User Configured" in answer.error


def test_ipv6_literals_have_no_name_for_an_acl(proxy):
    child = proxy(acl=ENFORCE)
    answer = child.connect("[2001:db8::1]", 443)
    assert answer.status == 407
    assert "Destination host cannot be determined" in answer.error
    line = child.decision()
    assert line["enforce_would_deny"] is False
    assert line["decision_reason"] == "Destination host cannot be determined"


def test_an_ipv4_literal_is_a_host_like_others(proxy, origin):
    target = origin()
    acl = ENFORCE.replace("  - allowed.test\n", "  - 127.0.0.1\n")
    child = proxy(acl=acl)
    child.tunnel("127.0.0.1", target.port).close()
    assert child.decision()["entry"] == "127.0.0.1"
    assert child.connect("127.0.0.2", target.port).status == 407


def test_no_role_is_denied(proxy, tmp_path):
    blob = harness.compile_acl(tmp_path, ENFORCE)
    child = proxy("--egress-acl-file", blob)
    assert child.wait_for(
        lambda line: line["msg"].startswith("every request will be denied"))
    answer = child.connect("allowed.test", 443)
    assert answer.status == 407
    assert "Client role cannot be determined" in answer.error
    assert child.decision()["enforce_would_deny"] is False


def test_self_connection_is_not_overridable(proxy):
    child = proxy()
    for host in ("127.0.0.1", "127.8.8.8"):
        answer = child.connect(host, child.port)
        assert answer.status == 407
        assert "Deny: Self Connection" in answer.error


def test_flags_extend_the_lists_in_the_blob(proxy, origin, tmp_path):
    target = origin()
    acl = ENFORCE.replace("  - allowed.test\n", "  - 127.0.0.1\n")
    child = proxy("--deny-address", f"127.0.0.1:{target.port}",
                  "--allow-address", "127.0.0.1:1", acl=acl, loopback=False)
    answer = child.connect("127.0.0.1", target.port)
    assert "Deny: User Configured" in answer.error or \
        "Deny: Not Global Unicast" in answer.error
    # the one address and port that was opened is reached, and refuses
    assert child.connect("127.0.0.1", 1).status == 502


def test_a_compiled_range_is_named_by_its_line(proxy, tmp_path):
    lists = tmp_path / "lists.yaml"
    lists.write_text("# ours\ndeny_ranges:\n- 93.184.0.0/16\n")
    acl = ENFORCE.replace("  - allowed.test\n", "  - 93.184.216.34\n")
    blob = harness.compile_acl(tmp_path, acl, "--config-file", lists)
    child = proxy("--egress-acl-file", blob,
                  config="allow_missing_role: true\n")
    answer = child.connect("93.184.216.34", 443)
    assert "Deny: User Configured" in answer.error
    line = child.decision()
    assert line["source"] == "lists.yaml:3"
    assert line["entry"] == "93.184.216.34"


def test_nat64_prefixes_are_those_of_policy_and_proxy(tmp_path):
    """The same ones do not count twice, and none is dropped in silence."""
    def prefixes(first, last):
        return [word for i in range(first, last)
                for word in ("--nat64-prefix", f"2001:db8:{i}::/96")]
    blob = harness.compile_acl(tmp_path, ENFORCE, *prefixes(0, 8))
    check = ["--check-config", "--egress-acl-file", blob]
    done = harness.run_smokescreen(*check, *prefixes(0, 8))
    assert done.returncode == 0, done.stderr
    done = harness.run_smokescreen(*check, *prefixes(7, 9))
    assert done.returncode == 1
    assert "more than 8 NAT64 prefixes, with those of the policy" in done.stderr


def test_localhost_is_local(proxy, origin):
    """localhost comes from /etc/hosts, or needs none: no server is asked."""
    child = proxy(dns={})
    child.tunnel("localhost", origin().port).close()
    assert child.dns.queries == []


def test_trace_id_is_logged_and_not_believed(proxy, origin):
    target = origin()
    child = proxy()
    value = 'x","allow":true,"y":"\xe9'
    with child.dial() as sock:
        sock.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % target.port +
                     b"X-Smokescreen-Trace-ID:  " + value.encode("latin-1") +
                     b" \r\nX-Smokescreen-Role: root\r\n\r\n")
        assert harness.read_head(sock).status == 200
    line = child.decision()
    assert line["trace_id"] == 'x","allow":true,"y":"\ufffd'
    assert line["role"] == ""


def test_upstream_proxies_obey_the_acl(proxy):
    acl = ENFORCE.replace(
        "  project: tests\n",
        "  project: tests\n  allowed_external_proxies: [myproxy.test]\n")
    child = proxy(acl=acl, dns={"allowed.test": ["93.184.216.34"],
                                "myproxy.test": ["127.0.0.1"]})

    def ask(url):
        return child.connect("allowed.test", 443,
                             f"X-Upstream-Https-Proxy: {url}\r\n")
    assert "connect proxy host not allowed in rule" in \
        ask("https://google.com").error
    assert ask("google.com").status == 407
    # allowed, but nobody is there: never a direct connection
    answer = ask(f"https://user:secret@myproxy.test:{harness.unused_port()}")
    assert answer.status == 502
    assert "connect 127.0.0.1:" in answer.error
    assert "secret" not in json.dumps(child.lines)
    assert "secret" not in answer.raw.decode()


def test_mitm_without_a_ca_is_denied(proxy):
    acl = ENFORCE.replace("  project: tests\n", """\
  project: tests
  mitm_domains:
  - domain: allowed.test
""")
    child = proxy(acl=acl)
    answer = child.connect("allowed.test", 443)
    assert answer.status == 407
    assert "ACLDecision specified MITM but Smokescreen doesn't have MITM " \
        "enabled" in answer.error


def test_a_final_dot_is_the_same_name(proxy, origin):
    child = proxy(acl=ENFORCE, dns={"allowed.test": LOOPBACK})
    child.tunnel("allowed.test.", origin().port).close()
    assert child.decision()["entry"] == "allowed.test"


def test_network_chooses_the_family(proxy):
    child = proxy(acl=ENFORCE, config="network: ip6\n",
                  dns={"allowed.test": LOOPBACK})
    assert child.connect("allowed.test", 443).status == 502
    assert {query.qtype for query in child.dns.queries} == {28}


def test_what_comes_during_the_lookup_is_forwarded(proxy, origin):
    child = proxy(acl=ENFORCE, dns={"allowed.test": delay(0.3, LOOPBACK)})
    with child.dial() as sock:
        sock.sendall(harness.connect_head("allowed.test", origin().port) +
                     b"one ")
        wait_until(lambda: child.dns.queries)
        sock.sendall(b"two ")
        sock.shutdown(socket.SHUT_WR)
        assert harness.read_head(sock).status == 200
        assert harness.read_all(sock) == b"one two "


@pytest.mark.parametrize("stage", ["lookup", "dial"])
def test_a_client_that_vanishes_ends_its_request(proxy, stage):
    """Its lookup or dial is given up with it, long before they time out."""
    with harness.full_listener() as port:
        child = proxy("--timeout", "60s", "--dns-timeout", "60s", acl=ENFORCE,
                      dns={"mute.test": drop(), "silent.test": LOOPBACK})
        host = "mute.test" if stage == "lookup" else "silent.test"
        with child.dial() as sock:
            sock.sendall(harness.connect_head(host, port))
            wait_until(lambda: child.dns.queries)
            if stage == "dial":
                child.decision()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        child.signal(signal.SIGTERM)
        # nobody is left, so there is nothing to wait for
        assert child.process.wait(harness.SECONDS) == 0
        child.wait_log("All connections are closed. Continuing with "
                       "shutdown...")


def wait_until(happened):
    end = time.monotonic() + harness.SECONDS
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_ipv6_all_the_way(proxy, origin):
    try:
        target = origin(host="::1", family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    child = proxy("--listen-ip", "::1", "--allow-range", "::1/128")
    assert child.logged("ready")[0]["address"] == f"[::1]:{child.port}"
    with socket.create_connection(("::1", child.port), 20) as sock:
        sock.sendall(harness.connect_head("[::1]", target.port) + b"six")
        assert harness.read_head(sock).status == 200
        assert harness.read_exactly(sock, 3) == b"six"
    line = child.close_line()
    assert line["outbound_remote_addr"] == f"[::1]:{target.port}"
    assert line["inbound_remote_addr"].startswith("[::1]:")
