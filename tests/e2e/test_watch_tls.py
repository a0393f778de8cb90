"""--watch: certificates, keys, CAs and CRLs are loaded again when their files
change, whichever of them does and however."""

import os
import re
import shutil
import ssl

import pytest

import harness
import pki
import tls


@pytest.fixture
def world(tmp_path):
    return tls.Pki(tmp_path)


@pytest.fixture
def watching(proxy, world):
    """Start a proxy with TLS that watches: watching(*flags)."""
    def start(*flags, **more):
        return proxy("--watch", *flags, **more)
    return start


def serial(world, child):
    """Of the certificate that the proxy shows."""
    with world.dial(child) as sock:
        return sock.getpeercert()["serialNumber"]


def replace(path, source):
    """Rename a copy of SOURCE over PATH."""
    fresh = path.with_suffix(".fresh")
    shutil.copy(source, fresh)
    os.rename(fresh, path)


def await_reload(child, path, count=1):
    line = child.wait_log("policy reloaded", count)
    assert (line["cause"], line["changed"]) == ("watch", str(path))
    return line


def test_the_bundle(watching, world):
    child = watching("--tls-server-bundle-file", world.bundle)
    before = serial(world, child)
    replace(world.bundle, world.server("other.pem"))
    await_reload(child, world.bundle)
    assert serial(world, child) != before


def test_a_second_bundle(watching, world, tmp_path):
    second = tmp_path / "second.pem"
    shutil.copy(world.bundle, second)
    child = watching("--tls-server-bundle-file", world.bundle,
                     "--tls-server-bundle-file", second)
    replace(second, world.server("other.pem"))
    await_reload(child, second)


def test_a_secret_is_swapped(watching, world, tmp_path):
    """Certificate and key are two files that change at once, by one link; they
    are loaded once."""
    mount = tmp_path / "mount"
    for name in "..1", "..2":
        bundle = world.server(f"{name[2:]}.pem", key=pki.Key()).read_text()
        cut = re.search("-----BEGIN (EC )?PRIVATE KEY", bundle).start()
        (mount / name).mkdir(parents=True)
        (mount / name / "tls.crt").write_text(bundle[:cut])
        (mount / name / "tls.key").write_text(bundle[cut:])
    os.symlink("..1", mount / "..data")
    for file in "tls.crt", "tls.key":
        os.symlink(f"..data/{file}", mount / file)
    child = watching(config="tls:\n"
                            f"  cert_file: {mount}/tls.crt\n"
                            f"  key_file: {mount}/tls.key\n")
    before = serial(world, child)
    os.symlink("..2", mount / "..data_tmp")
    os.rename(mount / "..data_tmp", mount / "..data")
    shutil.rmtree(mount / "..1")
    await_reload(child, mount / "tls.crt")
    assert serial(world, child) != before
    # one swap, one load: the next cause that comes is the next reload
    assert child.reload()["reloads"] == 2


def test_a_certificate_and_its_key_one_after_the_other(
        watching, world, tmp_path):
    first = world.server("1.pem")
    second = world.server("2.pem", key=pki.Key())
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    shutil.copy(first, cert)
    shutil.copy(first, key)
    child = watching(config=f"tls:\n  cert_file: {cert}\n  key_file: {key}\n")
    before = serial(world, child)
    replace(cert, second)
    child.wait_log("policy not reloaded, the old one stays")
    assert serial(world, child) == before
    replace(key, second)
    await_reload(child, key)
    assert serial(world, child) != before


def test_a_client_ca(watching, world):
    other = pki.authority("other")
    client = world.client("web", other)
    child = watching("--tls-server-bundle-file", world.bundle,
                     "--tls-client-ca-file", world.ca, acl=tls.ACL)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        world.connect(child, 1, client)
    replace(world.ca, world.write("both.pem", world.root.pem + other.pem))
    await_reload(child, world.ca)
    world.connect(child, harness.refusing_port(), client)
    assert child.decision()["role"] == "web"


def test_a_crl(watching, world):
    client = world.client("web")
    path = world.crl("list.crl")
    child = watching("--tls-server-bundle-file", world.bundle,
                     "--tls-client-ca-file", world.ca,
                     "--tls-crl-file", path, acl=tls.ACL)
    world.connect(child, harness.refusing_port(), client)
    assert child.decision()["role"] == "web"
    replace(path, world.crl("revoking.crl", client))
    await_reload(child, path)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        world.connect(child, 1, client)
    # what is no CRL leaves the one that there is
    replace(path, world.ca)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert line["changed"] == str(path) and str(path) in line["error"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        world.connect(child, 1, client)


def test_the_ca_of_servers(watching, world):
    other = pki.authority("other")
    child = watching("--origin-ca-file", world.server_ca)
    replace(world.server_ca, world.write(
        "both.pem", world.server_root.pem + other.pem))
    await_reload(child, world.server_ca)
    assert child.wait_log("origin CAs loaded", 2)["certificates"] == 2


def test_policy_and_tls_both(watching, world, tmp_path):
    child = watching("--tls-server-bundle-file", world.bundle,
                     "--tls-client-ca-file", world.ca, acl=tls.ACL)
    blob = tmp_path / "acl.blob"
    harness.compile_acl(tmp_path, tls.ACL.replace("127.0.0.1", "127.0.0.2"))
    await_reload(child, blob)
    replace(world.bundle, world.server("other.pem"))
    await_reload(child, world.bundle, 2)
