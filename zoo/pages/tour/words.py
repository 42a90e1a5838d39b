"""The tour's words: one file for each language, all with the same keys."""

import pathlib
import string
import tomllib

TEXTS = pathlib.Path(__file__).parent / "texts"
LANGUAGES = tuple(sorted(path.stem for path in TEXTS.glob("*.toml")))


class Words:
    """The texts of a language, by key.

    Args:
        lang: One of `LANGUAGES`.
    Raises: ValueError: for another one.
    """

    def __init__(self, lang):
        if lang not in LANGUAGES:
            raise ValueError(
                f"The tour speaks {' and '.join(LANGUAGES)}. Received: lang={lang!r}."
            )
        self.lang = lang
        self.texts = flat(tomllib.loads((TEXTS / f"{lang}.toml").read_text("utf-8")))

    def __call__(self, key, **values):
        """Returns the text of `key`, such as "page.title", with its placeholders."""
        return self.texts[key].format(**values)

    def group(self, prefix):
        """Returns the texts whose keys begin with `prefix`, in the file's order."""
        return [v for k, v in self.texts.items() if k.startswith(f"{prefix}.")]

    def number(self, key):
        """Returns what a number is: "metric" or "role.metric" in words."""
        role, _, metric = key.rpartition(".")
        title = self(f"numbers.{metric}")
        return f"{self(f'models.{role}')}: {title}" if role else title

    def label(self, text):
        """Returns a chart's label: its words, with the number that follows them in
        "component 1"; names and numbers as they are."""
        head, space, rest = text.partition(" ")
        if f"labels.{text}" in self.texts or not rest[:1].isdigit():
            return self.texts.get(f"labels.{text}", text)
        return self.texts.get(f"labels.{head}", head) + space + rest

    def caption(self, figure):
        """Returns the caption of a `Figure`."""
        model = figure.role and self(f"models.{figure.role}")
        return self(f"captions.{figure.key}", model=model)


def flat(tables, prefix=""):
    """Nested tables as {"table.key": text}."""
    texts = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            texts |= flat(value, f"{prefix}{key}.")
        else:
            texts[prefix + key] = value
    return texts


def placeholders(text):
    """The names in braces that a text waits for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
