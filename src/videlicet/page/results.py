"""Writes a page of hits as one self-contained HTML file.

Titles, captions and transcripts come from files that anybody may have made, so every one of them
passes through :func:`escaped`; the page's policy runs no script but its own, by hash, and reaches
nothing but the media files on this machine.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import html
import os
import re
import secrets
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from videlicet.errors import InvalidInput, MediaError, NotFound, StoreError
from videlicet.types import Asset, Evidence, Hit, SearchPage, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 480
#: Lone surrogates (undecodable bytes of a file name) and control characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: Words of a query this long or longer are marked where they were matched.
_MARKED = 3


class Shelf(Protocol):
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


def results_page(library: Shelf, page: SearchPage, query_text: str, out: Path) -> Path:
    """Write ``page`` to the file ``out`` and return its path.

    Thumbnails are inside the file; moments play from the originals, which stay where they are. A
    hit whose original has gone, or that has no picture, is shown without one.

    Raises:
        InvalidInput: ``path_not_found`` or ``path_not_allowed``, if ``out`` cannot be written;
            what was there before stays.
        StoreError: ``disk_full``.
    """
    _write(Path(out), page_html(library, page, query_text))
    return Path(out)


def report_page(
    library: Shelf, sections: Sequence[Section], title: str, out: Path, credits: Sequence[str] = ()
) -> Path:
    """Like :func:`results_page`, for several queries on one page; ``credits`` go to its foot."""
    body = "\n".join(
        f"<section>\n<h2><bdi>{escaped(section.query)}</bdi></h2>\n"
        f'<p class="soft">{escaped(section.note)}</p>\n'
        f"{_hits(library, section.page, section.query)}\n</section>"
        for section in sections
    )
    cards = dict.fromkeys(card for section in sections for card in section.page.cards)
    count = f"{len(sections)} queries"
    _write(
        Path(out),
        _document(escaped(title), "", count, body, [_models([*cards]), *_credits(credits)]),
    )
    return Path(out)


def page_html(library: Shelf, page: SearchPage, query_text: str) -> str:
    """The whole document for one page of hits."""
    title = escaped(query_text) or "All"
    body = _hits(library, page, query_text)
    return _document(title, "Moments for", _summary(page), body, [_models(page.cards)])


def _document(title: str, above: str, below: str, body: str, foot: Sequence[str]) -> str:
    """``title``, ``above``, ``below``, ``body`` and ``foot`` are HTML already."""
    style, script = _part("page.css"), _part("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; media-src file:; base-uri 'none'; form-action 'none'"
    )
    lead = f'<p class="soft">{above}</p>\n' if above else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title} · Videlicet</title>
<style>{style}</style>
</head>
<body>
<header>
{lead}<h1><bdi>{title}</bdi></h1>
<p class="soft">{below}</p>
</header>
<main>
{body}
</main>
<footer class="soft">
<p>Play a moment with a click or <kbd>Enter</kbd>; go through them with <kbd>Tab</kbd> or the
arrow keys.</p>
{chr(10).join(foot)}
</footer>
<script>{script}</script>
</body>
</html>
"""


def _hits(library: Shelf, page: SearchPage, query: str) -> str:
    if not page.hits:
        return "<p>Nothing matches.</p>"
    marked = _words(query)
    items = "\n".join(_hit(library, hit, marked) for hit in page.hits)
    return f'<ol class="hits">\n{items}\n</ol>'


def _credits(credits: Sequence[str]) -> list[str]:
    rows = "\n".join(f"<li><bdi>{escaped(line)}</bdi></li>" for line in credits)
    return [f"<p>Credits</p>\n<ul>\n{rows}\n</ul>"] if credits else []


def escaped(text: str) -> str:
    """Text that is safe anywhere in the page, attributes in quotation marks included."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", text), quote=True)


def timecode(seconds: Fraction) -> str:
    """``h:mm:ss.s``."""
    tenths = round(seconds * 10)
    sign, tenths = ("-", -tenths) if tenths < 0 else ("", tenths)
    minutes, rest = divmod(tenths, 600)
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}.{rest % 10}"


def _hit(library: Shelf, hit: Hit, marked: frozenset[str]) -> str:
    asset = _asset(library, hit)
    link, fault = _link(library, asset)
    name = escaped(hit.asset_name)
    times = _times(hit.span)
    picture = _picture(library, hit, fault)
    if link is not None and asset is not None:
        picture = (
            f'<a class="play" href="{_at(link, asset, hit.span)}" '
            f'aria-label="Play {name} from {timecode(hit.span.start)}">{picture}</a>'
        )
    reasons = "\n".join(_reason(evidence, marked) for evidence in hit.evidence)
    because = f'<ul class="because" aria-label="Why">\n{reasons}\n</ul>' if reasons else ""
    note = f'<p class="fault">{escaped(fault)}</p>' if fault else ""
    return f"""<li class="hit">
