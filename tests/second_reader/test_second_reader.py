"""Two readers of one format: the product's and the one written from the manual
must read the same policies and decide the same."""

import ipaddress
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from blob_reader import (CLASSES, GLOBAL_ALLOW, GLOBAL_DENY, Blob, Damaged,
                         crc32c)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", "build"))
COMPILER = (BUILD if BUILD.is_absolute() else ROOT / BUILD) / "smokescreenc"
SEEDS = ROOT / "tests/fuzz/corpus/fuzz_blob"

needs_compiler = pytest.mark.skipif(
    not COMPILER.exists(), reason=f"{COMPILER} is not built")

LABELS = ["a", "b", "api", "www", "x-1", "_srv", "n1", "n22",
          "a-label-of-more-than-sixteen-bytes"]
TOPS = ["com", "org", "net", "example", "internal"]
ROLES = ["alpha", "beta", "gamma", ""]


def test_crc32c():
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("seed", ["empty", "small", "mitm-ranges",
                                  "directories"])
def test_seeds(seed):
    data = (SEEDS / seed).read_bytes()
    blob = Blob(data)
    assert blob.digests() == (blob.semantic, blob.full)
    assert blob.entry_count == len(set(blob.entries()))
    for number, name, wildcard in blob.entries():
        host = b"sub." + name if wildcard else name
        assert number in blob.find(host)
    for at in random.Random(seed).sample(range(len(data)), 60):
        with pytest.raises(Damaged):
            Blob(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])


def random_name(rng, most=4):
    return ".".join([rng.choice(LABELS) for _ in
                     range(rng.randrange(1, most))] + [rng.choice(TOPS)])


def random_globs(rng, most):
    globs = {("*." if rng.random() < 0.4 else "") + random_name(rng)
             for _ in range(rng.randrange(most + 1))}
    return rng.sample(sorted(globs), len(globs))


def yaml_list(key, globs, indent):
    pad = " " * indent
    if not globs:
        return ""
    return f"{pad}{key}:\n" + "".join(f"{pad}  - '{g}'\n" for g in globs)


def random_policy(rng):
    """A YAML ACL, and where each entry of it was written."""
    text = "version: v1\nservices:\n"
    services = rng.sample(ROLES, rng.randrange(1, len(ROLES) + 1))
    for name in services:
        text += f"  - name: '{name}'\n    project: p-{name or 'none'}\n" \
                f"    action: {rng.choice(['enforce', 'report', 'open'])}\n"
        text += yaml_list("allowed_domains", random_globs(rng, 40), 4)
        text += yaml_list("allowed_external_proxies", random_globs(rng, 4), 4)
    if rng.random() < 0.6:
        text += "default:\n  project: p-default\n" \
                f"  action: {rng.choice(['enforce', 'report', 'open'])}\n"
        text += yaml_list("allowed_domains", random_globs(rng, 10), 2)
    text += yaml_list("global_deny_list", random_globs(rng, 10), 0)
    text += yaml_list("global_allow_list", random_globs(rng, 10), 0)
    return text


def random_query(rng):
    query = {"role": rng.choice(ROLES + ["unknown"]),
             "host": random_name(rng, 6)}
    if rng.random() < 0.1:
        query["host"] = rng.choice(["10.0.0.1", "192.0.2.77"])
    if rng.random() < 0.2:
        query["external_proxy"] = random_name(rng)
    return query


