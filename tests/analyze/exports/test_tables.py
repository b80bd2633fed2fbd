"""A matrix as CSV, JSON and Parquet, read back."""

from __future__ import annotations

import csv
import io
import json
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.exports.factories import EVIL, answer, make_item

from videlicet.analyze.exports import tables
from videlicet.analyze.matrix import Cell, Matrix
from videlicet.errors import InvalidInput
from videlicet.types import Answer, Sentence

#: Where the timelines of the recordings begin.
BEGINS = {"a": Fraction(0), "b": Fraction("0.75")}


def matrix(first: str = "A dog.", question: str = "What is seen?", name: str = "a.mp4") -> Matrix:
    cells = (
        Cell(question, "a", "k1", answer(first, "It runs.", value={"n": [1]})),
        Cell(question, "b", "k2", answer("Not found.", found=False)),
        Cell("Who?", "a", "k3", answer()),
        Cell(
            "Who?", "b", "k4", Answer((Sentence("Ann.", (make_item(EVIL, 1, "2.5"),)),), True, "x")
        ),
    )
    return Matrix((question, "Who?"), ("a", "b"), {"a": name, "b": "b.mp4"}, BEGINS, cells)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_a_row_per_question() -> None:
    found = rows(tables.as_csv(matrix()))
    assert found[0] == ["question", "a.mp4", "a.mp4 (citations)", "b.mp4", "b.mp4 (citations)"]
    assert found[1] == [
        "What is seen?",
        "A dog. It runs.",
        "2.00-3.00 s, speech: A dog.\n2.00-3.00 s, speech: It runs.",
        "Not found.",
        "",
    ]
    assert found[2] == ["Who?", "", "", "Ann.", f"0.25-1.75 s, speech: {EVIL}"]
    assert tables.as_csv(matrix()).count("\r\n") == 3


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "＝"])
def test_no_cell_of_a_csv_is_a_formula(sign: str) -> None:
    evil = f'{sign}HYPERLINK("http://evil")'
    text = tables.as_csv(matrix(evil, evil, evil))
    for row in rows(text):
        assert not [c for c in row if c.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝") if c]
    assert rows(text)[1][0] == f"'{evil}"


@given(st.text())
def test_inert_text_is_the_text(text: str) -> None:
    made = tables.escape_formula(text)
    assert not made.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert made.removeprefix("'") == tables.escape_formula(text).removeprefix("'")
    assert len(made) in (len(text), len(text) + 1)


def test_json_is_the_whole_of_it() -> None:
    text = tables.as_json(matrix(EVIL, name="\udcff.mp4"))
    found = json.loads(text.encode("utf-8"))
    assert found["questions"] == ["What is seen?", "Who?"]
    assert found["assets"] == [{"id": "a", "name": "\udcff.mp4"}, {"id": "b", "name": "b.mp4"}]
    assert len(found["cells"]) == 4
    first = found["cells"][0]["answer"]
    assert first["sentences"][0]["text"] == EVIL
    assert first["sentences"][0]["citations"][0]["id"] == make_item(EVIL).id


def test_parquet_has_a_row_per_cell() -> None:
    from pyarrow import parquet

    content = tables.as_parquet(matrix(EVIL, name="\udcff.mp4"))
    table = parquet.read_table(io.BytesIO(content))
    found = table.to_pylist()
    assert [(row["question"], row["asset_id"], row["found"]) for row in found] == [
        ("What is seen?", "a", True),
        ("What is seen?", "b", False),
        ("Who?", "a", True),
        ("Who?", "b", True),
    ]
    assert found[0]["answer"] == f"{EVIL} It runs."
    assert found[0]["asset_name"] == "\ufffd.mp4"
    assert json.loads(found[0]["value"]) == {"n": [1]}
    assert found[1]["value"] is None
    assert found[0]["citations"][1] == make_item("It runs.").to_json()
    assert found[2]["citations"] == []
    empty = Matrix((), (), {}, {}, ())
    content = tables.as_parquet(empty)
    assert parquet.read_table(io.BytesIO(content)).schema == table.schema


def test_parquet_without_its_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInput) as caught:
        tables.as_parquet(matrix())
    assert "videlicet[parquet]" in caught.value.remedy
