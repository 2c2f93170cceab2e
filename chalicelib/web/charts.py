"""Series of minutes as SVG, drawn by the server: no script, no inline style. Pure.

A minute without a value is a gap: nothing is drawn over it but a mark at the foot. Colours come from the style sheet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.domain.decisions import MINUTE_SECONDS
from chalicelib.web.page_values import size_in_words

if TYPE_CHECKING:
    from markupsafe import Markup

Point = tuple[int, float | None]
"""A Unix minute and its value; None where nobody reported one."""

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 52, 312, 10, 124  # of the plot, in the drawing's own units


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one kind are scaled and told. `top` is given the largest value; `stepped` joins them by steps."""

    top: Callable[[float], float]
    told: Callable[[float], str]
    stepped: bool = False


def count_in_words(value: float) -> str:
    """A count with few figures: 950, 1.2 k, 34 M."""
    for factor, letter in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= factor:
            return f"{value / (1000 if letter == 'k' else factor):.3g} {letter}"
    return f"{value:,.0f}"


def bytes_in_words(value: float) -> str:
    """A size with few figures; also for sizes of a whole fleet."""
    for factor, unit in ((1 << 60, "EiB"), (1 << 50, "PiB"), (1 << 40, "TiB"), (1 << 30, "GiB")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return size_in_words(int(value))


def percent_in_words(value: float) -> str:
    """A fraction in percent, rounded down to a tenth so that 100 % means all."""
    tenths = int(value * 1000 + 1e-9)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def _round_top(largest: float) -> float:
    """The next of 2, 4, 6, 8, 10, 20...: its half is whole too."""
    factor = 1.0
    while largest > 10 * factor:
        factor *= 10
    return next(step * factor for step in (2, 4, 6, 8, 10) if largest <= step * factor)


def _binary_top(largest: float) -> float:
    top = 1024.0
    while top < largest:
        top *= 2
    return top


COUNT = Kind(_round_top, count_in_words)
STEPS = Kind(_round_top, count_in_words, stepped=True)
RATE = Kind(lambda largest: 1.0, percent_in_words)
BYTES = Kind(_binary_top, bytes_in_words)


def clock_of(minute: int) -> str:
    """The time of day of a minute, such as 14:05, in UTC."""
    return f"{datetime.fromtimestamp(minute * MINUTE_SECONDS, UTC):%H:%M}"


def chart(name: str, title: str, points: Sequence[Point], kind: Kind) -> "Markup":
    """An SVG element. `name` is for its ids, so unique on a page; minutes must grow, values must not be negative."""
    from markupsafe import Markup  # with the templates' engine only: the API's first call need not pay for it

    known = [value for _, value in points if value is not None]
    top = kind.top(max(known)) if known else kind.top(0)
    parts = [
        Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
            name, title, _described(points, kind)
        ),
        *(
            Markup('<line class="chart-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                LEFT, RIGHT, _y(share * top, top), _y(share * top, top)
            )
            for share in (0, 0.5, 1)
        ),
        *(
            Markup('<text class="chart-label" x="{}" y="{}" text-anchor="end">{}</text>').format(
                LEFT - 6, _y(share * top, top, 4), kind.told(share * top)
            )
            for share in (0, 0.5, 1)
        ),
        *(
            Markup('<text class="chart-label" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                x, BOTTOM + 18, at, text
            )
            for x, at, text in _clock_labels(points)
        ),
        *(
            Markup('<rect class="chart-gap" x="{:.1f}" y="{}" width="{:.1f}" height="4"/>').format(x, BOTTOM - 4, width)
            for x, width in _gaps(points)
        ),
    ]
    for stretch in _stretches(points):
        parts.append(Markup('<path class="chart-area" d="{}"/>').format(_area(stretch, points, top, kind)))
        parts.append(Markup('<path class="chart-line" d="{}"/>').format(_line(stretch, points, top, kind)))
        minute, value = stretch[-1]
        parts.append(
            Markup('<circle class="chart-dot" cx="{:.1f}" cy="{}" r="2.5"/>').format(_x(minute, points), _y(value, top))
        )
    if not known:
        parts.append(
            Markup('<text class="chart-none" x="{}" y="{}" text-anchor="middle">nothing reported</text>').format(
                (LEFT + RIGHT) // 2, (TOP + BOTTOM) // 2 - 8
            )
        )
    return Markup(
        '<svg class="chart" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-labelledby="{2}-title {2}-desc">{3}</svg>'
    ).format(WIDTH, HEIGHT, name, Markup("").join(parts))


def _described(points: Sequence[Point], kind: Kind) -> str:
    known = [value for _, value in points if value is not None]
    if not known:
        return "No minute was reported."
    gaps = len(points) - len(known)
    words = (
        f"By minute from {clock_of(points[0][0])} to {clock_of(points[-1][0])} UTC: at least "
        f"{kind.told(min(known))}, at most {kind.told(max(known))}, last {kind.told(known[-1])}."
    )
    return f"{words} {gaps} of {len(points)} minutes have no value." if gaps else words


def _x(minute: int, points: Sequence[Point]) -> float:
    first, last = points[0][0], points[-1][0]
    share = (minute - first) / (last - first) if last > first else 0.5
    return LEFT + share * (RIGHT - LEFT)


def _y(value: float, top: float, below: float = 0) -> str:
    share = min(1.0, max(0.0, value / top))
    return f"{BOTTOM - share * (BOTTOM - TOP) + below:.1f}"


def _stretches(points: Sequence[Point]) -> Iterator[list[tuple[int, float]]]:
    """The runs of minutes that have values."""
    stretch: list[tuple[int, float]] = []
    for minute, value in points:
        if value is not None:
            stretch.append((minute, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _gaps(points: Sequence[Point]) -> Iterator[tuple[float, float]]:
    """Start and width of each run of minutes without a value, half a minute beyond it on both sides."""
    half = (RIGHT - LEFT) / max(1, len(points) - 1) / 2
    for index, (minute, value) in enumerate(points):
        if value is None and (index == 0 or points[index - 1][1] is not None):
            end = index
            while end + 1 < len(points) and points[end + 1][1] is None:
                end += 1
            start = max(float(LEFT), _x(minute, points) - half)
            yield start, min(float(RIGHT), _x(points[end][0], points) + half) - start


def _line(stretch: Sequence[tuple[int, float]], points: Sequence[Point], top: float, kind: Kind) -> str:
    commands = []
    for index, (minute, value) in enumerate(stretch):
        x, y = f"{_x(minute, points):.1f}", _y(value, top)
        if index and kind.stepped:
            commands.append(f"H{x}V{y}")
        else:
            commands.append(f"{'L' if index else 'M'}{x} {y}")
    return "".join(commands)


def _area(stretch: Sequence[tuple[int, float]], points: Sequence[Point], top: float, kind: Kind) -> str:
    first, last = _x(stretch[0][0], points), _x(stretch[-1][0], points)
    return f"{_line(stretch, points, top, kind)}L{last:.1f} {BOTTOM}L{first:.1f} {BOTTOM}Z"


def _clock_labels(points: Sequence[Point]) -> list[tuple[float, str, str]]:
    if not points:
        return []
    first, last = points[0][0], points[-1][0]
    if last - first < 2:
        return [((LEFT + RIGHT) / 2, "middle", clock_of(first))]
    middle = (first + last + 1) // 2
    return [
        (LEFT, "start", clock_of(first)),
        (round(_x(middle, points), 1), "middle", clock_of(middle)),
        (RIGHT, "end", clock_of(last)),
    ]
