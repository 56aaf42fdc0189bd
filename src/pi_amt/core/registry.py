"""Names of models and datasets: what ships, and what other packages add through entry points."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from pi_amt.core.checks import unknown


def registered(group: str, built_in: Mapping[str, str]) -> dict[str, str]:
    """Name → ``package.module:attribute``, sorted; nobody can take the name of a built-in one.

    Args:
        group: of entry points, such as ``pi_amt.models``.
        built_in: what ships.
    """
    plugged = {point.name: point.value for point in entry_points(group=group)}
    return dict(sorted({**plugged, **built_in}.items()))


def load(what: str, name: str, known: Mapping[str, str]) -> Callable[..., Any]:
    """What a registered name or a path ``package.module:attribute`` stands for.

    Args:
        what: for the error: ``model``, ``dataset``.
        name: registered, or a path.
        known: of :func:`registered`.

    Raises:
        ValueError: for an unknown name, with near matches, or one behind which nothing is.
    """
    path = known.get(name, name)
    if ":" not in path:
        raise ValueError(unknown(what, name, known))
    module, _, attribute = path.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    # TypeError and ValueError: what stands before the colon is no name of a module
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{what}: cannot load {name} from {path} ({error})") from error
    return found
