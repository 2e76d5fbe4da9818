"""Files of figures: the same bytes whatever else is written, at the width that was asked for, with text to search."""

import io
import re

import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.figure_output import FORMATS, SIZES, parse_output
from analysis.figures.rendering import render
from analysis.figures.theme import begin_figure, layout_width, theme
from benchmark.errors import BadInput


def drawn(formats=FORMATS, page=None):
    """Files of a figure with a curve, a text and an image."""
    with theme(page):
        figure = begin_figure(layout_width(4.0), 3.0)
        axes = figure.subplots()
        axes.plot([0.0, 1.0], [1.0, 3.0], "o", label="searched", rasterized=True)
        axes.set_title("Findable title", parse_math=False)
        axes.legend()
        return render(figure, formats, page)


def test_a_format_does_not_depend_on_the_others():
    """Each format alone has the bytes that it has with all of them, as often as it is made."""
    together = drawn()
    assert list(together) == list(FORMATS)
    assert {name: data for kind in FORMATS for name, data in drawn([kind]).items()} == together


def test_png_and_svg_are_those_of_matplotlib_itself():
    """Drawing once instead of twice changes no byte."""
    with theme():
        figure = begin_figure(4.0, 3.0)
        figure.subplots().plot([0.0, 1.0], [1.0, 3.0], "o", label="searched", rasterized=True)
        figure.axes[0].set_title("Findable title", parse_math=False)
        figure.axes[0].legend()
        expected = {}
        for name, metadata in {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}.items():
            buffer = io.BytesIO()
            Figure.savefig(figure, buffer, format=name, dpi=30, metadata=metadata)
            expected[name] = buffer.getvalue()
            figure.set_layout_engine("none")
    assert {name: drawn()[name] for name in expected} == expected


@pytest.mark.parametrize("size", [None, *SIZES])
def test_every_format_is_as_wide_as_its_page(size):
    """Points of SVG and PDF, and the inches that a PNG file says of itself, are those of the page."""
    page = SIZES.get(size)
    files, width = drawn(page=page), 4.0 if page is None else min(page.width, page.height * page.room / 3.0)
    assert abs(float(re.search(rb'width="([0-9.]+)pt"', files["svg"])[1]) - 72 * width) < 0.1
    box = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+) \]", files["pdf"])
    assert abs(float(box[1]) - 72 * width) < 0.1
    image = Image.open(io.BytesIO(files["png"]))
    assert abs(image.width / image.info["dpi"][0] - width) < 0.05


def test_pdf_has_truetype_letters_and_no_date():
    """Fonts are embedded as Type 42, and nothing in a file tells of the day or of versions."""
    data = drawn(["pdf"])["pdf"]
    assert b"/CIDFontType2" in data or b"/Subtype /TrueType" in data
    assert b"/Type3" not in data
    assert not re.search(rb"/(CreationDate|Producer|Creator|ModDate)", data)


@pytest.mark.parametrize(
    ("formats", "size", "message"),
    [
        ("png,pfd", None, "--formats 'png,pfd': 'pfd' is not one of png, svg, pdf (did you mean \"pdf\"?)"),
        ("", None, "--formats '': '' is not one of png, svg, pdf"),
        ("PDF", None, 'did you mean "pdf"?'),
        (
            None,
            "onecolumn",
            "--size 'onecolumn': not one of one-column, two-column, slide (did you mean \"one-column\"?)",
        ),
    ],
)
def test_unknown_formats_and_sizes_are_refused(formats, size, message):
    """The message names the option, what was given, what there is, and what is near."""
    with pytest.raises(BadInput) as error:
        parse_output(formats, size)
    assert message in str(error.value)


def test_formats_are_written_once_in_their_own_order():
    """Spaces, repetition and order of the option change nothing."""
    assert parse_output("pdf, png,pdf", None).formats == ("png", "pdf")
