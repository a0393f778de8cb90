"""How costs grow: with the policy, with tunnels open, with workers.  Every
system is started once for a size and then measured in turn."""

import contextlib
import os
import resource
import time
from pathlib import Path

from inputs import Policy
from systems import (OUR_OWN, Load, Unavailable, cpu_seconds, fail,
                     thread_seconds)

SIZES = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
START_MS = 100  # at most, with the largest policy
TUNNELS = [200, 1_000, 5_000, 20_000]
ACTIVE = 200  # at 20,000 tunnels 1 %
WORKERS = [1, 2, 4, 8]
TWO_WORKERS = 1.8  # of one's rate at least
# Of a process, beside two a tunnel: what closes late on a busy machine.
DESCRIPTORS = 2000


def counted(n):
    """1000000 as people write it."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if n >= unit and n % unit == 0:
            return f"{n // unit}{letter}"
    return str(n)


def measure_all(results, name, about, loads, rounds, counts):
    """Alternate between LOADS that are set up, a dict by system; microseconds
    a unit."""
    systems = list(loads)
    for turn in range(rounds + 1):
        for system in list(systems):
            try:
                if turn == 0:
                    loads[system].run(max(1, counts[system] // 10))
                    continue
                spent = loads[system].cpu(counts[system])
            except Unavailable as why:
                if system in OUR_OWN:
                    fail(f"{name}, {system}: {why}")
                systems.remove(system)
                results.note(name, system, str(why), **about)
                continue
            results.add(name, system, spent / counts[system] * 1e6, **about)


# --- policies -----------------------------------------------------------------

def deny_rows(bench, results, rounds, scale, sizes):
    """Denied CONNECTs, and what starting takes, by the size of the policy."""
    names = []
    results.drop("policy")
    for size in sizes:
        name, start = f"deny-{counted(size)}", f"start-up-{counted(size)}"
        names += [name, start]
        policy = Policy(bench.directory, size)
        about = {"group": "policy", "unit": "us", "base": None, "x": size,
                 "title": f"CONNECT, denied, {counted(size)} globs"}
        systems = ["ours"] + bench.peers(started=True)[:1]
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
                                unit="ms", base=None, x=size,
                                bound=START_MS if size == SIZES[-1] else None,
                                title=f"start-up, CPU, {counted(size)} globs")
            measure_all(results, name, about, loads, rounds, counts)
    return names


# --- tunnels ------------------------------------------------------------------

def levels(wanted):
    """Those of WANTED that the limit on descriptors lets us open; the largest
    that it does in place of those beyond."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(0, (soft - DESCRIPTORS) // 2 // 100 * 100)
    return sorted({min(level, most) for level in wanted})


# What is done beside the quiet tunnels: name -> mode, options, count, title.
# The first are in tunnels of their own.
BESIDE = {
    "round-trip": ("rtt", {"active": ACTIVE}, 10000,
                   "64 bytes there and back"),
    "connect": ("connect", {"active": 8}, 2000, "CONNECT"),
    "deny": ("deny", {"active": 8}, 2000, "CONNECT, denied"),
    "http-get": ("get", {"active": 4, "bytes": 1024}, 4000,
                 "plain GET of 1 KiB"),
}
MOST_GROWTH = 1.3


def open_loads(stack, servers, level, kind):
    """System -> Load of KIND, for those of SERVERS that serve it, the rest of
    which are dropped.  The first kind brings the tunnels."""
    mode, options, _, _ = BESIDE[kind]
    if kind == "round-trip":
        options = dict(options, idle=level - ACTIVE)
    loads = {}
    for system, server in list(servers.items()):
        try:
            loads[system] = stack.enter_context(Load(server, mode, **options))
        except Unavailable as why:
            if system in OUR_OWN:
                fail(f"{kind}, {level} tunnels, {system}: {why}")
            del servers[system]
    return loads


