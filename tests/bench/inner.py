"""What is measured without a network: decisions and addresses by programs that
time themselves, and the compiler."""

import json
import subprocess
import sys
from pathlib import Path

from inputs import Policy, write_acl, write_ranges, write_roles
from scale import counted
from systems import BUILD, fail

ROLES = [1_000, 10_000]
RANGES = [50_000, 500_000]
# Of bench_decide: one role with so many globs; so many roles with 100 each.
GLOB_POLICIES = {"10": 10, "100": 100, "1k": 1_000, "10k": 10_000,
                 "100k": 100_000, "1M": 1_000_000}
ROLE_POLICIES = {"10x100": 10, "100x100": 100, "1kx100": 1_000,
                 "10kx100": 10_000}
WAYS = ["hot", "random", "cold"]
# Of what is cold, at most so many accesses to memory one after the other.
MOST_MISSES = {"hit": 2.5, "absent": 1.0}


def run_program(name, *arguments):
    done = subprocess.run([BUILD / f"bench/{name}", *arguments],
                          stdout=subprocess.PIPE, text=True, timeout=600)
    if done.returncode != 0:
        fail(f"{name} failed")
    return json.loads(done.stdout)


def decide_rows(results, policies):
    """The decision by the size of the policy; each figure is a median that
    bench_decide took.  The baseline is a scan of the list in the same run; of
    what is cold, one access to memory that waits for another."""
    names = []
    results.drop("decide")
    for figures in run_program("bench_decide", *policies):
        policy = figures["policy"]
        roles = policy in ROLE_POLICIES
        x = ROLE_POLICIES[policy] if roles else GLOB_POLICIES.get(policy, 0)
        for kind in ("hit", "absent"):
            for way in WAYS:
                name = f"decide-{kind}-{way}-{policy}"
                base = "miss" if way == "cold" else "scan"
                about = {"group": "decide", "unit": "ns", "base": base,
                         "x": x, "of": "roles" if roles else "globs", "title":
                         f"decision, {kind}, {way}, {policy} "
                         f"{'' if roles else 'globs'}".rstrip()}
                if way == "cold" and policy == "1M":
                    about["targets"] = {"miss": MOST_MISSES[kind]}
                results.add(name, "ours", figures[f"{kind}_{way}_ns"], **about)
                if way == "cold":
                    results.add(name, "miss", figures["cold_miss_ns"])
                elif not roles and policy in GLOB_POLICIES:
                    results.add(name, "scan", figures[f"{kind}_scan_ns"])
                names.append(name)
    for way in WAYS:
        small = results.median(f"decide-hit-{way}-10")
        large = results.median(f"decide-hit-{way}-1M")
        name = f"decide-growth-{way}"
        if small and large:
            results.add(name, "ours", large / small, group="decide", unit="x",
                        base=None, bound=3 if way == "hot" else None,
                        title=f"decision, hit, {way}: 1M over 10 globs")
            names.append(name)
    return names


# A process is charged with the peak of what it was before exec(2), and so a
# small one stands between us and the compiler.
TIMED = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""
LEAST_PEAK_MIB = 16  # what is below may be the small process's own


def compile_once(results, name, title, acl, blob, rounds, *options):
    """CPU time and peak memory of compiling ACL."""
    about = {"group": "compile", "base": None}
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-S", "-c", TIMED, BUILD / "smokescreenc",
             "--quiet", *options, "-o", blob, acl],
            stdout=subprocess.PIPE, text=True, timeout=600)
        status, seconds, kib = map(float, done.stdout.split())
        if status != 0:
            fail("smokescreenc failed")
        results.add(f"compile-{name}", "ours", seconds * 1e3, unit="ms",
                    title=f"compile {title}, CPU", **about)
        if kib / 1024 > LEAST_PEAK_MIB:
            results.add(f"compile-{name}-peak", "ours", kib / 1024, unit="MiB",
                        title=f"compile {title}, peak memory", **about)
    results.add(f"blob-{name}", "ours", blob.stat().st_size / 1e3, unit="kB",
                title=f"blob of {title}", **about)
    return [each for each in (f"compile-{name}", f"compile-{name}-peak",
                              f"blob-{name}") if each in results.rows]


def compile_rows(bench, results, rounds, sizes, most):
    """Globs, roles and prefixes, up to MOST of them."""
    names = []
    results.drop("compile")
    acl = Path(bench.directory, "compiled.yaml")
    blob = Path(bench.directory, "compiled.blob")
    for size in sizes:
        names += compile_once(results, f"{counted(size)}-globs",
                              f"{counted(size)} globs",
                              Policy(bench.directory, size).yaml, blob,
                              rounds if size < 1_000_000 else min(rounds, 3))
    for roles in ROLES:
        if roles * 100 <= most:
            write_roles(acl, roles, 100)
            names += compile_once(results, f"{counted(roles)}x100",
                                  f"{counted(roles)} roles of 100 globs", acl,
                                  blob, min(rounds, 3))
    write_acl(acl, ["example.com"])
    config = Path(bench.directory, "ranges.yaml")
    for count in RANGES:
        if 2 * count <= most:
            write_ranges(config, count)
            names += compile_once(results, f"2x{counted(count)}-ranges",
                                  f"2 x {counted(count)} prefixes", acl, blob,
                                  min(rounds, 3), "--config-file", config)
    return names


def range_rows(results):
    """bench_ranges: the latency of one lookup; the baseline is a branchless
    binary search of the sorted prefixes."""
    names = []
    for key, figures in run_program("bench_ranges").items():
        if "latency_ns" not in figures:
            continue
        family, count = key.split("_")
        name = f"address-{family}-{counted(int(count))}"
        about = {"group": "decide", "unit": "ns", "base": "bsearch",
                 "title": f"address judged, {family}, {int(count):,} prefixes"}
        results.add(name, "ours", figures["latency_ns"], **about)
        results.add(name, "bsearch", figures["bsearch_ns"])
        names.append(name)
    return names
