"""``livesteward watch``: streams from start to end, verdicts as they come, and a page to look at afterwards."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.cli.output import EXIT_BAD_INPUT, EXIT_FOUND, console, errors, print_json

if TYPE_CHECKING:
    from datetime import date

    from livesteward.cli.progress import WatchBar
    from livesteward.cli.watched import WatchedStream
    from livesteward.sdk import Steward
    from livesteward.settings import Settings


class FailOn(StrEnum):
    """From which decision on the exit code is 1."""

    NEVER = "never"
    VIOLATION = "violation"
    REVIEW = "review"


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Stream folders, or folders of stream folders.")],
    *,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", "-r", help="Whose rules apply, such as SG or EU; repeat for several. Default: each stream's own regions."),
    ] = None,
    on: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The day whose rules hold. Default: the stream's.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write verdicts as JSON and a page, index.html, into this folder.")
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Judge each segment when it would have been broadcast, streams side by side.")
    ] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 from this decision on.")] = FailOn.NEVER,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON, at the end.")] = False,
) -> None:
    """Watch streams from start to end; write verdicts and a page to look at.

    Exits with 0 when all are watched (with 1 where --fail-on says so), 2 if the input or the set-up is wrong or a stream stopped.

    Example: livesteward watch examples/streams --out demo-output
    """
    import asyncio

    from livesteward.cli.asked import checked_date, checked_regions, load_all
    from livesteward.cli.progress import watch_bar
    from livesteward.contracts import Decision
    from livesteward.settings import load_settings

    regions, day = checked_regions(region), checked_date(on)
    settings = load_settings()
    streams = load_all(paths, settings=settings)
    if out is not None:
        _check_folder(out)
    with watch_bar(sum(len(stream.segments) for stream in streams)) as bar:
        asyncio.run(_watch(streams, settings, regions, day, bar, out=out, realtime=realtime, shows=not as_json))
    page = _write_page(out, streams) if out is not None else None
    if as_json:
        print_json({"streams": [_as_json(stream) for stream in streams]})
    else:
        _tell(streams, out, page)
    if any(stream.error for stream in streams):
        raise typer.Exit(EXIT_BAD_INPUT)
    worst = max(stream.decision.rank for stream in streams)
    if fail_on is not FailOn.NEVER and worst >= Decision(fail_on.value).rank:
        raise typer.Exit(EXIT_FOUND)


async def _watch(
    streams: list[WatchedStream],
    settings: Settings,
    regions: tuple[str, ...],
    day: date | None,
    bar: WatchBar,
    *,
    out: Path | None,
    realtime: bool,
    shows: bool,
) -> None:
    import asyncio

    from livesteward.cli.asked import all_regions
    from livesteward.sdk import Steward

    async with Steward.from_settings(settings) as steward:
        for start in dict.fromkeys(day or stream.segments[0].starts_at.date() for stream in streams):
            held = [stream for stream in streams if (day or stream.segments[0].starts_at.date()) == start]
            await steward.prepare(
                all_regions(held, regions),
                on=start,
                progress=lambda what, done, total: bar.note(f"indexing the rules of {what}: {done} of {total}"),
            )
        names = _file_names(streams)

        async def one(stream: WatchedStream) -> None:
            await _watch_one(steward, stream, regions, day, bar, realtime=realtime, shows=shows)
            if out is not None:
                # As soon as it is over: what later goes wrong with another stream does not lose it.
                _write(out / names[stream.stream_id], json.dumps(_as_json(stream, whole=True), ensure_ascii=False, indent=2) + "\n")

        if realtime:
            await asyncio.gather(*(one(stream) for stream in streams))
        else:
            for stream in streams:
                await one(stream)


async def _watch_one(
    steward: Steward, stream: WatchedStream, regions: tuple[str, ...], day: date | None, bar: WatchBar, *, realtime: bool, shows: bool
) -> None:
    from rich.text import Text

    from livesteward.cli.judging import judged
    from livesteward.cli.plain import plain
    from livesteward.cli.terminal import print_line, verdict_line
    from livesteward.errors import LivestewardError

    name = plain(stream.stream_id)
    if shows and not realtime:
        console.print(Text.assemble((stream.title, "bold"), (f"  {name}", "dim")))
    try:
        async for examined in judged(steward, stream, regions=regions, on=day, on_event=bar.on_event, realtime=realtime):
            bar.advance()
            if shows:
                line = verdict_line(examined)
                print_line(Text.assemble((f"{name:<24.24}", "bold"), line) if realtime else line)
    except LivestewardError as error:
        stream.error = str(error)
        bar.advance(len(stream.segments) - len(stream.examined))
        errors.print(Text.assemble(("error ", "bold red"), f"{name}: {plain(str(error))}"), soft_wrap=True)


def _tell(streams: list[WatchedStream], out: Path | None, page: Path | None) -> None:
    from rich.text import Text

    from livesteward.cli.terminal import watch_table

    console.print()
    console.print(watch_table(streams, width=console.width))
    console.print()
    first = streams[0].source
    if page is None:
        console.print(Text(f"Next: livesteward watch {first} --out demo-output  (writes a page with pictures and timeline)", "dim"))
    else:
        console.print(Text(f"Page:     {page}"), soft_wrap=True)
        console.print(Text(f"Verdicts: {out}/*.json"), soft_wrap=True)
        console.print(Text(f"Next: open the page, or see one stream in full: livesteward moderate {first} -v", "dim"), soft_wrap=True)


def _as_json(stream: WatchedStream, *, whole: bool = False) -> dict[str, Any]:
    from livesteward.cli.watched import without_bytes

    found: dict[str, Any] = {
        "stream_id": stream.stream_id,
        "source": str(stream.source),
        "decision": stream.decision.value,
        "by_region": {place: decision.value for place, decision in stream.by_region.items()},
        "stream_by_region": {place: decision.value for place, decision in stream.stream_by_region.items()},
        "seconds": round(stream.seconds, 3),
        "error": stream.error,
        "verdicts": [examined.verdict.model_dump(mode="json") for examined in stream.examined],
    }
    return {**found, "segments": [without_bytes(examined.segment) for examined in stream.examined]} if whole else found


def _file_names(streams: list[WatchedStream]) -> dict[str, str]:
    """Give every stream a file name of plain letters: an id may hold slashes and dots."""
    names: dict[str, str] = {}
    for stream in streams:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "_", stream.stream_id).lstrip(".")[:80] or "stream"
        taken = {name.lower() for name in names.values()}
        name, number = f"{safe}.json", 2
        while name.lower() in taken:
            name, number = f"{safe}-{number}.json", number + 1
        names[stream.stream_id] = name
    return names


def _check_folder(out: Path) -> None:
    from livesteward.errors import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror}); give another folder", field=f"--out {out}") from error


def _write(path: Path, text: str) -> None:
    from livesteward.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", field=str(path)) from error


def _write_page(out: Path, streams: list[WatchedStream]) -> Path:
    from livesteward.cli.page import render_page

    page = out / "index.html"
    _write(page, render_page(streams))
    return page