def growth_rows(bench, results, rounds, scale, few, many):
    """What MANY tunnels beside it make of the cost of each kind of work, over
    FEW: of two proxies, measured in turn."""
    names = []
    with contextlib.ExitStack() as stack:
        servers = {level: stack.enter_context(bench.start(
            "ours", Policy(bench.directory))) for level in (few, many)}
        for kind, (_, _, count, title) in BESIDE.items():
            loads = [open_loads(stack, {"ours": server}, level, kind)["ours"]
                     for level, server in servers.items()]
            count = max(20, int(count * scale))
            for turn in range(rounds + 1):
                spent = [load.cpu(count) for load in loads]
                if turn > 0:  # the first one warms up
                    results.add(f"{kind}-growth", "ours", spent[1] / spent[0],
                                group="tunnels", unit="x", base=None,
                                bound=MOST_GROWTH, title=f"{title}, {many:,} "
                                f"tunnels open over {few:,}")
            names.append(f"{kind}-growth")
    return names


def tunnel_rows(bench, results, rounds, scale, wanted):
    """Round trips in ACTIVE tunnels, and what else there is to do, beside
    others that are quiet."""
    names = []
    results.drop("tunnels")
    for level in levels(wanted):
        with contextlib.ExitStack() as stack:
            servers = {system: stack.enter_context(bench.start(
                system, Policy(bench.directory)))
                for system in ["relay", "ours"] + bench.peers()[:1]}
            for kind, (_, _, count, title) in BESIDE.items():
                # only now: connections that wait long for a request are closed
                loads = open_loads(stack, servers, level, kind)
                names.append(f"{kind}-{level}-open")
                measure_all(results, names[-1],
                            {"group": "tunnels", "unit": "us", "base": "relay",
                             "x": level,
                             "title": f"{title}, {level:,} tunnels open"},
                            loads, rounds, dict.fromkeys(
                                loads, max(20, int(count * scale))))
    few, many = min(levels(wanted)), max(levels(wanted))
    if few < many:
        names += growth_rows(bench, results, rounds, scale, few, many)
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


def measure_workers(bench, workers, count):
    """CPU seconds of all threads, of the busiest, and how long it took."""
    with bench.start("ours", Policy(bench.directory),
                     workers=workers) as server, \
            Load(server, "connect", active=16 * workers) as load:
        pid = server.process.pid
        load.run(max(1, count // 10))
        server.settled_cpu()
        before, whole = thread_seconds(pid), cpu_seconds(pid)
        told = load.run(count)
        server.settled_cpu()
        after, whole = thread_seconds(pid), cpu_seconds(pid) - whole
    return whole, max(after[t] - before.get(t, 0) for t in after), \
        told["seconds"]


def worker_rows(bench, results, rounds, scale, wanted):
    """CONNECTs by several workers: all their CPU time, that of the busiest,
    and, where there are processors for it, how many a second.  The baseline is
    one worker."""
    count = max(64, int(4000 * scale))
    free = max(0, len(os.sched_getaffinity(0)) - busy_processors())
    kinds = {"": ("us", "CONNECT, {}, all CPU"),
             "-busiest": ("us", "CONNECT, {}, CPU of the busiest"),
             "-rate": ("/s", "CONNECTs a second, {}")}

    def about(workers, kind):
        unit, title = kinds[kind]
        return {"group": "workers", "base": "one" if workers > 1 else None,
                "targets": {"one": TWO_WORKERS} if (workers, kind) ==
                (2, "-rate") else None, "x": workers, "unit": unit, "title":
                title.format("1 worker" if workers == 1 else
                             f"{workers} workers")}
    names = [f"connect-{workers}-workers{kind}" for workers in wanted
             for kind in kinds]
    results.drop("workers")
    for _ in range(rounds):
        for workers in wanted:
            whole, most, seconds = measure_workers(bench, workers, count)
            values = {"": whole / count * 1e6, "-busiest": most / count * 1e6}
            if free > 2 * workers - 0.5:  # the load needs as many
                values["-rate"] = count / seconds
            for kind, value in values.items():
                results.add(f"connect-{workers}-workers{kind}", "ours", value,
                            **about(workers, kind))
    for workers in wanted:
        for kind in kinds:
            name = f"connect-{workers}-workers{kind}"
            one = results.median(f"connect-{wanted[0]}-workers{kind}")
            if name not in results.rows:
                results.note(name, "ours", f"{free:.1f} processors are free, "
                             f"and {2 * workers} are needed, half of them for "
                             "the load", **about(workers, kind))
            elif workers > 1 and one:
                results.add(name, "one", one)
    return names
