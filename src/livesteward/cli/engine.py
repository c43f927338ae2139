"""``livesteward engine``: the vLLM server beside livesteward: its command line, start, warming, status, stop."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.cli.output import EXIT_FOUND, console, errors, print_json
from livesteward.errors import ConfigurationError, InputError
from livesteward.models.serve_options import Purpose, Quantization

if TYPE_CHECKING:
    from livesteward.agents.judges.warming import Warmed
    from livesteward.models.vllm import ServePlan
    from livesteward.models.vllm_process import VllmServer
    from livesteward.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Serve the judge with vLLM: the command line, start, warming, status and stop.")

Model = Annotated[str, typer.Argument(help="A folder with a model, or its name where vLLM may use a hub.")]
Host = Annotated[str, typer.Option(help="The address it listens at.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port it listens at.")]
GpuOption = Annotated[str | None, typer.Option("--gpu", help="The GPUs: h100, a100-80:2, l4; or cpu, with a CPU build of vLLM.")]
Profile = Annotated[Purpose, typer.Option("--profile", help="What to tune for: many streams on a GPU, or each verdict soon.")]
Name = Annotated[str | None, typer.Option(help="Under which it is asked for; without it model.name.")]
Context = Annotated[int | None, typer.Option(min=512, help="Tokens of prompt and answer; without it model.context_tokens.")]
AtOnce = Annotated[int | None, typer.Option(min=1, help="Requests at once; without it model.concurrency, else what suits the GPU.")]
Lora = Annotated[list[str] | None, typer.Option("--lora", metavar="NAME=PATH", help="A LoRA adapter beside it; repeat for several.")]
Quantize = Annotated[Quantization, typer.Option("--quantization", help="Whether 16-bit weights are turned into FP8.")]
Vllm = Annotated[str | None, typer.Option(help="The vllm command; without it engine.vllm of the settings.")]
Region = Annotated[
    list[str] | None,
    typer.Option("--region", "-r", help="Regions whose rules are read beforehand, SG, or SG+DE for both together; without it engine.warm."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def command(
    model: Model,
    *,
    gpu: GpuOption = None,
    profile: Profile = Purpose.THROUGHPUT,
    host: Host = "127.0.0.1",
    port: Port = 8_000,
    name: Name = None,
    context_tokens: Context = None,
    concurrency: AtOnce = None,
    quantization: Quantize = Quantization.AUTO,
    lora: Lora = None,
    vllm: Vllm = None,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check", help="Hold the flags against the installed vLLM; without either, where there is one.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the 'vllm serve' line for a model, why each flag is there, and whether it fits. Exits with 1 if it will not.

    Example: livesteward engine command Qwen/Qwen3-VL-8B-Instruct --gpu h100:1 --profile latency
    """
    from livesteward.cli.engine_views import exports, plan_json, print_plan
    from livesteward.settings import load_settings

    settings = load_settings()
    given = {"host": host, "port": port, "name": name, "context_tokens": context_tokens, "concurrency": concurrency}
    plan = _plan(settings, model, gpu=gpu, purpose=profile, lora=lora, quantization=quantization, **given)
    program = vllm or settings.engine.vllm
    version = _checked(settings, plan, program, check=check)
    if as_json:
        print_json(plan_json(plan, vllm=program, settings=exports(plan, settings), checked=version))
    else:
        variables = " ".join(f"{key}={value}" for key, value in plan.environment.items())
        console.print(f"{variables} {shlex.join(plan.command(vllm=program))}".strip(), markup=False, soft_wrap=True)
        print_plan(plan, settings=exports(plan, settings), checked=version)
    if not plan.fits:
        raise typer.Exit(EXIT_FOUND)


