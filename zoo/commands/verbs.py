"""Which verbs there are, and what each is for: read from the text of their files, so
that none is imported."""

import ast
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent
NICKNAMES = {"play": "playground"}  # shorter words for verbs
_MARK = re.compile(r"^VERB = ", re.MULTILINE)


def names():
    """Returns {verb as typed: name of its file}, in alphabetical order."""
    files = (file for file in FOLDER.glob("*.py") if _MARK.search(_text(file)))
    own = {file.stem: file.stem for file in files}
    return dict(sorted((own | NICKNAMES).items()))


def purposes():
    """Returns {verb: what it is for, in a line}, each by its shortest word."""
    longer = NICKNAMES.values()
    return {verb: _purpose(n) for verb, n in names().items() if verb not in longer}


def addressed(text, program):
    """Returns `text` with `PROGRAM VERB` in place of all `python -m experiments.VERB`
    and `experiments.VERB` in it."""
    known = names()

    def as_typed(command):
        return f"{program} {command[1]}" if command[1] in known else command[0]

    return re.sub(r"(?:python -m )?\bexperiments\.(\w+)", as_typed, text)


def _purpose(name):
    """Returns the first sentence of a verb's file, without its line breaks."""
    title = ast.get_docstring(ast.parse(_text(FOLDER / f"{name}.py")))
    return " ".join(title.partition("\n\n")[0].split())


def _text(file):
    return file.read_text(encoding="utf-8")
