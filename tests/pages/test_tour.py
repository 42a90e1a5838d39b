"""Tests the tour: verdicts that follow from numbers, words in every language, and one
self-contained page."""

import base64
import hashlib
import html
import json
import re
import types

import numpy as np
import pytest
import tiny
from test_pages import pictures
from test_pages import words as texts_of
from untrained import folder_of
from verbs import called

from zoo import pages
from zoo.commands import processes, reproduce, train
from zoo.commands import tour as verb
from zoo.pages import tour
from zoo.pages.tour import drawing, layout, live, words
from zoo.pages.tour.chapters import ae_vae, together
from zoo.pages.tour.claims import (
    HOLDS,
    MISSING,
    NOT,
    PARTLY,
    Criterion,
    Figure,
    Findings,
    Result,
    verdict,
)
from zoo.runs import folder as runs

CLAIMS = [claim for claims in tour.CHAPTERS.values() for claim in claims]


def meeting(criteria):
    """Returns numbers that meet all criteria."""
    numbers = {c.limit: 5.0 for c in criteria if isinstance(c.limit, str)}
    return numbers | {c.number: 10.0 if c.relation == ">=" else 0.0 for c in criteria}


# --- verdicts -------------------------------------------------------------------------


def test_a_verdict_counts_the_thresholds_that_are_met():
    criteria = (Criterion("a", ">=", 1.0), Criterion("b", "<=", "a"))
    assert verdict(criteria, {"a": 1.0, "b": 1.0}) == HOLDS
    assert verdict(criteria, {"a": 1.0, "b": 1.1}) == PARTLY
    assert verdict(criteria, {"a": 0.9, "b": 1.1}) == NOT
    assert verdict(criteria, {"a": np.nan, "b": np.nan}) == NOT


@pytest.mark.parametrize(
    "claim", [c for c in CLAIMS if len({x.number for x in c.criteria}) > 1],
    ids=lambda claim: claim.key,
)  # fmt: skip
def test_another_number_is_another_verdict_on_the_page(claim):
    numbers = meeting(claim.criteria)
    result = Result(claim, Findings(numbers))
    assert result.verdict == HOLDS
    text = layout.claim(result, words.Words("en"), None)
    assert '<b class="verdict holds">holds</b>' in text
    first = claim.criteria[0]
    away = -9.0 if first.relation == ">=" else 9.0
    changed = numbers | {first.number: first.threshold(numbers) + away}
    other = Result(claim, Findings(changed))
    assert other.verdict in (PARTLY, NOT)
    assert f'class="verdict {other.verdict}"' in layout.claim(
        other, words.Words("en"), None
    )


def test_thresholds_stand_on_the_page():
    claim = next(claim for claim in CLAIMS if claim.key == "clear")
    numbers = {"shoes_gan.sharpness": 0.93, "shoes_vae.sharpness": 0.44}
    numbers |= {"shoes_gan.precision": 0.5, "shoes_vae.precision": 0.6}
    text = layout.numbers(Result(claim, Findings(numbers)), words.Words("en"))
    text = html.unescape(re.sub(r"<[^>]*>", "|", text))
    assert "|≥ 0.8|" in text and "|0.93|" in text
    assert "≥ 0.44 (VAE, alpha 1: sharpness of samples)" in text


def test_a_number_close_to_another_measured_one_is_marked():
    criterion = Criterion("a", ">=", "b")
    assert criterion.is_close({"a": 1.04, "b": 1.0})
    assert criterion.is_close({"a": 0.96, "b": 1.0})
    assert not criterion.is_close({"a": 1.06, "b": 1.0})
    assert not Criterion("a", ">=", 1.0).is_close({"a": 1.0})  # the threshold is fixed
    claim = next(claim for claim in CLAIMS if claim.key == "diverse")
    numbers = {
        f"shoes_{m}.{k}": 0.5 for m in ("vae", "gan") for k in ("recall", "coverage")
    }
    text = layout.numbers(Result(claim, Findings(numbers)), words.Words("en"))
    assert text.count("yes, closely") == 2


# --- words ----------------------------------------------------------------------------


def test_every_language_has_every_text():
    english, *others = (words.Words(lang).texts for lang in ("en", "ja"))
    for texts in others:
        assert list(texts) == list(english)
        for key, text in texts.items():
            assert text.strip()
            assert words.placeholders(text) == words.placeholders(english[key]), key


