"""What a person sees of figures on the command line."""

from io import StringIO
from typing import Any

from rich.console import Console

from orchestration import show


def model(name: str, **metrics: float | None) -> dict[str, Any]:
    """A model without a champion, as the status describes it."""
    found = {"name": name, "champion": None, "verdict": None, "newest": {}, "candidates": [], "metrics": metrics}
    figures = dict.fromkeys(("as_of", "mature_until", "positives", "prevalence"))
    return found | figures | {"override": None, "overrides": [], "untrusted": None, "in_traffic": []}


def interval(name: str, value: float) -> dict[str, float | None]:
    return {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}


def shown(*found: dict[str, Any]) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(show.models({"models": list(found), "skipped": []}))
    return console.export_text()


def test_skill_is_shown_where_the_truth_is_known() -> None:
    known = model("brushing", **interval("oracle_ap", 0.8), **interval("skill", 0.55), **interval("true_skill", 0.65))
    text = shown(known, model("claim", oracle_ap=None, skill=None))
    rows = [line.split() for line in text.split("Skill")[1].splitlines() if "brushing" in line]
    assert "0.550" in rows[0]
    assert "0.650" in rows[1]
    assert "claim" not in text.split("Skill")[1].split("AUC in other readings")[0]


def test_a_marketplace_without_truth_shows_no_skill() -> None:
    assert "Skill" not in shown(model("claim", oracle_ap=None, skill=None), model("merchant_fraud"))
