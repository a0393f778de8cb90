"""The rows: each a kind of work, measured for every system in turn, ROUNDS
times over, so that what else the machine does meets all of them alike."""

import statistics
from collections import namedtuple

from inputs import Pki, Policy
from systems import OUR_OWN, Load, Unavailable, fail

# What a row is: BASE is the system of our own beside it; TARGETS says the most
# that ours may be of what another system takes.
Row = namedtuple("Row", "group name title mode count options unit base targets "
                        "pki", defaults=(None, None, None))
MB = 1 << 20
US, GB = "us", "s/GB"
GCM = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"

ROWS = [
    Row("network", "connect", "CONNECT, set up and torn down", "connect", 3000,
        {"active": 8}, US, "relay", {"relay": 1.15, "peer": 1 / 4}),
    Row("network", "deny", "CONNECT, denied", "deny", 3000, {"active": 8}, US,
        "relay", {"peer": 1 / 4.5}),
    Row("network", "round-trip", "64 bytes there and back in a tunnel", "rtt",
        20000, {"active": 4}, US, "relay", {"relay": 1.1}),
    Row("network", "http-get", "plain GET of 1 KiB, kept connection", "get",
        10000, {"active": 4, "bytes": 1024}, US, "relay", {"peer": 1 / 7}),
    Row("network", "bulk-down-1", "download, 1 stream", "down", 4,
        {"active": 1, "bytes": 256 * MB}, GB, "splice", {"splice": 1.15}),
    Row("network", "bulk-down-64", "download, 64 streams", "down", 128,
        {"active": 64, "bytes": 8 * MB}, GB, "splice",
        {"splice": 1.1, "peer": 1 / 2}),
    Row("network", "bulk-up-64", "upload, 64 streams", "up", 128,
        {"active": 64, "bytes": 8 * MB}, GB, "splice",
        {"splice": 1.1, "peer": 1 / 2}),
    Row("tls", "mtls-ecdsa", "mTLS CONNECT, full handshake, P-256", "connect",
        1000, {"active": 8}, US, "stock", {"peer": 1.0}, "ec"),
    Row("tls", "mtls-rsa", "mTLS CONNECT, full handshake, RSA-2048", "connect",
        600, {"active": 8}, US, "stock", {"peer": 1.2}, "rsa"),
    Row("tls", "mtls-resumed", "mTLS CONNECT, resumed", "connect", 2000,
        {"active": 8, "resume": 1}, US, "stock", {"peer": 1 / 2.5}, "ec"),
    Row("tls", "mtls-down-4", "mTLS download, 4 streams, AES-128-GCM", "down",
        8, {"active": 4, "bytes": 64 * MB, "ciphers": GCM}, GB, "stock",
        {"peer": 0.85}, "ec"),
    Row("tls", "mtls-up-4", "mTLS upload, 4 streams, AES-128-GCM", "up", 8,
        {"active": 4, "bytes": 64 * MB, "ciphers": GCM}, GB, "stock",
        {"peer": 0.85}, "ec"),
    Row("latency", "latency-connect", "from connect() to the 200, 300 a second",
        "connect", 600, {"rate": 300}, "latency", "relay", {"relay": 1.2}),
    Row("latency", "latency-round-trip", "64 bytes and back, 300 a second",
        "rtt", 600, {"rate": 300}, "latency", "relay", {"relay": 1.2}),
]
# Memory has rows too: name, title, what is open, kind of key, target in bytes.
IdleRow = namedtuple("IdleRow", "name title pki bound")
IDLE_ROWS = [
    IdleRow("idle-tunnel", "memory of an idle tunnel", None, 1024),
    IdleRow("mtls-idle-tunnel", "memory of an idle mTLS tunnel", "ec", 2560),
]
IDLE_PROCESS_MIB = 6
IDLE_TUNNELS = 2000


class Results:
    """What was measured, by row: values of each system, in the order of
    systems.NAMES; notes say why one is missing."""

    def __init__(self, rows=None, costs=None):
        self.rows, self.costs = rows or {}, costs or {}

    def add(self, name, system, value, **about):
        row = self.rows.setdefault(name, {"values": {}, "notes": {}})
        row.update(about)
        row["values"].setdefault(system, {"all": []})["all"].append(value)
        all_ = row["values"][system]["all"]
        row["values"][system]["median"] = statistics.median(all_)

    def note(self, name, system, why, **about):
        row = self.rows.setdefault(name, {"values": {}, "notes": {}})
        row.update(about)
        row["values"].pop(system, None)
        row["notes"][system] = why

    def drop(self, group):
        """Forget what an earlier run measured of GROUP."""
        for name in [name for name, row in self.rows.items()
                     if row.get("group") == group]:
            del self.rows[name]

    def median(self, name, system="ours"):
        value = self.rows.get(name, {}).get("values", {}).get(system)
        return value and value["median"]


