"""Options of the training, composed by Hydra from timbre_trap.yaml and checked."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pi_amt.core.checks import (
    check_choice,
    check_count,
    check_flag,
    check_known,
    check_range,
    listing,
    near,
)
from pi_amt.models.devices import PRECISIONS
from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES
from pi_amt.models.timbre_trap.training.banks import Instrument
from pi_amt.models.timbre_trap.training.stream import Stage

_WHERE = "train timbre_trap: "
_FLAGS = ("resume", "compile")
_COUNTS = ("threads", "batch", "frames", "reservoir", "validation_blocks", "patience")
_RANGES = {
    "minutes": (0, math.inf),
    "steps": (0, math.inf),
    "seed": (0, math.inf),
    "workers": (0, 1024),
    "learning_rate": (0, 10),
    "weight_decay": (0, 10),
    "flat_until": (0, 1),
    "warmup": (0, 1),
    "positive_weight": (0, 1e6),
    "average": (0, 1),
    "validate_minutes": (0, math.inf),
}


@dataclass(frozen=True)
class Config:
    """The options of timbre_trap.yaml, checked."""

    output: Path
    resume: bool
    init: str | None
    seed: int
    device: str
    threads: int
    precision: str
    compile: bool
    minutes: float
    steps: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    flat_until: float
    warmup: float
    batch: int
    frames: int
    positive_weight: float
    average: float
    stages: list[Stage]
    reservoir: int
    workers: int
    validate_minutes: float
    validation_blocks: int
    patience: int
    banks: Path
    excerpts: str | None
    exclude_excerpts: list[str]
    train_on: list[Instrument]
    validate_on: list[Instrument]


def load_config(overrides: list[str]) -> Config:
    """Compose the Hydra config with overrides. Raises ValueError for unknown keys and values."""
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(Path(__file__).parent.absolute()), version_base="1.3"):
            tree = OmegaConf.to_container(compose("timbre_trap", overrides=overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(f"{_WHERE}{_hydra_reason(error)}") from None
    assert isinstance(tree, dict)
    values: dict[str, Any] = {field.name: tree[field.name] for field in fields(Config)}
    values["output"], values["banks"] = Path(values["output"]), Path(values["banks"])
    kinds = {"stages": Stage, "train_on": Instrument, "validate_on": Instrument}
    for key, kind in kinds.items():
        values[key] = [_made(key, kind, item) for item in values[key]]
        if not values[key]:
            raise ValueError(f"{_WHERE}{key}: got an empty list, expected at least one")
    config = Config(**values)
    _check(config)
    return config


def _hydra_reason(error: Exception) -> str:
    """Hydra's complaint in one line; near matches for a mistyped key."""
    text = str(error)
    found = re.search(r"Could not override '([^']+)'", text)
    if found is None:
        return " ".join(text.split())
    known = [field.name for field in fields(Config)]
    return f"got unknown key {found[1]!r}{near(found[1], known) or listing(known)}"


def _made(key: str, kind: type[Stage | Instrument], item: Any) -> Any:
    """A stage or an instrument from its node."""
    known = {field.name: field.default is MISSING for field in fields(kind)}
    if not isinstance(item, dict):
        raise ValueError(f"{_WHERE}{key}: got {item!r}, expected {{{', '.join(known)}}}")
    check_known(f"{_WHERE}{key}", map(str, item), known)
    for name, required in known.items():
        if required and name not in item:
            raise ValueError(f"{_WHERE}{key}: got {item} without {name}, expected it")
    return kind(**item)


def _check(config: Config) -> None:
    """Refuse values that would fail in the middle of a training, or spoil it in silence."""
    check_choice(f"{_WHERE}precision", config.precision, PRECISIONS)
    check_choice(f"{_WHERE}device", config.device, ("auto", "cpu", "cuda"))
    for key in _FLAGS:
        check_flag(f"{_WHERE}{key}", getattr(config, key))
    for key in _COUNTS:
        check_count(f"{_WHERE}{key}", getattr(config, key))
    for key, (low, high) in _RANGES.items():
        check_range(f"{_WHERE}{key}", getattr(config, key), low, high)
    for key in ("steps", "seed", "workers"):
        if type(getattr(config, key)) is not int:
            raise ValueError(f"{_WHERE}{key}: got {getattr(config, key)}, expected a whole number")
    if config.steps == 0 and config.minutes == 0:
        raise ValueError(f"{_WHERE}got neither minutes nor steps, set one above 0")
    for stage in config.stages:
        check_range(f"{_WHERE}stages: until", stage.until, 0, 1)
        for key in ("stride", "crops", "fresh"):
            check_count(f"{_WHERE}stages: {key}", getattr(stage, key))
        if BLOCK_FRAMES % stage.stride:
            expected = f"expected a divisor of {BLOCK_FRAMES}"
            raise ValueError(f"{_WHERE}stages: stride: got {stage.stride}, {expected}")
        check_range(f"{_WHERE}frames", config.frames, 1, BLOCK_FRAMES // stage.stride, "in a stage")
    ends = [stage.until for stage in config.stages]
    if ends != sorted(ends):
        raise ValueError(f"{_WHERE}stages: until: got {ends}, expected shares that ascend")
