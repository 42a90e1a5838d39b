"""The table of an evaluation, as text."""

import textwrap

from zoo.evaluation import clips, groups, rulers
from zoo.metrics.protocol import NO_FEATURES

# (score, how a person calls it, what is better: - less, + more, 1 near 1, or nothing)
OF_FEATURES = (
    ("frechet", "Frechet distance", "-"),
    ("kernel", "kernel distance", "-"),
    ("kernel_spread", "  spread of subsets", ""),
    ("kernel_error", "  standard error", ""),
    ("precision", "precision", "+"),
    ("recall", "recall", "+"),
    ("density", "density", "1"),
    ("coverage", "coverage", "+"),
)
ROWS = (
    *OF_FEATURES,
    ("classifier_score", "classifier score", "+"),
    ("class_distance", "classes off by", "-"),
    ("sharpness", "sharpness of real", "1"),
)
# The same of features that need no labels, in a part of their own.
SECOND = tuple((f"{rulers.SECOND}{name}", *texts) for name, *texts in OF_FEATURES)
SINGLES = (
    ("conditional_accuracy", "samples of the class that was asked for", "+"),
    ("caption_all", "samples that show all that their caption says", "+"),
    ("caption_count", "  the right number of things", "+"),
    ("caption_colour", "  the right colour", "+"),
    ("caption_shape", "  the right shape", "+"),
    ("caption_size", "  the right size", "+"),
    ("caption_side", "  the right side of each other", "+"),
    ("cas", "accuracy of a classifier taught by samples alone", "+"),
    ("cas_real", "  the same, taught by as many real images", ""),
    ("nearest_train", "distance to the training images, of unseen real ones'", "1"),
    ("closer_to_train", "closer to them than an unseen real one (new: 0.5)", ""),
    ("recon_mse", "squared error of reconstructions, pixels in [0, 1]", "-"),
    ("pca_mse", "  the same of PCA with as many numbers an image", ""),
    ("recon_psnr", "peak signal-to-noise ratio, dB", "+"),
    ("recon_ssim", "structural similarity", "+"),
    ("recon_class_kept", "reconstructions that keep their class", "+"),
    ("answer_mse", "squared error of answers, pixels in [0, 1]", "-"),
    ("source_mse", "  the same of the sources, enlarged", ""),
    ("answer_psnr", "peak signal-to-noise ratio of answers, dB", "+"),
    ("source_psnr", "  the same of the sources, enlarged", ""),
    ("answer_ssim", "structural similarity of answers", "+"),
    ("source_ssim", "  the same of the sources, enlarged", ""),
    ("answer_class_kept", "answers of the class of the image", "+"),
    ("source_class_kept", "  the same of the sources, enlarged", ""),
    ("answer_colourfulness", "colourfulness of answers, of real images'", "1"),
    ("source_colourfulness", "  the same of the sources", ""),
    ("answer_spread", "difference of two answers to a source, a pixel", ""),
    ("neighbour_accuracy", "1-NN accuracy of encodings", "+"),
    ("neighbour_accuracy_untrained", "  the same, untrained", ""),
    ("probe_accuracy", "linear probe of encodings", "+"),
    ("probe_accuracy_untrained", "  the same, untrained", ""),
    ("latent_mean", "length of the latents' mean (prior: 0)", ""),
    ("latent_variance", "mean variance of the latents (prior: 1)", "1"),
    ("latent_correlation", "largest correlation of two latents (prior: 0)", ""),
    ("latent_kl_to_prior", "KL of all latents' normal fit to the prior, nats", "-"),
    ("latent_kl", "KL(q(z|x) || p(z)), nats an image", ""),
    ("active_units", "active units", ""),
    ("nll", "-log p(x), nats an image, at most", "-"),
    ("nll_error", "  standard error", ""),
    ("bits_per_dim", "bits per dimension", "-"),
    ("accuracy", "accuracy", "+"),
    ("future_psnr", "peak signal-to-noise ratio of frames to come, dB", "+"),
    ("future_psnr_copied", "  the same of the last frame, again", ""),
    ("future_psnr_mean_image", "  the same of the mean image", ""),
    ("future_psnr_velocity", "  the same of the last frame, moved straight on", ""),
    ("draws_psnr_best", f"best of {clips.DRAWS} draws of frames to come, dB", ""),
    ("draws_psnr_mean", f"  the mean of these {clips.DRAWS}", ""),
    ("draws_psnr_first", "  one draw, of the same clips", ""),
    ("future_ssim", "structural similarity of frames to come", "+"),
    ("future_ssim_copied", "  the same of the last frame, again", ""),
    ("future_ssim_mean_image", "  the same of the mean image", ""),
    ("future_ssim_velocity", "  the same of the last frame, moved straight on", ""),
    ("between_1_psnr", "PSNR of the frame between two, dB", "+"),
    ("between_1_psnr_faded", "  the same of their mean", ""),
    ("between_5_psnr", "PSNR of five frames between two, dB", "+"),
    ("between_5_psnr_faded", "  the same of a cross-fade", ""),
    ("between_1_ssim", "structural similarity of the frame between two", "+"),
    ("between_1_ssim_faded", "  the same of their mean", ""),
    ("between_5_ssim", "structural similarity of five frames between two", "+"),
    ("between_5_ssim_faded", "  the same of a cross-fade", ""),
    ("future_speed", "speed in frames to come, of real ones'", "1"),
    ("future_sharpness", "sharpness of frames to come, of real ones'", "1"),
    ("sample_speed", "speed in new clips, of real ones'", "1"),
    ("sample_sharpness", "sharpness of new clips, of real ones'", "1"),
)
# A column each for the model's images and for their parts: {prefix of scores: title}.
COLUMNS = {"": "made", "recon_": "recon", "answer_": "answer", "source_": "source"}
FEWEST_JOINED = 10  # scores of a group that are told by its title where all are lacking
WIDTH, FIRST, SINGLE = 6, 24, 60
MOST_HORIZONS = 9  # columns that a line has room for


