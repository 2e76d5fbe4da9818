"""From a figure to the bytes of its files: the same ones every time, whichever other formats are written."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.backends import backend_agg, backend_mixed, backend_pdf
from matplotlib.figure import Figure

from analysis.figure_output import FigureOutput, PageSize

DPI = 150
"""Resolution of the PNG files of figures that are for no page."""
AGG: Any = backend_agg  # What matplotlib does not annotate.
MIXED: Any = backend_mixed
PDF: Any = backend_pdf
_SVG_SIZE = re.compile(rb'width="([0-9.]+)pt" height="([0-9.]+)pt"')


def render(
    figure: Figure, formats: Sequence[str] = FigureOutput().formats, page: PageSize | None = None
) -> dict[str, bytes]:
    """The figure's bytes in some formats; to be called within `theme`.

    Args:
        figure: laid out here, by the renderer of PNG files whether one is wanted or not.
        formats: some of `FORMATS`.
        page: what the figure is for; None to keep its size.
    """
    scale = 1.0 if page is None else _scale(figure, page)
    dpi = (DPI if page is None else page.dpi) * scale
    figure.set_dpi(dpi)
    canvas, rendered = AGG.FigureCanvasAgg(figure), {}
    if "png" in formats:  # Laid out and drawn at once: `savefig` would draw twice.
        rendered["png"] = _png(canvas, dpi / scale)
    else:
        with canvas.get_renderer()._draw_disabled():
            figure.draw(canvas.get_renderer())
    figure.set_layout_engine("none")
    for name, write in _VECTORS.items():
        if name in formats:
            rendered[name] = write(figure, dpi, scale)
    return rendered


def _scale(figure: Figure, page: PageSize) -> float:
    """How many times as large as its layout the figure becomes: as wide as the page, and no higher."""
    width, height = figure.get_size_inches()
    return float(min(page.width / width, page.height / height))


def _png(canvas: Any, dpi: float) -> bytes:
    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Software": None}, pil_kwargs={"dpi": (dpi, dpi)})
    return buffer.getvalue()


def _svg(figure: Figure, dpi: float, scale: float) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    return buffer.getvalue() if scale == 1.0 else _SVG_SIZE.sub(lambda size: _scaled(size, scale), buffer.getvalue(), 1)


def _scaled(size: re.Match[bytes], scale: float) -> bytes:
    """The width and height of a page beside its view box, which stays."""
    width, height = (float(number) * scale for number in size.groups())
    return f'width="{width:.6g}pt" height="{height:.6g}pt"'.encode()


def _pdf(figure: Figure, dpi: float, scale: float) -> bytes:
    """As matplotlib's own `print_pdf`, on a page that is scaled; without a date or the versions of programs."""
    buffer = io.BytesIO()
    file = PDF.PdfFile(buffer, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    width, height = figure.get_size_inches()
    figure.set_dpi(72)  # Points of an inch.
    file.newPage(width * scale, height * scale)
    file.output(scale, 0, 0, scale, 0, 0, PDF.Op.concat_matrix)
    renderer = MIXED.MixedModeRenderer(figure, width, height, dpi, PDF.RendererPdf(file, dpi, height, width))
    figure.draw(renderer)
    renderer.finalize()
    file.finalize()
    return buffer.getvalue()


_VECTORS: Mapping[str, Callable[[Figure, float, float], bytes]] = {"svg": _svg, "pdf": _pdf}
