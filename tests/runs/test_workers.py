"""Tests several workers: two processes train as one would, and none goes on alone."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
import replica_worker
import tiny
from tiny_runs import TINY, prepare

import zoo
from zoo import backend
from zoo.commands import launch, workers
from zoo.data.batches import Batches, Epochs
from zoo.runs import folder as runs
from zoo.runs import rendezvous, strategies
from zoo.runs import workers as zoo_workers

if backend.NAME != "tensorflow":
    pytest.skip("workers are TensorFlow's", allow_module_level=True)

from zoo.backend import tensorflow_workers  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]
PATHS = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
LIMIT = 300  # seconds after which a test gives up


def environment(**more):
    return os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "PYTHONPATH": PATHS} | more


# --- the steps ------------------------------------------------------------------------


def train_on_two(folder, names):
    """Trains tiny models on two workers that run `replica_worker`."""
    addresses = [f"localhost:{port}" for port in workers.free_ports(2)]
    command = [sys.executable, "replica_worker.py", str(folder), *names]
    running = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        how = {"cwd": ROOT / "tests" / "tools", "env": environment(TF_CONFIG=config)}
        running.append(subprocess.Popen(command, **how))
    try:
        assert [each.wait(LIMIT * len(names)) for each in running] == [0, 0]
    finally:
        for each in running:
            each.kill()


def assert_two_workers_equal_one(folder, names):
    train_on_two(folder, names)
    for name in names:
        start = tiny.values(tiny.model(name).weights)
        one, logs = replica_worker.train(name, None)
        for index in range(2):
            with np.load(folder / f"{name}-{index}.npz") as file:
                two = [file[key] for key in file.files if key.startswith("weight_")]
                terms = {term: file[term] for term in logs}
            moved = max(np.abs(b - a).max() for a, b in zip(start, one))
            apart = max(np.abs(b - a).max() for a, b in zip(two, one, strict=True))
            assert apart <= 1e-5 * moved, (name, apart, moved)
            for term, value in logs.items():
                np.testing.assert_allclose(terms[term], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one(tmp_path):
    # These models have latents, a critic that moves twice per step, averages of
    # weights, labels, dropout, augmentation, and batch statistics.
    assert_two_workers_equal_one(tmp_path, ["wgan", "classifier"])


@pytest.mark.slow
@pytest.mark.full
def test_two_workers_take_the_steps_of_one_in_every_model(tmp_path):
    assert_two_workers_equal_one(tmp_path, list(zoo.names()))


# --- agreements -----------------------------------------------------------------------


class Chief:
    """Plays the chief in `backend.gathered`, for the clock of another worker."""

    def __init__(self, seconds, wish=0):
        self.seconds, self.wish, self.calls = seconds, wish, 0

    def gathered(self, strategy, numbers):
        self.calls += 1
        self.ours = list(numbers)
        return [[self.seconds, 5, self.wish], self.ours]


@pytest.fixture
def clock(monkeypatch):
    worker_clock = zoo_workers.Clock(runs.Progress(), minutes=1.0, steps_per_epoch=12)
    worker_clock.set_model(tiny.model("vae"))
    return worker_clock


def begin_epoch(clock, chief, monkeypatch, batches):
    monkeypatch.setattr(backend, "gathered", chief.gathered)
    clock.on_epoch_begin(0)
    for batch in range(batches):
        clock.on_train_batch_begin(batch)


def test_workers_keep_the_chiefs_time(clock, monkeypatch):
    chief = Chief(seconds=59.0)
    begin_epoch(clock, chief, monkeypatch, 12)
    assert chief.calls == 3  # at batches 0, 5 and 10, as the chief said
    chief.seconds = 61.0
    assert not clock.is_out_of_time  # not until all workers know
    clock.on_epoch_end(0)
    assert clock.is_out_of_time and clock.progress.seconds == 61.0
    assert clock.progress.epoch == 1


def test_a_signal_is_acted_on_when_all_know(clock, monkeypatch):
    interrupt = zoo_workers.Interrupt(None, clock)
    chief = Chief(seconds=1.0)
    begin_epoch(clock, chief, monkeypatch, 2)
    interrupt.received = signal.SIGTERM  # as the handler does
    assert interrupt.received is None
    clock.on_train_batch_begin(5)
    assert chief.ours[2] == signal.SIGTERM and interrupt.received == signal.SIGTERM


def test_a_signal_that_the_chief_got_counts_too(clock, monkeypatch):
    interrupt = zoo_workers.Interrupt(None, clock)
    begin_epoch(clock, Chief(seconds=1.0, wish=signal.SIGINT), monkeypatch, 1)
    assert interrupt.received == signal.SIGINT


# --- before the first step ------------------------------------------------------------


def gathering(monkeypatch, *texts):
    """Makes worker 0 gather these texts, one of each worker."""
    contents = [text.encode() for text in texts]

    def gathered(strategy, numbers):
        if len(numbers) == 1 and len(contents[0]) != 1:
            return [[float(len(content))] for content in contents]
        return [list(map(float, c.ljust(len(numbers), b"\0"))) for c in contents]

    monkeypatch.setattr(backend, "gathered", gathered)


def test_workers_that_are_alike_begin(monkeypatch):
    gathering(monkeypatch, '{"seed": 0}', '{"seed": 0}')
    zoo_workers.require_alike(None, {"seed": 0})


def test_what_differs_between_workers_is_named(monkeypatch):
    here, there = {"seed": 0, "width": "é"}, {"seed": 1, "width": "é", "depth": 2}
    gathering(monkeypatch, *map(json.dumps, (here, here, there)))
    words = (
        "seed is 0 of worker 0 and 1 of worker 2; depth is None .* and 2 of worker 2"
    )
    with pytest.raises(ValueError, match=words):
        zoo_workers.require_alike(None, here)


@pytest.mark.slow
def test_workers_compare_settings_versions_code_and_data(tmp_path, monkeypatch):
    compared = []
    monkeypatch.setattr(
        zoo_workers, "require_alike", lambda strategy, facts: compared.append(facts)
    )
    monkeypatch.setattr(strategies, "create", lambda name: None)
    monkeypatch.setattr(strategies, "cluster", lambda: (["a:1"], 0))
    monkeypatch.setattr(backend, "from_chief", lambda strategy, content: content)
    run = prepare(tmp_path / "run", "--strategy=multi_worker", "--epochs=1")
    settings, data = compared
    assert settings["seed"] == 0 and settings["config latent_dim"] == 2
    assert settings["the version of zoo"] and len(settings["the code of the zoo"]) == 64
    assert not {"workdir", "data_dir"} & set(settings)
    assert data == {"the images": run.data}


@pytest.fixture
def addresses():
    return [f"localhost:{port}" for port in workers.free_ports(2)]


def test_workers_meet_whoever_comes_first(addresses, monkeypatch, capsys):
    monkeypatch.setattr(rendezvous, "PATIENCE", 0.2)
    ports = [int(address.split(":")[1]) for address in addresses]
    have_met, servers = threading.Barrier(2, timeout=20), []

    def work(index):
        rendezvous.meet(addresses, index)
        # From here on TensorFlow uses the port; the other worker may not have seen us
        # yet.
        servers.append(socket.create_server(("localhost", ports[index])))
        have_met.wait()

    late = threading.Timer(0.6, work, [1])
    late.start()
    work(0)
    late.join()
    for server in servers:
        server.close()
    assert f"waiting for worker 1 at {addresses[1]}" in capsys.readouterr().err


def test_a_worker_that_never_comes_is_named(addresses, monkeypatch):
    monkeypatch.setattr(rendezvous, "LIMIT", 0.3)
    with pytest.raises(ConnectionError, match=f"worker 1 at {addresses[1]}"):
        rendezvous.meet(addresses, 0)


@pytest.mark.parametrize("host", ["localhost", ""])
def test_a_port_that_is_taken_is_named(host, addresses):
    with socket.create_server((host, int(addresses[0].split(":")[1]))):
        with pytest.raises(OSError, match=f"Worker 0 .* Received: {addresses[0]}"):
            rendezvous.meet(addresses, 0)


def one_worker(index, addresses, *flags):
    """Starts a training process as one of these workers."""
    task = {"type": "worker", "index": index}
    config = json.dumps({"cluster": {"worker": addresses}, "task": task})
    command = [sys.executable, "-m", "experiments.train", *TINY, *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    how = {"cwd": ROOT, "env": environment(TF_CONFIG=config)}
    return subprocess.Popen([*command, "--strategy=multi_worker"], **how, **pipes)


@pytest.mark.slow
def test_workers_of_other_settings_do_not_train_together(addresses, tmp_path):
    own = ([], ["--seed=1", "--set=width=8"])
    flags = ["--epochs=1", f"--workdir={tmp_path}/run"]
    running = [one_worker(i, addresses, *flags, *own[i]) for i in range(2)]
    for text, process in [(said(process), process) for process in running]:
        assert process.returncode == 1 and "Traceback" not in text
        last = text.splitlines()[-1]
        assert "seed is 0 of worker 0 and 1 of worker 1" in last
        assert "config width is 4 of worker 0 and 8 of worker 1" in last
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_worker_that_waits_says_so_and_can_be_stopped(addresses, tmp_path):
    process = one_worker(0, addresses, f"--workdir={tmp_path}/run")
    lines = iter(process.stdout.readline, "")
    assert any(f"waiting for worker 1 at {addresses[1]}" in line for line in lines)
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == 130


# --- the launcher ---------------------------------------------------------------------


def launched(*flags, **options):
    command = [sys.executable, "-m", "experiments.launch", *TINY, *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment(), cwd=ROOT, **pipes, **options)


def said(process):
    """Returns what a launcher printed until its end."""
    try:
        return process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        process.terminate()  # its workers end with it
        raise


def rows(folder):
    """Returns the rows of metrics.csv without the seconds."""
    lines = (folder / "metrics.csv").read_text().splitlines()
    place = lines[0].split(",").index("seconds")
    return [line.split(",")[:place] + line.split(",")[place + 1 :] for line in lines]


def worker_processes(launcher):
    """Returns {index: pid} of a launcher's workers."""
    processes = {}
    children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text()
    for pid in map(int, children.split()):
        config = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"TF_CONFIG=")
        config = json.loads(config[1].split(b"\0")[0])
        processes[config["task"]["index"]] = pid
    return processes


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Returns the folder of a run of four epochs on two workers, and what was
    printed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    process = launched("--workers=2", "--epochs=4", f"--workdir={folder}")
    text = said(process)
    assert process.returncode == 0, text
    return folder, text


