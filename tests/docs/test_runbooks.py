"""Each runbook is carried out as it is written, in the situation that it is for, and ends as it promises."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from doc_pages import PROJECT, RUNBOOKS, Command, commands

from governance.contracts.calendar import days_between, valid_at
from governance.release.records import sha256
from governance.release.traffic import NO_TRAFFIC
from governance.workspace import Workspace
from orchestration.plan import next_run

FIRST, LAST, AS_OF = date(2024, 1, 1), date(2024, 2, 4), date(2024, 2, 5)
TOUCHED = date(2024, 1, 29)

NO_CHAMPION_YET = 3
"""How `status` and `run` end here: in this marketplace `merchant_fraud` is always kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A marketplace of which somebody is on call: its folder, the owner's files, and what it held at first."""

    root: Path
    workspace: Workspace
    source: Path
    held: Mapping[str, str]
    look: Callable[[Workspace], dict[str, str]]

    def newest_candidate(self, model: str) -> str:
        found = self.workspace.registry.candidates(model)
        return max(found, key=lambda one: one.as_of).digest

    def champion(self, model: str) -> str | None:
        pointer = self.workspace.registry.pointer(model)
        return pointer.champion if pointer else None


Prepare = Callable[[Scene], Mapping[str, str]]
Check = Callable[[Scene], None]


