"""`python -m zoo`: the catalogue of models."""

import argparse
import shutil
import sys
import textwrap

import zoo


def main():
    parser = argparse.ArgumentParser(prog="python -m zoo", description=__doc__)
    parser.add_argument("model", nargs="?", help="describe this model in full")
    model = parser.parse_args().model
    try:
        print(zoo.describe(model) if model else catalogue())
    except ValueError as error:
        sys.exit(f"zoo: {error}")


def catalogue():
    """Returns a paragraph a model: what it is, paper, networks, what it can do."""
    columns = shutil.get_terminal_size((88, 24)).columns
    indent = max(map(len, zoo.names())) + 2
    lines = []
    for name in zoo.names():
        about = zoo.describe(name)
        for title, text in (
            (name, about.summary),
            ("", about.paper),
            ("", f"networks: {', '.join(about.networks)}"),
            ("", f"can: {', '.join(about.capabilities)}"),
        ):
            lines += textwrap.wrap(
                text,
                columns,
                initial_indent=f"{title:<{indent}}",
                subsequent_indent=" " * indent,
            )
        lines.append("")
    lines.append("python -m zoo MODEL tells more: settings, losses, reported terms.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
