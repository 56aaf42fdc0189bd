"""A function as a listener: ``(samples, sample_rate) → Notes``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pi_amt.core.contents import is_sent_whole
from pi_amt.core.errors import NotReady
from pi_amt.core.units import Samples
from pi_amt.models.black_box.black_box import BlackBox
from pi_amt.models.black_box.identity import identity_of_function
from pi_amt.models.transcriber import ModelIdentity

#: names of parameters that take the name of a file; a ``wav`` or ``waveform`` may be samples
_OF_FILES = re.compile(r"path|file|uri", re.IGNORECASE)
_FOR_FILES = (
    "put a function around it that writes the samples to a file (docs/black-box.md shows one), or "
    "run it as a program with model=command"
)


class Function(BlackBox):
    """A function of one's own, or any object that can be called like one.

    Args:
        function: takes samples ``(samples,)`` float32 and their rate in Hz and returns
            :class:`pi_amt.Notes`; or where it is: ``module.name``, ``package.module:name`` or
            ``path/to/file.py:name``.
        fingerprint: a text that changes whenever its answers may, such as the name of a file of
            weights. Its source and the objects that it holds count by themselves.
        label: what the model is called in tables; ``None``: the name of the function.
        sample_rate, gain_db, late_ms: see :class:`BlackBox`.

    Raises:
        ValueError: if there is no such function.
    """

    def __init__(
        self,
        function: str | Callable[..., Any] | None = None,
        fingerprint: str | None = None,
        label: str | None = None,
        sample_rate: int | None = None,
        gain_db: float = 0.0,
        late_ms: float = 0.0,
    ) -> None:
        found = _loaded(function) if isinstance(function, str) else function
        if not callable(found) or isinstance(found, type):
            raise NotReady(
                f"model.function: got {function!r}, expected a function (samples, sample_rate) → "
                "pi_amt.Notes, such as my_module.transcribe or file.py:transcribe"
            )
        name = label or str(getattr(found, "__name__", type(found).__name__))
        self._first = _first_parameter(found)
        self._place = function if isinstance(function, str) else ""
        super().__init__(name, sample_rate, gain_db, late_ms)
        self.function = found
        self._fingerprint = fingerprint
        self.identity = identity_of_function(name, found, fingerprint, self.settings)

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it; see :meth:`pi_amt.Transcriber.identity_here`."""
        if is_sent_whole(self.function):
            return self.identity
        return identity_of_function(self.name, self.function, self._fingerprint, self.settings)

    def __repr__(self) -> str:
        return f"Function({self.name})"

    def __getstate__(self) -> dict[str, Any]:
        # by where it is: no other process can import the module of a file by its name
        return vars(self) | ({"function": self._place} if self._place else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._place:
            self.function = _loaded(self._place)

    def answer(self, samples: Samples, sample_rate: int) -> object:
        """What the function returns.

        Raises:
            RuntimeError: if it wants to end the program.
            TypeError: if it fails and seems to expect a file.
        """
        try:
            return self.function(samples, sample_rate)
        except SystemExit as error:
            raise RuntimeError(f"{self.name} left with sys.exit({error.code!r})") from error
        except Exception as error:
            if not _OF_FILES.search(self._first):
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise TypeError(
                f"{self.name}: failed ({reason:.200}), got samples as {self._first!r}, which may "
                f"be meant for a file: {_FOR_FILES}"
            ) from error


def _first_parameter(function: Callable[..., Any]) -> str:
    """The name of a function's first parameter, empty where Python does not know it.

    Raises:
        ValueError: if the function cannot be called with samples and a rate.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # written in another language
        return ""
    try:
        signature.bind(np.zeros(1, dtype=np.float32), 44_100)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise ValueError(
            f"model.function: got {name}{signature}, which cannot be called with samples and their "
            f"rate ({error}), expected a function (samples, sample_rate) → pi_amt.Notes; one that "
            f"reads a file: {_FOR_FILES}"
        ) from None
    return next(iter(signature.parameters))


def _loaded(place: str) -> Any:
    """What stands at ``module.name``, ``package.module:name`` or ``file.py:name``.

    Raises:
        ValueError: if nothing does.
    """
    where, _, name = place.rpartition(":" if ":" in place else ".")
    if place.endswith(".py"):  # a file, whose suffix would pass for the function's name
        where, name = place, ""
    if not (where and name):
        raise ValueError(
            f"model.function: got {place!r}, expected both where the function is and its name, "
            f"such as {where or 'my_module'}{':' if where.endswith('.py') else '.'}transcribe"
        )
    is_file = where.endswith(".py")
    try:
        module = _module(Path(where).expanduser().resolve()) if is_file else import_module(where)
        return getattr(module, name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(f"model.function: cannot load {place} ({why})") from error


def _module(path: Path) -> Any:
    """The module in a file, imported once; it may import others from its own folder."""
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))  # last, so that it hides nothing
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
