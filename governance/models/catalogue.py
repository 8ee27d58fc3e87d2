"""The models of the project, and which of them a marketplace can have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from governance.counters.catalogue import named
from governance.errors import ConfigurationError
from governance.labels.definition import LabelDefinition, label_definitions
from governance.models.spec import Costs, GateBounds, ModelSpec

MERCHANT_FRAUD = ModelSpec(
    name="merchant_fraud",
    family="risk",
    meaning="Will this seller be found, within the window, to take orders without meaning to ship them?",
    owner="risk-control",
    decision_point="daily",
    entity="seller",
    group="seller_id",
    label="merchant_fraud",
    views=("seller",),
    order_context=False,
    # A wrong hold costs a seller cash flow and goodwill; a miss, the refunds after the payout.
    costs=Costs(false_alarm_minor=4_000, false_alarm_share=0.05, miss_minor=10_000, miss_share=0.8, review_minor=500),
    slices=("market", "category"),
    action="hold the payout or ask for a reserve, after a person has looked",
    runbook="docs/models.md#merchant_fraud",
    review_capacity_share=0.05,
)

CLAIM = ModelSpec(
    name="claim",
    family="after_sales",
    meaning="Will this order line end in an after-sales case within the window?",
    owner="after-sales",
    decision_point="checkout",
    entity="order_line",
    group="seller_id",
    label="claim",
    views=("buyer", "seller", "product", "category"),
    counters=(
        "buyer_lines",
        "buyer_spend",
        "device_buyers",
        "instrument_buyers",
        "seller_lines",
        "seller_buyers",
        "buyer_cases_opened",
        "seller_cases_opened",
    ),
    order_context=True,
    # A warning costs some lost sales; of what a case costs (handling, part of the price) it saves a share.
    costs=Costs(false_alarm_minor=150, false_alarm_share=0.03, miss_minor=300, miss_share=0.10),
    slices=("market", "category"),
    action="warn the buyer, ask the seller to verify the listing",
    runbook="docs/models.md#claim",
    review_capacity_share=0.05,
)

_OVERRIDABLE = ("test_from", "test_days", "calibration_days", "excluded_features", "counters")
"""What a marketplace may set differently for a model, beside its maturity and its gates' bounds."""

SPECS: Mapping[str, ModelSpec] = {spec.name: spec for spec in (MERCHANT_FRAUD, CLAIM)}


@dataclass(frozen=True, slots=True)
class Model:
    """A model as one marketplace has it: its spec and its label, both with that marketplace's overrides."""

    spec: ModelSpec
    label: LabelDefinition

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a marketplace, and why it does not have the others."""

    present: Mapping[str, Model]
    skipped: Mapping[str, str]

    @property
    def labels(self) -> list[LabelDefinition]:
        """The labels that these models need, each once."""
        return list({model.label.name: model.label for model in self.present.values()}.values())


def models_for(marketplace: str, overrides: Mapping[str, Mapping[str, Any]], tables: Collection[str]) -> Models:
    """The models that a marketplace names and whose tables it delivers.

    Parameters
    ----------
    overrides : for each model that the marketplace names, values that differ there:
        `maturity_days`, those of `_OVERRIDABLE` and a table `gates`.

    Raises
    ------
    ConfigurationError
        The marketplace names a model or an override that does not exist.
    """
    unknown = sorted(set(overrides) - set(SPECS))
    if unknown:
        raise ConfigurationError(f"{marketplace}: there is no model {unknown[0]}; models are {sorted(SPECS)}")
    present, skipped = {}, {}
    for name, spec in SPECS.items():
        label = label_definitions()[spec.label]
        missing = [table for table in label.needs if table not in tables]
        if missing:
            skipped[name] = f"{name} needs the table {' and '.join(missing)}, which {marketplace} does not deliver"
        elif name not in overrides:
            skipped[name] = f"marketplace.toml of {marketplace} does not name {name}"
        else:
            present[name] = _overridden(marketplace, _over(spec, tables), label, overrides[name])
    return Models(present, skipped)


def _over(spec: ModelSpec, tables: Collection[str]) -> ModelSpec:
    """The spec where only `tables` are delivered."""
    return replace(spec, counters=tuple(counter.name for counter in named(spec.counters) if counter.table in tables))


def _overridden(marketplace: str, spec: ModelSpec, label: LabelDefinition, values: Mapping[str, Any]) -> Model:
    rest = dict(values)
    maturity = rest.pop("maturity_days", label.maturity_days)
    gates = rest.pop("gates", {})
    unknown = sorted([*(set(rest) - set(_OVERRIDABLE)), *(set(gates) - set(GateBounds.__dataclass_fields__))])
    if unknown:
        raise ConfigurationError(f"{marketplace}, model {spec.name}: cannot override {', '.join(unknown)}")
    if "counters" in rest:
        rest["counters"] = tuple(rest["counters"])
        named(rest["counters"])
    return Model(
        spec=replace(spec, **rest, gates=replace(spec.gates, **gates)),
        label=label.with_maturity(int(maturity)),
    )
