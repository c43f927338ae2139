"""Stands in for the ``vllm`` command: speaks vLLM's HTTP, loads for a moment, can fail, hang, or refuse to end."""

from __future__ import annotations

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
python_gc_objects_collected_total{generation="0"} 1.0
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        key = os.environ.get("VLLM_API_KEY")
        if self.path == "/v1/models" and key and self.headers.get("Authorization") != f"Bearer {key}":
            self._say(401, "{}")
        elif self.path == "/v1/models":
            self._say(200, json.dumps({"data": [{"id": sys.argv[2]}]}))
        else:
            self._say(200, METRICS if self.path == "/metrics" else "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
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
