"""Vectors of documents: PDFs, plain text and Markdown."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import papers, samples
from tests.api.server import DOUBLES, Client, Server, hosted, published
from tests.papers import BLUE, GREEN, RED, YELLOW, Sheet, pdf

QUARTERED = Sheet(ground=(RED, GREEN, BLUE, YELLOW))
WORDS = Sheet(lines=("A dog barks. A cat", "sleeps."))
NOTE = b"# Dogs\n\nA dog barks. A cat sleeps! Who knows?\n\nThe end"


def inline(data: bytes) -> dict[str, Any]:
    return {"media_source": {"base64_string": base64.b64encode(data).decode()}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with hosted(home, **DOUBLES, VIDELICET_FETCH_ALLOWLIST="127.0.0.1/32") as one:
        yield one


@pytest.fixture(scope="module")
def paper(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A PDF that is ready, as a source."""
    path = tmp_path_factory.mktemp("papers") / "paper.pdf"
    path.write_bytes(pdf(QUARTERED, Sheet(ground=(BLUE,)), WORDS))
    asset = client.upload(path)
    assert client.ended(f"assets/{asset}")["status"] == "ready"
    return {"media_source": {"asset_id": asset}}


@pytest.fixture(scope="module")
def note(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A Markdown file that is ready, as a source."""
    path = tmp_path_factory.mktemp("notes") / "note.md"
    path.write_bytes(NOTE)
    asset = client.upload(path)
    assert client.ended(f"assets/{asset}")["status"] == "ready"
    return {"media_source": {"asset_id": asset}}


def begun(client: Client, document: dict[str, Any]) -> Any:
    body = {"input_type": "document", "model_name": "marengo3.5", "document": document}
    return client.post("embed-v2/tasks", json=body)


def ended(client: Client, document: dict[str, Any]) -> Any:
    answer = begun(client, document)
    assert answer.status_code == 202, answer.text
    return client.ended(f"embed-v2/tasks/{answer.json()['_id']}")


def ready(client: Client, document: dict[str, Any]) -> list[dict[str, Any]]:
    done = ended(client, document)
    assert done["status"] == "ready", done
    assert all(len(datum["embedding"]) == 512 for datum in done["data"])
    rows: list[dict[str, Any]] = done["data"]
    return rows


def together(client: Client, text: str | None, *sources: dict[str, Any]) -> Any:
    several = {"input_text": text, "media_sources": [*sources]}
    body = {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": several}
    return client.post("embed-v2", json=body)


def source(data: bytes) -> dict[str, Any]:
    return {"media_type": "document", "base64_string": base64.b64encode(data).decode()}


def cosine(one: dict[str, Any], other: dict[str, Any]) -> float:
    return float(np.dot(one["embedding"], other["embedding"]))


def of_text(client: Client, text: str) -> dict[str, Any]:
    body = {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": text}}
    row: dict[str, Any] = client.ok("POST", "embed-v2", json=body)["data"][0]
    return row


# -- assets ---------------------------------------------------------------------------------------


def test_a_pdf_is_an_asset(client: Client, paper: dict[str, Any]) -> None:
    asset = client.ok("GET", f"assets/{paper['media_source']['asset_id']}")
    assert (asset["status"], asset["file_type"]) == ("ready", "application/pdf")
    facts = asset["technical_metadata"]
    assert (facts["document_page_count"], facts["document_pdf_version"]) == (3, "1.7")
    assert (facts["document_page_width_pt"], facts["document_page_height_pt"]) == (300, 200)
    listed = client.ok("GET", "assets", params={"asset_types": "document"})["data"]
    assert asset["_id"] in [one["_id"] for one in listed]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf(WORDS, locked=True), "encrypted"),
        (papers.pageless(), "no pages"),
        (b"%PDF-1.7\nnothing of the kind", "damaged"),
    ],
)
def test_a_pdf_that_cannot_be_read_fails(
    client: Client, tmp_path: Path, data: bytes, reason: str
) -> None:
    (path := tmp_path / "bad.pdf").write_bytes(data)
    error = client.ended(f"assets/{client.upload(path)}")["error"]
    assert error["message"].startswith("bad.pdf")
    assert reason in error["message"]
    done = ended(client, inline(data))
    assert done["status"] == "failed"
    assert reason in done["error"]["message"]
    refused = together(client, None, source(data))
    assert refused.status_code == 400
    assert reason in refused.json()["message"]


def test_a_pdf_may_begin_late(client: Client, tmp_path: Path) -> None:
    (path := tmp_path / "late.pdf").write_bytes(b"\xef\xbb\xbf\n" + pdf(QUARTERED))
    asset = {"asset_id": client.upload(path)}
    assert client.ended(f"assets/{asset['asset_id']}")["file_type"] == "application/pdf"
    (page,) = ready(client, {"media_source": asset})
    (one,) = together(client, None, {"media_type": "document", **asset}).json()["data"]
    assert cosine(one, page) == pytest.approx(1, abs=1e-4)


# -- vectors of PDFs ------------------------------------------------------------------------------


def test_pages_are_usual(client: Client, paper: dict[str, Any]) -> None:
    done = ended(client, paper)
    assert [
        (d["embedding_option"], d["embedding_scope"], d["start_page_number"], d["end_page_number"])
        for d in done["data"]
    ] == [("visual", "page", n, n) for n in (1, 2, 3)]
    assert all("quadrant" not in d and "start_sec" not in d for d in done["data"])
    metadata = done["metadata"]
    assert metadata["input_filename"] == "paper.pdf"
    assert metadata["embedding_options"] == ["visual"]
    assert metadata["embedding_scopes"] == ["local"]
    assert cosine(done["data"][1], of_text(client, "blue")) > 0.5
    listed = client.ok("GET", "embed-v2/tasks")["data"][0]["document_embedding"]["metadata"]
    assert listed["document_embedding_option"] == ["visual"]
    assert listed["document_embedding_scope"] == ["local"]


def test_quadrants(client: Client, paper: dict[str, Any]) -> None:
    spatial = {"segmentation": {"spatial": {"strategy": "quadrants"}}}
    rows = ready(client, {**paper, **spatial})
    assert [(d["start_page_number"], d.get("quadrant")) for d in rows] == [
        (page, quadrant)
        for page in (1, 2, 3)
        for quadrant in (None, "top_left", "top_right", "bottom_left", "bottom_right")
    ]
    for row, colour in zip(rows[1:5], ("red", "green", "blue", "yellow"), strict=True):
        words = {name: of_text(client, name) for name in ("red", "green", "blue", "yellow")}
        assert max(words, key=lambda name: cosine(row, words[name])) == colour
    standard = {"segmentation": {"spatial": {"strategy": "standard"}}}
    for plan in ({}, standard, {"segmentation": {"spatial": {}}}):
        assert ready(client, {**paper, **plan}) == [d for d in rows if "quadrant" not in d]


def test_a_whole_pdf(client: Client, paper: dict[str, Any]) -> None:
    both = {"embedding_option": ["visual", "text"], "embedding_scope": ["asset"]}
    seen, said = ready(client, {**paper, **both})
    assert (seen["embedding_option"], said["embedding_option"]) == ("visual", "text")
    assert {seen["embedding_scope"], said["embedding_scope"]} == {"asset"}
    assert "start_page_number" not in seen
    plain = of_text(client, "A dog barks. A cat sleeps.")
    assert cosine(said, plain) == pytest.approx(1, abs=1e-3)
    pages = ready(client, {**paper, "embedding_scope": ["local", "asset"]})
    assert pages[-1] == seen
    mean = np.mean([d["embedding"] for d in pages[:-1]], axis=0)
    assert np.dot(mean / np.linalg.norm(mean), seen["embedding"]) == pytest.approx(1, abs=1e-4)


def test_a_pdf_without_words(client: Client) -> None:
    asked = {"embedding_option": ["text"], "embedding_scope": ["asset"]}
    done = ended(client, {**inline(pdf(QUARTERED)), **asked})
    assert done["status"] == "failed"
    assert "no words" in done["error"]["message"]
    asked["embedding_option"] = ["text", "visual"]
    (seen,) = ready(client, {**inline(pdf(QUARTERED)), **asked})
    assert seen["embedding_option"] == "visual"


def test_pages_are_counted(client: Client) -> None:
    few = pdf(*[Sheet(size=(30, 20))] * 13)
    assert len(ready(client, inline(few))) == 13
    quadrants = {"segmentation": {"spatial": {"strategy": "quadrants"}}}
    message = ended(client, {**inline(few), **quadrants})["error"]["message"]
    assert "13 pages" in message
    assert "65" in message
    assert "allowance is 64" in message
    many = [Sheet(size=(30, 20))] * 65
    text = {"embedding_option": ["text"], "embedding_scope": ["asset"]}
    for asked in ({}, text):
        done = ended(client, {**inline(pdf(*many)), **asked})
        assert done["status"] == "failed"
        assert "65 pages; its allowance is 64" in done["error"]["message"]
    assert len(ready(client, inline(pdf(*many, padding=1024**2)))) == 65
    refused = together(client, None, source(pdf(*many, padding=1024**2)))
    assert refused.status_code == 400
    assert "65 pages" in refused.json()["message"]


# -- vectors of plain text ------------------------------------------------------------------------


def test_plain_text(client: Client, note: dict[str, Any]) -> None:
    sequential = {"strategy": "sentence", "max_sentences": 2, "overlap_sentences": 1}
    plan = {"segmentation": {"sequential": sequential}, "embedding_scope": ["local", "asset"]}
    done = ended(client, {**note, **plan})
    assert [(d["embedding_scope"], d.get("chunk_index")) for d in done["data"]] == [
        ("chunk", 0), ("chunk", 1), ("chunk", 2), ("chunk", 3), ("asset", None),
    ]  # fmt: skip
    assert {(len(d["embedding"]), d["embedding_option"]) for d in done["data"]} == {(512, "text")}
    assert done["metadata"]["embedding_scopes"] == ["local", "asset"]
    assert "duration" not in done["metadata"]
    listed = client.ok("GET", "embed-v2/tasks")["data"][0]["document_embedding"]["metadata"]
    assert listed["input_filename"] == "note.md"
    for source in (note, inline(b"One. Two.")):
        (whole,) = ready(client, source)
        assert whole["embedding_scope"] == "asset"
    empty = ended(client, inline(b"  \n"))
    assert empty["status"] == "failed"


def test_a_picture_is_no_document(client: Client, tmp_path: Path) -> None:
    picture = client.upload(samples.image(tmp_path / "picture.png"))
    client.ended(f"assets/{picture}")
    assert ended(client, {"media_source": {"asset_id": picture}})["status"] == "failed"


# -- what is refused ------------------------------------------------------------------------------

PAIRS = {
    "pdf": {("visual", "local"), ("visual", "asset"), ("text", "asset")},
    "note": {("text", "asset"), ("text", "local")},
}


@pytest.mark.parametrize("kind", list(PAIRS))
def test_pairs_of_option_and_scope(
    client: Client, paper: dict[str, Any], note: dict[str, Any], kind: str
) -> None:
    document = paper if kind == "pdf" else note
    sequential = {"segmentation": {"sequential": {"strategy": "sentence", "max_sentences": 2}}}
    for options in (["visual"], ["text"], ["visual", "text"]):
        for scopes in (["local"], ["asset"], ["local", "asset"]):
            asked = {"embedding_option": options, "embedding_scope": scopes}
            if kind == "note" and "local" in scopes:
                asked |= sequential
            good = set(itertools.product(options, scopes)) <= PAIRS[kind]
            answer = begun(client, {**document, **asked})
            assert answer.status_code == (202 if good else 400), (asked, answer.text)


SPATIAL = {"segmentation": {"spatial": {"strategy": "quadrants"}}}
SEQUENTIAL = {"segmentation": {"sequential": {"strategy": "sentence", "max_sentences": 2}}}


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("pdf", {"embedding_type": ["fused_embedding"]}),
        ("note", {"embedding_type": ["separate_embedding", "fused_embedding"]}),
        ("pdf", {"segmentation": {}}),
        ("pdf", SEQUENTIAL),
        ("pdf", {**SPATIAL, "embedding_scope": ["asset"]}),
        ("pdf", {"segmentation": {"spatial": {"strategy": "thirds"}}}),
        ("pdf", {"embedding_option": ["text"]}),
        ("note", SPATIAL),
        ("note", {"embedding_scope": ["local"]}),
        ("note", {"embedding_option": ["visual"]}),
        ("note", SEQUENTIAL),
    ],
)
def test_what_a_document_does_not_have(
    client: Client, paper: dict[str, Any], note: dict[str, Any], kind: str, asked: dict[str, Any]
) -> None:
    data = pdf(WORDS) if kind == "pdf" else NOTE
    for document in (paper if kind == "pdf" else note, inline(data)):
        answer = begun(client, {**document, **asked})
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


def test_a_document_whose_kind_shows_later(client: Client, tmp_path: Path) -> None:
    """One at an address is looked at only once it has been fetched."""
    (tmp_path / "paper").write_bytes(pdf(WORDS))
    (tmp_path / "note.md").write_bytes(NOTE)
    with published(tmp_path) as site:
        paper = {"media_source": {"url": f"{site}/paper"}}
        note = {"media_source": {"url": f"{site}/note.md"}}
        neither = {"embedding_option": ["text"], "embedding_scope": ["local"]}
        assert begun(client, {**paper, **neither}).status_code == 400
        (page,) = ready(client, paper)
        assert page["embedding_scope"] == "page"
        done = ended(client, note)
        assert [d["embedding_scope"] for d in done["data"]] == ["asset"]
        assert done["metadata"]["embedding_options"] == ["text"]
        assert done["metadata"]["input_url"] == f"{site}/note.md"
        for source, asked, reason in (
            (note, {"embedding_option": ["visual"]}, "embedding_option visual"),
            (note, SPATIAL, "pages of a PDF"),
            (paper, {**SEQUENTIAL, "embedding_scope": ["local"]}, "a PDF has pages"),
        ):
            done = ended(client, {**source, **asked})
            assert done["status"] == "failed"
            assert reason in done["error"]["message"]


# -- beside other inputs --------------------------------------------------------------------------


def test_documents_beside_words(client: Client, note: dict[str, Any]) -> None:
    asset = {"media_type": "document", **note["media_source"]}
    (row,) = together(client, None, asset).json()["data"]
    assert row == together(client, None, source(NOTE)).json()["data"][0]
    (short,) = together(client, None, source(b"A dog barks. A cat sleeps.")).json()["data"]
    plain = of_text(client, "A dog barks. A cat sleeps.")
    assert cosine(short, plain) == pytest.approx(1, abs=1e-3)
    both = together(client, "Something else", asset).json()
    assert len(both["data"]) == 1
    assert both["data"][0] != row
    for wrong in (b"\0\1\2", b"  "):
        refused = together(client, "words", source(wrong))
        assert (refused.status_code, refused.json()["code"]) == (400, "parameter_invalid")


def test_a_pdf_as_one_vector(client: Client, paper: dict[str, Any]) -> None:
    asset = {"media_type": "document", **paper["media_source"]}
    answer = together(client, None, asset).json()
    (one,) = answer["data"]
    assert answer["usage"]["input_tokens"]["text"] > 0
    both = {"embedding_option": ["visual", "text"], "embedding_scope": ["asset"]}
    seen, said = (np.array(d["embedding"]) for d in ready(client, {**paper, **both}))
    mean = (seen + said) / np.linalg.norm(seen + said)
    assert np.dot(one["embedding"], mean) == pytest.approx(1, abs=1e-4)
    (drawn,) = together(client, None, source(pdf(QUARTERED))).json()["data"]
    (page,) = ready(client, inline(pdf(QUARTERED)))
    assert cosine(drawn, page) == pytest.approx(1, abs=1e-4)
    for text, sources in (
        ("words", [asset]),
        (None, [asset, asset]),
        (None, [source(NOTE), asset]),
    ):
        refused = together(client, text, *sources)
        assert (refused.status_code, refused.json()["code"]) == (400, "parameter_invalid")
        assert "only source" in refused.json()["message"]
