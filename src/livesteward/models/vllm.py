"""How a model is served with vLLM: the command line with its reasons, whether it fits, and what to know beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from livesteward.errors import InputError
from livesteward.models.family_name import family_name
from livesteward.models.gpus import Hardware
from livesteward.models.memory_fit import MemoryFit, memory_fit, what_to_do
from livesteward.models.model_size import ModelSize, model_size
from livesteward.models.profiles.registry import AUTO, profile_for
from livesteward.models.serve_flags import ServeFlag, serve_flags
from livesteward.models.serve_options import Purpose, Quantization, ServeOptions, local_or_hub
from livesteward.models.vllm_families import family_of

__all__ = ["CPU_CACHE_GB", "INSTALL_VLLM", "ServeOptions", "ServePlan", "serve_command", "serve_plan"]

INSTALL_VLLM: Final = (
    "vLLM goes into an environment of its own: python -m venv ~/vllm && ~/vllm/bin/pip install vllm (NVIDIA GPUs), "
    "then --vllm ~/vllm/bin/vllm or LIVESTEWARD_ENGINE__VLLM=~/vllm/bin/vllm"
)
"""What to do where the ``vllm`` command is missing."""

CPU_CACHE_GB: Final = 2
"""For keys and values where a processor serves; vLLM reads it from ``VLLM_CPU_KVCACHE_SPACE``."""


@dataclass(frozen=True, kw_only=True)
class ServePlan:
    """How a model is to be served.

    Attributes:
        model: A folder, or a name where vLLM may use a hub.
        options: As asked for, with what the model made of them.
        family: A name that tells its family, as far as that is known.
        flags: Of ``vllm serve``.
        environment: Variables for it.
        size: What is known of the model's size.
        memory: Where the memory goes; ``None`` where size or GPU is unknown.
        remedies: What to do where it does not fit.
        notes: What else to know.
    """

    model: str
    options: ServeOptions
    family: str
    flags: tuple[ServeFlag, ...]
    environment: dict[str, str]
    size: ModelSize
    memory: MemoryFit | None
    remedies: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against it."""
        return self.memory is None or self.memory.fits

    @property
    def served_name(self) -> str:
        """What ``model.name`` has to be: the first adapter's name, else the model's."""
        return self.options.adapters[0].name if self.options.adapters else self.options.name or self.model

    @property
    def profile(self) -> str:
        """What ``model.profile`` has to be: what was said, else the family's where the name that is served does not tell it."""
        if self.options.profile != AUTO:
            return self.options.profile
        profile = profile_for(AUTO, self.family)
        return AUTO if profile_for(AUTO, self.served_name) is profile else profile.name

    def command(self, *, vllm: str = "vllm") -> list[str]:
        """Return the arguments.

        The API key is not among them, since everyone on a machine can read command lines: vLLM takes it from ``VLLM_API_KEY``.
        """
        return [vllm, "serve", self.model, *(word for flag in self.flags for word in flag.words)]


def serve_plan(model: str, options: ServeOptions | None = None) -> ServePlan:
    """Work out how ``model`` is served: a folder, or a name where vLLM may use a hub. Nothing is started or downloaded.

    Raises:
        ConfigurationError: If it is a folder whose ``config.json`` cannot be read, or there is no such profile.
        InputError: If a path leads nowhere, the attention heads do not divide by the number of GPUs, or it is only computed in formats that
            the GPU lacks.
    """
    options = options or ServeOptions()
    model = local_or_hub(model, field="MODEL")
    size, known_as = model_size(model), family_name(model, options.profile)
    family, profile = family_of(known_as), profile_for(options.profile, known_as)
    notes: list[str] = [family.note] if family.note else []
    if known_as != model and options.profile == AUTO:
        notes.append(
            f"Its config.json says that it is {profile_for(AUTO, known_as).models}; where that is not all, as with a variant that "
            "always thinks, set LIVESTEWARD_MODEL__PROFILE."
        )
    changed: dict[str, Any] = {}
    if options.images and not profile.takes_images:
        changed["images"] = 0
        notes.append("This family reads text only: set LIVESTEWARD_MODEL__ACCEPTS_IMAGES=false where livesteward runs.")
    longest = size.context_tokens or family.context_tokens
    if longest and longest < options.context_tokens:
        changed["context_tokens"] = longest
        notes.append(f"The model was made for {longest:,} tokens, so the context is that and not {options.context_tokens:,}.")
    options = _replaced(options, changed)
    if size.heads and size.heads % options.gpus:
        raise InputError(f"{options.gpus} GPUs do not divide the {size.heads} attention heads of {model}", field="--gpu")
    float32 = options.lacks_bfloat16 and not family.float16
    if float32:
        _check_float32(model, size, options)
        size = size.in_float32()
    fp8, fp8_cache = _quantized(size, options)
    memory = _fit(size, options, fp8=fp8, fp8_cache=fp8_cache)
    notes += _notes(size, options, memory)
    return ServePlan(
        model=model,
        options=options,
        family=known_as,
        flags=serve_flags(options, family, profile, fp8=fp8, fp8_cache=fp8_cache),
        environment={"VLLM_CPU_KVCACHE_SPACE": str(CPU_CACHE_GB)} if options.cpu else {},
        size=size,
        memory=memory,
        remedies=()
        if memory is None or memory.fits or options.hardware is None
        else what_to_do(size, options.hardware, context_tokens=options.context_tokens, fp8_weights=fp8, float32=float32),
        notes=tuple(notes),
    )


