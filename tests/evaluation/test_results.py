"""Tests the table of results: what it gathers, and what it refuses to compare."""

import dataclasses
import json
import pathlib
import shutil

import pytest
from verbs import called

from zoo import evaluation
from zoo.commands import results as verb
from zoo.evaluation import results
from zoo.metrics import Protocol
from zoo.runs import folder as runs

pytestmark = pytest.mark.any_backend
PROTOCOL = Protocol(
    "fashion_mnist", None, None, "test", 100, 100, "classifier", "0" * 64, 0, "0.1"
)


def gathered(folder, *flags):
    """Returns the exit code of the verb, which keeps what it gathers in a folder."""
    return called(verb, *flags, f"--kept={folder}/kept")


FLOOR = {"train": {"frechet": 0.07}, "blur 1": {"frechet": 9.5, "nll": 1.0}}


def run_of(root, name, model, scores, **protocol):
    """Writes the folder of an evaluated run that took 30 steps of 10 images in 6
    seconds."""
    folder = runs.RunFolder(root / name)
    folder.path.mkdir(parents=True)
    settings = {"epochs": 1, "model": model, "config": {}, "batch_size": 10}
    record = {"settings": settings, "parameters": {"a": 1000, "b": 234}}
    folder.record.write_text(json.dumps(record | {"command": "by hand"}))
    rows = [{"epoch": n, "step": 10 * n, "seconds": 2.0} for n in (1, 2, 3)]
    folder.write_rows(rows)
    scored = evaluation.Evaluation(
        model=model,
        file="model.keras",
        protocol=dataclasses.replace(PROTOCOL, **protocol),
        scores=scores,
        references=FLOOR,
        not_applicable={},
        warnings=[],
        details={},
        out="",
    )
    scored.write(folder.path / "evaluation.json")
    return folder.path


def test_a_row_of_an_earlier_version_of_the_metrics_is_marked(tmp_path):
    old = run_of(tmp_path, "old", "vae", {"frechet": 2.0}, version=1)
    second = {"second": "pretext", "second_sha256": "1" * 64}
    scores = {"frechet": 2.5, "pretext_frechet": 7.25}
    new = run_of(tmp_path, "new", "vae", scores, **second)
    measured = [results.Measured.read(path) for path in (old, new)]
    lines = results.lines(measured, {}, lambda run: "command")
    rows = {line.split(" | ")[0]: line for line in lines if line.startswith("| ")}
    assert "| n/a |" in rows["| old, measured before version 2"]
    assert "| 2.5 | 7.25 |" in rows["| new"]
    assert any("of pretext (1111111111111111), metrics version 2" in x for x in lines)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "runs"
    run_of(folder, "recipe-vae-fashion_mnist", "vae", {"frechet": 2.01, "nll": 229.1})
    run_of(folder, "mine|<b>", "wgan", {"frechet": 0.5})
    return folder


def test_every_run_is_a_row_with_its_cost_and_command(root, tmp_path):
    out = tmp_path / "new" / "README.md"
    assert gathered(tmp_path, f"--runs={root}", f"--out={out}") == 0
    lines = out.read_text().splitlines()
    (vae,) = (line for line in lines if line.startswith("| recipe-vae-fashion_mnist"))
    assert vae.startswith(
        "| recipe-vae-fashion_mnist | 2.01 | 229.1 | 0.1 | 50 | 1,234 |"
    )
    assert "reproduce --recipes=vae-fashion_mnist" in vae
    assert vae.endswith("| 228.70 nats (MLP), 227.35 (VampPrior) [2] |")
    (mine,) = (line for line in lines if line.startswith("| mine\\|&lt;b>"))
    assert "| 0.5 | n/a | 0.1 | 250 |" in mine and "by hand" in mine  # five batches
    assert "[2] dynamically binarised, 5,000 importance samples" in out.read_text()


def test_scores_stand_beside_real_images_with_their_protocol(root, tmp_path):
    out = tmp_path / "README.md"
    assert gathered(tmp_path, f"--runs={root}", f"--out={out}") == 0
    text = out.read_text()
    assert "\n| training images | 0.07 |  |" in text
    assert "\n| the same, blur 1 | 9.5 | 1 |" in text
    assert "100 images against 100 test images, seed 0" in text
    assert "measured by zoo 0.1." in text and "Warning: only 100 images" in text


