"""Stands in for the ``vllm`` command: speaks vLLM's HTTP, loads for a moment, can fail, hang, or refuse to end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METRICS = """# HELP vllm:num_requests_running Number of requests.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 2.0
vllm:num_requests_running{engine="1",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:prefix_cache_queries_total{engine="0"} 1e3
vllm:prefix_cache_hits_total{engine="0"} 900.0
vllm:mm_cache_queries_total{engine="0"} 10.0
vllm:mm_cache_hits_total{engine="0"} 5.0
vllm:generation_tokens_total{engine="0"} %d
python_gc_objects_collected_total{generation="0"} 1.0
"""


TOKENS = itertools.count(100, 1_000)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        key = os.environ.get("VLLM_API_KEY")
        if self.path == "/v1/models" and key and self.headers.get("Authorization") != f"Bearer {key}":
            self._say(401, "{}")
        elif self.path == "/v1/models":
            self._say(200, json.dumps({"data": [{"id": sys.argv[2]}]}))
        else:
            self._say(200, METRICS % next(TOKENS) if self.path == "/metrics" else "")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with open(os.environ.get("FAKE_VLLM_ASKED", os.devnull), "a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asked)}\n")
        message = {"role": "assistant", "content": "{"}
        choice = {"index": 0, "finish_reason": "length", "message": message, "logprobs": None}
        self._say(200, json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": asked["model"], "choices": [choice]}))

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


FLAGS = """host HOST|port PORT|served-model-name NAME [NAME ...]|max-model-len N|max-num-seqs N|max-num-queued-reqs N|
enable-prefix-caching|enable-chunked-prefill|max-num-batched-tokens N|performance-mode {balanced,interactivity,throughput}|
speculative-config JSON, -sc JSON|structured-outputs-config JSON|generation-config NAME|enable-prompt-tokens-details|
default-chat-template-kwargs JSON|reasoning-parser NAME|enable-auto-tool-choice|tool-call-parser {hermes,qwen3_coder} or name registered|
language-model-only|limit-mm-per-prompt JSON|mm-processor-cache-gb N|api-server-count N, -asc N|renderer-num-workers N|enable-lora|
lora-modules NAME [NAME ...]|max-loras N|max-lora-rank {1,8,16,32}|gpu-memory-utilization X, --device-memory-utilization X|
tensor-parallel-size N, -tp N|dtype {auto,bfloat16,half}|quantization NAME, -q NAME|kv-cache-dtype {auto,fp8}|enforce-eager|
trust-remote-code|mm-processor-kwargs JSON|tokenizer-mode ['auto', 'mistral']|config-format ['auto', 'mistral']|load-format NAME"""


def help_text() -> str:
    """Flags in the form in which vLLM prints them; FAKE_VLLM_LACKS names one to leave out."""
    lines = ["usage: vllm serve [model_tag] [options]", "", "options:"]
    for entry in FLAGS.replace("\n", "").split("|"):
        if entry.split()[0] == os.environ.get("FAKE_VLLM_LACKS"):
            continue
        both = f", --no-{entry}" if entry.startswith(("enable-", "enforce-", "trust-", "language-")) else ""
        lines += [
            f"  --{entry}{both}",
            "                        What it does, and an example:",
            "                        * --this-is-no-flag 1",
        ]
    lines += [f"  --other-{number} N           Another. (default: None)" for number in range(20)]
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:] == ["serve", "--help=all"]:
        with open(os.environ.get("FAKE_VLLM_ASKED", os.devnull), "a", encoding="utf-8") as asked:
            asked.write("help\n")
        print(help_text())
        return
    if sys.argv[1:] == ["--version"]:
        print("INFO 0.99.0")
        return
    print("loading", sys.argv[2], flush=True)
    mode = os.environ.get("FAKE_VLLM", "")
    if mode == "crash":
        print("ValueError: no such model", flush=True)
        sys.exit(3)
    if mode == "hang":
        time.sleep(600)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(0.3)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
