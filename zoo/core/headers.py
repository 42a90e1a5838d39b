"""What the text of a model's file says of it, read without importing the file.

A model's file imports Keras, which takes seconds; the catalogue needs the docstring,
a few class attributes and the defaults of the constructor.
"""

import ast
import contextlib
import functools
import pathlib
import typing
from collections.abc import Sequence
from typing import Any

from zoo.core.capabilities import HOOKS, JOINED
from zoo.core.parts import Part

ROOT = pathlib.Path(__file__).parents[2]


class Header:
    """A model of default settings, as far as its file and those of its bases tell.

    `config`, `capabilities()`, class attributes and properties of the settings are as
    those of the model; what needs more than the settings raises AttributeError or
    NameError.

    Args:
        name: Registry name.
        module: The module that registers it, such as "zoo.models.vae".
    """

    def __init__(self, name: str, module: str):
        own = next(node for node in classes(module) if registered_name(node) == name)
        self.lineage = lineage(module, own)
        self.config = defaults(self.lineage)
        self.__doc__ = ast.get_docstring(own, clean=False)

    def __getattr__(self, name):
        for depth, (module, node) in enumerate(self.lineage):
            member = members(node).get(name)
            if isinstance(member, ast.FunctionDef):
                return self._computed(member, module, depth)
            if member is not None:
                return value(member, module)
        raise AttributeError(name)

    def _computed(self, property_, module, depth):
        """Runs the function of a property with this header as its `self`."""
        names = constants(module) | {"super": lambda: self._above(depth)}
        exec(compile(ast.Module([property_], []), module, "exec"), names)
        return names[property_.name].fget(self)

    def _above(self, depth):
        """Returns the header of what the class at `depth` of the lineage extends."""
        above = object.__new__(Header)
        above.__dict__ |= self.__dict__ | {"lineage": self.lineage[depth + 1 :]}
        return above

    def capabilities(self) -> set[str]:
        """Returns what the model can do: the hooks that are functions of a class below
        `ImageModel`. (Whose hook is that of `ImageModel` again gives the ability up.)
        """
        below = {}
        for _, node in reversed(self.lineage):
            below |= members(node)
        able = {
            capability
            for capability, hook in HOOKS.items()
            if isinstance(below.get(hook), ast.FunctionDef)
        }
        return able | {name for name, needs in JOINED.items() if needs <= able}


@functools.cache
def statements(module: str) -> list[ast.stmt]:
    """The statements of a module of the zoo; its file is read, not run."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text("utf-8")).body


def classes(module: str) -> list[ast.ClassDef]:
    return [node for node in statements(module) if isinstance(node, ast.ClassDef)]


def registered_name(node: ast.ClassDef) -> str | None:
    """The name in a class's decorator `@register(name)`, None without one."""
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and ast.unparse(decorator.func) == "register"
        ):
            return ast.literal_eval(decorator.args[0])
    return None


def definition(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """Returns (module, class) of a name, in that module or where that imports it from;
    None of what is not the zoo's."""
    for node in statements(module):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("zoo."):
            if name in {alias.asname or alias.name for alias in node.names}:
                return definition(str(node.module), name)
    return None


def lineage(module: str, node: ast.ClassDef) -> list[tuple[str, ast.ClassDef]]:
    """Returns [(module, class)] of a model's class and its bases below `ImageModel`, in
    the order in which Python looks for an attribute."""
    line = [(module, node)]
    for base in node.bases:
        parent = definition(module, ast.unparse(base))
        if parent is not None and not parent[0].startswith("zoo.core"):
            line += [each for each in lineage(*parent) if each not in line]
    return line


def members(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.expr]:
    """Returns {name: value or function} of what a class defines."""
    functions = {f.name: f for f in node.body if isinstance(f, ast.FunctionDef)}
    values = [each for each in node.body if isinstance(each, ast.Assign)]
    return functions | {ast.unparse(each.targets[0]): each.value for each in values}


@functools.cache
def constants(module: str) -> dict[str, Any]:
    """Returns {name: value} of a module's plain assignments."""
    names = {}
    for node in statements(module):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                names[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # what a call makes is none of a header's
    return names


def value(expression: ast.expr, module: str) -> Any:
    """Returns what an expression of literals and constants is."""
    code = compile(ast.Expression(expression), module, "eval")
    return eval(code, dict(constants(module)))


def constructor(
    lineage: Sequence[tuple[str, ast.ClassDef]],
) -> tuple[str, ast.FunctionDef]:
    """Returns (module, function) of the constructor that a lineage has."""
    for module, node in lineage:
        function = members(node).get("__init__")
        if isinstance(function, ast.FunctionDef):
            return module, function
    raise LookupError("A model has a constructor with settings.")


def annotations(lineage: Sequence[tuple[str, ast.ClassDef]]) -> dict[str, Any]:
    """Returns {setting: annotation} of the constructor in a lineage; without those that
    another module names."""
    _, function = constructor(lineage)
    names = {"Literal": typing.Literal, "Part": Part}
    known = {}
    for setting in function.args.args[1:]:
        if setting.annotation is not None:
            code = compile(ast.Expression(setting.annotation), "annotation", "eval")
            with contextlib.suppress(NameError):
                known[setting.arg] = eval(code, dict(names))
    return known


def defaults(lineage: Sequence[tuple[str, ast.ClassDef]]) -> dict[str, Any]:
    """Returns {setting: default} of the constructor in a lineage; whole numbers of
    float settings become floats, as in a model's config."""
    module, function = constructor(lineage)
    settings, config = function.args, {}
    for setting, default in zip(settings.args[1:], settings.defaults, strict=True):
        config[setting.arg] = value(default, module)
        if type(config[setting.arg]) is int and setting.annotation is not None:
            if "float" in ast.unparse(setting.annotation).split(" | "):
                config[setting.arg] = float(config[setting.arg])
    return config
