"""The model card (Mitchell 2019): what a model is for, what it was measured to do, and where it must not be trusted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.models.candidate import Candidate
from governance.models.explain import explanation
from governance.models.figures import Figures
from governance.models.spec import Costs, ModelSpec
from governance.release.evidence import GateResult, Interval, Verdict

_REASONS_SHOWN = 15
_NAMES = {
    "auc": "AUC",
    "ap": "average precision (AP)",
    "recall_at_fpr": "recall at fixed false-positive rate",
    "recall_at_capacity": "recall at review capacity",
    "money_recall_at_capacity": "money-weighted recall at capacity",
    "calibration_error": "calibration error",
    "calibration_ratio": "predicted over observed positives",
    "cost_per_1000": "cost per 1,000 decisions (minor units)",
    "action_rate": "action rate",
    "false_hit_rate": "false hits among actions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where the model was trained. `synthetic` names the generator and seed where the data are not real."""

    marketplace: str
    currency: str
    maturity_days: int
    synthetic: str | None = None


def model_card(candidate: Candidate, *, spec: ModelSpec, verdict: Verdict, setting: Setting) -> str:
    """Write the card of one candidate as Markdown."""
    sections = (
        _heading(candidate, spec, verdict, setting),
        _data(candidate),
        _performance(candidate),
        *_skill(candidate),
        _slices(candidate),
        _calibration(candidate),
        _gates(verdict),
        _reasons(candidate),
        _costs(candidate, spec.costs, setting.currency),
        _limits(candidate, spec, setting),
    )
    return "\n\n".join(sections) + "\n"


def _heading(candidate: Candidate, spec: ModelSpec, verdict: Verdict, setting: Setting) -> str:
    source = f"**Synthetic data: {setting.synthetic}.**\n\n" if setting.synthetic else ""
    facts = [
        f"- Verdict: **{verdict.status}**",
        f"- Digest: `{candidate.artifact.digest}`",
        f"- Marketplace: {setting.marketplace}",
        f"- Family: {spec.family}; owner: {spec.owner}; runbook: {spec.runbook}",
        f"- Decision point: {spec.decision_point}, one decision per {spec.entity}",
        f"- Label: `{spec.label}`, mature {setting.maturity_days} days after the decision",
        f"- Action at or above a probability of {candidate.scorer.threshold.value:.4g}: {spec.action}",
    ]
    return f"# Model card: {spec.name}\n\n{source}{spec.meaning}\n\n" + "\n".join(facts)


def _data(candidate: Candidate) -> str:
    rows = [
        [
            part.name,
            f"{part.first:%Y-%m-%d} to {part.last:%Y-%m-%d}",
            f"{part.rows:,}",
            f"{part.groups:,}",
            f"{part.positives:,}",
            f"{part.positive_entities:,}",
            f"{part.prevalence:.2%}",
        ]
        for part in candidate.summaries
    ]
    header = ["slice", "decided", "rows", "groups", "positives", "positive entities", "prevalence"]
    note = (
        f"Labels of training and calibration had matured by {candidate.training_cutoff:%Y-%m-%d}, where the test "
        f"begins; {candidate.left_out:,} rows lie in the gap between or matured too late. "
        "Prevalence is weighted, counts are not."
    )
    return f"## Data\n\n{_table(header, rows)}\n\n{note}"


def _performance(candidate: Candidate) -> str:
    found = candidate.evaluation
    columns = [
        ("model", found.overall),
        ("model, unweighted", found.unweighted),
        ("rules", found.rules),
        ("rules, unweighted", found.rules_unweighted),
    ]
    if found.unseen is not None:
        columns.append(("model, unseen groups", found.unseen))
    for entry in found.reasons:
        columns.append((f"model, {entry.reason} alone", entry.weighted))
        columns.append((f"model, {entry.reason} alone, unweighted", entry.unweighted))
    words = ["rows", "positives", "prevalence", *_NAMES.values()]
    cells = [_figures_cells(figures) for _, figures in columns]
    rows = [[word, *values] for word, *values in zip(words, *cells, strict=True)]
    differences = [
        ["base rate", _interval(found.ap_minus.base_rate)],
        ["rules", _interval(found.ap_minus.rules)],
        ["champion", _interval(found.ap_minus.champion)],
    ]
    return "\n\n".join(
        [
            "## Performance on the test slice",
            "Brackets hold 95 % bootstrap intervals by group.",
            _table(["", *(name for name, _ in columns)], rows),
            _table(["AP of the model minus AP of", "difference"], differences),
        ]
    )


