"""Starting, and refusing to: flags, the configuration file, the policy file.
What is wrong is said in plain text before any log line, and the exit status
is 1."""

import json
import re
import subprocess

import pytest

import harness
from harness import run_smokescreen

ACL = """\
version: v1
services:
- name: svc
  project: p
  action: %s
  allowed_domains: [a.test]
"""


def refused(done):
    """What it said; it must have failed before it logged."""
    assert done.returncode == 1, done
    for line in done.stderr.splitlines():
        assert not line.startswith("{"), line
    return done.stderr


def test_version_and_help():
    for flag in ("--version", "-version", "-v"):
        done = run_smokescreen(flag)
        assert done.returncode == 0
        assert re.fullmatch(r"smokescreen version \S+\n", done.stdout)
    for flag in ("--help", "-help", "-h"):
        done = run_smokescreen(flag)
        assert done.returncode == 0
        assert "--egress-acl-file FILE" in done.stdout


@pytest.mark.parametrize("args, text", [
    (["--bogus"], "flag provided but not defined: -bogus"),
    (["--listen-port"], "flag needs an argument: -listen-port"),
    (["--listen-port", "65536"], "Invalid listen-port: 65536"),
    (["--listen-port", "x"], "Invalid listen-port: x"),
    (["--listen-port", "-1"], "Invalid listen-port: -1"),
    (["extra"], "Received unexpected non-option argument(s)"),
    (["--help=maybe"], "neither true nor false"),
    (["--timeout", "10"], "has no unit; write '10s'"),
    (["--timeout", "ten"], "is not a duration"),
    (["--timeout", "-1s"], "is negative"),
    (["--timeout", "99999999999999h"], "is not a duration"),
    (["--deny-range", "10.0.0.1"], "invalid CIDR address: 10.0.0.1"),
    (["--allow-address", "localhost"],
     "address must be in the form ip[:port], got localhost"),
    (["--allow-address", "1.2.3.4:http"], "invalid port number 'http'"),
    (["--resolver-address", "127.0.0.1"], "missing port in address"),
    (["--resolver-address", "ns.test:53"], "is not the address of a resolver"),
    (["--disable-acl-policy-action", "bogus"], "unknown action bogus"),
    (["--deny-status", "500"], "neither 407 nor 403"),
    (["--deny-detail", "some"], "none of none, class, full"),
    (["--mixed-answers", "x"], "neither skip nor refuse"),
    (["--workers", "257"], "is not a number from 0 to 256"),
    (["--nat64-prefix", "64:ff9b::/95"], "RFC 6052"),
    (["--nat64-prefix", "10.0.0.0/8"], "NAT64"),
    (["--nat64-prefix", "2001:db8:0:0:ff00::/96"], "bits 64 to 71"),
    (["--additional-error-message-on-deny", "x" * 4097], "4096"),
    (["--listen-ip", "localhost"], "is not an IP address"),
    (["--listen-ip", "192.0.2.1"],
     "listen on 192.0.2.1:4750: Cannot assign requested address"),
    (["--config-file", "/nonexistent"],
     'Couldn\'t load file "/nonexistent" specified by --config-file: '),
    (["--egress-acl-file", "/nonexistent"],
     "open /nonexistent: No such file or directory"),
])
def test_refused(args, text):
    assert text in refused(run_smokescreen(*args))


@pytest.mark.parametrize("args", [
    ["--timeout=1h2m3.5s"], ["-timeout", "1500ms"], ["--timeout", "0"],
    ["--check-config=true"], ["--listen-ip", "::1"], ["--listen-ip", "[::1]"],
    ["--deny-range", "10.0.0.1/8", "--deny-range=::/0"],
    ["--allow-address", "[::1]:80", "--allow-address", "::1"],
    ["--resolver-address", "127.0.0.1:53", "--resolver-address", "[::1]:53"],
    ["--nat64-prefix", "64:ff9b::/96"], ["--egress-acl-file", ""],
])
def test_accepted(args):
    done = run_smokescreen("--check-config", *args)
    assert done.returncode == 0, done.stderr


def check(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, newline="")
    return run_smokescreen("--check-config", "--config-file", path)


