"""``pi-amt check``: the contract tests of a model, a dataset or a permutation."""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pi_amt.cli.new import KINDS
from pi_amt.cli.overrides import options_of, options_of_model
from pi_amt.cli.plugins import REGISTRIES
from pi_amt.core.audio import MAX_RATE, MIN_RATE
from pi_amt.core.checks import check_count, unknown
from pi_amt.datasets.loading import load_dataset
from pi_amt.models.loading import load_model
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Permutation
from pi_amt.testing.check import Check, told
from pi_amt.testing.dataset import check_dataset
from pi_amt.testing.hearing import check_hearing
from pi_amt.testing.model import check_model
from pi_amt.testing.permutation import check_permutation

T = TypeVar("T")

_WHAT = "model, dataset or permutation"
#: options that only models have → what stands there when none is given
_OF_MODELS = {"weights": None, "device": "auto", "rate": None}
#: length of the cut recordings whose fingerprints must differ from those of the whole ones
_CUT_SECONDS = 0.5


def check(options: Namespace) -> int:
    """Print what is wrong; 1 if something is.

    Raises:
        ValueError: for an unknown name or option, or an option of another kind.
    """
    name, given = _as_path(options.name), options_of(options.option)
    kind = options.kind or _kind_of(name)
    for flag, default in _OF_MODELS.items():
        if kind != "model" and getattr(options, flag) != default:
            raise ValueError(f"check: got --{flag} for a {kind}, expected it for models only")
    if kind == "model":
        return _check_model(name, options)
    if kind == "permutation":
        found = check_permutation(_made(load_permutation, name, given))
    else:
        found = _check_dataset(name, given)
    print(found)
    return 1 if found.problems else 0


def _made(load: Callable[..., T], name: str, given: Mapping[str, Any]) -> T:
    """What a loader makes by a name and options.

    Raises:
        ValueError: where the code that makes it fails, with its name.
    """
    try:
        return load(name, **given)
    except (ValueError, TypeError, OSError):  # which say what to do
        raise
    except Exception as error:
        raise ValueError(f"{name}: got {told(error)} while it was made, expected none") from error


def _check_model(name: str, options: Namespace) -> int:
    """Print the rules that a model breaks; of one that breaks none, whether it is late or wants
    softer sound."""
    if options.rate is not None:
        check_count("--rate", options.rate, MIN_RATE, MAX_RATE)
    model = _made(load_model, name, options_of_model(options))
    found = check_model(model, sample_rate=options.rate)
    print(found)
    if found.problems:
        return 1
    hearing = check_hearing(model)
    print(hearing)
    return 1 if hearing.problems else 0


def _check_dataset(name: str, given: Mapping[str, Any]) -> Check:
    """The check of a dataset; where it can cut recordings, they are compared with cut ones."""
    known = inspect.signature(REGISTRIES["dataset"].load(name)).parameters
    dataset = _made(load_dataset, name, given)
    if "max_seconds" not in known:
        return check_dataset(dataset)
    cut = _made(load_dataset, name, {**given, "max_seconds": _CUT_SECONDS})
    return check_dataset(dataset, changed=cut)


def _as_path(name: str) -> str:
    """``package.module.attribute`` as ``package.module:attribute``; names and files stay."""
    if name.endswith(".py"):
        return name
    return name if ":" in name or "." not in name else ":".join(name.rsplit(".", 1))


def _kind_of(name: str) -> str:
    """What a name or a path ``package.module:attribute`` stands for.

    Raises:
        ValueError: where that cannot be told.
    """
    kinds = [k for k in KINDS if any(entry.name == name for entry in REGISTRIES[k].entries())]
    if len(kinds) == 1:
        return kinds[0]
    if not kinds and ":" not in name:
        asked, _, value = name.partition("=")
        if asked in KINDS:
            raise ValueError(f"check: got {name}, expected the name alone: pi-amt check {value}")
        if name.endswith(".py"):
            raise ValueError(
                f"check: got the file {name}, expected the name of what is in it, such as "
                f"{Path(name).stem}:MyModel with the folder on PYTHONPATH; of a function that "
                f"transcribes, pi-amt check callable --option function={name}:transcribe"
            )
        raise ValueError(unknown(_WHAT, name, [n for k in KINDS for n in REGISTRIES[k].names()]))
    if not kinds:
        if name.partition(":")[0].endswith(".py"):
            raise ValueError(
                f"check: got a function in a file, expected the name of a model: pi-amt check "
                f"callable --option function={name}"
            )
        found = replace(REGISTRIES["model"], what=_WHAT).load(name)
        if isinstance(found, type) and issubclass(found, Permutation):
            return "permutation"
        if hasattr(found, "analyze") or hasattr(found, "stream"):
            return "model"
    raise ValueError(
        f"check: got {name}, which may be one of several kinds, expected to be told which: add "
        f"--kind {' or --kind '.join(kinds or KINDS)}"
    )
