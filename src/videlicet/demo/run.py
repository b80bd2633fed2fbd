"""Runs the demo: videos, index, questions, and a page with what was found."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from videlicet.demo.question import DemoQuestion, Place
from videlicet.errors import TaskError, VidelicetError, from_json
from videlicet.library import Library
from videlicet.settings import Settings, load
from videlicet.types import Asset, SearchPage, Span, Status

if TYPE_CHECKING:
    from videlicet.ingest import Progress

#: Hits asked for; a right answer must be among them.
_RESULT_LIMIT = 5
#: Hits shown on the page.
_PAGE_HITS = 3

Say = Callable[[str], None]
#: Shows news as they come and returns the last of each source.
Follow = Callable[[Iterable["Progress"]], Sequence["Progress"]]


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One question and how it went. ``rank`` is that of the first right answer, 1 is the best;
    ``found`` is the first hit, whether right or not. ``seconds`` is what the search took."""

    kind: str
    label: str
    expected: tuple[Place, ...]
    rank: int | None
    found: Place | None
    score: float | None
    seconds: float

    @property
    def first(self) -> bool:
        """Whether the best hit is right."""
        return self.rank == 1


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo did. Times are wall seconds; ``video_seconds`` is how long the videos are.

    ``page`` is the HTML page, ``credits`` name whose work was used, one line each. ``own`` says
    that it was somebody's own recording.
    """

    rows: tuple[DemoRow, ...]
    videos: int
    video_seconds: float
    prepare_s: float
    index_s: float
    page: Path
    credits: tuple[str, ...]
    own: bool = False

    @property
    def first(self) -> int:
        """Questions whose best hit is right."""
        return sum(row.first for row in self.rows)

    @property
    def search_s(self) -> float:
        """The median search."""
        return median(row.seconds for row in self.rows) if self.rows else 0.0

    @property
    def ok(self) -> bool:
        """Whether the main job was done: every question's moment is among the first hits.

        Of somebody's own recording three in four will do: a stretch of it may be silent, or like
        another.
        """
        found = sum(row.rank is not None for row in self.rows)
        wanted = len(self.rows) * (0.75 if self.own else 1)
        return bool(self.rows) and found >= wanted


def run_demo(
    home: str | os.PathLike[str],
    out: str | os.PathLike[str],
    video: str | os.PathLike[str] | None = None,
    *,
    say: Say = lambda _: None,
    follow: Follow | None = None,
) -> DemoReport:
    """Find moments in sample videos, or in the recording ``video``.

    The data directory ``home`` is for the demo alone. Videos, their sources and the page go to the
    folder ``out``; what an earlier run left there is used again. Missing weights are fetched.
    ``say`` is called with each step; ``follow`` shows the progress of indexing.

    Raises:
        VidelicetError: weights or sources cannot be fetched, or a video cannot be indexed.
    """
    folder = Path(out).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    settings = load(home)
    started = time.perf_counter()
    _pull(settings, say)
    if video is None:
        sources, sample = _sample(settings, folder, say)
    else:
        sources, sample = [Path(video)], None
    prepared = time.perf_counter()
    with Library(settings) as library:
        say(f"Indexing {len(sources)} recordings" if len(sources) > 1 else f"Indexing {sources[0]}")
        assets = _index(library, sources, follow or _last)
        indexed = time.perf_counter()
        if sample is not None:
            asked, credits = sample
        else:
            from videlicet.demo.own import questions_for

            asked, credits = questions_for(library, assets[0], folder / "queries"), ()
        say(f"Asking {len(asked)} questions")
        answers = [(question, *ask(library, question)) for question in asked]
        page = _write_page(library, answers, folder / "demo.html", credits)
    return DemoReport(
        rows=tuple(row for _, row, _ in answers),
        videos=len(assets),
        video_seconds=float(sum(asset.media.span.duration for asset in assets)),
        prepare_s=prepared - started,
        index_s=indexed - prepared,
        page=page,
        credits=tuple(credits),
        own=video is not None,
    )


def ask(library: Library, question: DemoQuestion) -> tuple[DemoRow, SearchPage]:
    """Search for one question and look where the right answer is."""
    started = time.perf_counter()
    page = library.search(**question.arguments, limit=_RESULT_LIMIT)
    seconds = time.perf_counter() - started
    found = [
        Place(hit.asset_name, library.asset(hit.asset_id).to_display_time(hit.span))
        for hit in page.hits
    ]
    ranked = zip(page.hits, found, strict=True)
    rank = next(
        (hit.rank for hit, place in ranked if expected_rank(place, question.expected)), None
    )
    row = DemoRow(
        kind=question.kind,
        label=question.label,
        expected=question.expected,
        rank=rank,
        found=found[0] if found else None,
        score=page.hits[0].score if found else None,
        seconds=seconds,
    )
    return row, page


def expected_rank(found: Place, places: Iterable[Place]) -> bool:
    """Whether it is in one of the places: at least half of the shorter lies in the longer."""
    return any(found.file == place.file and _overlaps(found.span, place.span) for place in places)


def _overlaps(one: Span, other: Span) -> bool:
    shorter, longer = sorted((one, other), key=lambda span: span.duration)
    if not shorter.duration:
        return longer.start <= shorter.start <= longer.end
    return longer.overlap(shorter) * 2 >= shorter.duration


def _pull(settings: Settings, say: Say) -> None:
    from videlicet.models.cards import card, default_cards, with_needs
    from videlicet.models.weights import PullProgress, missing_files, pull

    cards = with_needs(card(id) for id in default_cards().values())
    missing = [one for one in cards if missing_files(settings, one)]
    announced: set[str] = set()

    def watch(pulled: PullProgress) -> None:
        if pulled.card not in announced:
            announced.add(pulled.card)
            say(f"Fetching the model {pulled.card}")

    pull(settings, missing, watch=watch)


def _sample(
    settings: Settings, folder: Path, say: Say
) -> tuple[list[Path], tuple[list[DemoQuestion], tuple[str, ...]]]:
    from videlicet.demo.queries import questions
    from videlicet.demo.script import make_sample_videos
    from videlicet.demo.sources import MATERIAL, fetch

    sources = fetch(settings, folder / "sources", say)
    say("Making the sample videos")
    samples = make_sample_videos(sources, folder / "videos")
    asked = questions(sources, samples, folder / "queries")
    return list(samples.paths.values()), (asked, tuple(one.credit for one in MATERIAL))


def _index(library: Library, sources: Sequence[Path], follow: Follow) -> list[Asset]:
    ended = follow(library.ingest(*sources))
    for news in ended:
        if news.status is not Status.READY:
            raise _failure(news.error, news.source)
    ids = dict.fromkeys(news.asset_id for news in ended if news.asset_id is not None)
    return [library.asset(id) for id in ids]


def _failure(error: Mapping[str, object] | None, source: str) -> VidelicetError:
    if error is not None:
        return from_json(error)
    return TaskError("task_failed", f"{source} was not indexed.", subject=source)


def _last(events: Iterable[Progress]) -> Sequence[Progress]:
    return list({event.task_id: event for event in events}.values())


def _write_page(
    library: Library,
    answered: Sequence[tuple[DemoQuestion, DemoRow, SearchPage]],
    out: Path,
    credits: Sequence[str],
) -> Path:
    from dataclasses import replace

    from videlicet.page import Section, report_page

    sections = [
        Section(
            question.label,
            replace(page, hits=page.hits[:_PAGE_HITS]),
            f"{row.kind} · {row.seconds * 1000:.0f} ms",
        )
        for question, row, page in answered
    ]
    return report_page(library, sections, "What Videlicet found", out, credits)