@pytest.mark.parametrize("text", [
    "", "~", "# nothing\n", "port: 0", "ip: 0.0.0.0", "connect_timeout: 10s",
    "idle_timeout: 1500ms", "exit_timeout: 1h2m3.5s", "network: ip4",
    "network: ip6", "allow_missing_role: yes", "allow_missing_role: true",
    "deny_ranges: &r [10.0.0.0/8]\nallow_ranges: *r", "port:\t1",
    "port: 1\r\nip: 1.2.3.4\r\n", "\ufeffport: 1", "dns_timeout: 3s",
    '{"port": 1, "deny_ranges": ["10.0.0.0/8"]}', "deny_ranges:",
    "deny_message_extra: 5", "acl_file: ''", "acl_file:",
    "deny_ranges: ['::/0', 10.0.0.1/8]",
    "deny_addresses: [10.0.0.1, '10.0.0.1:80', '[::1]:80', '::1']",
    "deny_addresses: ['::1:80']",
    "resolver_addresses: ['127.0.0.1:53', '[::1]:53']",
    "workers: 3", "deny_status: 403", "deny_detail: none",
    "mixed_answers: refuse", "nat64_prefix: ['64:ff9b::/96']",
    "statsd_address: ''", "stats_socket_dir: ''", "time_connect: true",
    "stats_socket_file_mode: 700", "stats_socket_file_mode: '0777'",
    "prometheus_port: 9000", "prometheus_port: '9000'",
    "prometheus_endpoint: /m", "expose_prometheus_metrics: false",
    "read_header_timeout: 0", "unsafe_allow_private_ranges: on",
])
def test_config_accepted(tmp_path, text):
    done = check(tmp_path, text)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text, place, message", [
    ("foo: 1", "1:1", "field foo not found in type smokescreen.yamlConfig"),
    ("porta: 1", "1:1", "did you mean 'port'?"),
    ("Port: 1", "1:1", "field Port not found in type"),
    ("port: 1\nport: 2", "2:1",
     "field port already set in type smokescreen.yamlConfig"),
    ("port: -1", "1:7", "Invalid listen-port: -1"),
    ("port: 65536", "1:7", "Invalid listen-port: 65536"),
    ('port: "4750"', "1:7", "cannot unmarshal !!str `4750` into uint16"),
    ("port: [1]", "1:7", "cannot unmarshal !!seq into uint16"),
    ("connect_timeout: 10", "1:18", "has no unit"),
    ('idle_timeout: "10"', "1:15", "has no unit"),
    ("idle_timeout: -5s", "1:15", "is negative"),
    ("exit_timeout: 5 s", "1:15", "is not a duration"),
    ("network: tcp", "1:10", "invalid network type: tcp"),
    ('allow_missing_role: "true"', "1:21",
     "cannot unmarshal !!str `true` into bool"),
    ("allow_missing_role: 1", "1:21", "cannot unmarshal !!int `1` into bool"),
    ("- a", "1:1", "cannot unmarshal !!seq into smokescreen.yamlConfig"),
    ("x: &x {port: 1}\n<<: *x", "1:1", "field x not found in type"),
    ("deny_ranges: 10.0.0.0/8", "1:14",
     "cannot unmarshal !!str `10.0.0.0/8` into []string"),
    ("deny_ranges: [10.0.0.1]", "1:15", "invalid CIDR address: 10.0.0.1"),
    ("deny_ranges: [10.0.0.0/33]", "1:15", "invalid CIDR address"),
    ("deny_ranges: [10.0.0/8]", "1:15", "invalid CIDR address: 10.0.0/8"),
    ("deny_ranges: ['']", "1:15", "invalid CIDR address: "),
    ("deny_ranges: [010.0.0.0/8]", "1:15", "invalid CIDR address"),
    ("deny_ranges: [' 10.0.0.0/8']", "1:15", "invalid CIDR address"),
    ("deny_addresses: ['10.0.0.1:']", "1:18", "invalid port number ''"),
    ("deny_addresses: ['10.0.0.1:http']", "1:18",
     "invalid port number 'http'"),
    ("deny_addresses: ['10.0.0.1:70000']", "1:18", "invalid port number"),
    ("deny_addresses: [localhost]", "1:18",
     "address must be in the form ip[:port], got localhost"),
    ("deny_addresses: [10.0.0.0/8]", "1:18", "address must be in the form"),
    ("resolver_addresses: [127.0.0.1]", "1:22", "missing port in address"),
    ("tls: {}", "1:6", "'tls' section requires 'cert_file'"),
    ("stats_socket_file_mode: 1000", "1:25", "no octal file mode"),
    ("stats_socket_file_mode: 798", "1:25", "no octal file mode"),
    ("stats_socket_file_mode: -1", "1:25", "no octal file mode"),
    ("prometheus_endpoint: metrics", "1:22", "is no path"),
    ("prometheus_port: 65536", "1:18", "'65536' is not a port"),
    ("prometheus_port: http", "1:18", "'http' is not a port"),
    ("port: 1\n---\nport: 2", "2:1", ""),
    ('ip: "a\\0b"', "1:5", "NUL"),
    ("ip: 'x", "1:5", ""),
    ("? a\n: b", "1:1", ""),
])
def test_config_refused(tmp_path, text, place, message):
    said = refused(check(tmp_path, text))
    assert message in said
    assert f"config.yaml:{place}: error: " in said
    assert re.search(r"\[[CY]\d{3}\]", said)
    assert 'specified by --config-file' in said


