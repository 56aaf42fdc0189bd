"""Sphinx configuration: ``make docs`` (warnings are errors)."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

from pi_amt import __version__

project = "pi_amt"
author = "The pi_amt authors"
copyright = "2026, The pi_amt authors"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# The notebook is stored with its outputs, by scripts/make_examples.py.
nb_execution_mode = "off"
# Formulas as MathML: every browser reads it, without a script from another place.
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
# generated/ holds pieces that other pages include.
exclude_patterns = ["_build", "generated", "examples"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Class attributes", "params_style"), ("Properties", "params_style")]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_title = f"pi_amt {__version__}"
html_show_sourcelink = False


def _write_columns() -> None:
    """Columns of the importance table as a page fragment, from the code that makes them."""
    from pathlib import Path

    from pi_amt.report.tables.importance import COLUMNS

    rows = [f"| `{name}` | {meaning} |\n" for name, (_, meaning) in COLUMNS.items()]
    path = Path(__file__).parent / "generated" / "columns.md"
    text = "| column | |\n|---|---|\n" + "".join(rows)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


_write_columns()


def _mathml(as_block: bool) -> Any:
    """A visitor that writes a formula."""

    def visit(writer: Any, node: Any) -> None:
        formula = tex2mathml(node.astext(), as_block=as_block)
        writer.body.append(f"<div>{formula}</div>" if as_block else formula)
        raise nodes.SkipNode

    return visit


def setup(app: Sphinx) -> None:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_mathml(False), None), (_mathml(True), None))
