"""The examples of the manual pages are true: policies compile, commands run,
and what is shown as printed is what is printed."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
SECONDS = 60


def blocks(page):
    """The literal displays of a page, as a reader sees them."""
    text = (ROOT / "docs" / page).read_text()
    return [block.replace("\\e", "\\") for block in
            re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, re.M | re.S)]


def policies(page):
    return [block for block in blocks(page) if block.startswith("version:")]


def run(*arguments, cwd, stdin=b""):
    return subprocess.run([SMOKESCREENC, *arguments], cwd=cwd, input=stdin,
                          capture_output=True, timeout=SECONDS)


def test_there_are_examples():
    assert len(policies("smokescreen-policy.5")) == 3


@pytest.mark.parametrize("policy", policies("smokescreen-policy.5"))
def test_policies_compile(policy, tmp_path):
    done = run("--check", "--werror", "-", cwd=tmp_path, stdin=policy.encode())
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture
def directory(tmp_path):
    """What the examples of smokescreenc(1) speak of."""
    (tmp_path / "acl.yaml").write_text("""version: v1
services:
  - name: svc
    project: team
    action: enforce
    allowed_domains:
      - api.example.com
default: {action: enforce, project: team}
""")
    tests, = [block for block in blocks("smokescreenc.1")
              if block.startswith("tests:")]
    (tmp_path / "acl.test.yaml").write_text(tests)
    return tmp_path


def test_commands_run(directory):
    commands = [line[2:].split() for block in blocks("smokescreenc.1")
                for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) == 4
    for name, *arguments in commands:
        assert name == "smokescreenc"
        done = run(*arguments, cwd=directory)
        wanted = 1 if "--explain" in arguments else 0
        assert done.returncode == wanted, done.stderr.decode()
    assert b"deny: rule has enforce policy" in done.stdout


def test_the_query_of_the_manual_is_answered(directory):
    query, = [block for block in blocks("smokescreenc.1")
              if block.startswith("{")]
    done = run("--explain", "acl.yaml", "--batch", cwd=directory,
               stdin=query.encode())
    assert json.loads(done.stdout)["result"] == "allow"


def test_the_diagnostic_of_the_manual_is_printed(directory):
    shown, = [block for block in blocks("smokescreenc.1")
              if block.startswith("acl.yaml:")]
    path = directory / "acl.yaml"
    path.write_text(path.read_text().replace(
        "      - api.example.com", '      - b.com\n      - "*"'))
    done = run("--check", "acl.yaml", cwd=directory)
    assert done.stdout.decode().startswith(shown)


def test_the_policy_manual_has_every_key_and_every_reason():
    page = (ROOT / "docs/smokescreen-policy.5").read_text()
    schema = (ROOT / "compiler/acl_schema.def").read_text()
    for key in re.findall(r'KEY\((?:TOP|RULE|MITM), \w+, "(\w+)"', schema):
        assert f"Cm {key}" in page, key
    reasons = (ROOT / "runtime/policy/reasons.def").read_text()
    for name, text in re.findall(r'REASON\((\w+), "(.*?)"\)', reasons):
        if name != "CORRUPT":
            assert text in page, text


def test_the_compiler_manual_has_every_option():
    page = (ROOT / "docs/smokescreenc.1").read_text()
    for option in re.findall(r'^OPTION\(\w+, "([\w-]+)"',
                             (ROOT / "compiler/options.def").read_text(),
                             re.M):
        assert f"Fl -{option}" in page, option