def test_all_mistakes_are_reported(tmp_path):
    said = refused(check(tmp_path, "foo: 1\nport: x\ndeny_ranges: [a, b]\n"))
    assert said.count(": error: ") == 4
    assert "4 errors" in said


def test_flags_override_scalars_and_extend_lists(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("port: 1\nconnect_timeout: 3s\n"
                    "deny_ranges: [10.0.0.0/8]\n")
    done = run_smokescreen("--deny-range", "172.16.0.0/12", "--listen-port",
                           "2", "--check-config", "--config-file", path)
    assert "port: 2\n" in done.stdout
    assert "connect_timeout: 3s\n" in done.stdout
    assert "deny:\n- 10.0.0.0/8\n- 172.16.0.0/12\n" in done.stdout


def test_defaults_are_real():
    done = run_smokescreen("--check-config")
    assert done.returncode == 0
    assert done.stderr == ""
    for line in ('ip: "127.0.0.1"', "port: 4750", "connect_timeout: 10s",
                 "dns_timeout: 5s", "read_header_timeout: 10s",
                 "read_timeout: 5m", "write_timeout: 5m",
                 "workers: one per processor", "watch: false",
                 "transport_max_idle_conns: 1024 for each worker",
                 "idle_timeout: none", "exit_timeout: 500m",
                 "deny_status: 407", "deny_detail: class",
                 "mixed_answers: skip", "deny: []",
                 "acl_file: none: every host is allowed"):
        assert line + "\n" in done.stdout


@pytest.mark.parametrize("flags, text", [
    (["--workers", "3"], "workers: 3"),
    (["--additional-error-message-on-deny", "call us"],
     "deny_message_extra: call us"),
    (["--disable-acl-policy-action", "open"],
     "disable_acl_policy_action: open"),
    (["--statsd-address", "127.0.0.1:8125"], "statsd_address: 127.0.0.1:8125"),
    (["--expose-prometheus-metrics"],
     "prometheus: http://0.0.0.0:9810/metrics"),
    (["--expose-prometheus-metrics", "--prometheus-listen-ip", "127.0.0.1",
      "--prometheus-port", "1", "--prometheus-endpoint", "/m"],
     "prometheus: http://127.0.0.1:1/m"),
    (["--stats-socket-dir", "/run", "--stats-socket-file-mode", "750"],
     "stats_socket_dir: /run\nstats_socket_file_mode: 750"),
    (["--proxy-protocol"],
     "support_proxy_protocol: true\nproxy_protocol_trust: anyone"),
    (["--proxy-protocol", "--proxy-protocol-trust", "10.1.2.3/8"],
     "support_proxy_protocol: true\nproxy_protocol_trust:\n- 10.0.0.0/8"),
])
def test_check_config_shows_how_we_are_observed(flags, text):
    done = run_smokescreen("--check-config", *flags)
    assert done.returncode == 0, done.stderr
    assert f"\n{text}\n" in done.stdout


@pytest.mark.parametrize("flags", [
    ["--statsd-address", "nowhere"],
    ["--expose-prometheus-metrics", "--prometheus-listen-ip", "nowhere"],
])
def test_check_config_refuses_what_a_start_would(flags):
    refused(run_smokescreen("--check-config", *flags))


def test_check_config_shows_the_policy(tmp_path):
    blob = harness.compile_acl(tmp_path, ACL % "report")
    done = run_smokescreen("--check-config", "--egress-acl-file", blob)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^policy: [0-9a-f]{16}$", done.stdout, re.M)
    assert "services: 1\n" in done.stdout
    assert "default: none: services without a rule are denied\n" in done.stdout


def test_yaml_is_refused_with_the_command(tmp_path):
    source = tmp_path / "my acl's.yaml"
    source.write_text(ACL % "open")
    said = refused(run_smokescreen("--egress-acl-file", source))
    command = re.search(r"^    (smokescreenc .*)$", said, re.M)[1]
    # the command is exact: a shell runs it, and then we start
    subprocess.run(["sh", "-ec", command], check=True, timeout=60,
                   env={"PATH": f"{harness.BUILD}:/usr/bin:/bin"})
    blob = tmp_path / "my acl's.blob"
    done = run_smokescreen("--check-config", "--egress-acl-file", blob)
    assert done.returncode == 0, done.stderr
    long = tmp_path / ("d" * 250)
    long.mkdir()
    deep = long / f"{'f' * 240}.yaml"
    deep.write_text(ACL % "open")
    said = refused(run_smokescreen("--egress-acl-file", deep))
    assert f"smokescreenc -o {deep.with_suffix('.blob')} {deep}\n" in said
    plain = tmp_path / "acl.yml"
    plain.write_text(ACL % "open")
    said = refused(run_smokescreen("--egress-acl-file", plain))
    assert f"smokescreenc -o {tmp_path}/acl.blob {tmp_path}/acl.yml\n" in said


@pytest.mark.parametrize("data, what", [
    (b"", "is empty"),
    (b"\x7fELF\x02\x01\x01\0", "neither a compiled policy nor text"),
    ("version: v1\n".encode("utf-16"), "neither a compiled policy nor text"),
])
def test_what_is_no_policy_is_not_to_be_compiled(tmp_path, data, what):
    path = tmp_path / "acl.blob"
    path.write_bytes(data)
    said = refused(run_smokescreen("--egress-acl-file", path))
    assert f"{path}: " in said and what in said
    assert "smokescreenc" not in said


def test_a_damaged_blob_is_refused(tmp_path):
    blob = harness.compile_acl(tmp_path, ACL % "open")
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 0x40
    blob.write_bytes(data)
    said = refused(run_smokescreen("--egress-acl-file", blob))
    assert f"{blob}: " in said


@pytest.mark.parametrize("how", ["flag", "config"])
def test_disabled_actions_apply_wherever_the_policy_came_from(tmp_path, how):
    blob = harness.compile_acl(tmp_path, ACL % "report")
    if how == "flag":
        where = ["--egress-acl-file", blob]
    else:
        config = tmp_path / "config.yaml"
        config.write_text(f"acl_file: {blob}\n")
        where = ["--config-file", config]
    args = ["--check-config", *where, "--disable-acl-policy-action"]
    assert "rule for svc:svc utilizes a disabled policy:Report" in \
        refused(run_smokescreen(*args, "report"))
    assert run_smokescreen(*args, "open").returncode == 0


def test_open_doors_are_named(proxy, tmp_path):
    child = proxy(loopback=False)
    line = child.logged("anyone who can reach the port can use this proxy")[0]
    assert line["level"] == "warning"
    assert "no ACL" in line["open_doors"]
    acl = "version: v1\nservices: []\ndefault:\n  project: p\n  action: open\n"
    child = proxy(acl=acl)
    line = child.logged("anyone who can reach the port can use this proxy")[0]
    assert "the default rule is open" in line["open_doors"]
    assert "allow_missing_role" in line["open_doors"]


def test_the_listen_default(proxy, tmp_path):
    assert proxy().logged("ready")[0]["address"].startswith("127.0.0.1:")
    acl = harness.compile_acl(tmp_path, ACL % "open")
    address = proxy("--egress-acl-file", acl).logged("ready")[0]["address"]
    assert address.startswith(("[::]:", "0.0.0.0:"))
    address = proxy("--listen-ip", "127.0.0.2").logged("ready")[0]["address"]
    assert address.startswith("127.0.0.2:")


def test_environment_variables_are_ignored(proxy, origin, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    child = proxy()
    child.tunnel("127.0.0.1", origin().port).close()


def test_start_up_lines_are_json_and_in_order(proxy):
    child = proxy()
    messages = [line["msg"] for line in child.lines]
    assert messages[0] == "starting"
    assert messages[-1] == "ready"
    for line in child.lines:
        assert list(line)[:3] == ["time", "level", "msg"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
        json.dumps(line)
