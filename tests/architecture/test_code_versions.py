"""A module that determines an output does not change without its version: a stale partition would pass for fresh."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("code_versions", HERE / "code_versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECORDER = load()


@pytest.mark.parametrize("module", RECORDER.DETERMINED_BY)
def test_the_source_has_not_changed_without_its_code_version(module: str) -> None:
    recorded, now = json.loads(RECORDER.RECORD.read_text())[module], RECORDER.current()[module]
    changed = recorded["source"] != now["source"]
    assert not (changed and recorded["version"] == now["version"]), (
        f"what {module} stands for has changed but its CODE_VERSION is still {now['version']}: raise it if other "
        "values come from the same inputs, then record it with `python tests/architecture/code_versions.py`"
    )
    assert recorded == now, f"record {module} with `python tests/architecture/code_versions.py`"


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    digests = []
    for text in (
        'def f():\n    """A."""\n    return 1\n',
        "def f():\n    # why\n    return 1\n",
        "def f():\n    return 2\n",
    ):
        (tmp_path / "module.py").write_text(text)
        digests.append(RECORDER.source_digest((str(tmp_path / "module.py"),)))
    assert digests[0] == digests[1] != digests[2]
