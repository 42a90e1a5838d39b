"""The tables of a comparison: what the models are, and all their scores."""

import math

from zoo import evaluation, pages
from zoo.evaluation import groups, table
from zoo.evaluation.groups import PARTS
from zoo.evaluation.rulers import SECOND
from zoo.metrics.protocol import codes
from zoo.pages.comparison.entries import require_same_protocol

# {score: (how a person calls it, what is better)}
TITLES = {score: (title, better) for score, title, better in table.ROWS}
TITLES |= {
    score: (f"{title}, pretext", better) for score, title, better in table.SECOND
}
TITLES |= {
    f"{part}{score}": texts for part in PARTS for score, texts in list(TITLES.items())
}
TITLES |= {score: (title, better) for score, title, better in table.SINGLES}
BETTER = {"-": "less is better", "+": "more is better", "1": "best at 1", "": None}
# A density, a probability of black and white and one of 256 greys are different things.
NOT_RANKED = ("nll",)
# Shares of images; an image counts or does not.
SHARES = (
    "precision",
    "coverage",
    "recall",
    "conditional_accuracy",
    "cas",
    "class_kept",
)
SHARES += ("neighbour_accuracy", "probe_accuracy", "accuracy")
FLOOR = "real"


# --- what the models are --------------------------------------------------------------


def models(entries):
    """What each model is, and what its training took."""
    columns = [entry.label for entry in entries]
    facts = [_facts(entry) for entry in entries]
    rows = [
        pages.row(name, columns, [each[name] for each in facts]) for name in facts[0]
    ]
    return (
        pages.table(columns, rows + _networks(entries, columns)),
        pages.bullets(f"{entry.label}: {_about(entry.model)}" for entry in entries),
    )


def _facts(entry):
    """{fact: text}, None for what is not known of the model."""
    settings, rows = entry.settings, entry.rows
    seconds = sum(row["seconds"] for row in rows)
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
    return {
        "model": entry.model.registry_name,
        "budget": _budget(settings) if settings else None,
        "training time": time if rows else None,
        "epochs": f"{rows[-1]['epoch']:,}" if rows else None,
        "training steps": f"{rows[-1]['step']:,}" if rows else None,
        "parameters": f"{sum(_parameters(entry.model).values()):,}",
    }


def _about(model):
    """The paper, and the settings that are not its own."""
    defaults = type(model)().get_config()
    config = model.get_config()
    changed = [f"{k}={v}" for k, v in config.items() if v != defaults[k]]
    settings = f" with {', '.join(changed)}" if changed else ""
    return f"{model.paper}{settings}"


def _budget(settings):
    epochs, minutes = settings.get("epochs"), settings.get("minutes")
    limits = [f"{epochs} epochs"] if epochs else []
    limits += [f"{minutes:g} min"] if minutes else []
    return " or ".join(limits)


def _parameters(model):
    return {name: model.network(name).count_params() for name in model.networks}


def _networks(entries, columns):
    """One row for each network: its parameters in the models that have it."""
    counts = [_parameters(entry.model) for entry in entries]
    names = dict.fromkeys(name for each in counts for name in each)
    return [
        pages.row(
            f"of the {name}",
            columns,
            [f"{each[name]:,}" if name in each else None for each in counts],
            detail=True,
        )
        for name in names
    ]


def _evaluations(entries):
    return [each.evaluation for each in entries if each.evaluation is not None]


# --- their scores ---------------------------------------------------------------------


def protocol(entries):
    """How all scores were measured, in a sentence.

    Raises: ValueError: if the models were not measured by one protocol.
    """
    require_same_protocol(entries)
    evaluations = _evaluations(entries)
    p = evaluations[0].protocol
    by = codes(each.protocol for each in evaluations)
    classes = "" if p.classes is None else f", classes {', '.join(p.classes)}"
    second = f" and of {p.second} (sha256 {p.second_sha256[:16]})" if p.second else ""
    return (
        f"Scores: {p.num_generated:,} images of each model against {p.num_real:,} "
        f"{p.split} images of {p.dataset}{classes}, seed {p.seed}; features of "
        f"{p.extractor} (sha256 {p.sha256[:16]}){second}; metrics version {p.version}; "
        f"measured by zoo {by}."
    )


def scores(entries):
    """One table for each group of scores, the best of each row marked; then the scores
    that do not apply."""
    columns = [entry.label for entry in entries]
    floor = next((e.references for e in _evaluations(entries) if e.references), None)
    tables = []
    for group in evaluation.groups.GROUPS:
        compared = floor is not None and group.title in ("samples", "reconstructions")
        heads = [*columns, FLOOR] if compared else columns
        of_floor = floor["train"] if compared else None
        rows = _rows(entries, group.scores, heads, of_floor)
        if rows:
            tables.append(pages.table(heads, rows, caption=group.title.capitalize()))
    return (
        pages.paragraph(
            "Marked: the best of the models, where they differ, and those that are "
            "less than two standard errors away from it, as far as a score has one. "
            f"Under “{FLOOR}” stands the same score of training images, the floor. "
            "Likelihoods are not ranked: models may take different ones.",
            note=True,
        ),
        pages.paragraph(protocol(entries), note=True),
        *tables,
        *_notes("Where the two kinds of features disagree", disagreements(entries)),
        *_ladder(floor or {}),
        *_notes("Not applicable", _reasons(entries)),
        *_notes("Warnings", _warnings(entries)),
    )