def test_labels_of_charts_are_told_and_names_and_numbers_stay():
    translated = words.Words("ja").label
    assert (
        translated("steps") == "ステップ数"
        and translated("component 2 (9%)") == "主成分 2 (9%)"
    )
    same = ("VAE", "0.5", "z 1", "Ankle boot", "D(G(z))")
    assert [translated(label) for label in same] == list(same)


def test_pictures_are_described_in_the_language_of_the_page():
    grid = drawing.Grid(tiny.images(4), "test images", 2)
    assert 'alt="test images"' in grid.html(words.Words("en"))
    assert 'alt="テスト画像"' in grid.html(words.Words("ja"))


def test_every_claim_number_and_caption_has_words():
    known = words.Words("en")
    for claim in CLAIMS:
        assert known(f"claims.{claim.key}.claim")
        assert known(f"claims.{claim.key}.experiment")
        for criterion in claim.criteria:
            assert known.number(criterion.number)
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)
    keys = {key.split(".")[1] for key in known.texts if key.startswith("claims.")}
    assert keys == {claim.key for claim in CLAIMS}
    roles = {key.split(".")[1] for key in known.texts if key.startswith("models.")}
    assert roles == set(verb.RECIPES)


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="speaks en and ja. Received: lang='fr'"):
        words.Words("fr")


def test_every_claim_of_the_articles_is_taken_up_or_told_of():
    numbers = {"A": 6, "B": 5, "C": 5, "D": 4, "E": 4}
    every = {f"{letter}{n + 1}" for letter, n in numbers.items() for n in range(n)}
    taken = {source for claim in CLAIMS for source in claim.source}
    outside = tour.Words("en").texts
    outside = {key.split(".")[1] for key in outside if key.startswith("outside.")}
    assert taken | outside == every


# --- the page -------------------------------------------------------------------------


def command(roles):
    return f"train {','.join(roles)}"


@pytest.fixture
def bare(tmp_path):
    """A studio that has no model at all."""
    folders = {role: tmp_path / role for role in verb.RECIPES}
    return tour.Studio(folders, "digits", num_images=100)


@pytest.fixture(scope="module")
def results():
    """Returns all claims, met by invented numbers, with one picture each."""
    picture = drawing.Grid(tiny.images(4), "four")
    figures = (Figure("samples", picture, "vae"),)
    return {
        chapter: [Result(c, Findings(meeting(c.criteria), figures)) for c in claims]
        for chapter, claims in tour.CHAPTERS.items()
    }


@pytest.mark.parametrize("lang", tour.LANGUAGES)
def test_the_page_has_every_claim_and_picture_inside(results, bare, lang):
    text = tour.page(results, bare, lang, command, quick=True)
    scripts = re.findall("<script>(.*?)</script>", text, flags=re.S)
    assert scripts == [live.SCRIPT.read_text("utf-8")] and text.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert html.escape(f"script-src 'sha256-{digest}'") in text
    assert f'<html lang="{lang}">' in text
    assert len(pictures(text)) == len(CLAIMS)
    known = tour.Words(lang)
    for claim in CLAIMS:
        assert html.escape(known(f"claims.{claim.key}.claim")) in text
        assert f'href="#{claim.key}"' in text and f'id="{claim.key}"' in text
    assert html.escape(known("page.quick")) in text
    # Digits has too few images.
    assert html.escape(known("page.few", enough="2,000")) in text
    assert "http:" not in text and "https:" not in text
    assert "{" not in re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)


def test_a_bar_leads_to_chapters_verdicts_and_the_other_language(results, bare):
    others = {"ja": "tour.ja.html"}
    text = tour.page(results, bare, "en", command, others=others)
    bar = re.search(r"<nav.*?</nav>", text)[0]
    links = dict(re.findall(r'href="([^"]+)">([^<]+)<', bar))
    places = {f"#chapter-{key}" for key in tour.CHAPTERS} | {"#verdicts"}
    assert set(links) == places | {"tour.ja.html"} and links["tour.ja.html"] == "日本語"
    assert all(f'id="{place[1:]}"' in text for place in places)
    assert text.count('href="#verdicts"') == 1 + len(CLAIMS)


