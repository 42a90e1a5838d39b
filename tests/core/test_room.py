"""What does not fit into memory is refused before it is taken, with both sizes."""

import re

import keras
import numpy as np
import pytest
import tiny
from refusals import refusal
from verbs import called

import zoo
from zoo import commands
from zoo.commands import train
from zoo.inputs import memory, pixels

TAKEN = r"(takes?.* [\d,]+\.\d GiB of memory|Unable to allocate \d.*\))"
SIZES = re.compile(TAKEN + r", and [\d,]+\.\d GiB are free: ")


@pytest.mark.parametrize(
    "name, setting",
    [("vae", "hidden"), ("vae", "latent_dim"), ("gan", "width"), ("ddpm", "width")],
)
def test_settings_that_no_memory_holds_are_one_sentence(name, setting):
    config = tiny.CONFIGS[name] | {setting: 10**12}
    message = refusal(zoo.get, name, (8, 8, 1), **config)
    assert SIZES.search(message) and message.endswith(f"Received: {name!r}.")


@pytest.mark.slow
def test_the_states_of_optimizers_need_room_too(monkeypatch):
    model = zoo.get("ae", latent_dim=2, width=4, hidden=2**20)
    free = iter([2**30] * 2)  # of the two kernels alone
    monkeypatch.setattr(memory, "free", lambda: next(free, 0))
    assert SIZES.search(refusal(model.build, (8, 8, 1)))


def test_variables_are_made_as_ever_afterwards():
    own = keras.Variable.__init__
    refusal(zoo.get, "vae", (8, 8, 1), hidden=10**12)
    assert keras.Variable.__init__ is own
    assert keras.Variable(np.zeros(2)).shape == (2,)


def test_samples_that_no_memory_holds_are_one_sentence():
    model = zoo.get("vae", (8, 8, 1), **tiny.CONFIGS["vae"])
    message = refusal(model.sample, 10**12, seed=0)
    assert SIZES.search(message) and "1,000,000,000,000 images of 8x8x1" in message


@pytest.mark.parametrize(
    "flags", [["--set=hidden=1000000000000"], ["--frechet=1000000000000"]]
)
def test_a_run_that_no_memory_holds_is_one_sentence(flags, tmp_path, capsys):
    run = f"--workdir={tmp_path / 'run'}"
    assert called(train, "--model=vae", "--dataset=digits", run, *flags) == 1
    err = capsys.readouterr().err
    assert SIZES.search(err) and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_array_that_no_memory_holds_is_one_sentence(capsys):
    verb = commands.Verb("x", "Asks for much.", "x")
    assert commands.start(verb, lambda: np.zeros(2**60, "uint8"), ["x"]) == 1
    err = capsys.readouterr().err
    assert re.search(r"Unable to allocate .* EiB.*, and [\d,.]+ GiB are free\.\n$", err)
    assert err.count("\n") == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_pixels_are_rounded_without_touching_the_images(dtype):
    images = np.linspace(-1.1, 1.1, 50, dtype=dtype)
    before = images.copy()
    expected = np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype("uint8")
    np.testing.assert_array_equal(pixels.to_uint8(images), expected)
    np.testing.assert_array_equal(images, before)
