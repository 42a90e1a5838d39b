"""Tests folders of pictures with captions, in the ways in which users write them."""

import csv
import json
import tracemalloc

import numpy as np
import pytest
from everywhere import same_everywhere
from PIL import Image
from refusals import refusal

import zoo.data
from zoo.data.sources import captioning


def save(path, value):
    """Writes a picture of noise that begins with `value`."""
    pixels = np.random.default_rng(value).integers(0, 256, (8, 8, 3), np.uint8)
    pixels[0, 0, 0] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def json_lines(folder, *rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "metadata.jsonl").write_text(text, "utf-8")


def captions(folder, **options):
    """Returns {first value of a picture: its captions} of all splits."""
    opened = zoo.data.open(f"captions:{folder}", **options)
    texts = {}
    for split in ("train+validation", "test"):
        if opened.source.num_examples[split]:
            columns = opened.arrays(split)
            values = columns["image"][:, 0, 0, 0].tolist()
            texts |= dict(zip(values, columns["caption"], strict=True))
    return texts


@pytest.fixture
def folder(tmp_path):
    """A folder of three pictures, 0.png to 2.png."""
    for value in range(3):
        save(tmp_path / f"{value}.png", value)
    return tmp_path


# --- ways to write them ---------------------------------------------------------------


def test_lines_of_json_hold_a_text_or_a_list(folder):
    rows = [
        {"file_name": "0.png", "text": "a cat"},
        {"file_name": "1.png", "text": ["一つの犬", "a dög"]},
        {"file_name": "./2.png", "text": " a fox ", "text_2": "red", "size": 3},
    ]
    json_lines(folder, *rows)
    wanted = {0: ("a cat",), 1: ("一つの犬", "a dög"), 2: ("a fox", "red")}
    assert captions(folder) == wanted


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_tables_hold_texts_in_rows_and_in_numbered_columns(folder, encoding):
    with open(folder / "metadata.csv", "w", newline="", encoding=encoding) as file:
        table = csv.writer(file)
        table.writerow(["file_name", "text", "text2", "author"])
        table.writerow(["0.png", "a cat, asleep", "", "Ann"])
        table.writerow(["1.png", 'a "dog"\nawake', "brown", "Ann"])
        table.writerow(["0.png", "it sleeps", "grey", "Ann"])
        table.writerow(["2.png", "a fox", "a fox", ""])
    assert captions(folder) == {
        0: ("a cat, asleep", "it sleeps", "grey"),
        1: ('a "dog"\nawake', "brown"),
        2: ("a fox",),
    }


def test_a_text_file_beside_a_picture_has_a_text_a_line(folder):
    (folder / "0.txt").write_text("a cat\r\n\nasleep\n", "utf-8-sig")
    (folder / "1.TXT").write_text("a dog")
    (folder / "2.txt").write_text("a fox")
    assert captions(folder) == {0: ("a cat", "asleep"), 1: ("a dog",), 2: ("a fox",)}


def test_the_columns_of_texts_can_be_chosen(folder):
    rows = [{"file_name": f"{n}.png", "de": f"Bild {n}", "ja": "絵"} for n in range(3)]
    json_lines(folder, *rows)
    assert captions(folder, text_column="ja")[1] == ("絵",)
    assert captions(folder, text_column="de, ja")[1] == ("Bild 1", "絵")
    message = refusal(captions, folder)
    assert "'text'" in message and "'de', 'ja'" in message and "text_column" in message
    assert "did you mean 'ja'" in refusal(captions, folder, text_column="jaa")
    for wrong in ("", "a,,b", 3):
        message = refusal(captions, folder, text_column=wrong)
        name = f"captions:{folder}"
        assert refusal(zoo.data.require, name, text_column=wrong) == message


