"""The tour as a page: HTML of results; nothing is computed here."""

from zoo import pages
from zoo.evaluation import table
from zoo.pages.tour import live
from zoo.pages.tour.claims import MISSING, RELATIONS

SUMMARY = "verdicts"  # the place of the table of all verdicts


def page(results, words, facts, models, command, others=None, places=None):
    """Returns the text of the HTML file.

    Args:
        results: {chapter: [`Result`]}.
        words: `Words` of the page's language.
        facts: Sentences on what was measured, and how.
        models: [(role, folder, state)]: what was looked at.
        command: Function of roles: the command that trains them, a text.
        others: {address: name} of this page in other languages.
        places: {chapter: a place of it that answers}.
    """
    places = places or {}
    parts = [
        chapter(key, part, words, command, places.get(key))
        for key, part in results.items()
    ]
    return pages.page(
        words("page.title"),
        bar(results, words, others or {}),
        pages.paragraph(words("page.intro")),
        pages.paragraph(words("page.rule")),
        *(pages.paragraph(fact, note=True) for fact in facts),
        pages.section(words("page.summary"), *summary(results, words), id=SUMMARY),
        *parts,
        pages.section(
            words("page.outside"),
            pages.paragraph(words("page.outside_intro")),
            pages.bullets(words.group("outside")),
        ),
        pages.section(words("page.models"), trained(models, words)),
        lang=words.lang,
        script=live.script(places.values()),
    )


def bar(results, words, others):
    """Links to the verdicts, to each chapter, and to other languages."""
    links = {f"#{SUMMARY}": words("page.verdicts")}
    links |= {f"#chapter-{key}": words(f"chapters.{key}.title") for key in results}
    return pages.contents(links | others, words("page.contents"))


def summary(results, words):
    """One table for each chapter: its claims and their verdicts."""
    columns = [words("page.verdict")]
    for key, part in results.items():
        rows = [
            pages.row(
                link(each.claim.key, words(f"claims.{each.claim.key}.claim")),
                columns,
                [badge(each.verdict, words)],
            )
            for each in part
        ]
        title = words(f"chapters.{key}.title")
        yield pages.table(columns, rows, title, kind="verdicts")


def chapter(key, results, words, command, place=None):
    """A chapter: its title, its introduction, a place that answers, its claims."""
    return pages.section(
        words(f"chapters.{key}.title"),
        pages.paragraph(words(f"chapters.{key}.intro")),
        place,
        *(claim(result, words, command) for result in results),
        id=f"chapter-{key}",
    )


def claim(result, words, command):
    """A claim: sentence, verdict, experiment, pictures, numbers."""
    key = result.claim.key
    source = words("page.articles", source=", ".join(result.claim.source))
    return pages.element(
        "article",
        pages.element("h3", words(f"claims.{key}.claim")),
        pages.paragraph(
            badge(result.verdict, words), " ", pages.element("small", source)
        ),
        pages.paragraph(words(f"claims.{key}.experiment")),
        *(body(result, words, command)),
        pages.paragraph(link(SUMMARY, words("page.back")), note=True),
        id=key,
    )


def body(result, words, command):
    """Pictures and numbers, or what is missing and how to get it."""
    findings = result.findings
    if findings is None and result.lacking:
        names = (words(f"models.{role}") for role in result.lacking)
        models = words("page.comma").join(names)
        yield pages.paragraph(words("page.lacking", models=models))
        yield pages.element("pre", command(result.lacking))
        return
    if findings is None:
        yield pages.paragraph(words("page.reason", reason=result.reason))
        return
    for wide, width in ((True, "wide"), (False, findings.width)):
        if not wide and findings.legend:
            yield findings.legend
        figures = [
            pages.figure(each.picture.html(words), words.caption(each))
            for each in findings.figures
            if each.wide == wide
        ]
        if figures:
            yield pages.gallery(*figures, width=width)
    yield numbers(result, words)


def numbers(result, words):
    """The table of a claim: the numbers that decide the verdict, then the others."""
    columns = [words(f"page.{name}") for name in ("value", "threshold", "met")]
    values, rows = result.findings.numbers, []
    for criterion in result.claim.criteria:
        limit = table.short(criterion.threshold(values))
        limit = f"{RELATIONS[criterion.relation]} {limit}"
        if isinstance(criterion.limit, str):
            limit += f" ({words.number(criterion.limit)})"
        met = words("page.yes" if criterion.is_met(values) else "page.no")
        if criterion.is_close(values):
            met = words("page.close", met=met)
        cells = [table.short(values[criterion.number]), limit, met]
        rows.append(pages.row(words.number(criterion.number), columns, cells))
    decisive = {key for c in result.claim.criteria for key in (c.number, c.limit)}
    for key in (key for key in values if key not in decisive):
        cells = [table.short(values[key]), "", ""]
        rows.append(pages.row(words.number(key), columns, cells, detail=True))
    return pages.table(columns, rows, kind="numbers")


def trained(models, words):
    """The models of the tour: one row for each role."""
    columns = [words("page.folder"), words("page.training")]
    rows = [
        pages.row(words(f"models.{role}"), columns, [folder, state])
        for role, folder, state in models
    ]
    return pages.table(columns, rows)


def badge(verdict, words):
    """A verdict as a coloured word."""
    return pages.element("b", words(f"verdicts.{verdict}"), class_=f"verdict {verdict}")


def link(key, text):
    """A text that leads to a claim."""
    return pages.element("a", text, href=f"#{key}")


def missing(results):
    """The roles that claims lack, each once, in order."""
    without = (r for part in results.values() for r in part if r.verdict == MISSING)
    return tuple(dict.fromkeys(role for each in without for role in each.lacking))