def test_runs_of_the_quick_tour_have_their_own_command(root, tmp_path):
    quick = tmp_path / "tour-quick"
    run_of(quick, "vae", "vae", {"frechet": 3.0}, dataset="digits")
    out = tmp_path / "README.md"
    assert (
        called(
            verb, f"--runs={root},{quick}", f"--out={out}", f"--kept={tmp_path}/kept"
        )
        == 0
    )
    text = out.read_text()
    assert "## fashion_mnist" in text and "## digits" in text
    assert (
        "`python -m experiments.train --flagfile=experiments/recipes/quick/vae" in text
    )


def test_what_was_gathered_is_kept_and_gives_way_to_what_is_newer(root, tmp_path):
    out = tmp_path / "there" / "README.md"
    assert gathered(tmp_path, f"--runs={root}", f"--out={out}") == 0
    first = out.read_text()
    files = {
        file.name
        for file in (tmp_path / "kept/runs/recipe-vae-fashion_mnist").iterdir()
    }
    assert files == {"run.json", "metrics.csv", "evaluation.json"}
    assert (
        called(
            verb,
            f"--runs={tmp_path / 'nowhere'}",
            f"--out={out}",
            f"--kept={tmp_path}/kept",
        )
        == 0
    )
    assert out.read_text() == first
    shutil.rmtree(root)
    run_of(root, "recipe-vae-fashion_mnist", "vae", {"frechet": 1.75})
    assert gathered(tmp_path, f"--runs={root}", f"--out={out}") == 0
    rows = [line for line in out.read_text().splitlines() if "vae-fash" in line]
    assert len(rows) == 1 and "| 1.75 |" in rows[0]
    assert "mine" in out.read_text()


def test_what_is_written_around_the_tables_is_kept(root, tmp_path):
    out = tmp_path / "results.md"
    flags = [f"--runs={root}", f"--out={out}"]
    out.write_text("Before.\n<!-- tables -->\nold\n<!-- end of tables -->\nAfter.\n")
    assert gathered(tmp_path, *flags) == 0
    text = out.read_text()
    assert text.startswith("Before.\n<!-- tables -->\nWritten by")
    assert text.endswith("<!-- end of tables -->\nAfter.\n") and "old" not in text
    assert gathered(tmp_path, *flags) == 0 and out.read_text() == text


def test_a_file_without_a_place_for_the_tables_is_left_alone(root, tmp_path, capsys):
    out = tmp_path / "mine.md"
    out.write_text("Mine.\n<!-- tables -->\n")
    flags = [f"--runs={root}", f"--out={out}"]
    assert gathered(tmp_path, *flags) == 1
    assert "no lines <!-- tables -->" in capsys.readouterr().err
    assert out.read_text() == "Mine.\n<!-- tables -->\n"


def test_the_page_of_results_is_what_the_command_writes(tmp_path):
    page = pathlib.Path(__file__).parents[2] / "docs" / "results.md"
    out = tmp_path / "results.md"
    shutil.copy(page, out)
    kept = pathlib.Path(__file__).parents[2] / "experiments/results"
    assert called(verb, "--runs=nowhere", f"--out={out}", f"--kept={kept}") == 0
    assert out.read_text() == page.read_text()


def test_another_protocol_is_refused(root, tmp_path, capsys):
    run_of(root, "other", "gan", {"frechet": 1.0}, num_real=50)
    out = tmp_path / "README.md"
    assert gathered(tmp_path, f"--runs={root}", f"--out={out}") == 1
    assert "num_real is" in capsys.readouterr().err
    assert not out.exists() and not (tmp_path / "kept").exists()


def test_another_data_set_has_a_table_of_its_own(root):
    run_of(root, "some", "gan", {"frechet": 1.0}, classes=("Bag", "Shirt"))
    measured = [results.Measured.read(path) for path in sorted(root.iterdir())]
    lines = results.lines(measured, {}, lambda run: "train")
    heads = [line for line in lines if line.startswith("## ")]
    assert heads == ["## fashion_mnist", "## fashion_mnist, classes Bag, Shirt"]


@pytest.mark.parametrize(
    "flags, sentence",
    [(["--out=a.txt"], ".md"), (["--runs=nowhere"], "no evaluated run")],
)
def test_wrong_input_is_one_sentence(flags, sentence, tmp_path, capsys):
    default = [f"--runs={tmp_path}", f"--out={tmp_path / 'README.md'}"]
    assert gathered(tmp_path, *default, *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