def measured_alone(key, studio):
    """Returns the `Result` of a claim, and the page of that claim alone in Japanese."""
    ((chapter, claim),) = (
        (chapter, claim)
        for chapter, claims in tour.CHAPTERS.items()
        for claim in claims
        if claim.key == key
    )
    results = tour.measure(studio, chapters={chapter: [claim]})
    return results[chapter][0], tour.page(results, studio, "ja", command)


def test_what_is_not_trained_is_told_with_its_command(bare, tmp_path):
    bare.folders["bigan"] = tmp_path / "<script>"
    result, text = measured_alone("bigan", bare)
    assert result.verdict == MISSING and result.lacking == ("bigan",)
    assert "<pre>train bigan</pre>" in text and ">未実行</b>" in text
    assert "<script" not in text and "&lt;script&gt;" in text


def test_a_column_that_was_not_recorded_is_the_reason(bare):
    for role in ("gan", "wgan"):
        folder_of(bare.folders[role], role)
    result, text = measured_alone("told", bare)
    assert result.verdict == MISSING and "has no column" in text
    assert "gan/metrics.csv has no column 'frechet'" in result.reason


# --- experiments, on untrained models -------------------------------------------------

ROLES = {
    "ae": ("ae_2d", "ae"),
    "vae": ("vae_2d", "vae", "shoes_vae", "shoes_vae_alpha", "left_out_vae"),
    "gan": ("gan", "shoes_gan", "collapse_gan"),
    "vaegan_hybrid": ("vaegan_hybrid",),
    **{name: (name,) for name in ("wgan", "cgan", "vaegan", "bigan", "ddpm")},
}
CHANGES = {
    "ae_2d": {"latent_dim": 2},
    "vae_2d": {"latent_dim": 2},
    "shoes_vae": {"likelihood": "mse"},
    "shoes_vae_alpha": {"likelihood": "mse", "alpha": 10.0},
    "cgan": {"num_classes": 10},
    "ddpm": {"num_classes": 0, "num_timesteps": 50},
}
TERMS = ("elbo", "mse", "d_real", "d_fake", "d_loss", "g_loss", "frechet")
TERMS += ("wasserstein",)


@pytest.mark.slow
def test_every_experiment_finds_its_numbers_and_pictures(bare, monkeypatch):
    random = np.random.default_rng(0)
    monkeypatch.setattr(together, "TAUGHT", 1)
    for name, roles in ROLES.items():
        for role in roles:
            classes = [0, 1, 2] if role == "left_out_vae" else None
            changes = CHANGES.get(role, {})
            folder = folder_of(bare.folders[role], name, classes=classes, **changes)
            rows = [
                {"epoch": n, "step": n, "seconds": 1.0}
                | {term: random.uniform(0.1, 0.9) for term in TERMS}
                for n in range(1, 9)
            ]
            runs.RunFolder(folder).write_rows(rows)
    results = tour.measure(bare)
    for each in (each for chapter in results.values() for each in chapter):
        assert each.findings is not None, (each.claim.key, each.reason)
        assert each.verdict in (HOLDS, PARTLY, NOT)
        assert np.isfinite(list(each.findings.numbers.values())).all(), each.claim.key
    japanese = words.Words("ja")
    # These are numbers, names and formulas.
    own = re.compile(r"[-−\d.]*|[A-Z].*|cGAN|z \d|-?log.*")
    for each in (each for chapter in results.values() for each in chapter):
        for picture in (figure.picture for figure in each.findings.figures):
            labels = [picture.alt]
            if isinstance(picture, drawing.Chart):
                (chart,) = pictures(pages.chart(picture.figure, picture.alt))
                labels += texts_of(chart)
            for label in labels:
                known = japanese.label(label) != label or own.fullmatch(label)
                assert known, (each.claim.key, label)
    for lang in tour.LANGUAGES:  # every number and caption has its words
        assert tour.page(results, bare, lang, command).count("<img") > 50


def test_latents_move_by_the_difference_of_the_means_of_two_classes():
    model = types.SimpleNamespace(decode=lambda z: z)
    z, labels = np.eye(4), np.array([0, 1, 1, 3])
    moves = list(ae_vae.moved(model, z, labels, z, labels))
    assert [(target, list(rows)) for target, rows, *_ in moves] == [
        (1, [0]),
        (3, [1, 2]),
        (0, [3]),
    ]
    _, _, before, after = moves[0]
    np.testing.assert_allclose(after - before, [[-1, 0.5, 0.5, 0]])
    assert not list(ae_vae.moved(model, z, labels * 0, z, labels * 0))


