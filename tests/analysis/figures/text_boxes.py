"""Finds what a reader could not read: texts of a figure that are cut, or lie on others."""

from __future__ import annotations

from matplotlib.text import Text

PIXELS = 1.5
"""Boxes may touch by so much: they are larger than their letters."""
NARROWEST, LOWEST = 0.7, 0.15
"""Inches that a panel has to keep; the lowest show how many runs are defined."""


def drawn_texts(figure, monkeypatch):
    """Every text that is drawn, with its box in pixels."""
    texts = []
    draw = Text.draw

    def record(text, *arguments, **options):
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        return draw(text, *arguments, **options)

    figure.draw_without_rendering()  # The layout first: what is drawn while it is made may move.
    figure.set_layout_engine("none")
    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", record)
        figure.draw_without_rendering()
    return {id(text): (text.get_text(), text.get_window_extent()) for text in texts}.values()


def unreadable(figure, monkeypatch):
    """What is wrong with a figure's texts and panels, in words; [] for nothing."""
    boxes = list(drawn_texts(figure, monkeypatch))
    page = figure.bbox
    faults = [
        f"cut: {text!r}"
        for text, box in boxes
        if min(box.x0 - page.x0, page.x1 - box.x1, box.y0 - page.y0, page.y1 - box.y1) < -PIXELS
    ]
    for place, (text, box) in enumerate(boxes):
        for other, there in boxes[:place]:
            across = min(box.x1, there.x1) - max(box.x0, there.x0)
            up = min(box.y1, there.y1) - max(box.y0, there.y0)
            if min(across, up) > PIXELS:
                faults.append(f"{text!r} lies on {other!r}")
    for axes in figure.axes:
        wide, high = axes.get_window_extent().size / figure.dpi
        if axes.get_visible() and axes.get_label() != "<colorbar>" and (wide < NARROWEST or high < LOWEST):
            faults.append(f"panel of {wide:.2f} x {high:.2f} inches")
    return faults
