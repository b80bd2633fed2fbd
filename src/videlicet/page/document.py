"""What every page has in common: one self-contained HTML file that works offline.

Titles, captions, transcripts and answers come from files that anybody may have made, so every one
of them passes through :func:`escape`; a page's policy runs no script but its own, by hash, and
reaches nothing but media files.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import html
import os
import re
import secrets
from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

from videlicet.errors import InvalidInput, NotFound, StoreError

#: Lone surrogates (undecodable bytes of a file name) and control characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def html_document(
    title: str,
    above: str,
    below: str,
    body: str,
    foot: Sequence[str],
    *,
    styles: Sequence[str] = ("page.css",),
    script: str = "page.js",
    media: Sequence[str] = ("file:",),
) -> str:
    """The whole page. ``title``, ``above``, ``below``, ``body`` and ``foot`` are HTML already;
    ``styles`` and ``script`` are files of this room; ``media`` is where videos may come from, as
    the sources of a content security policy."""
    style, script = "".join(map(_part, styles)), _part(script)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        f"img-src data:; media-src {' '.join(media)}; base-uri 'none'; form-action 'none'"
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
{chr(10).join(foot)}
</footer>
<script>{script}</script>
</body>
</html>
"""


def escape(text: str) -> str:
    """Text that is safe anywhere in the page, attributes in quotation marks included."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", text), quote=True)


def timecode(seconds: Fraction) -> str:
    """``h:mm:ss.s``."""
    tenths = round(seconds * 10)
    sign, tenths = ("-", -tenths) if tenths < 0 else ("", tenths)
    minutes, rest = divmod(tenths, 600)
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}.{rest % 10}"


def fragment(start: Fraction, end: Fraction) -> str:
    """What makes a video's address that of a stretch, with its #; times are seconds from the start.
    An end that is no later than the start would make it invalid (W3C, *Media Fragments URI 1.0*,
    4.2.1); without one it is played from there on."""
    first, last = f"{float(start):.3f}", f"{float(end):.3f}"
    return f"#t={first},{last}" if float(last) > float(first) else f"#t={first}"


def models(cards: Sequence[str]) -> str:
    """The models used, with their licences, as HTML; nothing where there are none."""
    from videlicet.models.cards import card

    rows = []
    for id in cards:
        try:
            known = card(id)
        except NotFound:  # of an index made with other models
            rows.append(f"<li>{escape(id)}</li>")
            continue
        rows.append(f"<li>{escape(id)}: {escape(known.title)}, {escape(known.licence)}</li>")
    return f"<p>Models</p>\n<ul>\n{chr(10).join(rows)}\n</ul>" if rows else ""


def _part(name: str) -> str:
    return (files("videlicet.page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def write_page(path: Path, text: str) -> None:
    """Write a page in one piece; what was there before stays if that fails.

    Raises:
        InvalidInput: ``path_not_found`` or ``path_not_allowed``.
        StoreError: ``disk_full``.
    """
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