def test_splits_and_labels_are_those_of_a_folder(tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        for label in (0, 1):
            for n in range(4):
                value = 40 * number + 20 * label + n
                save(tmp_path / split / "ab"[label] / f"{n}.png", value)
        names = [f"{label}/{n}.png" for label in "ab" for n in range(4)]
        rows = [{"file_name": name, "text": f"{split} {name}"} for name in names]
        json_lines(tmp_path / split, *rows)
    opened = zoo.data.open(f"captions:{tmp_path}")
    assert opened.info.num_examples == {"train": 8, "validation": 8, "test": 8}
    assert opened.info.class_names == ("a", "b")
    assert opened.info.fields == {"image": (8, 8, 3), "label": (), "caption": None}
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        columns = opened.arrays(split)
        for label, texts in zip(columns["label"], columns["caption"]):
            assert texts[0].startswith(f"{name} {'ab'[label]}/")
    only = zoo.data.open(f"captions:{tmp_path}", classes=("b",)).arrays("test")
    assert [texts[0][5] for texts in only["caption"]] == ["b"] * 4


def test_the_options_of_a_folder_hold(folder):
    json_lines(folder, *({"file_name": f"{n}.png", "text": "x"} for n in range(3)))
    name, options = f"captions:{folder}", {"color": "grey", "fit": "stretch"}
    info = zoo.data.info(name, image_size=16, **options)
    assert info.image_shape == (16, 16, 1) and info.rules["fit"] == "stretch"
    assert "text_column" in refusal(zoo.data.open, name, textcolumn="x")
    with pytest.raises(FileNotFoundError, match="captions: wants"):
        zoo.data.open("captions:nowhere")


# --- the ways of all sets -------------------------------------------------------------


@pytest.mark.parametrize("has_tf_data", [True, False])
def test_batches_records_and_disk_hold_pictures_with_their_captions(
    tmp_path, monkeypatch, has_tf_data
):
    folder = tmp_path / "set"
    for value in range(30):
        save(folder / f"{value}.png", value)
    rows = [{"file_name": f"{n}.png", "text": [f"{n} a", f"{n} b"]} for n in range(30)]
    json_lines(folder, *rows)
    where = f"captions:{folder}", tmp_path / "records", monkeypatch, has_tf_data
    for images, texts in same_everywhere(*where, ("image", "caption")):
        for image, text in zip(images, texts):
            text = text.decode() if isinstance(text, bytes) else text
            assert text in (f"{image[0, 0, 0]} a", f"{image[0, 0, 0]} b")


# --- what is of no use ----------------------------------------------------------------


def test_a_picture_without_a_caption_is_named_and_left_out(folder, caplog):
    json_lines(folder, {"file_name": "1.png", "text": "a dog"})
    (folder / "notes.md").write_text("no picture")
    assert captions(folder) == {1: ("a dog",)}
    assert "'0.png', '2.png'" in caplog.text and "without a caption" in caplog.text
    assert "notes.md" not in caplog.text and "metadata" not in caplog.text


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"file_name": "3.png", "text": "x"}, "there is no file '3.png'"),
        ({"file_name": "/1.png", "text": "x"}, "absolute"),
        ({"file_name": "C:\\1.png", "text": "x"}, "absolute"),
        ({"file_name": "../1.png", "text": "x"}, "leads out of the folder"),
        ({"file_name": "a/../../1.png", "text": "x"}, "leads out of the folder"),
        ({"file_name": "a\0b", "text": "x"}, "there is no file"),
        ({"file_name": None, "text": "x"}, "no file_name"),
        ({"text": "x"}, "no file_name"),
        ({"file_name": "1.png", "text": "x" * 100_000}, "100,000 characters"),
        ({"file_name": "1.png", "text": None}, "no text"),
        ({"file_name": "1.png", "text": []}, "no text"),
        ({"file_name": "1.png", "text": "  "}, "empty"),
        ({"file_name": "1.png", "text": ["x", 3]}, "'3' is no text"),
        ({"file_name": "1.png", "text": "\ud800"}, "UTF-8"),
        (["1.png", "x"], "no JSON object"),
    ],
)
def test_a_row_of_no_use_is_named_with_its_line(folder, caplog, row, reason):
    good = {"file_name": "0.png", "text": "a cat"}
    text = json.dumps(good) + "\n\n" + json.dumps(row) + "\n"
    (folder / "metadata.jsonl").write_text(text)
    assert captions(folder) == {0: ("a cat",)}
    assert reason in caplog.text and "line 3 of" in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 2000


