"""Writes a page of hits as one self-contained HTML file."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from videlicet.errors import MediaError, NotFound
from videlicet.page.document import escape, fragment, html_document, models, timecode, write_page
from videlicet.types import Asset, Evidence, Hit, SearchPage, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 480
_KEYS = (
    "<p>Play a moment with a click or <kbd>Enter</kbd>; go through them with <kbd>Tab</kbd> or the "
    "arrow keys.</p>"
)
#: Words of a query this long or longer are marked where they were matched.
_MARKED = 3


class AssetSource(Protocol):
    """What the page asks of a library; :class:`videlicet.Library` is one."""

    def asset(self, asset_id: str) -> Asset: ...
    def original(self, asset: Asset) -> Path: ...
    def thumbnail(self, of: Hit | Asset, *, width: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Section:
    """One query and what it found; ``note`` is a sentence under the heading."""

    query: str
    page: SearchPage
    note: str = ""


def results_page(library: AssetSource, page: SearchPage, query_text: str, out: Path) -> Path:
    """Write ``page`` to the file ``out`` and return its path.

    Thumbnails are inside the file; moments play from the originals, which stay where they are. A
    hit whose original has gone, or that has no picture, is shown without one.

    Raises:
        InvalidInput: ``path_not_found`` or ``path_not_allowed``, if ``out`` cannot be written;
            what was there before stays.
        StoreError: ``disk_full``.
    """
    write_page(Path(out), page_html(library, page, query_text))
    return Path(out)


def report_page(
    library: AssetSource,
    sections: Sequence[Section],
    title: str,
    out: Path,
    credits: Sequence[str] = (),
) -> Path:
    """Like :func:`results_page`, for several queries on one page; ``credits`` go to its foot."""
    body = "\n".join(
        f"<section>\n<h2><bdi>{escape(section.query)}</bdi></h2>\n"
        f'<p class="soft">{escape(section.note)}</p>\n'
        f"{_hits(library, section.page, section.query)}\n</section>"
        for section in sections
    )
    cards = dict.fromkeys(card for section in sections for card in section.page.cards)
    count = f"{len(sections)} queries"
    write_page(
        Path(out),
        html_document(
            escape(title), "", count, body, [_KEYS, models([*cards]), *_credits(credits)]
        ),
    )
    return Path(out)


def page_html(library: AssetSource, page: SearchPage, query_text: str) -> str:
    """The whole document for one page of hits."""
    title = escape(query_text) or "All"
    body = _hits(library, page, query_text)
    return html_document(title, "Moments for", _summary(page), body, [_KEYS, models(page.cards)])


def _hits(library: AssetSource, page: SearchPage, query: str) -> str:
    if not page.hits:
        return "<p>Nothing matches.</p>"
    marked = _words(query)
    items = "\n".join(_hit(library, hit, marked) for hit in page.hits)
    return f'<ol class="hits">\n{items}\n</ol>'


def _credits(credits: Sequence[str]) -> list[str]:
    rows = "\n".join(f"<li><bdi>{escape(line)}</bdi></li>" for line in credits)
    return [f"<p>Credits</p>\n<ul>\n{rows}\n</ul>"] if credits else []


def _hit(library: AssetSource, hit: Hit, marked: frozenset[str]) -> str:
    asset = _asset(library, hit)
    link, fault = _link(library, asset)
    name = escape(hit.asset_name)
    times = _times(asset, hit.span)
    picture = _picture(library, hit, fault)
    if link is not None and asset is not None:
        picture = (
            f'<a class="play" href="{_fragment_link(link, asset, hit.span)}" '
            f'aria-label="Play {name} from {timecode(asset.to_display_time(hit.span).start)}">'
            f"{picture}</a>"
        )
    reasons = "\n".join(_evidence_html(asset, evidence, marked) for evidence in hit.evidence)
    because = f'<ul class="because" aria-label="Why">\n{reasons}\n</ul>' if reasons else ""
    note = f'<p class="fault">{escape(fault)}</p>' if fault else ""
    return f"""<li class="hit">
