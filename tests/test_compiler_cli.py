"""smokescreenc as a program: what it prints where, its exit statuses, and what
it does with files and pipes that do not cooperate."""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
SECONDS = 60
YES, NO, USAGE, IO = 0, 1, 2, 3

GOOD = """version: v1
services:
  - name: svc
    project: team
    action: enforce
    allowed_domains:
      - api.example.com
      - "*.example.org"
    allowed_external_proxies: [proxy.example.net]
  - name: rep
    project: team
    action: report
default:
  project: other
  action: enforce
global_deny_list: [bad.example.com]
"""
BAD = GOOD.replace("api.example.com", "api.*.com")


def run(*arguments, stdin=b"", cwd=None, env=None, **more):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run([SMOKESCREENC, *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=SECONDS, cwd=cwd,
                          env=env, **more)


@pytest.fixture
def acl(tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def blob(acl):
    assert run(acl).returncode == YES
    return acl.with_suffix(".blob")


def names(directory):
    return sorted(path.name for path in directory.iterdir())


# --- usage --------------------------------------------------------------------

@pytest.mark.parametrize("arguments, says", [
    ([], "name a policy"),
    (["a.yaml", "b.yaml"], "--check takes more"),
    (["--chek", "a.yaml"], "did you mean '--check'?"),
    (["--diff", "a", "b"], "unknown option '--diff'"),
    (["--replay", "a"], "unknown option '--replay'"),
    (["--sign", "a"], "unknown option '--sign'"),
    (["--mend", "a"], "unknown option '--mend'"),
    (["-x", "a"], "unknown option '-x'"),
    (["--check"], "at least one policy"),
    (["--check", "--explain", "a"], "--check and --explain at once"),
    (["--check", "--role", "r", "a"], "--role has no meaning with --check"),
    (["--check", "-o", "x", "a"], "--output has no meaning with --check"),
    (["--check", "--format", "xml", "a"],
     "text|json|sarif|github|junit is meant"),
    (["--check", "--format"], "--format needs text|json"),
    (["--check=yes", "a"], "--check takes no value"),
    (["--color", "blue", "a"], "auto|always|never is meant"),
    (["--lint", "duplicate-entry", "a"], "NAME=off|warn|error is meant"),
    (["--lint", "duplicate-entri=off", "a"],
     "did you mean 'duplicate-entry'?"),
    (["--lint", "empty-glob=off", "a"], "no lint is called 'empty-glob'"),
    (["--lint", "open-rule=loud", "a"], "not 'loud'"),
    (["--disable-acl-policy-action", "bogus", "a"], "unknown action bogus"),
    (["--deny-range", "10.0.0.1", "a"], "invalid CIDR address: 10.0.0.1"),
    (["--allow-address", "localhost", "a"],
     "address must be in the form ip[:port], got localhost"),
    (["--deny-address", "10.0.0.1:http", "a"], "invalid port number 'http'"),
    (["--nat64-prefix", "64:ff9b::/95", "a"],
     "a NAT64 prefix has 32, 40, 48, 56, 64 or 96 bits (RFC 6052): "
     "64:ff9b::/95"),
    (["--nat64-prefix", "2001:db8:0:0:ff00::/96", "a"],
     "bits 64 to 71 of a NAT64 prefix are zero"),
    (["--nat64-prefix", "10.0.0.0/8", "a"], "is one of IPv6"),
    (["--nat64-prefix", "nowhere", "a"], "invalid IPv6 prefix: nowhere"),
    (["--explain", "a"], "--explain needs --host"),
    (["--explain", "--host", "h"], "--explain takes one policy"),
    (["--explain", "a", "--host", "h:http"], "--host h:http"),
    (["--explain", "a", "--address", "h"], "not an IP address"),
    (["--explain", "a", "--batch", "--role", "r"], "from standard input"),
    (["--explain", "-", "--batch"], "name a file for the policy"),
    (["--test", "a"], "at least one file of tests"),
    (["--dump"], "--dump takes one policy"),
    (["--info", "a", "b"], "--info takes one policy"),
    (["--stage", "tokens", "a"], "source, document, model or canonical"),
    (["-"], "needs -o"),
    (["--check", "--config-file", "-", "-"], "standard input is one file"),
])
def test_usage(arguments, says, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == USAGE
    assert says in done.stderr.decode()
    assert done.stdout == b""
    assert names(tmp_path) == []


def test_help_and_version():
    done = run("--help")
    assert done.returncode == YES and done.stderr == b""
    assert all(len(line) <= 100 for line in done.stdout.decode().splitlines())
    for option in re.findall(r'^OPTION\(\w+, "([\w-]+)"',
                             (ROOT / "compiler/options.def").read_text(),
                             re.M):
        assert f"--{option}" in done.stdout.decode()
    assert re.fullmatch(r"smokescreenc \d+\.\d+\.\d+\n",
                        run("--version").stdout.decode())


def test_values_may_be_glued_or_apart(acl):
    for arguments in (["--host", "api.example.com", "--role", "svc"],
                      ["--host=api.example.com", "--role=svc"]):
        assert run("--explain", acl, *arguments).returncode == YES


def test_options_end_at_two_dashes(tmp_path):
    (tmp_path / "-acl.yaml").write_text(GOOD)
    assert run("--check", "--", "-acl.yaml", cwd=tmp_path).returncode == YES


# --- compiling ----------------------------------------------------------------

def test_compile_beside_the_source(acl):
    done = run(acl)
    assert (done.returncode, done.stdout, done.stderr) == (YES, b"", b"")
    assert names(acl.parent) == ["acl.blob", "acl.yaml"]


@pytest.mark.parametrize("name, output", [
    ("a.yml", "a.blob"), ("a.json", "a.blob"), ("a", "a.blob"),
    ("a.b.yaml", "a.b.blob"), (".yaml", ".yaml.blob")])
def test_default_output_name(name, output, tmp_path):
    (tmp_path / name).write_text(GOOD)
    assert run(name, cwd=tmp_path).returncode == YES
    assert names(tmp_path) == sorted([name, output])


def test_output_to_stdout_is_the_same_blob(acl, blob):
    assert run("-o", "-", acl).stdout == blob.read_bytes()
    assert run("-o-", acl).stdout == blob.read_bytes()


def test_source_from_stdin(acl):
    done = run("-o", "-", "--strip", "-", stdin=GOOD)
    assert done.returncode == YES
    assert done.stdout == run("-o", "-", "--strip", acl).stdout


def test_warnings_go_to_stderr_and_leave_the_blob_alone(acl):
    acl.write_text(GOOD + "x: 1\n")
    done = run("--allow-unknown-keys", "-o", "-", acl)
    assert done.returncode == YES
    assert b"warning" in done.stderr and b"P003" in done.stderr
    assert b"warning" not in done.stdout


def test_failed_compile_leaves_the_old_blob(acl, blob):
    before = blob.read_bytes()
    acl.write_text(BAD)
    done = run(acl)
    assert done.returncode == NO
    assert b"acl.yaml:7:9: error:" in done.stderr and b"P031" in done.stderr
    assert blob.read_bytes() == before
    assert names(acl.parent) == ["acl.blob", "acl.yaml"]


def test_failed_compile_makes_no_blob(acl):
    acl.write_text(BAD)
    assert run(acl).returncode == NO
    assert names(acl.parent) == ["acl.yaml"]


def test_werror_writes_nothing(acl):
    acl.write_text(GOOD.replace("report", "open"))
    assert run("--werror", acl).returncode == NO
    assert names(acl.parent) == ["acl.yaml"]
    assert run(acl).returncode == YES


def test_a_new_blob_replaces_the_old_one_as_a_whole(acl, blob):
    before = blob.stat().st_ino
    with blob.open("rb") as old:
        acl.write_text(GOOD.replace("api.", "api2."))
        assert run(acl).returncode == YES
        # whoever has the old one open still has all of it
        assert run("--info", "-", stdin=old.read()).returncode == YES
    assert blob.stat().st_ino != before


def test_output_over_a_directory(acl):
    (acl.parent / "out").mkdir()
    done = run("-o", acl.parent / "out", acl)
    assert done.returncode == IO
    assert b"out" in done.stderr and b"irectory" in done.stderr
    assert names(acl.parent) == ["acl.yaml", "out"]


def test_output_into_a_missing_directory(acl):
    done = run("-o", acl.parent / "no/such/x.blob", acl)
    assert done.returncode == IO and b"No such file" in done.stderr


@pytest.mark.parametrize("way", ["same", "link", "default"])
def test_the_policy_itself_is_never_the_output(way, acl):
    target = acl
    if way == "link":
        target = acl.parent / "link"
        target.symlink_to(acl)
    if way == "default":
        acl = acl.rename(acl.parent / "policy.blob")
        target = acl
    done = run("-o", target, acl)
    assert done.returncode == USAGE and b"itself" in done.stderr
    assert acl.read_text() == GOOD


def test_output_through_a_link(acl):
    real = acl.parent / "real.blob"
    real.write_bytes(b"old")
    (acl.parent / "link.blob").symlink_to("real.blob")
    assert run("-o", acl.parent / "link.blob", acl).returncode == YES
    assert (acl.parent / "link.blob").is_symlink()
    assert run("--info", real).returncode == YES


def test_full_disk(acl, tmp_path):
    # a device of our own: one that is replaced by mistake is no loss
    full = tmp_path / "full"
    try:
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        full.open("wb").close()
    except OSError:
        pytest.skip("devices cannot be made here")
    done = run("-o", full, acl)
    assert done.returncode == IO and b"No space left" in done.stderr
    assert full.is_char_device()
    assert names(tmp_path) == ["acl.yaml", "full"]


def test_output_to_a_pipe(acl, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as cat:
        assert run("-o", pipe, acl).returncode == YES
        received = cat.communicate(timeout=SECONDS)[0]
    assert received == run("-o", "-", acl).stdout
    assert pipe.is_fifo()


@pytest.mark.parametrize("arguments", [
    ["-o", "-"], ["--check"], ["--dump"], ["--info"],
    ["--explain", "--host", "h"], ["--stage", "document"],
    ["--explain", "--batch"]])
@pytest.mark.parametrize("size", ["small", "large"])
def test_stdout_on_a_full_disk(arguments, size, acl):
    count = 1 if size == "small" else 3000
    if size == "large":
        acl.write_text(GOOD.replace("[bad.example.com]", "[%s]" % ", ".join(
            f"bad{i}.example.com" for i in range(count))))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([SMOKESCREENC, *arguments, acl], stdout=full,
                              stderr=subprocess.PIPE, timeout=SECONDS,
                              input=b'{"host":"h"}\n' * count)
    assert done.returncode == IO
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("arguments", [["-o", "-"], ["--dump"], ["--check"],
                                       ["--stage", "source"]])
def test_closed_pipe(arguments, acl):
    acl.write_text(GOOD.replace("[bad.example.com]", "[%s]" % ", ".join(
        f"bad{i}.example.com" for i in range(3000))))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run([SMOKESCREENC, *arguments, acl], stdout=pipe,
                              stderr=subprocess.PIPE, timeout=SECONDS)
    assert done.returncode == IO
    assert done.stderr == b""


# --- files that do not cooperate ------------------------------------------------

@pytest.mark.parametrize("arguments", [
    [], ["--check"], ["--dump"], ["--info"], ["--stage", "model"],
    ["--explain", "--host", "h"], ["--yaml-events"]])
def test_missing_file(arguments, tmp_path):
    done = run(*arguments, "gone.yaml", cwd=tmp_path)
    assert done.returncode == IO
    assert b"gone.yaml: No such file or directory" in done.stderr


def test_dangling_link(tmp_path):
    (tmp_path / "acl.yaml").symlink_to("gone")
    assert run("--check", tmp_path / "acl.yaml").returncode == IO


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(acl):
    acl.chmod(0)
    done = run(acl)
    assert done.returncode == IO and b"Permission denied" in done.stderr


def test_directory_as_policy(tmp_path):
    done = run("-o", "-", tmp_path)
    assert done.returncode == IO and b"irectory" in done.stderr


def test_empty_file(acl):
    acl.write_bytes(b"")
    done = run("--check", acl)
    assert done.returncode == NO
    assert b'expected version "v1" got ""' in done.stdout


def test_binary_file(acl):
    acl.write_bytes(bytes(range(256)) * 4)
    done = run(acl)
    assert done.returncode == NO and b"[Y" in done.stderr
    assert names(acl.parent) == ["acl.yaml"]


def test_gigantic_file(acl):
    with acl.open("wb") as file:
        file.truncate(300 << 20)
    done = run("--check", acl)
    assert done.returncode == IO
    assert b"acl.yaml" in done.stderr and done.stderr.count(b"\n") == 1


def test_a_name_with_strange_characters(tmp_path):
    path = tmp_path / "a b\u00e9'.yaml"
    path.write_text(BAD)
    done = run("--check", "--format", "json", path)
    assert json.loads(done.stdout)["diagnostics"][0]["file"] == str(path)


@pytest.mark.parametrize("cut", [0, 1, 7, 64, 200, -1])
def test_truncated_blob(cut, blob):
    blob.write_bytes(blob.read_bytes()[:cut])
    for arguments in (["--info"], ["--dump"],
                      ["--explain", "--role", "svc", "--host",
                       "api.example.com"]):
        done = run(*arguments, blob)
        assert done.returncode == NO and done.stderr


def test_damaged_blob_on_stdin(blob):
    damaged = bytearray(blob.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    assert run("--info", "-", stdin=bytes(damaged)).returncode == NO
    assert run("--info", "-", stdin=blob.read_bytes()).returncode == YES


def test_missing_config(acl):
    done = run("--check", "--config-file", "/no/such/file", acl)
    assert done.returncode == IO and b"/no/such/file" in done.stderr


def test_config_mistakes_are_reported_with_the_policy_s(acl, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("deny_ranges: [10.0.0.0]\n")
    acl.write_text(BAD)
    done = run("--check", "--config-file", config, acl)
    assert done.returncode == NO
    assert b"config.yaml:1:15: error: deny_ranges: invalid CIDR address: " \
        b"10.0.0.0 [P050]" in done.stdout
    assert b"[P031]" in done.stdout


def test_the_configuration_s_nat64_prefixes_count(acl, tmp_path):
    """As they do for the proxy, so that the answer is the proxy's."""
    config = tmp_path / "config.yaml"
    config.write_text("nat64_prefix: ['2001:db8:64::/96']\n")
    asked = ["--explain", acl, "--address", "2001:db8:64::10.0.0.1"]
    assert b"Deny: Special Purpose" in run(*asked).stdout
    done = run(*asked, "--config-file", config)
    assert b"Deny: Private Range" in done.stdout, done.stdout


# --- check ----------------------------------------------------------------------

def test_check_writes_nothing(acl):
    done = run("--check", acl)
    assert done.returncode == YES
    assert done.stdout == b"1 file, 0 errors, 0 warnings\n"
    assert names(acl.parent) == ["acl.yaml"]


def test_check_several_files(acl, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(BAD)
    done = run("--check", other, acl, other)
    assert done.returncode == NO
    assert done.stdout.endswith(b"3 files, 2 errors, 0 warnings\n")


def test_check_goes_on_after_a_missing_file(acl):
    done = run("--check", "gone.yaml", acl)
    assert done.returncode == IO
    assert done.stdout.endswith(
        b"1 file, 0 errors, 0 warnings, 1 file not read\n")


def test_check_a_directory(tmp_path):
    (tmp_path / "b/c").mkdir(parents=True)
    for name in ("z.yaml", "a.yml", "b/m.yaml", "b/c/n.yaml"):
        (tmp_path / name).write_text(BAD)
    (tmp_path / "z.test.yaml").write_text("tests: [{host: h, expect: deny}]")
    for name in ("notes.txt", "b/x.yaml.bak", ".hidden.yaml"):
        (tmp_path / name).write_text("nonsense: [")
    (tmp_path / "b/loop").symlink_to("..")
    done = run("--check", "--format", "json", ".", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert [item["file"] for item in report["diagnostics"]] == [
        "./a.yml", "./b/c/n.yaml", "./b/m.yaml", "./z.yaml"]
    assert (report["files"], report["errors"]) == (5, 4)


def test_check_stdin():
    done = run("--check", "-", stdin=BAD)
    assert done.returncode == NO and b"<stdin>:7:9: error:" in done.stdout


def test_quiet(acl):
    acl.write_text(GOOD.replace("report", "open"))
    assert run("--check", "--quiet", acl).stdout == b""
    acl.write_text(BAD)
    done = run("--check", "-q", acl)
    assert b"P031" in done.stdout and b"1 file" not in done.stdout


def test_every_mistake_is_reported_in_order(acl):
    acl.write_text("version: v2\nservices:\n- nam: a\n  action: x\n"
                   "  allowed_domains: ['*', B.com]\nglobal: []\n")
    done = run("--check", "--format", "json", acl)
    found = json.loads(done.stdout)["diagnostics"]
    places = [(item["line"], item["column"]) for item in found
              if item["severity"] == "error"]
    assert places == sorted(places) and len(places) == 6


def test_json_report(acl):
    acl.write_text(GOOD.replace("bad.example.com", "Bad.Example.com")
                   .replace("  - name: rep", "  - name: svc"))
    done = run("--check", "--format", "json", acl)
    report = json.loads(done.stdout)
    assert (report["files"], report["errors"], report["warnings"]) == (1, 2, 0)
    twice, normal = report["diagnostics"]
    assert twice["code"] == "P007" and twice["severity"] == "error"
    assert twice["name"] == "duplicate-service"
    assert twice["related"] == [{
        "file": str(acl), "line": 3, "column": 11, "end_line": 3,
        "end_column": 14, "message": "first defined here"}]
    assert normal["fix"] == {
        "file": str(acl), "line": 16, "column": 20, "end_line": 16,
        "end_column": 35, "replacement": "bad.example.com", "safe": True}


@pytest.mark.parametrize("arguments, environment, coloured", [
    ([], {}, False), (["--color", "always"], {}, True),
    (["--color", "never"], {}, False),
    (["--color", "always"], {"NO_COLOR": "1"}, True)])
def test_colour(arguments, environment, coloured, acl):
    acl.write_text(BAD)
    done = run("--check", *arguments, acl, env=os.environ | environment)
    assert (b"\x1b[" in done.stdout) == coloured


def test_invisible_characters_do_not_reach_the_terminal(acl):
    acl.write_text(GOOD.replace("name: svc", 'name: "s\\e[31m\\u202e"')
                   .replace("api.example.com", '"\\e[31m"'))
    done = run("--check", acl)
    assert done.returncode == NO
    assert b"\x1b" not in done.stdout and "\u202e" not in done.stdout.decode()


# --- explain --------------------------------------------------------------------

@pytest.mark.parametrize("arguments, status, last", [
    (["--role", "svc", "--host", "api.example.com"], YES,
     "allow: host matched allowed domain in rule"),
    (["--role", "svc", "--host", "API.Example.com.:8443"], YES,
     "allow: host matched allowed domain in rule"),
    (["--role", "rep", "--host", "x.com"], YES,
     "report: rule has allow and report policy"),
    (["--role", "rep", "--host", "bad.example.com"], NO,
     "deny: host matched rule in global deny list"),
    (["--role", "svc", "--host", "x.com"], NO, "deny: rule has enforce policy"),
    (["--host", "x.com"], NO, "deny: default rule policy used"),
    (["--role", "svc", "--host", "a b"], NO, "deny: invalid host"),
    (["--role", "svc", "--host", "x.example.org", "--external-proxy",
      "proxy.example.net"], YES, "allow: host matched allowed domain in rule"),
    (["--role", "svc", "--host", "x.example.org", "--external-proxy", "p.q"],
     NO, "deny: connect proxy host not allowed in rule"),
    (["--role", "svc", "--host", "api.example.com", "--address", "10.0.0.1"],
     NO, "deny: Deny: Private Range"),
    (["--role", "svc", "--host", "api.example.com", "--address", "8.8.8.8"],
     YES, "allow: host matched allowed domain in rule"),
    (["--address", "127.0.0.1"], NO, "deny: Deny: Not Global Unicast"),
    (["--address", "8.8.8.8"], YES, "allow: Allow: Default"),
    (["--role", "svc", "--host", "[::1]:443"], NO,
     "deny: rule has enforce policy"),
])
def test_explain(arguments, status, last, acl, blob):
    for policy in (acl, blob):
        done = run("--explain", policy, *arguments)
        assert done.returncode == status, done.stderr
        assert done.stdout.decode().splitlines()[-1] == last
    answer = json.loads(run("--explain", acl, *arguments, "--format",
                            "json").stdout)
    assert f"{answer['result']}: {answer['reason']}" == last


def test_explain_names_every_layer(acl):
    text = run("--explain", acl, "--role", "rep", "--host", "x.com",
               "--external-proxy", "", "--address", "8.8.8.8").stdout.decode()
    layers = [line.split("  ")[1] for line in text.splitlines()[1:-1]]
    assert [layer.strip() for layer in layers] == [
        "rule", "allowed_domains", "global deny", "global allow", "action",
        "address"]
    text = run("--explain", acl, "--role", "svc", "--host",
               "x.example.org").stdout.decode()
    assert "svc (project team, action enforce) at acl.yaml:3" in text
    assert "'*.example.org' at acl.yaml:8 matches" in text


@pytest.mark.parametrize("host, note", [
    ("[::1]:443", "the proxy refuses IPv6 addresses as hosts"),
    ("10.0.0.1", "the proxy denies by this class too"),
    ("8.8.8.8", "8.8.8.8 port 443 is 'Allow: Default'"),
    ("x.com", "give --address")])
def test_explain_what_the_name_leaves_open(host, note, acl):
    text = run("--explain", acl, "--role", "rep", "--host",
               host).stdout.decode()
    assert text.endswith("report: rule has allow and report policy\n")
    assert note in text


@pytest.mark.parametrize("host, note", [
    ("example.org", "'*.example.org' matches only what is below it"),
    ("v1.api.example.com", "'api.example.com' matches itself and nothing "
     "below"),
    ("x.v1.api.example.com", None), ("example.com", None), ("com", None)])
def test_explain_what_nearly_matched(host, note, acl):
    text = run("--explain", acl, "--role", "svc", "--host",
               host).stdout.decode()
    assert "no entry matches" in text
    assert ("matches " in text.replace("no entry matches", "")) == bool(note)
    assert note is None or note in text


def test_explain_a_policy_with_mistakes(acl):
    acl.write_text(BAD)
    done = run("--explain", acl, "--host", "x.com")
    assert done.returncode == NO and done.stdout == b""
    assert b"P031" in done.stderr


def test_address_lists_are_part_of_the_answer(acl):
    question = ["--role", "svc", "--host", "api.example.com", "--address",
                "10.0.0.1"]
    done = run("--explain", acl, "--allow-range", "10.0.0.0/24", *question)
    assert done.returncode == YES
    assert b"'Allow: User Configured' by 10.0.0.0/24" in done.stdout
    config = acl.parent / "config.yaml"
    config.write_text("port: 1\nallow_ranges:\n  - 10.0.0.0/24\n")
    done = run("--explain", acl, "--config-file", config, *question)
    assert done.returncode == YES and b"config.yaml:3" in done.stdout


def test_options_for_a_compilation_are_refused_for_a_blob(blob):
    done = run("--explain", blob, "--host", "h", "--deny-range", "10.0.0.0/8")
    assert done.returncode == USAGE and b"--deny-range" in done.stderr
    done = run("--explain", blob, "--host", "h",
               "--disable-acl-policy-action", "report")
    assert done.returncode == NO
    assert b"rule for svc:rep utilizes a disabled policy:Report" in done.stderr


# --- batch ----------------------------------------------------------------------

def batch(policy, *lines):
    text = b"".join(line if isinstance(line, bytes)
                    else json.dumps(line).encode() + b"\n" for line in lines)
    done = run("--explain", policy, "--batch", stdin=text)
    assert done.returncode == YES and done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_batch_answer_in_full(acl, blob):
    query = {"role": "svc", "host": "X.Example.org", "port": 443,
             "external_proxy": "", "address": "1.2.3.4"}
    wanted = {"host": "x.example.org", "result": "allow",
              "reason": "host matched allowed domain in rule",
              "project": "team", "rule": "svc", "default_rule": False,
              "entry": "*.example.org", "file": "acl.yaml", "line": 8,
              "address_class": "Allow: Default"}
    for policy in (acl, blob):
        answer, = batch(policy, query)
        assert answer == wanted and list(answer) == list(wanted)


def test_batch_answers(acl):
    answers = batch(
        acl, {"role": "nobody", "host": "x.com"}, {"host": "a b"},
        {"role": "svc", "host": "api.example.com", "address": "10.0.0.1"},
        {"address": "::1"}, {"role": "rep", "host": "x.com", "port": 0})
    assert answers[0]["rule"] == "default" and answers[0]["default_rule"]
    assert "entry" not in answers[0] and answers[0]["line"] == 14
    assert answers[1]["result"] == "deny"
    assert answers[1]["reason"] == "invalid host"
    assert "U+0020" in answers[1]["error"] and "rule" not in answers[1]
    assert answers[2]["result"] == "deny"
    assert answers[2]["reason"] == "Deny: Private Range"
    assert answers[2]["address_class"] == "Deny: Private Range"
    assert answers[3] == {"result": "deny",
                          "reason": "Deny: Not Global Unicast",
                          "address_class": "Deny: Not Global Unicast"}
    assert answers[4]["result"] == "report"


def test_no_rule_at_all(tmp_path):
    policy = tmp_path / "acl.yaml"
    policy.write_text("version: v1\nservices: []\n")
    answer, = batch(policy, {"host": "x.com"})
    assert answer == {"host": "x.com", "result": "deny",
                      "reason": "no rule matched"}


@pytest.mark.parametrize("line, says", [
    (b"\n", "empty line"), (b"nonsense\n", "not valid JSON"),
    (b"[1]\n", "a query is a JSON object"), (b"1\n", "JSON object"),
    (b"{}\n", "at least one"), (b'{"host":1}\n', "'host' must be a string"),
    (b'{"hots":"x"}\n', "unknown key 'hots'"),
    (b'{"host":"a","host":"b"}\n', "not valid JSON"),
    (b'{"host":"a","port":65536}\n', "'port'"),
    (b'{"host":"a","port":-1}\n', "'port'"),
    (b'{"host":"a","port":"80"}\n', "'port'"),
    (b'{"host":"a","port":1.5}\n', "'port'"),
    (b'{"host":"a","address":"10.1"}\n', "'address'"),
    (b'{"host":"a","address":"10.0.0.1:80"}\n', "'address'"),
    (b'{"host":"\xff"}\n', "not valid JSON"),
    (b'{"host":"a"} {"host":"b"}\n', "not valid JSON"),
    (b'{"host":"' + b"a" * 70000 + b'"}\n', "more than 65536 bytes"),
    (b"[" * 60000 + b"\n", "not valid JSON"),
    (b"\0\n", "not valid JSON"),
])
def test_batch_goes_on_after_a_bad_line(line, says, acl):
    good = {"role": "svc", "host": "api.example.com"}
    before, bad, after = batch(acl, good, line, good)
    assert list(bad) == ["error"] and says in bad["error"]
    assert before == after and before["result"] == "allow"


def test_batch_without_a_final_newline(acl):
    assert len(batch(acl, b'{"host":"a.b"}\r\n', b'{"host":"c.d"}')) == 2
    assert batch(acl) == []
    assert len(batch(acl, b"x" * 200000)) == 1


def test_batch_answers_while_it_is_asked(acl):
    with subprocess.Popen([SMOKESCREENC, "--explain", acl, "--batch"],
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as asked:
        for i in range(50):
            asked.stdin.write(b'{"host":"h%d.com"}\n' % i)
            asked.stdin.flush()
            assert json.loads(asked.stdout.readline())["host"] == \
                f"h{i}.com"
        asked.stdin.close()
        assert asked.wait(SECONDS) == YES


def test_batch_of_many_is_in_order(acl):
    count = 20000
    answers = batch(acl, b"".join(b'{"host":"h%d.example.org","role":"svc"}\n'
                                  % i for i in range(count)))
    assert [answer["host"] for answer in answers] == [
        f"h{i}.example.org" for i in range(count)]


# --- tests of policies ----------------------------------------------------------

def run_tests(acl, text, *options):
    tests = acl.parent / "acl.test.yaml"
    tests.write_text(text)
    return run("--test", *options, acl, tests)


def test_policy_tests_pass(acl):
    done = run_tests(acl, """tests:
  - {role: svc, host: api.example.com, expect: allow, rule: svc,
     entry: api.example.com, reason: host matched allowed domain in rule}
  - {role: svc, host: api.example.com, address: 10.0.0.1, expect: deny,
     reason: "Deny: Private Range"}
  - {host: x.com, expect: deny, rule: default}
  - {address: 8.8.8.8, port: 53, expect: allow}
""")
    assert (done.returncode, done.stdout) == (YES, b"4 passed, 0 failed\n")


def test_policy_tests_fail_with_place_and_cause(acl):
    done = run_tests(acl, """tests:
  - {role: svc, host: x.example.org, expect: deny}
  - {role: svc, host: api.example.com, expect: allow, entry: "*.example.com"}
  - {role: svc, host: api.example.com, expect: allow}
""")
    text = done.stdout.decode()
    assert done.returncode == NO
    assert "acl.test.yaml:2:5: error: expected deny, decided allow: host " \
        "matched allowed domain in rule, by '*.example.org' at acl.yaml:8" \
        in text
    assert "acl.test.yaml:3:62: error: expected entry '*.example.com', " \
        "decided 'api.example.com'" in text
    assert text.endswith("1 passed, 2 failed\n")


def test_policy_tests_name_the_address_list(acl, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("deny_ranges:\n  - 8.8.8.0/24\n")
    done = run_tests(acl, "tests: [{role: svc, host: api.example.com, "
                     "address: 8.8.8.8, expect: allow}]\n",
                     "--config-file", config)
    assert b"decided deny: Deny: User Configured, by 'the address' at " \
        b"config.yaml:2" in done.stdout


def test_policy_tests_as_json(acl):
    done = run_tests(acl, "tests: [{host: x.com, expect: allow}]\n",
                     "--format", "json")
    report = json.loads(done.stdout)
    assert (report["passed"], report["failed"]) == (0, 1)
    assert report["diagnostics"][0]["code"] == "T008"


@pytest.mark.parametrize("code, text", [
    ("T001", "tests: nonsense\n"), ("T001", "- a\n"),
    ("T001", "tests: [a]\n"), ("T001", "tests: [{host: [a], expect: deny}]\n"),
    ("T002", "test: []\ntests: [{host: a.b, expect: deny}]\n"),
    ("T002", "tests: [{host: a.b, hots: a, expect: deny}]\n"),
    ("T003", "tests: [{host: a.b, host: c.d, expect: deny}]\n"),
    ("T004", "tests: [{host: a.b}]\n"),
    ("T004", "tests: [{host: a.b, expect: denied}]\n"),
    ("T005", "tests: [{role: svc, expect: deny}]\n"),
    ("T006", "tests: [{host: a.b, port: 65536, expect: deny}]\n"),
    ("T006", "tests: [{host: a.b, port: http, expect: deny}]\n"),
    ("T007", "tests: [{host: a.b, address: 10.1, expect: deny}]\n"),
    ("T008", "tests: [{host: a.b, expect: allow}]\n"),
    ("T009", "tests: []\n"), ("T009", ""), ("T009", "tests:\n"),
    ("Y0", "tests: [\n"),
])
def test_policy_test_mistakes(code, text, acl):
    done = run_tests(acl, text)
    assert done.returncode == NO
    assert f"[{code}" in done.stdout.decode()
    assert not done.stdout.endswith(b" 0 failed\n")


def test_missing_policy_tests(acl):
    assert run("--test", acl, "gone.yaml").returncode == IO


# --- the other views ------------------------------------------------------------

def test_info(blob):
    info = json.loads(run("--info", "--format", "json", blob).stdout)
    assert info["policy"] == info["digest"][:16]
    assert info["bytes"] == blob.stat().st_size
    assert (info["services"], info["default"]) == (2, True)
    assert (info["entries"], info["globs"]) == (4, 4)
    assert info["source_map"] is True
    text = run("--info", blob).stdout.decode()
    assert re.search(rf"^policy +{info['policy']}$", text, re.M)


def test_strip(acl):
    run("--strip", acl)
    stripped = acl.with_suffix(".blob")
    assert b"acl.yaml" not in stripped.read_bytes()
    answer, = batch(stripped, {"role": "svc", "host": "api.example.com"})
    assert answer["entry"] == "api.example.com" and "file" not in answer


@pytest.mark.parametrize("stage, says", [
    ("source", "allowed_external_proxies: [proxy.example.net]"),
    ("document", 'plain "api.example.com"  [7:9-7:24]'),
    ("model", "domain *.example.org  line 8"),
    ("canonical", "entry bad.example.com list deny line 16")])
def test_stage(stage, says, acl):
    done = run("--stage", stage, acl)
    assert done.returncode == YES and says in done.stdout.decode()


def test_explain_code():
    done = run("--explain-code", "P031")
    assert done.returncode == YES
    assert done.stdout.startswith(b"P031 wildcard-not-first (error)\n"
                                  b"a wildcard may only be the first label\n")
    assert run("--explain-code", "wildcard-not-first").stdout == done.stdout
    assert run("--explain-code", "P999").returncode == NO


def test_yaml_events(acl):
    done = run("--yaml-events", acl)
    assert done.returncode == YES
    assert done.stdout.startswith(b"+STR\n+DOC\n+MAP\n=VAL :version\n")


@pytest.mark.parametrize("name", ["payments", "webhooks", "agents"])
def test_sample_policies(name, tmp_path):
    for ending in (".yaml", ".test.yaml"):
        shutil.copy(ROOT / f"policies/{name}{ending}", tmp_path)
    done = run("--check", "--werror", f"{name}.yaml", cwd=tmp_path)
    assert done.returncode == YES, done.stdout.decode()
    done = run("--test", f"{name}.yaml", f"{name}.test.yaml", cwd=tmp_path)
    assert done.returncode == YES, done.stdout.decode()
    text = (tmp_path / f"{name}.test.yaml").read_text()
    for word in ("expect: allow", "expect: deny", "external_proxy:",
                 "address:"):
        assert word in text
