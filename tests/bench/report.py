"""Measurements as text: a line when a row is done, Markdown tables, plots."""

import statistics

import plot
from systems import NAMES

BASES = dict(NAMES, scan="linear scan", bsearch="binary search",
             miss="one cache miss", one="one worker")
GROUPS = {
    "network": "Plain", "tls": "TLS with client certificates",
    "latency": "Latency at a low rate", "memory": "Memory",
    "policy": "Policies of every size", "tunnels": "Many tunnels",
    "workers": "Several workers", "decide": "The decision alone",
    "compile": "Compiling"}


def figure(value):
    """Three digits that count, and no exponent."""
    if value is None:
        return ""
    digits = next((d for d, least in enumerate((100, 10, 1))
                   if abs(value) >= least), 3)
    return f"{value:,.{digits}f}"


def median(row, system):
    value = row["values"].get(system)
    return value and value["median"]


def ratio(row, system):
    """Ours over theirs: the median over the rounds, in which one is measured
    right after the other, so that what comes and goes on a machine meets both;
    of medians, when one has more rounds."""
    ours, other = median(row, "ours"), median(row, system)
    if ours is None or not other:
        return None
    pairs = [row["values"][name]["all"] for name in ("ours", system)]
    if len(pairs[0]) == len(pairs[1]) and all(pairs[1]):
        return statistics.median(a / b for a, b in zip(*pairs))
    return ours / other


def targets(row):
    """What the row must reach, as text, and whether it does: None when this
    run cannot say."""
    ours = median(row, "ours")
    told = []
    if row.get("bound") is not None:
        told.append((f"<= {figure(row['bound'])} {row['unit']}",
                     None if ours is None else ours <= row["bound"]))
    for system, bound in (row.get("targets") or {}).items():
        value = ratio(row, system)
        more_is_better = row["unit"] == "/s"
        told.append((f"{'>=' if more_is_better else '<='} {bound:.2f} x "
                     f"{BASES[system]}", None if value is None else
                     value >= bound if more_is_better else value <= bound))
    return told


def target_text(row):
    return "; ".join(text if met is None else
                     f"{text} {'met' if met else 'missed'}"
                     for text, met in targets(row))


def line(name, row):
    """One row for a terminal."""
    parts = [f"{name:28}", f"{figure(median(row, 'ours')) or 'n/a':>11} "
                           f"{row['unit']:5}"]
    for system in [row.get("base"), "peer", "peer1"]:
        value = system and ratio(row, system)
        if value is not None:
            parts.append(f"{times(value):>7} x {BASES[system]}")
    if targets(row):
        parts.append(f"({target_text(row)})")
    for system, why in row["notes"].items():
        parts.append(f"[{BASES[system]} n/a: {why}]")
    return " ".join(parts)


def cell(row, system):
    value = median(row, system)
    if value is None:
        return "n/a" if system in row["notes"] else ""
    return figure(value)


def times(value):
    """A ratio as a table says it."""
    if value is None:
        return ""
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1e}"


def table(rows):
    """A Markdown table of ROWS, a dict; only columns that have something."""
    rows = list(rows.values())
    bases = [row.get("base") for row in rows
             if row.get("base") in row["values"]]
    peers = [s for s in ("peer", "peer1")
             if any(s in row["values"] for row in rows)]
    judged = any(targets(row) for row in rows)
    head = ["row", "unit", "ours"]
    if bases:
        head += ["baseline", "ratio"]
    for system in peers:
        head += [NAMES[system], "ratio"]
    if judged:
        head.append("target")
    out = ["| " + " | ".join(head) + " |",
           "|---|---|" + "---:|" * (len(head) - 2)]
    for row in rows:
        cells = [row["title"], row["unit"], cell(row, "ours") or "n/a"]
        if bases:
            base = row.get("base")
            cells += [f"{BASES[base]}: {cell(row, base)}"
                      if base in row["values"] else "", times(ratio(row, base))]
        for system in peers:
            cells += [cell(row, system), times(ratio(row, system))]
        if judged:
            cells.append(target_text(row))
        out.append("| " + " | ".join(cells) + " |")
    notes = sorted({(row["title"], BASES[system], why) for row in rows
                    for system, why in row["notes"].items()})
    if notes:
        out.append("")
    out += [f"n/a: {title}, {system}: {why}.<br>"
            for title, system, why in notes]
    return "\n".join(out)


