"""Every text that the figures write can be read: contrast 4.5 : 1 or more. In stages axe sees to it."""

import pytest

from backprop_helpers.views.plots import _style

READS = 4.5


def contrast(first, second):
    """The contrast ratio of two colours, 1 to 21 (WCAG 2)."""
    dark, light = sorted((_style.luminance(first), _style.luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["INK", "GREY"])
def test_figures_words_read_on_paper(name):
    assert contrast(getattr(_style, name), "white") >= READS


@pytest.mark.parametrize("stops", ["SEQUENTIAL", "DIVERGING"])
def test_numbers_read_on_every_step_of_the_figures(stops):
    for step in getattr(_style, stops):
        assert contrast(_style.text_color(step), step) >= READS, step
