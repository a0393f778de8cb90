"""Fixtures of the end-to-end tests: each makes what it is named after and
takes it away again."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness  # noqa: E402
from dns_server import ScriptedDns  # noqa: E402
from mitm import World  # noqa: E402

# Nobody has a certificate yet, so every client is without a role.
ROLELESS = "allow_missing_role: true\n"


@pytest.fixture
def proxy(tmp_path):
    """Start a proxy: proxy(*flags, acl=YAML, config=YAML, dns={...})."""
    running, servers = [], []

    def start(*flags, acl=None, config="", dns=None, loopback=True):
        flags = list(flags)
        if acl is not None:
            flags += ["--egress-acl-file",
                      harness.compile_acl(tmp_path, acl)]
            config = ROLELESS + config
        if config:
            path = tmp_path / "config.yaml"
            path.write_text(config)
            flags += ["--config-file", path]
        if loopback:
            flags += harness.LOOPBACK
        if dns is not None:
            server = ScriptedDns(dns)
            server.__enter__()
            servers.append(server)
            flags += ["--resolver-address", f"127.0.0.1:{server.port}"]
        child = harness.Proxy(*flags)
        running.append(child)
        child.dns = servers[-1] if dns is not None else None
        return child

    yield start
    for child in running:
        child.stop()
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def origin():
    """Start an origin: origin(serve)."""
    running = []

    def start(serve=harness.echo, **more):
        running.append(harness.Origin(serve, **more))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture(scope="session")
def mitm_world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("mitm"))


@pytest.fixture
def mitm(mitm_world, proxy, origin):
    """Proxies that mint certificates, and origins that they trust."""
    return mitm_world.at(proxy, origin)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for *.test with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "origin.pem"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=origin.test", "-addext", "subjectAltName=DNS:*.test",
         "-keyout", "-"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    path.write_bytes(done.stdout)
    return path
