"""The benchmark: equal networks on both sides, turns in time, clear errors."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tiny

import experiments
import zoo
from experiments import benchmark, throughput

ROOT = pathlib.Path(__file__).parent.parent
WITHOUT = importlib.util.find_spec("torch") is None


def called(*flags):
    """Exit code of the command within this process, where nothing is imported."""
    return experiments.start(benchmark.VERB, benchmark.main, ["benchmark", *flags])


def assert_names_the_missing_pytorch(capsys):
    assert called() == 1
    err = capsys.readouterr().err
    assert err.startswith("benchmark: The benchmark needs PyTorch")
    assert (
        err.endswith("install it with `pip install torch`.\n") and err.count("\n") == 1
    )


def test_without_pytorch_one_sentence_tells_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_names_the_missing_pytorch(capsys)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(28, 28, 1), (36, 25, 3)])
@pytest.mark.parametrize("name", benchmark.DEFAULT)
def test_both_sides_have_equal_networks(name, shape, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    import torch

    from experiments.pytorch.loop import MODELS

    model, settings = benchmark.SETTINGS.get(name, (name, {}))
    ours = zoo.get(model, image_shape=shape, **settings)
    theirs = MODELS[model](shape, ours.config)
    assert list(theirs.networks) == list(ours.networks)
    for network, module in theirs.networks.items():
        sizes = [weight.numel() for weight in module.parameters()]
        weights = ours.network(network).trainable_variables
        assert sorted(sizes) == sorted(w.value.shape.num_elements() for w in weights)
    count = 2 * ours.batches_per_step
    images = torch.rand(count, shape[2], *shape[:2]) * 2 - 1
    terms = theirs.step(images, torch.arange(count) % 4)
    assert set(terms) == set(ours.terms)
    assert all(torch.isfinite(term) for term in terms.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", benchmark.STEPWISE)
def test_both_sides_sample_in_the_same_steps(name, capsys, monkeypatch):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    import torch

    from experiments.pytorch.loop import MODELS

    ours = tiny.model(name)
    theirs = MODELS[name]((8, 8, 1), ours.config)
    # In both, a network whose answer is half of what it is given, whatever the time.
    unet = lambda x, *_: 0.5 * x  # noqa: E731
    monkeypatch.setattr(ours, "ask", lambda network, x, *_, **__: 0.5 * x)
    ours.prediction = "eps" if name == "ddpm" else "velocity"
    monkeypatch.setattr(theirs, "average", unet)
    x = ours.sample(2, seed=0, steps=3, trajectory=True)
    start = torch.from_numpy(x[:, 0]).permute(0, 3, 1, 2)
    monkeypatch.setattr(torch, "randn", lambda *shape: start)
    made = theirs.sample(2, 3).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(made, x[:, -1], atol=1e-4)


@pytest.mark.slow
def test_sampling_is_measured_too(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=flow", "--task=sampling", "--steps=2", "--rounds=1"]
    flags += ["--batch_size=2", "--threads=1", "--clock=cpu"]
    assert called(*flags, f"--out={tmp_path}/benchmark.json") == 0
    content = json.loads((tmp_path / "benchmark.json").read_text())
    (result,) = content["results"]
    assert content["task"] == "sampling" and result["ratio"] > 0
    assert result["images_per_second"] > 0 and len(result["pytorch"]) == 1


@pytest.mark.slow
def test_prints_a_table_and_writes_all_rounds(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=vae", "--steps=2", "--rounds=2", "--batch_size=8", "--threads=1"]
    command = [sys.executable, "-m", "experiments.benchmark", *flags, "--clock=cpu"]
    done = subprocess.run(
        [*command, f"--out={tmp_path}/benchmark.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and done.stderr == ""
    header, line, *rest = done.stdout.splitlines()
    assert header.split()[:4] == ["images/s", "zoo", "PyTorch", "ratio"]
    content = json.loads((tmp_path / "benchmark.json").read_text())
    (result,) = content["results"]
    assert len(result["zoo"]) == 3 and len(result["pytorch"]) == 2
    assert line.split()[3] == f"{result['ratio']:.2f}"
    assert content["geometric mean"] == round(result["ratio"], 3)
    assert {"processor", "threads", "torch", "keras"} <= {
        row.split()[0] for row in rest
    }


@pytest.mark.parametrize(
    "flag, words",
    [
        ("--models=unet", "Received: unet"),
        ("--models=vae,unet", "Received: vae,unet"),
        ("--steps=0", "steps"),
        ("--out=nowhere/b.json", "folder that exists"),
    ],
)
def test_a_wrong_flag_is_one_sentence(flag, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert called(flag) == 1
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_only_models_that_sample_in_steps_have_that_task(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert called("--task=sampling", "--models=gan") == 1
    assert "has ddpm, flow in PyTorch for sampling" in capsys.readouterr().err


def result(zoo_speeds, pytorch_speeds, clock="wall"):
    """A `Result` of (images/s, share of other work)."""
    job = throughput.Job("vae", "vae", "vae", {}, "digits", 8, 1, 2, 2, 1, clock)
    sides = (
        [throughput.Round(*each) for each in side]
        for side in (zoo_speeds, pytorch_speeds)
    )
    return throughput.Result(job, *sides)


def test_each_round_is_compared_with_its_neighbours_in_time():
    slower = result([(4, 0), (2, 0), (1, 0)], [(4, 0), (1, 0)])  # a slowing machine
    assert sorted(slower.ratios) == [0.5, 1.0, 1.0, 2.0]
    assert slower.figures()["ratio"] == 1.0


def test_rounds_disturbed_by_other_work_do_not_count_unless_there_are_no_others():
    disturbed = ([(4, 0), (4, 0), (9, 0.5)], [(2, 0), (1, 0.3)])
    assert result(*disturbed).ratios == [2.0, 2.0]
    assert len(result(*disturbed, clock="cpu").ratios) == 4  # of no matter there
    assert result([(4, 0.2), (4, 0.2)], [(1, 0.2)]).ratios == [4.0, 4.0]


class Broken(Exception):
    pass


def breaks(job, start, stop):
    start()
    raise Broken("the words of it")


def dies(job, start, stop):
    start()
    os._exit(1)


def sleeps_twice(job, start, stop):
    for _ in range(2):
        start()
        stop()


def test_a_side_answers_round_by_round_and_tells_its_errors():
    job = result([], []).job
    with throughput.Side(sleeps_twice, job) as side:
        assert side.round().speed > 0 and side.round().speed > 0
        with pytest.raises(ValueError, match="died"):
            side.round()
    with throughput.Side(breaks, job) as side:
        with pytest.raises(ValueError, match="Broken: the words of it"):
            side.round()
    with throughput.Side(dies, job) as side:
        with pytest.raises(ValueError, match="died"):
            side.round()
