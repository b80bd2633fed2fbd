"""The text of a response as it grows, with a marker for everything that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.types import EvidenceItem, Resource, Sentence, Span, merge

#: Seconds between two stretches that are cited as one.
GAP = Fraction(2)
#: Most citations of one sentence.
MOST = 5
_END = re.compile(r"[.!?…]+$")


class CitedText:
    """``videos`` are what may be cited, ``spans`` their whole timelines, both by asset id."""

    def __init__(
        self, call: HttpCaller, videos: Mapping[str, Resource], spans: Mapping[str, Span]
    ) -> None:
        self._call = call
        self._videos = videos
        self._spans = spans
        self._numbers: dict[tuple[str, Span | None], int] = {}
        self.text = ""
        self.annotations: list[dict[str, Any]] = []

    def add(self, sentence: Sentence) -> str:
        """Write a sentence with its markers; what was added to the text."""
        ending = _END.search(sentence.text)
        cut = len(sentence.text) if ending is None else ending.start()
        # One that begins with a line break begins a line.
        between = " " if self.text and not sentence.text.startswith("\n") else ""
        added = between + sentence.text[:cut]
        cited = self._cited(sentence.citations)[:MOST]
        for place, (video_id, span) in enumerate(cited):
            number = self._numbers.setdefault((video_id, span), len(self._numbers) + 1)
            start = len(self.text) + len(added) + (not place)
            marker = f"[{number}]"
            added += marker if place else f" {marker}"
            self.annotations.append(
                self._annotation(video_id, span, start, start + len(marker) - 1)
            )
        added += sentence.text[cut:]
        self.text += added
        return added

    def add_data(self, text: str, pieces: Iterable[EvidenceItem]) -> str:
        """Write data, in which no marker can stand: everything cited supports the whole."""
        self.text = text
        for video_id, span in self._cited(pieces):
            self.annotations.append(self._annotation(video_id, span, 0, max(0, len(text) - 1)))
        return text

    @property
    def items(self) -> list[str]:
        """The items that are cited, once each."""
        return list(dict.fromkeys(one["item_id"] for one in self.annotations))

    def _cited(self, pieces: Iterable[EvidenceItem]) -> Sequence[tuple[str, Span | None]]:
        spans: dict[str, list[Span]] = {}
        for piece in pieces:
            if piece.asset_id in self._videos:
                spans.setdefault(piece.asset_id, []).append(piece.span)
        found: list[tuple[str, Span | None]] = []
        for video_id, own in spans.items():
            if self._videos[video_id].body["asset_type"] == "image":
                found.append((video_id, None))
            else:
                found += [(video_id, span) for span in merge(sorted(own), GAP)]
        return found

    def _annotation(self, video_id: str, span: Span | None, start: int, end: int) -> dict[str, Any]:
        video = self._videos[video_id]
        base = f"/media/assets/{video.body['file_id']}"
        row: dict[str, Any] = {
            "type": "image_citation" if span is None else "video_citation",
            "start_index": start,
            "end_index": end,
            "item_id": video.body["item_id"],
        }
        if span is None:
            picture, film = f"{base}/thumbnail.jpg", None
        else:
            whole = self._spans[video_id]
            span = span.clamp(whole).shift(-whole.start)
            row |= {"start_sec": float(span.start), "end_sec": float(span.end)}
            picture = f"{base}/frames/{round(1000 * span.midpoint)}.jpg"
            film = self._call.address(f"{base}/hls/index.m3u8")
        return {
            **row,
            "title": video.name,
            "thumbnail_url": self._call.address(picture),
            "hls_url": film,
        }
