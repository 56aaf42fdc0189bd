"""Options of the training, composed by Hydra from conf/train/timbre_trap.yaml and checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pi_amt.config_keys import CONF
from pi_amt.models.devices import PRECISIONS
from pi_amt.options import check_choice
from pi_amt.training.banks import Instrument
from pi_amt.training.stream import Stage


@dataclass(frozen=True)
class Config:
    """The options of conf/train/timbre_trap.yaml, checked."""

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
        with initialize_config_dir(str(CONF / "train"), version_base="1.3"):
            tree = OmegaConf.to_container(compose("timbre_trap", overrides=overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(f"train timbre_trap: {error}") from error
    assert isinstance(tree, dict)
    values: dict[str, Any] = {field.name: tree[field.name] for field in fields(Config)}
    values["output"], values["banks"] = Path(values["output"]), Path(values["banks"])
    values["stages"] = [Stage(**stage) for stage in values["stages"]]
    for key in ("train_on", "validate_on"):
        values[key] = [Instrument(**instrument) for instrument in values[key]]
    config = Config(**values)
    check_choice("train timbre_trap: precision", config.precision, PRECISIONS)
    check_choice("train timbre_trap: device", config.device, ("auto", "cpu", "cuda"))
    if config.steps <= 0 and config.minutes <= 0:
        raise ValueError("train timbre_trap: got neither minutes nor steps, set one above 0")
    return config
