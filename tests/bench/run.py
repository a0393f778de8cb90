#!/usr/bin/env python3
"""Measure, and say it as ratios to a baseline taken in the same run.

Every row alternates baseline and candidate ROUNDS times and reports medians of
CPU time per unit of the process under test; wall time is not used, machines are
noisy.  Programs that measure inside one process (bench_decide, bench_ranges)
print JSON of their own, which is carried over.  Writes BUILD/bench/bench.json
and prints a table.  usage: run.py [ROW...]
"""

import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
ROUNDS = int(os.environ.get("ROUNDS", "5"))
LOAD = BUILD / "bench/bench_load"
READY_SECONDS = 20

# name, load mode, count, concurrency, bytes each, unit, baseline
ROWS = [
    ("connect", "connect", 3000, 8, 0, "us", "copy"),
    ("deny", "deny", 3000, 8, 0, "us", None),
    ("round-trip", "rtt", 20000, 4, 0, "us", "copy"),
    ("http-get", "get", 20000, 4, 1024, "us", None),
    ("bulk-down-1", "down", 4, 1, 256 << 20, "s/GB", "splice"),
    ("bulk-down-64", "down", 128, 64, 8 << 20, "s/GB", "splice"),
    ("bulk-up-64", "up", 128, 64, 8 << 20, "s/GB", "splice"),
]
IDLE_TUNNELS = 2000


def cpu_seconds(pid):
    """CPU time of a live process, to the nanosecond, over all its threads."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def rss_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Server:
    """A process under test that listens on .port."""

    def __init__(self, process, port):
        self.process, self.port, self.pid = process, port, process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def relay(kind):
    process = subprocess.Popen([BUILD / "bench/bench_relay", kind],
                               stdout=subprocess.PIPE, text=True)
    return Server(process, int(process.stdout.readline()))


def proxy(directory, blob, workers=1):
    """Our proxy with one worker, its log going to a file."""
    config = Path(directory, "config.yaml")
    config.write_text("allow_missing_role: true\nip: 127.0.0.1\nport: 0\n"
                      "allow_ranges:\n- 127.0.0.0/8\n")
    log = Path(directory, "proxy.log")
    with open(log, "wb") as sink:
        process = subprocess.Popen(
            [BUILD / "smokescreen", "--config-file", config,
             "--listen-port", "0", "--egress-acl-file", blob,
             "--workers", str(workers)], stderr=sink)
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("msg") == "ready":
                address = record.get("address", record.get("listen", ""))
                port = record.get("port") or str(address).rsplit(":", 1)[-1]
                return Server(process, int(port))
        if process.poll() is not None:
            break
        time.sleep(0.002)
    sys.exit(f"the proxy did not start:\n{log.read_text()}")


def load(server, mode, count, concurrency, size):
    """CPU seconds that SERVER spent on the load."""
    before = cpu_seconds(server.pid)
    done = subprocess.run([LOAD, mode, str(server.port), str(count),
                           str(concurrency), str(size)],
                          stdout=subprocess.PIPE, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{mode}: {done.stdout}")
    time.sleep(0.05)
    return cpu_seconds(server.pid) - before


def per_unit(row, seconds):
    name, mode, count, concurrency, size, unit, base = row
    if unit == "s/GB":
        return seconds / (count * size / 1e9)
    return seconds / count * 1e6


def network_rows(directory, blob, results, chosen):
    for row in ROWS:
        if chosen and row[0] not in chosen:
            continue
        ours, base = [], []
        for _ in range(ROUNDS):
            if row[6]:
                with relay(row[6]) as server:
                    base.append(per_unit(row, load(server, *row[1:5])))
            with proxy(directory, blob) as server:
                ours.append(per_unit(row, load(server, *row[1:5])))
        median = statistics.median(ours)
        entry = {"unit": row[5], "ours": median, "all": ours}
        if base:
            entry["baseline"] = statistics.median(base)
            entry["ratio"] = median / entry["baseline"]
            entry["baseline_name"] = f"bare relay ({row[6]})"
        results[row[0]] = entry
        show(row[0], entry)


def idle_rows(directory, blob, results):
    with proxy(directory, blob) as server:
        time.sleep(0.2)
        empty = rss_bytes(server.pid)
        process = subprocess.Popen(
            [LOAD, "idle", str(server.port), str(IDLE_TUNNELS), "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        opened = json.loads(process.stdout.readline())["open"]
        full = rss_bytes(server.pid)
        process.stdin.close()
        process.wait()
    results["idle-rss"] = {"unit": "MiB", "ours": empty / 2**20}
    results["idle-tunnel"] = {"unit": "B", "ours": (full - empty) / opened}
    show("idle-rss", results["idle-rss"])
    show("idle-tunnel", results["idle-tunnel"])


def random_globs(count, seed):
    pick = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    ends = ["com", "net", "org", "io", "co.uk", "de"]
    seen = set()
    while len(seen) < count:
        name = "".join(pick.choices(letters, k=pick.randint(5, 13)))
        glob = f"{name}.{pick.choice(ends)}"
        if pick.random() < 0.3:
            glob = f"{pick.choice(['api', 'www', 'cdn', 'eu'])}.{glob}"
        if pick.random() < 0.4:
            glob = f"*.{glob}"
        seen.add(glob)
    return sorted(seen)


def write_acl(path, globs):
    with open(path, "w") as out:
        out.write("version: v1\nservices: []\ndefault:\n  project: bench\n"
                  "  action: enforce\n  allowed_domains:\n")
        for glob in globs:
            out.write(f"  - '{glob}'\n")


def write_roles(path, roles, each):
    """ROLES services that take EACH globs from a shared pool, few of them
    popular and most of them rare, as real fleets do (Zipf)."""
    pool = random_globs(100_000, 7)
    pick = random.Random(8)
    weights, total = [], 0.0
    for rank in range(1, len(pool) + 1):
        total += 1 / rank
        weights.append(total)
    with open(path, "w") as out:
        out.write("version: v1\nservices:\n")
        for role in range(roles):
            out.write(f"- name: role-{role}\n  project: bench\n"
                      "  action: enforce\n  allowed_domains:\n")
            for glob in set(pick.choices(pool, cum_weights=weights, k=each)):
                out.write(f"  - '{glob}'\n")
        out.write("default:\n  project: bench\n  action: enforce\n")


def write_ranges(path, count):
    """COUNT IPv4 and COUNT IPv6 prefixes, a fifth of them allowed, in a
    proxy's configuration; they overlap."""
    pick = random.Random(9)
    lists = {"deny_ranges": [], "allow_ranges": []}
    for _ in range(count):
        for v6 in (False, True):
            action = "allow_ranges" if pick.random() < 0.2 else "deny_ranges"
            if v6:
                low = pick.getrandbits(45)
                lists[action].append(
                    f"{0x2000 | low >> 32:x}:{low >> 16 & 0xffff:x}:"
                    f"{low & 0xffff:x}::/{pick.choice((32, 40, 44, 48))}")
            else:
                low = pick.getrandbits(32)
                octets = ".".join(str(low >> s & 255) for s in (24, 16, 8, 0))
                lists[action].append(
                    f"{octets}/{pick.choice((16, 20, 22, 24, 32))}")
    with open(path, "w") as out:
        for key, values in lists.items():
            out.write(f"{key}:\n")
            for value in values:
                out.write(f"- '{value}'\n")


