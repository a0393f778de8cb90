"""Clients that people have, through a proxy that is spoken to over TLS and that
asks for a certificate.  Those that are not installed are skipped: make deps-ci
installs them."""

import asyncio
import functools
import importlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.request
import warnings
from pathlib import Path

import pytest

import harness
from tls import ACL, Pki

HERE = Path(__file__).resolve().parent / "clients"
MODULES = Path("/usr/share/nodejs")  # where Debian keeps them
STUCK = 120  # longer than a compiler takes on a busy machine

# What a client says of a proxy that refuses: the status, the reason phrase, or
# words of its own.
REFUSED = re.compile("407|Request rejected by proxy|Proxy response .*!== 200")


def program(name):
    """Its path; without it the test is skipped."""
    return shutil.which(name) or pytest.skip(f"no {name}")


def module(name):
    """A module of Python's."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return pytest.skip(f"no python3-{name}")


def environment(directory, **more):
    """No settings but ours, whatever the machine has."""
    return {"PATH": os.environ["PATH"], "HOME": str(directory),
            "LC_ALL": "C.UTF-8", **more}


def run(words, directory, **more):
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True,
        timeout=STUCK, cwd=directory, env=environment(directory, **more))


def node(script, *args, directory, needs=()):
    """Run a script of ours; the lines of JSON that it has printed."""
    words = [program("node"), HERE / script, *args]
    for name in needs:
        if not (MODULES / name).is_dir():
            pytest.skip(f"no node-{name}")
    done = run(words, directory, NODE_PATH=str(MODULES))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class Place:
    """A proxy, what it is trusted by, and two origins that greet."""

    def __init__(self, child, world, origin, directory):
        self.child = child
        self.world = world
        self.directory = directory
        self.proxy = f"https://127.0.0.1:{child.port}"
        self.ca = str(world.server_ca)
        self.hosts = [f"127.0.0.1:{origin(serve).port}" for serve in
                      (harness.https(world.bundle), harness.greet)]
        self.secure, self.plain = (
            f"{scheme}://{host}/"
            for scheme, host in zip(("https", "http"), self.hosts))

    @property
    def named_proxy(self):
        """urllib3 leaves names to others to check, which addresses are not."""
        try:
            socket.getaddrinfo("localhost", None)
        except OSError:
            pytest.skip("this machine does not know localhost")
        return f"https://localhost:{self.child.port}"

    def context(self, certificate):
        made = ssl.create_default_context(cafile=self.ca)
        if certificate:
            made.load_cert_chain(certificate)
        return made

    def resumptions(self):
        port = self.child.logged("serving metrics")[0]["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                    timeout=harness.SECONDS) as answer:
            return int(re.search(r"^smokescreen_tls_resumptions_total (\d+)$",
                                 answer.read().decode(), re.M)[1])

    def served(self, count):
        """So many requests were, all of the role that the certificate says."""
        self.child.wait_log("CANONICAL-PROXY-DECISION", count, allow=True)
        for line in self.child.logged("CANONICAL-PROXY-DECISION"):
            assert (line["role"], line["role_source"]) == ("web", "cn")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def web(world):
    return world.client("web").file


@pytest.fixture
def place(proxy, world, origin, tmp_path):
    child = proxy(
        "--tls-server-bundle-file", world.bundle, "--tls-client-ca-file",
        world.ca, "--egress-acl-file", harness.compile_acl(tmp_path, ACL),
        "--expose-prometheus-metrics", "--prometheus-listen-ip", "127.0.0.1",
        "--prometheus-port", "0", "--workers", "2")
    return Place(child, world, origin, tmp_path)


# --- the clients: each gets URLs, one after the other, and gives for each the
# status and the body, or the error --------------------------------------------

def curl(place, certificate, urls, *flags):
    words = [program("curl"), "--silent", "--show-error", "--max-time",
             harness.SECONDS, "--noproxy", "", "--proxy", place.proxy,
             "--proxy-cacert", place.ca, "--cacert", place.ca, "--write-out",
             "%{http_code}\\n", *flags]
    if certificate:
        words += ["--proxy-cert", certificate]
    done = run([*words, *urls], place.directory)
    if done.returncode != 0:
        return [{"error": done.stderr}] * len(urls)
    lines = done.stdout.splitlines()
    if not flags and lines[0].startswith("407"):
        return [{"status": 407}]
    return [{"status": int(status), "body": body + "\n"}
            for body, status in zip(lines[::2], lines[1::2])]


def curl_http11(place, certificate, urls):
    return curl(place, certificate, urls, "--http1.1")


def curl_http2(place, certificate, urls):
    """It offers HTTP/2, and takes what it gets."""
    return curl(place, certificate, urls, "--http2")


def urllib3(place, certificate, urls):
    library = module("urllib3")
    with library.ProxyManager(
            place.named_proxy, ca_certs=place.ca, cert_file=certificate,
            proxy_ssl_context=place.context(certificate)) as manager:
        def get(url):
            answer = manager.request("GET", url, retries=False,
                                     timeout=harness.SECONDS)
            return {"status": answer.status, "body": answer.data.decode()}
        return [attempt(get, url, library.exceptions.HTTPError)
                for url in urls]


def requests(place, certificate, urls):
    """Its tunnels show no certificate unless its adapter is told to."""
    library = module("requests")

    class Adapter(library.adapters.HTTPAdapter):
        def proxy_manager_for(self, proxy, **more):
            return super().proxy_manager_for(
                proxy, proxy_ssl_context=place.context(certificate), **more)

    with library.Session() as session, warnings.catch_warnings():
        # for http:// URLs it does not verify the proxy, and is warned of it
        warnings.simplefilter("ignore")
        session.trust_env = False
        session.verify, session.cert = str(place.ca), certificate
        session.proxies = dict.fromkeys(("http", "https"), place.named_proxy)
        session.mount("https://", Adapter())

        def get(url):
            answer = session.get(url, timeout=harness.SECONDS)
            return {"status": answer.status_code, "body": answer.text}
        return [attempt(get, url, library.RequestException) for url in urls]


def attempt(get, url, kind):
    try:
        return get(url)
    except kind as error:
        return {"error": repr(error)}


def aiohttp(place, certificate, urls):
    library = module("aiohttp")
    context = place.context(certificate)

    async def get(session, url):
        try:
            async with session.get(url, proxy=place.proxy,
                                   ssl=context) as answer:
                return {"status": answer.status, "body": await answer.text()}
        except library.ClientError as error:
            return {"error": repr(error)}

    async def get_all():
        limit = library.ClientTimeout(total=harness.SECONDS)
        async with library.ClientSession(timeout=limit) as session:
            return [await get(session, url) for url in urls]

    with warnings.catch_warnings():
        # of TLS in TLS, which this Python may not have
        warnings.simplefilter("ignore", RuntimeWarning)
        return asyncio.run(get_all())


@functools.cache
def go_program(directory):
    compiler = program("go")
    done = run([compiler, "build", "-o", directory / "fetch",
                HERE / "fetch.go"], directory, GOCACHE=str(directory / "go"),
               GOFLAGS="-mod=mod", GOPROXY="off", GOTOOLCHAIN="local")
    assert done.returncode == 0, done.stderr
    return directory / "fetch"


def go(place, certificate, urls):
    done = run([go_program(place.world.directory), place.proxy, place.ca,
                certificate or "", *urls], place.directory)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def undici(place, certificate, urls):
    """Which makes a tunnel for http:// URLs as well."""
    return node("fetch.js", "undici", place.proxy, place.ca, certificate or "",
                *urls, directory=place.directory, needs=["undici"])


