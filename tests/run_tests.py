#!/usr/bin/env python3
"""Run every test: the cmocka programs, the fuzz targets over their corpora, then
pytest; and add up the counts.

The last line is `N passed, M failed`; the exit status is 0 only when M is 0 and
something ran.  `run_tests.py WORD...` runs only the programs and pytest files
whose path has one of the words in it.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BUILD", "build"))
UNIT_SECONDS = 280


def wanted(path, words):
    return not words or any(word in str(path) for word in words)


def run_unit(program):
    """One cmocka program -> (passed, failed, output to show)."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=UNIT_SECONDS)
    except subprocess.TimeoutExpired as stuck:
        return 0, 1, f"{program}: no end after {UNIT_SECONDS} s\n" + \
            (stuck.stdout or b"").decode(errors="replace")
    text = done.stdout.decode(errors="replace")
    passed = len(re.findall(r"^ok \d", text, re.M))
    failed = len(re.findall(r"^not ok \d", text, re.M))
    if done.returncode != 0 and failed == 0:
        failed = 1
    if passed + failed == 0:
        failed = 1
    shown = "" if failed == 0 else \
        f"--- {program} (status {done.returncode})\n{text}"
    return passed, failed, shown


def run_replay(program):
    """One fuzz target over its kept inputs: counts as one test."""
    corpus = ROOT / "tests/fuzz/corpus" / program.name
    try:
        done = subprocess.run([program, *([corpus] if corpus.is_dir() else [])],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=UNIT_SECONDS)
    except subprocess.TimeoutExpired:
        return 0, 1, f"{program}: no end after {UNIT_SECONDS} s\n"
    if done.returncode == 0:
        return 1, 0, ""
    return 0, 1, f"--- {program} (status {done.returncode})\n" + \
        done.stdout.decode(errors="replace")


def run_pytest(words):
    files = [path for path in sorted((ROOT / "tests").rglob("test_*.py"))
             if wanted(path, words)]
    if not files:
        return 0, 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-n", str(max(2, os.cpu_count() or 1)), "--dist", "load",
               *map(str, files)]
    done = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    text = []
    for line in done.stdout:
        sys.stdout.write(line)
        text.append(line)
    status = done.wait()
    last = "".join(text[-3:])
    passed = sum(map(int, re.findall(r"(\d+) passed", last)))
    failed = sum(map(int, re.findall(r"(\d+) (?:failed|error)", last)))
    if status not in (0, 1) or (status == 1 and failed == 0):
        failed += 1
    return passed, failed


def main():
    words = sys.argv[1:]
    sys.stdout.reconfigure(line_buffering=True)
    programs = [BUILD / "tests" / path.stem
                for path in sorted((ROOT / "tests/unit").glob("test_*.c"))]
    runs = [(path, run_unit) for path in programs]
    runs += [(BUILD / "replay" / path.stem, run_replay)
             for path in sorted((ROOT / "tests/fuzz").glob("fuzz_*.c"))]
    runs = [(path, how) for path, how in runs if wanted(path, words)]
    passed = failed = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        results = pool.map(lambda run: run[1](run[0]), runs)
        for (program, _), result in zip(runs, results):
            print(f"{program.name}: {result[0]} passed, {result[1]} failed")
            if result[2]:
                print(result[2])
            passed += result[0]
            failed += result[1]
    more = run_pytest(words)
    passed += more[0]
    failed += more[1]
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
