"""What the pages say of commands, links and pictures is so."""

import ast
import importlib.util
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import typer
import typer.main
from doc_pages import DOCS, PAGES, PLACEHOLDERS, PROJECT, RUNBOOKS, Command, anchors, commands, links, mentions
from typer.core import TyperCommand, TyperGroup

from governance.models.catalogue import SPECS
from governance.oncall.kinds import Kind
from orchestration.govern import app

PROGRAMS = ("govern", "make", "python", ".", "export", "cp", "df", "du", "rm", "find", "chromium", "curl")
"""What a page may ask a reader to start."""

PARTS = ("You see", "It means", "Look", "Decide", "Do", "Well again when", "Wake")

ALL = [command for page in PAGES for command in commands(page)]
PICTURES = sorted(DOCS.rglob("*.png"))
BYTES_AT_MOST = 200_000


def of(program: str) -> list[Command]:
    return [command for command in ALL if command.program == program]


def command_named(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """The command that the words lead to, and the words that are left for it."""
    found = typer.main.get_command(app)
    while isinstance(found, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in found.commands, f"there is no `govern {words[0]}`"
        found, words = found.commands[words[0]], words[1:]
    return found, words


def options_of(command: TyperCommand | TyperGroup) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("command", of("govern"), ids=str)
def test_the_command_line_understands(command: Command) -> None:
    words = command.words()
    found, rest = command_named(words)
    # `--help` ends the parsing, and is understood.
    with suppress(typer.Exit):
        found.make_context(found.name, rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_commands_in_sentences_exist_with_their_options(page: Path) -> None:
    for mention in mentions(page):
        words = [PLACEHOLDERS.get(word, word) for word in mention.split()[1:]]
        found, rest = command_named(words)
        assert {word for word in rest if word.startswith("-")} <= options_of(found), mention


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_make_knows_its_target(command: Command) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *command.words()], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_python_has_what_it_is_asked_to_run(command: Command) -> None:
    first, *rest = command.words()
    assert importlib.util.find_spec(rest[0]) if first == "-m" else (PROJECT / first).exists()


def test_pages_start_nothing_else() -> None:
    assert {command.program for command in ALL} <= set(PROGRAMS)


def test_the_readme_shows_both_commands() -> None:
    shown = {command.text for command in commands(PROJECT / "README.md")}
    assert {"make run", "make test"} <= shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        if anchor:
            assert anchor in anchors(aim), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [PROJECT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        aims = ((page.parent / target.partition("#")[0]).resolve() for target in links(page))
        waiting += [aim for aim in aims if aim.is_file()]
    assert set(PAGES) - reached == set()


def pages_named_by_the_program() -> set[str]:
    """Every `docs/...md` in a text of the program: what alerts, cards and assets send people to."""
    packages = ("governance", "feature_repo", "monitoring", "serving", "assets", "orchestration")
    modules = (path for package in packages for path in (PROJECT / package).rglob("*.py"))
    nodes = (node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {found for text in texts for found in re.findall(r"docs/[\w/-]+\.md(?:#[\w-]+)?", text)}


def test_the_program_sends_people_to_pages_that_exist() -> None:
    told = {spec.runbook for spec in SPECS.values()} | {kind.runbook for kind in Kind}
    for named in pages_named_by_the_program() | told:
        path, _, anchor = named.partition("#")
        assert (PROJECT / path).exists(), named
        assert not anchor or anchor in anchors(PROJECT / path), named


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_is_one_screen_in_one_order(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.find(f"**{part}**") for part in PARTS]
    assert -1 not in places, f"{page.name} lacks {PARTS[places.index(-1)]!r}"
    assert places == sorted(places)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_shown_on_a_page(picture: Path) -> None:
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < BYTES_AT_MOST
    shown = {(page.parent / target).resolve() for page in PAGES for target in links(page)}
    assert picture in shown
