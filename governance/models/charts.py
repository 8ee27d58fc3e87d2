"""Line charts as SVG text: three small pictures of a model do not justify megabytes of a plotting library in a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 420, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 34, 14, 46
_COLOURS = ("#1f5fa8", "#c2571a", "#777777")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Points joined by a line; `marked` draws each point as well."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False


def line_chart(title: str, *, x: str, y: str, series: Sequence[Series]) -> str:
    """Draw series from the origin to their largest values, as one `<svg>` element.

    `x` and `y` are the names of the axes, with units.
    """
    spans = [max((point[axis] for line in series for point in line.points), default=0.0) or 1.0 for axis in (0, 1)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'font-family="sans-serif" font-size="11"><title>{escape(title)}</title>',
        _text(_WIDTH / 2, 16, title, size=13),
        *_axis_ticks(spans[0], spans[1]),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x),
        f'<g transform="rotate(-90 12 {_HEIGHT / 2})">{_text(12, _HEIGHT / 2, y)}</g>',
    ]
    for number, line in enumerate(series):
        parts += _line(line, _COLOURS[number % len(_COLOURS)], spans[0], spans[1])
        parts.append(_text(_WIDTH - _RIGHT, _TOP + 12 + 14 * number, line.name, _COLOURS[number], anchor="end"))
    return "\n".join([*parts, "</svg>"])


def _place(point: tuple[float, float], x_span: float, y_span: float) -> tuple[float, float]:
    across = _LEFT + point[0] / x_span * (_WIDTH - _LEFT - _RIGHT)
    down = _HEIGHT - _BOTTOM - point[1] / y_span * (_HEIGHT - _TOP - _BOTTOM)
    return across, down


def _line(line: Series, colour: str, x_span: float, y_span: float) -> list[str]:
    places = [_place(point, x_span, y_span) for point in line.points]
    joined = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    dots = [f'<circle cx="{a:.1f}" cy="{d:.1f}" r="3" fill="{colour}"/>' for a, d in places if line.marked]
    return [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.8"/>', *dots]


def _axis_ticks(x_span: float, y_span: float) -> list[str]:
    left, floor = _place((0, 0), 1, 1)
    right, ceiling = _place((1, 1), 1, 1)
    parts = [f'<path d="M{left} {ceiling}V{floor}H{right}" fill="none" stroke="#333"/>']
    for step in range(_TICKS + 1):
        across, down = _place((step / _TICKS, step / _TICKS), 1, 1)
        parts.append(f'<path d="M{left} {down:.1f}H{right}" stroke="#e4e4e4"/>')
        parts.append(_text(across, floor + 15, f"{x_span * step / _TICKS:.3g}"))
        parts.append(_text(left - 5, down + 4, f"{y_span * step / _TICKS:.3g}", anchor="end"))
    return parts


def _text(x: float, y: float, words: str, colour: str = "#222", *, anchor: str = "middle", size: int = 11) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
    return f"<text {place}>{escape(words)}</text>"
