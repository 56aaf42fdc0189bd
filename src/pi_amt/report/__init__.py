"""Importances → one HTML file, figures, tables and a methods paragraph.

Names are imported when first used: matplotlib and jinja2 load with the first report, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pi_amt.report.page import build

__all__ = ["build"]


def __getattr__(name: str) -> Any:
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("pi_amt.report.page").build
