"""libsmokescreen as it is installed: programs are built against it with
pkg-config, shared and static, and say themselves who has which role."""

import os
import re
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import harness
import pki
import pytest
from tls import Pki

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "runtime/smokescreen.h"
MANUAL = ROOT / "docs/smokescreen.3"
CC = os.environ.get("CC", "cc").split()
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
ROLE_MISSING = "Client role cannot be determined"
ACL = """\
version: v1
services:
- name: web
  project: tests
  action: enforce
  allowed_domains: [127.0.0.1]
default: {project: nobody, action: open}
"""


def run(*command, **more):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True,
                          timeout=300, **more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class Installed:
    """What `make install` puts into an empty directory."""

    def __init__(self, root):
        self.root = root
        self.lib = root / "usr/lib"
        env = {key: value for key, value in os.environ.items()
               if not key.startswith("MAKE") and key != "MFLAGS"}
        run("make", "install", f"BUILD={harness.BUILD}", f"DESTDIR={root}",
            "PREFIX=/usr", cwd=ROOT, env=env)
        symbols = run("nm", self.lib / "libsmokescreen.a")
        # a library with sanitizers makes programs with sanitizers
        self.more = ["-fsanitize=address,undefined"] \
            if "__asan_init" in symbols else []

    def pkg_config(self, *words):
        env = dict(os.environ, PKG_CONFIG_PATH=str(self.lib / "pkgconfig"))
        return run("pkg-config", f"--define-variable=prefix={self.root}/usr",
                   *words, "smokescreen", env=env).split()

    def build(self, source, kind, *flags):
        words = self.pkg_config("--cflags")
        words += {"shared": self.pkg_config("--libs"),
                  "static": self.pkg_config("--variable=static_libs")}[kind]
        program = self.root / f"{source.stem}-{kind}"
        run(*CC, *STRICT, *flags, *self.more, "-o", program, source, *words)
        return program


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    if not shutil.which("pkg-config"):
        pytest.fail("pkg-config is missing: tests/install-packages.sh")
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session", params=["shared", "static"])
def ou_role(installed, request):
    return installed.build(ROOT / "docs/examples/ou_role.c", request.param)


@pytest.fixture(scope="session")
def embed(installed):
    return installed.build(ROOT / "tests/e2e/embed.c", "static",
                           "-D_GNU_SOURCE", "-pthread")


class Program(harness.Proxy):
    """A program around the library instead of smokescreen."""

    def __init__(self, installed, words, *flags, **more):
        self.words = [str(word) for word in words]
        self.env = dict(os.environ, LD_LIBRARY_PATH=str(installed.lib))
        super().__init__(*flags, **more)

    def start(self, words, stdin, **more):
        return subprocess.Popen(self.words + words[1:], env=self.env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                **more)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def next(self):
        return self.process.stdout.readline().decode().rstrip("\n")

    def told(self):
        """What the role function was told: (word, rest) each."""
        lines = []
        while not lines or lines[-1] != "told":
            lines.append(self.next())
            assert lines[-1], lines
        return [tuple(line.split(" ", 1)) for line in lines[:-1]]

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGINT)
        self.process.wait(harness.SECONDS)
        self.reader.join(harness.SECONDS)
        for file in (self.process.stdin, self.process.stdout,
                     self.process.stderr):
            file.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def start(installed, tmp_path):
    """Start a program: start(words, *flags, acl=YAML, config=YAML)."""
    running = []

    def start(words, *flags, acl=ACL, config=""):
        flags = [*harness.LOOPBACK, *flags]
        if acl:
            flags += ["--egress-acl-file",
                      harness.compile_acl(tmp_path, acl)]
        if config:
            path = tmp_path / "config.yaml"
            path.write_text(config)
            flags += ["--config-file", path]
        running.append(Program(installed, words, *flags))
        return running[-1]

    yield start
    for child in running:
        child.stop()


def yes(sock):
    """An origin that answers every request."""
    raw = b""
    while part := sock.recv(1 << 16):
        raw += part
        while b"\r\n\r\n" in raw:
            _, _, raw = raw.partition(b"\r\n\r\n")
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")


def tls_flags(world):
    return ["--tls-server-bundle-file", world.bundle,
            "--tls-client-ca-file", world.ca]


# --- what is installed --------------------------------------------------------

