"""--watch: whatever way another policy comes to be at the path, it is loaded;
one that is no good leaves the old one in force."""

import os
import shutil
import time

import pytest

import harness
from harness import run_smokescreen
from test_life import ACL, write_acl
from test_start import refused


@pytest.fixture
def blobs(tmp_path):
    """Two policies: for 127.0.0.1 and for 127.0.0.2."""
    made = {}
    for host in "127.0.0.1", "127.0.0.2":
        directory = tmp_path / f"made-{host}"
        directory.mkdir()
        made[host] = write_acl(directory, host)
    return made


@pytest.fixture
def watching(proxy, tmp_path):
    """Start a proxy that watches PATH, which is there already."""
    def start(path, *flags, **more):
        return proxy("--egress-acl-file", path, "--watch", *flags,
                     config="allow_missing_role: true\n", **more)
    return start


def await_reload(child, count=1):
    line = child.wait_log("policy reloaded", count)
    assert line["cause"] == "watch"
    assert line["changed"].endswith("acl.blob")
    assert line["reloads"] == count
    return line


def test_renamed_over(watching, blobs, tmp_path, origin):
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    port = origin().port
    child.tunnel("127.0.0.1", port).close()
    for i, host in enumerate(["127.0.0.2", "127.0.0.1"] * 2):
        shutil.copy(blobs[host], tmp_path / "fresh")
        os.rename(tmp_path / "fresh", path)
        line = await_reload(child, i + 1)
        assert line["old_policy"] != line["policy"]
        wanted = 200 if host == "127.0.0.1" else 407
        with child.dial() as sock:
            sock.sendall(harness.connect_head("127.0.0.1", port))
            assert harness.read_head(sock).status == wanted


def test_the_compiler_writes_what_is_watched(watching, tmp_path):
    child = watching(write_acl(tmp_path, "127.0.0.1"))
    write_acl(tmp_path, "127.0.0.2")
    assert await_reload(child)["policy"] != child.policy


def test_written_in_place(watching, blobs, tmp_path):
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    shutil.copy(blobs["127.0.0.2"], path)
    await_reload(child)


def test_a_config_map_is_swapped(watching, blobs, tmp_path):
    """As Kubernetes does it: the file is a link into ..data, which is a link
    that gets renamed over."""
    mount = tmp_path / "mount"
    for name, host in ("..1", "127.0.0.1"), ("..2", "127.0.0.2"):
        (mount / name).mkdir(parents=True)
        shutil.copy(blobs[host], mount / name / "acl.blob")
    os.symlink("..1", mount / "..data")
    os.symlink("..data/acl.blob", mount / "acl.blob")
    child = watching(mount / "acl.blob")
    os.symlink("..2", mount / "..data_tmp")
    os.rename(mount / "..data_tmp", mount / "..data")
    shutil.rmtree(mount / "..1")
    assert await_reload(child)["policy"] != child.policy
    # and again, from what it leads to now
    (mount / "..3").mkdir()
    shutil.copy(blobs["127.0.0.1"], mount / "..3" / "acl.blob")
    os.symlink("..3", mount / "..data_tmp")
    os.rename(mount / "..data_tmp", mount / "..data")
    assert await_reload(child, 2)["policy"] == child.policy


def test_a_link_in_the_middle_of_the_path_moves(watching, blobs, tmp_path):
    for release, host in ("r1", "127.0.0.1"), ("r2", "127.0.0.2"):
        (tmp_path / release / "etc").mkdir(parents=True)
        shutil.copy(blobs[host], tmp_path / release / "etc" / "acl.blob")
    os.symlink(tmp_path / "r1", tmp_path / "current")
    child = watching(tmp_path / "r2" / ".." / "current" / "etc" / "." /
                     "acl.blob")
    os.symlink(tmp_path / "r2", tmp_path / "fresh")
    os.rename(tmp_path / "fresh", tmp_path / "current")
    assert await_reload(child)["policy"] != child.policy


