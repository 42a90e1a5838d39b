"""Markup that is safe because nothing enters it unescaped."""

import html

VOID = ("img", "input", "link", "meta")  # elements without content and end


class Html(str):
    """Markup of this package; every other text is escaped when it enters a page."""


def escape(value):
    """Returns `value` as `Html`: text with its special characters replaced."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def element(tag, *content, **attributes):
    """Returns `<tag attributes>content</tag>`.

    Args:
        content: Texts or `Html`, in order; None is left out.
        attributes: `class_` is class, `data_label` is data-label; None is left out.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in VOID:
        return Html(f"<{tag}{written}>")
    inside = "".join(escape(each) for each in content if each is not None)
    return Html(f"<{tag}{written}>{inside}</{tag}>")
