"""Tests what is installed: requirements, extras, what the code imports, one version."""

import ast
import importlib
import importlib.util
import pathlib
import re
import sys
import tomllib

import pytest
import tiny

import zoo

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
IMPORTED_AS = {"absl-py": "absl", "pillow": "PIL", "scikit-learn": "sklearn"}
# Packages of `dev` for people who change the zoo.
OF_NO_TEST = ("pyright", "pre-commit")
OF_AN_EXTRA = {  # files whose users have installed an extra
    "zoo/backend/jax.py": {"jax"},
    "zoo/backend/torch.py": {"torch"},
    "zoo/commands/pytorch/*.py": {"torch"},
    # Starlette comes with gradio.
    "zoo/pages/playground/clips.py": {"gradio"},
    "zoo/pages/playground/page.py": {"gradio", "starlette"},
    "zoo/pages/playground/parts.py": {"gradio"},
    "zoo/pages/playground/rooms.py": {"gradio"},
    "zoo/pages/playground/styling.py": {"gradio"},
    "zoo/pages/playground/translation.py": {"gradio"},
    "zoo/drawing/films.py": {"av"},
    "zoo/files/hub.py": {"huggingface_hub"},
    "zoo/serving/server/app.py": {"starlette"},
    "zoo/serving/server/listening.py": {"starlette", "uvicorn"},
}


def requirements(file):
    """Returns the requirements of a file, without its comments."""
    lines = (ROOT / file).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_requirements_are_what_the_extras_say():
    base = set(PROJECT["dependencies"])
    tests = {each for each in EXTRAS["dev"] if not each.startswith(OF_NO_TEST)}
    assert requirements("requirements.txt") == base | set(EXTRAS["serve"]) | tests
    assert requirements("requirements-torch.txt") == set(EXTRAS["torch"])
    assert requirements("requirements-playground.txt") >= set(EXTRAS["playground"])
    no_tensorflow = {each for each in base if not each.startswith(("tens", "import"))}
    jax = requirements("requirements-jax.txt")
    assert jax >= no_tensorflow | set(EXTRAS["jax"])
    assert not any(each.startswith("tensorflow") for each in jax)


@pytest.mark.parametrize("room", ["zoo", "experiments"])
def test_no_file_imports_what_is_not_installed_with_it(room):
    names = {re.split(r"[<>=\[]", each)[0] for each in PROJECT["dependencies"]}
    modules = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    allowed = modules | {"zoo", "experiments"} | sys.stdlib_module_names
    extra = {f: names for g, names in OF_AN_EXTRA.items() for f in ROOT.glob(g)}
    for file in (ROOT / room).rglob("*.py"):
        imported = set(imports(file)) - extra.get(file, set())
        assert imported <= allowed, f"{file}: {imported - allowed}"


def imports(file):
    """Returns the names of the packages that a file imports when it is imported
    itself."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize("file", ["server", "playground"])
def test_an_image_copies_installs_and_starts_what_there_is(file):
    text = (ROOT / "docker" / f"{file}.Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!\$)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in line.split())
    (extra,) = re.findall(r"pip install .*'\.\[(\w+)\]'", text)
    assert extra in EXTRAS
    name, flags = re.search(r"^CMD .*experiments\.(\w+) (.+)\"\]$", text, re.M).groups()
    verb = importlib.import_module(f"zoo.commands.{name}").VERB
    verb.parse([name, *flags.split()])
    port = verb.flags.port
    assert f"EXPOSE {port}\n" in text and f":{port}/" in text
    assert verb.flags.host == "0.0.0.0" and f"127.0.0.1:{port}:{port} " in text


def test_an_export_without_the_package_of_warm_up_says_so(tmp_path, monkeypatch):
    model = tiny.model("ae")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "tensorflow_serving" else find(name, *rest),
    )
    with pytest.raises(ImportError, match="tensorflow-serving-api .*`serve`.*warmup"):
        zoo.export(model, tmp_path / "ae")
    assert not (tmp_path / "ae").exists()
    path = zoo.export(model, tmp_path / "ae", ["decode"], warmup=False)
    assert (path / "saved_model.pb").is_file()


def test_tools_have_one_version_wherever_they_run():
    files = [
        (ROOT / each).read_text() for each in (".ci/run", ".pre-commit-config.yaml")
    ]
    for text in (*files, (ROOT / "requirements.txt").read_text()):
        for tool in re.findall(r"(?:ruff|pyright\[nodejs\])==[\d.]+", text):
            assert tool in EXTRAS["dev"]
    assert "pyright[nodejs]==" in files[0] and "ruff==" in files[1]


def test_the_version_stands_in_one_place():
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    log = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {zoo.__version__}\n" in log
