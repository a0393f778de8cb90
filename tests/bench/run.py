#!/usr/bin/env python3
"""Measure, and say it as ratios to a baseline taken in the same run.

Every row alternates baseline, ours and perhaps a peer ROUNDS times and reports
medians of CPU time per unit of the process under test: wall time is not used
but for latencies, since machines are noisy.  Prints a table, writes
BUILD/bench/bench.json, bench.md and plots.  docs/PERFORMANCE.md explains all.

usage: run.py [GROUP|ROW]...       only these, kept beside earlier results
environment: ROUNDS=5  PEER=PROGRAM or 127.0.0.1:PORT  QUICK=1  MINUTES=15
BUILD=build
"""

import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import costs
import inner
import report
import rows
import scale
from systems import BUILD, ROOT, Bench, fail, go_version, runs_already

QUICK = os.environ.get("QUICK", "") not in ("", "0")
OUT = BUILD / ("bench/quick" if QUICK else "bench")
ROUNDS = int(os.environ.get("ROUNDS") or ("1" if QUICK else "5"))
SCALE = 0.05 if QUICK else 1.0
SIZES = [size for size in scale.SIZES if not QUICK or size <= 1_000]
TUNNELS = [200, 400] if QUICK else scale.TUNNELS
WORKERS = [1, 2] if QUICK else scale.WORKERS
POLICIES = ["10", "1k", "10x100"] if QUICK else \
    [*inner.GLOB_POLICIES, *inner.ROLE_POLICIES]
MOST_COMPILED = 1_000 if QUICK else 1_000_000
# On a machine that is busy with other things all takes longer; then what comes
# late has fewer rounds, and the whole an end.
MINUTES = float(os.environ.get("MINUTES") or 15)
START = time.monotonic()
# What a group beyond the rows of rows.py runs.
GROUPS = ["policy", "tunnels", "workers", "decide", "compile", "costs"]


def first_line(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if lines else ""


def machine():
    cpu = re.search(r"model name\s*: (.*)",
                    Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return {"processor": cpu.group(1) if cpu else platform.machine(),
            "processors": len(os.sched_getaffinity(0)),
            "memory_gib": round(int(memory.group(1)) / 2**20, 1),
            "system": f"{release}, Linux {platform.release()}",
            "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1]}


def revision():
    """Of the source; a page that was just written does not count."""
    at = first_line(["git", "-C", ROOT, "log", "-1", "--format=%h"])
    changed = first_line(["git", "-C", ROOT, "status", "--porcelain", "--",
                          ":!docs"])
    return at + ("-dirty" if changed else "")


def peer_text(peer):
    if not peer or not os.path.isfile(peer):
        return peer or ""
    go = go_version(peer)
    return first_line([peer, "--version"]) + (f", built by {go}" if go else "")


def is_wanted(chosen, *names):
    return not chosen or any(name in chosen for name in names)


def rounds():
    """How many there are still time for."""
    spent = (time.monotonic() - START) / 60 / MINUTES
    return ROUNDS if spent < 0.6 else min(ROUNDS, 3) if spent < 0.9 else 1


def measure(bench, results, chosen):
    """Everything that CHOSEN names; prints and keeps each row as it is done."""
    def show(names):
        for name in names:
            results.rows[name]["measured"] = time.strftime("%F")
            print(report.line(name, results.rows[name]), flush=True)
        write(results, bench.peer)
    for row in rows.ROWS:
        if is_wanted(chosen, row.group, row.name):
            show(rows.run_row(bench, row, results, rounds(), SCALE))
    for row in rows.IDLE_ROWS:
        if is_wanted(chosen, "memory", row.name):
            show(rows.run_idle_row(bench, row, results, min(rounds(), 3),
                                   SCALE))
    if is_wanted(chosen, "policy"):
        show(scale.deny_rows(bench, results, rounds(), SCALE, SIZES))
    if is_wanted(chosen, "tunnels"):
        show(scale.tunnel_rows(bench, results, rounds(), SCALE, TUNNELS))
    if is_wanted(chosen, "workers"):
        show(scale.worker_rows(bench, results, rounds(), SCALE, WORKERS))
    if is_wanted(chosen, "decide"):
        show(inner.decide_rows(results, POLICIES))
        if not QUICK:
            show(inner.range_rows(results))
    if is_wanted(chosen, "compile"):
        show(inner.compile_rows(bench, results, rounds(), SIZES, MOST_COMPILED))
    if is_wanted(chosen, "costs") and not QUICK:
        costs.cost_rows(bench, results)


def write(results, peer):
    """bench.json, the tables, the plots."""
    OUT.mkdir(parents=True, exist_ok=True)
    told = {"date": time.strftime("%F"), "rounds": ROUNDS, "quick": QUICK,
            "revision": revision(),
            "machine": machine(), "peer": peer_text(peer),
            "rows": results.rows, "costs": results.costs}
    (OUT / "bench.json").write_text(json.dumps(told, indent=1) + "\n")
    (OUT / "bench.md").write_text(report.tables(results.rows) + "\n")
    for name, svg in report.plots(results.rows).items():
        (OUT / name).write_text(svg)


def main():
    chosen = set(sys.argv[1:])
    known = {row.name for row in rows.ROWS + rows.IDLE_ROWS} | \
        {row.group for row in rows.ROWS} | {"memory", *GROUPS}
    if chosen - known:
        fail(f"no such row: {', '.join(sorted(chosen - known))}\n"
             f"there are: {', '.join(sorted(known))}")
    peer = os.environ.get("PEER", "")
    if peer and not runs_already(peer) and not os.access(peer, os.X_OK):
        fail(f"PEER={peer} is neither a program nor 127.0.0.1:PORT")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    results = rows.Results()
    earlier = OUT / "bench.json"
    if chosen and earlier.exists():
        told = json.loads(earlier.read_text())
        if told.get("machine") == machine():
            results = rows.Results(told["rows"], told["costs"])
    with tempfile.TemporaryDirectory() as directory:
        measure(Bench(directory, peer), results, chosen)
    write(results, peer)
    print(f"written: {OUT}/bench.json, bench.md and plots")
    print(f"{time.monotonic() - START:.0f} s")


if __name__ == "__main__":
    main()
