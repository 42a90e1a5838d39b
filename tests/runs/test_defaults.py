"""What a run is like where nobody says, by the size of its set."""

import json

import numpy as np
import pytest
import tiny_runs

from zoo.runs import defaults, reports, training
from zoo.runs import folder as runs

GAN = ["--model=gan", "--set=width=2", "--set=latent_dim=2"]
UNET = ["--model=ddpm", "--set=width=4", "--set=mult=(1,)", "--set=depth=1"]


def data_of(folder, count, side=16):
    """The name of a set of so many grey images."""
    folder.mkdir(exist_ok=True)
    images = np.random.default_rng(0).integers(0, 256, (count, side, side), np.uint8)
    np.savez(folder / "data.npz", images=images)
    return f"npz:{folder / 'data.npz'}"


def prepared(folder, count, *flags, base=GAN, side=16):
    data = data_of(folder, count, side)
    return tiny_runs.prepare(folder / "run", f"--dataset={data}", *flags, base=base)


@pytest.mark.slow
def test_a_small_set_is_gone_through_until_a_model_learns_something(tmp_path):
    run = prepared(tmp_path, 100)
    assert run.settings.batch_size == 32 and run.settings.config["diff_augment"]
    assert run.settings.epochs * run.steps_per_epoch >= defaults.STEPS
    *_, small = reports.header(run)
    assert f"--epochs={run.settings.epochs}" in small and "diff_augment=True" in small
    assert run.settings.epochs // run.settings.image_every <= 2 * defaults.PICTURES


@pytest.mark.parametrize(
    "count, batch, epochs",
    [
        (20, 16, 2400),
        (540, 32, 178),
        (3000, 64, 64),
        (9999, 64, 20),
        (10_000, 128, 39),
        (60_000, 128, 20),
    ],
)
def test_batches_and_epochs_go_by_the_number_of_images(count, batch, epochs):
    assert defaults.batch_size("mine", count) == batch
    assert defaults.epochs("mine", count, batch) == epochs


@pytest.mark.slow
def test_what_the_command_says_counts(tmp_path):
    flags = ("--batch_size=10", "--epochs=3", "--set=diff_augment=False")
    settings = prepared(tmp_path, 100, *flags).settings
    assert (settings.batch_size, settings.epochs) == (10, 3)
    assert not settings.config["diff_augment"]
    endless = prepared(tmp_path / "endless", 100, "--minutes=1").settings
    assert endless.epochs is None


@pytest.mark.slow
def test_digits_are_as_they_were(tmp_path):
    settings = tiny_runs.prepare(tmp_path / "run", "--image_size=8", base=GAN).settings
    assert (settings.batch_size, settings.epochs) == (64, 60)
    assert not settings.config["diff_augment"] and settings.image_every == 1


@pytest.mark.slow
def test_a_run_that_began_with_other_defaults_keeps_them(tmp_path):
    flags = ("--batch_size=40", "--epochs=1")
    training.train(prepared(tmp_path, 100, *flags))
    run = runs.RunFolder(tmp_path / "run")
    record = json.loads(run.record.read_text())
    record["settings"]["config"]["diff_augment"] = False
    run.record.write_text(json.dumps(record))
    settings = prepared(tmp_path, 100).settings
    assert (settings.batch_size, settings.epochs) == (40, 1)
    assert not settings.config["diff_augment"]


@pytest.mark.slow
def test_a_run_goes_on_whose_model_has_got_settings_since(tmp_path):
    tiny_runs.trained(tmp_path / "run", "--epochs=1", "--image_size=8", base=GAN)
    run = runs.RunFolder(tmp_path / "run")
    record = json.loads(run.record.read_text())
    for name in ("augment", "ada_target", "ada_images"):  # as 0.4.0 wrote it
        del record["settings"]["config"][name]
    del record["settings"]["train_images"]
    run.record.write_text(json.dumps(record))
    flags = ("--epochs=2", "--image_size=8")
    assert tiny_runs.prepare(tmp_path / "run", *flags, base=GAN).resumed
    with pytest.raises(ValueError, match="config augment is none there and ada here"):
        tiny_runs.prepare(tmp_path / "run", *flags, "--set=augment=ada", base=GAN)


@pytest.mark.slow
def test_who_names_an_augmentation_gets_no_other(tmp_path):
    for kind in ("none", "ada"):
        flags = (f"--set=augment={kind}",)
        config = prepared(tmp_path / kind, 100, *flags).settings.config
        assert config["augment"] == kind and not config["diff_augment"]
    with pytest.raises(ValueError, match="at least 2 images. one alone .* Received: 1"):
        prepared(tmp_path / "one", 1, "--set=augment=ada", "--validation=False")


@pytest.mark.slow
def test_a_part_of_the_training_images_is_used(tmp_path):
    flags = ("--train_images=60", "--batch_size=10")
    run = prepared(tmp_path, 500, *flags)
    assert run.steps_per_epoch == 6 and run.validation.cardinality() == 5
    assert "60 images of 16x16x1 to train on, 45 to" in " ".join(reports.header(run))
    flags = ("--train_images=20", "--batch_size=10", "--set=augment=ada")
    run = prepared(tmp_path / "fewer", 500, *flags)
    assert run.validation.cardinality() == 2
    _, data, _, small = reports.header(run)
    assert "20 images of 16x16x1 to train on, 20 to validate on" in data
    assert "--set=augment=ada" in small and "diff_augment" not in small
    with pytest.raises(ValueError, match="at least 1. Received: train_images=0"):
        prepared(tmp_path / "none", 500, "--train_images=0")
    with pytest.raises(ValueError, match="at most the 4 examples"):
        prepared(tmp_path / "few", 500, "--train_images=4", "--batch_size=10")


@pytest.mark.slow
def test_a_run_that_began_with_a_model_s_former_defaults_keeps_them(tmp_path):
    small = ["--model=vaegan", "--set=width=2", "--set=hidden=2", "--image_size=8"]
    former = ["--set=latent_dim=128", "--set=loss=minimax", "--learning_rate=3e-4"]
    new = tiny_runs.prepare(tmp_path / "new", base=small).settings
    assert new.config["latent_dim"] == 32 and new.config["loss"] == "non_saturating"
    assert set(new.learning_rate.values()) == {1e-3}
    tiny_runs.trained(tmp_path / "old", "--epochs=1", *former, base=small)
    old = tiny_runs.prepare(tmp_path / "old", "--epochs=2", base=small).settings
    assert old.config["latent_dim"] == 128 and old.config["loss"] == "minimax"
    assert set(old.learning_rate.values()) == {3e-4}
    with pytest.raises(ValueError, match="latent_dim is 128 there and 4 here"):
        tiny_runs.prepare(tmp_path / "old", "--set=latent_dim=4", base=small)


@pytest.mark.parametrize(
    "patch, side, chosen",
    [(1, 32, {}), (1, 64, {"patch": 2}), (4, 32, {}), (4, 33, {"patch": 8})],
)
def test_patches_grow_with_the_side_of_images(patch, side, chosen):
    known, shape = {"patch": patch}, (side, 20, 3)
    assert defaults.config(known, "mine", 60_000, shape) == chosen


@pytest.mark.slow
def test_a_u_net_of_large_images_sees_patches(tmp_path):
    assert prepared(tmp_path, 40, base=UNET, side=48).settings.config["patch"] == 2
    small = prepared(tmp_path / "small", 40, base=UNET, side=32)
    assert small.settings.config["patch"] == 1
