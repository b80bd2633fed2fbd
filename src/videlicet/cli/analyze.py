"""What videos contain, and answers with their seconds: ``summarize``, ``chapters``, ``highlights``,
``ask``, ``extract``, ``compare``, ``matrix``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import IndexOption, JsonOption, context, named_asset
from videlicet.cli.files import (
    make_folder,
    one_of,
    read_json,
    read_text,
    require_suffix,
    require_writable,
    write,
)
from videlicet.cli.output import (
    format_span,
    print_json,
    print_message,
    print_table,
    printable,
    timecode,
)
from videlicet.types import Answer, Asset, Chapter, Highlight, Sentence

if TYPE_CHECKING:
    from videlicet.analyze.matrix import Matrix
    from videlicet.library import Library

AssetArgument = Annotated[str, typer.Argument(help="A recording, by name or id.")]


def register(app: typer.Typer) -> None:
    """Register the commands."""
    for verb in (summarize, chapters, highlights, ask, extract, compare, matrix):
        app.command()(verb)


def summarize(
    assets: Annotated[list[str], typer.Argument(help="Recordings, by name or id.")],
    sentences: Annotated[int, typer.Option("--sentences", "-n", min=1, max=100)] = 5,
    focus: Annotated[str | None, typer.Option(help="Topic of the summary.")] = None,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Summarize recordings; every sentence cites its timestamps."""
    with context.library() as library:
        chosen = [named_asset(library, name) for name in assets]
        answer = library.summarize(
            *(one.id for one in chosen), sentences=sentences, focus=focus, index=index
        )
        if answer.off_focus:
            print_message(
                f"Nothing was found about {printable(focus or '')!r}; this stands out anyway."
            )
        _print_answer(library, answer, as_json)


def chapters(
    asset: AssetArgument,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, max=1000)] = None,
    format: Annotated[
        str,
        typer.Option(help="table, youtube, podlove, podlove-xml, vtt, ffmetadata or a plugin's."),
    ] = "table",
    embed_into: Annotated[
        Path | None, typer.Option(help="Write a copy of the recording with the chapters in it.")
    ] = None,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """List the chapters of a recording; also in the formats of players and sites."""
    from videlicet.analyze.exports.exporter import ChapterExport, Subject
    from videlicet.exporters import formats, render

    format = one_of(format, ("table", *formats(Subject.CHAPTERS)), "--format")
    if embed_into is not None:
        from videlicet.analyze.exports.chapters import embed
        from videlicet.media.remux import MUXERS

        require_suffix(embed_into, MUXERS, "--embed-into")
    with context.library() as library:
        one = named_asset(library, asset)
        found = library.chapters(one.id, count=count, index=index)
        content = b""
        if not as_json and format != "table":
            content = render(f"{Subject.CHAPTERS}.{format}", ChapterExport(one, found))
        if embed_into is not None:
            for note in embed(library.original(one), found, embed_into, library.settings):
                print_message(f"Note: {note}.")
            print_message(f"Written to {embed_into}.")
        if as_json:
            print_json([chapter.to_json() for chapter in found])
        elif content:
            typer.echo(content, nl=False)
        elif embed_into is None:
            _print_chapters(one, found)


def _print_chapters(asset: Asset, found: Sequence[Chapter]) -> None:
    print_table(
        ["Time", "Title", "About"],
        [
            [
                timecode(asset.to_display_time(one.span).start),
                printable(one.title.text),
                printable(" ".join(sentence.text for sentence in one.summary)),
            ]
            for one in found
        ],
        empty="It has no chapters.",
    )


