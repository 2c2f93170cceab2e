"""Colours are called what people call them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.colour_names import colour_name, lab, named_shares

CALLED = {
    "black": [(0, 0, 0), (20, 20, 20), (20, 24, 45)],
    "white": [(255, 255, 255), (235, 240, 245)],
    "grey": [(128, 128, 128), (211, 211, 211), (105, 105, 105), (170, 180, 190)],
    "red": [(255, 0, 0), (128, 0, 0), (220, 20, 60)],
    "orange": [(255, 165, 0), (255, 120, 0)],
    "yellow": [(255, 255, 0), (255, 215, 0)],
    "green": [(0, 128, 0), (0, 255, 0), (86, 125, 70), (50, 60, 35), (128, 128, 0)],
    "turquoise": [(64, 224, 208), (0, 128, 128), (0, 255, 255)],
    "blue": [(0, 0, 255), (0, 0, 128), (135, 206, 235), (0, 105, 148), (65, 105, 225)],
    "purple": [(128, 0, 128), (143, 0, 255), (75, 0, 130)],
    "pink": [(255, 192, 203), (255, 105, 180), (255, 0, 255)],
    "brown": [(139, 69, 19), (133, 94, 66), (101, 67, 33)],
    "beige": [(245, 222, 179), (224, 172, 138), (194, 178, 128)],
}


@pytest.mark.parametrize(
    ("colour", "name"), [(colour, name) for name, colours in CALLED.items() for colour in colours], ids=str
)
def test_a_colour_has_the_name_that_people_give_it(colour: tuple[int, int, int], name: str) -> None:
    assert colour_name(*colour) == name


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((255, 255, 255), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((255, 0, 0), (53.24, 80.09, 67.20))],
)
def test_lab_is_cielab_under_d65(colour: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    assert lab(*colour) == pytest.approx(expected, abs=0.05)


PART = st.integers(0, 255)


@given(PART, PART, PART)
def test_every_colour_has_a_name_of_the_table(red: int, green: int, blue: int) -> None:
    assert colour_name(red, green, blue) in CALLED


def test_shares_of_one_name_are_summed_and_sorted() -> None:
    colours = [(255, 0, 0, 0.3), (0, 0, 255, 0.4), (200, 20, 20, 0.2), (0, 0, 0, 0.1)]
    shares = named_shares(colours)
    assert list(shares) == ["red", "blue", "black"]
    assert list(shares.values()) == pytest.approx([0.5, 0.4, 0.1])
