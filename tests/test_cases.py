"""Self-describing cases of the policy language.

Every tests/cases/**/*.yaml says in its own comments what --check must report:

    #! expect: ok                     nothing at all
    #! expect: P031 14:9              this code at this place; one line each
    #! options: --lint report-rule=warn

The set must be exact.  A sidecar NAME.yaml.expect holds the same lines for files
that cannot have comments.  An option's FILE is relative to the case.

Files called yaml-*.yaml are about the text as YAML: only its Y codes count.
"""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
CASES = ROOT / "tests/cases"
SECONDS = 60

# Codes that no case file can show, and why.
WITHOUT_CASE = {
    "P014": "takes a policy of gigabytes",
}


def case_files():
    return sorted(path for path in CASES.rglob("*.yaml")
                  if "/with/" not in str(path))


def is_yaml_case(path):
    return path.name.startswith("yaml-")


def directives(path):
    sidecar = path.with_name(path.name + ".expect")
    source = sidecar if sidecar.exists() else path
    text = source.read_bytes().decode("utf-8", errors="replace")
    expects = re.findall(r"#!\s*expect:\s*(.*?)\s*$", text, re.M)
    options = re.findall(r"#!\s*options:\s*(.*?)\s*$", text, re.M)
    return expects, [word for line in options for word in shlex.split(line)]


def check(path, options):
    done = subprocess.run(
        [BUILD / "smokescreenc", "--check", "--format", "json", *options,
         path.name],
        cwd=path.parent, capture_output=True, timeout=SECONDS)
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("path", case_files(),
                         ids=lambda path: str(path.relative_to(CASES)))
def test_case(path):
    expects, options = directives(path)
    assert expects, f"{path} does not say what it expects"
    status, report = check(path, options)
    found = sorted(f"{item['code']} {item['line']}:{item['column']}"
                   for item in report["diagnostics"]
                   if item["code"][0] == "Y" or not is_yaml_case(path))
    wanted = sorted(line for line in expects if line != "ok")
    assert found == wanted, json.dumps(report, indent=1)
    if is_yaml_case(path):
        return
    errors = any(item["severity"] == "error"
                 for item in report["diagnostics"])
    assert status == (1 if errors else 0)
    for item in report["diagnostics"]:
        assert item["message"] and "\n" not in item["message"]
        if item["code"][0] in "PL":
            assert item.get("hint"), f"{item['code']} shows no way out"


def all_codes():
    text = (ROOT / "grammar/diagnostic.def").read_text()
    return re.findall(r"^DIAG\((\w+)", text, re.M)


def test_every_code_has_a_case():
    shown = set()
    for path in case_files():
        for line in directives(path)[0]:
            shown.add(line.split()[0])
    missing = [code for code in all_codes()
               if code[0] in "PL" and code not in shown
               and code not in WITHOUT_CASE]
    assert not missing, f"no case file shows {', '.join(missing)}"


def test_codes_are_unique_and_ordered():
    codes = all_codes()
    assert len(codes) == len(set(codes))
    for letter in "YPLT":
        mine = [code for code in codes if code[0] == letter]
        assert mine == sorted(mine)


@pytest.mark.parametrize("code", all_codes())
def test_every_code_is_explained(code):
    done = subprocess.run([BUILD / "smokescreenc", "--explain-code", code],
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0
    first, second, *rest = done.stdout.splitlines()
    assert first.startswith(code)
    assert second and len("".join(rest)) > 20
    assert max(map(len, done.stdout.splitlines())) <= 80