def test_a_directory_goes_and_comes_back(watching, blobs, tmp_path):
    directory = tmp_path / "etc"
    directory.mkdir()
    shutil.copy(blobs["127.0.0.1"], directory / "acl.blob")
    child = watching(directory / "acl.blob")
    shutil.rmtree(directory)
    (tmp_path / "other").mkdir()
    shutil.copy(blobs["127.0.0.2"], tmp_path / "other" / "acl.blob")
    os.rename(tmp_path / "other", directory)
    await_reload(child)
    # while it is away nothing is said, and the policy stays
    os.rename(directory, tmp_path / "other")
    time.sleep(0.3)
    assert not child.logged("policy not reloaded, the old one stays")
    shutil.copy(blobs["127.0.0.1"], tmp_path / "other" / "acl.blob")
    os.rename(tmp_path / "other", directory)
    await_reload(child, 2)


def test_a_relative_path(blobs, tmp_path, monkeypatch):
    shutil.copy(blobs["127.0.0.1"], tmp_path / "acl.blob")
    monkeypatch.chdir(tmp_path)
    child = harness.Proxy("--egress-acl-file", "acl.blob", "--watch")
    try:
        shutil.copy(blobs["127.0.0.2"], tmp_path / "fresh")
        os.rename("fresh", "acl.blob")
        await_reload(child)
    finally:
        child.stop()


def test_a_bad_file_is_refused_once_and_a_good_one_taken(
        watching, blobs, tmp_path):
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    (tmp_path / "fresh").write_bytes(blobs["127.0.0.2"].read_bytes()[:-1])
    os.rename(tmp_path / "fresh", path)
    line = child.wait_log("policy not reloaded, the old one stays")
    assert line["cause"] == "watch" and line["reloads"] == 0
    (tmp_path / "unrelated").touch()
    shutil.copy(blobs["127.0.0.2"], tmp_path / "fresh")
    os.rename(tmp_path / "fresh", path)
    await_reload(child)
    assert len(child.logged("policy not reloaded, the old one stays")) == 1


def test_other_files_are_nothing_to_us(watching, blobs, tmp_path):
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    for i in range(20):
        (tmp_path / f"file{i}").write_text("x")
    # the same file under its own name again is no change either
    os.rename(path, tmp_path / "away")
    os.rename(tmp_path / "away", path)
    shutil.copy(blobs["127.0.0.2"], tmp_path / "fresh")
    os.rename(tmp_path / "fresh", path)
    await_reload(child)


def test_replaced_while_reloading(watching, blobs, tmp_path):
    """However fast they come, the last one is in force in the end."""
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    end = time.monotonic() + 1.5
    i = 0
    while time.monotonic() < end or i % 2 == 0:
        host = ("127.0.0.1", "127.0.0.2")[(i + 1) % 2]
        shutil.copy(blobs[host], tmp_path / "fresh")
        os.rename(tmp_path / "fresh", path)
        i += 1
    # an odd number: the last one was for 127.0.0.2
    for _ in range(harness.SECONDS * 20):
        if child.logged("policy reloaded")[-1:] and \
                child.logged("policy reloaded")[-1]["policy"] != child.policy:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    reloads = child.logged("policy reloaded")
    assert reloads[-1]["policy"] != child.policy
    # many changes, few looks: one in a tenth of a second at most
    assert 2 <= len(reloads) <= 25 < i
    assert not child.logged("policy not reloaded, the old one stays")


def test_a_signal_still_reloads_and_is_not_followed_by_another(
        watching, blobs, tmp_path):
    path = tmp_path / "acl.blob"
    shutil.copy(blobs["127.0.0.1"], path)
    child = watching(path)
    assert child.reload()["cause"] == "signal"
    shutil.copy(blobs["127.0.0.2"], tmp_path / "fresh")
    os.rename(tmp_path / "fresh", path)
    assert child.wait_log("policy reloaded", 2)["cause"] == "watch"
    assert child.reload()["reloads"] == 3


def test_nothing_to_watch():
    assert "there is nothing to watch" in refused(run_smokescreen("--watch"))


def test_check_config_says_so(tmp_path):
    blob = harness.compile_acl(tmp_path, ACL % "a.test")
    done = run_smokescreen("--check-config", "--egress-acl-file", blob,
                           "--watch")
    assert "watch: true\n" in done.stdout
