"""Keras learns the names of the zoo's classes before their files are imported.

`import zoo` imports no framework, and yet `keras.saving.load_model` reads the zoo's
files after it: as soon as somebody imports Keras, a deputy is registered under each of
the names. Keras asks it for an object, it imports the file of the class, and the class
takes its place.
"""

import importlib
import importlib.abc
import importlib.machinery
import pathlib
import re
import sys
import types
from collections.abc import Sequence

FOLDER = pathlib.Path(__file__).parents[1]
DECORATED = re.compile(
    r'^@(?:register\("|keras\.saving\.register_keras_serializable\("zoo"\)\nclass )'
    r"(\w+)",
    re.MULTILINE,
)


class KerasWatch(importlib.abc.MetaPathFinder):
    """Finds Keras as Python does, and registers the deputies once it is imported."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                register_deputies()

            spec.loader.exec_module = exec_module
        return spec


def announce() -> None:
    """Registers the deputies: now if Keras is there, else once it is imported."""
    if "keras" in sys.modules:
        register_deputies()
    else:
        sys.meta_path.insert(0, KerasWatch())


def register_deputies() -> None:
    """Enters a deputy for each class that a file of the zoo registers."""
    import keras

    known = keras.saving.get_custom_objects()
    for name, module in classes().items():
        known.setdefault(name, deputy(name, module))


def classes() -> dict[str, str]:
    """Returns {name that Keras registers: module} of all files of the zoo."""
    modules = {}
    for file in sorted(FOLDER.rglob("*.py")):
        module = ".".join(file.relative_to(FOLDER.parent).with_suffix("").parts)
        for name in DECORATED.findall(file.read_text("utf-8")):
            modules[f"zoo>{name}"] = module.removesuffix(".__init__")
    return modules


def deputy(name: str, module: str) -> type:
    """Returns a class whose `from_config` is that of the class called `name`, which
    registers itself when `module` is imported."""

    def from_config(config):
        import keras

        importlib.import_module(module)
        return keras.saving.get_custom_objects()[name].from_config(config)

    return type(name, (), {"from_config": staticmethod(from_config)})
