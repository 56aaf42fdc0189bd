"""Values of ``key=value`` overrides as Hydra reads them."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

#: what Hydra finds installed plug-ins by
PLUG_INS = "pi-amt-plug-ins://"


def quoted(value: str) -> str:
    """A value as Hydra reads it from an override, whatever characters it has."""
    # a backslash means something to Hydra only where a quote follows, the closing one included
    doubled = re.sub(r"(\\+)(?='|\Z)", r"\1\1", value)
    return "'" + doubled.replace("'", "\\'") + "'"


def with_home(override: str) -> str:
    """An override in which ``~/`` at the beginning of a value is replaced by the home folder."""
    key, _, text = override.partition("=")
    given = re.fullmatch(r"(['\"])(~/.*)\1", text)
    values = [given[2]] if given else text.split(",")
    if not any(value == "~" or value.startswith("~/") for value in values):
        return override
    return f"{key}={','.join(quoted(os.path.expanduser(value)) for value in values)}"


def with_command(override: str) -> str:
    """An override of ``model.command`` or its ``columns``, in which no character means anything to
    Hydra, neither braces nor commas."""
    given = re.fullmatch(r"(\+*model\.(?:command|columns))=(.*)", override, re.DOTALL)
    if given is None or re.fullmatch(r"(['\"]).*\1|null|", given[2], re.DOTALL):
        return override
    return f"{given[1]}={quoted(given[2])}"


def with_folder(override: str) -> str:
    """An override of a folder in which names such as ``2024_05``, ``1.10`` and ``true`` stay text.

    Hydra would read numbers, in which it passes over ``_``, and truth values.
    """
    given = re.fullmatch(r"(\+*(?:results_dir|dataset\.data_folder))=([^'\"]*)", override)
    if given is None:
        return override
    other = re.compile(r"[+-]?\d[\d_.]*(e[+-]?\d+)?|true|false|nan|[+-]?inf", re.IGNORECASE)
    values = given[2].split(",")
    return f"{given[1]}={','.join(quoted(v) if other.fullmatch(v) else v for v in values)}"


def with_plug_ins(override: str) -> str:
    """An override of the search path for configs, with installed plug-ins at its end."""
    given = re.fullmatch(r"(\+*hydra\.searchpath)=\[(.*)\]", override)
    if given is None:
        return override
    folders = [folder for folder in (given[2].strip().rstrip(","), PLUG_INS) if folder]
    return f"{given[1]}=[{','.join(folders)}]"


def options_of(pairs: Sequence[str], flag: str = "--option") -> dict[str, Any]:
    """The options that ``--option KEY=VALUE`` or another flag gives, values as YAML reads them.

    What YAML cannot read stays text, and so does what is a mapping only by chance: ``tool {wav}``,
    ``{wav}``, ``file.py:``.

    Raises:
        ValueError: for one without a value.
    """
    options = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"{flag}: got {pair!r}, expected KEY=VALUE")
        options[key] = _value(text)
    return options


def options_of_model(options: Namespace) -> dict[str, Any]:
    """What ``--weights``, ``--device`` and ``--option`` say of a model, for its loader.

    Raises:
        ValueError: for an option without a value.
    """
    common = {"weights": options.weights, "device": options.device}
    return {**common, **options_of(options.option)}


def _value(text: str) -> Any:
    """A value as YAML reads it, or its text."""
    from omegaconf import OmegaConf
    from yaml import YAMLError

    try:
        node: Any = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))
    except YAMLError:
        return text
    value = node["value"]
    if isinstance(value, dict) and (not text.startswith("{") or None in value.values()):
        return text
    return value
