"""The prompts of a command: a text, or a file of texts."""

import pathlib


def read(text):
    """Returns the prompts that the flag means: itself, or the lines of a file."""
    if not text.startswith("@"):
        return [text]
    try:
        lines = pathlib.Path(text[1:]).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(
            f"A file of prompts is text in UTF-8. Received: prompts={text}."
        ) from None
    prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise ValueError(
            f"A file of prompts has one a line. Received: prompts={text}, without text."
        )
    return prompts