def test_a_completion_keeps_the_half_that_is_known():
    images = tiny.images(12)
    x = tiny.floats(12)
    inputs = []

    def reconstruct(images):
        inputs.append(images)
        return x

    studio = types.SimpleNamespace(
        test=lambda role: (images, None),
        train=lambda role: (images, None),
        model=lambda role: types.SimpleNamespace(reconstruct=reconstruct),
        classes=lambda images: np.arange(len(images)),
    )
    findings = ae_vae.completion(studio)
    assert findings.numbers["vae.completed_error"] == pytest.approx(0, abs=1e-9)
    assert len(inputs) == ae_vae.ROUNDS
    for each in inputs:
        np.testing.assert_allclose(each[:, :4], x[:, :4], atol=1e-6)
    np.testing.assert_allclose(inputs[0][0, 4:], x.mean(axis=0)[4:], atol=1e-6)


# --- by command line ------------------------------------------------------------------


@pytest.fixture
def measured(results, monkeypatch):
    """Makes the tour train and measure nothing; returns the studios that it asked for,
    and its jobs."""
    asked = []
    monkeypatch.setattr(processes, "train_side_by_side", asked.append)
    monkeypatch.setattr(tour, "measure", lambda *of: asked.append(of[0]) or results)
    return asked


def test_quick_trains_digits_and_writes_a_page_a_language(measured, tmp_path, capsys):
    runs_folder = tmp_path / "runs"
    assert called(verb, "--quick", "--lang=ja,en", f"--runs={runs_folder}") == 0
    jobs, studio = measured
    assert studio.dataset == "digits"
    assert set(jobs) == {runs_folder / f.stem for f in verb.QUICK.glob("*.flags")}
    assert set(studio.folders.values()) == set(jobs)
    assert 'lang="ja"' in (runs_folder / "tour.html").read_text()
    assert 'lang="en"' in (runs_folder / "tour.en.html").read_text()
    assert 'href="tour.en.html"' in (runs_folder / "tour.html").read_text()
    numbers = json.loads((runs_folder / "tour.json").read_text())
    assert set(numbers) == {claim.key for claim in CLAIMS}
    assert capsys.readouterr().out.count("written: ") == 2


def test_the_full_tour_looks_at_recipes(measured, tmp_path):
    assert called(verb, f"--runs={tmp_path}", f"--out={tmp_path / 'a.html'}") == 0
    (studio,) = measured
    assert studio.dataset == "fashion_mnist"
    for role, folder in studio.folders.items():
        assert reproduce.recipe_of(folder), role
    assert "bigan-fashion_mnist --runs=" in verb._command(tmp_path)(["bigan"])


def test_quick_flags_are_those_of_experiments_train():
    verb.VERB.parse(["tour", "--quick"])
    for workdir, flags in verb._jobs(verb.QUICK).items():
        train.VERB.parse(["train", *flags, f"--workdir={workdir}"])
        assert train.VERB.flags.dataset == "digits"


@pytest.mark.slow
def test_small_trainings_share_processes_and_are_kept(tmp_path, capsys):
    tiny = ["--model=ae", "--set=width=4", "--set=latent_dim=2", "--dataset=digits"]
    tiny += ["--epochs=1", "--batch_size=450"]
    jobs = {tmp_path / name: tiny for name in "ab"}
    processes.train_side_by_side(jobs, workers=1)
    assert capsys.readouterr().out.count("\n") == 2
    models = [folder / "model.keras" for folder in jobs]
    written = [model.stat().st_mtime_ns for model in models]
    processes.train_side_by_side(jobs, workers=1)
    assert [model.stat().st_mtime_ns for model in models] == written
    wrong = {tmp_path / "c": ["--model=vea"], tmp_path / "d": tiny}
    with pytest.raises(ValueError, match="did you mean"):
        processes.train_side_by_side(wrong, workers=1)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--lang=fr"], "--lang takes en, ja. Received: lang='fr'"),
        (["--num_images=5"], "at least 100"),
        (["--seed=-1"], "at least 0"),
        (["--out=tour.png"], ".html"),
    ],
)
def test_wrong_input_is_one_sentence(flags, sentence, measured, tmp_path, capsys):
    assert called(verb, f"--runs={tmp_path / 'runs'}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert not measured and not list(tmp_path.iterdir())
