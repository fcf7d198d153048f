"""The colours: text has contrast on its ground, in a light theme and in a dark one."""

import numpy
import pytest
from matplotlib.colors import to_rgb

from workerlab.pictures import palette
from workerlab.pictures.palette import FAINT, PLAIN, TEXT, WORKERS, on_page

ENOUGH = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum
WHITE = "#FFFFFF"
# hue-rotate(180deg), https://www.w3.org/TR/filter-effects-1/#feColorMatrixElement
HALF_TURN = numpy.array(
    [
        [0.213 - 0.787, 0.715 + 0.715, 0.072 + 0.072],
        [0.213 + 0.213, 0.715 - 0.285, 0.072 + 0.072],
        [0.213 + 0.213, 0.715 + 0.715, 0.072 - 0.928],
    ]
)


def in_light(colour: str) -> numpy.ndarray:
    return numpy.array(to_rgb(colour))


def in_dark(colour: str) -> numpy.ndarray:
    """The colour after `invert(1) hue-rotate(180deg)`, as a browser computes it."""
    return numpy.clip(HALF_TURN @ (1 - in_light(colour)), 0, 1)


def luminance(colour: numpy.ndarray) -> float:
    """Source: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    linear = numpy.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: numpy.ndarray, other: numpy.ndarray) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_says():
    assert contrast(in_light("#000000"), in_light(WHITE)) == pytest.approx(21)
    assert contrast(in_light("#767676"), in_light(WHITE)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [in_light, in_dark])
@pytest.mark.parametrize("colour", [TEXT, FAINT, PLAIN, palette.GUESS])
def test_text_can_be_read_in_both_themes(theme, colour):
    assert contrast(theme(colour), theme(WHITE)) >= ENOUGH


def test_in_the_dark_theme_the_workers_keep_their_colours_apart():
    shown = [in_dark(colour) for colour in WORKERS]
    nearest = min(
        numpy.abs(one - other).max() for number, one in enumerate(shown) for other in shown[:number]
    )
    assert nearest > 0.1


def test_no_worker_has_the_colour_of_what_belongs_to_none():
    for colour in WORKERS:
        red, green, blue = in_light(colour)
        assert max(red, green, blue) - min(red, green, blue) > 0.2, colour


def test_a_page_without_a_theme_of_ours_shows_the_picture_as_it_is():
    page = on_page("<img>")
    assert page.endswith('<div class="workerlab-picture"><img></div>')
    (rule,) = page.split("<style>")[1].split("</style>")[:1]
    assert rule.startswith('[data-jp-theme-light="false"] .workerlab-picture')
