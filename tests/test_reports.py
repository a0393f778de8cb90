"""What --check prints in each format: the same findings, valid documents, and
nothing that a hostile policy or file name could add."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest
from jsonschema import Draft7Validator

from reports import (FORMATS, GOOD, IO, LINTED, MIXED, NO, READERS, ROOT,
                     USAGE, YES, check, read_sarif, run, workflow_commands)

REPORT = Draft7Validator(json.loads(
    (ROOT / "docs/report.schema.json").read_text()))
SARIF = Draft7Validator(json.loads(
    (ROOT / "tests/schema/sarif-subset.schema.json").read_text()))

# Names that try to end a line, an attribute, a URI or a command.
HOSTILE = ["a\n::error::owned.yaml", "a%0A::b.yaml", 'q"<&>\'.yaml',
           "]]>.yaml", "a:b,c=d.yaml", "\x1b[31mred.yaml", "ü 中\U0001f600.yaml",
           b"not\xffutf8.yaml", "#fragment?query.yaml", "a b\tc\r.yaml",
           "\x01\x7f\ufffe.yaml"]


def valid(validator, output):
    document = json.loads(output)
    errors = [f"{list(error.path)}: {error.message}"
              for error in validator.iter_errors(document)]
    assert not errors, errors[:5]
    return document


@pytest.fixture
def tree(tmp_path):
    """A directory with something of each kind in it."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "linted.yaml").write_text(LINTED)
    (tmp_path / "mixed.yaml").write_text(MIXED)
    (tmp_path / "sub/mixed.yml").write_text("\ufeff" + MIXED)
    (tmp_path / "sub/unclosed.yaml").write_text("version: [v1\n")
    (tmp_path / "sub/empty.yaml").write_text("")
    (tmp_path / "sub/binary.yaml").write_bytes(bytes(range(256)))
    return tmp_path


# --- every format ---------------------------------------------------------------

@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_say_the_same(form, tree):
    wanted = READERS["json"](check("json", "mixed.yaml", "sub", cwd=tree).stdout)
    done = check(form, "mixed.yaml", "sub", cwd=tree)
    assert done.returncode == NO
    found = READERS[form](done.stdout)
    if form == "github":
        # Columns are left out where a span ends on another line.
        found = [item if item[4] else item[:4] + (want[4],)
                 for item, want in zip(found, wanted)]
    assert found == wanted and len(found) > 10


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_is_the_same_every_time(form, tree):
    first = check(form, ".", cwd=tree)
    assert first.stdout == check(form, ".", cwd=tree).stdout
    assert first.stdout.endswith(b"\n")


@pytest.mark.parametrize("form", FORMATS)
def test_quiet_leaves_errors(form, tree):
    done = check(form, ".", cwd=tree, options=["--quiet"])
    found = READERS[form](done.stdout)
    assert found and {item[0] for item in found} == {"error"}
    assert b" files, " not in done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_werror_is_in_the_report(form, tree):
    done = check(form, "linted.yaml", cwd=tree, options=["--werror"])
    assert done.returncode == NO
    assert {item[0] for item in READERS[form](done.stdout)} == {"error"}


@pytest.mark.parametrize("form", FORMATS)
def test_a_clean_policy(form, tree):
    done = check(form, "good.yaml", cwd=tree)
    assert done.returncode == YES and done.stderr == b""
    assert READERS[form](done.stdout) == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_case_file(form):
    """Whatever the cases report: documents stay valid."""
    done = check(form, "tests/cases", cwd=ROOT)
    assert done.returncode == NO
    assert len(READERS[form](done.stdout)) > 100
    if form == "json":
        valid(REPORT, done.stdout)
    if form == "sarif":
        valid(SARIF, done.stdout)


