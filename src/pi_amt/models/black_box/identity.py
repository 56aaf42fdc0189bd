"""By what rows of a black box are found again: what can be read of it, and its ``fingerprint``.

Of a function this is what :func:`pi_amt.core.contents.texts_of_function` reads. Of a command it is
its text, its program's file, every file that it names, and the version of the Python package that
installed the program. What these load in turn is not looked at, so that whoever changes weights
behind them gives another ``fingerprint``.

Where even the program says nothing, as Python does of ``python -m tool``, or a function has no
source, the identity says that it is unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pi_amt.core.audio import content_hash
from pi_amt.core.contents import readable, texts_of_function
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
    contents, unreadable = readable(texts_of_function(function, name))
    return ModelIdentity(
        name=name,
        weights_sha256=digest([contents, _text(fingerprint)]),
        weights_label=_label("function", "hash of its source", fingerprint),
        settings=settings,
        unreadable=unreadable if fingerprint is None else "",
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
