"""What MkDocs adds to the documents of this folder: pages that are written elsewhere.

README is the first page; each model has one, of its docstring and of the pictures that
are stored with its presets; so have the functions that users call.
"""

import importlib
import inspect
import pathlib
import posixpath
import re

from mkdocs.structure.files import File

import zoo
from zoo.pretrained import presets

ROOT = pathlib.Path(__file__).parents[1]
OUTSIDE = {  # documents that lie above this folder
    "README.md": "index.md",
    "README.ja.md": "ja.md",
    "WORKSPACE.md": "workspace.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
ROOMS = ("zoo", "zoo.data", "zoo.metrics", "zoo.evaluation")  # rooms that users call
USE = ("commands", "data", "video", "metrics", "serving", "distributed")
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")


def on_config(config):
    """Sets the contents of the site."""
    models = [{name: f"model/{name}.md"} for name in zoo.names()]
    cards = [{name: f"preset/{_stem(name)}.md"} for name in presets.names()]
    functions = [{room: f"functions/{room}.md"} for room in ROOMS]
    config["nav"] = [
        {"zoo": ["index.md", {"日本語": "ja.md"}, {"Glossary": "glossary.md"}]},
        {"Notebooks": [f"notebook/{file.stem}.md" for file in NOTEBOOKS]},
        {"Models": ["models.md", *models]},
        {"Presets": cards},
        {
            "Use": [
                "commands.md",
                "data.md",
                "video.md",
                "metrics.md",
                "serving.md",
                "distributed.md",
            ]
        },
        {"Measured": ["results.md", "speed.md", "faults.md"]},
        {"Functions": functions},
        {"The project": ["workspace.md", "contributing.md", "changelog.md"]},
    ]
    return config


def on_files(files, config):
    """Adds the pages that are written elsewhere, and the presets' pictures."""
    pages = {there: _inside(ROOT / here) for here, there in OUTSIDE.items()}
    pages |= {f"model/{name}.md": _model(name) for name in zoo.names()}
    pages |= {f"functions/{room}.md": _functions(room) for room in ROOMS}
    pages |= {f"notebook/{file.stem}.md": _notebook(file) for file in NOTEBOOKS}
    for name in presets.names():
        pages[f"preset/{_stem(name)}.md"] = _card(name)
        picture = presets.FOLDER / f"{_stem(name)}.png"
        if picture.is_file():
            where = f"preset/{picture.name}"
            files.append(File.generated(config, where, abs_src_path=str(picture)))
    for where, text in pages.items():
        files.append(File.generated(config, where, content=text))
    return files


def on_page_markdown(markdown, page, **_):
    """Leads links of documents that leave this folder to the pages of the site."""
    if page.file.generated_by is not None:
        return markdown
    return LINK.sub(lambda link: _led(link, "docs"), markdown)


def _inside(file):
    """The text of a document above this folder, as one of it."""
    return LINK.sub(lambda link: _led(link, "."), file.read_text())


def _led(link, folder):
    """A link of a document in `folder` of the project, to where its target is on the
    site; its words alone if that is nowhere."""
    words, target = link.groups()
    path, hash_, part = target.partition("#")
    if "://" in target or not path:
        return link[0]
    file = posixpath.normpath(posixpath.join(folder, path))
    if file not in OUTSIDE and not file.startswith("docs/"):
        return words.strip("![]")
    where = OUTSIDE.get(file, file.removeprefix("docs/"))
    return f"{words}({where}{hash_}{part})"


def _stem(name):
    return name.replace("/", "-", 1)


def _model(name):
    """The page of a model."""
    about = zoo.describe(name)
    cls = type(zoo.get(name))
    lines = [f"# {name}", "", f"{about.summary}.", "", f"{about.paper}.", ""]
    for preset in presets.names(name):
        card = f"../preset/{_stem(preset)}.md"
        lines += [
            f"[`zoo.get({name!r}, weights={preset.partition('/')[2]!r})`]({card})"
        ]
        if (presets.FOLDER / f"{_stem(preset)}.png").is_file():
            lines += ["", f"![What {preset} makes](../preset/{_stem(preset)}.png)"]
        lines.append("")
    can = ", ".join(f"`{capability}`" for capability in about.capabilities)
    lines += [f"It can: {can}.", "", f"::: {cls.__module__}.{cls.__qualname__}"]
    return "\n".join(lines)


def _notebook(file):
    """The page of a notebook, without its output: its words, and its cells as code."""
    lines = []
    _, *cells = file.read_text().split("# %%")
    for cell in cells:
        kind, _, text = cell.partition("\n")
        if "markdown" in kind:
            lines += [re.sub("^# ?", "", line) for line in text.split("\n")] + [""]
        elif "install" not in kind:
            lines += ["```python", text.strip(), "```", ""]
    lines.append(f"Jupytext opens `docs/notebooks/{file.name}` as a notebook.")
    return "\n".join(lines)


def _card(name):
    """The page of a preset, which is its card."""
    return (presets.FOLDER / f"{_stem(name)}.md").read_text()


def _functions(room):
    """The page of a room: each public name with its docstring."""
    module = importlib.import_module(room)
    lines = [f"# {room}", "", (module.__doc__ or "").strip(), ""]
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            lines.append(f"::: {value.__module__}.{value.__qualname__}")
    return "\n".join(lines)