def _skill(candidate: Candidate) -> list[str]:
    """Rules, model and oracle side by side, where the truth is known."""
    found = candidate.evaluation.skill
    if found is None:
        return []
    readings = [
        ("what was said", found.positives, found.labels),
        ("what was so", found.true_positives, found.truth),
    ]
    rows = [
        [name, f"{positives:,}", *(_interval(one) for one in (of.rules_ap, of.ap, of.oracle_ap, of.skill))]
        for name, positives, of in readings
    ]
    natural = "" if found.natural is None else f"The natural prevalence is {found.natural:.2%}. "
    note = (
        f"On {found.rows:,} test rows whose truth is known ({found.rows_unknown:,} are left out). {natural}This world "
        f"has {found.oversampling:g} times as many true positives, so that each counts as one over that: then "
        f"{found.prevalence:.2%} are true. Skill is (AP - rules) / (oracle - rules); the oracle knows how the world "
        "works and sees everything observable, but not the outcome."
    )
    header = ["against", "positives", "AP of the rules", "AP of the model", "AP of the oracle", "skill"]
    return [f"## Skill\n\n{_table(header, rows)}\n\n{note}"]


def _slices(candidate: Candidate) -> str:
    found = candidate.evaluation.slices
    if not found:
        return "## Slices\n\nNo slice has enough positives for figures of its own."
    rows = [
        [
            f"{entry.column} {entry.value}",
            *_counts_cells(entry.figures),
            _interval(entry.figures.auc),
            _interval(entry.figures.ap),
            _interval(entry.figures.measured.calibration_ratio),
        ]
        for entry in found
    ]
    header = ["slice", "rows", "positives", "prevalence", "AUC", "AP", "predicted over observed"]
    return f"## Slices\n\n{_table(header, rows)}"


def _calibration(candidate: Candidate) -> str:
    rows = [
        [f"{entry.predicted:.4f}", f"{entry.observed:.4f}", f"{entry.rows:,}", f"{entry.positives:,}"]
        for entry in candidate.evaluation.reliability
    ]
    method = candidate.scorer.calibrator.method
    return f"## Calibration ({method})\n\n{_table(['predicted', 'observed', 'rows', 'positives'], rows)}"


def _gates(verdict: Verdict) -> str:
    rows = [
        [gate.name, gate.kind, _number(gate.value), _number(gate.bound), _outcome(gate), gate.reason]
        for gate in verdict.gates
    ]
    return f"## Gates\n\n{_table(['gate', 'kind', 'value', 'bound', 'outcome', 'reason'], rows)}"


def _reasons(candidate: Candidate) -> str:
    rows = [[f"`{code}`", explanation(code), f"{share:.1%}"] for code, share in candidate.importance[:_REASONS_SHOWN]]
    return f"## Reasons that the model weighs most\n\n{_table(['code', 'meaning', 'share of gain'], rows)}"


def _costs(candidate: Candidate, costs: Costs, currency: str) -> str:
    rows = [
        ["false alarm", f"{costs.false_alarm_minor:,.0f} + {costs.false_alarm_share:.1%} of the amount"],
        ["miss", f"{costs.miss_minor:,.0f} + {costs.miss_share:.1%} of the amount"],
        ["review", f"{costs.review_minor:,.0f}"],
    ]
    chosen = candidate.scorer.threshold
    note = (
        f"The threshold {chosen.value:.4g} costs least on the calibration slice: "
        f"{chosen.cost_per_1000:,.0f} per 1,000 decisions."
    )
    return f"## Costs, in minor units of {currency}\n\n{_table(['an error', 'costs'], rows)}\n\n{note}"


def _limits(candidate: Candidate, spec: ModelSpec, setting: Setting) -> str:
    worst = candidate.evaluation.worst_slice
    lines = [
        f"- Only decisions at the point named above; scores mean nothing for anything but a {spec.entity}.",
        "- Labels follow from what was acted on and reported: harm that nobody reported counts as none.",
        "- Intervals treat groups as independent; campaigns that span groups make them too narrow.",
    ]
    if worst is not None:
        lines.append(f"- Weakest slice: {worst.column} {worst.value}, AUC {_interval(worst.figures.auc)}.")
    if candidate.evaluation.unseen is None:
        lines.append("- Too few positives among unseen groups to say how it does on newcomers.")
    if setting.synthetic:
        lines.append("- Synthetic data: no figure here says how the model does on a real marketplace.")
    return "## Limits\n\n" + "\n".join(lines)


def _counts_cells(figures: Figures) -> list[str]:
    return [f"{figures.rows:,}", f"{figures.positives:,}", f"{figures.prevalence:.2%}"]


def _figures_cells(figures: Figures) -> list[str]:
    return [*_counts_cells(figures), *(_interval(getattr(figures.measured, name)) for name in _NAMES)]


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    return f"{_number(found.value)} [{_number(found.low)}, {_number(found.high)}]"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _outcome(gate: GateResult) -> str:
    return "passed" if gate.passed else "**failed**"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
