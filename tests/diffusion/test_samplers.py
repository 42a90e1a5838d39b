"""Tests `experiments.samplers`: distances against steps, one setting at a time."""

import csv
import json

import pytest
import tiny
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import samplers
from zoo.evaluation.samplers import Setting, Sweep, settings


def called(*flags):
    argv = ["samplers", *flags]
    return commands.start(samplers.VERB, samplers.main, argv)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Returns the file of a tiny model of digits."""
    path = tmp_path_factory.mktemp("samplers") / "flow.keras"
    sizes = {"patch": 4, "mult": (1,), "attention": (), "num_classes": 10}
    tiny.model("flow", (28, 28, 1), **sizes).save(path)
    return path


@pytest.mark.slow
def test_ddim_is_measured_with_eta_0_and_1_and_all_with_and_without_the_average():
    rows = settings(tiny.model("ddpm"), [5, 10])
    names = {each.name for each in rows}
    assert names == {"ddim, eta 0", "ddim, eta 1", "heun", "dpmpp_2m"}
    assert len(rows) == len(set(rows)) == 4 * 2 * 2
    assert {each.looks for each in rows if each.name == "heun"} == {9, 19}
    assert rows[0].options == {"sampler": "ddim", "eta": 0.0, "steps": 5, "ema": True}
    plain = settings(tiny.model("flow", ema_decay=0.0), [5])
    assert {(each.sampler, each.eta, each.ema) for each in plain} == {
        ("euler", None, False),
        ("heun", None, False),
    }


@pytest.mark.parametrize(
    "name, steps, chosen, message",
    [
        ("gan", [5], None, "removes noise. Received: 'gan'"),
        ("ddpm", [21], None, "1 to 20 steps"),
        ("flow", [5], ["ddim"], "samples by euler, heun. Received: 'ddim'"),
    ],
)
def test_settings_that_a_model_lacks_are_told(name, steps, chosen, message):
    with pytest.raises(ValueError, match=message):
        settings(tiny.model(name), steps, chosen)


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_stopped(model, tmp_path, capsys, monkeypatch):
    out = tmp_path / "record.json"
    flags = [f"--workdir={model}", "--dataset=digits", "--num_images=20"]
    flags += ["--steps=1,2", f"--out={out}"]
    measure = Sweep.measure

    def stops(self, setting):
        if len(self.rows) == 3:
            raise KeyboardInterrupt
        return measure(self, setting)

    monkeypatch.setattr(Sweep, "measure", stops)
    assert called(*flags) == 130
    before = json.loads(out.read_text())["rows"]
    assert len(before) == 3
    monkeypatch.setattr(Sweep, "measure", measure)
    capsys.readouterr()
    assert called(*flags) == 0
    printed = capsys.readouterr().out
    assert "[4/8]" in printed and "[3/8]" not in printed
    record = json.loads(out.read_text())
    assert record["rows"][:3] == before and len(record["rows"]) == 8
    assert record["protocol"]["num_generated"] == 20
    with open(out.with_suffix(".csv")) as file:
        table = list(csv.DictReader(file))
    assert [row["sampler"] for row in table] == [r["sampler"] for r in record["rows"]]
    assert Image.open(out.with_suffix(".png")).width > 500
    lines = printed[printed.index("Frechet distance    ") :].splitlines()
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["euler", "1", "1"],
        ["euler", "2", "2"],
        ["heun", "1", "1"],
        ["heun", "2", "3"],
    ]
    assert "samples with labels, guidance 1" in printed
    # With another seed it is another measurement.
    assert called(*flags, "--seed=1") == 1
    assert "seed is 1 here and 0 there" in capsys.readouterr().err


@pytest.mark.slow
def test_all_settings_draw_from_the_same_seeds(model, tmp_path):
    options = zoo.evaluation.Options(num_images=20)
    progress = zoo.evaluation.Stages()
    sweep = Sweep(model, options, progress, tmp_path / "a.json", dataset="digits")
    rows = [sweep.measure(Setting("euler", None, 2, True)) for _ in range(2)]
    assert rows[0]["frechet"] == rows[1]["frechet"] and sweep.floor < rows[0]["frechet"]


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "--workdir says"),
        (["--workdir=nowhere"], "nowhere"),
        (["--workdir=MODEL", "--steps=5,x"], "whole numbers, e.g. 5,10,20. Received"),
        (["--workdir=MODEL", "--num_images=1"], "at least 20"),
    ],
)
def test_a_wrong_flag_is_one_sentence(flags, message, model, capsys):
    assert called(*(flag.replace("MODEL", str(model)) for flag in flags)) == 1
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
