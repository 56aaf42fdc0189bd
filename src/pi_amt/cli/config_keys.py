"""The names in the configuration, to tell a mistyped key from an unusual one."""

from __future__ import annotations

from functools import cache
from typing import Any

from omegaconf import OmegaConf

from pi_amt.cli.options import CONF
from pi_amt.core.checks import near


def names_in(group: str) -> list[str]:
    """The names that can be chosen in a config group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@cache
def known_keys() -> tuple[str, ...]:
    """All keys of the configuration, for near matches of a mistyped one."""
    keys = set(_keys(OmegaConf.load(CONF / "config.yaml"), ""))
    for path in CONF.glob("*/*.yaml"):
        group = path.parent.name
        keys |= {group, f"{group}={path.stem}", *_keys(OmegaConf.load(path), f"{group}.")}
    return tuple(sorted(keys))


def unknown_key(key: str) -> str:
    """Message for a key that the configuration does not have, or does not have with these choices.

    A sweep is composed with the default of each swept group first, so that a key which only
    another choice has is missing there, too.
    """
    if key in known_keys():
        group = key.partition(".")[0]
        return (
            f"{key}: the chosen {group} has no such option, or not every {group} of the sweep has "
            f"it; use one command per {group}"
        )
    hint = near(key, known_keys()) or "; `pi-amt run --help` explains all keys"
    return f"got unknown key {key!r}{hint}"


def _keys(node: Any, prefix: str) -> set[str]:
    found: set[str] = set()
    for key in node:
        found.add(f"{prefix}{key}")
        if OmegaConf.is_dict(node) and not OmegaConf.is_missing(node, key):
            child = node._get_node(key)
            if OmegaConf.is_dict(child):
                found |= _keys(child, f"{prefix}{key}.")
    return found
