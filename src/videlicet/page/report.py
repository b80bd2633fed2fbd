"""Writes what analysis found as one self-contained HTML file, with a player that jumps to each
citation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from videlicet.analyze.exports.exporter import Exporter, MatrixExport
from videlicet.analyze.exports.registry import EXPORTERS
from videlicet.analyze.matrix import Matrix
from videlicet.errors import InvalidInput
from videlicet.page.document import escape, fragment, html_document, models, timecode, write_page
from videlicet.types import Answer, Asset, Chapter, EvidenceItem, Gist, Highlight, Sentence, Span

_KEYS = (
    "<p>Play what a sentence rests on with a click or <kbd>Enter</kbd> on its time; go through "
    "them with <kbd>Tab</kbd>.</p>"
)
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]")
_STYLES = ("page.css", "report.css")


@dataclass(frozen=True, slots=True)
class AssetReport:
    """One video and what was found about it. ``source`` is a path or an http(s) address that the
    player can read, ``None`` where there is none."""

    asset: Asset
    source: str | None
    gist: Gist | None = None
    summary: Answer | None = None
    chapters: tuple[Chapter, ...] = ()
    highlights: tuple[Highlight, ...] = ()


def analysis_page(
    reports: Sequence[AssetReport],
    answers: Sequence[tuple[str, Answer]],
    title: str,
    out: Path,
) -> Path:
    """Write the report on some videos, and what was asked of them (question, answer), to the file
    ``out`` and return its path.

    The videos stay where they are; the page plays them from there and reaches nothing else.

    Raises:
        InvalidInput: ``path_not_found`` or ``path_not_allowed`` if ``out`` cannot be written;
            ``url_not_allowed`` for an address that is not http(s).
        StoreError: ``disk_full``.
    """
    write_page(Path(out), analysis_html(reports, answers, title))
    return Path(out)


def matrix_page(matrix: Matrix, assets: Sequence[AssetReport], title: str, out: Path) -> Path:
    """Write a matrix as a table of the same kind: a row per question, a column per video.
    ``videos`` are what plays. Raises as :func:`analysis_page`."""
    write_page(Path(out), matrix_html(matrix, assets, title))
    return Path(out)


def analysis_html(
    reports: Sequence[AssetReport], answers: Sequence[tuple[str, Answer]], title: str
) -> str:
    """The whole document of :func:`analysis_page`."""
    reel = _Player(reports)
    asked = [_question_section(reel, question, answer) for question, answer in answers]
    parts = [*asked, *(_asset_section(reel, report) for report in reports)]
    count = f"{len(reports)} video" + ("" if len(reports) == 1 else "s")
    return _page(reel, title, count, "\n".join(parts))


def matrix_html(matrix: Matrix, reports: Sequence[AssetReport], title: str) -> str:
    """The whole document of :func:`matrix_page`."""
    reel = _Player(reports)
    heads = "".join(
        f'<th scope="col"><bdi>{escape(matrix.names[id])}</bdi></th>' for id in matrix.asset_ids
    )
    rows = []
    for question in matrix.questions:
        cells = "".join(f"<td>{_answer(reel, c.answer)}</td>" for c in matrix.row(question))
        rows.append(f'<tr><th scope="row"><bdi>{escape(question)}</bdi></th>{cells}</tr>')
    body = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Answers"><table>\n<thead><tr>'
        f'<th scope="col">Question</th>{heads}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n'
        "</tbody></table></div>"
    )
    count = f"{len(matrix.questions)} × {len(matrix.asset_ids)}"
    return _page(reel, title, count, body)


class _Player:
    """Where each video can be played from, and the models cited so far."""

    def __init__(self, reports: Iterable[AssetReport]) -> None:
        self.assets = {report.asset.id: report.asset for report in reports}
        self.addresses: Mapping[str, str] = {
            report.asset.id: _address(report.source)
            for report in reports
            if report.source is not None
        }
        self.cards: dict[str, None] = {}

    def time(self, asset_id: str, span: Span, what: str) -> str:
        """A link that plays a stretch; only its time where it cannot be played."""
        asset = self.assets.get(asset_id)
        if asset is None:  # nobody knows where its timeline begins
            return '<span class="cite time">–</span>'
        displayed = asset.to_display_time(span)
        text = timecode(displayed.start)
        address = self.addresses.get(asset_id)
        if address is None:
            return f'<span class="cite time">{text}</span>'
        href = escape(address + fragment(displayed.start, displayed.end))
        label = escape(f"Play from {text}: {what}")
        return f'<a class="cite" href="{href}" aria-label="{label}" title="{label}">{text}</a>'

    def cite(self, item: EvidenceItem) -> str:
        self.cards |= dict.fromkeys(item.cards)
        many = len(self.assets) > 1 and item.asset_id in self.assets
        where = f"{self.assets[item.asset_id].name}, " if many else ""
        return self.time(item.asset_id, item.span, f"{where}{item.modality.value}: {item.text}")


def _page(reel: _Player, title: str, count: str, body: str) -> str:
    heading = escape(title) or "Analysis"
    first = next(iter(reel.addresses.values()), None)
    player = ""
    if first is not None:
        player = (
            f'<div class="player"><video controls preload="metadata" src="{escape(first)}" '
            f'data-address="{escape(first)}" aria-label="Player"></video>'
            '<p class="soft" aria-live="polite"></p></div>\n'
        )
    origins = dict.fromkeys(map(_origin, reel.addresses.values()))
    foot = [_KEYS if first else "", models([*reel.cards])]
    return html_document(
        heading, "", count, player + body, foot,
        styles=_STYLES, script="report.js", media=tuple(origins) or ("'none'",),
    )  # fmt: skip


def _asset_section(reel: _Player, report: AssetReport) -> str:
    parts = [f"<h2><bdi>{escape(report.asset.name)}</bdi></h2>"]
    if report.source is None:
        parts.append('<p class="fault">The video cannot be played from here.</p>')
    if report.gist is not None:
        parts.append(f'<p class="title">{_sentence(reel, report.gist.title)}</p>')
        for name, found in (("Topics", report.gist.topics), ("Hashtags", report.gist.hashtags)):
            if found:
                items = " ".join(_sentence(reel, one) for one in found)
                parts.append(f'<p><span class="soft">{name}</span> {items}</p>')
    if report.summary is not None:
        parts.append(f"<h3>Summary</h3>\n{_answer(reel, report.summary)}")
    if report.chapters:
        rows = "\n".join(_chapter(reel, report.asset, one) for one in report.chapters)
        parts.append(f'<h3>Chapters</h3>\n<ol class="rows">\n{rows}\n</ol>')
    if report.highlights:
        rows = "\n".join(_highlight(reel, report.asset, one) for one in report.highlights)
        parts.append(f'<h3>Highlights</h3>\n<ol class="rows">\n{rows}\n</ol>')
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _question_section(reel: _Player, question: str, answer: Answer) -> str:
    return f"<section>\n<h2><bdi>{escape(question)}</bdi></h2>\n{_answer(reel, answer)}\n</section>"


def _chapter(reel: _Player, asset: Asset, chapter: Chapter) -> str:
    summary = "".join(_sentences_html(reel, one) for one in chapter.summary)
    link = reel.time(asset.id, chapter.span, chapter.title.text)
    return f'<li>{link} <span class="title">{_sentence(reel, chapter.title)}</span>{summary}</li>'


def _highlight(reel: _Player, asset: Asset, found: Highlight) -> str:
    link = reel.time(asset.id, found.span, found.title.text)
    reasons = ", ".join(f"{escape(name)} {share:.2f}" for name, share in found.reasons.items())
    why = f'<p class="soft">{found.score:.2f}{": " if reasons else ""}{reasons}</p>'
    return f'<li>{link} <span class="title">{_sentence(reel, found.title)}</span>{why}</li>'


def _answer(reel: _Player, answer: Answer) -> str:
    said = "".join(_sentences_html(reel, one, answer.found) for one in answer.sentences)
    if not answer.found:
        said = f'<div class="soft">{said}</div>'
    notes = []
    if answer.dropped:
        notes.append(f"{answer.dropped} sentences that nothing supports were left out.")
    if answer.untrusted:
        notes.append("Something in the video reads like instructions to whoever analyses it.")
    faults = "".join(f'<p class="fault">{note}</p>' for note in notes)
    return f"{said}{faults}{_evidence(reel, answer.citations)}"


def _sentences_html(reel: _Player, sentence: Sentence, claims: bool = True) -> str:
    if claims and not sentence.supported:
        return f'<p class="said unsupported">{_sentence(reel, sentence)} (unsupported)</p>'
    return f'<p class="said">{_sentence(reel, sentence)}</p>'


def _sentence(reel: _Player, sentence: Sentence) -> str:
    links = "".join(map(reel.cite, sentence.citations))
    return f"<bdi>{escape(sentence.text)}</bdi> {links}"


def _evidence(reel: _Player, items: Sequence[EvidenceItem]) -> str:
    if not items:
        return ""
    rows = "\n".join(
        f"<li>{reel.cite(item)} {escape(item.modality.value)}: <bdi>{escape(item.text)}</bdi></li>"
        for item in items
    )
    return f'<details><summary>Evidence</summary><ul class="evidence">\n{rows}\n</ul></details>'


def _address(source: str) -> str:
    """A file's address, or the http(s) address given, without a fragment of its own."""
    if "://" not in source:
        return Path(source).absolute().as_uri()
    try:
        parts = urlsplit(source)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    if parts.scheme not in ("http", "https", "file") or (
        parts.scheme != "file" and not _HOST.fullmatch(host)
    ):
        raise InvalidInput("url_not_allowed", "A page plays from http(s) addresses and files only.")
    return urlunsplit(parts._replace(fragment=""))


def _origin(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return "file:"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _matrix_document(data: MatrixExport) -> bytes:
    reports = [AssetReport(one, data.source_of(one)) for one in data.assets]
    return matrix_html(data.matrix, reports, "Questions and recordings").encode()


MATRIX_HTML = Exporter(
    "text/html; charset=utf-8", ".html", "a page with players that jump to the citations",
    _matrix_document,
)  # fmt: skip
EXPORTERS.add("matrix.html", MATRIX_HTML)
