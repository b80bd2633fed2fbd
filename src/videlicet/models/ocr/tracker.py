"""Reading the screen as seldom as the text on it changes, and saying what stood there and when.

Three tests, each far dearer than the one before: edges at a small size (under a millisecond) tell
whether text may have appeared; then the reader locates text; and only where it
is at a place whose edges are new is it read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from videlicet.models.base import OcrReader, TextLine
from videlicet.models.ocr.strokes import IDENTICAL, SAME, Strokes
from videlicet.types import Box, Instant, ScreenText, Span

if TYPE_CHECKING:
    from videlicet.models.base import Frame

#: Seconds between two looks for text while the picture moves, and at least between any two.
_LOOK_AGAIN, _LOOK_SOONEST = Instant(4), Instant(3, 2)
#: Samples remembered, to tell since when a text has stood.
_MEMORY = 12
#: Samples for which a text may be hidden, by a flash or a hand, and still be the same.
_HIDDEN = 2
#: Text that never stops changing is read this often, per sample.
_MOVING_RATE = 0.08
#: A text whose contrast grew by this factor was read while it was fading in.
_GROWN = 1.3
#: Readings this alike (0..1) and at most this far apart in time (seconds) are one text.
_ALIKE, _GAP = 0.8, Instant(6)
#: Readings below this confidence, or with fewer letters and digits, are noise.
_SURE, _SIGNS = 0.7, 2


@dataclass(slots=True)
class _Place:
    """A place where the reader found text; ``lines`` may be none if it could read nothing."""

    box: Box
    strokes: Strokes
    contrast: float
    start: Instant
    seen: Instant
    lines: list[TextLine] = field(default_factory=list)
    hidden: int = 0
    again: bool = False


@dataclass(slots=True)
class _Text:
    line: TextLine
    start: Instant
    end: Instant


class TextTracker:
    """Feed sampled frames in order with :meth:`look`, then take all texts from :meth:`finish`.

    ``looks``, ``finds`` and ``reads`` count the frames that were seen, searched and read.
    The reader is called at most twice in one ``look``, and everything else is a function of the
    frames and of what it answered.
    """

    def __init__(self, reader: OcrReader) -> None:
        self._reader = reader
        self.frames_seen = self.finds = self.reads = 0
        self._past: deque[tuple[Instant, Strokes]] = deque(maxlen=_MEMORY)
        self._places: list[_Place] = []
        self._texts: list[_Text] = []
        self._found: tuple[Instant, Strokes] | None = None
        self._tokens = 1.0
        self._owed = False

    def add_frame(self, time: Instant, frame: Frame, *, cut: bool = False) -> None:
        """Take in the frame shown at ``time``. ``cut`` says that a new shot began since the last
        one."""
        self.frames_seen += 1
        self._tokens = min(1.0, self._tokens + _MOVING_RATE)
        now = Strokes.of(frame)
        if cut:
            self._past.clear()
            self._found = None
        self._follow(time, now, cut=cut)
        if self._due(time, now):
            self._find(time, now, frame)
        self._past.append((time, now))

    def finish(self, end: Instant) -> list[tuple[Span, ScreenText]]:
        """Every text with the time it stood on screen, in order; ``end`` is the video's end."""
        for place in self._places:
            self._close(place, end)
        self._places.clear()
        texts = sorted(self._texts, key=lambda text: (text.start, text.line.box.y, text.line.box.x))
        return [
            (
                Span(text.start, max(text.start, min(text.end, end))),
                ScreenText(text.line.text, text.line.box, text.line.confidence),
            )
            for text in texts
        ]

    def _follow(self, time: Instant, now: Strokes, *, cut: bool) -> None:
        """Which of the known places still look the same.

        Captions of one style follow each other in the same band, with edges much alike; after a cut
        only what is all but identical is the same text.
        """
        kept = []
        least = IDENTICAL if cut else SAME
        for place in self._places:
            if now.alike(place.strokes, place.box) >= least:
                place.seen, place.hidden = time, 0
                contrast = now.contrast(place.box)
                place.again = place.again or contrast > _GROWN * place.contrast
                kept.append(place)
                continue
            place.hidden += 1
            if place.hidden <= _HIDDEN and not cut:
                kept.append(place)
            else:
                self._close(place, self._after(place.seen))
        self._places = kept

    def _due(self, time: Instant, now: Strokes) -> bool:
        """Whether it is worth locating text."""
        if self._found is None:
            return True
        when, then = self._found
        if time - when < _LOOK_SOONEST:
            return False
        # What came up since the last sample may stand still now; a text that grew may be whole;
        # where one changed, another may have taken its place.
        if self._owed or any(place.again or place.hidden for place in self._places):
            return True
        if time - when >= _LOOK_AGAIN and now.moved(then):
            return True
        return now.settled(self._past[-1][1], then)

    def _find(self, time: Instant, now: Strokes, frame: Frame) -> None:
        self.finds += 1
        self._found = (time, now)
        owed, self._owed = self._owed, False
        fresh = [box for box in self._reader.find(frame) if not self._known(box)]
        if not fresh and not any(place.again for place in self._places):
            return
        steady = [box for box in fresh if self._since(box, time, now) < time or not self._past]
        if not steady and fresh:
            # It moves: a sign in a panning shot, or rolling titles.
            if self._tokens < 1.0:
                self._owed = not owed
                return
            self._tokens -= 1.0
        self.reads += 1
        lines = [line for line in self._reader.read(frame) if _readable(line)]
        for place in self._places:
            if place.again and not place.hidden:
                better = [line for line in lines if _covers(place.box, line.box)]
                place.lines = _best(place.lines, better)
                place.strokes, place.contrast = now, now.contrast(place.box)
                place.again = False
        for box in fresh:
            inside = [line for line in lines if _covers(box, line.box)]
            self._place(box, inside, time, now)
        for line in lines:
            if not self._known(line.box):
                self._place(line.box, [line], time, now)

    def _place(self, box: Box, lines: list[TextLine], time: Instant, now: Strokes) -> None:
        contrast = now.contrast(box)
        self._places.append(_Place(box, now, contrast, self._since(box, time, now), time, lines))

    def _known(self, box: Box) -> bool:
        return any(_covers(place.box, box) for place in self._places if not place.hidden)

    def _since(self, box: Box, time: Instant, now: Strokes) -> Instant:
        """Since when the place looks as it does now, as far back as is remembered."""
        for past, strokes in reversed(self._past):
            if strokes.alike(now, box) < SAME:
                break
            time = past
        return time

    def _after(self, seen: Instant) -> Instant:
        """The sample after ``seen``, at which a text was gone."""
        return min((time for time, _ in self._past if time > seen), default=seen)

    def _close(self, place: _Place, end: Instant) -> None:
        for line in place.lines:
            self._add(_Text(line, place.start, max(place.start, end)))

    def _add(self, new: _Text) -> None:
        """Merge with an earlier reading of the same text, of which the surer one is kept."""
        for text in self._lately(new.start):
            if _alike(text.line.text, new.line.text) >= _ALIKE:
                if new.line.confidence > text.line.confidence:
                    text.line = new.line
                text.start, text.end = min(text.start, new.start), max(text.end, new.end)
                return
        self._texts.append(new)

    def _lately(self, start: Instant) -> Iterator[_Text]:
        for text in reversed(self._texts[-64:]):
            if text.end + _GAP >= start:
                yield text


def _readable(line: TextLine) -> bool:
    signs = sum(character.isalnum() for character in line.text)
    return line.confidence >= _SURE and signs >= _SIGNS


def _best(old: list[TextLine], new: list[TextLine]) -> list[TextLine]:
    return max(old, new, key=lambda lines: sum(line.confidence * len(line.text) for line in lines))


def _covers(place: Box, box: Box) -> bool:
    """Whether most of the smaller of two boxes lies in the other."""
    width = min(place.x + place.width, box.x + box.width) - max(place.x, box.x)
    height = min(place.y + place.height, box.y + box.height) - max(place.y, box.y)
    smaller = min(place.width * place.height, box.width * box.height)
    return width > 0 and height > 0 and width * height >= 0.6 * smaller


def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, _plain(a), _plain(b), autojunk=False).ratio()


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