def compile_policy(tmp_path, text, *options):
    source, blob = tmp_path / "acl.yaml", tmp_path / "acl.blob"
    source.write_text(text)
    done = subprocess.run([COMPILER, *options, "-o", blob, source],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + text
    return blob


def explain(blob, queries):
    done = subprocess.run(
        [COMPILER, "--explain", blob, "--batch"], timeout=60,
        input="".join(json.dumps(q) + "\n" for q in queries),
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(queries)
    return answers


@needs_compiler
@pytest.mark.parametrize("seed", range(25))
def test_same_decisions(tmp_path, seed):
    rng = random.Random(seed)
    text = random_policy(rng)
    path = compile_policy(tmp_path, text)
    blob = Blob(path.read_bytes())
    lines = text.splitlines()
    queries = [random_query(rng) for _ in range(200)]
    compared = 0
    for query, theirs in zip(queries, explain(path, queries)):
        ours = blob.decide(query["role"], query["host"],
                           query.get("external_proxy"))
        assert "error" not in theirs, (query, theirs)
        for key in ("result", "reason", "rule", "project", "entry", "line"):
            assert ours.get(key) == theirs.get(key), (key, query, theirs)
        if "entry" in ours:
            assert f"- '{ours['entry']}'" in lines[ours["line"] - 1]
            compared += 1
    assert compared > 0


@needs_compiler
def test_entries_and_digests(tmp_path):
    rng = random.Random(4711)
    text = random_policy(rng)
    path = compile_policy(tmp_path, text)
    blob = Blob(path.read_bytes())
    assert blob.digests() == (blob.semantic, blob.full)
    assert blob.files[0] == b"acl.yaml"
    lines = text.splitlines()
    entries = set(blob.entries())
    assert len(entries) == blob.entry_count
    assert len({entry[1:] for entry in entries}) == blob.globs
    assert sum(e[0] == GLOBAL_DENY for e in entries) == blob.deny_count
    assert sum(e[0] == GLOBAL_ALLOW for e in entries) == blob.allow_count
    for number, name, wildcard in entries:
        line = blob.line_of(number, name, wildcard)
        assert lines[line - 1].strip() == \
            f"- '{'*.' * wildcard}{name.decode()}'"

    stripped = Blob(compile_policy(tmp_path, text, "--strip").read_bytes())
    assert stripped.semantic == blob.semantic
    assert stripped.line_bits is None
    reordered = Blob(compile_policy(
        tmp_path, "# a comment moves every line\n" + text).read_bytes())
    assert reordered.semantic == blob.semantic
    assert reordered.full != blob.full


def random_address(rng, nets):
    """Near an edge of something, mostly."""
    if rng.random() < 0.2:
        return ipaddress.ip_address(rng.getrandbits(
            rng.choice([32, 128])))
    net = rng.choice(nets)
    edge = rng.choice([net.network_address, net.broadcast_address])
    value = int(edge) + rng.choice([-1, 0, 0, 0, 1])
    if rng.random() < 0.3:
        value ^= 1 << rng.randrange(net.max_prefixlen)
    top = (1 << net.max_prefixlen) - 1
    address = type(edge)(min(max(value, 0), top))
    if address.version == 4 and rng.random() < 0.4:
        prefix = rng.choice(["::ffff:0:0", "64:ff9b::", "2001:db8:64::",
                             "64:ff9b:1::", "2001:db8::200:5efe:0:0", "::"])
        address = ipaddress.ip_address(
            int(ipaddress.ip_address(prefix)) | int(address))
    return address


@needs_compiler
@pytest.mark.parametrize("seed", range(8))
def test_same_classes(tmp_path, seed):
    rng = random.Random(1000 + seed)
    special = [ipaddress.ip_network(net) for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
        "169.254.169.254/32", "168.63.129.16/32", "100.100.100.200/32",
        "172.16.0.0/12", "192.0.0.9/32", "198.18.0.0/15", "240.0.0.0/4",
        "8.8.8.0/24", "::1/128", "64:ff9b::/96", "2001::/32", "2002::/16",
        "fc00::/7", "fe80::/10", "fd00:ec2::254/128", "2606:4700::/32",
        "2002:a9fe:a9fe::/48", "2001:db8:64::/96")]
    options, nets = ["--nat64-prefix", "2001:db8:64::/96"], list(special)
    if seed % 2:
        options.append("--unsafe-allow-private-ranges")
    for _ in range(12):
        net = rng.choice(special)
        length = rng.randrange(net.prefixlen, net.max_prefixlen + 1)
        cidr = ipaddress.ip_network((int(net.network_address) | rng.getrandbits(
            net.max_prefixlen - net.prefixlen or 1), length), strict=False) \
            if net.prefixlen < net.max_prefixlen else net
        nets.append(cidr)
        options += [rng.choice(["--deny-range", "--allow-range"]), str(cidr)]
        if cidr.version == 4:
            options += [rng.choice(["--deny-address", "--allow-address"]),
                        f"{cidr.network_address}:{rng.choice([80, 443])}"]
    path = compile_policy(tmp_path, "version: v1\nservices:\n  - name: a\n"
                          "    project: p\n    action: open\n", *options)
    blob = Blob(path.read_bytes())
    queries = [{"role": "a", "address": str(random_address(rng, nets)),
                "port": rng.choice([80, 443, 8080])} for _ in range(400)]
    for query, theirs in zip(queries, explain(path, queries)):
        code, _ = blob.classify(ipaddress.ip_address(query["address"]),
                                query["port"])
        assert CLASSES[code] == theirs.get("address_class"), (query, theirs)
