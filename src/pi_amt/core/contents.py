"""What an object holds, as one hash that is the same in every process.

Two models of one class differ in what they hold, wherever it is: in private attributes, in objects
of other packages, in closures. An object counts by what ``pickle`` would keep of it, its own
attributes and theirs in turn; arrays, tensors and torch modules count by their values. Three things
do not count, because they change without changing an answer:

* a private attribute with ``cache`` in its name, and what ``functools.cached_property`` keeps;
* the device on which values lie;
* where in memory an object is.

A function that something *holds* counts by its name where it can be found by it, as for ``pickle``:
a program that is installed. A function that *is* the model is what may change between two runs, so
it counts by its source (:func:`texts_of_function`).

What ``pickle`` cannot keep, a session of another library or an open file, has no contents that can
be read: :class:`Unreadable`.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from functools import cached_property, partial
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from pi_amt.core.audio import content_hash
from pi_amt.core.hashing import stable_text

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_ARRAYS = (np.ndarray, np.generic, torch.Tensor)
#: the protocol of pickle whose account of an object is read
_PROTOCOL = 4
_OF_EVERY_MODULE = frozenset(vars(torch.nn.Module()))


class Unreadable(ValueError):
    """Something has no contents by which it could be told apart; the message names it."""


def attributes(value: object) -> dict[str, Any]:
    """The attributes of an object that count, from its ``__dict__`` and its slots."""
    slots = (
        name
        for kind in type(value).__mro__
        for name in _listed(vars(kind).get("__slots__", ()))
        if not name.startswith("__") and hasattr(value, name)
    )
    found = dict(getattr(value, "__dict__", {})) | {name: getattr(value, name) for name in slots}
    if isinstance(value, torch.nn.Module):
        found = {name: one for name, one in found.items() if name not in _OF_EVERY_MODULE}
    return _counted(found, type(value))


def is_told_by_text(value: object) -> bool:
    """Whether :func:`~pi_amt.core.hashing.stable_text` tells everything about a value."""
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    if isinstance(value, Mapping):
        return all(map(is_told_by_text, (*value, *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_told_by_text, value))
    if isinstance(value, torch.nn.Module):
        buffers = {name for name, _ in value.named_buffers()}
        return buffers <= set(value.state_dict()) and not any(_held_besides(value).values())
    return isinstance(value, (*_PLAIN, *_ARRAYS, PurePath, torch.device, torch.dtype, np.dtype))


def contents_digest(value: object, name: str) -> str:
    """sha256 of what a value holds.

    Args:
        value: anything.
        name: what messages call it.

    Raises:
        Unreadable: if a part of it cannot be read.
    """
    reader = _Reader()
    try:
        reader.take(value, name)
    except RuntimeError:  # nested too deeply, or a tensor without dense values
        raise Unreadable(name) from None
    return reader.hash.hexdigest()


def _listed(slots: str | tuple[str, ...]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _held_besides(module: torch.nn.Module) -> dict[str, dict[str, Any]]:
    """Name of each part that is no class of torch → its attributes that are no weights."""
    return {
        name: attributes(part)
        for name, part in module.named_modules()
        if not type(part).__module__.startswith("torch.")
    }


def _counted(found: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The attributes of an object of this class without what it only remembers."""
    return {
        name: value
        for name, value in found.items()
        if not (name.startswith("_") and "cache" in name.lower())
        and not isinstance(inspect.getattr_static(kind, name, None), cached_property)
    }


