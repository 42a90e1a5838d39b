"""Tests which targets `experiments.verify` calls met, and which missed."""

import pathlib
import types

import numpy as np
import pytest

from zoo import commands
from zoo.commands import recipe_runs, targets, verify
from zoo.runs.folder import RunFolder

pytestmark = pytest.mark.any_backend


class Runs(recipe_runs.Runs):
    """Stands in for runs without folders: a test says what each model is."""

    judge = None

    def __init__(self, models, judged=None):
        object.__setattr__(self, "models", models)
        judge = types.SimpleNamespace(probabilities=lambda images: np.eye(10)[judged])
        self.__dict__.update(folder=None, seed=0, k=2, judge=judge)
        labels = np.arange(40) % 10
        self.__dict__["test"] = (np.zeros((40, 8, 8, 1), "uint8"), labels)

    def load(self, name):
        return self.models[name]

    def drawn(self, path):
        return np.zeros((10_000, 8, 8, 1), "uint8"), np.arange(10_000) % 10


def sampler(count, **options):
    return np.zeros((count, 8, 8, 1), "float32")


@pytest.mark.parametrize("wrong, met", [(0, True), (2, True), (3, False)])
def test_a_classifier_has_to_know_94_of_100(wrong, met):
    labels = np.arange(40) % 10
    labels[:wrong] += 1
    model = types.SimpleNamespace(predict=lambda images: np.eye(11)[labels])
    runs = Runs({"classifier": model})
    ((is_met, line),) = targets.classifier(runs)
    assert is_met == met and f"{(40 - wrong) / 40:.2%}" in line


@pytest.mark.parametrize("rarest, met", [(0.03, True), (0.029, False)])
def test_a_gan_has_to_draw_every_class(rarest, met):
    judged = np.zeros(2000, int)
    for label in range(1, 10):
        judged[label * 100 : label * 100 + 100] = label
    judged[900:] = 0
    judged[900 : 900 + round(2000 * rarest)] = 9
    model = types.SimpleNamespace(sample=sampler)
    ((is_met, line),) = targets.gan(Runs({"gan": model}, judged))
    assert is_met == met and f"rarest class {rarest:.1%}" in line


def test_a_vae_has_to_stay_below_its_bound():
    for nats, met in ((228.7, True), (228.8, False)):
        model = types.SimpleNamespace(nll=lambda x, k, seed, n=nats: np.full(len(x), n))
        ((is_met, line),) = targets.vae(Runs({"vae": model}))
        assert is_met == met and f"{nats:.2f} nats (k=2, 40 images" in line


def test_a_critic_has_to_tell_the_quality_of_an_epoch(tmp_path):
    quality = [5.0, 3.0, 2.0, 2.5]
    columns = {
        # In the order of the images' quality.
        "wgan": {"wasserstein": [0.9, 0.5, 0.3, 0.4]},
        "wgan_gp": {"wasserstein": [1.0, 2.0, 4.0, 3.0]},  # in the opposite order
        "gan": {"d_loss": [1.0, 1.2, 1.1, 1.3], "g_loss": [1.0, 2.0, 4.0, 3.0]},
    }
    for name, terms in columns.items():
        path = tmp_path / f"recipe-{name}-fashion_mnist"
        path.mkdir()
        RunFolder(path).write_rows(
            [
                {"epoch": epoch, "step": epoch}
                | {t: terms[t][epoch] for t in terms}
                | {"frechet": far}
                for epoch, far in enumerate(quality)
            ]
        )
    answers = list(targets.wgan(recipe_runs.Runs(tmp_path)))
    assert [met for met, _ in answers] == [True, False]
    assert "+1.00, target more than the gan's losses (d_loss -0.40" in answers[0][1]
    assert "-1.00" in answers[1][1]

    RunFolder(path).write_rows([{"epoch": 0, "step": 0, "d_loss": 1.0}])
    with pytest.raises(ValueError, match="train it with --frechet"):
        list(targets.wgan(recipe_runs.Runs(tmp_path)))