def lines(evaluation):
    """Lines of at most 88 columns."""
    texts = [*_head(evaluation), ""]
    texts += _columns(evaluation) + [""]
    for score, title, better in SINGLES:
        if score in evaluation.scores:
            value = short(evaluation.scores[score])
            texts.append(f"{_titled(title, better):<{SINGLE}} {value:>{WIDTH}}")
    texts += _horizons(evaluation.details.get("horizons", {}))
    texts += ["", "(-) less is better, (+) more is, (1) best at 1", ""]
    for reason, scores in by_reason(evaluation.not_applicable).items():
        names = [f"all {words}" if whole else words for words, whole in joined(scores)]
        texts += _wrapped(f"not applicable, {reason}: {', '.join(names)}")
    for warning in evaluation.warnings:
        texts += _wrapped(f"warning: {warning}")
    return texts


def short(value):
    """A number in at most six characters."""
    if value is None:
        return "inf"
    if isinstance(value, int) or value == 0:
        return f"{value:.0f}"
    size = abs(value)
    if size >= 1e5 or size < 1e-3:
        return f"{value:.0e}"
    digits = 3 - (value < 0) - (size < 0.01)  # a sign and a zero take their places
    if size >= 100:
        return f"{value:.0f}" if size >= 1000 else f"{value:.1f}"
    return f"{value:.{digits}g}"


def _head(evaluation):
    p = evaluation.protocol
    classes = "" if p.classes is None else f", classes {', '.join(map(str, p.classes))}"
    judge = evaluation.details.get("judge", {})
    facts = f"sha256 {p.sha256[:16]}"
    if judge.get("sha256") == p.sha256:
        facts = f"accuracy {judge['accuracy']:.1%}, {facts}"
    features = [f"features: {p.extractor} ({facts})"]
    if p.extractor == NO_FEATURES:
        features = ["compared pixel by pixel"]
    if p.second:
        features += [f"          {p.second} (sha256 {p.second_sha256[:16]})"]
    examples = evaluation.details.get("examples", "images")
    return [
        evaluation.file,
        f"{evaluation.model} on {p.dataset}{classes}",
        f"{p.num_generated:,} {examples} against {p.num_real:,} {p.split} {examples}, "
        f"seed {p.seed}",
        *features,
        f"zoo {p.code}, metrics version {p.version}",
    ]


def _horizons(curves):
    """PSNR by horizon, of {who foretells: {"psnr": numbers, ...}}, at most
    `MOST_HORIZONS` of them."""
    if not curves:
        return []
    count = len(curves["model"]["psnr"])
    step = -(-count // MOST_HORIZONS)
    at = range(0, count, step)
    texts = ["", _row("dB after so many frames", [str(k + 1) for k in at])]
    for name, each in curves.items():
        texts.append(_row(name, [short(each["psnr"][k]) for k in at]))
    return texts


def _columns(evaluation):
    """The scores of the model's images, and of real ones as they get worse."""
    scores = evaluation.scores
    names = [score for score, _, _ in (*ROWS, *SECOND)]
    columns = {
        title: {
            name: scores[f"{part}{name}"] for name in names if f"{part}{name}" in scores
        }
        for part, title in COLUMNS.items()
    }
    columns |= evaluation.references
    columns = {k: v for k, v in columns.items() if v.get("frechet") is not None}
    if not columns:
        return []
    parts = [name.rpartition(" ") for name in columns]
    texts = []
    for words in ([first for first, _, _ in parts], [last for _, _, last in parts]):
        texts.append(_row("", words))
    texts += _rows(ROWS, columns.values())
    second = list(_rows(SECOND, columns.values()))
    if second:
        texts += [f"by {evaluation.protocol.second} features, which need no labels:"]
    return texts + second


def _rows(rows, columns):
    """A line for each score that one of the `columns` {score: number} has."""
    for score, title, better in rows:
        if any(score in each for each in columns):
            values = [short(each[score]) if score in each else "" for each in columns]
            yield _row(_titled(title, better), values)


def _row(title, cells):
    row = f"{title:<{FIRST}}" + "".join(f" {cell:>{WIDTH}}" for cell in cells)
    return row.rstrip()


def _titled(title, better):
    return f"{title} ({better})" if better else title


def by_reason(reasons):
    """{score: reason} as {reason: [score]}."""
    scores = {}
    for score, reason in reasons.items():
        scores.setdefault(reason, []).append(score)
    return scores


def joined(scores):
    """Yields (title of a group, True) for each group of which all scores are among
    `scores`, then (score, False) for the others; a group of few is not joined."""
    rest = list(scores)
    for group in groups.GROUPS:
        if len(group.scores) >= FEWEST_JOINED and set(group.scores) <= set(rest):
            yield group.title, True
            rest = [score for score in rest if score not in group.scores]
    yield from ((score, False) for score in rest)


def _wrapped(text):
    return textwrap.wrap(text, 88, subsequent_indent="  ")