def highlights(
    asset: AssetArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200)] = 5,
    query: Annotated[str | None, typer.Option(help="Topic of the highlights.")] = None,
    clips: Annotated[
        Path | None, typer.Option(help="Write each as a clip into this folder.")
    ] = None,
    reel: Annotated[Path | None, typer.Option(help="Write them as one video: FILE.mp4.")] = None,
    timeline: Annotated[
        Path | None, typer.Option(help="Write a timeline: FILE.otio or FILE.edl.")
    ] = None,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """List the highlights of a recording; also as clips, one video, or a timeline."""
    if reel is not None:
        require_suffix(reel, (".mp4",), "--reel")
    if timeline is not None:
        require_suffix(timeline, _by_ending("cuts"), "--timeline")
    with context.library() as library:
        one = named_asset(library, asset)
        if clips is not None:
            make_folder(clips)
        found = library.highlights(one.id, count=count, query=query, index=index)
        if query and found and not any("query" in row.reasons for row in found):
            print_message(f"Nothing was found about {printable(query)!r}; these stand out anyway.")
        if as_json:
            print_json([row.to_json() for row in found])
        else:
            _print_highlights(one, found)
        _write_cuts(library, one, found, clips, reel, timeline)


def _print_highlights(asset: Asset, found: Sequence[Highlight]) -> None:
    print_table(
        ["Time", "Score", "What", "Why"],
        [
            [
                format_span(asset.to_display_time(one.span)),
                f"{one.score:.2f}",
                printable(one.title.text),
                ", ".join(sorted(one.reasons, key=lambda name: -one.reasons[name])[:3]),
            ]
            for one in found
        ],
        empty="Nothing stands out.",
    )


def _write_cuts(
    library: Library,
    asset: Asset,
    found: Sequence[Highlight],
    clips: Path | None,
    reel: Path | None,
    timeline: Path | None,
) -> None:
    if clips is None and reel is None and timeline is None:
        return
    from videlicet.analyze.exports.cuts import Cut
    from videlicet.analyze.exports.exporter import CutExport
    from videlicet.exporters import EXPORTERS, render

    source = str(library.original(asset))
    cuts = [Cut.of(asset, source, one) for one in sorted(found, key=lambda one: one.span)]
    data = CutExport(asset.name, cuts)
    for name, out in (("cuts.clips", clips), ("cuts.reel", reel)):
        write_files = EXPORTERS.get(name).write
        if out is not None and write_files is not None:
            write_files(
                data, out, library.settings, lambda path: print_message(f"Written to {path}.")
            )
    if timeline is not None:
        write(timeline, render(_by_ending("cuts")[timeline.suffix.lower()], data))


def _by_ending(subject: str) -> dict[str, str]:
    """The names of the exporters that render documents of something, by the ending of their
    files; the first where two have the same."""
    from videlicet.analyze.exports.exporter import Subject
    from videlicet.exporters import documents

    found: dict[str, str] = {}
    for format, exporter in documents(Subject(subject)).items():
        found.setdefault(exporter.file_ending, f"{subject}.{format}")
    return found