class _Reader:
    """Goes through a value, each object once, and hashes what it meets."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self._met: dict[int, tuple[int, object]] = {}  # holds them, lest an id is given twice

    def say(self, *told: object) -> None:
        self.hash.update(f"{told!r}\n".encode(errors="backslashreplace"))

    def take(self, value: Any, name: str) -> None:
        """Hash one value; ``name`` says where it was met."""
        if type(value) in _PLAIN:
            self.say(type(value).__name__, value)
        elif isinstance(value, torch.device):
            pass
        elif isinstance(value, Enum):
            self.say(_called(type(value)), value.name)
        elif isinstance(value, type | ModuleType | BuiltinFunctionType | PurePath):
            self._take_named(value, name)
        elif id(value) in self._met:
            self.say("again", self._met[id(value)][0])
        else:
            self._met[id(value)] = (len(self._met), value)
            self._take_new(value, name)

    def _take_named(self, value: Any, name: str) -> None:
        if isinstance(value, PurePath):
            self.say("path", str(value))
            return
        self.say("name", _called(value))
        owner = getattr(value, "__self__", None)
        if owner is not None and not isinstance(owner, type | ModuleType):
            self.take(owner, name)

    def _take_new(self, value: Any, name: str) -> None:
        """What is no plain value and was not met before."""
        if isinstance(value, torch.nn.Module):
            self._take_module(value, name)
        elif isinstance(value, np.generic):
            self.say(str(value.dtype), value.item())
        elif isinstance(value, _ARRAYS) and is_told_by_text(value):
            self.say(stable_text(value))
        elif isinstance(value, np.ndarray):
            self.say("objects", value.shape)
            self._take_all(value.ravel().tolist(), name)
        elif type(value) is dict:
            self.say("dict", len(value))
            for key, item in value.items():
                self.take(key, name)
                self.take(item, f"{name}[{key!r}]")
        elif type(value) in (list, tuple):
            self.say(type(value).__name__, len(value))
            self._take_all(value, name)
        elif isinstance(value, set | frozenset):  # stands in another order in every process
            self.say("set", sorted(contents_digest(item, name) for item in value))
        elif isinstance(value, FunctionType):
            self._take_function(value, name)
        elif isinstance(value, MethodType):
            self._take_all((value.__func__, value.__self__), name)
        else:
            self._take_object(value, name)

    def _take_all(self, values: Any, name: str) -> None:
        for number, value in enumerate(values):
            self.take(value, f"{name}[{number}]")

    def _take_module(self, module: torch.nn.Module, name: str) -> None:
        """Structure, weights and buffers, and what its parts hold besides."""
        self.say(stable_text(module), stable_text(dict(module.named_buffers())))
        for place, held in _held_besides(module).items():
            self.take(held, f"{name}.{place}" if place else name)

    def _take_function(self, function: FunctionType, name: str) -> None:
        """Its name where it can be found by it, else its code and what it closes over."""
        self.say("function", _called(function))
        module = sys.modules.get(function.__module__)
        if function.__module__ != "__main__" and (
            getattr(module, function.__qualname__, None) is function
        ):
            return
        try:
            self.say(inspect.getsource(function))
        except (OSError, TypeError):
            self.say(function.__code__.co_code, function.__code__.co_names)
            self.say([one for one in function.__code__.co_consts if type(one) in _PLAIN])
        given = (function.__defaults__, function.__kwdefaults__)
        self._take_all((*given, *_closed_over(function)), name)

    def _take_object(self, value: Any, name: str) -> None:
        """What pickle would keep of it."""
        kind = type(value)
        self.say("object", _called(kind))
        try:
            kept = value.__reduce_ex__(_PROTOCOL)
        except Exception:
            raise Unreadable(f"{name} ({kind.__name__})") from None
        if isinstance(kept, str):
            self.say(kept)
            return
        maker, arguments, *rest = kept
        self.take(maker, name)
        self.take(arguments, name)
        for part in rest:
            if isinstance(part, Iterator):
                self._take_all(part, name)
                continue
            # of an object with slots: its __dict__ and its slots
            for state in part if isinstance(part, tuple) and len(part) == 2 else (part,):
                if type(state) is not dict or not all(isinstance(key, str) for key in state):
                    self.take(state, name)
                    continue
                for key, item in _counted(state, kind).items():
                    self.say(key)
                    self.take(item, f"{name}.{key}")


def _called(value: Any) -> str:
    name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
    return f"{getattr(value, '__module__', '')}.{name}"


def _closed_over(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            yield cell.cell_contents


def is_sent_whole(value: Any) -> bool:
    """Whether the code of a function or an object travels to another process with all that it names
    from outside: what stands in the program or notebook that was started. All other code is sent by
    the name of its module, which each process imports anew."""
    if isinstance(value, partial):
        return is_sent_whole(value.func)
    if isinstance(value, MethodType):
        return is_sent_whole(value.__self__)
    if not isinstance(value, FunctionType | type):
        value = type(value)
    return bool(value.__module__ == "__main__")


def readable(texts: Iterator[str]) -> tuple[list[str], str]:
    """Texts until one cannot be read, and what that is; empty where all can be."""
    found: list[str] = []
    try:
        found.extend(texts)
    except Unreadable as error:
        return found, str(error)
    return found, ""


def texts_of_function(function: Any, name: str, met: set[int] | None = None) -> Iterator[str]:
    """Texts that tell a function from others: the hash of its file, and what it takes from outside.

    That is what it closes over and the objects of its module that it names, such as a network, and
    the same of the functions beside it that it calls, each once. A decorator of another package,
    such as ``torch.no_grad``, is looked through. Of classes and modules beside it that it names,
    and of the classes of objects, the file counts.

    Args:
        function: a function or method, a ``partial`` of one, or an object that can be called.
        name: what messages call it.
        met: ids of the functions that were read already.

    Raises:
        Unreadable: if a part of it cannot be read, or there is no source.
    """
    met = set() if met is None else met
    if id(function) in met:
        return
    met.add(id(function))
    if isinstance(function, partial):
        yield from texts_of_function(function.func, name, met)
        yield contents_digest((function.args, function.keywords), name)
    elif isinstance(function, MethodType):
        yield from texts_of_function(function.__func__, name, met)
        yield from texts_of_function(function.__self__, name, met)
    elif _is_decorated_elsewhere(function):
        yield from texts_of_function(function.__wrapped__, name, met)
    elif isinstance(function, FunctionType):
        yield _source(function, name)
        yield contents_digest((function.__defaults__, function.__kwdefaults__), name)
        yield from _texts_from_outside(function, name, met)
    else:
        yield _source(type(function), name)
        yield contents_digest(function, name)
        yield from texts_of_class(type(function), name, met)


def texts_of_class(kind: type, name: str, met: set[int] | None = None) -> Iterator[str]:
    """Texts that tell a class from others of the same source: the files of its base classes that
    stand in its folder, and what its methods and theirs take from outside, see
    :func:`texts_of_function`.

    Raises:
        Unreadable: if a part of it cannot be read.
    """
    met = set() if met is None else met
    for base in kind.__mro__:
        if base is not kind and not _is_beside(base, kind):
            continue
        if base is not kind:
            yield _source(base, name)
        for function in _methods(base):
            if function.__defaults__ or function.__kwdefaults__:
                yield contents_digest((function.__defaults__, function.__kwdefaults__), name)
            yield from _texts_from_outside(function, name, met)


def source_of_class(kind: type, name: str) -> str:
    """The text of a class; that of its methods where it stands in the cell of a notebook.

    Raises:
        Unreadable: if it was typed or piped into Python, so that there is no text.
    """
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        pass
    try:
        return "\n".join([kind.__qualname__, *map(inspect.getsource, _methods(kind))])
    except (OSError, TypeError):
        raise Unreadable(f"{name} (it has no source)") from None


def _texts_from_outside(function: FunctionType, name: str, met: set[int]) -> Iterator[str]:
    """Texts of what a function closes over or takes from its module."""
    for key, value in sorted(_taken_from_outside(function).items()):
        helper = _undecorated(value)
        if isinstance(helper, FunctionType) and _is_beside(helper, function):
            yield from texts_of_function(value, name, met)
        elif not isinstance(value, type | ModuleType):
            yield f"{key} {contents_digest(value, f'{name}: {key}')}"
            parts = value.modules() if isinstance(value, torch.nn.Module) else [value]
            kinds = {_called(kind): kind for kind in map(type, parts) if _is_beside(kind, function)}
            for called, kind in sorted(kinds.items()):
                yield f"{called} {_source(kind, name)}"
        elif _is_beside(value, function):
            yield f"{key} {_source(value, name)}"


def _is_decorated_elsewhere(function: Any) -> bool:
    """Whether a decorator that stands in another folder is around a function."""
    own = _undecorated(function)
    return own is not function and isinstance(own, FunctionType) and not _is_beside(function, own)


def _undecorated(value: Any) -> Any:
    """What ``functools.wraps`` says that a value stands around; else the value."""
    try:
        return value if isinstance(value, type) else inspect.unwrap(value)
    except ValueError:  # an object that answers to every name
        return value


def _methods(kind: type) -> list[FunctionType]:
    """The functions that stand in a class, without what is around them, in order."""
    found = []
    for value in vars(kind).values():
        own = _undecorated(value.fget if isinstance(value, property) else value)
        if isinstance(own, FunctionType):
            found.append(own)
    return found


def _taken_from_outside(function: FunctionType) -> dict[str, Any]:
    """What a function closes over, and the objects of its module that it names.

    What it sets itself, as one that loads its network when it is first called, is left out: it
    would be another thing after the call than before.
    """
    read, written = set(), set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL":
                read.add(step.argval)
            elif step.opname == "STORE_GLOBAL":
                written.add(step.argval)
    known = function.__globals__
    return {
        **{key: known[key] for key in read - written if key in known},
        **inspect.getclosurevars(function).nonlocals,
    }


def _folder(written: Any) -> Path | None:
    """The folder of the file in which something is written; ``None`` where there is none."""
    if isinstance(written, FunctionType):
        return Path(written.__code__.co_filename).parent
    try:
        return Path(inspect.getfile(written)).parent
    except (OSError, TypeError):  # a class in a notebook has no file, but its methods have cells
        methods = _methods(written) if isinstance(written, type) else []
        return _folder(methods[0]) if methods else None


def _is_beside(one: Any, other: Any) -> bool:
    """Whether two functions, classes or modules stand in one folder."""
    folder = _folder(one)
    return folder is not None and folder == _folder(other)


def _source(written: Any, name: str) -> str:
    """sha256 of the file in which something is written; of its own text where there is no file."""
    try:
        path = inspect.getsourcefile(written)
        if path is not None and Path(path).is_file():
            return content_hash(path)
        text = inspect.getsource(written)
    except (OSError, TypeError):
        if not isinstance(written, type):
            raise Unreadable(f"{name} (it has no source)") from None
        text = source_of_class(written, name)
    return hashlib.sha256(text.encode()).hexdigest()
