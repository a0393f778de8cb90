"""Reading the reports of smokescreenc back: for the tests of each format."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
SMOKESCREENC = BUILD / "smokescreenc"
SECONDS = 60
YES, NO, USAGE, IO = 0, 1, 2, 3
FORMATS = ["text", "json", "sarif", "github", "junit"]

GOOD = """version: v1
services:
  - name: svc
    project: team
    action: enforce
    allowed_domains: [api.example.com]
default: {project: team, action: enforce}
"""
# One of everything: errors and a warning, hints, a fix, a related place, a
# place behind characters of several bytes.
MIXED = """version: v1
services:
  - name: svc
    project: "\u00e9\u4e2d\U0001f600"
    action: enforce
    allowed_domains: [api.example.com, "a.*.com", B\u00fccher.example]
    x-note: fine
  - name: svc
    project: team
    action: enforse
default: {project: team, action: enforce}
"""
# Warnings alone.
LINTED = GOOD.replace("[api.example.com]",
                      "[api.example.com, b.com, api.example.com, 10.1.2.3]")


def run(*arguments, stdin=b"", cwd=None, **more):
    return subprocess.run([SMOKESCREENC, *arguments], input=stdin, cwd=cwd,
                          capture_output=True, timeout=SECONDS, **more)


def check(form, *paths, cwd=None, options=()):
    return run("--check", "--format", form, *options, *paths, cwd=cwd)


# Each reader gives the findings as (severity, code, file, line, column).

def read_text(output):
    text = output.decode()
    found = re.findall(
        r"^(.+?):(\d+):(\d+): (error|warning): .* \[(\w+)\]$", text, re.M)
    return [(severity, code, name, int(line), int(column))
            for name, line, column, severity, code in found]


def read_json(output):
    return [(item["severity"], item["code"], item.get("file"),
             item.get("line"), item.get("column"))
            for item in json.loads(output)["diagnostics"]]


def sarif_file(location):
    return unquote(re.sub("^file://", "", location["uri"]))


def read_sarif(output):
    found = []
    for item in json.loads(output)["runs"][0]["results"]:
        place = item["locations"][0]["physicalLocation"]
        found.append((item["level"], item["ruleId"],
                      sarif_file(place["artifactLocation"]),
                      place["region"]["startLine"],
                      place["region"]["startColumn"]))
    return found


def workflow_commands(output):
    """As the runner reads them: (command, properties, message)."""
    def unescape(text, more=()):
        for code, char in [*more, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]:
            text = text.replace(code, char)
        return text

    commands = []
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line, re.S)
        if match is None:
            continue
        properties = {}
        for part in match[2].split(","):
            key, value = part.split("=", 1)
            properties[key] = unescape(value, [("%3A", ":"), ("%2C", ",")])
        commands.append((match[1], properties, unescape(match[3])))
    return commands


def read_github(output):
    return [(command, properties["title"].split()[0], properties["file"],
             int(properties["line"]), int(properties.get("col", 0)))
            for command, properties, _ in workflow_commands(output)
            if "line" in properties]


def read_junit(output):
    found = []
    for case in ElementTree.fromstring(output).iter("testcase"):
        severity = {"failure": "error", "skipped": "warning"}.get(
            case[0].tag if len(case) else None)
        match = re.fullmatch(r"(\w+) [\w-]+ at (\d+):(\d+)", case.get("name"))
        if severity and match:
            found.append((severity, match[1], case.get("classname"),
                          int(match[2]), int(match[3])))
    return found


READERS = {"text": read_text, "json": read_json, "sarif": read_sarif,
           "github": read_github, "junit": read_junit}