def decision_table(rows):
    """The decision's rows, a line a policy; then what else there is."""
    columns = [(kind, way) for kind in ("hit", "absent")
               for way in ("hot", "random", "cold")]
    policies = {name.rsplit("-", 1)[1]: row for name, row in rows.items()
                if "of" in row}
    out = ["| policy | " + " | ".join(f"{kind}, {way}, ns"
                                      for kind, way in columns) +
           " | linear scan, hit, ns |",
           "|---|" + "---:|" * (len(columns) + 1)]
    for policy, about in policies.items():
        chosen = [rows.get(f"decide-{kind}-{way}-{policy}")
                  for kind, way in columns]
        title = f"{policy} globs" if about["of"] == "globs" else \
            f"{policy.replace('x', ' roles x ')} globs"
        cells = [title, *(cell(row, "ours") if row else "" for row in chosen),
                 cell(chosen[0], "scan") if chosen[0] else ""]
        out.append("| " + " | ".join(cells) + " |")
    rest = {name: row for name, row in rows.items() if "of" not in row}
    return "\n".join(out) + ("\n\n" + table(rest) if rest else "")


def group_tables(rows):
    """Group -> table of its rows."""
    made = {}
    for group in GROUPS:
        chosen = {name: row for name, row in rows.items()
                  if row.get("group") == group}
        if chosen:
            made[group] = decision_table(chosen) if group == "decide" \
                else table(chosen)
    return made


def tables(rows):
    """All of ROWS, a heading a group."""
    return "\n\n".join(f"### {GROUPS[group]}\n\n{text}"
                       for group, text in group_tables(rows).items())


def cost_table(costs):
    out = ["| row | system | calls | instructions | calls by name |",
           "|---|---|---:|---:|---|"]
    for name, systems in costs.items():
        for system, cost in systems.items():
            by_name = ", ".join(
                f"{call} {figure(count).removesuffix('.00')}"
                for call, count in sorted(cost.get("by_name", {}).items(),
                                          key=lambda item: -item[1]))
            instructions = cost.get("instructions")
            out.append(f"| {name} | {BASES[system]} "
                       f"| {cost.get('calls', 'n/a')} "
                       f"| {f'{instructions:,}' if instructions else ''} "
                       f"| {by_name or cost.get('note', '')} |")
    return "\n".join(out)


# --- plots --------------------------------------------------------------------

def points(rows, system, wanted):
    """(x, median) of SYSTEM in the rows whose name WANTED says."""
    return [(row["x"], median(row, system)) for name, row in rows.items()
            if wanted(name) and median(row, system) is not None]


def plots(rows):
    """File name -> SVG, of what there is to draw."""
    def of(system, group, start, end="", key=None):
        return points(rows, system, lambda name:
                      rows[name]["group"] == group and "x" in rows[name] and
                      name.startswith(start) and name.endswith(end) and
                      (key is None or rows[name].get("of") == key))
    some = {
        "decision-by-globs.svg": plot.line_plot(
            "One decision by the size of the policy", "globs", "ns", {
                "hot": of("ours", "decide", "decide-hit-hot", key="globs"),
                "random": of("ours", "decide", "decide-hit-random",
                             key="globs"),
                "cold": of("ours", "decide", "decide-hit-cold", key="globs"),
                "linear scan": of("scan", "decide", "decide-hit-hot",
                                  key="globs"),
            }, log_x=True, log_y=True),
        "denied-by-globs.svg": plot.line_plot(
            "One denied CONNECT by the size of the policy", "globs",
            "CPU, us", {system: of(system, "policy", "deny-")
                        for system in ("ours", "peer")},
            log_x=True, log_y=True),
        "decision-by-roles.svg": plot.line_plot(
            "One decision by the number of roles, of 100 globs each", "roles",
            "ns", {way: of("ours", "decide", f"decide-hit-{way}", key="roles")
                   for way in ("hot", "random", "cold")}, log_x=True),
        "round-trip-by-tunnels.svg": plot.line_plot(
            "64 bytes there and back, 200 tunnels at work", "tunnels open",
            "CPU, us", {system: of(system, "tunnels", "round-trip-", "-open")
                        for system in ("ours", "relay", "peer")}),
        "connect-by-tunnels.svg": plot.line_plot(
            "One CONNECT by the tunnels open beside it", "tunnels open",
            "CPU, us", {system: of(system, "tunnels", "connect-", "-open")
                        for system in ("ours", "relay", "peer")}),
        "connect-by-workers.svg": plot.line_plot(
            "One CONNECT by the number of workers", "workers", "CPU, us",
            {"all": of("ours", "workers", "connect-", "-workers"),
             "the busiest worker": of("ours", "workers", "connect-",
                                      "-workers-busiest")}),
    }
    return {name: svg for name, svg in some.items() if svg}