@pytest.mark.slow
def test_launched_workers_train_into_one_folder(whole):
    folder, text = whole
    assert "[0] epoch 4/4" in text and "[1] " not in text  # only the chief prints
    assert [row[0] for row in rows(folder)] == ["epoch", "1", "2", "3", "4"]
    assert zoo.load(folder).sample(2, seed=0).shape == (2, 8, 8, 1)
    record = json.loads((folder / "run.json").read_text())
    assert record["settings"]["strategy"] == "multi_worker"
    names = {path.name for path in folder.iterdir()}
    assert {"model.keras", "metrics.csv", "curves.png", "samples"} <= names
    assert len(list((folder / "samples").glob("*.png"))) == 8


def stopped(folder, stop, *flags):
    """Launches a run of four epochs, calls `stop(launcher, {index: pid})` after the
    first checkpoint, and returns (exit code, text, seconds until the end)."""
    process = launched("--workers=2", "--epochs=4", f"--workdir={folder}", *flags)
    deadline = time.monotonic() + LIMIT
    while not list(folder.glob("checkpoints/[0-9]*.keras")):
        assert time.monotonic() < deadline and process.poll() is None, said(process)
        time.sleep(0.02)
    stop(process.pid, worker_processes(process.pid))
    began = time.monotonic()
    text = said(process)
    return process.returncode, text, time.monotonic() - began