def _ladder(references):
    """The table of real images that get worse step by step, to read scores by."""
    columns = [name for name in references if name != "train"]
    rows = []
    for score in (score for score, _, _ in (*table.ROWS, *table.SECOND)):
        title, _ = TITLES[score]
        values = [references[name].get(score) for name in columns]
        if None not in values:
            cells = [table.short(value) for value in values]
            rows.append(pages.row(title.strip(), columns, cells))
    if columns:
        yield pages.table(columns, rows, "Training images, made worse step by step")


def _rows(entries, names, columns, floor):
    """The rows of a group: every score that one of the models has."""
    rows = []
    for name in (name for name in TITLES if name in names):
        values = [_value(entry, name) for entry in entries]
        if all(value is None for value in values):
            continue
        title, better = TITLES[name]
        cells = [None if v is None else table.short(v) for v in values]
        if floor is not None:
            real = floor.get(groups.bare(name))
            cells.append("" if real is None else table.short(real))
        ranked = "" if name in NOT_RANKED else better
        rows.append(
            pages.row(
                title.strip(),
                columns,
                cells,
                note=BETTER[ranked],
                best=best(values, ranked, [_error(entry, name) for entry in entries]),
                detail=title.startswith(" "),
            )
        )
    return rows


def _value(entry, name):
    """A score as a number; None if the model has none."""
    if entry.evaluation is None or name not in entry.evaluation.scores:
        return None
    value = entry.evaluation.scores[name]
    return math.inf if value is None else value  # JSON knows no infinity


def _error(entry, name):
    """The standard error of a score; 0 where none is known."""
    measured = entry.evaluation
    if _value(entry, name) is None:
        return 0.0
    errors = measured.details.get("standard_errors", {})
    if name.endswith("kernel"):
        return measured.scores[f"{name}_error"]
    if groups.bare(name) in SHARES:
        share, count = measured.scores[name], measured.protocol.num_generated
        return math.sqrt(share * (1 - share) / count)
    return errors.get(name, 0.0)


def best(values, better, errors=None):
    """Returns the numbers of the best values: those that look like the best one, or are
    less than two standard errors of the difference away from it.

    Args:
        values: Numbers, or None for who has none.
        better: "-" less, "+" more, "1" nearer to 1, "" nothing.
        errors: The standard error of each value; 0 where it is not known.
    Returns: none if fewer than two have a value, or all look the same.
    """
    cost = {"-": lambda v: v, "+": lambda v: -v, "1": lambda v: abs(v - 1)}.get(better)
    known = {n: v for n, v in enumerate(values) if v is not None}
    texts = {number: table.short(value) for number, value in known.items()}
    if cost is None or len(set(texts.values())) < 2:
        return ()
    winner = min(known, key=lambda number: cost(known[number]))
    errors = errors or [0.0] * len(values)

    def is_tied(number):
        gap = abs(known[number] - known[winner])
        return gap < 2 * math.hypot(errors[number], errors[winner])

    return tuple(n for n in known if texts[n] == texts[winner] or is_tied(n))


def disagreements(entries):
    """Yields sentences on pairs of models that the Frechet distance of one kind of
    features puts in one order and that of the other in the other, each by more than two
    standard errors."""
    for place, first in enumerate(entries):
        for second in entries[place + 1 :]:
            for of in ("", "recon_", "answer_"):
                signs = [
                    _order(first, second, f"{of}{kind}frechet") for kind in ("", SECOND)
                ]
                if signs[0] * signs[1] < 0:
                    near, far = (first, second) if signs[0] < 0 else (second, first)
                    what = PARTS.get(of, "samples")
                    extractor = near.evaluation.protocol.extractor
                    yield (
                        f"{what} of {near.label} are nearer to the real images than "
                        f"those of {far.label} by {extractor} features, and farther by "
                        f"{near.evaluation.protocol.second} features"
                    )


def _order(first, second, name):
    """-1 if the score `name` of the first is less by more than two standard errors, 1
    if it is more, else 0."""
    values = [_value(entry, name) for entry in (first, second)]
    if None in values:
        return 0
    error = math.hypot(*(_error(entry, name) for entry in (first, second)))
    gap = values[0] - values[1]
    return 0 if abs(gap) <= 2 * error else math.copysign(1, gap)


def _reasons(entries):
    """Sentences on the scores that a model does not have, with the reason."""
    for entry in entries:
        if entry.failure:
            yield f"{entry.label}: all scores: {entry.failure}"
            continue
        lacking = table.by_reason(entry.evaluation.not_applicable)
        for reason, names in lacking.items():
            yield f"{entry.label}: {_listed(names)}: {reason}"


def _listed(names):
    """Scores in words; if a whole group is lacking, its title stands for all."""
    words, names = [], list(names)
    for group in evaluation.groups.GROUPS:
        if set(group.scores) <= set(names):
            words.append(f"all of “{group.title}”")
            names = [name for name in names if name not in group.scores]
    return ", ".join(words + [_in_words(name) for name in names])


def _in_words(score):
    """A score as a person calls it, with the part that it is of."""
    title, part = TITLES[score][0].strip(), PARTS.get(groups.part_of(score))
    return title if part is None or part in title else f"{title} of {part}"


def _warnings(entries):
    """Sentences; one that holds for several models comes once, with their labels."""
    labels_of = {}
    for entry in entries:
        source = entry.evaluation or entry.subject
        for warning in source.warnings:
            labels_of.setdefault(warning, []).append(entry.label)
    for warning, labels in labels_of.items():
        everyone = len(labels) == len(entries)
        yield warning if everyone else f"{', '.join(labels)}: {warning}"


def _notes(title, sentences):
    """A heading and its list; nothing if there are no sentences."""
    items = list(sentences)
    return (pages.element("h3", title), pages.bullets(items)) if items else ()