def public():
    """The functions that the header declares."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    return set(re.findall(r"SMOKESCREEN_API[^;]*?\b(smokescreen_\w+)\(", text))


def test_the_shared_library_exports_the_header(installed):
    library = installed.lib / "libsmokescreen.so"
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    names = {line.split()[2].split("@")[0] for line in lines
             if line.split()[1] != "A"}
    assert names == public() and len(names) == 17
    versions = {line.split("@@")[1] for line in lines if "@@" in line}
    assert versions == {"SMOKESCREEN_0"}
    dynamic = run("readelf", "-d", library)
    assert "Library soname: [libsmokescreen.so.0]" in dynamic
    assert "TEXTREL" not in dynamic
    assert os.readlink(library) == "libsmokescreen.so.0"


def test_the_static_library_defines_the_header(installed):
    lines = run("nm", "-g", "--defined-only",
                installed.lib / "libsmokescreen.a").splitlines()
    names = {line.split()[2] for line in lines if len(line.split()) == 3}
    assert {name for name in names if not name.startswith("__")} == public()
    assert installed.more or names == public()


def test_manual_and_map_have_every_function():
    manual = MANUAL.read_text()
    named = set(re.findall(r"^\.Fo (\w+)", manual, re.M))
    assert {name for name in named if not name.endswith("_function")} == \
        public()
    table = (ROOT / "runtime/smokescreen.map").read_text()
    assert set(re.findall(r"^\t(\w+);", table, re.M)) == public()
    for constant in re.findall(r"^\t(SMOKESCREEN_\w+) =",
                               HEADER.read_text(), re.M):
        assert re.search(rf"^\.It Dv .*\b{constant}\b", manual, re.M), constant


def test_the_header_is_c_and_cpp(installed, tmp_path):
    source = tmp_path / "use.c"
    source.write_text("#include <smokescreen.h>\n"
                      "const char *version(void);\n"
                      "const char *version(void)\n"
                      "{ return smokescreen_version(); }\n")
    flags = installed.pkg_config("--cflags")
    for standard in ("c99", "c17"):
        run(*CC, *STRICT, f"-std={standard}", "-fsyntax-only", *flags, source)
    compilers = [name for name in ("g++", "clang++") if shutil.which(name)]
    for compiler in compilers:
        run(compiler, "-x", "c++", "-std=c++17", "-Wall", "-Wextra",
            "-Wpedantic", "-Werror", "-fsyntax-only", *flags, source)


def test_the_example_of_the_manual(installed, tmp_path):
    example, = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$",
                          MANUAL.read_text(), re.M | re.S)
    source = tmp_path / "example.c"
    source.write_text(example.replace("\\e", "\\"))
    env = dict(os.environ, LD_LIBRARY_PATH=str(installed.lib))
    text = run(installed.build(source, "shared"), "--help", env=env)
    assert text.startswith("usage: smokescreen ")


def test_the_version_is_one(installed, ou_role):
    env = dict(os.environ, LD_LIBRARY_PATH=str(installed.lib))
    version, = installed.pkg_config("--modversion")
    assert run(ou_role, "--version", env=env) == \
        f"smokescreen version {version}\n"
    assert (installed.lib / f"libsmokescreen.so.0.{version}").is_file()


# --- the example --------------------------------------------------------------

def test_a_role_from_the_ou(start, ou_role, world, origin):
    child = start([ou_role], *tls_flags(world))
    client = world.client(pki.name("ignored", ous=["web.eu.corp", "other"]))
    world.tunnel(child, origin().port, client).close()
    line = child.decision()
    assert line["role"] == line["rule"] == "web" and line["allow"]
    assert line["role_source"] == "callback"
    assert line["inbound_remote_x509_cn"] == "ignored"
    assert line["inbound_remote_x509_ou"] == "web.eu.corp"
    assert child.close_line()["role"] == "web"


def test_a_resumed_session_has_the_certificate_too(start, ou_role, world,
                                                  origin):
    """The role function is asked again, of what was shown then."""
    child = start([ou_role], *tls_flags(world))
    client = world.client(pki.name("x", ous=["web.eu"]))
    context, session = world.context(client), None
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = origin().port
    for resumed in (False, True):
        with context.wrap_socket(child.dial(), server_hostname="127.0.0.1",
                                 session=session) as sock:
            session = sock.session
            assert sock.session_reused == resumed
            sock.sendall(harness.connect_head("127.0.0.1", port))
            assert harness.read_head(sock).status == 200
    child.wait_log("CANONICAL-PROXY-DECISION", 2, role="web",
                   role_source="callback")


def test_plain_http_has_the_role_too(start, ou_role, world, origin):
    child = start([ou_role], *tls_flags(world))
    port = origin(yes).port
    answer = world.ask(
        child, b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        b"Connection: close\r\n\r\n" % (port, port),
        world.client(pki.name(ous=["web"])))
    assert answer.status == 200 and answer.body == b"yes"
    assert child.decision()["role"] == "web"


def test_another_role_has_another_rule(start, ou_role, world, origin):
    child = start([ou_role], *tls_flags(world),
                  acl=ACL.replace("open", "enforce"))
    answer = world.connect(child, origin().port,
                           world.client(pki.name(ous=["shop.eu"])))
    assert answer.status == 407
    assert child.decision(role="shop")["rule"] == "default"


@pytest.mark.parametrize("config", ["", "allow_missing_role: true\n"])
@pytest.mark.parametrize("acl", [ACL, None])
def test_who_is_refused_is_denied_whatever_the_policy(start, ou_role, world,
                                                      origin, acl, config):
    child = start([ou_role], *tls_flags(world), acl=acl, config=config)
    port = origin().port
    for name in ("web", pki.name("web", ous=[".eu"])):
        answer = world.connect(child, port, world.client(name))
        assert answer.status == 407 and ROLE_MISSING in answer.error, name
        assert "OU" not in answer.error
    second = child.wait_log("CANONICAL-PROXY-DECISION", 2)
    first = child.decision()
    assert first["role"] == "" and "role_source" not in first
    assert first["role_error"] == "the certificate has no OU: what service?"
    assert first["decision_reason"] == ROLE_MISSING
    assert second["role_error"] == "an empty role"
    child.signal(signal.SIGTERM)
    assert child.process.wait(harness.SECONDS) == 0
    assert child.next() == \
        "ou_role: 1 connections were refused for lack of an OU"


def test_no_certificate_is_no_role(start, ou_role, world, origin):
    child = start([ou_role], *tls_flags(world))
    answer = world.connect(child, origin().port)
    assert answer.status == 407 and ROLE_MISSING in answer.error
    line = child.decision()
    assert line["role"] == "" and "inbound_remote_x509_cn" not in line
    assert "role_error" not in line


def test_no_certificate_may_be_allowed(start, ou_role, world, origin):
    child = start([ou_role], *tls_flags(world),
                  config="allow_missing_role: true\n")
    world.tunnel(child, origin().port).close()
    assert child.decision()["rule"] == "default"


def test_a_bad_certificate_never_gets_as_far(start, ou_role, world):
    child = start([ou_role], *tls_flags(world))
    client = world.client(pki.name(ous=["web"]), pki.authority("rogue"))
    with pytest.raises(OSError):
        world.connect(child, 1, client)
    child.wait_log("TLS handshake failed", refused="UNKNOWN_CA")
    assert child.logged("CANONICAL-PROXY-DECISION") == []


def test_role_from_is_refused(installed, ou_role, world):
    env = dict(os.environ, LD_LIBRARY_PATH=str(installed.lib))
    done = subprocess.run(
        [ou_role, *tls_flags(world), "--role-from", "cn", "--listen-port",
         "0"], capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        "smokescreen: Could not create configuration: --role-from has no "
        "effect: this program says itself who has which role\n")
    done = subprocess.run([ou_role, "--verify-client", "--ca", world.ca, "x"],
                          capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 1 and "--role-from" in done.stderr


def test_check_config_says_who_names(installed, ou_role, world):
    env = dict(os.environ, LD_LIBRARY_PATH=str(installed.lib))
    text = run(ou_role, *tls_flags(world), "--check-config", env=env)
    assert re.findall("^role_from: .*", text, re.M) == \
        ["role_from: this program"]


# --- all that a program can see and say ---------------------------------------

def test_what_the_role_function_is_told(start, embed, world, origin):
    subject = pki.seq(
        pki.rdn("2.5.4.10", "Corp"), pki.rdn("2.5.4.6", "DE"),
        pki.rdn(pki.OU, "one"), pki.rdn(pki.OU, pki.utf8(b"t\x07wo")),
        pki.rdn(pki.OU, pki.tlv(0x1E, "dr\u20aci".encode("utf-16-be"))),
        pki.rdn(pki.CN, pki.tlv(0x14, b"gr\xfc\xdfe")), pki.rdn(pki.CN, "web"))
    client = world.client(subject, serial=0x80FEDCBA, extensions=[
        *pki.leaf(), pki.alt_names(
            pki.dns("a.test"), pki.uri("spiffe://td/x"), pki.dns("b.test"),
            pki.email("x@a.test"), pki.ip([192, 0, 2, 1]),
            pki.ip([0x20, 1, 0xd, 0xb8] + [0] * 11 + [1]))])
    child = start([embed, "--"], *tls_flags(world))
    with world.tunnel(child, origin().port, client) as sock:
        told = child.told()
        assert told[0] == ("client", "127.0.0.1")
        peer = child.decision()["inbound_remote_addr"]
        assert peer == f"127.0.0.1:{dict(told)['port']}"
        sock.close()
    assert told[2:] == [
        ("der", client.der.hex()),
        ("cn", "7 grüße"), ("cn", "3 web"),
        ("ou", "3 one"), ("ou", "0 "), ("ou", "6 dr€i"),
        ("o", "4 Corp"),
        ("dns", "6 a.test"), ("dns", "6 b.test"),
        ("uri", "13 spiffe://td/x"), ("email", "8 x@a.test"),
        ("ip", "9 192.0.2.1"), ("ip", "11 2001:db8::1"),
        ("serial", "8 80fedcba")]
    assert child.decision()["role"] == "grüße"


def test_a_role_by_address_without_tls(start, embed, origin):
    acl = ACL.replace("name: web", "name: 127.0.0.1")
    child = start([embed, "--"], acl=acl)
    child.tunnel("127.0.0.1", origin().port).close()
    line = child.decision()
    assert line["role"] == line["rule"] == "127.0.0.1"
    assert "inbound_remote_x509_cn" not in line
    assert [word for word, _ in child.told()] == ["client", "port", "der"]
    # and nobody is told that everyone will be denied
    assert not child.logged("anyone who can reach the port can use this proxy")
    assert not [line for line in child.lines if "every request will be" in
                line["msg"]]


def test_the_address_is_that_of_the_proxy_header(start, embed, origin):
    acl = ACL.replace("name: web", "name: 198.51.100.7")
    child = start([embed, "--"], "--proxy-protocol", acl=acl)
    with child.dial() as sock:
        sock.sendall(b"PROXY TCP4 198.51.100.7 192.0.2.2 1234 80\r\n" +
                     harness.connect_head("127.0.0.1", origin().port))
        assert harness.read_head(sock).status == 200
    assert child.told()[:2] == [("client", "198.51.100.7"), ("port", "1234")]


@pytest.mark.parametrize("name, error", [
    ("refused", "by name"),
    ("empty", "an empty role"),
    ("long", "a role of more than 255 bytes"),
    ("control", "a role that is no text, or has control characters in it"),
    ("latin", "a role that is no text, or has control characters in it"),
    ("silent", "the role function gave no role"),
    ("strange", ""),
])
def test_what_is_no_answer_refuses(start, embed, world, origin, name, error):
    child = start([embed, "--"], *tls_flags(world),
                  config="allow_missing_role: true\n")
    answer = world.connect(child, origin().port, world.client(name))
    assert answer.status == 407 and ROLE_MISSING in answer.error
    line = child.decision()
    assert line["role_error"] == error and line["role"] == ""
    assert line["inbound_remote_x509_cn"] == name


def test_no_role_is_the_policys_affair(start, embed, world, origin):
    child = start([embed, "--"], *tls_flags(world),
                  config="allow_missing_role: true\n")
    world.tunnel(child, origin().port, world.client("nobody")).close()
    line = child.decision()
    assert line["rule"] == "default" and "role_error" not in line


def test_asked_once_a_connection(start, embed, origin):
    child = start([embed, "--"], acl=None)
    url = f"http://127.0.0.1:{origin(yes).port}/"
    assert child.curl(url, url).stdout == b"yesyes"
    child.wait_log("CANONICAL-PROXY-DECISION", 2, role="127.0.0.1")
    child.say("quit")
    text = child.process.stdout.read().decode()
    assert text.count("client 127.0.0.1\n") == 1
    assert text.endswith("status 0\n")


# --- life ---------------------------------------------------------------------

def test_drain_waits_for_the_last_client(start, embed, origin):
    child = start([embed, "--"], acl=None)
    sock = child.tunnel("127.0.0.1", origin().port)
    child.told()
    child.say("drain")
    child.wait_log("quitting gracefully")
    sock.sendall(b"still here")
    assert harness.read_exactly(sock, 10) == b"still here"
    sock.close()
    assert child.next() == "status 0"
    assert child.process.wait(harness.SECONDS) == 0


def test_drain_from_a_signal_handler(start, embed):
    child = start([embed, "leave-signals", "--"], acl=None)
    child.signal(signal.SIGUSR1)
    assert child.next() == "status 0"


def test_quit_ends_at_once(start, embed, origin):
    child = start([embed, "--"], acl=None)
    with child.tunnel("127.0.0.1", origin().port):
        child.told()
        child.say("quit")
        assert child.next() == "status 0"


def test_quit_from_the_role_function(start, embed, world):
    child = start([embed, "--"], *tls_flags(world))
    with world.dial(child, world.client("quits")):
        child.told()
        assert child.next() == "status 0"


def test_reload_from_the_program(start, embed):
    child = start([embed, "--"])
    child.say("reload")
    assert child.wait_log("policy reloaded")["cause"] == "program"
    child.signal(signal.SIGHUP)
    assert child.wait_log("policy reloaded", 2)["cause"] == "signal"


def test_sigint_is_a_status(start, embed):
    child = start([embed, "--"], acl=None)
    child.signal(signal.SIGINT)
    assert child.next() == "status 130"


def test_signals_may_be_the_programs(start, embed):
    child = start([embed, "leave-signals", "--"], acl=None)
    child.signal(signal.SIGTERM)
    assert child.process.wait(harness.SECONDS) == -signal.SIGTERM


def test_one_after_the_other(start, embed, origin):
    child = start([embed, "runs=2", "--"], acl=None)
    port = origin().port
    for run in (1, 2):
        child.port = child.wait_log("ready", run)["port"]
        child.tunnel("127.0.0.1", port).close()
        child.told()
        child.wait_log("CANONICAL-PROXY-CN-CLOSE", run)
        child.say("drain")
        assert child.next() == "status 0"
    assert child.process.wait(harness.SECONDS) == 0


def test_two_at_once_are_refused(start, embed):
    child = start([embed, "--"], acl=None)
    child.say("another")
    assert child.next() == "another 1"
    child.say("quit")
    assert child.next() == "status 0"
    child.reader.join(harness.SECONDS)
    assert child.garbage == \
        ["smokescreen: a proxy is running in this process already\n"]


def test_the_log_function_has_every_line(start, embed, origin):
    child = start([embed, "log", "--"], acl=None)
    child.tunnel("127.0.0.1", origin().port).close()
    child.close_line(role="127.0.0.1")
    child.say("drain")
    assert child.next() == "told" or child.told()
    child.process.wait(harness.SECONDS)
    child.wait_log("All connections are closed. Continuing with shutdown...")
    assert child.garbage == []


def test_the_log_function_is_told_why_not(installed, embed, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("prot: 1\nip: [\n")

    def stderr(*words):
        done = subprocess.run([embed, "log", "--", *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60)
        assert done.stdout == "status 1\n"
        return done.stderr
    assert stderr("--listen-port", "x").startswith(
        "E smokescreen: Incorrect Usage. --listen-port:")
    assert re.fullmatch(r"E .*config\.yaml:\d.*\n( .*\n|.*config\.yaml.*\n)+",
                        stderr("--config-file", config))
    assert stderr("--egress-acl-file", tmp_path / "none").startswith(
        "E smokescreen: Could not create configuration: ")


def test_a_configuration_file_alone(installed, embed, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("ip: 127.0.0.1\nport: 0\n")
    child = subprocess.Popen([embed, f"file={config}"], text=True,
                             stderr=subprocess.PIPE)
    with child:
        for line in child.stderr:
            if '"msg":"ready"' in line:
                break
        child.send_signal(signal.SIGTERM)
        child.stderr.read()
        assert child.wait(harness.SECONDS) == 0
