"""Tests what the documents say of the code: the files are there, and the walks are
true."""

import importlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
import tiny
from PIL import Image

import zoo
from zoo import commands
from zoo.commands import launch, preflight, sample, train, verbs

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")]
FILE = re.compile(r"\b(?:zoo|experiments|tests|docs)/[\w/.-]*\w\.(?:py|md|png|toml)\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VERB = "|".join(verbs.names())
COMMAND = re.compile(
    rf"""(?:python -m experiments\.|\bzoo (?=(?:{VERB})\b))([a-z_]+)"""
    r"""((?: +-(?:[^\s|&;'"]|"[^"]*")+)*)"""
)
STATION = re.compile(r"^\d\. `([\w/.]+)`, `(\w+)`:", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_files_that_a_document_names_are_there(document):
    names = set(FILE.findall(document.read_text()))
    assert not {name for name in names if not (ROOT / name).exists()}


def commands_of(text):
    """Returns the (verb, arguments) of the zoo's commands in a document, in blocks of
    code and in sentences."""
    text = re.sub(r"\$\w+", "1", re.sub(r"\\\n\s*", " ", text))  # variables of a shell
    lines = [
        line
        for block in re.findall(r"```\w*\n(.*?)```", text, re.S)
        for line in block.splitlines()
    ]
    lines += re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    for line in lines:
        for command in COMMAND.finditer(line.replace("\n", " ")):
            yield command[1], shlex.split(command[2], comments=True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_commands_of_a_document_have_flags_and_values_that_there_are(
    document, monkeypatch
):
    monkeypatch.chdir(ROOT)  # flag files are named from there
    for name, arguments in commands_of(document.read_text()):
        if name == "launch":  # the other flags are those of the training
            (_, *own), rest = launch.split([name, *arguments])
            parse("train", rest)
            arguments = own
        parse(name, arguments)


def parse(name, arguments):
    """Reads a command line and checks its numbers and its models."""
    verb = importlib.import_module(f"zoo.commands.{verbs.names()[name]}").VERB
    verb.parse([name, *arguments])
    preflight.require_least(verb)
    preflight.require_models(verb)


def test_commands_are_found_by_both_of_their_names():
    text = "`zoo play --port=1` and `python -m zoo train`, not `zoo vae` or `zoo help`."
    assert list(commands_of(text)) == [("play", ["--port=1"]), ("train", [])]


def test_a_command_with_a_flag_that_there_is_not_is_noticed():
    text = "```\nA=1 python -m experiments.sample --nonsense=3   # why\n```"
    ((name, arguments),) = commands_of(text)
    assert (name, arguments) == ("sample", ["--nonsense=3"])
    with pytest.raises(ValueError, match="nonsense"):
        sample.VERB.parse([name, *arguments])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_links_of_a_document_lead_somewhere(document):
    text = document.read_text()
    links = [link for link in LINK.findall(text) if not link.startswith("http")]
    for link in links:
        name, _, title = link.partition("#")
        page = document.parent / name if name else document
        assert page.exists(), link
        assert not title or title in anchors(page.read_text()), link


def skeleton(text):
    """Returns what a README has in every language: levels of titles, rows of tables by
    their first code, commands, links, pictures."""
    rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    return {
        "titles": [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)],
        "rows": [re.findall(r"`[^`]+`", row)[:1] for row in rows],
        "commands": list(commands_of(text)),
        "links": sorted(set(LINK.findall(text)) - {"README.md", "README.ja.md"}),
    }


def test_the_readme_in_japanese_keeps_step_with_the_english_one():
    english, japanese = (ROOT / name for name in ("README.md", "README.ja.md"))
    assert skeleton(japanese.read_text()) == skeleton(english.read_text())


def test_the_readme_is_a_page_that_one_reads():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 140


def anchors(text):
    """Returns the anchors that a document's titles have on its page."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.slow
@pytest.mark.parametrize(
    "epochs", ["epochs=1", pytest.param("epochs=15", marks=pytest.mark.full)]
)
def test_the_first_example_runs_as_it_stands_and_shows_its_images(epochs, tmp_path):
    code = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert "epochs=15" in code
    code = code.replace("epochs=15", epochs)
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    environment = {k: v for k, v in os.environ.items() if k not in screens}
    nowhere = {"ZOO_DATA_DIR": str(tmp_path / "data"), "http_proxy": "localhost:9"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | nowhere | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == f"no display: the images are in {tmp_path / 'zoo.png'}"
    assert [file.name for file in tmp_path.iterdir()] == ["zoo.png"]
    with Image.open(tmp_path / "zoo.png") as grid:
        assert grid.width == grid.height > 500 and grid.getextrema()[0] < 50


def walk(title):
    """Returns the stations (file, function) of a list in WORKSPACE.md, in its order."""
    text = (ROOT / "WORKSPACE.md").read_text()
    stations = STATION.findall(text[text.index(title) :].split("\n\n")[1])
    assert 1 <= len(stations) <= 8
    return stations


def visited(function, stations):
    """Returns the stations in the order in which they are first called."""
    order = []

    def look(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(ROOT)):
            file = str(pathlib.Path(frame.f_code.co_filename).relative_to(ROOT))
            station = (file, frame.f_code.co_name)
            if station in stations and station not in order:
                order.append(station)

    sys.setprofile(look)
    try:
        function()
    finally:
        sys.setprofile(None)
    return order


@pytest.mark.slow
def test_a_walk_from_fit_to_the_optimizer():
    stations = walk('From `zoo.get("vaegan").fit(ds)` to the optimizer:')
    config = tiny.CONFIGS["vaegan"]
    model = None

    def fit():
        nonlocal model
        model = zoo.get("vaegan", **config)
        model.fit(tiny.images(4), batch_size=4, verbose=0)

    assert visited(fit, stations) == stations
    assert model.optimizer.iterations == 1


@pytest.mark.slow
def test_a_walk_from_the_command_to_the_first_step(tmp_path, capsys):
    stations = walk("From `python -m experiments.train` to the first step:")
    sizes = [f"--set={key}={value}" for key, value in tiny.CONFIGS["vaegan"].items()]
    flags = ["--model=vaegan", "--dataset=digits", "--epochs=1", "--batch_size=1000"]
    argv = ["train", *flags, *sizes, f"--workdir={tmp_path / 'run'}"]

    def run():
        assert commands.start(train.VERB, train.main, argv) == 0, capsys.readouterr()

    assert visited(run, stations) == stations
