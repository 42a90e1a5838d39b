"""`zoo`, which is `python -m zoo`: the catalogue of models, and the verbs."""

import pathlib
import shutil
import sys
import textwrap

import zoo
from zoo.inputs import suggestions

HELP = ("help", "--help", "-h")
FIRST = """zoo: the models that make images

  zoo                lists the models
  zoo MODEL          describes a model in full
  zoo VERB --flags   does one of the following; zoo VERB --help tells its flags

"""


def main():
    """Answers the command line of this process; returns the exit code."""
    word, *rest = sys.argv[1:] or [None]
    from zoo import commands
    from zoo.commands import verbs

    known = verbs.names()
    if word in known:
        return commands.run(known[word], [word, *rest], program())
    commands.open_streams()
    try:
        if word is None:
            text = catalogue()
        elif word in HELP:
            text = verbs.addressed(listing(verbs.purposes()), program())
        else:
            text = description(word, rest, known)
        print(text, flush=True)
    except BrokenPipeError:
        return commands.leave_output()
    except ValueError as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 1
    return 0


def program():
    """Returns what is typed before a verb: the installed command, or Python's."""
    return "zoo" if pathlib.Path(sys.argv[0]).stem == "zoo" else "python -m zoo"


def description(word, rest, verbs):
    """Returns the description of the model `word`.

    Raises: ValueError: if it is neither model nor verb, with the nearest of both, or
        if words are left over.
    """
    near_verb = suggestions.nearest(word, verbs)
    if word not in zoo.names() and near_verb == suggestions.nearest(
        word, [*zoo.names(), *verbs]
    ):
        raise ValueError(
            f"There is no such verb or model{near_verb}; `{program()} help` lists the "
            f"verbs, `{program()}` the models. Received: {word!r}."
        )
    about = str(zoo.describe(word))
    if rest:
        raise ValueError(
            f"A model is described without more words. Received: {' '.join(rest)}."
        )
    return about


def catalogue():
    """Returns a paragraph a model: what it is, paper, networks, what it can do."""
    lines = []
    for name in zoo.names():
        about = zoo.describe(name)
        texts = (
            about.summary,
            about.paper,
            f"networks: {', '.join(about.networks)}",
            f"can: {', '.join(about.capabilities)}",
        )
        lines += [*paragraph(name, texts, max(map(len, zoo.names())) + 2), ""]
    lines.append("python -m zoo MODEL tells more: settings, losses, reported terms.")
    return "\n".join(lines)


def listing(purposes):
    """Returns the help: a verb a line, with its purpose."""
    indent = max(map(len, purposes)) + 4
    lines = (paragraph(f"  {verb}", [text], indent) for verb, text in purposes.items())
    return FIRST + "\n".join(line for verb in lines for line in verb)


def paragraph(title, texts, indent):
    """Returns lines of `texts`, as wide as the terminal, to the right of a title."""
    columns = shutil.get_terminal_size((88, 24)).columns
    lines = []
    for text in texts:
        first = f"{'' if lines else title:<{indent}}"
        lines += textwrap.wrap(
            text, columns, initial_indent=first, subsequent_indent=" " * indent
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
