"""A model as files of text and JSON, its digest, and the scorer that reads them back. Nothing is ever pickled."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from governance.errors import StoreError
from governance.models.calibration import Calibrator
from governance.models.explain import Reason, code_columns, strongest
from governance.models.rows import Floats, to_matrix
from governance.models.spec import ModelSpec
from governance.models.thresholds import Threshold

if TYPE_CHECKING:
    from lightgbm import Booster

MODEL, CALIBRATOR, THRESHOLD = "model.txt", "calibrator.json", "threshold.json"
SPEC, FEATURES = "spec.json", "features.json"
FILES = (CALIBRATOR, FEATURES, MODEL, SPEC, THRESHOLD)


@dataclass(frozen=True, slots=True)
class Artifact:
    """The files of one model. Equal digests mean equal files: they hold no time, version or commit."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 over model text, calibrator, threshold, spec, feature names and training-set digest."""
        return files_digest(self.files)


def files_digest(files: Mapping[str, bytes]) -> str:
    """The digest of a model's files, whatever else lies beside them.

    Raises
    ------
    StoreError
        A file is absent.
    """
    absent = [name for name in FILES if name not in files]
    if absent:
        raise StoreError(f"the model lacks {', '.join(absent)}; record it again from its candidate")
    lines = [f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in FILES]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pack(
    booster: "Booster",
    calibrator: Calibrator,
    threshold: Threshold,
    *,
    spec: ModelSpec,
    features: Sequence[str],
    training_set_digest: str,
) -> Artifact:
    """Write a trained model as files."""
    return Artifact(
        {
            MODEL: booster.model_to_string().encode(),
            CALIBRATOR: _json(asdict(calibrator)),
            THRESHOLD: _json(asdict(threshold)),
            SPEC: _json(asdict(spec)),
            FEATURES: _json({"names": list(features), "training_set": training_set_digest}),
        }
    )


def _json(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, default=str) + "\n").encode()


def provenance(*, commit: str | None, machine: str) -> dict[str, Any]:
    """What stands beside the digest in a record: commit, machine and library versions."""
    libraries = ("lightgbm", "numpy", "polars", "scikit-learn", "scipy")
    return {"commit": commit, "machine": machine, "libraries": {name: version(name) for name in libraries}}


@dataclass(frozen=True)
class Scorer:
    """Calibrated probabilities and reasons of one model. `reason_codes` may rename features' codes."""

    booster: "Booster"
    calibrator: Calibrator
    threshold: Threshold
    features: tuple[str, ...]
    reason_codes: Mapping[str, str] = field(default_factory=dict)

    def score(self, rows: pl.DataFrame | Floats) -> Floats:
        """Probabilities (rows,) of a frame that has the features, or of a matrix (rows, features) in their order."""
        return self.calibrator(np.asarray(self.booster.predict(self._matrix(rows), num_threads=1)))

    def contributions(self, rows: pl.DataFrame | Floats, *, top: int = 3) -> list[tuple[Reason, ...]]:
        """For each row the reason codes that raise its score most (TreeSHAP, Lundberg 2018, summed by code)."""
        found, members = self._codes
        shares = np.asarray(self.booster.predict(self._matrix(rows), pred_contrib=True, num_threads=1))
        return strongest(shares[:, :-1] @ members, found, top=top)

    @cached_property
    def _codes(self) -> tuple[tuple[str, ...], Floats]:
        return code_columns(self.features, self.reason_codes)

    def _matrix(self, rows: pl.DataFrame | Floats) -> Floats:
        return to_matrix(rows, self.features) if isinstance(rows, pl.DataFrame) else rows


def load_scorer(files: Mapping[str, bytes], *, reason_codes: Mapping[str, str] | None = None) -> Scorer:
    """Read a model's files; its scores equal those of the model that was packed, to the last bit.

    Raises
    ------
    StoreError
        A file is absent.
    """
    import lightgbm

    files_digest(files)
    calibrator, threshold = json.loads(files[CALIBRATOR]), json.loads(files[THRESHOLD])
    return Scorer(
        booster=lightgbm.Booster(model_str=files[MODEL].decode()),
        calibrator=Calibrator(calibrator["method"], tuple(calibrator["raw"]), tuple(calibrator["probability"])),
        threshold=Threshold(**threshold),
        features=tuple(json.loads(files[FEATURES])["names"]),
        reason_codes=reason_codes or {},
    )
