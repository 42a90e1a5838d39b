"""Runs the notebooks of docs/notebooks: with `-m full` as notebooks, cell by cell."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))


def test_there_is_a_notebook_for_each_first_question():
    names = {file.stem for file in NOTEBOOKS}
    assert names == {"first_model", "latent_space", "own_pictures"}


@pytest.mark.slow
def test_the_notebook_that_trains_nothing_runs_as_a_script(tmp_path):
    script = ROOT / "docs" / "notebooks" / "latent_space.py"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        env.pop(name, None)
    run = {"cwd": tmp_path, "env": env, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, str(script)], **run)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the images are in") == 4
    assert (tmp_path / "zoo.png").stat().st_size > 1000


@pytest.mark.full
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_and_shows_its_pictures(file, tmp_path, monkeypatch):
    jupytext = pytest.importorskip("jupytext")
    client = pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = jupytext.read(file)
    cells = notebook.cells
    notebook.cells = [
        cell for cell in cells if "install" not in cell.metadata.get("tags", [])
    ]
    assert len(notebook.cells) == len(cells) - 1
    resources = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(notebook, timeout=900, resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == file.read_text().count("zoo.show(")
