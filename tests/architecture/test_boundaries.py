"""What no module does: reach into the insides of a library, read the truth, or the clock and the environment below."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("governance", "feature_repo", "monitoring", "serving", "assets", "orchestration")
MODULES = sorted(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


@pytest.mark.parametrize(
    ("inside", "excepted"),
    # A storage of Dagster's can only be extended where it lies (docs/decisions/0014-events-in-batches.md).
    [("dagster._", {PROJECT / "orchestration" / "event_log.py"}), ("feast.infra._", set())],
)
def test_nobody_imports_the_insides_of_a_library(inside: str, excepted: set[Path]) -> None:
    assert {path for path in MODULES for name in imported_by(path) if name.startswith(inside)} == excepted


def names_of_paths_in(path: Path) -> set[str]:
    """Every part of a text constant that could be a path; docstrings and sentences are none."""
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    texts = (node.value for node in nodes if isinstance(node.value, str) and " " not in node.value)
    return {part for text in texts for part in text.split("/")}


def test_only_the_simulator_and_the_judge_of_models_know_where_the_truth_lies() -> None:
    simulator = PROJECT / "governance" / "marketplaces" / "simulated"
    judges = {
        PROJECT / "governance" / "marketplaces" / "truth.py",
        # A marketplace that would deliver it is refused here.
        PROJECT / "governance" / "marketplaces" / "marketplace.py",
    }
    others = [path for path in MODULES if path not in judges and not path.is_relative_to(simulator)]

    knowing = [str(path.relative_to(PROJECT)) for path in others if "truth" in names_of_paths_in(path)]

    # There it is the name of a column beside the oracle's probability, not of a folder.
    assert set(knowing) <= {"governance/models/skill.py", "governance/marketplaces/honesty.py"}


def reads_of(path: Path) -> set[str]:
    """Reads of the clock and of the environment, as `datetime.now` and `os.environ`."""
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute))
    read = {f"{node.value.id}.{node.attr}" for node in nodes if isinstance(node.value, ast.Name)}
    return read & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "os.environ", "os.getenv"}


def test_only_assets_and_the_command_line_read_the_clock_and_the_environment() -> None:
    below = [
        path for path in MODULES if path.relative_to(PROJECT).parts[0] in ("governance", "monitoring", "feature_repo")
    ]

    assert {str(path): reads_of(path) for path in below if reads_of(path)} == {}