def test_a_line_of_many_megabytes_is_passed_over_and_not_held(folder, caplog):
    rows = [{"file_name": f"{n}.png", "text": "x"} for n in range(3)]
    lines = [json.dumps(row) for row in rows]
    lines[1] = json.dumps(rows[1] | {"more": ["y"] * 2_000_000})
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    tracemalloc.start()
    try:
        columns = ("text",)
        paths = [("metadata.jsonl",), *((f"{n}.png",) for n in range(3))]
        texts = captioning.texts("captions:x", folder, paths, columns)
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20  # bytes
    finally:
        tracemalloc.stop()
    assert list(texts) == [("0.png",), ("2.png",)]
    assert "line 2 of" in caplog.text and "at most 1,048,576 char" in caplog.text


def test_columns_that_nobody_wants_may_have_one_name(folder):
    (folder / "metadata.csv").write_text("file_name,text,,\n0.png,a cat,,\n")
    assert captions(folder) == {0: ("a cat",)}


def test_a_name_that_comes_twice_adds_its_text_once(folder):
    row = {"file_name": "0.png", "text": "a cat"}
    json_lines(folder, row, row, row | {"text": "it sleeps"})
    assert captions(folder) == {0: ("a cat", "it sleeps")}


def test_letters_may_be_composed_in_another_way(tmp_path):
    save(tmp_path / "gru\u0308n.png", 7)  # as macOS writes it
    json_lines(tmp_path, {"file_name": "gr\u00fcn.png", "text": "green"})
    assert captions(tmp_path) == {7: ("green",)}


@pytest.mark.parametrize(
    "table, reason",
    [
        ("file_name,text\n0.png,a red, round ball\n", "needs quotes"),
        ("file_name,text\n0.png\n", "no text"),
        ("file_name,text\n", "no picture has a caption"),
        ("", "no picture has a caption"),
        ("file_name;text\n0.png;a cat\n", "'file_name;text'"),
        ("image,text\n0.png,a cat\n", "no column 'file_name'"),
        (
            'file_name,text\n0.png,"a cat\n1.png,a dog\n',
            "after line 1: a text in quotes may",
        ),
        (f"file_name,text\n0.png,{'x' * 200_000}\n", "after line 1"),
        (f"file_name,text\n0.png,{'x,' * 600_000}\n", "line 2 has more than 1,048,576"),
        ("file_name,text,text\n0.png,a cat,grey\n", "columns are called 'text'"),
        ("file_name,text\n0.png,gr\xfcn\n".encode("latin-1"), "is not UTF-8"),
        ("file_name,text\n0.png,a cat\n".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_table_of_no_use_is_one_sentence(folder, table, reason):
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "metadata.csv").write_bytes(data)
    assert reason in refusal(zoo.data.open, f"captions:{folder}")


def test_text_files_of_no_use_are_named(folder, caplog):
    (folder / "0.txt").write_bytes("grün".encode("latin-1"))
    (folder / "1.txt").write_text("x" * 2**21)
    (folder / "2.txt").write_text("a fox")
    assert captions(folder) == {2: ("a fox",)}
    assert "0.txt' (no UTF-8)" in caplog.text and "1.txt' (more than" in caplog.text


def test_a_folder_without_captions_is_one_sentence(folder, tmp_path_factory):
    message = refusal(zoo.data.open, f"captions:{folder}")
    assert "metadata.jsonl" in message and "NAME.txt" in message
    refusal(zoo.data.open, f"captions:{tmp_path_factory.mktemp('empty')}")
    json_lines(folder, {"file_name": "metadata.jsonl", "text": "no picture"})
    assert "No readable image" in refusal(zoo.data.open, f"captions:{folder}")
