"""Two spellings, one policy: tests/equal/same/NAME.{a,b}.yaml give the same
bytes, tests/equal/differ/NAME.{a,b}.yaml do not.  And what --dump prints
compiles to the policy it was printed from."""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMOKESCREENC = ROOT / os.environ.get("BUILD", "build") / "smokescreenc"
EQUAL = ROOT / "tests/equal"
SECONDS = 60


def run(*arguments, stdin=b"", status=0):
    done = subprocess.run([SMOKESCREENC, *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=SECONDS)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def compiled(path, *options):
    return run("--strip", *options, "-o", "-", path)


def digest(path, *options):
    return json.loads(run("--info", "--format", "json", *options,
                          path))["digest"]


def pairs(kind):
    return sorted(path.name[:-len(".a.yaml")]
                  for path in (EQUAL / kind).glob("*.a.yaml"))


@pytest.mark.parametrize("name", pairs("same"))
def test_same(name):
    one, other = (EQUAL / f"same/{name}.{side}.yaml" for side in "ab")
    assert one.read_bytes() != other.read_bytes()
    assert compiled(one) == compiled(other)
    assert digest(one) == digest(other)


@pytest.mark.parametrize("name", pairs("differ"))
def test_differ(name):
    one, other = (EQUAL / f"differ/{name}.{side}.yaml" for side in "ab")
    assert compiled(one) != compiled(other)
    assert digest(one) != digest(other)


def test_the_source_map_is_not_the_policy(tmp_path):
    policy = EQUAL / "same/comments.b.yaml"
    assert run("-o", "-", policy) != compiled(policy)
    blob = tmp_path / "stripped.blob"
    blob.write_bytes(compiled(policy))
    assert digest(blob) == digest(policy)


def test_compiling_twice_gives_the_same_bytes(tmp_path):
    for policy in sorted((ROOT / "policies").glob("*.yaml")):
        if policy.name.endswith(".test.yaml"):
            continue
        copy = tmp_path / policy.name
        copy.write_bytes(policy.read_bytes())
        assert run("-o", "-", policy) == run("-o", "-", copy)


NAMES = ["svc", "", "default", "null", "~", "yes", "0x1F", "1e3", "a b", "#x",
         "- x", "a: b", "{x}", "[x]", "*a", "&a", "!t", "|", ">", "%x", "@x",
         "`x", '"q"', "'q'", "back\\slash", "tab\there", "line\nbreak",
         "cr\rhere", "nul\0byte", "bell\x07", "del\x7f", "nel\x85", "nbsp\xa0",
         "sérvice ☃", "zwj\u200d", "bidi\u202e", "bom\ufeff", "ls\u2028",
         "😀", " lead", "trail ", "x" * 300, "?", "-", ":", ",", "a,b", "=",
         "<<", "...", "---", "a#b", "a #b", "010", "1:30", "2001-01-01"]
LABELS = ["a", "b", "c", "com", "net", "co", "uk", "x-y", "_d", "xn--e1aybc"]
FLAGS = [["--deny-range", "10.1.0.0/16"], ["--allow-range", "10.0.0.0/8"],
         ["--deny-address", "1.2.3.4:443"], ["--allow-address", "1.2.3.4"],
         ["--allow-address", "[2001:db8::1]:80"],
         ["--deny-address", "2001:db8::2"], ["--deny-range", "2001:db8::/32"],
         ["--unsafe-allow-private-ranges"],
         ["--nat64-prefix", "64:ff9b:1::/96"]]


def random_globs(rng, most):
    globs = []
    for _ in range(rng.randrange(most + 1)):
        name = ".".join(rng.choice(LABELS)
                        for _ in range(rng.randrange(2, 5)))
        globs.append(rng.choice(["", "*."]) + name)
    return globs


def random_rule(rng):
    rule = {"action": rng.choice(["open", "report", "enforce"])}
    if rng.random() < .8:
        rule["project"] = rng.choice(NAMES)
    if rng.random() < .8:
        rule["allowed_domains"] = random_globs(rng, 12)
    if rng.random() < .4:
        rule["allowed_external_proxies"] = random_globs(rng, 4)
    if rule.get("allowed_domains") and rng.random() < .5:
        rule["mitm_domains"] = []
        for domain in rng.sample(rule["allowed_domains"], 1):
            entry = {"domain": domain}
            if rng.random() < .7:
                entry["add_headers"] = {
                    name: rng.choice([text for text in NAMES
                                      if re.fullmatch(r"[^\0-\x1f\x7f]*",
                                                      text)])
                    for name in rng.sample(["X-A", "X-B", "x-c", "~", "!"], 2)}
            if rng.random() < .5:
                entry["detailed_http_logs"] = rng.random() < .5
            if rng.random() < .5:
                entry["detailed_http_logs_full_headers"] = ["B", "A", "null"]
            rule["mitm_domains"].append(entry)
    return rule


def random_policy(rng):
    policy = {"version": "v1", "services": [
        {"name": name, **random_rule(rng)}
        for name in rng.sample(NAMES, rng.randrange(8))]}
    if rng.random() < .7:
        policy["default"] = random_rule(rng)
    if rng.random() < .5:
        policy["global_allow_list"] = random_globs(rng, 6)
    if rng.random() < .5:
        policy["global_deny_list"] = random_globs(rng, 6)
    return policy


def round_trip(policy, directory, *options):
    blob = directory / "policy.blob"
    run("-o", blob, *options, policy)
    dumped = directory / "dumped.yaml"
    dumped.write_bytes(run("--dump", blob))
    again = directory / "again.blob"
    # What YAML cannot hold stands in the first lines, as options.
    stated = re.findall(r"^#   (--\S+)$", dumped.read_text(), re.M)
    run("-o", again, *stated, dumped)
    assert digest(again) == digest(blob), dumped.read_text()
    assert compiled(policy, *options) == compiled(dumped, *stated)
    assert run("--dump", again) == dumped.read_bytes()


@pytest.mark.parametrize("seed", range(60))
def test_dump_round_trip(seed, tmp_path):
    rng = random.Random(seed)
    policy = tmp_path / "policy.yaml"
    policy.write_text(json.dumps(random_policy(rng)))
    options = [word for flag in rng.sample(FLAGS, rng.randrange(6))
               for word in flag]
    round_trip(policy, tmp_path, *options)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")),
                         ids=lambda path: path.name)
def test_dump_of_samples(path, tmp_path):
    if not path.name.endswith(".test.yaml"):
        round_trip(path, tmp_path)