@pytest.mark.parametrize("form", FORMATS)
def test_unread_files_are_in_the_report(form, tree):
    done = check(form, "gone.yaml", "good.yaml", "-", cwd=tree)
    assert done.returncode == IO
    assert done.stderr.startswith(
        b"smokescreenc: gone.yaml: No such file or directory\n")
    assert b"1 file not read\n" in done.stdout or form not in ("text", "github")
    if form == "json":
        document = valid(REPORT, done.stdout)
        assert document["unread"] == [{
            "file": "gone.yaml", "message": "No such file or directory"}]
        assert document["files"] == 2
    if form == "sarif":
        call, = valid(SARIF, done.stdout)["runs"][0]["invocations"]
        assert (call["executionSuccessful"], call["exitCode"]) == (False, IO)
        notice, = call["toolExecutionNotifications"]
        assert "gone.yaml: No such file" in notice["message"]["text"]
    if form == "github":
        command, properties, message = workflow_commands(done.stdout)[-1]
        assert command == "error" and properties["file"] == "gone.yaml"
        assert message == "gone.yaml: No such file or directory"
    if form == "junit":
        errors = ElementTree.fromstring(done.stdout).findall(".//error")
        assert [item.get("message") for item in errors] == [
            "No such file or directory"]


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names(form, tmp_path):
    for name in HOSTILE:
        path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
        with open(path, "w") as file:
            file.write(MIXED)
        os.symlink("nowhere", path.replace(b".yaml", b"-gone.yaml"))
    done = check(form, ".", cwd=tmp_path)
    assert done.returncode == IO
    count = len(HOSTILE)
    # stderr is read for commands, too.
    assert done.stderr.count(b"\n") == count
    assert done.stderr.count(b"\nsmokescreenc: ") == count - 1
    assert b"\x1b" not in done.stdout + done.stderr
    found = READERS[form](done.stdout)
    assert len(found) == 4 * count
    if form == "json":
        document = valid(REPORT, done.stdout)
        names = {item["file"] for item in document["diagnostics"]}
        for name in HOSTILE:
            shown = "not\\xffutf8.yaml" if isinstance(name, bytes) else name
            assert "./" + shown in names
    if form == "sarif":
        valid(SARIF, done.stdout)
        names = {item[2] for item in found}
        for name in HOSTILE:
            assert os.fsencode(name).decode("utf-8", "replace") in names
    if form == "github":
        lines = done.stdout.split(b"\n")
        assert all(re.match(rb"::(error|warning) (file|title)=", line)
                   for line in lines[:-2])
        names = {properties["file"] for _, properties, _ in
                 workflow_commands(done.stdout)}
        for name in HOSTILE:
            shown = re.sub("[^ -~\n\r\u0080-\U0010ffff]|[\udc80-\udcff]",
                           lambda c: f"\\x{os.fsencode(c[0])[0]:02x}",
                           os.fsdecode(name))
            assert shown in names


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_texts(form, tmp_path):
    path = tmp_path / "acl.yaml"
    path.write_text('version: v1\nservices:\n'
                    '- {name: "a\\n::error::x", action: "]]>&\\e[2J\\0"}\n'
                    '- {name: "a\\n::error::x", action: "%0A::warning::y"}\n'
                    '"k%0a\\r\\n##[x]<\\u202e>": 1\n')
    done = check(form, "acl.yaml", cwd=tmp_path)
    assert done.returncode == NO
    assert len(READERS[form](done.stdout)) >= 4
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", done.stdout)
    if form == "github":
        assert done.stdout.count(b"\n::") == done.stdout.count(b"\n") - 2


@pytest.mark.parametrize("form", FORMATS)
def test_compiling_reports_in_the_same_formats(form, tree):
    done = run("--format", form, "mixed.yaml", cwd=tree)
    assert done.returncode == NO and not (tree / "mixed.blob").exists()
    output, other = ((done.stderr, done.stdout) if form == "text"
                     else (done.stdout, done.stderr))
    assert other == b""
    assert READERS[form](output) == READERS[form](
        check(form, "mixed.yaml", cwd=tree).stdout)
    # A blob on standard output leaves no room for a report there.
    done = run("--format", form, "-o", "-", "linted.yaml", cwd=tree)
    assert done.returncode == YES
    assert done.stdout == run("-o", "-", "linted.yaml", cwd=tree).stdout
    assert len(READERS[form](done.stderr)) == 2


