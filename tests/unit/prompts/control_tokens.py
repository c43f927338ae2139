"""Control tokens of chat templates, as tokenizers of the families know them."""

from __future__ import annotations

CONTROL_TOKENS = (
    # ChatML and Qwen with its pictures, Llama, Phi, gpt-oss, DeepSeek, Kimi, GLM, ERNIE, Seed, Hunyuan.
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|object_ref_start|>"),
    *("<|eot_id|>", "<|start_header_id|>", "<|image|>", "<|image_1|>", "<|start|>", "<|channel|>", "<|message|>", "<|return|>"),
    *("<｜User｜>", "<｜begin▁of▁sentence｜>", "<|media_pad|>", "<sop>", "[gMASK]", "<|image@placeholder|>", "<seed:bos>", "<|hy_User|>"),
    # Gemma, PaliGemma, Mistral and Pixtral, Llama 2, InternVL, LLaVA, SmolVLM, MiniCPM, EXAONE, MiniMax, T5, BERT.
    *("<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<pad>", "<start_of_image>", "<|channel>", '<|"|>', "<unused0>", "<loc0001>"),
    *("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[TOOL_CALLS]"),
    *("<img>", "</img>", "<IMG_CONTEXT>", "<image>", "<fake_token_around_image>", "<row_1_col_1>", "<global-img>", "<用户>", "<[eos]>"),
    *("[|system|]", "[|endofturn|]", "]~!b[", "]~b]", "[e~[", "<extra_id_0>", "[CLS]", "[SEP]", "[UNUSED_TOKEN_146]"),
    # Thoughts, calls of tools, filling in.
    *("<think>", "</think>", "[THINK]", "<tool_call>", "</tool_call>", "<tool_response>", "<minimax:tool_call>", "<fim_prefix>"),
)
