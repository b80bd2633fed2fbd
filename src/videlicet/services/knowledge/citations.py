"""The text of an answer as it grows, with a marker for everything that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from videlicet.services.search_pages import display_span
from videlicet.types import EvidenceItem, Sentence, Span, Video, merge

#: Seconds between two stretches that are cited as one.
GAP = Fraction(2)
#: Most citations of one sentence.
MOST = 5
_END = re.compile(r"[.!?…]+$")


@dataclass(frozen=True, slots=True)
class TextCitation:
    """What supports the characters ``start`` to ``end`` of a text, the last one included: a stretch
    of a video on the clock that begins with its recording, or a picture (no ``span``)."""

    video: Video
    span: Span | None
    start: int
    end: int


class CitedText:
    """``videos`` are what may be cited, by asset id."""

    def __init__(self, videos: Mapping[str, Video]) -> None:
        self._videos = videos
        self._numbers: dict[tuple[str, Span | None], int] = {}
        self.text = ""
        self.citations: list[TextCitation] = []

    def add(self, sentence: Sentence) -> str:
        """Write a sentence with its markers; what was added to the text."""
        ending = _END.search(sentence.text)
        cut = len(sentence.text) if ending is None else ending.start()
        # One that begins with a line break begins a line.
        between = " " if self.text and not sentence.text.startswith("\n") else ""
        added = between + sentence.text[:cut]
        cited = self._cited(sentence.citations)[:MOST]
        for place, (asset_id, span) in enumerate(cited):
            number = self._numbers.setdefault((asset_id, span), len(self._numbers) + 1)
            start = len(self.text) + len(added) + (not place)
            marker = f"[{number}]"
            added += marker if place else f" {marker}"
            self._cite(asset_id, span, start, start + len(marker) - 1)
        added += sentence.text[cut:]
        self.text += added
        return added

    def add_data(self, text: str, items: Iterable[EvidenceItem]) -> str:
        """Write data, which can hold no marker: everything cited supports the whole."""
        self.text = text
        for asset_id, span in self._cited(items):
            self._cite(asset_id, span, 0, max(0, len(text) - 1))
        return text

    @property
    def item_ids(self) -> list[str]:
        """The items that are cited, once each."""
        return list(dict.fromkeys(one.video.item_id or "" for one in self.citations))

    def _cited(self, items: Iterable[EvidenceItem]) -> Sequence[tuple[str, Span | None]]:
        spans: dict[str, list[Span]] = {}
        for item in items:
            if item.asset_id in self._videos:
                spans.setdefault(item.asset_id, []).append(item.span)
        found: list[tuple[str, Span | None]] = []
        for asset_id, own in spans.items():
            if self._videos[asset_id].item_type == "image":
                found.append((asset_id, None))
            else:
                found += [(asset_id, span) for span in merge(sorted(own), GAP)]
        return found

    def _cite(self, asset_id: str, span: Span | None, start: int, end: int) -> None:
        video = self._videos[asset_id]
        displayed = None if span is None else display_span(video, span)
        self.citations.append(TextCitation(video, displayed, start, end))
