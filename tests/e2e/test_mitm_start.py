"""The MITM CA at start and reload: what is refused, what is warned of."""

import subprocess
from pathlib import Path

import pytest

import harness
import pki

MANUAL = Path(__file__).parents[2] / "docs" / "smokescreen.8"

ACL = """\
version: v1
services: []
default:
  project: tests
  action: enforce
  allowed_domains: [api.test]
%s"""

MITM = """\
  mitm_domains:
  - domain: api.test
    add_headers: {X-Key: secret}
"""


@pytest.fixture(scope="module")
def ca():
    return pki.authority("MITM CA")


def config(directory, ca, key=None, more=""):
    """The path of a configuration with the CA and its key, or another."""
    (directory / "ca.pem").write_text(ca.pem)
    (directory / "ca.key").write_bytes((key or ca.key).pem)
    path = directory / "config.yaml"
    path.write_text(f"mitm_ca_cert_file: {directory}/ca.pem\n"
                    f"mitm_ca_key_file: {directory}/ca.key\n{more}")
    return path


def check(*args):
    return harness.run_smokescreen("--check-config", *args)


def test_it_is_shown(tmp_path, ca):
    done = check("--config-file", config(tmp_path, ca))
    assert done.returncode == 0, done.stderr
    assert f"\nmitm_ca_cert_file: {tmp_path}/ca.pem\n" in done.stdout
    assert f"\nmitm_ca_key_file: {tmp_path}/ca.key\n" in done.stdout
    assert "warning" not in done.stdout
    assert "\nmitm_ca_cert_file: none\n" in check().stdout


def test_the_manuals_way_to_make_one(tmp_path):
    text = MANUAL.read_text().replace("\\e\n", "\\\n")
    start = text.index("openssl req -x509")
    command = text[start:text.index("\n.Ed", start)]
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True,
                   capture_output=True, timeout=60)
    path = tmp_path / "config.yaml"
    path.write_text(f"mitm_ca_cert_file: {tmp_path}/mitm-ca.pem\n"
                    f"mitm_ca_key_file: {tmp_path}/mitm-ca.key\n")
    done = check("--config-file", path)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout


@pytest.mark.parametrize("text, message", [
    ("mitm_ca_cert_file: x",
     "mitm_ca_key_file required when mitm_ca_cert_file is set"),
    ("mitm_ca_key_file: x",
     "mitm_ca_cert_file required when mitm_ca_key_file is set"),
    ("mitm_ca_cert_file: nowhere\nmitm_ca_key_file: nowhere", "nowhere"),
])
def test_both_files_or_neither(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text + "\n")
    done = check("--config-file", path)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_ca_that_will_not_do_is_refused(tmp_path, ca):
    other = pki.Key()
    done = check("--config-file", config(tmp_path, ca, other))
    assert done.returncode == 1
    assert "does not belong to the certificate" in done.stderr
    leaf = pki.Certificate("leaf", key=other)
    done = check("--config-file", config(tmp_path, leaf))
    assert done.returncode == 1
    assert "the MITM CA is no CA" in done.stderr


@pytest.mark.parametrize("dates, warning", [
    ({"end": "2021-01-01"}, "the MITM CA has expired"),
    ({"start": "2048-01-01"}, "the MITM CA is not valid yet"),
])
def test_a_ca_out_of_its_time_is_warned_of(tmp_path, dates, warning):
    late = pki.authority("late", **dates)
    done = check("--config-file", config(tmp_path, late))
    assert done.returncode == 0, done.stderr
    assert f"# warning: {warning}" in done.stdout


WITHOUT = ("the policy has mitm_domains, and there is no mitm_ca_cert_file: "
           "those hosts will be denied")


def test_mitm_domains_without_a_ca_are_warned_of(tmp_path, proxy):
    blob = harness.compile_acl(tmp_path, ACL % MITM)
    done = check("--egress-acl-file", blob)
    assert f"# warning: {WITHOUT}\n" in done.stdout
    child = proxy(acl=ACL % MITM)
    child.wait_log(WITHOUT, level="warning")
    blob = harness.compile_acl(tmp_path, ACL % "")
    assert "warning" not in check("--egress-acl-file", blob).stdout
    # and a host of theirs is denied, in the reference's words
    harness.compile_acl(tmp_path, ACL % MITM)
    child.reload()
    child.wait_log(WITHOUT, 2)
    answer = child.connect("api.test", 443)
    assert answer.status == 407
    child.decision(allow=False, decision_reason="ACLDecision specified MITM "
                   "but Smokescreen doesn't have MITM enabled")


def test_reload_takes_all_or_nothing(tmp_path, proxy, ca):
    child = proxy("--config-file", config(tmp_path, ca))
    (tmp_path / "ca.key").write_text("no key")
    child.signal(1)
    failed = child.wait_log("policy not reloaded, the old one stays")
    assert f"{tmp_path}/ca.key" in failed["error"]
    (tmp_path / "ca.key").write_bytes(ca.key.pem)
    child.reload()


def test_another_ca_is_noticed(tmp_path, proxy, ca):
    child = proxy("--watch", "--config-file", config(tmp_path, ca))
    config(tmp_path, pki.authority("another"))
    child.wait_log("policy reloaded", cause="watch")
