"""What the reference accepts, refuses and decides, restated as data in
tests/decide, and put to smokescreenc.  A row with "why" is one where we differ
on purpose; what it expects is ours, and "reference" is what it was."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
SECONDS = 60


def facts(name):
    return json.loads((ROOT / "tests/decide" / name).read_text())


def run(*arguments, stdin=b""):
    return subprocess.run([SMOKESCREENC, *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=SECONDS)


def check(policy, *options):
    done = run("--check", "--format", "json", *options, "-", stdin=policy)
    return done.returncode, json.loads(done.stdout)


def messages(report):
    return [(item["code"], item["message"]) for item in report["diagnostics"]
            if item["severity"] == "error"]


def judge(row, policy, *options):
    """ROW's accepted, text and code against what is said of POLICY."""
    status, report = check(policy, *options)
    said = messages(report)
    if row["accepted"]:
        assert status == 0 and not said
        return
    assert status == 1
    assert any(code == row["code"] and row.get("text", "") in message
               for code, message in said), said


def digest(policy):
    done = run("--info", "--format", "json", "-", stdin=policy)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)["digest"]


def as_policy(meaning):
    """What a spelling means, spelled plainly."""
    def rule(entry):
        return {key: (value.lower() if key == "action" else value)
                for key, value in entry.items() if key != "mitm_domains"} | \
            mitm(entry)

    def mitm(entry):
        if not entry.get("mitm_domains"):
            return {}
        keys = {"Domain": "domain", "AddHeaders": "add_headers",
                "DetailedHttpLogs": "detailed_http_logs",
                "DetailedHttpLogsFullHeaders":
                    "detailed_http_logs_full_headers"}
        return {"mitm_domains": [
            {keys[key]: value for key, value in item.items()
             if value is not None} for item in entry["mitm_domains"]]}

    policy = {"version": "v1", "services": [
        {"name": name, **rule(entry)}
        for name, entry in meaning.get("services", {}).items()]}
    if "default" in meaning:
        policy["default"] = rule(meaning["default"])
    for key in ("global_allow_list", "global_deny_list"):
        if meaning.get(key):
            policy[key] = meaning[key]
    return json.dumps(policy).encode()


@pytest.mark.parametrize("row", facts("spellings.json")["rows"],
                         ids=lambda row: row["id"])
def test_spelling(row):
    policy = row["latin1"].encode("latin1")
    judge(row, policy)
    if "means" in row:
        assert digest(policy) == digest(as_policy(row["means"]))


@pytest.mark.parametrize("row", facts("globs.json")["rows"],
                         ids=lambda row: ascii(row["glob"])[:40])
def test_glob(row):
    judge(row, json.dumps({
        "version": "v1",
        "services": [{"name": "svc", "action": "enforce",
                      "allowed_domains": [row["glob"]]}]}).encode())


@pytest.mark.parametrize("row", facts("loads.json")["rows"],
                         ids=lambda row: row["name"])
def test_load(row):
    options = [word for action in row["disabled"]
               for word in ("--disable-acl-policy-action", action)]
    done = run("--check", *options, "-", stdin=json.dumps(
        row["policy"]).encode())
    assert done.returncode == row["status"]
    assert row.get("text", "") in (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("row", facts("address_lists.json")["rows"],
                         ids=lambda row: row["key"] + "=" + row["value"])
def test_address_list(row, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({row["key"]: [row["value"]]}))
    judge(row, b"version: v1\nservices: []\n", "--config-file", config)


@pytest.mark.parametrize("name", facts("decisions.json")["policies"])
def test_decisions(name, tmp_path):
    data = facts("decisions.json")
    rows = [row for row in data["rows"] if row["policy"] == name]
    policy = tmp_path / "policy.yaml"
    policy.write_text(json.dumps(data["policies"][name]))
    blob = tmp_path / "policy.blob"
    assert run("-o", blob, policy).returncode == 0
    queries = "".join(json.dumps(row["query"]) + "\n" for row in rows)
    assert rows
    for given in (policy, blob):
        done = run("--explain", given, "--batch", stdin=queries.encode())
        assert done.returncode == 0
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(rows)
        for row, answer in zip(rows, answers):
            got = {"project": "", "default_rule": False} | answer
            assert {key: got[key] for key in row["answer"]} == row["answer"], \
                row["query"]


@pytest.mark.parametrize("name", ["spellings.json", "globs.json",
                                  "address_lists.json", "decisions.json"])
def test_every_difference_has_a_reason(name):
    for row in facts(name)["rows"]:
        assert ("reference" in row) == bool(row.get("why"))
