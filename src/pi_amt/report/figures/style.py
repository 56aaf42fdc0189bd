"""The look of the figures for papers, and how they are written: the same bytes every time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, PALE = "#1d2430", "#6b7280", "#d9dce1"
#: width of a figure, inches: two columns of a paper
WIDE = 7.0

#: comes with matplotlib, so that figures are the same everywhere
_FONT = "DejaVu Sans"
_RC: Any = {
    "font.family": _FONT,
    "font.size": 8.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a $ in somebody's name is a $
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "pi_amt",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def drawable(text: str) -> str:
    """Text whose every letter has a glyph: others, such as emoji, by number, ``[U+1F3B9]``.

    Fonts of the machine that have them may differ or not go into a PDF; a number is the same
    everywhere, and two names stay two.
    """
    return "".join(c if c == "\n" or ord(c) in _glyphs() else f"[U+{ord(c):04X}]" for c in text)


@cache
def _glyphs() -> frozenset[int]:
    """Code points that the font has in both weights that figures use."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    regular, bold = (
        get_font(findfont(FontProperties(family=_FONT, weight=weight))).get_charmap()
        for weight in ("normal", "bold")
    )
    return frozenset(regular.keys() & bold.keys())


@contextmanager
def paper_style() -> Iterator[None]:
    """The package's rc settings, for what is drawn inside; others stay as they are.

    (``matplotlib.rc_context`` would undo what a notebook's backend sets when it first loads.)
    """
    from matplotlib import rcParams

    before = {name: rcParams[name] for name in _RC}
    rcParams.update(_RC)
    try:
        yield
    finally:
        rcParams.update(before)


def new_axes(ax: Axes | None, width: float = WIDE, height: float = 3.6) -> Axes:
    """The given axes, or those of a new pyplot figure (which a notebook shows)."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def new_figure(width: float, height: float) -> Figure:
    """A figure that pyplot does not know of: nothing to close, no global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.svg`` and ``stem.pdf`` without dates or random names."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    svg, pdf = stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.pdf")
    # the canvases themselves: savefig() would draw everything once more before it writes
    with paper_style(), warnings.catch_warnings():
        # a name longer than the page is no trouble of the reader's
        warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
        svg_canvas: Any = FigureCanvasSVG(figure)
        svg_canvas.print_svg(svg, metadata={"Date": None, "Creator": "pi_amt"})
        figure.set_layout_engine("none")  # places stay
        metadata = {"CreationDate": None, "ModDate": None, "Creator": "pi_amt"}
        pdf_canvas: Any = FigureCanvasPdf(figure)
        pdf_canvas.print_pdf(pdf, metadata=metadata)
    return [svg, pdf]
