"""The jobs, in the order in which they run: days, weeks, champions, online; and what becomes of decisions."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

DAILY, WEEKLY, RELEASE, ONLINE, DECISIONS = "daily", "weekly", "release", "online", "decisions"

REPAIRS_OF_DAYS = ("repair_online_day", "drop_day", "restore_day", "reload_labels")
"""Jobs beside `daily` that write days (orchestration/repairs.py)."""


def build_jobs(assets: Sequence[dg.AssetsDefinition]) -> list[Any]:
    """A job for each cadence; daily and weekly partitions cannot share one."""
    keys = [asset.key for asset in assets]
    families = {
        DAILY: (
            "Land, compute features and mature labels for a day or a range of days.",
            _of(keys, "raw", "features", "labels"),
        ),
        WEEKLY: ("Train, judge and record the candidates of a week, and check for drift.", _weekly(keys)),
        RELEASE: ("Promote the newest candidates that passed their gates.", _last(keys, "champion")),
        DECISIONS: ("Land what the scoring service decided, compare and measure it.", _of(keys, "decisions")),
        ONLINE: ("Bring the online store to the newest features.", [*_of(keys, "online"), *_last(keys, "scores")]),
    }
    return [
        dg.define_asset_job(name, selection=dg.AssetSelection.assets(*selected), description=description)
        for name, (description, selected) in families.items()
        if selected
    ]


def _of(keys: Sequence[dg.AssetKey], *layers: str) -> list[dg.AssetKey]:
    return [key for key in keys if key.path[0] in layers]


def _last(keys: Sequence[dg.AssetKey], *names: str) -> list[dg.AssetKey]:
    return [key for key in keys if key.path[-1] in names]


def _weekly(keys: Sequence[dg.AssetKey]) -> list[dg.AssetKey]:
    return _last(keys, "training_set", "candidate", "drift")
