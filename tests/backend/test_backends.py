"""The same on each of Keras' backends: every test runs in a process of its own.

What is not installed is skipped; JAX runs as where there is no TensorFlow.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tiny

import zoo

THIS = pathlib.Path(__file__)
TESTS = THIS.parents[1]
OTHERS = [name for name in ("jax", "torch") if name != keras.backend.backend()]
every_other = pytest.mark.parametrize("name", OTHERS)
HIDDEN = ("tensorflow", "tensorflow_datasets")


def on_backend(name, program, *argv, cwd, timeout=600, **environment):
    """Output of a Python program that runs on the backend `name`."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed (jax: requirements-jax.txt)")
    with tempfile.TemporaryDirectory() as first:  # on the path, and in processes of it
        for module in HIDDEN:
            text = "raise ModuleNotFoundError('hidden by the tests')"
            pathlib.Path(first, f"{module}.py").write_text(text)
        paths = os.pathsep.join([first, str(TESTS.parent), str(TESTS)])
        done = subprocess.run(
            [sys.executable, "-c", f"import sys\n{program}", *map(str, argv)],
            cwd=cwd,
            env={
                **os.environ,
                "KERAS_BACKEND": name,
                "PYTHONPATH": paths,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def marked():
    """The test files with tests for any backend."""
    text = "pytest.mark.any_backend"
    files = sorted(TESTS.glob("*/test_*.py"))
    return [file for file in files if text in file.read_text() and file != THIS]


CONTRACT = TESTS / "core" / "test_contract.py"
# What tells most of the contract; the rest runs with -m full.
LATER = "cyclegan or srgan or latent_diffusion or stylegan or rnn_vaegan or palette"
LATER += " or interpolator"
KIN = " or ".join(["bigan", *tiny.KIN])
MOST_TELLING = f"(addressed or resumed or file_holds) and not ({KIN} or {LATER})"

# XLA would take longer to make its programs fast than these tests to run them, and
# meets the same ones again and again.
QUICK = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 "
    "--xla_llvm_disable_expensive_passes=true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
RUN = """
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def run_tests(name, marks, files, cache, timeout, *more):
    """Runs the tests of these marks and files in one process on the backend `name`."""
    flags = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", *more]
    quick = QUICK | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    argv = [*flags, "-m", f"any_backend and {marks}", *files]
    assert " passed" in on_backend(
        name, RUN, *argv, cwd=TESTS, timeout=timeout, **quick
    )


@pytest.mark.slow
@every_other
def test_what_is_for_any_backend_holds(name, tmp_path):
    marks, contract = "not full", f"not ({LATER} or {KIN})"
    if name == "jax":  # each operation without a graph is a program to compile
        marks, contract = "not full and not eager", MOST_TELLING
    others = [file for file in marked() if file != CONTRACT]
    run_tests(name, marks, others, tmp_path, 1800)
    run_tests(name, marks, [CONTRACT], tmp_path, 1800, "-k", contract)


@pytest.mark.slow
@pytest.mark.full
@every_other
def test_the_rest_of_what_is_for_any_backend_holds(name, tmp_path):
    run_tests(name, "(full or eager)", marked(), tmp_path, 9000)
    rest = ("-k", f"not ({MOST_TELLING})")
    run_tests(name, "not eager", [CONTRACT], tmp_path, 9000, *rest)


TRAIN = """
import os, random
import keras, numpy as np, tiny, zoo
path, name = sys.argv[1:]
random.shuffle = None  # by it Keras would change the order of batches
sent = zoo.load(path + "/sent.keras")
batches = zoo.data.load("digits", batch_size=450, image_size=8)
model = tiny.model(name)
history = model.fit(batches, epochs=2, verbose=0).history
assert np.isfinite(list(history.values())).all()
assert batches.epochs.epoch == 1 and batches.epochs.is_done
model.save(path + "/model.keras")
np.savez(
    path + "/results.npz",
    sent=sent.predict(tiny.images(), verbose=0),
    answer=model.predict(tiny.images(), verbose=0),
    decoded=model.decode(np.ones((2, 3), "float32")),
    iterations=int(model.optimizer.iterations),
    state=np.concatenate([v.ravel() for v in tiny.optimizer_state(model)]),
)
before = os.listdir()
try:
    zoo.data.write_records("digits", "set", image_size=8)
except ModuleNotFoundError as error:
    assert "written by TensorFlow" in str(error)
else:
    raise AssertionError("written without TensorFlow")
assert os.listdir() == before
"""


@pytest.mark.slow
@every_other
def test_trains_on_named_data_writes_no_records_and_files_move_both_ways(
    name, trained, tmp_path
):
    sent = trained("vae").model
    sent.save(tmp_path / "sent.keras")
    on_backend(name, TRAIN, tmp_path, "vae", cwd=tmp_path)
    model, results = (
        zoo.load(tmp_path / "model.keras"),
        np.load(tmp_path / "results.npz"),
    )
    np.testing.assert_allclose(sent.predict(tiny.images()), results["sent"], atol=1e-5)
    assert int(model.optimizer.iterations) == results["iterations"] == 6
    answer = model.predict(tiny.images(), verbose=0)
    np.testing.assert_allclose(answer, results["answer"], atol=1e-5)
    decoded = model.decode(np.ones((2, 3), "float32"))
    np.testing.assert_allclose(decoded, results["decoded"], atol=1e-5)
    state = [v.ravel() for v in tiny.optimizer_state(model)]
    np.testing.assert_array_equal(np.concatenate(state), results["state"])
    tiny.train(model, 1)  # and it goes on
    assert int(model.optimizer.iterations) == 9


BENCHMARK = """
from zoo import commands
from zoo.commands import benchmark
flags = "--models=vae --steps=2 --rounds=1 --batch_size=8 --threads=1 --clock=cpu"
flags = ["benchmark", *flags.split(), "--precision=mixed_bfloat16"]
sys.exit(commands.start(benchmark.VERB, benchmark.main, flags))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torch", pytest.param("jax", marks=pytest.mark.full)])
def test_the_benchmark_runs_without_tensorflow(name, tmp_path):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the benchmark needs torch")
    out = on_backend(name, BENCHMARK, cwd=tmp_path).splitlines()
    assert out[1].startswith("vae ") and "mixed_bfloat16" in "".join(out)
    assert any(line.startswith(f"{name} ") for line in out)  # its version


DEVICES = """
import contextlib, io
import jax, keras, numpy as np, tiny
from zoo import strategies
assert len(jax.devices()) == 2
weights = []
for name in ("one_device", "mirrored"):
    strategy = strategies.create(name)
    with strategies.scope(strategy):
        model = tiny.model("gan", ema_decay=0.5)
        model.compile({n: keras.optimizers.SGD(0.3) for n in model.networks})
    start = tiny.values(model.trainable_variables)
    batches = tiny.batches((tiny.floats(24), tiny.labels(24)), 8)
    model.fit(batches, epochs=1, verbose=0)
    weights.append(tiny.values(model.trainable_variables))
    samples = model.sample(3, seed=0)
assert len(model.trainable_variables[0].value.sharding.device_set) == 2
moved = max(np.abs(a - b).max() for a, b in zip(start, weights[0]))
apart = max(np.abs(a - b).max() for a, b in zip(*weights))
assert apart <= 1e-5 * moved, (apart, moved)

from zoo import commands
from zoo.commands import train
flags = ["train", "--strategy=mirrored", "--image_size=8", "--batch_size=5"]
with contextlib.redirect_stderr(io.StringIO()) as said:
    assert commands.start(train.VERB, train.main, flags) == 1
assert "among 2 replicas. Received: batch_size=5" in said.getvalue()
"""


@pytest.mark.slow
def test_two_devices_of_jax_equal_one_batch_statistics_included(tmp_path):
    flags = "--xla_force_host_platform_device_count=2"
    on_backend("jax", DEVICES, cwd=tmp_path, XLA_FLAGS=flags)
    assert not list(tmp_path.iterdir())  # a batch that they cannot share begins nothing


VERBS = """
import importlib, json
from zoo import commands
for argv in map(json.loads, sys.argv[1:]):
    verb = importlib.import_module("zoo.commands." + argv[0])
    argv = verb.with_recipe(argv) if hasattr(verb, "with_recipe") else argv
    assert commands.start(verb.VERB, verb.main, argv) == 0, argv
"""


FULL = (pytest.mark.slow, pytest.mark.full)
TO_JAX = pytest.param("jax", "evaluate", marks=FULL)


@pytest.mark.slow
@pytest.mark.parametrize(  # to JAX the shapes of evaluation are many programs
    "name, last", [("jax", "sample"), ("torch", "evaluate"), TO_JAX]
)
def test_a_run_is_made_sampled_and_evaluated_and_goes_on_here(name, last, tmp_path):
    flags = ["--model=vae", "--set=width=4", "--set=hidden=8", "--batch_size=450"]
    flags += ["--image_size=8", "--workdir=run"]
    few = ["--num_images=40", "--nll_images=4", "--k=5", "--cas_steps=2"]
    commands = [
        ["train", *flags, "--epochs=2"],
        ["sample", "--workdir=run"],
        ["evaluate", "--workdir=run", *few],
    ]
    commands = commands[: 3 if last == "evaluate" else 2]
    on_backend(name, VERBS, *map(json.dumps, commands), cwd=tmp_path)
    assert (tmp_path / "run" / "samples.png").stat().st_size > 500
    assert (tmp_path / "run" / "evaluation.json").exists() == (last == "evaluate")
    here = keras.backend.backend()
    environment = {**os.environ, "KERAS_BACKEND": here, "PYTHONPATH": str(TESTS.parent)}
    command = [sys.executable, "-m", "experiments.train", *flags, "--epochs=3"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert "goes on after epoch 2" in done.stdout, done.stderr
