"""Errors as one plain line, without a stack; Hydra's messages in this program's words."""

from __future__ import annotations

import errno
import re
import shlex

from pi_amt.cli.overrides import quoted
from pi_amt.core.checks import near, unknown


def one_line(error: BaseException) -> str:
    """The reason of an error and what to do; near matches for a mistyped key or name."""
    if isinstance(error, OSError) and error.errno and error.filename:
        advice = "check that it is there, writable and has space, or choose another place"
        if error.errno == errno.ENAMETOOLONG:
            advice = "choose a shorter name"
        return f"cannot use {error.filename}: {error.strerror}; {advice}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.strerror}: make room where results are written, or choose another place"
    if type(error).__name__ == "InstantiationException" and error.__cause__ is not None:
        error = error.__cause__  # what the called function said, without Hydra's frame around it
    text = " | ".join(_reasons(error)[:2]) or type(error).__name__
    if _is_hydra(error):
        return (
            _unreadable(error)
            or _missing_value(text)
            or _unknown_key(text)
            or _unknown_choice(text)
            or text
        )
    if isinstance(error, OSError | ValueError | RuntimeError):
        return text
    return f"{type(error).__name__}: {text}"


def _reasons(error: BaseException) -> list[str]:
    """What an error and its causes say, repetitions left out."""
    seen: list[str] = []
    current: BaseException | None = error
    while current is not None:
        text = " ".join(str(current).split())
        if text and not any(text in s for s in seen):
            seen.append(text)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return seen


def _is_hydra(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("hydra", "omegaconf")


def _unreadable(error: BaseException) -> str:
    """Hydra's complaint about an override that it cannot parse; else nothing."""
    override = getattr(error, "override", None)
    if type(error).__name__ != "OverrideParseException" or not override:
        return ""
    key, _, value = str(override).partition("=")
    advice = f"{key}={quoted(value)}"
    # easier to read than shlex's quotes, where the shell reads nothing into it
    advice = shlex.quote(advice) if set(advice) & set('$`"\\!') else f'"{advice}"'
    return (
        f"cannot read {override!r}: give values with ( ) = , # ' and the like quotes of their own, "
        f"{advice}"
    )


def _missing_value(text: str) -> str:
    """OmegaConf's complaint about a key that must be given; else nothing."""
    found = re.search(r"Missing mandatory value: (\S+)", text)
    return f"got no {found[1]}, expected one: set {found[1]}=…" if found else ""


def _unknown_key(text: str) -> str:
    """Hydra's complaint about an override of a key that is not there; else nothing.

    Hydra advises to add the key with ``+``, which helps nobody who mistyped it.
    """
    found = re.search(r"Could not override '([^']+)'", text)
    if found is None:
        return ""
    from pi_amt.cli.config_keys import unknown_key

    return unknown_key(found[1])


def _unknown_choice(text: str) -> str:
    """Hydra's complaint about a choice that a config group does not have; else nothing."""
    found = re.search(r"Could not find '([^']+)/([^'/]+)'", text)
    if found is None:
        return ""
    group, name = found.groups()
    listed = re.search(r"Available options in '[^']+': (.*?) Config search path", text)
    if listed is None:
        from pi_amt.cli.config_keys import known_keys

        return f"got unknown group {group!r}{near(group, known_keys())}"
    return unknown(group, name, listed[1].split())
