"""Subtitles of what was said, and of what is written on the screen, as SubRip and WebVTT.

The measures are those of the Netflix *Timed Text Style Guide* (general requirements, and English):
at most two lines of 42 characters, 5/6 to 7 seconds, 20 characters a second. Where somebody speaks
faster than that, the words are kept and the speed gives way. WebVTT is the W3C's (2019); its
``Kind`` and ``Language`` headers are those players read. SubRip has no standard; the form is the
one that players agree on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from videlicet.analyze.exports.cue import Cue
from videlicet.analyze.exports.exporter import Exporter, SubtitleExport
from videlicet.analyze.exports.line_breaking import LINE, Atom, blocks, layout
from videlicet.types import Box, Instant, Observation, Span, Utterance, merge
from videlicet.types.kinds import kind_of

#: Characters that can be read in one second.
READING = 20
#: Milliseconds a cue stays at least and at most, where the words around it allow.
SHORTEST, LONGEST = 834, 7000
#: Milliseconds between two cues (two frames), where there is room.
GAP = 84
#: Milliseconds between the starts of cues whose words begin at once, of one speaker.
_STEP = 100
#: Seconds of silence that end a sentence, whatever its last word.
_SILENCE = Fraction(3, 2)
#: Seconds between two occurrences of an on-screen text that are one cue.
_SIGHTING = Fraction(2)
#: A speaker's name takes at most this much of a line.
_NAME = LINE // 2 - 2

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: What a player might take for a tag, an override or an arrow, behind its first character.
_TAG = re.compile(r"(?<=<)(?=[A-Za-z/!?])|(?<=\{)(?=[\\A-Za-z])|(?<=--)(?=>)")
_JOINER = "\u2060"


def spoken_cues(seen: Iterable[Observation], begin: Instant) -> list[Cue]:
    """The cues of everything spoken among ``seen``, in order and without overlap.

    ``begin`` is where the file's own timeline starts (``MediaInfo.span.start``). Utterances are cut
    at the ends of sentences and phrases, at the times of their words; where an utterance has none,
    its words share its time by their length. Where two speak at once, who began later follows.
    """
    utterances = sorted(
        (
            (one.span, speech)
            for one in seen
            if (speech := kind_of(one.payload).speech(one.payload)) is not None
        ),
        key=lambda row: row[0],
    )
    found: list[Cue] = []
    for run in _runs(utterances):
        speaker, language = _name(run[0][1].speaker), run[0][1].language or None
        opens = speaker is not None and (not found or found[-1].speaker != speaker)
        atoms: list[Atom] = []
        for span, said in run:
            atoms += _atoms(said, span, atoms[-1].span.start if atoms else span.start)
        indent = len(_label(speaker)) if speaker and opens else 0
        for number, block in enumerate(blocks(atoms, indent)):
            lines = layout(block, 0 if number else indent)
            span = Span(block[0].span.start - begin, block[-1].span.end - begin)
            found.append(Cue(span, lines, language, speaker, opens and not number))
    return _timed(found)


def cues_of(seen: Sequence[Observation], begin: Instant) -> list[Cue]:
    """The cues of observations of any kind: what is spoken, and the words of the others."""
    cues = [*spoken_cues(seen, begin), *text_cues(seen, begin)]
    return sorted(cues, key=lambda cue: cue.span)


def text_cues(seen: Iterable[Observation], begin: Instant) -> list[Cue]:
    """The words of observations that nobody speaks, as those on the screen. Those that have a place
    in the picture are shown there; several may be there at once. ``begin`` is as in
    :func:`spoken_cues`."""
    by_text: dict[str, list[tuple[Span, Box | None]]] = {}
    for one in seen:
        kind = kind_of(one.payload)
        text = _clean(kind.text(one.payload) or "")
        if text and kind.speech(one.payload) is None:
            by_text.setdefault(text, []).append((one.span, kind.box(one.payload)))
    found = []
    for text, rows in by_text.items():
        for span in merge((one for one, _ in rows), _SIGHTING):
            box = next(box for one, box in sorted(rows, key=lambda r: r[0]) if span.overlap(one)
                       or span.contains(one.start) or span == one)  # fmt: skip
            start = max(0, _ms(span.start - begin))
            end = max(_ms(span.end - begin), start + SHORTEST)
            found.append(Cue(_span(start, end), (text,), box=box))
    return sorted(found, key=lambda cue: (cue.span, cue.lines))


def main_language(cues: Iterable[Cue]) -> str | None:
    """The language (BCP 47) that most words are in; ``None`` where none is known."""
    count: Counter[str] = Counter()
    for cue in cues:
        if cue.language:
            count[cue.language] += sum(map(len, cue.lines))
    return max(count, key=lambda name: (count[name], name), default=None)


def srt(cues: Sequence[Cue]) -> str:
    """SubRip. A new speaker is named as ``NAME:`` before the words."""
    rows = []
    for number, cue in enumerate(cues, 1):
        label = _label(cue.speaker) if cue.speaker and cue.opens else ""
        # A word as long as the line leaves the name no room beside it.
        lines = cue.lines if len(label + cue.lines[0]) <= LINE else ("", *cue.lines)
        text = "\n".join(map(_plain, (f"{label}{lines[0]}".rstrip(), *lines[1:])))
        times = f"{_clock(cue.span.start, ',')} --> {_clock(cue.span.end, ',')}"
        rows.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(rows)


def webvtt(cues: Sequence[Cue], *, kind: str = "captions") -> str:
    """WebVTT. Speakers are voices (``<v Name>``); the language most words are in is in the header,
    another one on its own cues (``<lang de>``). ``kind`` is a track's kind in HTML."""
    language = main_language(cues)
    head = f"WEBVTT\nKind: {kind}\n" + (f"Language: {language}\n" if language else "")
    rows = [head]
    for cue in cues:
        text = "\n".join(map(escaped, cue.lines))
        if cue.language and cue.language != language:
            text = f"<lang {escaped(cue.language)}>{text}</lang>"
        if cue.speaker:
            text = f"<v {escaped(cue.speaker)}>{text}</v>"
        times = f"{_clock(cue.span.start)} --> {_clock(cue.span.end)}"
        rows.append(f"{times}{_place(cue.box)}\n{text}\n")
    return "\n".join(rows)


