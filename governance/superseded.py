"""Candidates whose training data is no longer that of their week: told from fingerprints, never written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from governance.models import training_set
from governance.models.catalogue import Model
from governance.release.promotion import Candidate
from governance.retraining import dataset, training_fingerprints
from governance.storage.lake import Manifest
from governance.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Superseded:
    """A candidate and why its data is superseded."""

    digest: str
    as_of: date
    why: str


def superseded(workspace: Workspace, model: Model) -> list[Superseded]:
    """The recorded candidates of a model that were trained on superseded data, in order of `as_of`.

    A candidate is one where its week was trained again since and gave another digest, or where the labels or features
    before its `as_of` are no longer those that its training set was made from.
    """
    candidates = workspace.registry.candidates(model.name)
    trained = workspace.lake.manifests(training_set.dataset(model.name))
    weeks = workspace.lake.manifests(dataset(model.name))
    expected = training_fingerprints(workspace, model, sorted({one.as_of for one in candidates} & trained.keys()))
    found = [(one, _why(one, trained, weeks, expected)) for one in candidates]
    return [Superseded(one.digest, one.as_of, why) for one, why in found if why]


def _why(
    candidate: Candidate,
    trained: Mapping[date, Manifest],
    weeks: Mapping[date, Manifest],
    expected: Mapping[date, str],
) -> str | None:
    training, week = trained.get(candidate.as_of), weeks.get(candidate.as_of)
    if training is None or week is None:
        # Nothing here says what it was made from: models may be shared, their weeks lie with whoever trained them.
        return None
    newest = week.facts.get("digest")
    if newest and newest != candidate.digest:
        return f"trained again for {candidate.as_of} as {newest[:12]}"
    if training.fingerprint != expected[candidate.as_of]:
        return f"labels or features before {candidate.as_of} have changed since"
    return None