def compile_row(acl, blob, results, key, rounds, *options):
    """CPU time and peak memory of one compilation."""
    seconds, peak = [], []
    for _ in range(rounds):
        pid = os.spawnv(os.P_NOWAIT, BUILD / "smokescreenc",
                        ["smokescreenc", "--quiet", *map(str, options), "-o",
                         str(blob), str(acl)])
        _, status, usage = os.wait4(pid, 0)
        if status != 0:
            sys.exit("smokescreenc failed")
        seconds.append(usage.ru_utime + usage.ru_stime)
        peak.append(usage.ru_maxrss / 1024)
    for name, unit, value in (
            ("compile", "ms", statistics.median(seconds) * 1e3),
            ("compile-peak", "MiB", statistics.median(peak)),
            ("source", "MB", acl.stat().st_size / 1e6),
            ("blob", "MB", blob.stat().st_size / 1e6)):
        results[f"{name}-{key}"] = {"unit": unit, "ours": value}
        show(f"{name}-{key}", results[f"{name}-{key}"])


def compile_rows(directory, results):
    """Compile time, memory and size, start-up time, at growing sizes."""
    acl, blob = Path(directory, "big.yaml"), Path(directory, "big.blob")
    for count in (10, 10_000, 100_000, 1_000_000):
        write_acl(acl, random_globs(count, count))
        compile_row(acl, blob, results, f"{count}-globs",
                    ROUNDS if count < 1_000_000 else 3)
        ready = []
        for _ in range(3):
            start = time.monotonic()
            with proxy(directory, blob):
                ready.append(time.monotonic() - start)
        entry = {"unit": "ms", "ours": statistics.median(ready) * 1e3}
        results[f"start-up-{count}-globs"] = entry
        show(f"start-up-{count}-globs", entry)
    for roles in (1_000, 10_000):
        write_roles(acl, roles, 100)
        compile_row(acl, blob, results, f"{roles}x100", 3)
    write_acl(acl, ["example.com"])
    config = Path(directory, "ranges.yaml")
    for count in (50_000, 500_000):
        write_ranges(config, count)
        compile_row(acl, blob, results, f"2x{count}-ranges", 3,
                    "--config-file", config)


def inner_rows(results):
    for program in sorted(BUILD.glob("bench/bench_*")):
        if program.suffix or program.name in ("bench_relay", "bench_load"):
            continue
        done = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                              timeout=600)
        if done.returncode != 0:
            sys.exit(f"{program.name} failed")
        results[program.name] = json.loads(done.stdout)
        print(f"{program.name}:\n{done.stdout}")


def show(name, entry):
    ratio = f"{entry['ratio']:6.2f} x {entry['baseline_name']}" \
        if "ratio" in entry else ""
    print(f"{name:28} {entry['ours']:12.2f} {entry['unit']:8} {ratio}",
          flush=True)


def main():
    chosen = set(sys.argv[1:])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        acl, blob = Path(directory, "acl.yaml"), Path(directory, "acl.blob")
        write_acl(acl, ["127.0.0.1", "example.com", "*.example.net"])
        subprocess.run([BUILD / "smokescreenc", "--quiet", "-o", blob, acl],
                       check=True)
        network_rows(directory, blob, results, chosen)
        if not chosen or "idle" in chosen:
            idle_rows(directory, blob, results)
        if not chosen or "compile" in chosen:
            compile_rows(directory, results)
        if not chosen or "inner" in chosen:
            inner_rows(results)
    out = BUILD / "bench/bench.json"
    out.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