def serve_command(model: str, options: ServeOptions | None = None, *, vllm: str = "vllm") -> list[str]:
    """Return the arguments that serve ``model``; see :meth:`ServePlan.command`."""
    return serve_plan(model, options).command(vllm=vllm)


def _replaced(options: ServeOptions, changed: dict[str, Any]) -> ServeOptions:
    return ServeOptions(**(vars(options) | changed))


def _fit(size: ModelSize, options: ServeOptions, *, fp8: bool = False, fp8_cache: bool = False) -> MemoryFit | None:
    if options.hardware is None:
        return None
    return memory_fit(size, options.hardware, context_tokens=options.context_tokens, fp8_weights=fp8, fp8_cache=fp8_cache)


def _check_float32(model: str, size: ModelSize, options: ServeOptions) -> None:
    if size.quantized or options.adapters:
        what = f"weights in {size.quantized}" if size.quantized else "adapters"
        raise InputError(
            f"{options.hardware} has no bfloat16, vLLM does not compute {model} in float16, and its kernels for {what} want 16 bits; "
            "take a GPU with bfloat16 (L4, A10) or another model",
            field="--gpu",
        )


def _quantized(size: ModelSize, options: ServeOptions) -> tuple[bool, bool]:
    """Return whether weights, and keys and values, are held in FP8."""
    gpu = options.hardware.gpu if options.hardware else None
    if options.quantization is Quantization.NONE or (options.quantization is Quantization.AUTO and not (gpu and gpu.fp8)):
        return False, False
    if options.quantization is Quantization.FP8 and gpu and not gpu.fp8:
        raise InputError(
            f"{gpu.name} (compute capability {gpu.capability}) does not compute in FP8; take a 4-bit checkpoint", field="--quantization"
        )
    plain = _fit(size, options)
    short = plain is not None and not plain.fits
    weights = not size.quantized and (options.quantization is Quantization.FP8 or options.purpose is Purpose.THROUGHPUT or short)
    fit = _fit(size, options, fp8=weights)
    # Half the room for each token is worth something only where room is short.
    scarce = fit is not None and fit.tokens is not None and fit.tokens < options.concurrency * options.context_tokens
    return weights, bool(gpu and gpu.fp8 and scarce and options.purpose is Purpose.THROUGHPUT)


def _notes(size: ModelSize, options: ServeOptions, memory: MemoryFit | None) -> list[str]:
    notes = []
    hardware = options.hardware
    if hardware is None:
        notes.append("Name the GPUs (--gpu h100:1) to have it said whether the model fits, and flags that suit them.")
    elif hardware.gpu is not None and size.weights_gb is None:
        notes.append("How large the model is cannot be told from its name; whether it fits is unknown. A local folder is measured.")
    if memory and memory.fits and hardware and hardware.gpu and hardware.count > 1:
        single = memory_fit(size, Hardware(hardware.gpu), context_tokens=options.context_tokens)
        if single and single.fits:
            notes.append(
                f"It fits one GPU: {hardware.count} servers of one GPU each (model.endpoints) judge more segments, "
                f"one over {hardware.count} answers each of them sooner."
            )
    if memory and memory.requests is not None and memory.fits and memory.requests < options.concurrency:
        notes.append(
            f"There is room for {memory.requests} full requests of the {options.concurrency} at once. What they share is held once, "
            "so more may fit; see the cache in 'engine status'."
        )
    gpu = hardware.gpu if hardware else None
    if gpu and not gpu.fp8 and size.quantized in {"fp8", "8 bits"}:
        notes.append(f"{gpu.name} reads 8-bit weights and computes in 16 bits: that saves memory, not time.")
    return notes