<div class="stage">{picture}<span class="rank">{hit.rank}</span>
<span class="length time">{float(hit.span.duration):.1f} s</span></div>
<div class="about">
<span class="score" title="Score, 0 to 1">{hit.score:.2f}</span>
<h3><bdi>{name}</bdi></h3>
<p class="soft">{times}</p>
{note}{because}{_other_moments(hit, asset, link)}
</div>
</li>"""


def _picture(library: AssetSource, hit: Hit, fault: str | None) -> str:
    if fault is None:
        try:
            jpeg = library.thumbnail(hit, width=_WIDTH)
        except MediaError as error:
            why = "A sound recording" if error.code == "media_no_stream" else error.message
            return f'<span class="none">{escape(why)}</span>'
        data = base64.b64encode(jpeg).decode("ascii")
        return f'<img src="data:image/jpeg;base64,{data}" alt="">'
    return '<span class="none">No picture</span>'


def _evidence_html(asset: Asset | None, evidence: Evidence, marked: frozenset[str]) -> str:
    share = min(1.0, max(0.0, evidence.contribution))
    matched = ""
    if evidence.text:
        matched = f'<p class="matched"><bdi>{_highlight_words(evidence.text, marked)}</bdi></p>'
    times = _times(asset, evidence.span)
    source = f"{times} · <bdi>{escape(evidence.card)}</bdi>"
    return f"""<li><div class="lane"><b>{escape(evidence.lane)}</b>
<svg class="bar" role="img" aria-label="{share:.2f} of the score" viewBox="0 0 100 1" \
preserveAspectRatio="none"><rect width="{share * 100:.1f}" height="1"></rect></svg>
<span class="soft time">{share:.2f}</span></div>
{matched}<span class="card">{source}</span></li>"""


def _other_moments(hit: Hit, asset: Asset | None, link: str | None) -> str:
    """The further moments of a hit that is grouped by asset."""
    rows = []
    for moment in hit.moments:
        text = f"{_times(asset, moment.span)} · {moment.score:.2f}"
        if link is not None and asset is not None:
            text = (
                f'<a class="moment" href="{_fragment_link(link, asset, moment.span)}" '
                f'aria-label="Play from {timecode(asset.to_display_time(moment.span).start)}">'
                f"{text}</a>"
            )
        rows.append(f"<li>{text}</li>")
    if not rows:
        return ""
    count = f"{len(rows)} moment" + ("s" if len(rows) > 1 else "")
    items = "\n".join(rows)
    return f'<details open><summary>{count}</summary><ol class="others">\n{items}\n</ol></details>'


def _asset(library: AssetSource, hit: Hit) -> Asset | None:
    try:
        return library.asset(hit.asset_id)
    except NotFound:
        return None  # removed since the search


def _link(library: AssetSource, asset: Asset | None) -> tuple[str | None, str | None]:
    """The address of the original, or why there is none."""
    if asset is None:
        return None, "This video has been removed since."
    try:
        return library.original(asset).absolute().as_uri(), None
    except MediaError as error:
        return None, error.message


def _fragment_link(link: str, asset: Asset, span: Span) -> str:
    displayed = asset.to_display_time(span)
    return escape(link + fragment(displayed.start, displayed.end))


def _times(asset: Asset | None, span: Span) -> str:
    if asset is None:  # nobody knows where the timeline of a removed video began
        return '<span class="time">–</span>'
    displayed = asset.to_display_time(span)
    end = "" if displayed.start == displayed.end else f" – {timecode(displayed.end)}"
    return f'<span class="time">{timecode(displayed.start)}{end}</span>'


def _words(query: str) -> frozenset[str]:
    return frozenset(w.casefold() for w in re.findall(r"\w+", query) if len(w) >= _MARKED)


def _highlight_words(text: str, words: frozenset[str]) -> str:
    items = re.split(r"(\w+)", text)
    return "".join(
        f"<mark>{escape(item)}</mark>" if item.casefold() in words else escape(item)
        for item in items
    )


def _summary(page: SearchPage) -> str:
    parts = [f"{len(page.hits)} of {page.total}"]
    if not page.exact:
        parts.append("searched approximately; <code>videlicet doctor</code> shows the recall")
    if page.withheld_assets:
        parts.append(f"{page.withheld_assets} videos withheld by the rights policy")
    return " · ".join(parts)