@pytest.mark.parametrize("form", FORMATS)
def test_running_tests_reports_in_the_same_formats(form, tree):
    (tree / "some.test.yaml").write_text(
        "tests:\n- {role: svc, host: api.example.com, expect: allow}\n"
        "- {role: svc, host: other.com, expect: allow}\n"
        "- {role: svc, host: other.com, expect: deny}\n")
    done = run("--test", "--format", form, "good.yaml", "some.test.yaml",
               cwd=tree)
    assert done.returncode == NO
    found, = READERS[form](done.stdout)
    assert found == ("error", "T008", "some.test.yaml", 3, 3)
    if form == "json":
        document = valid(REPORT, done.stdout)
        assert (document["passed"], document["failed"]) == (2, 1)
    if form == "sarif":
        valid(SARIF, done.stdout)
    if form == "junit":
        names = [case.get("name") for case in
                 ElementTree.fromstring(done.stdout).iter("testcase")]
        assert names == ["test at 2:3", "test at 4:3", "T008 test-failed at 3:3"]
    if form in ("text", "github"):
        assert done.stdout.endswith(b"\n2 passed, 1 failed\n")


@pytest.mark.parametrize("command", [
    ["--explain", "a", "--host", "h"], ["--info", "a"]])
@pytest.mark.parametrize("form", ["sarif", "github", "junit"])
def test_other_answers_have_no_such_format(command, form):
    done = run(*command, "--format", form)
    assert done.returncode == USAGE and done.stdout == b""
    assert f"--format {form} has no meaning with".encode() in done.stderr


@pytest.mark.parametrize("command", [
    ["--dump", "a"], ["--stage", "model", "a"], ["--yaml-events", "a"],
    ["--explain-code", "P031"], ["--print-schema", "acl"]])
@pytest.mark.parametrize("form", FORMATS)
def test_some_answers_have_no_format(command, form):
    done = run(*command, "--format", form)
    assert done.returncode == USAGE and done.stdout == b""


# --- text -----------------------------------------------------------------------

@pytest.mark.parametrize("names, says", [
    (["good.yaml"], "1 file, 0 errors, 0 warnings"),
    (["linted.yaml"], "1 file, 0 errors, 2 warnings"),
    (["good.yaml", "mixed.yaml"], "2 files, 4 errors, 0 warnings"),
    (["sub/empty.yaml"], "1 file, 2 errors, 0 warnings"),
    (["gone", "gone2"], "0 files, 0 errors, 0 warnings, 2 files not read"),
])
def test_summary(names, says, tree):
    done = check("text", *names, cwd=tree)
    assert done.stdout.decode().splitlines()[-1] == says


def test_summary_of_one(tree):
    path = tree / "one.yaml"
    path.write_text(GOOD.replace("v1", "v2").replace("project: team", "", 1))
    assert check("text", path).stdout.endswith(b"1 file, 1 error, 0 warnings\n")
    path.write_text(LINTED.replace(", 10.1.2.3", ""))
    assert check("text", path).stdout.endswith(b"1 file, 0 errors, 1 warning\n")


# --- JSON -----------------------------------------------------------------------

def test_json_is_as_documented(tree):
    document = valid(REPORT, check("json", ".", cwd=tree).stdout)
    seen = set()
    for item in document["diagnostics"]:
        seen |= item.keys()
    properties = REPORT.schema["definitions"]["diagnostic"]["properties"]
    assert seen == set(properties), "a documented key was never seen"
    errors = sum(item["severity"] == "error"
                 for item in document["diagnostics"])
    assert document["errors"] == errors
    assert document["warnings"] == len(document["diagnostics"]) - errors
    assert document["files"] == 7


def test_json_has_a_line_for_each_finding(tree):
    lines = check("json", "mixed.yaml", cwd=tree).stdout.decode().splitlines()
    found = [json.loads(line.strip().rstrip(",")) for line in lines
             if '"code"' in line]
    assert len(found) == 4


# --- SARIF ----------------------------------------------------------------------

def sarif_run(tree, *paths):
    return valid(SARIF, check("sarif", *paths, cwd=tree).stdout)["runs"][0]


def test_sarif_schema_refuses_what_is_wrong(tree):
    document = json.loads(check("sarif", "mixed.yaml", cwd=tree).stdout)
    result = document["runs"][0]["results"][0]
    for spoil in ({"kinds": 1}, {"level": "fatal"}, {"message": "text"}):
        document["runs"][0]["results"][0] = result | spoil
        assert not SARIF.is_valid(document), spoil


