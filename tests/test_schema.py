"""The JSON Schemas of the language: what --check accepts they accept, and what
they can see of its mistakes they refuse."""

import json

import pytest
import yaml
from jsonschema import Draft7Validator

from reports import GOOD, ROOT, USAGE, YES, check, run

CASES = ROOT / "tests/cases"
ACL = Draft7Validator(json.loads(
    (ROOT / "docs/smokescreen-acl.schema.json").read_text()))
TESTS = Draft7Validator(json.loads(
    (ROOT / "docs/smokescreen-tests.schema.json").read_text()))

# Mistakes that a schema cannot see: about two places, or about YAML.
BEYOND_A_SCHEMA = {
    "P004",  # a key twice: YAML readers keep one
    "P007",  # two rules for one service
    "P008",  # a mitm_domains entry that is no entry of allowed_domains
    "P009",  # about the command line
    "P012",  # headers that differ in case
}


def load(text):
    return yaml.load(text, yaml.SafeLoader)


def errors_of(path):
    done = check("json", path)
    # Lints, however loud, are about what the language allows.
    return {item["code"] for item in json.loads(done.stdout)["diagnostics"]
            if item["severity"] == "error" and item["code"][0] != "L"}


@pytest.mark.parametrize("name", ["acl", "tests"])
def test_the_schema_is_current_and_a_schema(name):
    done = run("--print-schema", name)
    assert done.returncode == YES
    path = ROOT / f"docs/smokescreen-{name}.schema.json"
    assert path.read_bytes() == done.stdout, "make docs"
    Draft7Validator.check_schema(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [
    ["--print-schema"], ["--print-schema", "blob"],
    ["--print-schema", "acl", "file"]])
def test_usage(arguments):
    done = run(*arguments)
    assert done.returncode == USAGE and done.stdout == b""


def test_every_key_is_described():
    def walk(schema):
        for name, value in schema.get("properties", {}).items():
            assert value["description"].endswith("."), name
        for definition in schema.get("definitions", {}).values():
            walk(definition)

    walk(ACL.schema)
    walk(TESTS.schema)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")),
                         ids=lambda path: path.name)
def test_policies_and_their_tests_are_valid(path):
    validator = TESTS if path.name.endswith(".test.yaml") else ACL
    validator.validate(load(path.read_bytes()))


@pytest.mark.parametrize(
    "path", [path for path in sorted(CASES.rglob("*.yaml"))
             if "/with/" not in str(path)
             and not path.name.startswith("yaml-")],
    ids=lambda path: str(path.relative_to(CASES)))
def test_cases_are_judged_alike(path):
    errors = errors_of(path)
    if any(code[0] == "Y" for code in errors):
        return
    valid = ACL.is_valid(load(path.read_bytes()))
    if not errors:
        assert valid, list(ACL.iter_errors(load(path.read_bytes())))
    elif not errors <= BEYOND_A_SCHEMA:
        assert not valid, errors


# (what to replace in GOOD, with what, is it right)
GLOBS = [
    ("a", True), ("a.b", True), ("*.b", True), ("*.b.c", True), ("_x.b", True),
    ("a-b.c_d", True), ("xn--bcher-kva.example", True), ("1.2.3.4", True),
    ("255.255.255.255", True), ("1a.com", True), ("a.1b", True),
    ("a" * 63 + ".b", True), (".".join(["a" * 62] * 4), True),
    ("*." + ".".join(["a" * 62] * 4), True), ("r3---sn-x.googlevideo.com", True),
    ("", False), ("*", False), ("*.", False), ("A.com", False), ("a.", False),
    (".a", False), ("a..b", False), ("-a.b", False), ("a-.b", False),
    ("*a.b", False), ("a.*.b", False), ("**.b", False), ("a.b:443", False),
    ("http://a.b", False), ("a b", False), ("*.1.2.3.4", False), ("*.1", False),
    ("123", False), ("0x7f", False), ("127.1", False), ("::1", False),
    ("b\u00fccher.example", False), ("a" * 64 + ".b", False),
    (".".join(["a" * 63] * 4), False),
]