@pytest.fixture(scope="session")
def history(
    made_once: Callable[..., Path], world: Path, bazaar_at: Callable[..., Workspace], govern_program: Path
) -> Path:
    """A folder in which `govern run` has been done, with two weeks of candidates; nobody writes here."""

    def fill(folder: Path) -> None:
        bazaar_at(folder)
        environment = os.environ | {"GOVERNANCE_ROOT": str(folder / "var"), "MARKETPLACE": str(folder / "bazaar")}
        done = subprocess.run(
            [govern_program, "run", "--source", str(world)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == NO_CHAMPION_YET, done.stdout + done.stderr

    return made_once("history", fill)


@pytest.fixture
def scene(
    tmp_path: Path,
    history: Path,
    world: Path,
    bazaar_at: Callable[..., Workspace],
    everything_in: Callable[[Workspace], dict[str, str]],
) -> Scene:
    root = Path(shutil.copytree(history, tmp_path / "on_call"))
    source = Path(shutil.copytree(world, tmp_path / "deliveries"))
    workspace = bazaar_at(root, source=source)
    return Scene(root=root, workspace=workspace, source=source, held=everything_in(workspace), look=everything_in)


def redelivered(scene: Scene) -> Mapping[str, str]:
    path = scene.source / "reviews" / f"dt={TOUCHED}" / "rows.parquet"
    pl.read_parquet(path).head(1).write_parquet(path)
    return {"FROM..TO": f"{TOUCHED}..{LAST}", "DAY": str(LAST - timedelta(days=1))}


def lost_days(scene: Scene) -> Mapping[str, str]:
    for day in days_between(TOUCHED, LAST):
        scene.workspace.lake.delete("features/seller", day)
    return {"FROM..TO": f"{TOUCHED}..{LAST}"}


def kept(scene: Scene) -> Mapping[str, str]:
    until = datetime.now(UTC).date() + timedelta(days=7)
    digest = scene.newest_candidate("merchant_fraud")
    return {"MODEL": "merchant_fraud", "DIGEST": digest[:12], "DAY": until.isoformat()}


def emptied_online(scene: Scene) -> Mapping[str, str]:
    for file in (scene.workspace.root / "feast").glob("online.db*"):
        file.unlink()
    return {"DAY": str(LAST)}


def leftovers(scene: Scene) -> Mapping[str, str]:
    for part in ("lake", "objects"):
        (scene.workspace.root / part / ".tmp").mkdir(exist_ok=True)
        (scene.workspace.root / part / ".tmp" / "half.parquet").write_bytes(b"half")
    return {}


def forgotten_statements(scene: Scene) -> Mapping[str, str]:
    for file in (scene.workspace.root / "ledgers").glob("labels.sqlite*"):
        file.unlink()
    return {}


def replaced(scene: Scene) -> Mapping[str, str]:
    """Another champion serves, with the files and the verdict of the one before."""
    registry, champion = scene.workspace.registry, scene.champion("claim")
    assert champion is not None
    record, verdict, digest = (
        registry.recorded("claim", champion),
        registry.verdict("claim", champion),
        sha256(b"worse"),
    )
    assert record is not None
    assert verdict is not None
    registry.record("claim", digest, registry.files("claim", champion), {**record.facts, "digest": digest})
    registry.attach(replace(verdict, digest=digest))
    registry.promote("claim", digest, who="promotion", reason="newest passing candidate", at=datetime.now(UTC))
    return {}


def another_that_passed(scene: Scene) -> Mapping[str, str]:
    """A candidate with the files and the verdict of the champion, which nobody has promoted."""
    registry, champion = scene.workspace.registry, scene.champion("claim")
    assert champion is not None
    record, verdict = registry.recorded("claim", champion), registry.verdict("claim", champion)
    assert record is not None
    assert verdict is not None
    digest = sha256(b"another")
    registry.record("claim", digest, registry.files("claim", champion), {**record.facts, "digest": digest})
    registry.attach(replace(verdict, digest=digest))
    return {"DIGEST": digest[:12]}


def nothing_happened(_: Scene) -> Mapping[str, str]:
    return {}


def holds_what_it_held(scene: Scene) -> None:
    assert scene.look(scene.workspace) == scene.held


def holds_what_was_delivered(scene: Scene) -> None:
    """As a workspace would that never saw another delivery: nothing is stale, and the touched day is the new one."""
    now = scene.look(scene.workspace)
    assert now[f"raw/reviews {TOUCHED}"] != scene.held[f"raw/reviews {TOUCHED}"]
    assert now[f"raw/reviews {LAST}"] == scene.held[f"raw/reviews {LAST}"]
    assert scene.workspace.lake.path("raw/orders", LAST - timedelta(days=1)).exists()


def still_without_a_champion(scene: Scene) -> None:
    assert scene.champion("merchant_fraud") is None
    assert scene.workspace.registry.refusal("merchant_fraud", scene.newest_candidate("merchant_fraud")) is None


def back_at_the_first_champion(scene: Scene) -> None:
    first, second = scene.workspace.registry.history("claim")[:2]
    assert scene.champion("claim") == first.champion
    assert scene.workspace.registry.refusal("claim", second.champion)


def serves_the_newest_that_passed(scene: Scene) -> None:
    assert scene.champion("claim") == scene.newest_candidate("claim")


def its_canary_has_ended(scene: Scene) -> None:
    assert scene.workspace.registry.serving("claim").traffic == NO_TRAFFIC
    assert scene.workspace.registry.refusal("claim", sha256(b"another"))
    listened, *answered, ended = [one.traffic for one in scene.workspace.registry.history("claim")[-4:]]
    assert [listened.shadows, ended] == [(sha256(b"another"),), NO_TRAFFIC]
    assert [one.canary.share for one in answered if one.canary] == [0.01, 0.01]


def serves_what_was_kept(scene: Scene) -> None:
    assert scene.champion("merchant_fraud") == scene.newest_candidate("merchant_fraud")


def without_leftovers(scene: Scene) -> None:
    assert not list(scene.workspace.root.glob("*/.tmp/*"))
    holds_what_it_held(scene)


def remembers_every_statement(scene: Scene) -> None:
    days = scene.workspace.lake.manifests("state/statements")
    start, end = valid_at(FIRST - timedelta(days=1)), valid_at(LAST)
    said = sum(
        scene.workspace.ledger.between(name, start=start, end=end).height for name in ("claim", "merchant_fraud")
    )
    assert said >= sum(day.facts["statements"] for day in days.values()) > 0
    holds_what_it_held(scene)


SCENES: Mapping[str, tuple[Prepare, Check]] = {
    "backfill": (lost_days, holds_what_it_held),
    "canary": (another_that_passed, its_canary_has_ended),
    "drift-alarm": (nothing_happened, serves_the_newest_that_passed),
    "failed-gate": (kept, still_without_a_champion),
    "failed-run": (lost_days, holds_what_it_held),
    "full-disk": (leftovers, without_leftovers),
    "label-delay": (forgotten_statements, remembers_every_statement),
    "late-data": (redelivered, holds_what_was_delivered),
    "override": (kept, serves_what_was_kept),
    "rollback": (replaced, back_at_the_first_champion),
    "stale-online-store": (emptied_online, holds_what_it_held),
}
USUAL = {"MODEL": "claim", "VIEW": "seller", "MONDAY": AS_OF.isoformat(), "NAME": "ana", "SECOND": "ben"}


def test_every_runbook_has_its_scene() -> None:
    assert {page.stem for page in RUNBOOKS} == set(SCENES)


@pytest.mark.exhaustive
@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_carried_out_as_written_ends_as_it_promises(
    page: Path, scene: Scene, govern: Callable[..., Any]
) -> None:
    steps = list(commands(page))
    prepare, check = SCENES[page.stem]
    meanings = USUAL | prepare(scene)

    for step in steps:
        carry_out(step, scene, meanings, govern)

    check(scene)
    assert next_run(scene.workspace, weeks=2, done=[]) is None
    assert online_differs_from_offline(scene.workspace) == {}


def carry_out(step: Command, scene: Scene, meanings: Mapping[str, str], govern: Callable[..., Any]) -> None:
    """One command of a runbook, in the folder of the workspaces; it must end as the pages say."""
    if step.program != "govern":
        subprocess.run(["bash", "-c", step.text], cwd=scene.root, check=True, capture_output=True)
        return
    words = step.words(meanings)
    said = govern(scene.root, *words, GOVERNANCE_SOURCE=str(scene.source))
    well = (0, NO_CHAMPION_YET) if words[0] in ("run", "status") else (0,)
    assert said.status in well, f"{step} ended with {said.status}:\n{said.out}\n{said.err}"


def online_differs_from_offline(workspace: Workspace) -> dict[str, int]:
    """For each view that is online, the rows that a publication would still write; raises where keys differ."""
    from assets.feast_store import feature_store, offline_only
    from feature_repo.online import materialize_view

    store, hidden = feature_store(workspace), offline_only(workspace)
    views = [view for name, view in workspace.views.items() if name not in hidden]
    reports = [materialize_view(store, view, now=valid_at(LAST)) for view in views]
    return {report.view: report.rows_written for report in reports if report.rows_written}


def test_the_words_in_capitals_are_explained() -> None:
    explained = (PROJECT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
    used = {word for page in RUNBOOKS for step in commands(page) for word in step.text.split() if word.isupper()}
    assert {word for word in used if f"`{word}`" not in explained} == set()
