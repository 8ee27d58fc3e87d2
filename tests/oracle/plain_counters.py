"""The real-time counters of an order line, recomputed by looking at every event of its keys."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from plain_rows import EPOCH, Row, whole

MINUTES = {"5m": 5, "1h": 60, "24h": 1440}


class Counters:
    """Order lines and opened cases by each key that they are counted by."""

    def __init__(self, orders: Iterable[Row], cases: Iterable[Row]) -> None:
        self._lines: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._cases: dict[tuple[str, str], list[Row]] = defaultdict(list)
        seen = set()
        for line in orders:
            # A line that was delivered on two days counts once.
            if line["order_line_id"] not in seen:
                seen.add(line["order_line_id"])
                for key in ("buyer_id", "seller_id", "device", "instrument"):
                    self._lines[key, line[key]].append(line)
        for case in cases:
            if case["version"] == 1:
                for key in ("buyer_id", "seller_id"):
                    self._cases[key, case[key]].append(case)

    def at(self, order: Row, moment: datetime) -> dict[str, int | None]:
        """Every window of every counter for the keys of an order, just before it."""
        found: dict[str, int | None] = {}
        for suffix, minutes in MINUTES.items():
            lines = {
                key: _within(self._lines.get((key, order[key]), []), moment, minutes)
                for key in ("buyer_id", "seller_id", "device", "instrument")
            }
            cases = {
                key: _within(self._cases.get((key, order[key]), []), moment, minutes)
                for key in ("buyer_id", "seller_id")
            }
            counted = {
                "buyer_lines": len(lines["buyer_id"]),
                "buyer_spend": sum(whole(line["price_minor"] * line["reference_rate"]) for line in lines["buyer_id"]),
                "device_buyers": _buyers(lines["device"], order["device"]),
                "instrument_buyers": _buyers(lines["instrument"], order["instrument"]),
                "seller_lines": len(lines["seller_id"]),
                "seller_buyers": _buyers(lines["seller_id"], order["seller_id"]),
                "buyer_cases_opened": len(cases["buyer_id"]),
                "seller_cases_opened": len(cases["seller_id"]),
            }
            found |= {f"{name}_{suffix}": value for name, value in counted.items()}
        return found


def _within(rows: Iterable[Row], moment: datetime, minutes: int) -> list[Row]:
    """Rows known before the moment, of the minutes that a window holds then."""
    oldest = _minute(moment) - minutes
    return [row for row in rows if row["known_at"] < moment and _minute(row["occurred_at"]) > oldest]


def _buyers(lines: Iterable[Mapping[str, str]], key: str | None) -> int | None:
    return None if key is None else len({line["buyer_id"] for line in lines})


def _minute(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds() // 60)
