"""docs/deploy: what dashboards and alerts ask for is there, units and manifests
are what their readers accept."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs/deploy"
PROMTOOL = harness.PROMTOOL
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool: make deps-ci fetches one")


def exported():
    """The names of all metrics, histograms with their suffixes."""
    observe = ROOT / "runtime/observe"
    text = re.sub(r'"\s*"', "", (observe / "metrics.def").read_text())
    names = set(re.findall(r'"([a-z]+(?:_[a-z0-9]+)+)"', text))
    for path in ("metrics_walk.c", "prometheus.c"):
        names |= set(re.findall(r'"((?:smokescreen|process)_[a-z_]+)"',
                                (observe / path).read_text()))
    return names | {name + suffix for name in names
                    for suffix in ("_bucket", "_sum", "_count")} | {"up"}


def expressions():
    board = json.loads((DEPLOY / "dashboard.json").read_text())
    found = [target["expr"] for panel in board["panels"]
             for target in panel["targets"]]
    found += [note["expr"] for note in board["annotations"]["list"]]
    assert len(found) > 30
    return found


def asked_for(text):
    """The metrics in PromQL: what has an underscore and is no function."""
    text = re.sub(r'"[^"]*"|\$\w+', "", text)
    text = re.sub(r"by \([^)]*\)", "", text)
    return {name for name in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", text)
            if name not in ("histogram_quantile",)}


def test_the_dashboard_asks_for_what_there_is():
    names = exported()
    for expression in expressions():
        asked = asked_for(expression)
        assert asked and asked <= names, asked - names


def test_the_dashboards_panels_do_not_overlap():
    board = json.loads((DEPLOY / "dashboard.json").read_text())
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == \
        len(board["panels"])


def test_the_alerts_ask_for_what_there_is():
    text = (DEPLOY / "alerts.yml").read_text()
    rules = re.findall(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", text)
    assert len(rules) == text.count("- alert: ") > 8
    names = exported()
    for block, line in rules:
        asked = asked_for(block or line) or {"up"}
        assert asked <= names, asked - names


@needs_promtool
def test_promtool_accepts_the_alerts_and_their_tests():
    for what, name in (("check", "alerts.yml"), ("test", "alerts.test.yml")):
        done = subprocess.run([PROMTOOL, what, "rules", name], cwd=DEPLOY,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_understands_the_dashboard(tmp_path):
    rules = [{"record": f"panel:{i}", "expr": re.sub(
        r"\$\w+", ".*", expression.replace("$__rate_interval", "5m"))}
        for i, expression in enumerate(expressions())]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    done = subprocess.run([PROMTOOL, "check", "rules", path],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(None in map(shutil.which, ("dpkg-query", "readelf")),
                    reason="needs Debian's tools")
def test_the_image_has_the_libraries_that_the_programs_need():
    text = (DEPLOY / "Containerfile").read_text()
    last = text[text.rindex("FROM "):]
    needed = set()
    for program in ("smokescreen", "smokescreenc"):
        done = subprocess.run(["readelf", "-d", harness.BUILD / program],
                              capture_output=True, text=True, check=True)
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", done.stdout))
    for name in needed:
        if re.match(r"lib(c|m|gcc_s|asan|ubsan|pthread)\.so|ld-linux", name):
            continue  # the base image's, or a sanitizer's
        found = subprocess.run(["dpkg-query", "-S", f"*/{name}"],
                               capture_output=True, text=True, check=True)
        packages = {line.split(":")[0] for line in found.stdout.splitlines()}
        assert any(re.search(rf"\s{re.escape(package)}\s", last)
                   for package in packages), (name, packages)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                    reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path):
    for name in ("smokescreen.service", "smokescreen.socket"):
        text = (DEPLOY / name).read_text()
        text = text.replace("/usr/local/bin/smokescreen",
                            str(harness.BUILD / "smokescreen"))
        text = re.sub("^Documentation=.*\n", "", text, flags=re.M)
        (tmp_path / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify",
                           str(tmp_path / "smokescreen.service")],
                          capture_output=True, text=True, timeout=60,
                          env=dict(os.environ,
                                   SYSTEMD_UNIT_PATH=f"{tmp_path}:"))
    ours = [line for line in done.stderr.splitlines() if "smokescreen" in line]
    assert ours == []


def options(text):
    return re.findall(r"--[a-z][a-z-]+", text)


def test_the_options_that_are_used_are_there():
    known = set(options(harness.run_smokescreen("--help").stdout))
    used = options((DEPLOY / "smokescreen.service").read_text()) + \
        options((DEPLOY / "kubernetes/smokescreen.yaml").read_text())
    assert used and set(used) <= known


def test_the_configuration_of_kubernetes_loads(tmp_path):
    acl = harness.compile_acl(tmp_path, "version: v1\nservices: []\n"
                                        "default: {project: p, action: "
                                        "enforce}\n")
    text = (DEPLOY / "kubernetes/config.yaml").read_text()
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("/etc/smokescreen/acl.blob", str(acl)))
    done = harness.run_smokescreen("--check-config", "--config-file", path)
    assert done.returncode == 0, done.stderr
    assert "prometheus: http://0.0.0.0:9810/metrics" in done.stdout


@pytest.mark.skipif(shutil.which("kubectl") is None,
                    reason="kubectl is not installed")
def test_kustomize_builds_the_manifests(tmp_path):
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "k")
    (tmp_path / "k/acl.blob").write_bytes(b"\0blob\xff")
    done = subprocess.run(["kubectl", "kustomize", tmp_path / "k"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    name, = set(re.findall(r"name: (smokescreen-[a-z0-9]+)", done.stdout))
    # the volume names the map with its hash
    assert re.search(rf"configMap:\s+name: {name}", done.stdout)
