"""Sphinx configuration: ``make docs`` (warnings are errors)."""

from __future__ import annotations

from pi_amt import __version__

project = "pi_amt"
author = "The pi_amt authors"
copyright = "2026, The pi_amt authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
# generated/ holds pieces that other pages include.
exclude_patterns = ["_build", "generated", "examples"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"pi_amt {__version__}"
html_show_sourcelink = False
