"""``livesteward engine``: the vLLM server beside livesteward: its command line, start, stop, status."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.output import EXIT_FOUND, console, errors, print_json

if TYPE_CHECKING:
    from livesteward.models.vllm import ServeOptions
    from livesteward.models.vllm_process import VllmServer
    from livesteward.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Serve the judge with vLLM: the command line, start, stop and status.")

Model = Annotated[str, typer.Argument(help="A folder with a model, or its name where vLLM may use a hub.")]
Host = Annotated[str, typer.Option(help="The address it listens at.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port it listens at.")]
Gpus = Annotated[int, typer.Option(min=1, max=64, help="Over how many GPUs the model is split.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="For a machine without a GPU, with a CPU build of vLLM.")]
Vllm = Annotated[str | None, typer.Option(help="The vllm command; without it engine.vllm of the settings.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def command(
    model: Model,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8_000,
    gpus: Gpus = 1,
    cpu: Cpu = False,
    vllm: Vllm = None,
    as_json: Json = False,
) -> None:
    """Print the 'vllm serve' line for a model, and why each flag is there.

    Example: livesteward engine command Qwen/Qwen3-VL-8B-Instruct --gpus 2
    """
    from livesteward.models.vllm import serve_command, serve_flags
    from livesteward.settings import load_settings

    settings = load_settings()
    options = _options(settings, host=host, port=port, gpus=gpus, cpu=cpu)
    line = serve_command(model, options, vllm=vllm or settings.engine.vllm)
    if as_json:
        flags = [{"name": flag.name, "value": flag.value, "why": flag.why} for flag in serve_flags(options)]
        print_json({"command": line, "base_url": options.base_url, "flags": flags})
        return
    console.print(shlex.join(line), markup=False, soft_wrap=True)
    from rich.table import Table

    table = Table("flag", "why", show_edge=False, pad_edge=False)
    for flag in serve_flags(options):
        table.add_row(f"{flag.name} {flag.value}".strip(), flag.why)
    errors.print(table)
    errors.print(f"then: export LIVESTEWARD_MODEL__BASE_URL={options.base_url}", markup=False)


@app.command()
def start(
    model: Model,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8_000,
    gpus: Gpus = 1,
    cpu: Cpu = False,
    vllm: Vllm = None,
    wait: Annotated[float, typer.Option(min=1, help="Seconds that loading may take.")] = 600.0,
    as_json: Json = False,
) -> None:
    """Start vLLM in the background and wait until it answers.

    Example: livesteward engine start ./models/judge --vllm ~/vllm/bin/vllm
    """
    from livesteward.models.vllm import serve_command
    from livesteward.settings import load_settings

    settings = load_settings()
    options = _options(settings, host=host, port=port, gpus=gpus, cpu=cpu)
    line = serve_command(model, options, vllm=vllm or settings.engine.vllm)
    server = _server(settings)
    with errors.status(f"starting vLLM; its output is in {server.log}") as shown:
        record = server.start(
            line,
            base_url=options.base_url,
            model=model,
            api_key=_key(settings),
            environment={"VLLM_CPU_KVCACHE_SPACE": "2"} if cpu else None,
            timeout_s=wait,
            progress=lambda waited, last: shown.update(f"{waited:.0f} s  {_escaped(last[:100])}"),
        )
    if as_json:
        print_json(record)
        return
    console.print(f"vLLM serves {_escaped(model)} at {record.base_url} (process {record.pid})")
    console.print(f"use it with: export LIVESTEWARD_MODEL__BASE_URL={record.base_url}", markup=False)


@app.command()
def stop(*, as_json: Json = False) -> None:
    """Stop the vLLM that 'engine start' started.

    Example: livesteward engine stop
    """
    from livesteward.settings import load_settings

    stopped = _server(load_settings()).stop()
    if as_json:
        print_json({"stopped": stopped})
        return
    console.print("vLLM is stopped" if stopped else "no vLLM was running")


@app.command()
def status(*, as_json: Json = False) -> None:
    """Say whether the server answers, what it serves, and how busy it is. Exits with 1 if it does not answer.

    It looks at the server of model.base_url, else at the one that 'engine start' started.

    Example: livesteward engine status --json
    """
    from livesteward.settings import load_settings

    settings = load_settings()
    found = _server(settings).status(base_url=settings.model.base_url, api_key=_key(settings))
    if as_json:
        print_json(found)
    elif not found.healthy:
        errors.print(f"{found.base_url}: {found.detail}" if found.base_url else found.detail, markup=False, soft_wrap=True)
    else:
        process = f" (process {found.pid})" if found.pid else ""
        console.print(f"{found.base_url}{process} serves {', '.join(found.models) or 'nothing'}", markup=False)
        for name, value in found.metrics.items():
            console.print(f"  {name.replace('_', ' ')}: {value:g}", markup=False)
    if not found.healthy:
        raise typer.Exit(EXIT_FOUND)


def _server(settings: Settings) -> VllmServer:
    from livesteward.models.vllm_process import VllmServer

    return VllmServer(settings.cache_dir / "vllm")


def _options(settings: Settings, *, host: str, port: int, gpus: int, cpu: bool) -> ServeOptions:
    from livesteward.models.vllm import ServeOptions

    return ServeOptions.from_settings(settings.model, host=host, port=port, gpus=gpus, cpu=cpu)


def _key(settings: Settings) -> str:
    key = settings.model.api_key.get_secret_value()
    return "" if key == "none" else key


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
