"""Tests comparisons: one page, from which nothing is missing and on which nothing is
compared that must not be."""

import dataclasses
import html
import os
import re

import numpy as np
import pytest
import shelf
import tiny
from capable import only  # noqa: F401
from PIL import Image
from test_pages import pictures
from untrained import FEW, cache, folder_of  # noqa: F401
from verbs import called, typed

from zoo import evaluation, pages
from zoo.commands import compare, gallery, processes
from zoo.core import saving
from zoo.inputs import pixels
from zoo.pages import comparison
from zoo.pages.charts import plane
from zoo.pages.comparison import pictures as drawn
from zoo.pages.comparison import tables
from zoo.pages.comparison.pictures import classes_in_turn
from zoo.runs import folder as runs

HOSTILE = "<script>alert(1)"
NAMES = {"vae": "vae", "gan": "gan", HOSTILE: "ae"}
SILENT = evaluation.Stages()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Returns run folders of untrained models, one of which has markup in its name."""
    root = tmp_path_factory.mktemp("runs")
    paths = [folder_of(root / label, name) for label, name in NAMES.items()]
    rows = [{"epoch": n, "step": 7 * n, "seconds": 60.0, "elbo": n} for n in (1, 2, 3)]
    runs.RunFolder(paths[0]).write_rows(rows)
    return paths


@pytest.fixture(scope="module")
def entries(folders):
    entries = comparison.find(folders)
    comparison.measure(entries, FEW, SILENT)
    return entries


@pytest.fixture(scope="module")
def text(entries):
    return comparison.page(entries)


def part(text, title):
    """Returns a section of the page without its markup."""
    (section,) = re.findall(rf"<section><h2>{title}</h2>(.*?)</section>", text, re.S)
    return html.unescape(re.sub(r"<[^>]*>", "\n", section))


# --- the page -------------------------------------------------------------------------


@pytest.mark.slow
def test_a_hostile_folder_is_shown_by_its_name(text):
    assert "<script" not in text
    assert html.escape(HOSTILE) in text


def test_every_model_has_its_picture_or_the_reason_why_not(text):
    for title, lacking in {
        "Samples": ["'ae' cannot sample"],
        "Reconstructions": ["'gan' cannot reconstruct"],
        "Interpolations": [],  # a GAN interpolates between samples of its own
        "Latent maps": ["'gan' cannot encode"],
        "Learning curves": ["there is no metrics.csv of its training"] * 2,
    }.items():
        section = part(text, title)
        assert all(f"\n{label}\n" in section for label in NAMES)
        assert re.findall("not applicable: (.*)", section) == lacking
    # There are three pictures of real images, three kinds for each of two models, three
    # ways, and one curve.
    assert len(pictures(text)) == 3 + 2 * 3 + 3 + 1
    widths = re.findall(r'<img [^>]*\bwidth="(\d+)"', text)
    assert len(widths) == 3 + 2 * 3 + 3 + 1 and min(map(int, widths)) > 400


def test_a_gans_ways_lead_between_its_own_samples(entries, text, monkeypatch):
    assert part(text, "Interpolations").count("between samples of its own") == 1
    grids, (_, gan, _) = [], entries
    monkeypatch.setattr(pages, "grid", lambda images, *_: grids.append(images))
    material = drawn.Material.of(gan.subject, seed=7)
    drawn.ways_between_samples(gan, material)
    (images,) = grids
    ends = gan.model.sample(2 * drawn.NUM_PAIRS, seed=7)
    first, last = images[:: drawn.STEPS], images[drawn.STEPS - 1 :: drawn.STEPS]
    np.testing.assert_allclose(first, ends[: drawn.NUM_PAIRS], atol=1e-4)
    np.testing.assert_allclose(last, ends[drawn.NUM_PAIRS :], atol=1e-4)


def test_every_score_is_shown_or_its_lack_is_told(entries, text):
    section = part(text, "Scores")
    for entry in entries:
        names = {*entry.evaluation.scores, *entry.evaluation.not_applicable}
        assert names <= set(tables.TITLES)
        for name in entry.evaluation.scores:
            assert f"\n{tables.TITLES[name][0].strip()}\n" in section
        for reason in entry.evaluation.not_applicable.values():
            assert any(
                line.startswith(f"{entry.label}: ") and line.endswith(reason)
                for line in section.splitlines()
            )
    assert "vae: bits per dimension: the likelihood is not one of 8-bit" in section
    assert "\nTraining images, made worse step by step\n" in section
    assert "\nblur 0.5\n" in section and "\nnoise 0.2\n" in section
    assert (
        "gan: all of “classes in encodings”, all of “latents”: 'gan' cannot" in section
    )
    assert "\nonly 60 images" in section and "classifier-digits (sha256 " in section


def test_time_and_parameters_stand_beside_the_models(entries, text):
    section = part(text, "Models")
    assert "training time 3.0 min n/a n/a" in " ".join(section.split())
    count = entries[1].model.network("generator").count_params()
    assert f"{count:,}" in section
    assert "Goodfellow et al. 2014" in section and "latent_dim=3" in section


@pytest.mark.parametrize(
    "values, better, marked",
    [
        ([3.0, 1.0, 2.0], "-", (1,)),
        ([3.0, 1.0, 2.0], "+", (0,)),
        ([0.5, 1.2, 1.6], "1", (1,)),
        ([3.0, 1.0, 2.0], "", ()),
        ([None, 1.0, 2.0], "-", (1,)),
        ([None, 1.0, None], "-", ()),
        ([0.0, 0.0, 0.0], "+", ()),
        # Equal in the digits that the page shows.
        ([0.12341, 0.12344, 0.2], "-", (0, 1)),
        ([20.0, np.inf, 30.0], "+", (1,)),
    ],
)
def test_the_best_is_marked_by_what_is_better(values, better, marked):
    assert tables.best(values, better) == marked


@pytest.mark.parametrize(
    "values, better, errors, marked",
    [
        ([1.87, 1.90, 2.5], "-", [0.05, 0.05, 0.05], (0, 1)),
        ([1.87, 1.90, 2.5], "-", [0.001, 0.001, 0.05], (0,)),
        ([0.90, 0.95, None], "+", [0.02, 0.02, 0.0], (0, 1)),
        ([1.87, 1.90], "", [0.05, 0.05], ()),
    ],
)
def test_ties_within_two_standard_errors_are_marked_together(
    values, better, errors, marked
):
    assert tables.best(values, better, errors) == marked


def changed(entry, errors=None, **scores):
    """Returns the entry with other scores, some of them with standard errors."""
    known = entry.evaluation
    details = known.details | {"standard_errors": errors or {}}
    other = dataclasses.replace(known, scores=known.scores | scores, details=details)
    return dataclasses.replace(entry, evaluation=other)


def test_a_tie_is_marked_on_the_page_by_the_errors_of_the_evaluations(entries):
    vae, gan, _ = entries
    assert set(vae.evaluation.details["standard_errors"]) == {
        f"{of}{kind}frechet" for of in ("", "recon_") for kind in ("", "pretext_")
    }
    for error, count in ((0.05, 2), (0.001, 1)):
        errors = {"frechet": error}
        pair = [changed(vae, errors, frechet=1.87), changed(gan, errors, frechet=1.9)]
        row = "".join(tables.scores(pair)).partition("Frechet distance")[2]
        row = row.partition("</tr>")[0]
        assert "1.87" in row and row.count("<strong>") == count


def test_the_best_cell_of_the_page_is_the_best_model(entries, text):

    vae, gan, ae = entries
    for low, high in ((vae, gan), (gan, vae)):
        pair = [changed(low, frechet=1.25, nll=1.5), changed(high, frechet=8.5, nll=2)]
        page = "".join(tables.scores(pair))
        assert "<strong>1.25</strong>" in page and "<strong>8.5" not in page
        assert "<strong>1.5<" not in page  # likelihoods are not ranked


# --- what is measured -----------------------------------------------------------------


def test_stored_scores_of_the_same_options_are_taken(folders, entries, monkeypatch):
    def measure(subject, options, progress):
        measured.append(options)
        return entries[1].evaluation

    measured = []
    monkeypatch.setattr(evaluation, "measure", measure)
    gan = comparison.find(folders[1:2])
    comparison.measure(gan, FEW, SILENT)
    assert not measured and gan[0].evaluation.scores["precision"] is not None
    path = gan[0].subject.out
    before = path.read_text()
    others = dataclasses.replace(FEW, num_images=40)
    comparison.measure(gan, others, SILENT)
    assert measured == [others] and path.read_text() == before
    os.utime(path, (0, 0))  # the times of a copied folder tell nothing
    comparison.measure(gan, FEW, SILENT)
    assert measured == [others]
    sha256 = gan[0].evaluation.details["file_sha256"]
    path.write_text(before.replace(sha256, "0" * 64))
    comparison.measure(gan, FEW, SILENT)
    assert measured == [others, FEW]
    assert sha256 in path.read_text()


def test_scores_of_different_protocols_are_refused(entries):
    vae, gan, _ = entries
    other = dataclasses.replace(gan.evaluation.protocol, num_real=50)
    other = dataclasses.replace(gan.evaluation, protocol=other)
    with pytest.raises(ValueError, match="num_real is 50 here and 60 there"):
        comparison.page([vae, dataclasses.replace(gan, evaluation=other)])


@pytest.mark.slow
def test_a_model_that_has_diverged_is_told_of(entries, tmp_path):
    run = folder_of(tmp_path / "lost", "gan")
    model = saving.load(run)
    model.generator_ema.set_weights([w * np.nan for w in model.generator.get_weights()])
    model.save(run / "model.keras")
    lost = comparison.find([run])
    with pytest.raises(ValueError, match="diverged"):
        comparison.measure(lost, FEW, SILENT)
    text = comparison.page([entries[0], *lost])
    assert "lost: all scores: The model makes images that are not" in part(
        text, "Scores"
    )
    assert "training has diverged" in part(text, "Samples")


@pytest.mark.slow
def test_labels_leave_out_the_data_set_that_all_share(tmp_path):
    names = ("vae-digits", "vae-digits-seed1", "best")
    paths = [folder_of(tmp_path / each, "vae") for each in names]
    labels = [entry.label for entry in comparison.find(paths)]
    assert labels == ["vae", "vae-seed1", "best"]


def test_labels_are_paths_where_names_are_equal(tmp_path):
    paths = [folder_of(tmp_path / each / "vae", "vae") for each in "ab"]
    assert [e.label for e in comparison.find(paths)] == [str(path) for path in paths]
    with pytest.raises(ValueError, match="compared once"):
        comparison.find([paths[0], paths[0]])


@pytest.mark.slow
def test_runs_of_different_data_are_refused_unless_told(tmp_path):
    np.savez(tmp_path / "set.npz", images=tiny.images(300, (28, 28, 1)))
    dataset = f"npz:{tmp_path / 'set.npz'}"
    paths = [folder_of(tmp_path / "a", "vae"), folder_of(tmp_path / "b", "ae", dataset)]
    with pytest.raises(ValueError, match="dataset is digits in .* and npz:"):
        comparison.find(paths)
    entries = comparison.find(paths, dataset="digits")
    assert [entry.subject.dataset for entry in entries] == ["digits", "digits"]


def test_examples_take_the_classes_in_turn():
    labels = np.array([2, 2, 0, 1, 0, 2])
    assert labels[classes_in_turn(labels, 6)].tolist() == [0, 1, 2, 0, 2, 2]
    assert classes_in_turn(None, 3).tolist() == [0, 1, 2]


def test_a_map_is_the_plane_or_its_principal_components():
    z = np.random.default_rng(0).normal(size=(50, 3)) * [1, 9, 3]
    points, axes = plane(z[:, :2])
    np.testing.assert_array_equal(points, z[:, :2])
    assert axes == ("z 1", "z 2")
    points, axes = plane(z)
    assert abs(np.corrcoef(points[:, 0], z[:, 1])[0, 1]) > 0.99
    assert re.fullmatch(r"component 1 \(8\d%\)", axes[0])
    with pytest.raises(evaluation.NotApplicableError, match="one dimension"):
        plane(z[:, :1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["only_sample", "only_encode"])
def test_a_model_that_can_do_one_thing_is_compared(name, entries, only, tmp_path):  # noqa: F811
    (entry,) = comparison.find([folder_of(tmp_path / name, name)])
    comparison.measure([entry], FEW, SILENT)
    page = comparison.page([entries[0], entry])
    able = {"only_sample": {"Samples"}, "only_encode": {"Latent maps"}}[name]
    for title in ("Samples", "Reconstructions", "Interpolations", "Latent maps"):
        lacks = f"'{name}' cannot" in part(page, title)
        assert lacks == (title not in able)
    rows = comparison.side_by_side([entry], 2)
    assert list(rows)[1:] == ([f"{name}, new"] if name == "only_sample" else [])


# --- as one picture -------------------------------------------------------------------


def test_a_row_for_all_that_each_model_can(entries):
    rows = comparison.side_by_side(entries, 3, seed=5)
    names = ["test images", "vae, rebuilt", f"{HOSTILE}, rebuilt", "vae, new"]
    assert list(rows) == [*names, "gan, new"]
    real, vae = rows["test images"], entries[0].model
    expected = {
        "vae, rebuilt": vae.reconstruct(real),
        "vae, new": vae.sample(3, seed=5),
    }
    for name, images in expected.items():
        np.testing.assert_array_equal(rows[name], pixels.to_uint8(images))


def test_a_conditional_model_draws_the_classes_in_turn(tmp_path):
    (entry,) = comparison.find([folder_of(tmp_path / "cgan", "cgan")])
    labels = np.arange(12) % entry.model.num_classes
    samples = entry.model.sample(12, labels=labels, seed=0)
    row = comparison.side_by_side([entry], 12)["cgan, new"]
    np.testing.assert_array_equal(row, pixels.to_uint8(samples))


@pytest.mark.parametrize("name", ["pix2pix", "palette"])
def test_a_model_that_translates_shows_its_answers(name, tmp_path):
    (entry,) = comparison.find([folder_of(tmp_path / name, name)])
    rows = comparison.side_by_side([entry], 3, seed=2)
    sources = entry.model.sources(rows["test images"], seed=2)
    answers = pixels.to_uint8(entry.model.translate(sources, seed=2))
    np.testing.assert_array_equal(rows[f"{name}, from its source"], answers)


def test_the_gallery_of_presets_is_of_their_stored_pictures(
    tmp_path, monkeypatch, capsys
):
    folder = shelf.use(monkeypatch, tmp_path / "presets")
    for name, colour in (("ae", "red"), ("gan", "blue"), ("vae", None)):
        shelf.store(tiny.model(name), folder)
        if colour:
            Image.new("RGB", (40, 90), colour).save(folder / f"{name}-digits.png")
    out = tmp_path / "out.png"
    assert called(gallery, "--presets=all", f"--out={out}") == 0
    pixels = np.asarray(Image.open(out).convert("RGB")).reshape(-1, 3)
    shares = [(pixels == c).all(axis=1).mean() for c in ((255, 0, 0), (0, 0, 255))]
    assert min(shares) > 0.1 and shares[0] == pytest.approx(shares[1], rel=0.05)
    for flags, sentence in (
        (["--presets=vae/digits"], "No picture is stored"),
        (["--presets=vae/digit"], "did you mean 'vae/digits'"),
    ):
        assert called(gallery, *flags, f"--out={tmp_path / 'no.png'}") == 1
        assert sentence in capsys.readouterr().err


def test_the_gallery_is_a_picture(folders, tmp_path, capsys):
    out = tmp_path / "gallery.png"
    flags = [f"--workdirs={folders[0]},{folders[1]}", "--columns=3", f"--out={out}"]
    assert called(gallery, *flags) == 0
    width, height = Image.open(out).size
    assert height > width / 2 and "written" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ([], "one trained model or more"),
        (["--workdirs=nowhere"], "nowhere"),
        (["--columns=0"], "1 to 297"),
        (["--columns=298"], "1 to 297"),
        (["--out=gallery.jpg"], "gallery.jpg"),
    ],
)
def test_a_gallery_that_cannot_be_is_one_sentence(flags, sentence, folders, capsys):
    ours = [f"--workdirs={folders[0]}"] if flags and "workdirs" not in flags[0] else []
    assert called(gallery, *ours, *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


# --- by command line ------------------------------------------------------------------

TINY = ["--models=ae,vae", "--set=width=4", "--set=hidden=8", "--set=vae.latent_dim=2"]
TINY += ["--epochs=1", "--batch_size=450", "--num_images=20"]


@pytest.mark.slow
def test_models_are_trained_once_and_compared(tmp_path, capsys, monkeypatch):
    out = typed("compare", *TINY, cwd=tmp_path)
    folder = tmp_path / "runs" / "compare-digits"
    assert "[2/2] exit code 0" in out and "compare-digits/compare.html" in out
    text = (folder / "compare.html").read_text()
    assert "ae, vae on digits" in text and "latent_dim=2" in part(text, "Models")
    assert len(pictures(text)) > 10
    monkeypatch.setattr(processes, "train", None)  # both runs are finished
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "new" / "page.html"
    assert called(compare, *TINY, f"--out={page}") == 0
    assert page.is_file()
    # A run from another folder decides on the data.
    more = [f"--workdirs={folder}/vae,{folder}/ae", "--num_images=20"]
    assert called(compare, *more, f"--out={page}") == 0
    assert "vae, ae on digits" in page.read_text()


def test_a_training_that_fails_ends_the_comparison(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(processes, "train", lambda *job: 1)
    assert called(compare, *TINY, f"--runs={tmp_path / 'runs'}") == 1
    assert "The training failed" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--models=ae"], "two models or more"),
        (["--models=ae,ae"], "trained once"),
        (["--models=ae,vea"], "did you mean 'vae'"),
        (["--models=ae,vae", "--set=gan.width=4"], "--models are ae, vae"),
        (["--models=ae,vae", "--set=alpha=2"], "alpha"),
        (["--models=ae,vae", "--epochs=0"], "at least 1"),
        (["--models=ae,vae", "--dataset=digts"], "digts"),
        (["--models=ae,vae", "--num_images=3"], "at least 20"),
        (["--models=ae,vae", "--seed=-1"], "at least 0"),
        (["--models=ae,vae", "--out=page.png"], ".html"),
        (["--models=ae,vae", f"--out={__file__}/page.html"], "lies in none"),
        (["--workdirs=nowhere,nothing"], "nowhere"),
    ],
)
def test_wrong_input_is_one_sentence(flags, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(processes, "train", None)
    assert called(compare, f"--runs={tmp_path / 'runs'}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_is_grouped(capsys):
    assert called(compare, "--help") == 0
    out = capsys.readouterr().out
    assert "How long:" in out and max(map(len, out.splitlines())) <= 88
