"""What one unit of work costs in system calls and in instructions of our own:
the difference between two loads of different length, so that neither start-up
nor shutdown counts.  strace counts the calls, callgrind the instructions."""

import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

from inputs import Policy
from rows import ROWS
from systems import Load, Unavailable

COSTED = ["connect", "deny", "round-trip", "http-get"]
SHORT, LONG = 100, 1100
END_SECONDS = 30


def stop(server, ready):
    """End SERVER as init would, and wait until READY() says that the tool it
    runs under has written its figures."""
    os.kill(server.process.pid, signal.SIGTERM)
    end = time.monotonic() + END_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None and ready():
            return
        time.sleep(0.02)
    raise Unavailable("it does not end when it is asked to")


def strace(bench, row, system, count):
    """System calls by name of COUNT units, and of all that surrounds them."""
    with tempfile.NamedTemporaryFile() as told:
        path = Path(told.name)
        # -D: the tracer is the grandchild, and the program has our pid
        tool = ["strace", "-D", "-f", "-c", "-U", "calls,name", "-o", path]
        with bench.start(system, Policy(bench.directory),
                         under=tool) as server:
            with Load(server, row.mode, **row.options) as load:
                load.run(count)
                time.sleep(0.1)
            stop(server, lambda: "total" in path.read_text())
        calls = {}
        for line in path.read_text().splitlines():
            found = re.match(r"\s*(\d+) +(\w+)$", line)
            if found and found.group(2) != "total":
                calls[found.group(2)] = int(found.group(1))
        return calls


def callgrind(bench, row, system, count):
    """Instructions in user mode, libraries included."""
    with tempfile.NamedTemporaryFile(mode="r") as told:
        tool = ["valgrind", "--tool=callgrind", f"--log-file={told.name}",
                "--callgrind-out-file=/dev/null"]
        with bench.start(system, Policy(bench.directory),
                         under=tool) as server:
            with Load(server, row.mode, **row.options) as load:
                load.run(count)
                time.sleep(0.1)
            stop(server, lambda: "Collected" in Path(told.name).read_text())
        return int(re.search(r"Collected : (\d+)",
                             Path(told.name).read_text()).group(1))


def cost_rows(bench, results):
    """Into results.costs: row -> system -> calls, by name, and instructions."""
    missing = [tool for tool in ("strace", "valgrind")
               if not shutil.which(tool)]
    if missing:
        print(f"costs: n/a, there is no {' and no '.join(missing)}")
        return
    results.costs.clear()
    for row in ROWS:
        if row.name not in COSTED:
            continue
        results.costs[row.name] = {}
        for system in [row.base, "ours", *bench.peers(started=True)[:1]]:
            cost = {}
            try:
                few = strace(bench, row, system, SHORT)
                many = strace(bench, row, system, LONG)
                cost["by_name"] = {
                    name: round((calls - few.get(name, 0)) / (LONG - SHORT), 2)
                    for name, calls in sorted(many.items())
                    if (calls - few.get(name, 0)) / (LONG - SHORT) >= 0.05}
                cost["calls"] = round(sum(cost["by_name"].values()), 1)
                if system != "peer":
                    cost["instructions"] = round(
                        (callgrind(bench, row, system, LONG) -
                         callgrind(bench, row, system, SHORT)) /
                        (LONG - SHORT))
            except Unavailable as why:
                cost["note"] = str(why)
            results.costs[row.name][system] = cost
            show(row, system, cost)


def show(row, system, cost):
    names = ", ".join(f"{n} {c:g}" for n, c in
                      sorted(cost.get("by_name", {}).items(),
                             key=lambda item: -item[1]))
    print(f"{row.name:14} {system:7} {cost.get('calls', 'n/a'):>6} calls "
          f"{cost.get('instructions', 'n/a'):>8} instructions  "
          f"{names}{cost.get('note', '')}", flush=True)