@pytest.mark.parametrize("right, met", [(0.92, True), (0.91, False)])
def test_a_ddpm_has_to_draw_what_it_is_asked_for(right, met, monkeypatch):
    monkeypatch.setattr(targets, "against_others", lambda runs, name: ())
    judged = np.arange(10_000) % 10
    judged[round(10_000 * right) :] += 1
    judged %= 10
    model = types.SimpleNamespace(
        name="ddpm", sample=sampler, guidance=2.0, sampler="dpmpp_2m", steps=20
    )
    runs = Runs({"ddpm": model}, judged)
    runs.__dict__["folder"] = pathlib.Path("runs")
    known = types.SimpleNamespace(
        probabilities=lambda images: np.eye(10)[judged[: len(images)]]
    )
    runs.__dict__["judge"] = known
    (is_met, line), (in_time, seconds) = targets.ddpm(runs)
    assert is_met == met and f"{right:.1%} of 10,000 samples by dpmpp_2m in 20 " in line
    assert in_time and "64 images at 50 steps of ddim in 0.0 s" in seconds


@pytest.mark.parametrize("distance, met", [(1.4, [True] * 2), (1.6, [True, False])])
def test_diffusion_stands_beside_the_vae_and_the_best_gan(
    distance, met, monkeypatch, tmp_path
):
    of = {"flow": distance, "vae": 2.0, "gan": 1.0, "wgan": 1.8}
    for name in ("gan", "wgan"):
        folder = tmp_path / f"recipe-{name}-fashion_mnist"
        folder.mkdir()
        (folder / "model.keras").touch()
    monkeypatch.setattr(targets, "median_distance", lambda r, name, _: (of[name], 1))
    monkeypatch.setattr(targets.metrics.Moments, "of", lambda *_: None)
    runs = Runs({}, [0])
    runs.__dict__["folder"] = tmp_path
    answers = list(targets.against_others(runs, "flow"))
    assert [each for each, _ in answers] == met
    assert "less than the vae's 2.000" in answers[0][1]
    assert "1.5 times the gan's 1.000" in answers[1][1]


def test_samples_are_drawn_once_and_each_class_as_often(monkeypatch):
    asked = []

    def sample(count, seed, labels=None):
        asked.append(labels)
        return np.ones((count, 1, 1, 1), "float32")

    models = {
        "cgan": types.SimpleNamespace(can=lambda need: True, sample=sample),
        "gan": types.SimpleNamespace(can=lambda need: False, sample=sample),
    }
    monkeypatch.setattr(recipe_runs.zoo, "load", models.get)
    runs = recipe_runs.Runs(None)
    for name in ("cgan", "cgan", "gan"):
        images, _ = runs.drawn(name)
        assert images.dtype == "uint8" and images.min() == 255
    assert len(asked) == 2 and asked[1] is None
    assert list(np.bincount(asked[0])) == [1000] * 10


def test_an_unknown_model_and_a_missing_run_are_one_sentence(tmp_path, capsys):
    for flags, sentence in (
        (["--models=vea"], "there is one for classifier"),
        (["--models=gan", f"--runs={tmp_path}"], "gan-fashion_mnist"),
    ):
        argv = ["verify", *flags]
        assert commands.start(verify.VERB, verify.main, argv) == 1
        err = capsys.readouterr().err
        last = err.splitlines()[-1]  # the measurements are printed before it
        assert last.startswith("verify: ") and sentence in last


def test_adversarial_models_come_in_the_order_that_is_found(monkeypatch, tmp_path):
    of = {"vae": 2.0, "gan": 2.5, "wgan": 0.5, "bigan": 1.0}
    for name in ("gan", "bigan", "wgan"):
        folder = tmp_path / f"recipe-{name}-fashion_mnist"
        folder.mkdir()
        (folder / "model.keras").touch()
    monkeypatch.setattr(targets, "median_distance", lambda _, name, real: (of[name], 2))
    monkeypatch.setattr(targets.data, "arrays", lambda *_: (np.zeros((30, 8)), None))
    runs = recipe_runs.Runs(tmp_path)
    judge = types.SimpleNamespace(features=lambda x: x, name="a judge", sha256="0" * 64)
    runs.__dict__.update(judge=judge, test=(np.ones((30, 8)), None))
    answers = list(targets.frechet(runs))
    assert [met for met, _ in answers] == [True, True, False]
    assert [line.split(":")[0] for _, line in answers] == ["wgan", "bigan", "gan"]
    assert (
        "(2 seeds)" in answers[0][1]
        and "features of a judge, sha256 0" in answers[0][1]
    )
