"""Datasets: ``load_dataset(name, …)``, the registry behind it, and a look through the files.

A dataset of one's own joins through the entry-point group ``pi_amt.datasets`` (name → a function
that returns a :class:`~pi_amt.datasets.track.Dataset`) or as a dotted path.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pi_amt.core.checks import check_known
from pi_amt.core.registry import Registry
from pi_amt.datasets.files import TrackList, given_folder
from pi_amt.datasets.survey import Survey, survey
from pi_amt.datasets.track import Dataset, FileTrack, Track

__all__ = [
    "Dataset",
    "FileTrack",
    "Survey",
    "Track",
    "TrackList",
    "available_datasets",
    "load_dataset",
    "survey",
]

ENTRY_POINTS = "pi_amt.datasets"
BUILT_IN = {
    "bach10": "pi_amt.datasets.bach10:bach10",
    "calibration": "pi_amt.datasets.calibration:calibration",
    "demo": "pi_amt.datasets.demo:demo",
    "folder": "pi_amt.datasets.folder:folder",
    "guitarset": "pi_amt.datasets.guitarset:guitarset",
    "known_partials": "pi_amt.datasets.known_partials:known_partials",
    "maestro": "pi_amt.datasets.maestro:maestro",
    "maps": "pi_amt.datasets.maps:maps",
    "musicnet": "pi_amt.datasets.musicnet:musicnet",
    "slakh": "pi_amt.datasets.slakh:slakh",
    "urmp": "pi_amt.datasets.urmp:urmp",
    "vocadito": "pi_amt.datasets.vocadito:vocadito",
}
DATASETS = Registry("dataset", ENTRY_POINTS, BUILT_IN, "a function that returns a dataset")


def available_datasets() -> list[str]:
    """Names that :func:`load_dataset` takes."""
    return DATASETS.names()


def load_dataset(name: str, **options: Any) -> Dataset:
    """Load a dataset.

    Args:
        name: one that :func:`available_datasets` lists, such as ``demo`` or ``maps``, or a dotted
            path ``package.module:function``.
        options: the dataset's own, see its function, e.g. ``data_folder``, ``subsample_every``,
            ``max_tracks``, ``max_seconds``, ``pedal``; unknown ones are refused.

    Raises:
        ValueError: for an unknown dataset or option, or data that is not there.
    """
    factory: Callable[..., Dataset] = DATASETS.load(name)
    known = inspect.signature(factory).parameters
    check_known(f"option of dataset {name}", options, known)
    for option, parameter in known.items():
        if parameter.default is parameter.empty and option not in options:
            raise ValueError(f"dataset {name}: got no {option}, expected one: set {option}=…")
    if "data_folder" in options:  # here, as a dataset of somebody's own may not look
        options["data_folder"] = str(given_folder(options["data_folder"]))
    return factory(**options)
