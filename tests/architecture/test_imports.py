"""What may import what, and what stays out of a process until it is needed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
HEAVY = ("feast", "evidently", "lightgbm", "sklearn", "pandas")


def loaded_after(code: str, *, root: Path, names: tuple[str, ...] = HEAVY) -> str:
    """Which of `names` a fresh interpreter has loaded after running `code`, and what it said if it failed."""
    report = f"import sys\n{code}\nprint('LOADED', *[name for name in {names!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", report],
        env=os.environ | {"GOVERNANCE_ROOT": str(root), "MARKETPLACE": "simulated"},
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    [
        "from orchestration.definitions import defs\ndefs()",
        "import orchestration.plan, orchestration.status, orchestration.show",
        "import monitoring.weekly, monitoring.drift, monitoring.evidently_pages",
        "import governance.retraining, governance.workspace, governance.marketplaces.landing",
        "import feature_repo.store, feature_repo.history, feature_repo.online",
    ],
    ids=["definitions", "plan and status", "monitoring", "governance", "feature repository"],
)
def test_importing_loads_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert loaded_after(code, root=tmp_path) == "LOADED"


def test_the_status_is_printed_without_anything_heavy(tmp_path: Path) -> None:
    code = (
        "sys.argv = ['govern', 'status', '--json']\n"
        "from orchestration.govern import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 3, end.code"
    )
    assert loaded_after(code, root=tmp_path, names=(*HEAVY, "dagster", "scipy", "ibis")) == "LOADED"


def test_a_run_that_finds_nothing_stale_loads_nothing_heavy(settled: Path) -> None:
    bazaar, source = settled / "bazaar", json.loads((settled / "var" / "bazaar" / "source.json").read_text())["source"]
    status = (settled / "status.txt").read_text()
    code = (
        f"sys.argv = ['govern', 'run', '--weeks', '1', '--marketplace', {str(bazaar)!r}, '--source', {source!r}]\n"
        "from orchestration.govern import main\n"
        f"try:\n    main()\nexcept SystemExit as end:\n    assert end.code == {status}, end.code"
    )
    loaded = loaded_after(code, root=settled / "var", names=(*HEAVY, "dagster", "scipy", "ibis"))
    assert loaded == "LOADED"


def test_imports_run_one_way() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["governance.models.candidate", "governance.features.build", "assets.models"])
def test_an_import_of_the_truth_breaks_the_contract(module: str, tmp_path: Path) -> None:
    packages = ("governance", "feature_repo", "monitoring", "serving", "assets", "orchestration")
    for package in packages:
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    guilty = tmp_path / f"{module.replace('.', '/')}.py"
    guilty.write_text(f"from governance.marketplaces.truth import read_truth\n{guilty.read_text()}")
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [program, "--no-cache"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{module} -> governance.marketplaces.truth" in done.stdout


def test_nothing_is_pickled() -> None:
    packages = ("governance", "feature_repo", "monitoring", "serving", "assets", "orchestration")
    files = [file for package in packages for file in (PROJECT / package).rglob("*.py")]
    guilty = [str(file) for file in files if "import pickle" in file.read_text() or "joblib" in file.read_text()]
    assert files
    assert guilty == []