@pytest.mark.parametrize("glob, right", GLOBS, ids=[g[0][:20] for g in GLOBS])
def test_globs(glob, right, tmp_path):
    document = load(GOOD)
    document["services"][0]["allowed_domains"] = [glob]
    assert ACL.is_valid(document) == right
    path = tmp_path / "acl.yaml"
    path.write_text(json.dumps(document))
    assert (errors_of(path) == set()) == right


CHANGES = [
    ("version: v1", "version: v2", False), ("version: v1", "x-a: 1", False),
    ("version: v1", "version: v1\nx-note: {any: [thing]}", True),
    ("version: v1", "version: v1\nnote: 1", False),
    ("enforce\n    allowed", "Enforce\n    allowed", False),
    ("    action: enforce\n", "", False), ("    project: team\n", "", True),
    ("project: team\n", "project: 7\n", True),
    ("project: team\n", "project: [7]\n", False),
    ("project: team\n", "project: ~\n", True),
    ("name: svc", "name: 2026-11-26", True),
    ("name: svc", "x-owner: me", True), ("name: svc", "nmae: svc", False),
    ("[api.example.com]", "api.example.com", False),
    ("[api.example.com]", "~", True), ("[api.example.com]", "[~]", False),
    ("[api.example.com]", "[[a.com]]", False),
    ("default: {project: team, action: enforce}", "", True),
    ("default: {project: team, action: enforce}", "default: ~", True),
    ("default: {project: team, action: enforce}", "default: {}", False),
    ("default:", "global_deny_list: [a.com]\ndefault:", True),
    ("default:", "global_deny_list: a.com\ndefault:", False),
]
for mitm, right in [
        ("{domain: api.example.com}", True), ("{}", False), ("~", False),
        ("{domain: api.example.com, add_headers: {X-A: b, n: 1}}", True),
        ("{domain: api.example.com, add_headers: {'X A': b}}", False),
        ('{domain: api.example.com, add_headers: {X: "a\\nb"}}', False),
        ("{domain: api.example.com, add_headers: [a]}", False),
        ("{domain: api.example.com, detailed_http_logs: true}", True),
        ("{domain: api.example.com, detailed_http_logs: 'true'}", False),
        ("{domain: api.example.com, detailed_http_logs_full_headers: [X-A]}",
         True),
        ("{domain: api.example.com, detailed_http_logs_full_headers: ['']}",
         False),
        ("{domain: api.example.com, header: {}}", False)]:
    CHANGES.append(("[api.example.com]",
                    f"[api.example.com]\n    mitm_domains: [{mitm}]", right))


@pytest.mark.parametrize("old, new, right", CHANGES)
def test_changes_are_judged_alike(old, new, right, tmp_path):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    path = tmp_path / "acl.yaml"
    path.write_text(text)
    assert (errors_of(path) == set()) == right
    # As YAML 1.2 has it: a date is a text.
    document = yaml.load(text.replace("2026-11-26", "a-date"), yaml.SafeLoader)
    assert ACL.is_valid(document) == right


@pytest.mark.parametrize("test, right", [
    ("{host: h, expect: deny}", True), ("{address: 1.2.3.4, expect: allow}", True),
    ("{host: h, port: 80, expect: report}", True),
    ("{host: h, port: '80', role: 1, expect: report}", True),
    ("{host: h, expect: deny, reason: r, rule: default, entry: h}", True),
    ("{host: h, expect: deny, x-why: because}", True),
    ("{expect: deny}", False), ("{host: h}", False), ("{host: h, expect: no}", False),
    ("{host: h, port: 65536, expect: deny}", False),
    ("{host: h, port: http, expect: deny}", False),
    ("{host: h, expects: deny}", False), ("x", False)])
def test_tests_are_judged_alike(test, right, tmp_path):
    path = tmp_path / "acl.test.yaml"
    path.write_text(f"tests: [{test}]\n")
    assert (errors_of(path) == set()) == right
    assert TESTS.is_valid(load(path.read_text())) == right
