#!/usr/bin/env python3
"""Does the bench itself work?  One short round of most rows, then what came of
it: rows with figures, plots that parse, a page with tables.  How large a figure
is does not matter here."""

import json
import os
import subprocess
import sys
import tempfile
import xml.dom.minidom
from pathlib import Path

from systems import BUILD, ROOT

HERE = Path(__file__).parent
EXPECTED = ["connect", "deny", "round-trip", "http-get", "bulk-down-1",
            "bulk-down-64", "bulk-up-64", "mtls-ecdsa", "mtls-rsa",
            "mtls-down-4", "mtls-up-4", "latency-connect-p50",
            "latency-round-trip-p99", "idle-rss", "idle-tunnel",
            "mtls-idle-tunnel", "deny-10", "deny-1k", "start-up-1k",
            "connect-200-open", "round-trip-400-open", "http-get-200-open",
            "deny-growth", "connect-2-workers",
            "decide-hit-hot-1k", "decide-absent-cold-10", "compile-1k-globs"]
PLOTS = ["decision-by-globs.svg", "denied-by-globs.svg",
         "decision-by-roles.svg", "round-trip-by-tunnels.svg",
         "connect-by-tunnels.svg", "connect-by-workers.svg"]


def main():
    env = dict(os.environ, QUICK="1", ROUNDS="1", PEER="")
    subprocess.run([sys.executable, HERE / "run.py"], env=env, check=True,
                   timeout=300)
    out = BUILD / "bench/quick"
    told = json.loads((out / "bench.json").read_text())
    wrong = [f"no figure: {name}" for name in EXPECTED
             if not told["rows"].get(name, {}).get("values", {})
             .get("ours", {}).get("all")]
    for name in PLOTS:
        if not xml.dom.minidom.parse(str(out / name)) \
                .getElementsByTagName("polyline"):
            wrong.append(f"no line: {name}")
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory, "page.md")
        page.write_text((ROOT / "docs/PERFORMANCE.md").read_text())
        subprocess.run([sys.executable, HERE / "document.py",
                        out / "bench.json", page], check=True, timeout=60)
        if told["date"] not in page.read_text():
            wrong.append("the page was not written")
    print("\n".join(wrong) or "bench: it works")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
