"""The command line: exit statuses, what a machine reads, and errors that are one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMANDS = (
    "run",
    "status",
    "ingest",
    "simulate",
    "models",
    "promote",
    "rollback",
    "override",
    "repair",
    "backfill",
    "ui",
)

NUMBER, TEXT, MAYBE_TEXT, MAYBE_NUMBER = (int, float), (str,), (str, type(None)), (int, float, type(None))

MODEL = {
    "name": TEXT,
    "family": TEXT,
    "decision_point": TEXT,
    "champion": MAYBE_TEXT,
    "as_of": MAYBE_TEXT,
    "mature_until": MAYBE_TEXT,
    "prevalence": MAYBE_NUMBER,
    "positives": MAYBE_NUMBER,
    "metrics": (dict, type(None)),
    "verdict": (dict, type(None)),
}
GATE = {"name": TEXT, "kind": TEXT, "value": MAYBE_NUMBER, "bound": MAYBE_NUMBER, "passed": (bool,), "reason": TEXT}
VERDICT = {"status": TEXT, "passed": (bool,), "gates": (list,)}
VIEW = {"name": TEXT, "online_rows": (int, type(None)), "newest_event_time": MAYBE_TEXT}
DRIFT = {"model": TEXT, "share_drifted": MAYBE_NUMBER, "report": MAYBE_TEXT}
STATUS = {
    "models": (list,),
    "feature_views": (list,),
    "drift": (list,),
    "skipped": (list,),
    "reports": (list,),
}


def has(document: dict[str, Any], fields: dict[str, tuple[type, ...]]) -> bool:
    return all(name in document and isinstance(document[name], kinds) for name, kinds in fields.items())


def test_the_main_job_ends_with_3_where_a_model_has_neither_a_champion_nor_a_stated_skip(settled: Path) -> None:
    assert (settled / "status.txt").read_text() == "3", (settled / "output.txt").read_text()


def test_the_main_job_prints_champions_online_rows_drift_refusals_and_how_to_go_on(settled: Path) -> None:
    output = (settled / "output.txt").read_text()

    for part in ("Champions", "rows online", "drift of claim", "merchant_fraud: candidate", "was kept", "make ui"):
        assert part in output, output


def test_status_prints_one_object_with_the_documented_keys(settled: Path, govern: Callable[..., Any]) -> None:
    said = govern(settled, "status", "--json")
    status = json.loads(said.out)

    assert said.status == 3
    assert has(status, STATUS)
    assert all(has(model, MODEL) for model in status["models"])
    assert all(has(model["verdict"], VERDICT) for model in status["models"])
    assert all(has(gate, GATE) for model in status["models"] for gate in model["verdict"]["gates"])
    assert all(has(view, VIEW) for view in status["feature_views"])
    assert all(has(drift, DRIFT) for drift in status["drift"])
    claim = {model["name"]: model for model in status["models"]}["claim"]
    assert claim["champion"]
    assert claim["verdict"]["passed"]
    assert {"auc", "ap", "rules_ap", "skill", "oracle_ap"} <= claim["metrics"].keys()
    online = {view["name"]: view["online_rows"] for view in status["feature_views"]}
    assert all(online[name] > 0 for name in ("buyer", "seller", "product", "category"))
    assert status["reports"]
    assert all(Path(report).exists() for report in status["reports"])


def test_status_ends_with_0_where_every_model_has_a_champion_or_a_stated_skip(
    own_settled: Path, govern: Callable[..., Any], models_of_bazaar: Callable[..., str]
) -> None:
    toml = own_settled / "bazaar" / "marketplace.toml"
    toml.write_text(toml.read_text().split("\n[models.")[0] + models_of_bazaar("claim"))

    said = govern(own_settled, "status", "--json")

    assert said.status == 0
    assert [entry["name"] for entry in json.loads(said.out)["skipped"]] == ["merchant_fraud"]


def test_models_shows_a_machine_the_same_as_status(settled: Path, govern: Callable[..., Any]) -> None:
    status, models = (json.loads(govern(settled, word, "--json").out) for word in ("status", "models"))

    assert models == {"models": status["models"], "skipped": status["skipped"]}


def test_models_shows_a_person_every_gate(settled: Path, govern: Callable[..., Any]) -> None:
    from governance.release.gates import GATES

    out = govern(settled, "models").out

    assert [gate.name for gate in GATES if gate.name not in out] == []


def test_a_workspace_without_anything_has_a_status(
    tmp_path: Path, bazaar_at: Callable[..., Any], govern: Callable[..., Any]
) -> None:
    bazaar_at(tmp_path)

    said = govern(tmp_path, "status", "--json")

    status = json.loads(said.out)
    assert said.status == 3
    assert [model["champion"] for model in status["models"]] == [None, None]
    assert {view["online_rows"] for view in status["feature_views"]} == {None}


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)], ids=lambda words: " ".join(words))
def test_every_command_explains_itself(settled: Path, govern: Callable[..., Any], command: tuple[str, ...]) -> None:
    said = govern(settled, *command, "--help")

    assert said.status == 0
    assert "Usage" in said.out


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    tmp_path: Path, world: Path, bazaar_at: Callable[..., Any], govern: Callable[..., Any]
) -> None:
    workspace = bazaar_at(tmp_path)

    said = govern(tmp_path, "run", "--source", world, "--dry-run")

    assert said.status == 0
    assert "daily" in said.out
    assert "2024-01-01 to 2024-02-04" in said.out
    assert not list(workspace.root.glob("lake/**/*.parquet"))


def test_a_dry_run_over_fresh_data_says_that_nothing_is_stale(settled: Path, govern: Callable[..., Any]) -> None:
    assert "no run would be started" in govern(settled, "run", "--weeks", 1, "--dry-run").out


def test_simulating_twice_writes_one_world(tmp_path: Path, govern: Callable[..., Any]) -> None:
    words = ("simulate", "--out", tmp_path / "world", "--days", 2, "--buyers", 100)

    assert govern(tmp_path, *words).status == 0
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "world").glob("**/*.parquet")}
    assert govern(tmp_path, *words).status == 0

    assert first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "world").glob("**/*.parquet")} == first


ERRORS = {
    "an unknown marketplace": (("status", "-m", "nowhere"), ("'nowhere'", "olist, simulated", "marketplace.toml")),
    "a missing source folder": (("run", "--source", "/no/such/folder"), ("bazaar", "/no/such/folder", "--source")),
    "a source folder without files": (("ingest", "--source", "{empty}"), ("nothing has been delivered", "--source")),
    "promoting an unknown digest": (
        ("promote", "claim", "feedbeef", "--reason", "r"),
        ("claim", "feedbeef", "govern models"),
    ),
    "promoting an unknown model": (("promote", "clam", "feed", "--reason", "r"), ("clam", "merchant_fraud")),
    "rolling back an unknown model": (("rollback", "clam", "--reason", "r"), ("clam", "merchant_fraud")),
    "rolling back the first champion": (("rollback", "claim", "--reason", "r"), ("claim", "no earlier champion")),
    "rolling back what was never promoted": (
        ("rollback", "merchant_fraud", "--reason", "r"),
        ("merchant_fraud", "no champion"),
    ),
    "a backfill that is no range": (("backfill", "yesterday"), ("'yesterday'", "2024-02-01..2024-02-29")),
    "a backfill backwards": (("backfill", "2024-01-09..2024-01-02"), ("2024-01-09..2024-01-02", "before the first")),
    "a backfill of days that are not there": (
        ("backfill", "2024-02-01..2024-03-01"),
        ("2024-02-01..2024-03-01", "2024-01-01..2024-02-04"),
    ),
}


@pytest.mark.parametrize(("words", "parts"), ERRORS.values(), ids=ERRORS)
def test_a_mistake_is_answered_by_one_sentence_with_cause_and_remedy(
    settled: Path, tmp_path: Path, govern: Callable[..., Any], words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    said = govern(settled, *(word.format(empty=tmp_path) for word in words))

    assert said.status == 1
    assert "Traceback" not in said.out + said.err
    assert len(said.err.strip().splitlines()) == 1
    assert [part for part in parts if part not in said.err] == []
