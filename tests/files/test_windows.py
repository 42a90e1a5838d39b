"""What the zoo writes on Windows: tested by emulation of what Windows refuses."""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import signal
import sys

import numpy as np
import pytest
import tiny
import tiny_runs

import zoo
from zoo import commands, data
from zoo.files import atomic, folders, sums
from zoo.serving import versions

pytestmark = pytest.mark.skipif(
    not pathlib.Path("/proc/self/fd").is_dir(), reason="open files are listed in /proc"
)


def opened():
    """The paths that this process has open."""
    for handle in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one of the listing itself
            yield pathlib.Path(os.readlink(f"/proc/self/fd/{handle}"))


def refuse_in_use(path):
    """Windows moves and removes no file that is open, nor a folder with one in it."""
    path = pathlib.Path(path).absolute()
    if any(each.is_relative_to(path) for each in opened()):
        raise PermissionError(errno.EACCES, "it is used by a process", str(path))


@pytest.fixture
def windows(monkeypatch, tmp_path):
    """Refuses what Windows does, below the folder of the test: Python's own temporary
    files are others there."""
    call = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink")}

    def is_ours(path):
        return pathlib.Path(path).is_relative_to(tmp_path)

    def open_file(path, flags, *rest, **options):
        if is_ours(path) and os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return call["open"](path, flags, *rest, **options)

    def fsync(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        call["fsync"](handle)

    def replace(source, target, **options):
        refuse_in_use(source)
        refuse_in_use(target)
        if os.path.isdir(target):
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        call["replace"](source, target, **options)

    def unlink(path, **options):
        if is_ours(path):
            refuse_in_use(path)
        call["unlink"](path, **options)

    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(os, "remove", unlink)
    monkeypatch.setattr(shutil, "_use_fd_functions", False)  # they open folders
    monkeypatch.setattr(folders, "fcntl", None)
    monkeypatch.delattr(signal, "SIGPIPE")


def test_a_model_is_saved_and_saved_again(windows, tmp_path):
    model, path = tiny.model("ae"), tmp_path / "ae.keras"
    for _ in range(2):
        model.save(path)
    images = tiny.images(2)
    np.testing.assert_array_equal(zoo.load(path)(images), model(images))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_run_is_trained_goes_on_and_keeps_two_checkpoints(windows, tmp_path):
    for epochs in (1, 3):
        run = tiny_runs.trained(tmp_path / "run", f"--epochs={epochs}")
    assert len(run.folder.saved()) == 2 and run.folder.model.is_file()
    assert not list(run.folder.path.rglob(f"{atomic.TEMPORARY}*"))


def test_folders_appear_in_the_place_of_empty_ones(windows, tmp_path):
    (tmp_path / "records").mkdir()
    data.write_records("digits", tmp_path / "records", image_size=8)
    assert len(data.arrays(f"records:{tmp_path / 'records'}", "test")[0])
    for version in (1, 2):
        with versions.new(tmp_path / "models") as (folder, final):
            (folder / "saved_model.pb").write_text("a graph")
        assert final.name == str(version) and (final / sums.SUMS).is_file()


def test_a_folder_with_files_in_it_is_no_free_place(windows, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OSError), folders.appearing(tmp_path / "full", ".new-"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "file"]


def test_a_file_that_is_read_is_replaced_once_it_is_closed(
    windows, tmp_path, monkeypatch
):
    path, waits = tmp_path / "rows.csv", []
    path.write_text("old")
    with open(path) as reader:

        def wait(seconds):
            waits.append(seconds)
            reader.close()

        monkeypatch.setattr(folders.time, "sleep", wait)
        with atomic.replaced(path) as temporary:
            pathlib.Path(temporary).write_text("new")
    assert path.read_text() == "new" and len(waits) == 1


def test_a_file_that_stays_in_use_is_named_and_kept(windows, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "PAUSE", 0.0)
    path = tmp_path / "rows.csv"
    path.write_text("old")
    with open(path), pytest.raises(PermissionError) as caught:
        with atomic.replaced(path) as temporary:
            pathlib.Path(temporary).write_text("new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_checkpoint_that_somebody_reads_goes_with_the_next_one(windows, tmp_path):
    run = tiny_runs.trained(tmp_path / "run", "--epochs=2")
    with open(run.folder.saved()[0], "rb"):
        tiny_runs.trained(tmp_path / "run", "--epochs=3")
        assert len(run.folder.saved()) == 3
    tiny_runs.trained(tmp_path / "run", "--epochs=4")
    assert len(run.folder.saved()) == 2


def test_checksums_have_the_lines_of_every_system(windows, tmp_path):
    (tmp_path / "ü.txt").write_text("text")
    sums.write_below(tmp_path)
    line = f"{sums.sha256(tmp_path / 'ü.txt')}  ü.txt\n"
    assert (tmp_path / sums.SUMS).read_bytes() == line.encode()


def test_a_reader_that_has_seen_enough_ends_a_verb(windows, monkeypatch, tmp_path):
    verb = commands.Verb("verb", "It does nothing.", "verb")
    with open(tmp_path / "out", "w") as out:
        monkeypatch.setattr(sys, "stdout", out)

        def main():
            raise BrokenPipeError

        assert commands.start(verb, main, ["verb"]) == 141
