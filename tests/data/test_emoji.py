"""Tests emoji: got of packages, which the tests write themselves, and read."""

import contextlib
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import tarfile
import types

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo import backend, commands
from zoo.commands import prepare
from zoo.data.sources import concepts, emoji_packages, npm, ready

TONES = ("1F3FB", "1F3FF")
PEOPLE = ("1F44B", "1F3C3")  # a hand and a runner, each plain and with two tones
FACES = tuple(f"1F6{n:02X}" for n in range(30))
FRANCE, ST_MARTIN, SARK, ARABIA = (
    *("1F1EB-1F1F7", "1F1F2-1F1EB"),
    *("1F1E8-1F1F6", "1F1F8-1F1E6"),
)
FLAGS = (FRANCE, ST_MARTIN, SARK, ARABIA)
HASH = "0023-FE0F-20E3"
GROUPS = ("smileys-emotion", "people-body", "component", "flags")
SPLITS = ("train", "validation", "test")


def entry(code, group, **more):
    return {
        "hexcode": code,
        "label": f"label of {code}",
        "tags": ["tag", f"label of {code}"],
        "group": group,
        "subgroup": 0,
    } | more


def words():
    """Returns the files of the package of words."""
    tones = {
        code: [entry(f"{code}-{tone}", 1, tags=[]) for tone in TONES] for code in PEOPLE
    }
    entries = [
        *(entry(code, 0) for code in (*FACES, HASH)),
        *(entry(code, 1, skins=tones[code]) for code in PEOPLE),
        entry("1F3FB", 2),
        *(entry(code, 3) for code in (FRANCE, ST_MARTIN, SARK, ARABIA)),
        {"hexcode": "1F1E6", "label": "letter A"},  # no emoji by itself
    ]
    keys = [{"key": key, "order": n} for n, key in enumerate(GROUPS)]
    messages = {"groups": keys, "subgroups": [{"key": "all", "order": 0}]}
    japanese = json.loads(json.dumps(entries).replace("label of", "\\u7d75"))
    texts = {"en/data": entries, "ja/data": japanese, "en/messages": messages}
    return {f"package/{n}.json": json.dumps(t).encode() for n, t in texts.items()}


def drawing(text, shift):
    """Returns a PNG of a colour that depends on a text, half of it transparent."""
    colour = hashlib.sha256(text.encode()).digest()[:3]
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, 32:] = (*colour, 255)
    pixels[shift, 32:] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def style(name, shift):
    """Returns the files of a style, and others that nobody wants."""
    codes = [
        *(*FACES, HASH, "1F3FB", FRANCE, ST_MARTIN, SARK, ARABIA, *PEOPLE),
        *(f"{code}-{tone}" for code in PEOPLE for tone in TONES),
    ]
    equal = {ST_MARTIN: FRANCE, SARK: ARABIA if name == "google" else SARK}
    files = {
        f"package/img/{name}/64/{code.lower()}.png": drawing(
            equal.get(code, code), shift
        )
        for code in codes
    }
    return files | {
        f"../img/{name}/64/1f600.png": b"no picture",
        f"package/img/{name}/sheets/64.png": b"no picture",
    }