def proxy_agent(place, certificate, urls):
    return node("fetch.js", "agent", place.proxy, place.ca, certificate or "",
                *urls, directory=place.directory, needs=["https-proxy-agent"])


CLIENTS = [curl_http11, curl_http2, urllib3, requests, aiohttp, go, undici,
           proxy_agent]
RESUMING = [curl_http11, curl_http2]  # what they have of a proxy, always
clients = pytest.mark.parametrize("client", CLIENTS,
                                  ids=lambda each: each.__name__)


@clients
def test_through_tls(client, place, web):
    """Twice, on a connection each: the second client is known as well."""
    got = client(place, web, [place.secure] * 2)
    assert got == [{"status": 200,
                    "body": f"you reached {place.hosts[0]}\n"}] * 2
    place.served(2)
    if client in RESUMING:
        assert place.resumptions() == 1


@clients
def test_plain_http(client, place, web):
    got = client(place, web, [place.plain] * 2)
    assert got == [{"status": 200,
                    "body": f"you reached {place.hosts[1]}\n"}] * 2
    place.served(2)


@clients
def test_without_certificate(client, place):
    """It hears that the proxy refused, and does not wait or try again."""
    tunnel, plain = (client(place, None, [url])[0]
                     for url in (place.secure, place.plain))
    assert REFUSED.search(tunnel.get("error", str(tunnel.get("status")))), \
        tunnel
    assert REFUSED.search(plain.get("error", str(plain.get("status")))), plain
    place.child.wait_log("CANONICAL-PROXY-DECISION", 2, role="", allow=False)


def test_http2_through_a_tunnel(place, web, world):
    with subprocess.Popen(
            [program("node"), HERE / "http2_origin.js", world.bundle],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        host = "127.0.0.1:%d" % int(server.stdout.readline())
        got = curl(place, web, [f"https://{host}/"], "--http2")
        assert got == [{"status": 200, "body": f"you reached {host}\n"}]
        server.stdin.close()
    place.served(1)


def test_websocket(place, web, world):
    def through(certificate):
        return node("websocket.js", place.proxy, place.ca, certificate,
                    world.bundle, directory=place.directory,
                    needs=["https-proxy-agent", "ws"])[0]
    assert through(web)["back"] == ["hello", "x" * 100_000, "00ff0a0d"]
    place.served(1)
    assert "407" in through("")["error"]


# --- npm ----------------------------------------------------------------------

PACKAGE = {"name": "parcel", "dist-tags": {"latest": "1.2.3"}, "versions": {
    "1.2.3": {"name": "parcel", "version": "1.2.3",
              "dist": {"tarball": "https://127.0.0.1/parcel.tgz"}}}}


def registry(sock):
    """One answer: what there is to know of our only package."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1 << 16)
        if not part:
            return
        head += part
    body = json.dumps(PACKAGE).encode()
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
                 % (len(body), body))


def npm(place, scheme, port, certificate=None):
    host = f"127.0.0.1:{port}"
    settings = [f"registry={scheme}://{host}/", f"proxy={place.proxy}",
                f"https-proxy={place.proxy}", f"cafile={place.ca}",
                "fetch-retries=0", "update-notifier=false", "audit=false"]
    if certificate:
        settings += [f"//{host}/:{kind}file={certificate}"
                     for kind in ("cert", "key")]
    (place.directory / ".npmrc").write_text("\n".join(settings) + "\n")
    return run([program("npm"), "view", "parcel", "version"], place.directory)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_npm(place, origin, web, world, scheme):
    serve = harness.over_tls(registry, world.bundle) if scheme == "https" \
        else registry
    port = origin(serve).port
    done = npm(place, scheme, port, web)
    assert done.stdout == "1.2.3\n", done
    place.served(1)
    done = npm(place, scheme, port)
    assert done.returncode != 0 and "407" in done.stderr, done
