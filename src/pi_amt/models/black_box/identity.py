"""By what rows of a black box are found again: what can be read of it, and its ``fingerprint``.

Of a function this is the text of its file, and what it takes from outside: what it closes over and
the objects of its module that it names, such as a network. Of a command it is its text, its
program's file, every file that it names, and the version of the Python package that installed the
program. What these load in turn is not looked at, so that whoever changes weights behind them gives
another ``fingerprint``.

Where even the program says nothing, as Python does of ``python -m tool``, or a function has no
source, the identity says that it is unreadable.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from pi_amt.core.audio import content_hash
from pi_amt.core.contents import Unreadable, contents_digest
from pi_amt.core.hashing import digest
from pi_amt.models.transcriber import ModelIdentity

#: programs that run what their arguments say
_LAUNCHERS = re.compile(
    r"(python|pypy|perl|ruby|node|php|lua|java|julia|Rscript|octave|matlab|sh|bash|dash|zsh|fish|env"
    r"|nice|timeout|xvfb-run|wine|docker|podman|apptainer|singularity|conda|mamba|micromamba|uv|uvx"
    r"|pipx|npx|ssh)[\d.]*(\.exe)?"
)


def name_of(words: Sequence[str]) -> str:
    """What a command is called: its program, or the file that this runs."""
    program = Path(words[0]).name
    files = [Path(word).stem for word in words[1:] if Path(word).is_file()]
    return files[0] if files and _LAUNCHERS.fullmatch(program) else program


def identity_of_command(
    name: str, words: Sequence[str], fingerprint: object, settings: Mapping[str, Any]
) -> ModelIdentity:
    """The identity of a command, whose first word is the path of its program."""
    program = Path(words[0])
    text = [program.name, *words[1:]]
    files = {
        word: content_hash(path)
        for word in words[1:]
        for path in (Path(word), Path(word.partition("=")[2]))
        if path.is_file()
    }
    package = _package_of(program)
    launches = _LAUNCHERS.fullmatch(program.name) is not None
    own = None if launches else content_hash(program)
    unknown = launches and not files and fingerprint is None
    return ModelIdentity(
        name=name,
        weights_sha256=digest([text, own, package, files, _text(fingerprint)]),
        weights_label=_label("program", package or "hash of its file", fingerprint),
        settings={"command": text, **settings},
        unreadable=f"what {program.name} runs" if unknown else "",
    )


def identity_of_function(
    name: str, function: Callable[..., Any], fingerprint: object, settings: Mapping[str, Any]
) -> ModelIdentity:
    """The identity of a function, or of an object that can be called."""
    unreadable, contents = "", []
    try:
        contents = list(_contents(function, name, set()))
    except Unreadable as error:
        if fingerprint is None:
            unreadable = str(error)
    return ModelIdentity(
        name=name,
        weights_sha256=digest([contents, _text(fingerprint)]),
        weights_label=_label("function", "hash of its source", fingerprint),
        settings=settings,
        unreadable=unreadable,
    )


def _text(fingerprint: object) -> str | None:
    return None if fingerprint is None else str(fingerprint)


def _label(what: str, told_by: str, fingerprint: object) -> str:
    return f"{what} ({told_by if fingerprint is None else f'fingerprint {fingerprint}'})"


def _package_of(program: Path) -> str:
    """``transkun 2.0.1`` if that package put the program into its Python environment.

    Such a program is a few lines that stay the same in every version.
    """
    places = [str(path) for path in program.parent.parent.glob("lib/python3*/site-packages")]
    for package in metadata.distributions(path=places) if places else ():
        for point in package.entry_points:
            if point.group == "console_scripts" and point.name == program.stem:
                return f"{package.metadata['Name']} {package.version}"
    return ""


def _contents(function: Any, name: str, met: set[int]) -> Iterator[str]:
    """Texts that tell a function from others: its own, and of the functions beside it that it
    calls, each once."""
    if id(function) in met:
        return
    met.add(id(function))
    if isinstance(function, partial):
        yield from _contents(function.func, name, met)
        yield contents_digest((function.args, function.keywords), name)
    elif isinstance(function, MethodType):
        yield from _contents(function.__func__, name, met)
        yield from _contents(function.__self__, name, met)
    elif isinstance(function, FunctionType):
        yield _source(function, name)
        yield contents_digest((function.__defaults__, function.__kwdefaults__), name)
        for key, value in sorted(_taken_from_outside(function).items()):
            if isinstance(value, FunctionType) and _folder(value) == _folder(function):
                yield from _contents(value, name, met)
            elif not isinstance(value, type | ModuleType):
                yield f"{key} {contents_digest(value, f'{name}: {key}')}"
    else:
        yield _source(type(function), name)
        yield contents_digest(function, name)
        yield from _contents(type(function).__call__, name, met)


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


def _folder(function: FunctionType) -> Path:
    return Path(function.__code__.co_filename).parent


def _source(written: Any, name: str) -> str:
    """sha256 of the file in which something is written; of its own text where there is no file."""
    try:
        path = inspect.getsourcefile(written)
        if path is not None and Path(path).is_file():
            return content_hash(path)
        return hashlib.sha256(inspect.getsource(written).encode()).hexdigest()
    except (OSError, TypeError):
        raise Unreadable(f"{name} (it has no source)") from None