@app.command()
def start(
    model: Model,
    *,
    gpu: GpuOption = None,
    profile: Profile = Purpose.THROUGHPUT,
    host: Host = "127.0.0.1",
    port: Port = 8_000,
    name: Name = None,
    context_tokens: Context = None,
    concurrency: AtOnce = None,
    quantization: Quantize = Quantization.AUTO,
    lora: Lora = None,
    region: Region = None,
    vllm: Vllm = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Hold the flags against the installed vLLM first.")] = True,
    wait: Annotated[float, typer.Option(min=1, help="Seconds that loading may take.")] = 600.0,
    as_json: Json = False,
) -> None:
    """Start vLLM in the background, wait until it answers, and have it read the rules of --region.

    It prints the lines to paste, with which livesteward asks for what is served.

    Example: livesteward engine start ./models/judge --gpu l4 --region SG --vllm ~/vllm/bin/vllm
    """
    from livesteward.cli.engine_views import export_lines, exports, print_memory, settings_of
    from livesteward.settings import load_settings

    settings = load_settings()
    given = {"host": host, "port": port, "name": name, "context_tokens": context_tokens, "concurrency": concurrency}
    plan = _plan(settings, model, gpu=gpu, purpose=profile, lora=lora, quantization=quantization, **given)
    program = vllm or settings.engine.vllm
    if check:
        _checked(settings, plan, program, check=True)
    asked = settings_of(plan, settings)
    here = {"model": asked["model"] | {"endpoints": (), "fallbacks": ()}, "retrieval": asked["retrieval"]}
    served = settings.model_copy(update={name: getattr(settings, name).model_copy(update=values) for name, values in here.items()})
    regions = region or list(settings.engine.warm)
    # Before minutes of loading, since a mistyped region would be found only after them.
    _can_warm(served, regions)
    if not plan.fits:
        # An estimate does not forbid: vLLM measures, and says the same where it is right.
        print_memory(plan)
    server = _server(settings)
    with errors.status(f"starting vLLM; its output is in {server.log}") as shown:
        record = server.start(
            plan.command(vllm=program),
            base_url=plan.options.base_url,
            model=model,
            api_key=_key(settings),
            environment=plan.environment,
            timeout_s=wait,
            progress=lambda waited, last: shown.update(f"{waited:.0f} s  {_escaped(last[:100])}"),
        )
    warmed = _warm(served, regions)
    variables = exports(plan, settings)
    if as_json:
        print_json({**record.model_dump(mode="json"), "settings": variables, "warmed": [one.model_dump(mode="json") for one in warmed]})
        return
    errors.print(f"vLLM serves {model} at {record.base_url} (process {record.pid}); ask it with:", markup=False, soft_wrap=True)
    for line in export_lines(variables):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def warm(
    *,
    region: Region = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one prefix may take on one server.")] = 300.0,
    as_json: Json = False,
) -> None:
    """Have every server read the rules of regions beforehand, as they stand at the beginning of prompts. Exits with 1 if one could not.

    Example: livesteward engine warm --region SG --region DE
    """
    from livesteward.settings import load_settings

    settings = load_settings()
    if not settings.model.urls:
        raise ConfigurationError("there is no server to warm: set model.base_url (LIVESTEWARD_MODEL__BASE_URL)")
    regions = region or list(settings.engine.warm)
    if not regions:
        raise InputError("name the regions whose rules are to be read, or set engine.warm", field="--region")
    warmed = _warm(settings, regions, timeout_s=timeout)
    if as_json:
        print_json([one.model_dump(mode="json") for one in warmed])
    if any(one.problem for one in warmed):
        raise typer.Exit(EXIT_FOUND)


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
def status(
    *,
    window: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds between two looks, to say how many tokens a second; 0 for one look.")
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Say of every server whether it answers, what it serves, and how busy it is. Exits with 1 if one does not answer.

    It looks at model.base_url, model.endpoints and the fallbacks; without any of them, at the server that 'engine start' started.

    Example: livesteward engine status --json
    """
    from concurrent.futures import ThreadPoolExecutor

    from livesteward.cli.engine_views import print_status
    from livesteward.settings import load_settings

    settings = load_settings()
    server = _server(settings)
    fallbacks = [(one.base_url, one.api_key.get_secret_value()) for one in settings.model.fallbacks]
    asked: list[tuple[str | None, str]] = [*((url, _key(settings)) for url in settings.model.urls), *fallbacks] or [(None, _key(settings))]
    with ThreadPoolExecutor(max_workers=min(16, len(asked))) as looking:
        found = list(
            looking.map(lambda one: server.status(base_url=one[0], api_key="" if one[1] == "none" else one[1], window_s=window), asked)
        )
    healthy = all(one.healthy for one in found)
    if as_json:
        print_json({"healthy": healthy, "servers": [one.model_dump(mode="json") for one in found]})
    else:
        print_status(found)
    if not healthy:
        raise typer.Exit(EXIT_FOUND)


def _plan(settings: Settings, model: str, *, gpu: str | None, purpose: Purpose, lora: list[str] | None, **given: Any) -> ServePlan:
    from livesteward.models.gpus import parse_hardware
    from livesteward.models.serve_options import Adapter, ServeOptions
    from livesteward.models.vllm import serve_plan

    more = {name: value for name, value in given.items() if value is not None}
    options = ServeOptions.from_settings(
        settings.model,
        hardware=parse_hardware(gpu) if gpu else None,
        purpose=purpose,
        adapters=tuple(Adapter.parse(text) for text in lora or ()),
        **more,
    )
    return serve_plan(model, options)


def _checked(settings: Settings, plan: ServePlan, program: str, *, check: bool | None) -> str | None:
    """Return the version of the vLLM that knows all flags, or ``None`` where they were not looked up."""
    from livesteward.models.vllm_flags import find_program, known_flags

    if check is False or (check is None and find_program(program) is None):
        return None
    with errors.status("asking vLLM for its flags; that takes half a minute the first time"):
        known = known_flags(program, settings.cache_dir / "vllm")
    problems = known.problems(plan.command()[3:])
    if problems:
        raise ConfigurationError(f"{'; '.join(problems)}. Take another version of vLLM, or leave it to the server with --no-check")
    return known.version


def _can_warm(settings: Settings, regions: list[str]) -> None:
    import asyncio
    from datetime import UTC, datetime

    from livesteward.agents.judges.warming import beginning_requests, parse_regions

    if regions:
        asyncio.run(beginning_requests(settings, list(parse_regions(regions)), datetime.now(UTC).date()))


def _warm(settings: Settings, regions: list[str], *, timeout_s: float = 300.0) -> tuple[Warmed, ...]:
    import asyncio
    from datetime import UTC, datetime

    from livesteward.agents.judges.warming import parse_regions, warm

    def told(one: Warmed) -> None:
        what = f"{'+'.join(one.regions)} at {one.endpoint}"
        read = f"about {one.tokens:,} tokens of rules" if one.tokens else "the method (the rules take more than retrieval.rulebook_tokens)"
        said = f"{what}: could not be read: {one.problem}" if one.problem else f"{what}: {read} read in {one.seconds:.2f} s"
        errors.print(said, markup=False, soft_wrap=True)

    if not regions:
        return ()
    done = asyncio.run(warm(settings, list(parse_regions(regions)), on=datetime.now(UTC).date(), timeout_s=timeout_s, progress=told))
    if any(not one.tokens and not one.problem for one in done):
        errors.print(
            "Segments share no more than the method then. To have the rules there too, raise LIVESTEWARD_RETRIEVAL__RULEBOOK_TOKENS and "
            "LIVESTEWARD_MODEL__CONTEXT_TOKENS before the server starts; 'livesteward prompts budget --region REGION' says how far.",
            markup=False,
            soft_wrap=True,
        )
    return done


def _server(settings: Settings) -> VllmServer:
    from livesteward.models.vllm_process import VllmServer

    return VllmServer(settings.cache_dir / "vllm")


def _key(settings: Settings) -> str:
    key = settings.model.api_key.get_secret_value()
    return "" if key == "none" else key


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
