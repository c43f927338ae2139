"""Install the wheel with plain pip into a new environment, as a user would, and moderate an example with it.

It runs outside the repository and with none of its settings, so that nothing but the wheel can make it work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "segments"
EXPECTED = {"cooking.json": ("allow",), "scam.json": ("violation", "review")}
"""What the embedded judge may say of an example. How sure it is, is for the tests and the evaluation to hold; the opposite fails here."""


def main() -> int:
    """Install, look, moderate, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder with the wheel")
    (wheel,) = parser.parse_args().folder.resolve().glob("*.whl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        started = time.monotonic()
        python = folder / "venv" / "bin" / "python"
        _run([str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", str(wheel)], folder, timeout_s=1_800)
        print(f"installed {wheel.name} with plain pip in {time.monotonic() - started:.0f} s")
        command = str(folder / "venv" / "bin" / "livesteward")
        report = json.loads(_run([command, "doctor", "--json"], folder))
        faults = [f"{check['name']}: {check['detail']}" for check in report["checks"] if check["state"] in ("mend", "broken")]
        if faults:
            return _failed("livesteward doctor found " + "; ".join(faults))
        print(f"livesteward {report['version']}: {len(report['checks'])} checks, nothing to mend")
        for example, accepted in EXPECTED.items():
            started = time.monotonic()
            # 1 says that something was found, which is what is wanted of some examples.
            verdict = json.loads(_run([command, "moderate", str(EXAMPLES / example), "--json"], folder, accepted=(0, 1)))
            if verdict["decision"] not in accepted:
                return _failed(
                    f"{example} should be {' or '.join(accepted)} and is {verdict['decision']}: {json.dumps(verdict['review_reasons'])}"
                )
            print(f"{example}: {verdict['decision']}, in {time.monotonic() - started:.0f} s")
    return 0


def _run(line: list[str], folder: Path, *, accepted: tuple[int, ...] = (0,), timeout_s: float = 600) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LIVESTEWARD_", "PYTHON", "VIRTUAL_ENV"))}
    environment["LIVESTEWARD_CACHE_DIR"] = str(folder / "cache")
    done = subprocess.run(line, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=timeout_s, check=False)
    if done.returncode not in accepted:
        raise SystemExit(_failed(f"{' '.join(line)} left with {done.returncode}\n{done.stdout}"))
    return done.stdout


def _failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
