"""Traffic in words: a line for everything that answers or listens beside the champion."""

from datetime import UTC

from governance.release.records import short
from governance.release.traffic import Canary, Experiment, Ramp, Traffic


def percent(share: float) -> str:
    """A share as people say it.

    >>> percent(0.05), percent(0.125)
    ('5 %', '12.5 %')
    """
    return f"{100 * share:g} %"


def traffic_lines(traffic: Traffic) -> list[str]:
    """What there is, a line each; none where the champion answers for everybody and nobody listens."""
    lines = [f"shadow {short(digest)}: scored, never acted on" for digest in traffic.shadows]
    lines += [canary_line(traffic.canary)] if traffic.canary else []
    lines += [_experiment(traffic.experiment)] if traffic.experiment else []
    return lines + ([f"newer candidates begin as canaries: {ramp_words(traffic.ramp)}"] if traffic.ramp else [])


def canary_line(canary: Canary) -> str:
    """A canary, its share and where that goes."""
    since = canary.since.astimezone(UTC).isoformat(sep=" ", timespec="minutes")[:16]
    answers = f"canary {short(canary.digest)} answers for {percent(canary.share)} of the entities since {since}"
    if canary.ramp is None:
        return answers
    if canary.complete:
        return f"{answers}: its ramp is complete, and automation promotes it"
    return f"{answers}, then {percent(canary.ramp.after(canary.share))} ({ramp_words(canary.ramp)})"


def ramp_words(ramp: Ramp) -> str:
    """The steps of a ramp and how long each is held."""
    return f"{', '.join(percent(step) for step in ramp.steps)}, each held {ramp.hold_minutes} minutes"


def _experiment(experiment: Experiment) -> str:
    arms = [
        f"{arm.name} {percent(arm.share)}{' by the canary' if arm.lane == 'canary' else ''}" for arm in experiment.arms
    ]
    return f"experiment {experiment.name}: {', '.join(arms)}"