<div class="stage">{picture}<span class="rank">{hit.rank}</span>
<span class="length time">{float(hit.span.duration):.1f} s</span></div>
<div class="about">
<span class="score" title="Score, 0 to 1">{hit.score:.2f}</span>
<h3><bdi>{name}</bdi></h3>
<p class="soft">{times}</p>
{note}{because}{_others(hit, asset, link)}
</div>
</li>"""


def _picture(library: Shelf, hit: Hit, fault: str | None) -> str:
    if fault is None:
        try:
            jpeg = library.thumbnail(hit, width=_WIDTH)
        except MediaError as error:
            why = "A sound recording" if error.code == "media_no_stream" else error.message
            return f'<span class="none">{escaped(why)}</span>'
        data = base64.b64encode(jpeg).decode("ascii")
        return f'<img src="data:image/jpeg;base64,{data}" alt="">'
    return '<span class="none">No picture</span>'


def _reason(evidence: Evidence, marked: frozenset[str]) -> str:
    share = min(1.0, max(0.0, evidence.contribution))
    matched = ""
    if evidence.text:
        matched = f'<p class="matched"><bdi>{_marked(evidence.text, marked)}</bdi></p>'
    source = f"{_times(evidence.span)} · <bdi>{escaped(evidence.card)}</bdi>"
    return f"""<li><div class="lane"><b>{escaped(evidence.lane)}</b>
<svg class="bar" role="img" aria-label="{share:.2f} of the score" viewBox="0 0 100 1" \
preserveAspectRatio="none"><rect width="{share * 100:.1f}" height="1"></rect></svg>
<span class="soft time">{share:.2f}</span></div>
{matched}<span class="card">{source}</span></li>"""


def _others(hit: Hit, asset: Asset | None, link: str | None) -> str:
    """The further moments of an asset that stands for several."""
    rows = []
    for moment in hit.moments:
        text = f"{_times(moment.span)} · {moment.score:.2f}"
        if link is not None and asset is not None:
            text = (
                f'<a class="moment" href="{_at(link, asset, moment.span)}" '
                f'aria-label="Play from {timecode(moment.span.start)}">{text}</a>'
            )
        rows.append(f"<li>{text}</li>")
    if not rows:
        return ""
    count = f"{len(rows)} moment" + ("s" if len(rows) > 1 else "")
    items = "\n".join(rows)
    return f'<details open><summary>{count}</summary><ol class="others">\n{items}\n</ol></details>'


def _asset(library: Shelf, hit: Hit) -> Asset | None:
    try:
        return library.asset(hit.asset_id)
    except NotFound:
        return None  # removed since the search


def _link(library: Shelf, asset: Asset | None) -> tuple[str | None, str | None]:
    """The address of the original, or why there is none."""
    if asset is None:
        return None, "This video has been removed since."
    try:
        return library.original(asset).absolute().as_uri(), None
    except MediaError as error:
        return None, error.message


def _at(link: str, asset: Asset, span: Span) -> str:
    # Browsers count from the first frame, whatever the container's timeline starts with.
    start = asset.media.span.start
    return escaped(f"{link}#t={float(span.start - start):.3f},{float(span.end - start):.3f}")


def _times(span: Span) -> str:
    if span.start == span.end:
        return f'<span class="time">{timecode(span.start)}</span>'
    return f'<span class="time">{timecode(span.start)} – {timecode(span.end)}</span>'


def _words(query: str) -> frozenset[str]:
    return frozenset(w.casefold() for w in re.findall(r"\w+", query) if len(w) >= _MARKED)


def _marked(text: str, words: frozenset[str]) -> str:
    pieces = re.split(r"(\w+)", text)
    return "".join(
        f"<mark>{escaped(piece)}</mark>" if piece.casefold() in words else escaped(piece)
        for piece in pieces
    )


def _summary(page: SearchPage) -> str:
    parts = [f"{len(page.hits)} of {page.total}"]
    if not page.exact:
        parts.append("searched approximately; <code>videlicet doctor</code> shows the recall")
    if page.withheld_assets:
        parts.append(f"{page.withheld_assets} videos withheld by the rights policy")
    return " · ".join(parts)


def _models(cards: Sequence[str]) -> str:
    from videlicet.models.cards import card

    rows = []
    for id in cards:
        try:
            known = card(id)
        except NotFound:  # of an index made with other models
            rows.append(f"<li>{escaped(id)}</li>")
            continue
        rows.append(f"<li>{escaped(id)}: {escaped(known.title)}, {escaped(known.licence)}</li>")
    return f"<p>Models</p>\n<ul>\n{chr(10).join(rows)}\n</ul>" if rows else ""


def _part(name: str) -> str:
    return (files("videlicet.page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise InvalidInput(
            "path_not_found", f"There is no folder {path.parent}.", subject=str(path.parent)
        )
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        part.write_text(text, "utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise StoreError("disk_full", f"The disk is full; {path} was not written.") from error
        raise InvalidInput(
            "path_not_allowed",
            f"{path} cannot be written: {error.strerror}.",
            subject=str(path),
            remedy="Name a file in a folder that you may write to.",
        ) from error