def columns(bench, base, tls):
    """Which systems a row is measured for."""
    ours = ["ours"]
    if base == "stock":
        ours += ["stock"] if bench.has_stock else []
    elif base:
        ours.insert(0, base)
    return ours + bench.peers()


def measure_row(bench, row, system, count):
    """One measurement -> {suffix of the row's name: value}."""
    policy = Policy(bench.directory)
    pki = row.pki and Pki(bench.directory, row.pki)
    options = dict(row.options, **({"tls": pki.client} if pki else {}))
    with bench.start(system, policy, pki) as server, \
            Load(server, row.mode, **options) as load:
        load.run(max(1, count // 10))
        if row.unit == "latency":
            told = load.run(count)
            return {"-p50": told["p50_us"], "-p99": told["p99_us"]}
        before = server.settled_cpu()
        told = load.run(count)
        spent = server.settled_cpu() - before
        if row.options.get("resume") and told["resumed"] < count * 0.9:
            raise Unavailable("sessions are not resumed")
    if row.unit == GB:
        return {"": spent / (count * row.options["bytes"] / 1e9)}
    return {"": spent / count * 1e6}


def run_row(bench, row, results, rounds, scale):
    if row.unit == "latency" or row.group == "network" and row.unit == US:
        rounds = 2 * rounds + 1  # they are short, and noise is as long as ever
    count = max(row.options.get("active", 1), int(row.count * scale))
    unit = US if row.unit == "latency" else row.unit
    about = {"group": row.group, "unit": unit, "base": row.base,
             "targets": row.targets}
    systems = columns(bench, row.base, row.pki)
    suffixes = ("-p50", "-p99") if row.unit == "latency" else ("",)
    for suffix in suffixes:
        results.rows.pop(row.name + suffix, None)
    for _ in range(rounds):
        for system in list(systems):
            try:
                values = measure_row(bench, row, system, count)
            except Unavailable as why:
                if system in OUR_OWN and "resumed" not in str(why):
                    fail(f"{row.name}, {system}: {why}")
                systems.remove(system)
                for suffix in suffixes:
                    results.note(row.name + suffix, system, str(why),
                                 title=row.title, **about)
                continue
            for suffix, value in values.items():
                title = row.title + (f", {suffix[1:]}" if suffix else "")
                results.add(row.name + suffix, system, value, title=title,
                            **about)
    return [row.name + suffix for suffix in suffixes]


def run_idle_row(bench, row, results, rounds, scale):
    """Bytes of memory that an idle tunnel takes, and those of an empty process
    beside it."""
    tunnels = max(20, int(IDLE_TUNNELS * scale))
    base = "stock" if row.pki else "relay"
    pki = row.pki and Pki(bench.directory, row.pki)
    done = [row.name] if row.pki else [row.name, "idle-rss"]
    for name in done:
        results.rows.pop(name, None)
    systems = [s for s in columns(bench, base, pki) if s != "peer1"]
    for _ in range(rounds):
        for system in list(systems):
            try:
                with bench.start(system, Policy(bench.directory),
                                 pki) as server:
                    server.settled_cpu()
                    empty = server.rss()
                    with Load(server, "connect", idle=tunnels,
                              **({"tls": pki.client} if pki else {})):
                        server.settled_cpu()
                        full = server.rss()
            except Unavailable as why:
                if system in OUR_OWN:
                    fail(f"{row.name}, {system}: {why}")
                systems.remove(system)
                results.note(row.name, system, str(why), group="memory",
                             title=row.title, unit="B", base=base)
                continue
            results.add(row.name, system, (full - empty) / tunnels,
                        group="memory", title=row.title, unit="B", base=base,
                        bound=row.bound)
            if not pki and (system != "peer" or bench.peers(started=True)):
                results.add("idle-rss", system, empty / 2**20, group="memory",
                            title="memory of an idle process", unit="MiB",
                            base=base, bound=IDLE_PROCESS_MIB)
    return done