def pack(folder, monkeypatch, key, files):
    """Writes a tarball, which is then the pinned one of a package."""
    pinned = emoji_packages.PACKAGES[key]
    path = folder / pinned.file
    with tarfile.open(path, "w:gz") as tarball:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tarball.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    package = npm.Package(pinned.name, pinned.version, digest, 1)
    monkeypatch.setitem(emoji_packages.PACKAGES, key, package)
    return path


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Writes small packages; returns their folder."""
    folder = tmp_path / "packages"
    folder.mkdir()
    pack(folder, monkeypatch, "words", words())
    pack(folder, monkeypatch, "twitter", style("twitter", 1))
    pack(folder, monkeypatch, "google", style("google", 2))
    return folder


@pytest.fixture
def place(packages, tmp_path):
    """Prepares the set; returns where sets are kept."""
    assert run("--dataset=emoji", f"--from={packages}", f"--data_dir={tmp_path}") == 0
    return tmp_path


def run(*flags):
    return commands.start(prepare.VERB, prepare.main, ["prepare", *flags])


def opened(name, place, **options):
    return zoo.data.open(name, data_dir=place, **options)


def test_preparation_tells_its_progress_and_what_there_is(packages, tmp_path, capsys):
    flags = f"--dataset=emoji --from={packages} --data_dir={tmp_path}".split()
    assert run(*flags) == 0
    out = capsys.readouterr().out
    assert "twitter: 41 of 41 drawings" in out and "google: 40 of 40" in out
    assert "--dataset=emoji" in out
    written = sorted(path.name for path in (tmp_path / "emoji").rglob("*.*"))
    assert written == ["1.0.0", "google.npy", "table.json", "twitter.npy"]
    assert run(*flags[:1], flags[2]) == 0  # ready: neither npm nor a folder is wanted
    assert "drawings" not in capsys.readouterr().out


def test_npm_is_asked_for_the_pinned_packages(packages, tmp_path, monkeypatch):
    asked = []

    def npm_pack(words, cwd, **options):
        asked.append(words[2])
        name = next(
            p.file
            for p in emoji_packages.PACKAGES.values()
            if asked[-1] == f"{p.name}@{p.version}"
        )
        (pathlib.Path(cwd) / name).write_bytes((packages / name).read_bytes())
        return types.SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(npm.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(npm.subprocess, "run", npm_pack)
    assert run("--dataset=emoji", f"--data_dir={tmp_path}") == 0
    assert asked == [
        "emojibase-data@17.0.0",
        "emoji-datasource-twitter@16.0.0",
        "emoji-datasource-google@16.0.0",
    ]
    assert opened("emoji", tmp_path).info.num_classes == 3


def test_emoji_have_pictures_groups_and_words(place):
    data = opened("emoji", place)
    assert data.info.class_names == ("flags", "people-body", "smileys-emotion")
    assert data.info.fields == {"image": (64, 64, 3), "label": (), "caption": None}
    # Of 42 drawings a style one is a mere skin tone, one equal to another, and google
    # has a wrong flag.
    assert sum(data.info.num_examples.values()) == 40 + 39
    columns = data.arrays("train+validation")
    test = data.arrays("test")
    images = np.concatenate([columns["image"], test["image"]])
    assert images.dtype == np.uint8 and (images[:, :, :32] == 255).all()
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
    captions = [*columns["caption"], *test["caption"]]
    assert ("label of 1F600", "tag") in captions
    assert ("label of 1F44B-1F3FB", "tag", "label of 1F44B") in captions
    assert not any(text[-5:] == "1F3FB" and "-" not in text for text, *_ in captions)


@pytest.mark.parametrize("name", ["emoji", "emoji:twitter", "emoji:google:twitter"])
@pytest.mark.parametrize("split", [*SPLITS, "train+validation"])
def test_labels_and_captions_are_those_of_their_pictures(place, name, split):
    data = opened(name, place)
    columns = data.arrays(split)
    rows = zip(columns["image"], columns["label"], columns["caption"], strict=True)
    for image, label, (text, *_) in rows:
        code = text.removeprefix("label of ")
        colour = hashlib.sha256(code.encode()).digest()[:3]
        assert tuple(image[40, 40]) == tuple(colour)
        hand = code.split("-")[0] in PEOPLE
        group = GROUPS[1] if hand else GROUPS[3] if code in FLAGS else GROUPS[0]
        assert data.info.class_names[label] == group
    if "source" in columns:
        np.testing.assert_array_equal(columns["source"][:, 40], columns["image"][:, 40])


def test_captions_come_in_japanese(place):
    english = opened("emoji", place).arrays("test")["caption"]
    japanese = opened("emoji", place, language="ja").arrays("test")["caption"]
    for ours, theirs in zip(english, japanese):
        assert theirs[0] == ours[0].replace("label of", "絵")


def test_equal_drawings_are_there_once_and_a_wrong_flag_is_not(place):
    def texts(name):
        data = opened(name, place)
        return {c[0] for s in SPLITS for c in captions(data, s)}

    assert f"label of {FRANCE}" in texts("emoji")
    assert f"label of {ST_MARTIN}" not in texts("emoji")
    assert f"label of {SARK}" in texts("emoji:twitter")
    assert f"label of {SARK}" not in texts("emoji:google")
    assert f"label of {ARABIA}" in texts("emoji:google")


def captions(data, split):
    return data.arrays(split)["caption"]


def test_all_tones_and_styles_of_a_concept_are_in_one_split(place):
    sides = {}
    for name in ("emoji", "emoji:twitter", "emoji:google", "emoji:twitter:google"):
        for split in SPLITS:
            for text, *_ in captions(opened(name, place), split):
                base = concepts.base(concepts.concept(text.removeprefix("label of ")))
                assert sides.setdefault(base, split) == split
    counts = [list(sides.values()).count(split) for split in SPLITS]
    assert counts == [30, 3, 3]


@pytest.mark.parametrize(
    "one, other",
    [
        ("1F44B", "1F44B-1F3FD"),
        ("1F468-200D-1F692", "1F9D1-1F3FB-200D-1F692"),
        ("1F3C3-200D-2640", "1F3C3-1F3FC-200D-2642-200D-27A1"),
        ("1F469-200D-1F469-200D-1F466", "1F46A"),
        ("1F469-1F3FC", "1F471-1F3FC-200D-2640"),
        ("1F1F3-1F1F4", "1F1F8-1F1EF"),
    ],
)
def test_what_is_drawn_alike_has_one_base(one, other):
    assert concepts.base(one) == concepts.base(other)


def test_signs_by_themselves_are_different():
    assert len({concepts.base(sign) for sign in ("2640", "2642", "27A1")}) == 3
    assert concepts.concept("0023-FE0F-20E3") == "23-20E3"


def test_a_base_of_very_many_variants_is_trained_on(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(emoji_packages, "MOST_VARIANTS", 2)
    assert run("--dataset=emoji", f"--from={packages}", f"--data_dir={tmp_path}") == 0
    texts = [c[0] for c in captions(opened("emoji", tmp_path), "train")]
    for code in (code for hand in PEOPLE for code in (hand, f"{hand}-1F3FF")):
        assert f"label of {code}" in texts


def test_two_styles_are_pairs(place):
    data = opened("emoji:twitter:google", place)
    assert data.info.fields["source"] == (64, 64, 3)
    for split in SPLITS:
        columns = data.arrays(split)
        twitter, google = columns["source"], columns["image"]
        np.testing.assert_array_equal(twitter[:, 40], google[:, 40])  # equal colours
        assert (twitter[:, 1] == 255).all() and (google[:, 2] == 255).all()
        assert len(columns["label"]) == len(columns["caption"]) == len(google)
    swapped = opened("emoji:google:twitter", place).arrays("test")
    np.testing.assert_array_equal(swapped["image"], data.arrays("test")["source"])


@pytest.mark.parametrize("domains", ["twitter,google", ["twitter", "google"]])
def test_domains_share_no_concept_but_in_the_test_set(place, domains):
    data = opened("emoji", place, domains=domains)
    assert data.source.domains == ("source", "image") == tuple(data.info.fields)
    assert data.info.num_classes is None

    def colours(split):
        columns = data.arrays(split)
        assert {k: len(v) for k, v in columns.items()} == (
            data.source.num_examples[split]
        )
        return [list(map(tuple, columns[f][:, 40, 40])) for f in ("source", "image")]

    first, second = colours("train")
    assert first and second and not set(first) & set(second)
    assert (data.arrays("train")["source"][:, 1] == 255).all()
    for split in ("validation", "test"):
        first, second = colours(split)
        assert first == second


@pytest.mark.parametrize("domains", ["smileys-emotion, flags", ("smileys-emotion", 0)])
def test_two_groups_are_domains_as_of_any_labelled_set(place, domains):
    data = opened("emoji", place, domains=domains)
    for split in ("train", "validation", "test"):
        for field, group in (("source", "smileys-emotion"), ("image", "flags")):
            number = data.info.num_examples[split][field]
            if data.info.num_examples[split] and number:
                whole = opened("emoji", place, classes=(group,)).arrays(split)["image"]
                assert len(whole) == number
    assert len(data.arrays("train")["source"]) > len(data.arrays("train")["image"]) > 0


def test_styles_may_have_space_around_them(place):
    data = opened("emoji", place, domains="google, twitter")
    assert (data.arrays("train")["source"][:, 2] == 255).all()


def test_flags_of_records_and_places_are_looked_at_before_the_work(
    packages, tmp_path, capsys
):
    flags = "--dataset=emoji", f"--from={packages}", f"--data_dir={tmp_path / 'sets'}"
    assert "without --out" in refusal(capsys, *flags, "--classes=flags")
    assert "--image_size" in refusal(capsys, *flags, "--image_size=32")
    assert "--language" in refusal(capsys, *flags, "--language=ja")
    out = f"--out={packages}"
    assert "files already" in refusal(capsys, *flags, out)
    free = f"--out={tmp_path / 'out'}"
    assert "'google'" in refusal(capsys, *flags, free, "--domains=twitter,gogle")
    assert not (tmp_path / "sets").exists() and not (tmp_path / "out").exists()


def test_labels_of_batches_and_sizes_are_as_in_other_sets(place):
    data = opened("emoji:google", place, classes=["people-body"], image_size=(16, 32))
    assert data.info.image_shape == (16, 32, 3)
    assert set(data.arrays("train")["label"]) == {0}
    batches = opened("emoji", place).batches(
        "train", 8, fields=("image", "label", "caption")
    )
    image, label, caption = next(iter(batches))
    assert image.shape == (8, 64, 64, 3) and label.shape == caption.shape == (8,)


@pytest.mark.skipif(backend.NAME != "tensorflow", reason="TensorFlow writes records")
@pytest.mark.parametrize(
    "name, options",
    [("emoji:twitter:google", {}), ("emoji", {"domains": "twitter,google"})],
)
def test_records_hold_every_field(place, name, options):
    zoo.data.write_records(name, place / "records", data_dir=place, **options)
    records = zoo.data.open(f"records:{place / 'records'}")
    for split in SPLITS:
        there = records.arrays(split)
        for field, column in opened(name, place, **options).arrays(split).items():
            np.testing.assert_array_equal(there[field], column)


def test_openmoji_is_drawn_from_svg(packages, tmp_path, monkeypatch):
    resvg_py = pytest.importorskip("resvg_py")
    assert resvg_py
    shape = '<circle cx="9" cy="9" r="{}" fill="{}" stroke="black"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18">{shape}</svg>'
    codes = [*FACES, *PEOPLE, f"{PEOPLE[0]}-1F3FB", FRANCE]
    files = {}
    for n, code in enumerate(codes):
        # The last face has no colour: it is drawn as its lines are.
        colour = "none" if code == FACES[-1] else f"rgb(200,{5 * n},0)"
        for kind, fill in (("color", colour), ("black", "none")):
            text = svg.format(2 + n / 8, fill).encode()
            files[f"package/{kind}/svg/{code}.svg"] = text
    pack(packages, monkeypatch, "openmoji", files)
    flags = f"--from={packages}", f"--data_dir={tmp_path}"
    assert run("--dataset=emoji:openmoji_black:openmoji", *flags) == 0
    data = opened("emoji:openmoji_black:openmoji", tmp_path)
    assert data.info.class_names == ("people-body", "smileys-emotion")
    # Neither the skin tone, nor the flag, nor the face without colour.
    assert sum(data.info.num_examples.values()) == len(codes) - 3
    lines, coloured = (data.arrays("train")[field] for field in ("source", "image"))
    assert (lines[:, 32, 32] == 255).all() and (coloured[:, 32, 32, 0] == 200).all()
    assert sum(opened("emoji:openmoji", tmp_path).info.num_examples.values()) == 34


# --- what is wrong --------------------------------------------------------------------


def refusal(capsys, *flags):
    """Returns the sentence with which a command is refused."""
    assert run(*flags) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and message.endswith(".\n")
    return message


def test_a_set_that_is_not_prepared_is_told_with_the_command(tmp_path):
    for name in ("emoji", "emoji:openmoji"):
        with pytest.raises(FileNotFoundError, match=f"prepare --dataset={name} "):
            zoo.data.require(name, data_dir=tmp_path)


def test_tarballs_that_are_not_the_pinned_ones_leave_nothing(
    packages, tmp_path, capsys, monkeypatch
):
    flags = "--dataset=emoji", f"--from={packages}", f"--data_dir={tmp_path / 'sets'}"
    google = packages / emoji_packages.PACKAGES["google"].file
    whole = google.read_bytes()
    google.write_bytes(whole[:-900])
    message = refusal(capsys, *flags)
    assert "npm pack emoji-datasource-google@16.0.0" in message and "sha256" in message
    google.unlink()
    assert google.name in refusal(capsys, *flags)
    google.write_bytes(whole[:-900])  # cut off, though it is the pinned one
    digest = hashlib.sha256(whole[:-900]).hexdigest()
    package = npm.Package("emoji-datasource-google", "16.0.0", digest, 1)
    monkeypatch.setitem(emoji_packages.PACKAGES, "google", package)
    assert "cannot be read" in refusal(capsys, *flags)
    assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize(
    "key, files, text",
    [
        ("words", {"package/en/data.json": b"[]"}, "lacks files"),
        ("google", {"package/img/twitter/64/1f600.png": b""}, "holds no drawings"),
        ("google", {"package/img/google/64/1f600.png": b"no"}, "cannot be read"),
    ],
)
def test_packages_that_hold_something_else_leave_nothing(
    packages, tmp_path, capsys, monkeypatch, key, files, text
):
    pack(packages, monkeypatch, key, files)
    place = tmp_path / "sets"
    flags = "--dataset=emoji", f"--from={packages}", f"--data_dir={place}"
    assert text in refusal(capsys, *flags)
    assert not place.exists()


def test_npm_that_is_missing_or_offline_is_told_with_the_way_out(
    tmp_path, capsys, monkeypatch
):
    flags = "--dataset=emoji", f"--data_dir={tmp_path / 'sets'}"
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    assert "not installed" in refusal(capsys, *flags)
    monkeypatch.setattr(npm.shutil, "which", lambda name: "/bin/npm")
    failed = types.SimpleNamespace(returncode=1, stderr="npm error code ENOTFOUND\n")
    monkeypatch.setattr(npm.subprocess, "run", lambda *args, **options: failed)
    message = refusal(capsys, *flags)
    assert "ENOTFOUND" in message and "--from=FOLDER" in message
    assert "npm pack emojibase-data@17.0.0 emoji-datasource-twitter@16.0.0" in message

    def endless(*arguments, **options):
        raise subprocess.TimeoutExpired("npm", options["timeout"])

    monkeypatch.setattr(npm.subprocess, "run", endless)
    assert "more than" in refusal(capsys, *flags)
    assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize("file", ["table.json", "twitter.npy"])
def test_a_prepared_set_that_is_damaged_is_told(place, file):
    path = ready.place("emoji", emoji_packages.VERSION, place) / file
    for content in (path.read_bytes()[:-60], b"{}"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged.*delete its folder.*Received: "):
            opened("emoji", place)


def test_a_folder_without_its_table_is_told_before_the_work(packages, tmp_path, capsys):
    folder = ready.place("emoji", emoji_packages.VERSION, tmp_path)
    folder.mkdir(parents=True)
    (folder / "twitter.npy").write_bytes(b"")
    assert run("--dataset=emoji", f"--from={packages}", f"--data_dir={tmp_path}") == 1
    printed = capsys.readouterr()
    assert "drawings" not in printed.out
    assert "holds no table.json" in printed.err and "delete its folder" in printed.err
    with pytest.raises(ValueError, match="holds no table.json.*Received: "):
        opened("emoji", tmp_path)


def test_what_another_process_has_prepared_meanwhile_is_taken(
    packages, tmp_path, monkeypatch
):
    appearing = ready.folders.appearing

    @contextlib.contextmanager
    def late(folder, prefix):
        with appearing(folder, prefix) as temporary:
            yield temporary
            shutil.copytree(temporary, folder)

    monkeypatch.setattr(ready.folders, "appearing", late)
    flags = f"--from={packages}", f"--data_dir={tmp_path / 'sets'}"
    assert run("--dataset=emoji", *flags) == 0
    assert opened("emoji", tmp_path / "sets").info.num_classes == 3
    left = [path.name for path in (tmp_path / "sets" / "emoji").iterdir()]
    assert left == [emoji_packages.VERSION]


@pytest.mark.parametrize(
    "name, options, text",
    [
        ("emoji:twiter", {}, "did you mean 'twitter'"),
        ("emoji:twitter:twitter", {}, "different"),
        ("emoji:twitter:google:openmoji", {}, "one style, or two"),
        ("emoji", {"language": "jp"}, "one of en, ja"),
        ("emoji", {"domains": "twitter"}, "two styles"),
        ("emoji", {"domains": 5}, "two styles"),
        ("emoji", {"domains": "twitter,gogle"}, "did you mean 'google'"),
        ("emoji:google", {"domains": "twitter,google"}, "emoji alone"),
    ],
)
def test_words_of_no_use_are_refused(place, name, options, text):
    with pytest.raises(ValueError, match=text):
        opened(name, place, **options)
    with pytest.raises(ValueError, match=text):
        zoo.data.require(name, data_dir=place, **options)