def assert_goes_on_as(whole, folder):
    process = launched("--workers=2", "--epochs=4", f"--workdir={folder}")
    text = said(process)
    assert process.returncode == 0 and "[0] goes on after epoch" in text, text
    assert rows(folder) == rows(whole)
    for one, other in zip(tiny.state(zoo.load(folder)), tiny.state(zoo.load(whole))):
        np.testing.assert_array_equal(one, other)


def assert_a_loss_ends_all(victim, folder):
    def kill(launcher, pids):
        os.kill(pids[victim], signal.SIGKILL)

    code, text, seconds = stopped(folder, kill)
    assert code == 1 and seconds < 40, text
    assert f"launch: worker {victim} ended by SIGKILL" in text
    assert f"[{1 - victim}] train: Another worker has gone" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_a_killed_worker_ends_all_and_the_run_goes_on_exactly(whole, tmp_path):
    assert_a_loss_ends_all(1, tmp_path / "run")
    assert_goes_on_as(whole[0], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.full
def test_a_killed_chief_ends_all_and_the_run_goes_on_exactly(whole, tmp_path):
    assert_a_loss_ends_all(0, tmp_path / "run")
    assert_goes_on_as(whole[0], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("who", ["launcher", 0, 1])
def test_a_signal_to_one_stops_all_at_the_same_step(who, whole, tmp_path):
    def terminate(launcher, pids):
        os.kill(launcher if who == "launcher" else pids[who], signal.SIGTERM)

    code, text, seconds = stopped(tmp_path / "run", terminate)
    assert code == (143 if who == "launcher" else 1) and seconds < 40, text
    assert "[0] SIGTERM: saved" in text and "[1] SIGTERM: saved" in text
    assert_goes_on_as(whole[0], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.full
def test_a_budget_stops_all_at_the_same_step(tmp_path):
    folder = tmp_path / "run"
    how = ("--epochs=1000", "--minutes=0.2", "--image_every=1000")
    process = launched("--workers=2", f"--workdir={folder}", *how)
    text = said(process)
    assert process.returncode == 0, text
    assert (folder / "model.keras").exists()


def test_a_flag_file_cannot_choose_another_strategy(monkeypatch):
    commands = []
    monkeypatch.setattr(
        workers.subprocess, "Popen", lambda command, **_: commands.append(command)
    )
    workers.Workers(["a:1"], [0], ["--flagfile=mine.flags"])
    (command,) = commands
    assert command[-2:] == ["--flagfile=mine.flags", "--strategy=multi_worker"]


@pytest.mark.parametrize("pause", ["", "sleep 0.3; "])
def test_of_workers_that_end_as_one_the_killed_one_is_told(pause, monkeypatch, capsys):
    ends = [f"{pause}exit 1", f"{pause}kill -KILL $$", "sleep 60"]

    def start(self, index):
        return subprocess.Popen(
            ["sh", "-c", ends[index]], stdout=subprocess.PIPE, text=True
        )

    monkeypatch.setattr(workers.Workers, "_start", start)
    # Seconds; no new process takes so long to end.
    monkeypatch.setattr(workers, "POLL", 0.5)
    monkeypatch.setattr(workers.signal, "signal", lambda number, handler: None)
    for ours in ([0, 1], [0, 1, 2]):
        assert workers.Workers(["a:1", "b:1", "c:1"], ours, []).run(grace=0.1) == 1
        assert "launch: worker 1 ended by SIGKILL" in capsys.readouterr().err


# --- what cannot be -------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "--workers=2 on this machine"),
        (["--workers=0"], "at least 1"),
        (["--workers=2", "--hosts=a:1,b:2", "--index=0"], "--workers=2 on this"),
        (["--hosts=a:1,b:2"], "--index=0"),
        (["--hosts=a:1,b:2", "--index=2"], "0 to 1"),
        (["--hosts=a,b:2", "--index=0"], "name:port"),
        (["--hosts=a:1,a:1", "--index=0"], "stands once"),
        (["--workers=2", "--strategy=mirrored"], "multi_worker"),
    ],
)
def test_a_wrong_cluster_is_one_sentence(flags, message, capsys):
    from zoo import commands

    own, rest = launch.split(["launch", *flags])
    assert commands.start(launch.VERB, lambda: launch.main(rest), own) == 1
    err = capsys.readouterr().err
    assert message in err and "Received" in err and err.count("\n") == 1


def test_flags_are_shared_out_between_launch_and_train():
    argv = ["launch", "--workers=2", "--model=vae", "--set=width=4", "--grace=3"]
    own, rest = launch.split(argv)
    assert own == ["launch", "--workers=2", "--grace=3"]
    assert rest == ["--model=vae", "--set=width=4"]


def test_workers_take_no_py_dataset(monkeypatch):
    monkeypatch.setattr(tensorflow_workers, "has_workers", lambda strategy: True)
    strategy = types.SimpleNamespace(num_replicas_in_sync=2)
    model = types.SimpleNamespace(distribute_strategy=strategy)
    batches = Batches(lambda epoch, number: tiny.floats(4), range(3), Epochs(0, 3))
    with pytest.raises(ValueError, match="workers share .* PyDataset, Batches"):
        tensorflow_workers.distributed(model, batches)


@pytest.mark.parametrize("config", ["", "{}", "[", '{"cluster": {"worker": []}}'])
def test_multi_worker_without_workers_is_one_sentence(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG.*experiments.launch"):
        strategies.create("multi_worker")
