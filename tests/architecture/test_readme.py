"""Every command that the README shows exists and is understood."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent


def shell_lines() -> list[str]:
    """The lines of the fenced shell blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", (PROJECT / "README.md").read_text(), flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("make ")])
def test_make_knows_its_target(line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(line)[1:]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("govern ")])
def test_the_command_line_understands(line: str) -> None:
    program = Path(sys.executable).with_name("govern")
    done = subprocess.run([program, *shlex.split(line)[1:], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_the_readme_shows_both_commands() -> None:
    assert {"make run", "make test"} <= set(shell_lines())
