"""Reports of files that do not cooperate, of directories, of very many findings,
and on a terminal."""

import json
import os
import pty
import re
import select
import subprocess
import threading
import time
from pathlib import Path

import pytest

from reports import (FORMATS, GOOD, IO, LINTED, MIXED, NO, READERS, SECONDS,
                     SMOKESCREENC, USAGE, YES, check, run)


def files_of(done):
    """The files of a SARIF log, in order."""
    log = json.loads(done.stdout)["runs"][0]
    return [item["location"]["uri"] for item in log["artifacts"]]


def unread(done):
    return {item["file"]: item["message"]
            for item in json.loads(done.stdout).get("unread", [])}


# --- directories ----------------------------------------------------------------

def test_a_directory_is_its_yaml_files(tmp_path):
    for name in ("b.yaml", "a.yml", "B.yaml", "sub/z.yaml", "sub/deep/x.yml",
                 "notes.txt", "x.yaml.bak", ".hidden.yaml", ".git/y.yaml",
                 "yaml", ".yaml", "sub.yaml/inner.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(GOOD)
    done = check("sarif", "..", cwd=tmp_path / "sub")
    assert [uri.rsplit(tmp_path.name + "/", 1)[1] for uri in files_of(done)] == [
        "B.yaml", "a.yml", "b.yaml", "sub/deep/x.yml", "sub/z.yaml",
        "sub.yaml/inner.yaml"]
    assert done.returncode == YES


def test_operands_and_directories_together(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "d" / name).write_text(GOOD)
    # "d/" finds "d/a.yaml" and "d/b.yaml" again.
    done = check("json", "d/b.yaml", "d", "d/", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (YES, b"")
    assert json.loads(done.stdout)["files"] == 2
    # What is named twice is meant twice.
    done = check("json", "d/b.yaml", "d/b.yaml", cwd=tmp_path)
    assert json.loads(done.stdout)["files"] == 2


def test_links_do_not_lead_round(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "loop.yaml").symlink_to("..")
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    done = check("json", ".", cwd=tmp_path)
    assert done.returncode == IO
    assert json.loads(done.stdout)["files"] == 2
    assert unread(done) == {
        "./gone.yaml": "a link to nothing: No such file or directory",
        "./self.yaml": "a link to nothing: "
                       "Too many levels of symbolic links"}
    # A link that is named is followed, whatever it leads to.
    assert json.loads(check("json", "loop", cwd=tmp_path).stdout)["files"] == 2


def test_pipes_in_a_directory_are_left_alone(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert files_of(check("sarif", ".", cwd=tmp_path)) == ["a.yaml"]


@pytest.mark.parametrize("depth, status", [(32, YES), (33, IO)])
def test_depth_is_bounded(depth, status, tmp_path):
    path = tmp_path.joinpath(*["d"] * depth)
    path.mkdir(parents=True)
    (path / "a.yaml").write_text(GOOD)
    (tmp_path / "z.yaml").write_text(GOOD)
    done = check("json", ".", cwd=tmp_path)
    assert done.returncode == status
    assert json.loads(done.stdout)["files"] == (2 if status == YES else 1)
    assert all("32 directories" in why for why in unread(done).values())


@pytest.mark.parametrize("form", FORMATS)
def test_a_directory_without_policies_is_no_success(form, tmp_path):
    (tmp_path / "acl.txt").write_text(GOOD)
    done = check(form, ".", cwd=tmp_path)
    assert done.returncode == IO
    assert done.stderr == (b"smokescreenc: .: no .yaml or .yml file in this "
                           b"directory\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_directory(tmp_path):
    (tmp_path / "d").mkdir(mode=0)
    assert check("text", "d", cwd=tmp_path).returncode == IO


# --- files of policy tests --------------------------------------------------------

TESTS = "tests:\n- {role: svc, host: api.example.com, expect: allow}\n"


@pytest.mark.parametrize("name", ["acl.test.yaml", "cases.yml", "-"])
def test_files_of_tests_are_no_broken_policies(name, tmp_path):
    (tmp_path / name).write_text(TESTS)
    done = run("--check", name, cwd=tmp_path, stdin=TESTS.encode())
    assert done.returncode == YES
    assert done.stdout == b"1 file, 0 errors, 0 warnings\n"


@pytest.mark.parametrize("text, codes", [
    (TESTS.replace("expect", "expct"), ["T002", "T004"]),
    (TESTS.replace("allow}", "alow}"), ["T004"]),
    ("tests: []\n", ["T009"]),
    ("tests:\n", ["T009"]),
    ("x-note: 1\ntests: 1\n", ["T001"]),
    ("tests:\n- {port: 1, expect: deny}\n", ["T005"]),
    ("tests:\n- {host: h, port: x, address: y, expect: deny}\n",
     ["T006", "T007"]),
    ("tests: [\n", None),
])
def test_files_of_tests_are_checked(text, codes, tmp_path):
    (tmp_path / "acl.test.yaml").write_text(text)
    done = check("json", ".", cwd=tmp_path)
    assert done.returncode == NO
    found = [code for _, code, *_ in READERS["json"](done.stdout)]
    if codes is None:
        assert found and all(code[0] == "Y" for code in found)
    else:
        assert sorted(found) == codes


@pytest.mark.parametrize("text", [
    GOOD + "tests: []\n", "version: v1\ntests: []\n", "test: []\n",
    "- tests: []\n", ""])
def test_a_policy_with_a_stray_key_is_still_a_policy(text, tmp_path):
    (tmp_path / "acl.yaml").write_text(text)
    done = check("json", "acl.yaml", cwd=tmp_path)
    assert done.returncode == NO
    assert {code[0] for _, code, *_ in READERS["json"](done.stdout)} <= {
        "P", "L"}


def test_a_file_of_tests_does_not_compile(tmp_path):
    (tmp_path / "acl.test.yaml").write_text(TESTS)
    assert run("acl.test.yaml", cwd=tmp_path).returncode == NO
    assert os.listdir(tmp_path) == ["acl.test.yaml"]


# --- files that do not cooperate --------------------------------------------------

def test_mistakes_of_the_configuration_are_said_once(tmp_path):
    for name in ("a.yaml", "b.yaml", "c.test.yaml"):
        (tmp_path / name).write_text(TESTS if "test" in name else GOOD)
    (tmp_path / "config").write_text("deny_ranges: [nonsense]\n")
    done = check("json", ".", cwd=tmp_path, options=["--config-file", "config"])
    assert done.returncode == NO
    assert READERS["json"](done.stdout) == [("error", "P050", "config", 1, 15)]
    assert json.loads(done.stdout)["errors"] == 1


@pytest.mark.parametrize("form", FORMATS)
def test_gigantic_files(form, tmp_path):
    path = tmp_path / "acl.yaml"
    with open(path, "wb") as file:
        file.truncate((256 << 20) + 1)
    done = check(form, "acl.yaml", cwd=tmp_path)
    assert done.returncode == IO
    assert b"larger than the limit of 256 MiB" in done.stderr
    if form != "text":
        assert b"larger than the limit of 256 MiB" in done.stdout


def test_a_file_that_disappears(tmp_path):
    """Found in its directory, gone when its turn comes."""
    (tmp_path / "d").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "d" / name).write_text(GOOD)
    os.mkfifo(tmp_path / "first")
    process = subprocess.Popen(
        [SMOKESCREENC, "--check", "--format", "json", "first", "d"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Opening the pipe waits for the program, which has found its files then.
    with open(tmp_path / "first", "w") as pipe:
        (tmp_path / "d/a.yaml").unlink()
        pipe.write(GOOD)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == IO
    report = json.loads(output)
    assert report["files"] == 2
    assert report["unread"] == [{"file": "d/a.yaml",
                                 "message": "No such file or directory"}]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", [1, 3000])
def test_full_disk(form, count, tmp_path):
    (tmp_path / "acl.yaml").write_text(GOOD.replace(
        "[api.example.com]", f"[{', '.join(['B.com'] * count)}]"))
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [SMOKESCREENC, "--check", "--format", form, "acl.yaml"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=SECONDS)
    assert done.returncode == IO
    assert done.stderr == (b"smokescreenc: <stdout>: No space left on "
                           b"device\n")


@pytest.mark.parametrize("form", FORMATS)
def test_closed_pipe(form, tmp_path):
    (tmp_path / "acl.yaml").write_text(GOOD.replace(
        "[api.example.com]", f"[{', '.join(['B.com'] * 3000)}]"))
    process = subprocess.Popen(
        [SMOKESCREENC, "--check", "--format", form, *["acl.yaml"] * 20],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(SECONDS) == IO


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_that_fails_leaves_the_blob_alone(form, tmp_path):
    """Errors write no blob, and no temporary file stays behind."""
    (tmp_path / "acl.yaml").write_text(MIXED)
    (tmp_path / "acl.blob").write_text("old")
    assert run("--format", form, "acl.yaml", cwd=tmp_path).returncode == NO
    assert (tmp_path / "acl.blob").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["acl.blob", "acl.yaml"]


@pytest.mark.parametrize("form", FORMATS)
def test_output_over_a_directory(form, tmp_path):
    (tmp_path / "acl.yaml").write_text(GOOD)
    (tmp_path / "acl.blob").mkdir()
    done = run("--format", form, "acl.yaml", cwd=tmp_path)
    assert done.returncode == IO
    assert done.stderr == b"smokescreenc: acl.blob: Is a directory\n"
    if form == "sarif":
        call, = json.loads(done.stdout)["runs"][0]["invocations"]
        assert call == {"executionSuccessful": False, "exitCode": IO}


@pytest.mark.parametrize("form", ["json", "sarif", "github", "junit"])
def test_a_report_that_cannot_be_written_is_a_failure(form, tmp_path):
    (tmp_path / "acl.yaml").write_text(LINTED)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [SMOKESCREENC, "--format", form, "acl.yaml"], cwd=tmp_path,
            stdout=full, stderr=subprocess.PIPE, timeout=SECONDS)
    assert done.returncode == IO and b"No space left" in done.stderr
    assert os.listdir(tmp_path) == ["acl.yaml"]


@pytest.mark.parametrize("arguments", [
    ["-", "-"], ["acl.yaml", "-", "--config-file", "-"]])
def test_standard_input_is_one_file(arguments, tmp_path):
    (tmp_path / "acl.yaml").write_text(GOOD)
    done = run("--check", *arguments, cwd=tmp_path)
    assert done.returncode == USAGE and done.stdout == b""
    assert b"standard input is one file" in done.stderr


# --- very many findings -----------------------------------------------------------

def peak_of(process):
    """The most memory that PROCESS had so far, in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int((re.findall(r"^VmHWM:\s*(\d+)", status, re.M) or [0])[0])


def measured(form, path):
    """(findings, seconds of processor, peak of memory in KiB)"""
    process = subprocess.Popen(
        [SMOKESCREENC, "--check", "--format", form, path],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = b""
    peak = 0
    # While there is output to come the process is there to be looked at.
    while data := process.stdout.read(1 << 20):
        output += data
        peak = max(peak, peak_of(process))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == NO and peak > 0
    return (len(READERS[form](output)), usage.ru_utime + usage.ru_stime, peak)


SANITIZED = b"__asan_init" in SMOKESCREENC.read_bytes()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants terabytes")
@pytest.mark.parametrize("form", FORMATS)
def test_out_of_memory(form, tmp_path):
    """The report is whole, or the program says that it is not."""
    path = tmp_path / "acl.yaml"
    path.write_text(GOOD.replace("[api.example.com]", f"[{'B.com, ' * 500}c.d]"))
    ends = set()
    for step in range(30):
        limit = int((4 << 20) * 1.1 ** step)
        done = subprocess.run(
            ["prlimit", f"--as={limit}", SMOKESCREENC, "--check", "--format",
             form, path], capture_output=True, timeout=SECONDS)
        if done.returncode == NO:
            assert len(READERS[form](done.stdout)) == 500
        elif done.returncode == IO:
            assert b"out of memory" in done.stderr
        else:
            assert done.returncode == 127, "not even its libraries had room"
        ends.add(done.returncode)
    assert NO in ends


@pytest.mark.parametrize("layout", ["lines", "one line"])
def test_very_many_findings(layout, tmp_path):
    """Every format takes about what text takes: findings are not kept."""
    count = 30_000
    path = tmp_path / "acl.yaml"
    entries = [f"H{number}.com" for number in range(count)]
    path.write_text(GOOD.replace(
        " [api.example.com]",
        "".join(f"\n      - {entry}" for entry in entries)
        if layout == "lines" else f" [{', '.join(entries)}]"))
    base = None
    for form in FORMATS:
        found, seconds, memory = measured(form, path)
        assert found == count, form
        if base is None:
            base = memory
        # A sanitizer keeps what is freed.
        assert memory < 1.5 * base or SANITIZED, (form, memory, base)
        assert seconds < 20, (form, seconds)


# --- on a terminal ----------------------------------------------------------------

def on_terminal(arguments, tmp_path, feed=b"", seconds=0.0, **environment):
    """Run with stdout and stderr on a terminal; FEED goes to standard input
    after SECONDS.  What the terminal received."""
    ours, theirs = pty.openpty()
    variables = {key: value for key, value in os.environ.items()
                 if key not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [SMOKESCREENC, *arguments], cwd=tmp_path, stdin=subprocess.PIPE,
        stdout=theirs, stderr=theirs,
        env=variables | {"TERM": "xterm"} | environment)
    os.close(theirs)

    def write():
        time.sleep(seconds)
        process.stdin.write(feed)
        process.stdin.close()

    writer = threading.Thread(target=write)
    writer.start()
    received = b""
    while select.select([ours], [], [], SECONDS)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        if not data:
            break
        received += data
    writer.join()
    process.wait(SECONDS)
    os.close(ours)
    return received


@pytest.mark.parametrize("environment, coloured", [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True),
    ({"TERM": "dumb"}, False)])
def test_colour_on_a_terminal(environment, coloured, tmp_path):
    (tmp_path / "acl.yaml").write_text(MIXED)
    received = on_terminal(["--check", "acl.yaml"], tmp_path, **environment)
    assert (b"\x1b[1;31merror:" in received) == coloured
    assert b"acl.yaml:8:11:" in received


@pytest.mark.parametrize("form", ["json", "sarif", "github", "junit"])
def test_other_formats_have_no_colour(form, tmp_path):
    (tmp_path / "acl.yaml").write_text(MIXED)
    received = on_terminal(["--check", "--format", form, "acl.yaml"], tmp_path)
    assert b"\x1b" not in received and b"P007" in received


ERASE = b"\r\x1b[K"


def test_progress_appears_and_goes(tmp_path):
    (tmp_path / "acl.yaml").write_text(MIXED)
    received = on_terminal(["--check", "acl.yaml", "-"], tmp_path,
                           feed=MIXED.encode(), seconds=1.6)
    line = ERASE + b"checking 2 of 2: <stdin>"
    assert received.count(line) == 1, "drawn once, for it did not change"
    before, after = received.split(line)
    # Erased before anything else is printed, and not there again.
    assert after.startswith(ERASE) and ERASE not in after[len(ERASE):]
    assert b"acl.yaml:8:11:" in before and b"2 files, 8 errors" in after


@pytest.mark.parametrize("arguments, environment", [
    (["--check", "--quiet", "-"], {}), (["--check", "-"], {"TERM": "dumb"})])
def test_no_progress(arguments, environment, tmp_path):
    received = on_terminal(arguments, tmp_path, feed=GOOD.encode(),
                           seconds=1.4, **environment)
    assert b"checking" not in received


def test_no_progress_when_work_is_short(tmp_path):
    (tmp_path / "acl.yaml").write_text(GOOD)
    received = on_terminal(["--check", "acl.yaml"], tmp_path)
    assert received == b"1 file, 0 errors, 0 warnings\r\n"


def test_no_progress_in_a_pipe(tmp_path):
    process = subprocess.Popen([SMOKESCREENC, "--check", "-"], cwd=tmp_path,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    time.sleep(1.3)
    output, errors = process.communicate(GOOD.encode(), timeout=SECONDS)
    assert (output, errors) == (b"1 file, 0 errors, 0 warnings\n", b"")


def test_progress_of_a_compilation(tmp_path):
    received = on_terminal(["-o", "acl.blob", "-"], tmp_path,
                           feed=GOOD.encode(), seconds=1.4)
    assert received == ERASE + b"compiling <stdin>" + ERASE
    assert (tmp_path / "acl.blob").exists()


def test_progress_shows_long_and_hostile_names_in_one_line(tmp_path):
    name = "\x1b[2J" + "ü" * 100 + "end.yaml"
    os.mkfifo(tmp_path / name)

    def write():
        time.sleep(1.4)
        (tmp_path / name).write_text(GOOD)

    writer = threading.Thread(target=write)
    writer.start()
    received = on_terminal(["--check", name], tmp_path)
    writer.join()
    shown = received.split(ERASE)[1].decode()
    assert shown.startswith("checking ...ü") and shown.endswith("end.yaml")
    assert len(shown.encode()) <= 76 and b"\x1b[2J" not in received
