#!/usr/bin/env python3
"""Put what run.py measured into docs/PERFORMANCE.md: what stands between
<!-- made: NAME --> and <!-- end --> is written anew, the rest is prose.

usage: document.py [BENCH.json [PAGE.md]]
"""

import json
import re
import sys
from pathlib import Path

import report
from systems import BUILD, ROOT


def machine_text(told):
    machine = told["machine"]
    text = (f"Measured on {told['date']} at revision `{told['revision']}`, "
            f"{told['rounds']} rounds, on a machine with "
            f"{machine['processors']} processors ({machine['processor']}), "
            f"{machine['memory_gib']} GiB, {machine['system']}, "
            f"{machine['descriptors']:,} descriptors a process.")
    if told["peer"]:
        text += f" The peer: {told['peer']}."
    return text


def summary(rows):
    """The rows that have a target, in one table."""
    return report.table({name: row for name, row in rows.items()
                         if report.targets(row)})


def parts(told):
    """Name -> Markdown of each part that the page may ask for."""
    made = {"machine": machine_text(told), "summary": summary(told["rows"]),
            **report.group_tables(told["rows"])}
    if told["costs"]:
        made["costs"] = report.cost_table(told["costs"])
    return made


def rewritten(page, made):
    def one(found):
        name = found.group(1)
        if name not in made:
            return found.group(0)  # not measured: as it was
        return f"<!-- made: {name} -->\n{made[name]}\n<!-- end -->"
    return re.sub(r"<!-- made: ([a-z-]+) -->\n.*?<!-- end -->", one, page,
                  flags=re.DOTALL)


def main():
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else \
        BUILD / "bench/bench.json"
    page = Path(sys.argv[2]) if len(sys.argv) > 2 else \
        ROOT / "docs/PERFORMANCE.md"
    told = json.loads(source.read_text())
    plots = page.parent / "performance"
    plots.mkdir(exist_ok=True)
    for name, svg in report.plots(told["rows"]).items():
        (plots / name).write_text(svg)
    page.write_text(rewritten(page.read_text(), parts(told)))
    print(f"written: {page} and the plots in {plots}")


if __name__ == "__main__":
    main()
