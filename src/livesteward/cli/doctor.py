"""``livesteward doctor``: what is installed and set, whether it works, and what to do where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.output import EXIT_BAD_INPUT, EXIT_FOUND, console, errors, print_json
from livesteward.cli.plain import plain

if TYPE_CHECKING:
    from livesteward.cli.doctor_report import Check

_SHOWN = {
    "fine": "[green]fine[/]",
    "absent": "[dim]absent[/]",
    "mend": "[yellow]mend[/]",
    "broken": "[bold red]broken[/]",
}


def command(
    *,
    graph: Annotated[bool, typer.Option("--graph", help="Print the agent's graph as Mermaid text instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the installation and the settings, and say what to do.

    Optional parts that are absent are no fault. Exits with 1 if something should be mended and with 2 if livesteward cannot run.

    Example: livesteward doctor
    """
    if graph:
        from livesteward.sdk import describe_graph
        from livesteward.settings import load_settings

        text = describe_graph(human_review=load_settings().human_review)
        if as_json:
            print_json({"mermaid": text})
        else:
            console.print(text, markup=False, soft_wrap=True)
        return
    from livesteward.cli.doctor_checks import examine

    with errors.status("looking ..."):
        report = examine()
    if as_json:
        print_json(report)
    else:
        _print(report.version, report.checks)
        errors.print(report.summary, markup=False, soft_wrap=True)
    if report.state == "broken":
        raise typer.Exit(EXIT_BAD_INPUT)
    if report.state == "mend":
        raise typer.Exit(EXIT_FOUND)


def _print(version: str, checks: tuple[Check, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", f"livesteward {version}", "found", show_edge=False, pad_edge=False)
    table.columns[1].no_wrap = True
    for check in checks:
        found = Text(plain(check.detail))
        if check.until_then:
            found.append(f"\nuntil that is mended, {plain(check.until_then)}", style="yellow")
        if check.remedy:
            found.append(f"\n-> {plain(check.remedy)}", style="cyan")
        table.add_row(_SHOWN[check.state], check.name, found)
    console.print(table)