def test_sarif_rules_are_the_table(tree):
    rules = sarif_run(tree, "good.yaml")["tool"]["driver"]["rules"]
    table = re.findall(r'^DIAG\((\w+), "([\w-]+)",\s*DIAG_(\w+)',
                       (ROOT / "grammar/diagnostic.def").read_text(), re.M)
    assert [(rule["id"], rule["name"]) for rule in rules] == [
        (code, name) for code, name, _ in table]
    for rule, (_, _, severity) in zip(rules, table):
        configuration = rule["defaultConfiguration"]
        assert configuration.get("enabled", True) == (severity != "OFF")
        assert configuration["level"] == (
            "error" if severity == "ERROR" else "warning")
        assert rule["help"]["text"] == rule["fullDescription"]["text"]
        assert rule["help"]["markdown"]


def test_sarif_results_point_at_rules_and_artifacts(tree):
    log = sarif_run(tree, ".")
    rules = log["tool"]["driver"]["rules"]
    artifacts = log["artifacts"]
    assert len({item["location"]["uri"] for item in artifacts}) == 7
    for result in log["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in (result["locations"] +
                      result.get("relatedLocations", [])):
            named = place["physicalLocation"]["artifactLocation"]
            assert artifacts[named["index"]]["location"]["uri"] == named["uri"]
            assert named["uriBaseId"] in log["originalUriBaseIds"]


def test_sarif_regions_agree_with_themselves(tree):
    log = sarif_run(tree, "mixed.yaml", "sub/mixed.yml", "linted.yaml")
    regions = 0
    for result in log["results"]:
        place = result["locations"][0]["physicalLocation"]
        data = (tree / place["artifactLocation"]["uri"]).read_bytes()
        region = place["region"]
        start = region["byteOffset"]
        end = start + region["byteLength"]
        for offset, line, column in (
                (start, region["startLine"], region["startColumn"]),
                (end, region["endLine"], region["endColumn"])):
            before = data[:offset].decode().lstrip("\ufeff").split("\n")
            assert (len(before), len(before[-1]) + 1) == (line, column)
            regions += 1
    assert regions >= 20


def test_sarif_fixes_mend(tree):
    path = tree / "mixed.yaml"
    fixes = [fix for result in sarif_run(tree, "mixed.yaml")["results"]
             for fix in result.get("fixes", [])]
    assert fixes
    data = path.read_bytes()
    before = len(read_sarif(check("sarif", path).stdout))
    for fix in fixes:
        change, = fix["artifactChanges"]
        replacement, = change["replacements"]
        region = replacement["deletedRegion"]
        start = region["byteOffset"]
        data = (data[:start] + replacement["insertedContent"]["text"].encode()
                + data[start + region["byteLength"]:])
    path.write_bytes(data)
    after = len(read_sarif(check("sarif", path).stdout))
    assert after == before - len(fixes)


