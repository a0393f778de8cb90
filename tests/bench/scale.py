"""How costs grow: with the policy, with tunnels open, with workers.  Every
system is started once for a size and then measured in turn."""

import contextlib
import os
import resource
import time
from pathlib import Path

from inputs import Policy
from systems import Load, Unavailable, cpu_seconds, fail, thread_seconds

SIZES = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
TUNNELS = [200, 1_000, 5_000, 20_000]
ACTIVE = 200  # at 20,000 tunnels 1 %
WORKERS = [1, 2, 4, 8]
DESCRIPTORS = 400  # of a process, beside two a tunnel


def counted(n):
    """1000000 as people write it."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if n >= unit and n % unit == 0:
            return f"{n // unit}{letter}"
    return str(n)


def measure_all(bench, results, name, about, systems, loads, rounds, counts):
    """Alternate between loads that are set up; microseconds a unit."""
    for system in systems:
        loads[system].run(max(1, counts[system] // 10))
    for _ in range(rounds):
        for system in systems:
            spent = loads[system].cpu(counts[system])
            results.add(name, system, spent / counts[system] * 1e6, **about)


# --- policies -----------------------------------------------------------------

def deny_rows(bench, results, rounds, scale, sizes):
    """Denied CONNECTs, and what starting takes, by the size of the policy."""
    names = []
    for size in sizes:
        name, start = f"deny-{counted(size)}", f"start-up-{counted(size)}"
        names += [name, start]
        for each in (name, start):
            results.rows.pop(each, None)
        policy = Policy(bench.directory, size)
        about = {"group": "policy", "unit": "us", "base": None, "target": None,
                 "title": f"CONNECT, denied, {counted(size)} globs",
                 "x": size}
        systems = ["ours"] + [s for s in bench.peers() if s == "peer"]
        counts = {"ours": max(20, int(3000 * scale)),
                  # whose cost grows with the list: a second or so each
                  "peer": max(1, int(3000 * scale) * 20 // (20 + size))}
        with contextlib.ExitStack() as stack:
            loads = {}
            for system in systems:
                for _ in range(rounds if system == "ours" else 1):
                    server = bench.start(system, policy)
                    spent = server.cpu()
                    if system not in loads:
                        stack.enter_context(server)
                        loads[system] = stack.enter_context(Load(
                            server, "deny",
                            active=1 if counts[system] < 8 else 8))
                    else:
                        server.__exit__()
                    results.add(start, system, spent * 1e3, group="policy",
                                unit="ms", base=None, target=None, x=size,
                                title=f"start-up, CPU, {counted(size)} globs")
            measure_all(bench, results, name, about, systems, loads, rounds,
                        counts)
    return names


# --- tunnels ------------------------------------------------------------------

def levels(wanted):
    """Those of WANTED that the limit on descriptors lets us open; the largest
    that it does in place of those beyond."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(0, (soft - DESCRIPTORS) // 2 // 100 * 100)
    return sorted({min(level, most) for level in wanted})


def tunnel_rows(bench, results, rounds, scale, wanted):
    """Round trips in ACTIVE tunnels, and CONNECTs, beside others that are
    quiet."""
    names = []
    for level in levels(wanted):
        trip, connect = f"round-trip-{level}-open", f"connect-{level}-open"
        names += [trip, connect]
        for each in (trip, connect):
            results.rows.pop(each, None)
        with contextlib.ExitStack() as stack:
            trips, connects = {}, {}
            systems = ["relay", "ours"] + bench.peers()[:1]
            for system in list(systems):
                server = stack.enter_context(
                    bench.start(system, Policy(bench.directory)))
                try:
                    trips[system] = stack.enter_context(Load(
                        server, "rtt", active=ACTIVE,
                        idle=level - ACTIVE))
                    connects[system] = stack.enter_context(Load(
                        server, "connect", active=8))
                except Unavailable as why:
                    if system in ("ours", "relay"):
                        fail(f"{trip}, {system}: {why}")
                    systems.remove(system)
                    results.note(trip, system, str(why))
            for name, loads, count, title in (
                    (trip, trips, 10000, "64 bytes there and back"),
                    (connect, connects, 2000, "CONNECT")):
                about = {"group": "tunnels", "unit": "us", "base": "relay",
                         "target": None, "x": level,
                         "title": f"{title}, {level:,} tunnels open"}
                counts = dict.fromkeys(systems, max(20, int(count * scale)))
                measure_all(bench, results, name, about, systems, loads,
                            rounds, counts)
    return names


# --- workers ------------------------------------------------------------------

def busy_processors():
    """How many processors others are using just now."""
    def sample():
        field = list(map(int, Path("/proc/stat").read_text()
                         .splitlines()[0].split()[1:9]))
        return sum(field) - field[3] - field[4]
    before = sample()
    time.sleep(1)
    return (sample() - before) / os.sysconf("SC_CLK_TCK")


def worker_rows(bench, results, rounds, scale, wanted):
    """CONNECTs by several workers: all their CPU time, that of the busiest,
    and, where there are processors for it, how many a second."""
    count = max(64, int(4000 * scale))
    names = []
    processors = len(os.sched_getaffinity(0))
    busy = busy_processors()
    free = processors - busy
    for workers in wanted:
        name, busiest, rate = (f"connect-{workers}-workers",
                               f"connect-{workers}-workers-busiest",
                               f"connect-{workers}-workers-rate")
        names += [name, busiest, rate]
        for each in (name, busiest, rate):
            results.rows.pop(each, None)
        plural = "worker" if workers == 1 else "workers"
        about = {"group": "workers", "base": None, "target": None,
                 "x": workers}
        enough = free > 2 * workers - 0.5  # the load needs as many
        if not enough:
            results.note(
                rate, "ours", f"{free:.1f} processors are free and "
                f"{2 * workers} are needed, half of them for the load",
                unit="/s", title=f"CONNECTs a second, {workers} {plural}",
                **about)
        for _ in range(rounds):
            with bench.start("ours", Policy(bench.directory),
                             workers=workers) as server, \
                    Load(server, "connect", active=16 * workers) as load:
                load.run(count // 10)
                before = thread_seconds(server.process.pid)
                whole = cpu_seconds(server.process.pid)
                told = load.run(count)
                server.settled_cpu()
                after = thread_seconds(server.process.pid)
                whole = cpu_seconds(server.process.pid) - whole
            most = max(after[t] - before.get(t, 0) for t in after)
            results.add(name, "ours", whole / count * 1e6, unit="us",
                        title=f"CONNECT, {workers} {plural}, all CPU", **about)
            results.add(busiest, "ours", most / count * 1e6, unit="us",
                        title=f"CONNECT, {workers} {plural}, the busiest",
                        **about)
            if enough:
                results.add(rate, "ours", count / told["seconds"], unit="/s",
                            title=f"CONNECTs a second, {workers} {plural}",
                            **about)
    return names
