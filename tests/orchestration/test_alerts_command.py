"""`govern alerts`, and the red lines of `govern status`."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Govern = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOVERNANCE_ALERTS", raising=False)


def test_status_ends_with_what_is_red_why_and_the_command_to_type(settled: Path, govern: Govern) -> None:
    red = json.loads(govern(settled, "status", "--json").out)["red"]
    shown = " ".join(govern(settled, "status").out.split())

    found = {(one["kind"], one["subject"]): one for one in red}
    missing = found["no_champion", "merchant_fraud"]
    assert missing["severity"] == "SEV3"
    assert "above_base_rate" in missing["why"]
    for one in red:
        assert all(" ".join(one[name].split()) in shown for name in ("headline", "first_action"))


def test_every_first_action_is_a_command_that_is_understood(settled: Path, govern: Govern) -> None:
    for one in json.loads(govern(settled, "status", "--json").out)["red"]:
        program, *words = shlex.split(one["first_action"])
        assert program == "govern"
        assert govern(settled, *words, "--help").status == 0, one["first_action"]


def test_a_dry_run_says_what_would_be_told_and_tells_nobody(settled: Path, govern: Govern) -> None:
    before = sorted(settled.glob("var/bazaar/**/*alerts*"))
    said = json.loads(govern(settled, "alerts", "--dry-run", "--json").out)

    assert ("opened", "merchant_fraud") in {(one["event"], one["subject"]) for one in said["would_tell"]}
    assert sorted(settled.glob("var/bazaar/**/*alerts*")) == before


def test_alerts_are_sent_once_and_listed_with_all_parts(own_settled: Path, govern: Govern) -> None:
    assert json.loads(govern(own_settled, "alerts", "--json").out) == {"open": [], "failing_channels": {}}

    sent = json.loads(govern(own_settled, "alerts", "--send", "--json").out)
    again = json.loads(govern(own_settled, "alerts", "--send", "--json").out)

    assert again == sent
    missing = next(one for one in sent["open"] if one["kind"] == "no_champion")
    parts = {"severity", "owner", "why", "figure", "since", "where", "money", "last_change", "first_action", "runbook"}
    assert parts | {"run", "line", "opened_at", "told_at", "under"} <= missing.keys()
    log = (own_settled / "var" / "bazaar" / "alerts.jsonl").read_text().splitlines()
    assert len(log) == len([one for one in sent["open"] if one["told_at"]])
    history = json.loads(govern(own_settled, "alerts", "--all", "--json").out)["history"]
    assert len(history) == len(sent["open"])
    assert "why:" in govern(own_settled, "alerts").out


def test_words_that_are_no_addresses_are_told_of_without_showing_them(settled: Path, govern: Govern) -> None:
    said = govern(settled, "alerts", GOVERNANCE_ALERTS="pass-word-without-scheme")
    assert "1 word(s) of GOVERNANCE_ALERTS" in said.err
    assert "pass-word" not in said.out + said.err
