"""A matrix as a table: CSV, JSON and Parquet, with the citations in every cell. (As a page: see
:mod:`videlicet.page`.)"""

from __future__ import annotations

import csv
import io
import json
import re
from importlib import import_module
from typing import Any

from videlicet.analyze.exports.exporter import Exporter, MatrixExport
from videlicet.analyze.matrix import Cell, Matrix
from videlicet.errors import InvalidInput
from videlicet.types import EvidenceItem, Instant

#: What a spreadsheet takes for the beginning of a formula (OWASP, *CSV Injection*).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def as_json(matrix: Matrix) -> str:
    """Questions, assets and cells with their answers. Like all JSON of records it has times on each
    container's own timeline."""
    text = json.dumps(matrix.to_json(), ensure_ascii=False, indent=2) + "\n"
    # Undecodable bytes of a file's name, as JSON writes them.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_csv(matrix: Matrix) -> str:
    """CSV (RFC 4180), one row per question: the question, then for each video its answer and what
    supports it, with times from the recording's start. A cell that a spreadsheet would take for a
    formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = [matrix.names[id] for id in matrix.asset_ids]
    heads = [cell for name in names for cell in (name, f"{name} (citations)")]
    writer.writerow(map(escape_formula, ["question", *heads]))
    for question in matrix.questions:
        row = [question]
        for cell in matrix.row(question):
            begin = matrix.begins[cell.asset_id]
            cited = (_cited(item, begin) for item in cell.answer.citations)
            row += [cell.answer.text, "\n".join(cited)]
        writer.writerow(map(escape_formula, row))
    return out.getvalue()


def escape_formula(text: str) -> str:
    """Text that no spreadsheet runs: OWASP's apostrophe before what would be a formula."""
    text = _UNPRINTABLE.sub("\ufffd", text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def as_parquet(matrix: Matrix) -> bytes:
    """Parquet with one row per cell: question, asset, answer, and the citations as a list of
    structures (as JSON has them). The schema is the same whatever the cells hold.

    Raises:
        InvalidInput: ``invalid_argument`` where pyarrow is not installed.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidInput(
            "invalid_argument",
            "Parquet is written by pyarrow, which is not installed.",
            remedy="Install it with pip install 'videlicet[parquet]', or take another form.",
        ) from error
    text, number, flag, seconds = arrow.string(), arrow.int64(), arrow.bool_(), arrow.float64()
    citation = arrow.struct(
        [
            ("id", text),
            ("asset_id", text),
            ("start", seconds),
            ("end", seconds),
            ("modality", text),
            ("text", text),
            ("speaker", text),
            ("evidence_sha256", text),
        ]
    )
    schema = arrow.schema(
        [
            ("question", text),
            ("asset_id", text),
            ("asset_name", text),
            ("answer", text),
            ("found", flag),
            ("value", text),
            ("analysis_backend", text),
            ("input_tokens", number),
            ("output_tokens", number),
            ("citations", arrow.list_(citation)),
        ]
    )
    rows = [_row(cell, matrix.names[cell.asset_id]) for cell in matrix.cells]
    table = arrow.Table.from_pylist(rows, schema=schema)
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def _row(cell: Cell, name: str) -> dict[str, Any]:
    """``value`` is JSON, for it may be anything."""
    answer = cell.answer
    return {
        "question": _printable(cell.question),
        "asset_id": cell.asset_id,
        "asset_name": _printable(name),
        "answer": _printable(answer.text),
        "found": answer.found,
        "value": None if answer.value is None else json.dumps(answer.value),
        "analysis_backend": answer.analysis_backend,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "citations": [
            {
                key: _printable(value) if isinstance(value, str) else value
                for key, value in item.to_json().items()
            }
            for item in answer.citations
        ],
    }


def _cited(item: EvidenceItem, begin: Instant) -> str:
    span = item.span.shift(-begin)
    return f"{float(span.start):.2f}-{float(span.end):.2f} s, {item.modality.value}: {item.text}"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)


def _as_csv(data: MatrixExport) -> bytes:
    return as_csv(data.matrix).encode("utf-8", "backslashreplace")


def _as_json(data: MatrixExport) -> bytes:
    return as_json(data.matrix).encode()


def _as_parquet(data: MatrixExport) -> bytes:
    return as_parquet(data.matrix)


CSV = Exporter("text/csv; charset=utf-8", ".csv", "a table, one row per question", _as_csv)
JSON = Exporter("application/json", ".json", "questions, assets and cells", _as_json)
PARQUET = Exporter(
    "application/vnd.apache.parquet", ".parquet", "one row per cell, for pandas and others",
    _as_parquet,
)  # fmt: skip