def test_sarif_uris(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "acl.yaml"
    other.write_text(GOOD)
    locations = [item["location"] for item in sarif_run(
        tree / "sub", "./mixed.yml", "../good.yaml", str(other), ".//mixed.yml",
        "..//./good.yaml", "-")["artifacts"]]
    assert locations == [
        {"uri": "mixed.yml", "uriBaseId": "%SRCROOT%"},
        {"uri": f"file://{tree}/good.yaml"},
        {"uri": f"file://{other}"},
        {"uri": "%3Cstdin%3E"}]


def test_sarif_does_not_depend_on_where_it_was_made(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "mixed.yaml").write_text(MIXED)
    assert (check("sarif", "mixed.yaml", cwd=tree).stdout ==
            check("sarif", "mixed.yaml", cwd=other).stdout)


def test_sarif_tells_the_exit_status(tree):
    for name, status in (("good.yaml", YES), ("mixed.yaml", NO)):
        call, = sarif_run(tree, name)["invocations"]
        assert call == {"executionSuccessful": True, "exitCode": status}


# --- workflow commands and JUnit -------------------------------------------------

def test_github_message_has_the_way_out(tree):
    commands = workflow_commands(check("github", "mixed.yaml", cwd=tree).stdout)
    twice, = [item for item in commands if "P007" in item[1]["title"]]
    assert twice[0] == "error"
    assert twice[1] == {"file": "mixed.yaml", "line": "8", "endLine": "8",
                        "col": "11", "endColumn": "14",
                        "title": "P007 duplicate-service"}
    assert twice[2].split("\n") == [
        "rule already exists for service svc", "merge the two rules",
        "mixed.yaml:3:11: first defined here"]


def test_junit_counts(tree):
    suites = ElementTree.fromstring(check("junit", ".", cwd=tree).stdout)
    assert suites.tag == "testsuites"
    assert [suite.get("name") for suite in suites] == [
        "good.yaml", "linted.yaml", "mixed.yaml", "sub/binary.yaml",
        "sub/empty.yaml", "sub/mixed.yml", "sub/unclosed.yaml"]
    for suite in suites:
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        for attribute, element in (("failures", "failure"),
                                   ("errors", "error"),
                                   ("skipped", "skipped")):
            found = suite.findall(f"testcase/{element}")
            assert int(suite.get(attribute)) == len(found)
        names = [case.get("name") for case in suite]
        assert len(names) == len(set(names)) and names
    assert suites[0][0].get("name") == "no errors" and len(suites[0][0]) == 0
    assert suites[1].get("failures") == "0" and suites[1].get("skipped") == "2"


def test_junit_has_what_strict_readers_know(tree):
    known = {
        "testsuites": {"name"},
        "testsuite": {"name", "file", "tests", "failures", "errors", "skipped",
                      "time"},
        "testcase": {"classname", "name", "time"},
        "failure": {"message", "type"}, "error": {"message", "type"},
        "skipped": {"message"}}
    done = check("junit", ".", "gone.yaml", cwd=tree)
    seen = set()
    for element in ElementTree.fromstring(done.stdout).iter():
        assert set(element.keys()) == known[element.tag]
        seen.add(element.tag)
    assert seen == set(known)


def test_junit_body_has_places(tree):
    suites = ElementTree.fromstring(check("junit", "mixed.yaml",
                                          cwd=tree).stdout)
    bodies = [failure.text for failure in suites.iter("failure")]
    assert ("mixed.yaml:8:11: rule already exists for service svc\n"
            "merge the two rules\nmixed.yaml:3:11: first defined here") in bodies


# --- documents --------------------------------------------------------------------

def test_info_is_as_documented(tree):
    assert run("good.yaml", cwd=tree).returncode == YES
    info = json.loads(run("--info", "--format", "json", "good.blob",
                          cwd=tree).stdout)
    page = (ROOT / "docs/REPORTS.md").read_text()
    table = page.split("## `--info --format json`")[1]
    keys = [key for row in re.findall(r"^\| (`.*?) \|", table, re.M)
            for key in re.findall(r"`(\w+)`", row)]
    assert keys == list(info)
    assert info["digest"].startswith(info["policy"])


def test_explained_all_at_once():
    page = run("--explain-code", "all").stdout.decode()
    headings = re.findall(r"^### (\w+) ([\w-]+)$", page, re.M)
    table = re.findall(r'^DIAG\((\w+), "([\w-]+)"',
                       (ROOT / "grammar/diagnostic.def").read_text(), re.M)
    assert sorted(headings) == sorted(table)
    anchors = re.findall(r"\(#([\w-]+)\)", page)
    assert anchors == [f"{code.lower()}-{name}" for code, name in headings]
    assert max(len(line) for line in page.splitlines()) < 120
    # Nothing that Markdown would swallow: stars are code, or escaped.
    prose = re.sub(r"`[^`]*`|\\.|\*\*\w[\w' -]*\*\*", "", page)
    assert not re.search(r"[*<>]|\[(?![A-Z]\d{3}\]\(#)", prose)


@pytest.mark.parametrize("given, says", [
    ("P031", "P031 wildcard-not-first (error)"), ("p031", "P031 wildcard-"),
    ("wildcard-not-first", "P031 wildcard-not-first (error)")])
def test_explained_by_code_and_by_name(given, says):
    done = run("--explain-code", given)
    assert done.returncode == YES and done.stdout.decode().startswith(says)


def test_unknown_codes():
    done = run("--explain-code", "wildcard-not-frist")
    assert done.returncode == NO and done.stdout == b""
    assert b"did you mean 'wildcard-not-first'?" in done.stderr
    done = run("--explain-code", "P999\x1b[2J")
    assert done.returncode == NO and b"\x1b" not in done.stderr
