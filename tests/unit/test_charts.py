"""Charts: well-formed whatever the values are, and a gap stays a gap."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.web.charts import (
    BOTTOM,
    BYTES,
    COUNT,
    LEFT,
    RATE,
    RIGHT,
    STEPS,
    TOP,
    Kind,
    Point,
    bytes_in_words,
    chart,
    clock_of,
    count_in_words,
    percent_in_words,
)

MINUTE = 31_000_000


def drawn(points: list[Point], kind: Kind = COUNT, title: str = "Requests") -> ElementTree.Element:
    return ElementTree.fromstring(str(chart("c", title, points, kind)))  # noqa: S314  # our own text


def lines(element: ElementTree.Element) -> list[str]:
    return [one.attrib["d"] for one in element.iter("path") if one.attrib["class"] == "chart-line"]


def series(*values: float | None) -> list[Point]:
    return [(MINUTE + index, value) for index, value in enumerate(values)]


def test_a_gap_parts_the_line_and_is_marked() -> None:
    element = drawn(series(1, 2, None, None, 3, 4))
    assert len(lines(element)) == 2
    assert len([one for one in element.iter("rect") if one.attrib["class"] == "chart-gap"]) == 1
    assert "2 of 6 minutes have no value" in "".join(element.itertext())


@pytest.mark.parametrize("points", [[], series(None), series(None, None, None)], ids=["empty", "one gap", "gaps"])
def test_nothing_reported_is_said_and_no_line_is_drawn(points: list[Point]) -> None:
    element = drawn(points)
    assert lines(element) == []
    assert "nothing reported" in "".join(element.itertext())


def test_one_point_is_a_dot_in_the_middle() -> None:
    (dot,) = drawn(series(5)).iter("circle")
    assert float(dot.attrib["cx"]) == (LEFT + RIGHT) / 2


def test_a_constant_is_level_and_zero_lies_at_the_foot() -> None:
    (line,) = lines(drawn(series(0, 0, 0)))
    assert set(re.findall(r" (\d+\.\d)", line)) == {f"{BOTTOM:.1f}"}


def test_steps_go_along_before_they_go_up() -> None:
    (line,) = lines(drawn(series(2, 4), STEPS))
    assert re.fullmatch(r"M\S+ \S+H\S+V\S+", line)


def test_a_rate_is_drawn_against_the_whole() -> None:
    (line,) = lines(drawn(series(1.0, 0.0), RATE))
    assert line == f"M{LEFT:.1f} {TOP:.1f}L{RIGHT:.1f} {BOTTOM:.1f}"


def test_the_axes_name_times_and_values() -> None:
    labels = [one.text for one in drawn(series(*range(30))).iter("text")]
    assert labels == ["0", "20", "40", clock_of(MINUTE), clock_of(MINUTE + 15), clock_of(MINUTE + 29)]


def test_a_title_cannot_become_markup() -> None:
    assert drawn(series(1), title="<script>&\"'").find("title").text == "<script>&\"'"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (count_in_words(0), "0"),
        (count_in_words(9_999), "9,999"),
        (count_in_words(12_345), "12.3 k"),
        (count_in_words(3.4e7), "34 M"),
        (bytes_in_words(512), "512 bytes"),
        (bytes_in_words(3 << 30), "3 GiB"),
        (percent_in_words(1.0), "100 %"),
        (percent_in_words(0.9999), "99.9 %"),
    ],
)
def test_values_are_told_in_few_figures(words: str, expected: str) -> None:
    assert words == expected


values = st.none() | st.integers(0, 10**30) | st.floats(0, 1e30)


@given(st.lists(values, max_size=40), st.sampled_from([COUNT, STEPS, RATE, BYTES]), st.text(max_size=20))
def test_every_chart_is_well_formed_and_stays_inside_its_frame(
    found: list[float | None], kind: Kind, title: str
) -> None:
    printable = "".join(each for each in title if each.isprintable())
    element = drawn(series(*found), kind, printable)
    for circle in element.iter("circle"):
        assert LEFT <= float(circle.attrib["cx"]) <= RIGHT
        assert TOP <= float(circle.attrib["cy"]) <= BOTTOM
    for path in element.iter("path"):
        assert "nan" not in path.attrib["d"]
        assert "inf" not in path.attrib["d"]
