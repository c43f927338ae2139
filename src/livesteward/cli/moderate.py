"""``livesteward moderate``: judge a segment, a stream folder or a recording, and say why."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.output import EXIT_FOUND, console, print_json

if TYPE_CHECKING:
    from livesteward.cli.progress import StepBoard
    from livesteward.cli.watched import WatchedStream
    from livesteward.settings import Settings


def command(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A segment (.json), a stream folder, or a recording (.mp4, .m3u8).")],
    *,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", "-r", help="Whose rules apply, such as SG or EU; repeat for several. Default: the stream's own regions."),
    ] = None,
    on: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The day whose rules hold. Default: the stream's.")] = None,
    language: Annotated[str | None, typer.Option(help="The language of a recording, such as en or pt-BR.")] = None,
    title: Annotated[str, typer.Option(help="The title of a recording.")] = "",
    media_root: Annotated[Path | None, typer.Option(help="Where the media of a segment are. Default: beside it.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also show scores, all of perception, tokens and digests.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict (of a stream: {'verdicts': [...]}) as JSON.")] = False,
) -> None:
    """Judge a segment, a stream folder or a recording, and say why.

    Exits with 0 if everything is allowed, 1 if there is a violation or something for a person to review, 2 if the input or the
    set-up is wrong.

    Example: livesteward moderate examples/streams/investment-scam --region SG
    """
    import asyncio

    from livesteward.cli.asked import checked_date, checked_regions, load
    from livesteward.cli.progress import step_board
    from livesteward.contracts import Decision
    from livesteward.settings import load_settings

    regions, day = checked_regions(region), checked_date(on)
    settings = load_settings()
    stream = load(path, settings=settings, regions=regions, language=language, title=title, media_root=media_root)
    with step_board() as board:
        asyncio.run(_judge(stream, settings, regions, day, board, shows=not as_json, verbose=verbose))
    verdicts = [examined.verdict for examined in stream.examined]
    if as_json:
        one = path.suffix.lower() == ".json" and not path.is_dir()
        print_json(verdicts[0] if one else {"verdicts": [verdict.model_dump(mode="json") for verdict in verdicts]})
    elif len(verdicts) > 1:
        from livesteward.cli.terminal import stream_summary

        console.print(stream_summary(stream))
    if stream.decision is not Decision.ALLOW:
        raise typer.Exit(EXIT_FOUND)


async def _judge(
    stream: WatchedStream, settings: Settings, regions: tuple[str, ...], day: date | None, board: StepBoard, *, shows: bool, verbose: bool
) -> None:
    from livesteward.cli.asked import all_regions
    from livesteward.cli.judging import judged
    from livesteward.cli.terminal import print_line, verdict_line, verdict_view
    from livesteward.contracts import Decision
    from livesteward.sdk import Steward

    board.note("reading rules and models")
    async with Steward.from_settings(settings) as steward:
        await steward.prepare(
            all_regions([stream], regions),
            on=day or stream.segments[0].starts_at.date(),
            progress=lambda what, done, total: board.note(f"indexing the rules of {what}: {done} of {total}"),
        )
        total = len(stream.segments)
        async for examined in judged(
            steward,
            stream,
            regions=regions,
            on=day,
            on_event=board.on_event,
            on_segment=lambda segment, number: board.begin(segment, number, total),
        ):
            if shows:
                if total > 1 and not verbose and examined.verdict.decision is Decision.ALLOW:
                    print_line(verdict_line(examined))
                else:
                    console.print(verdict_view(examined, verbose=verbose))
