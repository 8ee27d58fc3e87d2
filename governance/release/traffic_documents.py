"""Traffic as JSON within a pointer, read back as input that nobody vouches for."""

from datetime import UTC
from typing import Any

from governance.errors import InputError
from governance.release.documents import FieldTypes, Untrusted, checked, read_time
from governance.release.traffic import Arm, Canary, Experiment, Ramp, Traffic

_MAYBE = (dict, type(None))
_TRAFFIC: FieldTypes = {"shadows": (list,), "canary": _MAYBE, "experiment": _MAYBE, "ramp": _MAYBE}
_CANARY: FieldTypes = {"digest": (str,), "share": (float,), "since": (str,), "ramp": _MAYBE}
_RAMP: FieldTypes = {"steps": (list,), "hold_minutes": (int,)}
_EXPERIMENT: FieldTypes = {"name": (str,), "arms": (list,)}
_ARM: FieldTypes = {"name": (str,), "share": (float,), "lane": (str,)}


def traffic_document(traffic: Traffic) -> dict[str, Any]:
    """Traffic as JSON values."""
    return {
        "shadows": list(traffic.shadows),
        "canary": _canary_document(traffic.canary) if traffic.canary else None,
        "experiment": _experiment_document(traffic.experiment) if traffic.experiment else None,
        "ramp": _ramp_document(traffic.ramp),
    }


def read_traffic(document: Any, *, what: str) -> Traffic:
    """What `traffic_document` wrote; Untrusted where it did not, or where it contradicts itself."""
    fields = checked(document, what=f"the traffic of {what}", fields=_TRAFFIC)
    if not all(isinstance(shadow, str) for shadow in fields["shadows"]):
        raise Untrusted(f"{what} lists a shadow that is no digest")
    try:
        return Traffic(
            shadows=tuple(fields["shadows"]),
            canary=_canary(fields["canary"], what) if fields["canary"] else None,
            experiment=_experiment(fields["experiment"], what) if fields["experiment"] else None,
            ramp=_ramp(fields["ramp"], what),
        )
    except InputError as error:
        raise Untrusted(f"{what}: {error}") from error


def _canary_document(canary: Canary) -> dict[str, Any]:
    # float(), because a caller's 1 would be read back as another type than is written everywhere else.
    said = {"digest": canary.digest, "share": float(canary.share), "since": canary.since.astimezone(UTC).isoformat()}
    return {**said, "ramp": _ramp_document(canary.ramp)}


def _ramp_document(ramp: Ramp | None) -> dict[str, Any] | None:
    return {"steps": [float(step) for step in ramp.steps], "hold_minutes": ramp.hold_minutes} if ramp else None


def _experiment_document(experiment: Experiment) -> dict[str, Any]:
    arms = [{"name": arm.name, "share": float(arm.share), "lane": arm.lane} for arm in experiment.arms]
    return {"name": experiment.name, "arms": arms}


def _canary(document: Any, what: str) -> Canary:
    fields = checked(document, what=f"the canary of {what}", fields=_CANARY)
    since = read_time(fields["since"], what=what)
    return Canary(fields["digest"], fields["share"], since, _ramp(fields["ramp"], what))


def _ramp(document: Any, what: str) -> Ramp | None:
    if document is None:
        return None
    fields = checked(document, what=f"the ramp of {what}", fields=_RAMP)
    if not all(isinstance(step, float) for step in fields["steps"]):
        raise Untrusted(f"the ramp of {what} has a step that is no number")
    return Ramp(tuple(fields["steps"]), fields["hold_minutes"])


def _experiment(document: Any, what: str) -> Experiment:
    fields = checked(document, what=f"the experiment of {what}", fields=_EXPERIMENT)
    arms = [checked(arm, what=f"an arm of {what}", fields=_ARM) for arm in fields["arms"]]
    if any(arm["lane"] not in ("champion", "canary") for arm in arms):
        raise Untrusted(f"an arm of {what} is answered by neither champion nor canary")
    return Experiment(fields["name"], tuple(Arm(**arm) for arm in arms))
