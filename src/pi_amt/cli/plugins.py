"""What other packages add, on the command line: what there is, and the options of each.

A built-in choice has a YAML file with the defaults of its options. A plug-in needs none: its
options are the parameters of the class or function that its entry point names.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi_amt.core.registry import Registry
from pi_amt.datasets.loading import DATASETS
from pi_amt.models.loading import MODELS
from pi_amt.permutations.loading import PERMUTATIONS
from pi_amt.scoring.plugins import SCORERS
from pi_amt.study.executors.loading import EXECUTORS

#: kind → all names of it, in the order of ``pi-amt list``; all but scorers are config groups
REGISTRIES: Mapping[str, Registry] = {
    registry.what: registry for registry in (MODELS, DATASETS, PERMUTATIONS, SCORERS, EXECUTORS)
}
#: what the command line gives to every model, and the study to every executor
_GIVEN = {"model": ("device", "precision"), "executor": ("at_most",)}
_LOADERS = {
    "dataset": "pi_amt.datasets.load_dataset",
    "permutation": "pi_amt.permutations.load_permutation",
}


def node_of(kind: str, name: str) -> dict[str, Any]:
    """The config node of a plug-in: what it is made by, and its options with their defaults.

    An option without a default must be given, and one whose default is an object, such as a
    permutation, can only be added (``+permutation.target=…``). The option ``n_jobs`` of an
    executor is the ``n_jobs`` of the study.

    Raises:
        ValueError: if the plug-in is not there or broken, with the reason.
    """
    registry = REGISTRIES[kind]
    found = registry.load(name)
    public = {field: option for option, field in getattr(found, "aliases", {}).items()}
    options: dict[str, Any] = {}
    for parameter in inspect.signature(found).parameters.values():
        wanted = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if wanted and parameter.name not in _GIVEN.get(kind, ()):
            option = public.get(parameter.name, parameter.name)
            options |= _option(option, parameter.default)
    if kind == "executor":
        options |= {"n_jobs": "${n_jobs}"} if "n_jobs" in options else {}
        return {"_target_": registry.paths()[name].replace(":", "."), **options}
    target = {"_target_": _LOADERS[kind]} if kind in _LOADERS else {}
    return {**target, **options, "name": name}


def _option(name: str, default: Any) -> dict[str, Any]:
    """An option with its default, as YAML could hold it; nothing where it could not."""
    if default is inspect.Parameter.empty:
        return {name: "???"}
    if isinstance(default, Path):
        return {name: str(default)}
    if isinstance(default, tuple | list):
        values = [_option("", value) for value in default]
        return {name: [value[""] for value in values]} if all(values) else {}
    return (
        {name: default} if default is None or isinstance(default, bool | int | float | str) else {}
    )


def plugged_in(kind: str) -> list[str]:
    """The names of a kind that are not built in, usable or not."""
    registry = REGISTRIES[kind]
    names = {entry.name for entry in registry.entries()}
    return sorted(names - registry.built_in.keys())