def escaped(text: str) -> str:
    """Text as WebVTT takes it, on one line."""
    text = _BREAKS.sub(" ", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _runs(utterances: Sequence[tuple[Span, Utterance]]) -> list[list[tuple[Span, Utterance]]]:
    """Utterances that one speaker says in one language, without a long silence between."""
    runs: list[list[tuple[Span, Utterance]]] = []
    for span, said in utterances:
        if runs:
            before, last = runs[-1][-1]
            same = (last.speaker, last.language) == (said.speaker, said.language)
            if same and span.start - before.end < _SILENCE:
                runs[-1].append((span, said))
                continue
        runs.append([(span, said)])
    return runs


def _atoms(said: Utterance, whole: Span, at: Instant) -> list[Atom]:
    """The words with their times, in order, none before ``at``; a word longer than a line is
    several."""
    found: list[Atom] = []
    for text, glued, span in _words(said, whole):
        start = max(at, span.start)
        end = max(start, span.end)
        items = [text[n : n + LINE] for n in range(0, len(text), LINE)]
        for number, item in enumerate(items):
            share = (end - start) / len(items)
            own = Span(start + share * number, start + share * (number + 1))
            found.append(Atom(item, own, glued or number > 0))
        at = start
    if found:
        found[-1] = replace(found[-1], ends=True)
    return found


def _words(said: Utterance, whole: Span) -> list[tuple[str, bool, Span]]:
    """Each word, whether it follows the one before without a space, and when it is said."""
    text = _clean(said.text)
    timed = [(word, cleaned) for word in said.words if (cleaned := _clean(word.text))]
    if "".join(cleaned for _, cleaned in timed).replace(" ", "") == text.replace(" ", ""):
        rows, at = [], 0
        for word, cleaned in timed:
            place = text.find(cleaned, at)
            glued = place == at and at > 0
            at = max(at, place + len(cleaned))
            rows.append((cleaned, glued, word.span))
        return rows
    # No times, or times of other words than those of the text: the text is what was said.
    parts = text.split()
    total = sum(map(len, parts))
    done = 0
    rows = []
    for part in parts:
        start = whole.start + whole.duration * Fraction(done, total)
        done += len(part)
        end = whole.start + whole.duration * Fraction(done, total)
        rows.append((part, False, Span(start, end)))
    return rows


def _timed(cues: list[Cue]) -> list[Cue]:
    """The cues with their final times: none overlaps, each lasts as long as it needs to be read if
    the next one leaves the room."""
    starts: list[int] = []
    for number, cue in enumerate(cues):
        least = 0
        if starts:
            another = cue.speaker != cues[number - 1].speaker
            least = starts[-1] + (SHORTEST if another else _STEP)
        starts.append(max(_ms(cue.span.start), least))
    found = []
    for number, cue in enumerate(cues):
        start = starts[number]
        wanted = max(SHORTEST, sum(map(len, cue.lines)) * 1000 // READING)
        end = max(_ms(cue.span.end), start + min(wanted, LONGEST))
        if number + 1 < len(cues):
            following = starts[number + 1]
            if end > following - GAP and following - GAP >= start + SHORTEST:
                end = following - GAP
            end = min(end, following)
        found.append(replace(cue, span=_span(start, end)))
    return found


def _name(speaker: str | None) -> str | None:
    return _clean(speaker or "") or None


def _label(speaker: str) -> str:
    short = speaker if len(speaker) <= _NAME else speaker[: _NAME - 1].rstrip() + "…"
    return f"{short.upper()}: "


def _plain(text: str) -> str:
    return _TAG.sub(_JOINER, text)


def _clean(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split())


def _place(box: Box | None) -> str:
    if box is None:
        return ""
    left, top, width = (min(100.0, max(0.0, 100 * n)) for n in (box.x, box.y, box.width))
    size = min(100 - left, max(width, 1.0))
    return f" line:{top:.1f}% position:{left:.1f}%,line-left size:{size:.1f}% align:left"


def _ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


def _span(start: int, end: int) -> Span:
    return Span(Fraction(start, 1000), Fraction(end, 1000))


def _clock(seconds: Fraction, point: str = ".") -> str:
    rest, ms = divmod(_ms(seconds), 1000)
    minutes, seconds_ = divmod(rest, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds_:02d}{point}{ms:03d}"


def _as_srt(data: SubtitleExport) -> bytes:
    return srt(data.cues).encode()


def _as_webvtt(data: SubtitleExport) -> bytes:
    return webvtt(data.cues).encode()


SRT = Exporter("application/x-subrip; charset=utf-8", ".srt", "SubRip", _as_srt)
VTT = Exporter("text/vtt; charset=utf-8", ".vtt", "WebVTT", _as_webvtt)
