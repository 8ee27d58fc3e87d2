"""Records the source of every module that determines an output beside the version that it carries.

Run it after raising a `CODE_VERSION`: `python tests/architecture/code_versions.py`.
"""

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent.parent
RECORD = Path(__file__).with_name("code_versions.json")

DETERMINED_BY = {
    "governance/marketplaces/landing.py": (
        "governance/marketplaces/landing.py",
        "governance/marketplaces/source.py",
        "governance/marketplaces/local_time.py",
        "governance/contracts/validation.py",
        "governance/contracts/rules.py",
        "governance/contracts/casting.py",
        "governance/contracts/personal.py",
    ),
    "governance/features/build.py": (
        "governance/features/build.py",
        "governance/features/engine.py",
        "governance/features/events.py",
        "governance/features/expressions.py",
        "governance/features/windows.py",
        "governance/contracts/calendar.py",
    ),
    "governance/labels/statements.py": ("governance/labels/statements.py",),
    "governance/labels/matured.py": ("governance/labels/matured.py", "governance/labels/decisions.py"),
    "governance/models/training_set.py": (
        "governance/models/training_set.py",
        "governance/features/order_context.py",
        "feature_repo/history.py",
        "feature_repo/asof.py",
    ),
    "governance/retraining.py": (
        "governance/models/training.py",
        "governance/models/calibration.py",
        "governance/models/fitting.py",
        "governance/models/split.py",
        "governance/models/thresholds.py",
        "governance/models/artifact.py",
    ),
    "governance/models/scores.py": ("governance/models/scores.py",),
    "monitoring/weekly.py": (
        "monitoring/weekly.py",
        "monitoring/drift.py",
        "monitoring/joint.py",
        "monitoring/judging.py",
        "monitoring/profiles.py",
        "monitoring/proportions.py",
        "monitoring/statistics.py",
    ),
}
"""For each module with a CODE_VERSION, the modules whose change calls for another one."""


def version_of(module: str) -> str:
    """The CODE_VERSION that a module carries."""
    for node in ast.parse((PROJECT / module).read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "CODE_VERSION":
            return str(ast.literal_eval(node.value))
    raise LookupError(f"{module} carries no CODE_VERSION")


def source_digest(modules: tuple[str, ...]) -> str:
    """SHA-256 of what modules say, the same in every Python; comments, docstrings and layout do not count."""
    said = [_said(ast.parse((PROJECT / module).read_text())) for module in modules]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _said(node: Any) -> Any:
    """A syntax tree as nested lists without empty fields: newer Pythons add some, and `ast.dump` writes them."""
    if isinstance(node, ast.AST):
        fields = {name: _said(value) for name, value in ast.iter_fields(node)}
        return [type(node).__name__, {name: value for name, value in fields.items() if value not in (None, [])}]
    if isinstance(node, list):
        return [_said(each) for each in node if not _is_text(each)]
    return node if node is None else repr(node)


def current() -> dict[str, dict[str, str]]:
    """Version and source of every module that carries a version."""
    return {
        module: {"version": version_of(module), "source": source_digest(modules)}
        for module, modules in DETERMINED_BY.items()
    }


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


if __name__ == "__main__":
    RECORD.write_text(json.dumps(current(), indent=2) + "\n")
