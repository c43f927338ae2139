"""Makes a tiny vision-language model that a real vLLM serves: an architecture of today, random weights, a trained tokenizer.

Usage, with the Python of an environment that has vLLM (it needs torch and transformers, and no network)::

    ~/vllm/bin/python tests/vllm/tiny_model.py OUT_DIR

What it answers is nonsense. It takes pictures, tools and schemas as its big relatives do, and counts tokens as they do, which is what the
tests are about. The same seed gives the same weights.

``OUT_DIR`` becomes the model folder; ``OUT_DIR/lora`` an adapter for it, as PEFT writes them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_261_128
VOCABULARY = 8_192
CONTEXT_TOKENS = 32_768
HIDDEN, LAYERS, HEADS, KEY_VALUE_HEADS = 384, 4, 6, 2
LORA_RANK = 8
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")
BIASES = {
    **dict.fromkeys(('"', '",', '"}', '"]', '"},', '"}}', '"}]'), 7.0),
    **dict.fromkeys(("]", "],", "[]"), 10.0),
    **dict.fromkeys(("{", '{"', "}", "},"), 4.0),
    **dict.fromkeys(("allow", "all", "al", "a"), 3.0),
    **dict.fromkeys(("viol", "vi", "v"), -3.0),
}
"""What is added to the logits of a few tokens; their spread is about 1 otherwise.

Values of JSON soon come to their end, lists at once where they may, and the decision is to allow: an answer that agrees with itself. So a
failure that should make a review is seen where it makes none. The margins are wide: a change of a rule changes vocabulary and weights.
"""
SPACE_BIAS = -9.0
"""Added to the logits of tokens of white space: the grammar of a tool call allows any number of them, and a call has to come to its end."""
WEIGHT_SCALE = 0.06
"""Of the text tower; with less, what is read would hardly change what is answered."""

END, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END, IMAGE, VIDEO = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
SPECIAL = (END, TURN_START, TURN_END, VISION_START, VISION_END, "<|vision_pad|>", IMAGE, VIDEO)

CHAT_TEMPLATE = """\
{%- macro said(content) %}
{%- if content is string %}{{- content }}
{%- elif content %}
{%- for part in content %}
{%- if part.type in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.text is defined %}{{- part.text }}{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}
{%- if tools %}
{{- '<|im_start|>system\\n# Tools\\n' }}
{%- for tool in tools %}{{- tool | tojson ~ '\\n' }}{%- endfor %}
{{- 'To call one, write <tool_call>{"name": ..., "arguments": {...}}</tool_call>.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' ~ said(message.content) ~ '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' ~ message.role ~ '\\n' ~ said(message.content) }}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n' ~ ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) ~ '\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def corpus() -> Iterator[str]:
    """The texts that a judge reads: the rules in all their languages, the prompts, and the example streams."""
    for pattern in ("retrieval/policies/**/*.md", "prompts/*/*.md", "examples/**/*.json*"):
        for path in sorted(ROOT.glob(pattern)):
            yield path.read_text(encoding="utf-8")


def make_tokenizer() -> PreTrainedTokenizerBase:
    """A byte-level BPE: whatever is written in any script has tokens."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(words), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=END,
        model_max_length=CONTEXT_TOKENS,
        chat_template=CHAT_TEMPLATE,
        extra_special_tokens={"image_token": IMAGE, "video_token": VIDEO},
    )


def make_config(tokenizer: PreTrainedTokenizerBase) -> Any:
    """Qwen2.5-VL, small. A picture has one token for each 28 x 28 pixels (patch 14, merged 2 x 2)."""
    from transformers import Qwen2_5_VLConfig

    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": 3 * HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": CONTEXT_TOKENS,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [8, 12, 12]},
        "initializer_range": WEIGHT_SCALE,
        "bos_token_id": None,
        "eos_token_id": ids[TURN_END],
        "pad_token_id": ids[END],
        "tie_word_embeddings": False,
    }
    vision = {
        "depth": 2,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "out_hidden_size": HIDDEN,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids[IMAGE],
        video_token_id=ids[VIDEO],
        vision_start_token_id=ids[VISION_START],
        vision_end_token_id=ids[VISION_END],
        tie_word_embeddings=False,
    )


def answer_briefly(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Make the marks that close a JSON value likely, as in a model that was trained to answer briefly.

    Random weights alone would fill every text of a schema to its longest. The first number of the residual stream is made one that no
    layer writes to and that is the same for all tokens and pictures; what the output layer reads from it is a constant on top of the
    logits of :data:`BIASES` and off those of white space. All else that it reads is random.
    """
    import torch

    language = model.model.language_model
    with torch.no_grad():
        language.embed_tokens.weight[:, 0] = 1.0
        merged = model.model.visual.merger.mlp[2]
        merged.weight[0] = 0.0
        merged.bias[0] = 1.0
        for layer in language.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        model.lm_head.weight.normal_(0.0, HIDDEN**-0.5)
        model.lm_head.weight[:, 0] = 0.0
        # After the normalisation the constant is as large as its share of the stream; measured, since it depends on the depth.
        size = language(input_ids=torch.arange(256, 512)[None]).last_hidden_state[0, :, 0].mean()
        for text, token in tokenizer.get_vocab().items():
            bias = SPACE_BIAS if not tokenizer.decode([token]).strip() else BIASES.get(text, 0.0)
            model.lm_head.weight[token, 0] = bias / size


def write_adapter(out: Path, model: Any) -> None:
    """Write a random low-rank adapter for the attention, in PEFT's format."""
    import torch
    from safetensors.torch import save_file

    weights = {}
    for name, module in model.model.language_model.named_modules():
        if name.endswith(LORA_TARGETS):
            key = f"base_model.model.model.language_model.{name}"
            weights[f"{key}.lora_A.weight"] = torch.randn(LORA_RANK, module.in_features) * 0.1
            weights[f"{key}.lora_B.weight"] = torch.randn(module.out_features, LORA_RANK) * 0.1
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": LORA_RANK,
        "lora_alpha": 2 * LORA_RANK,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(LORA_TARGETS),
        "base_model_name_or_path": "",
    }
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def main(out: Path) -> None:
    """Write the model and its adapter."""
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    torch.manual_seed(SEED)
    tokenizer = make_tokenizer()
    model = Qwen2_5_VLForConditionalGeneration(make_config(tokenizer))
    answer_briefly(model, tokenizer)
    write_adapter(out / "lora", model)
    model.to(torch.bfloat16).save_pretrained(out)
    pixels = {"min_pixels": 56 * 56, "max_pixels": 1_280 * 28 * 28}
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{out}: {count / 1e6:.1f} million parameters, {len(tokenizer)} tokens")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to write")
    main(parser.parse_args().out)
