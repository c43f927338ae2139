"""``livesteward``: the entry point. Commands are imported when they run, so that help comes at once."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

DEBUG: Final = "LIVESTEWARD_DEBUG"
"""Set to 1, it shows the traceback of an unexpected error."""

EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130


@dataclass(frozen=True)
class _Command:
    """A command or group: ``help`` is what the list shows, so that the list needs no import."""

    help: str
    is_group: bool = False
    panel: str = "Moderate"

    def load(self, name: str) -> Any:
        module = importlib.import_module(f"livesteward.cli.{name}")
        if self.is_group:
            return typer.main.get_group(module.app)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name)(module.command)
        return typer.main.get_command(single)


_WORK: Final = "Rules, prompts and models"
_HELP: Final = "Set up and look inside"

COMMANDS: Final[dict[str, _Command]] = {
    "moderate": _Command("Judge a segment, a stream folder or a recording, and say why."),
    "watch": _Command("Watch streams from start to end; write verdicts and a page to look at."),
    "policies": _Command("Read, search, check and compare the rulebooks of each region.", is_group=True, panel=_WORK),
    "prompts": _Command("Look at prompts, try them, compare versions, check and release them.", is_group=True, panel=_WORK),
    "eval": _Command("Run the golden set, compare changes on it, and hold them against gates.", is_group=True, panel=_WORK),
    "engine": _Command("Serve the judge with vLLM: the command line, start, stop and status.", is_group=True, panel=_WORK),
    "train": _Command("Fit the screen and the embedded heads again.", is_group=True, panel=_WORK),
    "bench": _Command("Measure how fast judging is on this machine.", is_group=True, panel=_WORK),
    "init": _Command("Start a workspace of your own rules, prompts and thresholds.", panel=_HELP),
    "doctor": _Command("Check what is installed and set, and say what to do.", panel=_HELP),
    "schema": _Command("Print the JSON Schema of segments, rules and verdicts.", panel=_HELP),
}


class LazyGroup(TyperGroup):
    """Lists commands without importing them, and tells every error in one sentence."""

    def __init__(self, **attributes: Any) -> None:
        """Put a stand-in for every command, with its help, where the list and the suggestions look."""
        super().__init__(**attributes)
        for name, command in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=command.help, rich_help_panel=command.panel)

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> tuple[str | None, Any, list[str]]:  # type: ignore[override]
        """Import the command that is about to run."""
        name, command, rest = super().resolve_command(ctx, args)
        return (name, COMMANDS[name].load(name), rest) if name in COMMANDS else (name, command, rest)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run, and turn what goes wrong into one sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say("stopped")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except Exception as error:
            # Typer's own exceptions (usage errors, exits) know how to end.
            if isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "exit_code") or _reader_left(error):
                raise
            if os.environ.get(DEBUG) == "1":
                raise
            from livesteward.errors import LivestewardError

            if isinstance(error, LivestewardError):
                _say(str(error))
            else:
                _say(f"something unexpected went wrong ({type(error).__name__}: {error}); set {DEBUG}=1 to see where")
            raise typer.Exit(EXIT_BAD_INPUT) from None


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Moderate live streams with regional rulebooks: every claim of a verdict points at a rule and at evidence.",
    epilog="Start with: livesteward moderate examples/streams/investment-scam",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"livesteward {version('livesteward')}")
        raise typer.Exit


@app.callback()
def _livesteward(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    if ctx.invoked_subcommand is not None and not ctx.resilient_parsing:
        _configure_logging()


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 done, 1 a finding, 2 bad input or set-up, 130 stopped by the user."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that cannot show a letter shows its number; it does not end the run.
            reconfigure(errors="backslashreplace")
    app(arguments, prog_name="livesteward")


def _configure_logging() -> None:
    """Send logs of livesteward and of libraries to standard error, from the level that the settings ask for."""
    import logging

    import structlog

    from livesteward.errors import ConfigurationError
    from livesteward.settings import load_settings

    try:
        name = load_settings().log_level.upper()
    except ConfigurationError:
        # The command reads the settings itself and says what is wrong; some, like doctor, go on.
        name = "WARNING"
    level = logging.getLevelNamesMapping().get(name)
    if level is None:
        _say(f"setting log_level: {name!r} is no level; there are DEBUG, INFO, WARNING, ERROR and CRITICAL")
        raise typer.Exit(EXIT_BAD_INPUT)
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True)
    for handler in logging.getLogger().handlers:
        # Some libraries set the level of their own loggers, which a handler without one would follow.
        handler.setLevel(level)
    for library in ("httpx2", "httpcore2", "httpx", "httpcore"):
        # They write the whole address of each request, with a user name and password where it has some.
        logging.getLogger(library).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)
    # What libraries advise their programmers is no news for users.
    logging.getLogger("py.warnings").setLevel(logging.WARNING if level <= logging.INFO else logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            # Values are written as literals: what a stranger wrote cannot steer the terminal.
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _reader_left(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _say(message: str) -> None:
    from rich.text import Text

    from livesteward.cli.output import errors
    from livesteward.cli.plain import plain

    errors.print(Text.assemble(("error ", "bold red"), plain(message)), soft_wrap=True)