def ask(
    question: Annotated[list[str], typer.Argument(help="The question.")],
    asset: Annotated[
        list[str] | None, typer.Option("--asset", "-a", help="Only this recording; repeatable.")
    ] = None,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Answer a question with citations from speech, on-screen text and pictures."""
    with context.library() as library:
        chosen = [named_asset(library, name).id for name in asset or []]
        answer = library.ask(" ".join(question), assets=chosen, index=index)
        _print_answer(library, answer, as_json)


def extract(
    schema: Annotated[Path, typer.Argument(help="A file with a JSON schema.")],
    assets: Annotated[list[str], typer.Argument(help="Recordings, by name or id.")],
    prompt: Annotated[str, typer.Option(help="Additional instructions.")] = "",
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Extract data of a JSON schema from recordings: null without evidence. With --json also
    what each value rests on."""
    with context.library() as library:
        chosen = [named_asset(library, name).id for name in assets]
        answer = library.extract(read_json(schema), *chosen, prompt=prompt, index=index)
        if as_json:
            _print_answer(library, answer, as_json)
        else:
            typer.echo(json.dumps(answer.value, ensure_ascii=False, indent=2))


def compare(
    left: AssetArgument,
    right: AssetArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200)] = 10,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Compare two recordings: what they share, and what only one of them has."""
    with context.library() as library:
        one, other = named_asset(library, left), named_asset(library, right)
        found = library.compare(one.id, other.id, count=count, index=index)
        if as_json:
            print_json(found.to_json())
            return
        assets = {one.id: one, other.id: other}
        print_table(
            ["", "What", "When"],
            [
                [name, printable(sentence.text), _citation_times(sentence, assets)]
                for name, rows in (
                    ("both", found.shared),
                    (printable(one.name), found.only_left),
                    (printable(other.name), found.only_right),
                )
                for sentence in rows
            ],
            empty="They have nothing to compare.",
        )


def _citation_times(sentence: Sentence, assets: Mapping[str, Asset]) -> str:
    """The first place of a sentence in each recording, named where there are several."""
    first: dict[str, str] = {}
    for item in sentence.citations:
        first.setdefault(
            item.asset_id, format_span(assets[item.asset_id].to_display_time(item.span))
        )
    if len(first) == 1:
        return next(iter(first.values()))
    return "; ".join(f"{printable(assets[id].name)} {times}" for id, times in first.items())


def matrix(
    questions: Annotated[Path, typer.Argument(help="A file with one question a line.")],
    out: Annotated[
        Path, typer.Argument(help="FILE.csv, .json, .html, .parquet or a plugin's to write.")
    ],
    asset: Annotated[
        list[str] | None, typer.Option("--asset", "-a", help="Only this recording; repeatable.")
    ] = None,
    kept: Annotated[
        Path | None, typer.Option(help="Where finished cells are kept; beside OUT by default.")
    ] = None,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Ask every question of every recording, as a table with citations. Run again after an
    interruption, it goes on where it was."""
    exporters = _by_ending("matrix")
    exporter = exporters[require_suffix(out, exporters, "OUT")]
    rows = [line.strip() for line in read_text(questions).splitlines() if line.strip()]
    store = kept or out.with_name(out.name + ".cells")
    require_writable(store)
    with context.library() as library:
        chosen = [named_asset(library, name).id for name in asset or []]
        fresh = done = 0

        def on_cell(cell: Any, new: bool) -> None:
            nonlocal fresh, done
            fresh, done = fresh + new, done + 1
            if new and not as_json:
                print_message(f"{done}: {printable(cell.question)}")

        found = library.matrix(rows, kept=store, assets=chosen, index=index, on_cell=on_cell)
        write(out, _rendered(library, found, exporter))
        if as_json:
            print_json(found.to_json())
        many = f"{len(found.cells)} cell" + ("" if len(found.cells) == 1 else "s")
        print_message(f"{many}, {fresh} of them asked now. Written to {out}.")


def _rendered(library: Library, found: Matrix, exporter: str) -> bytes:
    from videlicet.analyze.exports.exporter import MatrixExport
    from videlicet.exporters import render

    assets = [library.asset(id) for id in found.asset_ids]
    return render(exporter, MatrixExport(found, assets, lambda asset: str(library.original(asset))))


# -- what they share ----------------------------------------------------------------------------


def _print_answer(library: Library, answer: Answer, as_json: bool) -> None:
    assets = {id: library.asset(id) for id in {one.asset_id for one in answer.citations}}
    if as_json:
        row = answer.to_json()
        for sentence in row["sentences"]:
            for citation in sentence["citations"]:
                citation["asset_name"] = assets[citation["asset_id"]].name
        print_json(row)
        return
    for sentence in answer.sentences:
        typer.echo(printable(sentence.text))
        for place in dict.fromkeys(
            f"{printable(asset.name)} {format_span(asset.to_display_time(one.span))} "
            f"({one.modality.value})"
            for one in sentence.citations
            for asset in [assets[one.asset_id]]
        ):
            typer.echo(f"    {place}")
