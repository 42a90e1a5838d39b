"""Tests what each room of zoo/ may import; WORKSPACE.md has the table in words."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
BASE = {"backend", "files", "inputs"}
SHARED = BASE | {"core", "networks", "data", "metrics", "drawing", "serving"}
FAMILIES = {"adversarial", "diffusion"}
TRAINED = SHARED | {"pretrained"}
ALL = TRAINED | FAMILIES | {"models", "runs", "evaluation", "pages"}
ROOMS = {  # {room: the rooms that it may import, besides itself and `version`}
    "backend": set(),
    "files": set(),
    "inputs": set(),
    "core": BASE,
    "networks": {"backend"},
    "data": BASE,
    "metrics": {"inputs"},
    "drawing": {"files", "inputs"},
    "serving": BASE,
    "adversarial": BASE | {"core", "networks"},
    "diffusion": BASE | {"core", "networks"},
    "pretrained": BASE | {"core", "data", "metrics", "networks"},
    "models": BASE | {"core", "networks"} | FAMILIES,
    "runs": TRAINED,
    "evaluation": TRAINED | {"runs"},
    "pages": TRAINED | {"runs", "evaluation"},
    "commands": ALL | {"__init__"},
    "__init__": ALL,
    "__main__": ALL | {"__init__", "commands"},
    "version": set(),
}


def room(module):
    """Returns the room of a module's dotted name; `zoo` itself is the front door."""
    return (module.split(".") + ["__init__"])[1]


def imports(file):
    """Yields the dotted names of all that a file of zoo/ imports from the zoo."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: imports are written in full"
            if (node.module or "").split(".")[0] == "zoo":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "zoo")


@pytest.mark.parametrize(
    "file",
    sorted(ROOT.glob("zoo/**/*.py")),
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_a_room_imports_only_the_rooms_below_it(file):
    own = file.relative_to(ROOT).with_suffix("").parts[1]
    assert own in ROOMS, f"{own} is no room of the house"
    wrong = {n for n in imports(file) if room(n) not in ROOMS[own] | {own, "version"}}
    assert not wrong


def test_the_rooms_have_an_order():
    left = dict(ROOMS)
    while left:
        ground = {name for name, below in left.items() if not below & set(left)}
        assert ground, f"a circle is among {sorted(left)}"
        left = {name: below for name, below in left.items() if name not in ground}


@pytest.mark.parametrize("name", ["inputs", "core", "data", "models"])
def test_public_functions_say_what_they_take_and_return(name):
    silent = []
    for file in sorted(ROOT.glob(f"zoo/{name}/**/*.py")):
        for function in public_functions(ast.parse(file.read_text())):
            named = function.args
            arguments = [*named.posonlyargs, *named.args, *named.kwonlyargs]
            arguments += filter(None, [named.vararg, named.kwarg])
            types = {each.arg: each.annotation for each in arguments}
            if function.name != "__init__":
                types["return"] = function.returns
            if any(
                types[each] is None for each in types if each not in ("self", "cls")
            ):
                silent.append(f"{file.relative_to(ROOT)}:{function.lineno}")
    assert not silent


def public_functions(node):
    """Yields the functions of a module and the methods of its classes that have no
    underscore before them, and the constructors."""
    for each in node.body:
        is_public = not getattr(each, "name", "_").startswith("_")
        if isinstance(each, ast.ClassDef) and is_public:
            yield from public_functions(each)
        elif isinstance(each, ast.FunctionDef):
            if is_public or each.name == "__init__":
                yield each


@pytest.mark.parametrize(
    "file",
    sorted(ROOT.glob("zoo/**/*.py")),
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_files_and_functions_are_short(file):
    text = file.read_text()
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    long = [n.name for n in functions if n.end_lineno - n.lineno >= 45]
    assert len(text.splitlines()) <= 320 and not long
