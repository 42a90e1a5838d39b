"""Tests the benchmark: both sides have equal networks, are measured in turns, and
errors are clear."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tiny
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import benchmark, machine, sides, throughput

ROOT = pathlib.Path(__file__).parents[2]
WITHOUT = importlib.util.find_spec("torch") is None


def called(*flags):
    """Returns the exit code of the command within this process, which saves the
    imports."""
    return commands.start(benchmark.VERB, benchmark.main, ["benchmark", *flags])


def written(*flags, folder):
    """Returns what the command writes with --out."""
    assert called(*flags, f"--out={folder}/benchmark.json") == 0
    return json.loads((folder / "benchmark.json").read_text())


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
    from torch.utils.flop_counter import FlopCounterMode

    from zoo.commands.pytorch.loop import MODELS

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
    with FlopCounterMode(display=False) as counter:  # its hooks run in the step, too
        terms = theirs.step(images, torch.arange(count) % 4)
    assert counter.get_total_flops() > 0
    assert set(terms) == set(ours.terms)
    assert all(torch.isfinite(term) for term in terms.values())


def copy_weights(network, module, *inputs):
    """Gives PyTorch's `module` the weights of Keras' `network`.

    Layers of one kind and shape are paired in the order in which the data reach them,
    which `inputs` of PyTorch tell. Channels come last in Keras, so the units of dense
    layers before and after an image stand in another order.
    """
    import torch
    from torch import nn

    kinds = {nn.Linear: "Dense", nn.Embedding: "Embedding"}
    kinds |= {nn.Conv2d: "Conv2D", nn.ConvTranspose2d: "Conv2DTranspose"}
    free = [layer for layer in network._flatten_layers() if layer.weights]
    free = [layer for layer in free if not layer._layers]
    seen, pending = [], None

    def take(kind, shape):
        for layer in free:
            sizes = [tuple(w.shape) for w in layer.weights]
            if kind in type(layer).__name__ and shape in sizes:
                free.remove(layer)
                return [torch.tensor(np.asarray(w)) for w in layer.weights]
        raise AssertionError(f"the zoo has no {kind} of {shape}")

    def after(part, inputs, result):
        nonlocal pending
        if isinstance(part, nn.Flatten):
            pending = inputs[0].shape[1:]
        elif isinstance(part, nn.Unflatten):  # made by the dense layer before
            order = np.arange(inputs[0][0].numel()).reshape(*result.shape[2:], -1)
            order = torch.from_numpy(order.transpose(2, 0, 1).ravel())
            with torch.no_grad():
                for weight in seen[-1].parameters():
                    weight.copy_(weight[order])
        elif list(part.parameters(recurse=False)):
            pair(part)

    def pair(part):
        nonlocal pending
        kind, shape = kinds.get(type(part), "Normalization"), tuple(part.weight.shape)
        if kind == "Dense":
            shape = shape[::-1]
        elif "Conv" in kind:
            shape = (*shape[2:], *shape[1::-1])
            if shape[:2] == (1, 1):
                kind, shape = "Dense", shape[2:]
        weight, *rest = take(kind, shape)
        if isinstance(part, nn.Linear):
            if pending is not None and len(weight) >= pending.numel():
                count = pending.numel()
                channels, height, width = pending
                order = np.arange(count).reshape(height, width, channels)
                weight[:count] = weight[order.transpose(2, 0, 1).ravel()]
                pending = None
            weight = weight.T
        elif isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            weight = weight.reshape(*part.kernel_size, *weight.shape[-2:])
            weight = weight.permute(3, 2, 0, 1)
        with torch.no_grad():
            part.weight.copy_(weight)
            if getattr(part, "bias", None) is not None:
                part.bias.copy_(rest[0])
        seen.append(part)

    module.eval()
    hooks = [part.register_forward_hook(after) for part in module.modules()]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    assert not free  # every layer has its counterpart


@pytest.mark.slow
@pytest.mark.parametrize("name", benchmark.DEFAULT)
def test_both_sides_compute_the_same_from_the_same_weights(name, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    import torch

    from zoo.commands.pytorch.loop import MODELS

    model, settings = benchmark.SETTINGS.get(name, (name, {}))
    shape = (18, 16, 1)
    ours = zoo.get(model, image_shape=shape, **settings)
    theirs = MODELS[model](shape, ours.config)
    random = np.random.default_rng(0)
    for network, module in theirs.networks.items():
        keras_network = ours.network(network)
        # Biases would be zeros otherwise.
        for weight in keras_network.trainable_variables:
            weight.assign(random.normal(0, 0.1, weight.shape))
        arrays = [
            random.uniform(-1, 1, (2, *x.shape[1:])).astype("float32")
            if "float" in x.dtype
            else np.array([0, 3], "int32")
            for x in keras_network.inputs
        ]
        copies = [
            torch.from_numpy(x.transpose(0, 3, 1, 2).copy() if x.ndim == 4 else x)
            for x in arrays
        ]
        copy_weights(keras_network, module, *copies)
        answers = keras_network(
            arrays if len(arrays) > 1 else arrays[0], training=False
        )
        with torch.no_grad():
            results = module(*copies)
        results = keras.tree.flatten(results)
        answers = keras.tree.flatten(answers)[-len(results) :]
        for answer, result in zip(answers, results, strict=True):
            result = result.numpy()
            result = result.transpose(0, 2, 3, 1) if result.ndim == 4 else result
            np.testing.assert_allclose(result, answer, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", benchmark.STEPWISE)
def test_both_sides_sample_in_the_same_steps(name, capsys, monkeypatch):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    import torch

    from zoo.commands.pytorch.loop import MODELS

    ours = tiny.model(name)
    theirs = MODELS[name]((8, 8, 1), ours.config)
    # On both sides, the network answers with half of its input at every time.
    unet = lambda x, *_: 0.5 * x  # noqa: E731
    monkeypatch.setattr(ours, "ask", lambda network, x, *_, **__: 0.5 * x)
    ours.prediction = "eps" if name == "ddpm" else "velocity"
    monkeypatch.setattr(theirs, "average", unet)
    x = ours.sample(2, seed=0, steps=3, trajectory=True)
    start = torch.from_numpy(x[:, 0]).permute(0, 3, 1, 2)
    monkeypatch.setattr(torch, "randn", lambda *shape: start)
    samples = theirs.sample(2, 3).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(samples, x[:, -1], atol=1e-4)


@pytest.mark.slow
@pytest.mark.full
def test_sampling_is_measured_too(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=flow", "--task=sampling", "--steps=2", "--rounds=1"]
    flags += ["--batch_size=2", "--threads=1", "--clock=cpu"]
    content = written(*flags, folder=tmp_path)
    (result,) = content["results"]
    assert content["task"] == "sampling" and result["ratio"] > 0
    assert result["images_per_second"] > 0 and len(result["rival"]) == 1


def lines_of(*flags, folder):
    """Returns what a process of the benchmark prints, with small counts."""
    flags = [*flags, "--batch_size=8", "--threads=1", "--clock=cpu"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.benchmark", *flags],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.slow
def test_prints_a_table_and_writes_all_rounds(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=vae", "--steps=2", "--rounds=2"]
    file = f"--out={tmp_path}/benchmark.json"
    header, line, *rest = lines_of(*flags, file, folder=tmp_path)
    assert header.split()[:4] == ["images/s", "zoo", "PyTorch", "ratio"]
    content = json.loads((tmp_path / "benchmark.json").read_text())
    (result,) = content["results"]
    assert len(result["zoo"]) == 3 and len(result["rival"]) == 2
    assert line.split()[3] == f"{result['ratio']:.2f}"
    costs = {"memory", "first_step", "of_matmul"}
    for key in costs | {f"{cost}_of_rival" for cost in costs}:
        assert result[key] > 0
    assert result["of_matmul"] < 1
    assert sum(row.startswith("vae ") for row in rest) == 1  # the line of costs
    assert content["geometric mean"] == round(result["ratio"], 3)
    assert {"processor", "threads", "torch", "keras"} <= {
        row.split()[0] for row in rest if row
    }


@pytest.mark.parametrize(
    "flag, words",
    [
        ("--models=unet", "Received: 'unet'"),
        ("--models=vae,unet", "Received: 'unet'"),
        ("--steps=0", "steps"),
        ("--batch_size=8,0", "--batch_size is at least 1. Received: 0"),
        ("--replicas=1,0", "--replicas is at least 1. Received: 0"),
        ("--replicas=1,3", "shared out equally.*batch_size=128, replicas=3"),
        ("--models=wgan --batch_size=512", "takes 2560 images, and there are 1350"),
        ("--plot=nowhere/b.png", "folder that exists"),
        ("--out=nowhere/b.json", "folder that exists"),
    ],
)
def test_a_wrong_flag_is_one_sentence(flag, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert called(*flag.split()) == 1
    err = capsys.readouterr().err
    assert re.search(words, err) and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.full
def test_several_replicas_are_rows_of_the_table(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=ae", "--steps=1", "--rounds=1", "--replicas=1,2"]
    assert called(*flags, "--batch_size=8", "--threads=1", "--clock=cpu") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[:3] for line in lines[1:3]]
    assert [row[:2] for row in rows] == [["ae", "R=1"], ["ae", "R=2"]]
    assert all(float(row[2]) > 0 for row in rows)


def test_only_models_that_sample_in_steps_have_that_task(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert called("--task=sampling", "--models=gan") == 1
    assert "has ddpm, flow in PyTorch for sampling" in capsys.readouterr().err


def result(zoo_speeds, pytorch_speeds, clock="wall"):
    """Returns a `Result` from pairs (images/s, share of other work)."""
    job = throughput.Job("vae", "vae", "vae", {}, "digits", None, 8, 1, 2, 2, 1, clock)
    both = (
        [sides.Round(*each) for each in side] for side in (zoo_speeds, pytorch_speeds)
    )
    return throughput.Result(job, *both)


def test_each_round_is_compared_with_its_neighbours_in_time():
    # A machine that gets slower.
    slower = result([(4, 0), (2, 0), (1, 0)], [(4, 0), (1, 0)])
    assert sorted(slower.ratios) == [0.5, 1.0, 1.0, 2.0]
    assert slower.figures()["ratio"] == 1.0


def test_rounds_disturbed_by_other_work_do_not_count_unless_there_are_no_others():
    disturbed = ([(4, 0), (4, 0), (9, 0.5)], [(2, 0), (1, 0.3)])
    assert result(*disturbed).ratios == [2.0, 2.0]
    # Other work does not matter there.
    assert len(result(*disturbed, clock="cpu").ratios) == 4
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


@pytest.mark.slow
def test_a_side_answers_round_by_round_and_tells_its_errors():
    job = result([], []).job
    with sides.Side(sleeps_twice, job) as side:
        assert side.round().speed > 0 and side.round().speed > 0
        with pytest.raises(ValueError, match="died"):
            side.round()
    with sides.Side(breaks, job) as side:
        with pytest.raises(ValueError, match="Broken: the words of it"):
            side.round()
    with sides.Side(dies, job) as side:
        with pytest.raises(ValueError, match="died"):
            side.round()


def test_each_side_tells_its_costs():
    round_ = {"speed": 100.0, "others": 0.0}
    ours, theirs = (
        sides.Round(**round_, facts={"memory": memory, "age": age})
        for memory, age in ((300.0, 4.0), (200.0, 2.0))
    )
    # A step has eight images and 1,000 operations, so 100 images/s are 12,500
    # operations/s.
    facts = {"operations": 1000, "rate": 50_000}
    job = result([], []).job
    measured = throughput.Result(job, [ours, ours], [theirs], (ours, theirs), facts)
    figures = measured.figures()
    assert figures["memory"] == 300 and figures["memory_of_rival"] == 200
    assert figures["first_step"] == 4 and figures["first_step_of_rival"] == 2
    assert figures["of_matmul"] == figures["of_matmul_of_rival"] == 0.25
    line = measured.costs().split()
    assert line == [
        "vae",
        "300",
        "MB",
        "200",
        "MB",
        "4.0",
        "s",
        "2.0",
        "s",
        "25%",
        "25%",
    ]


def test_of_several_batch_sizes_each_side_is_told_at_its_best():
    def at(batch_size, ours, theirs):
        whole = result([(ours, 0), (ours, 0)], [(theirs, 0)])
        name = f"vae B={batch_size}"
        job = dataclasses.replace(whole.job, batch_size=batch_size, name=name)
        return dataclasses.replace(whole, job=job)

    _, line = throughput.best([at(8, 1000.0, 500.0), at(16, 900.0, 800.0)])
    assert line.split() == ["vae", "1,000", "(B=8)", "800", "(B=16)", "1.25"]


@pytest.mark.slow
@pytest.mark.full
def test_the_script_for_a_gpu_runs_dry_without_one(tmp_path):
    if WITHOUT or importlib.util.find_spec("jax") is None:
        pytest.skip("the comparison on a GPU needs PyTorch and JAX")
    command = [sys.executable, "-m", "experiments.gpu", "--dry_run", "--models=ae"]
    done = subprocess.run(
        [*command, f"--out={tmp_path}/gpu", "--image_size=8"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
        | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    for rival, is_compiled in (("eager", False), ("compiled", True)):
        content = json.loads((tmp_path / "gpu" / f"{rival}.json").read_text())
        assert content["torch.compile"] is is_compiled and "jax" in content
        assert content["results"][0]["ratio"] > 0
        assert (tmp_path / "gpu" / f"{rival}.png").exists()


@pytest.mark.slow
def test_a_process_tells_its_peak_of_memory_anew():
    megabytes = np.ones(400 * 2**20, "uint8")
    high = machine.peak_memory()
    del megabytes
    machine.forget_peak()
    assert machine.peak_memory() < high - 300


@pytest.mark.slow
@pytest.mark.full
def test_fit_is_measured_against_its_bare_steps(tmp_path, capsys, monkeypatch):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=ae", "--against=steps", "--steps=2", "--rounds=1", "--threads=1"]
    flags += ["--batch_size=8,16", "--image_size=8", "--clock=cpu"]
    plot = tmp_path / "ratios.png"
    assert called(*flags, f"--plot={plot}") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["images/s", "zoo", "steps", "ratio"]
    assert [line.split()[1] for line in lines[:2]] == ["B=8", "B=16"]
    assert Image.open(plot).width > 500


@pytest.mark.slow
@pytest.mark.full
def test_bare_steps_take_as_many_batches_as_those_of_fit(tmp_path, capsys):
    if WITHOUT:
        assert_names_the_missing_pytorch(capsys)
        return
    flags = ["--models=wgan", "--against=steps", "--steps=3", "--rounds=2"]
    flags += ["--image_size=16", "--clock=cpu", "--threads=1"]
    (wgan,) = written(*flags, folder=tmp_path)["results"]
    assert 0.5 < wgan["ratio"] < 2  # a step of one batch gave 0.23
