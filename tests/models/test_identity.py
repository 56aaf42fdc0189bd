"""Rows of one model never come back for another: what of a model counts, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.test_adapter import Mine, Short

import pi_amt
from pi_amt.core.contents import Unreadable, contents_digest
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.permutations.loading import load_permutation


class Holder(Mine):
    """Holds something, in a private attribute unless told otherwise."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        self.__dict__ |= held


@dataclass
class Session:
    """Keeps a network, as a runtime of another library does."""

    weights: list[Any]


class Slotted:
    __slots__ = ("weights",)

    def __init__(self, weights: Any) -> None:
        self.weights = weights


class Gain(torch.nn.Module):
    """Its answer depends on a number that is neither weight nor buffer."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain


def network(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))


def scale_by(factor: float) -> Callable[[float], float]:
    return lambda value: factor * value


def with_itself(value: float) -> list[Any]:
    found: list[Any] = [value]
    found.append(found)
    return found


def identity(**held: Any) -> ModelIdentity:
    return as_transcriber(Holder(**held)).identity


def key(**held: Any) -> tuple[Any, ...]:
    """What of an identity goes into the key of a row."""
    found = identity(**held)
    assert not found.unreadable
    return found.name, found.weights_sha256, found.precision, found.settings


@pytest.mark.parametrize("attribute", ["_net", "net"])
@pytest.mark.parametrize(
    "make",
    [
        network,
        lambda n: Session([network(n)]),
        lambda n: Session([np.array([0.0, n])]),
        lambda n: Slotted(torch.tensor([n])),
        lambda n: {"a": [OrderedDict(b=Session([n]))]},
        lambda n: np.array([Session([n]), None], dtype=object),
        lambda n: {n, n + 100},
        Gain,
        scale_by,
        lambda n: Session([n]).__eq__,
        lambda n: Session(with_itself(n)),
        float,
    ],
)
def test_what_a_model_holds_counts_wherever_it_is(
    make: Callable[[int], Any], attribute: str
) -> None:
    assert key(**{attribute: make(1)}) == key(**{attribute: make(1)})
    assert key(**{attribute: make(1)}) != key(**{attribute: make(2)})


def test_the_weights_of_a_model_that_is_a_torch_module_count() -> None:
    class Network(torch.nn.Module):
        analyze = Mine.analyze
        activations = Mine.activations
        decode = Mine.decode

        def __init__(self, seed: int) -> None:
            super().__init__()
            self.part = network(seed)

    one, same, other = (as_transcriber(Network(seed)).identity for seed in (1, 1, 2))
    assert one == same
    assert one.weights_sha256 != other.weights_sha256


class Alone:
    """Neither its methods nor a base class take anything from outside of it."""

    def __init__(self, **held: Any) -> None:
        self.__dict__ |= held

    def analyze(self, samples: Any, sample_rate: int) -> Any:
        raise NotImplementedError

    def activations(self, spectrogram: Any) -> Any:
        raise NotImplementedError

    def decode(self, activations: Any) -> Any:
        raise NotImplementedError


def test_public_settings_alone_leave_the_hash_that_it_always_was() -> None:
    """The hash of the source, as version 0.1.0 made it; rows are found by it."""
    import hashlib
    import inspect

    held = {"reads": (1, 2), "level": 0.5, "table": np.arange(3), "net": network(0)}
    found = as_transcriber(Alone(changes={}, **held)).identity
    source = inspect.getsource(Alone).encode()
    assert found.weights_sha256 == hashlib.sha256(source).hexdigest()
    assert set(found.settings) == {"changes", "level", "net", "reads", "table"}


class Remembering(Holder):
    @cached_property
    def kernels(self) -> np.ndarray:
        return np.arange(5)


def test_what_is_only_remembered_does_not_count() -> None:
    model = Remembering(_net=network(0))
    before = as_transcriber(model).identity
    model._fft_cache = {512: np.ones(512)}  # type: ignore[attr-defined]
    assert model.kernels is not None
    assert as_transcriber(model).identity == before


def test_the_device_does_not_count() -> None:
    assert key(_where=torch.device("cpu")) == key(_where=torch.device("meta"))


def test_contents_have_the_same_hash_in_every_process() -> None:
    code = (
        "from tests.models.test_identity import *; from pathlib import Path; print(contents_digest("
        "[network(1), Session([{'a', 'b', 'c'}]), scale_by(2), Path('x'), np.float32(1)], 'it'))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(told) == 1


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(Unreadable, match=r"^it\.weights\[1\] \(lock\)$"):
        contents_digest(Session([0, threading.Lock()]), "it")


def importance(model: Any, folder: Path | None) -> pi_amt.Importance:
    shuffle = load_permutation("random", p=1.0)  # of twelve values a tenth may be none
    return pi_amt.importance(model, [Short()], permutations=[shuffle], n_jobs=1, results_dir=folder)


def test_rows_of_a_model_that_cannot_be_told_apart_are_not_kept(tmp_path: Path) -> None:
    model = Holder(_session=Session([threading.Lock()]))
    with pytest.raises(ValueError, match=r"_session.*fingerprint, a text that changes") as caught:
        importance(model, tmp_path)
    assert "\n" not in str(caught.value)
    assert importance(model, None)["random"].n_pieces == 1


def test_a_fingerprint_stands_in_for_contents(tmp_path: Path) -> None:
    def made(fingerprint: str) -> Any:
        return Holder(_session=threading.Lock(), fingerprint=fingerprint)

    importance(made("one"), tmp_path)
    assert importance(made("one"), tmp_path).rows == importance(made("one"), tmp_path).rows
    weights = {as_transcriber(made(name)).identity.weights_sha256 for name in ("one", "one", "two")}
    assert len(weights) == 2
    with pytest.raises(ValueError, match="fingerprint: got 7, expected a text"):
        as_transcriber(Holder(fingerprint=7))


MODEL = """
from beside import Base, find, lib
import beside, torch

THRESHOLD, NET = 0.5, torch.nn.Linear(1, 1)

class Model(Base):
    def activations(self, spectrogram):
        return THRESHOLD, NET

    @torch.no_grad()
    def decode(self, activations):
        return find(activations)

class Calls:
    def __call__(self, samples, rate):
        return self.inner()

    def inner(self):
        return THRESHOLD

@torch.no_grad()
def transcribe(samples, rate):
    return THRESHOLD, NET

def by_function(samples, rate):
    return find(samples)

def by_module(samples, rate):
    return beside.find(samples)

def by_class(samples, rate):
    return Base().analyze(samples, rate)
"""
BESIDE = """
import functools, torch

LEVEL = 1

@torch.no_grad()
def find(samples):
    return LEVEL

@functools.lru_cache
def lib():
    return LEVEL

class Base:
    def analyze(self, samples, sample_rate):
        return LEVEL
"""
CODE = """
import runpy, sys, torch
sys.path.insert(0, sys.argv[1])
torch.manual_seed(0)
import mine
from pi_amt.models.adapter import as_transcriber
model = getattr(mine, sys.argv[2])
print(as_transcriber(model() if isinstance(model, type) else model).identity.weights_sha256)
"""


def sha_in_another_process(folder: Path, name: str) -> str:
    words = [sys.executable, "-c", CODE, str(folder), name]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("Model", "mine.py", "THRESHOLD, NET = 0.5", "THRESHOLD, NET = 0.6"),
        ("Model", "mine.py", "Linear(1, 1)", "Linear(1, 2)"),
        ("Model", "beside.py", "LEVEL = 1", "LEVEL = 2"),
        ("Calls", "mine.py", "THRESHOLD, NET = 0.5", "THRESHOLD, NET = 0.6"),
        ("transcribe", "mine.py", "THRESHOLD, NET = 0.5", "THRESHOLD, NET = 0.6"),
        ("by_function", "beside.py", "LEVEL = 1", "LEVEL = 2"),
        ("by_module", "beside.py", "LEVEL = 1", "LEVEL = 2"),
        ("by_class", "beside.py", "LEVEL = 1", "LEVEL = 2"),
    ],
)
def test_what_a_model_takes_from_files_of_its_folder_counts(
    tmp_path: Path, name: str, file: str, old: str, new: str
) -> None:
    """Through decorators of other packages, base classes, modules and classes as well."""
    texts = {"mine.py": MODEL, "beside.py": BESIDE}
    for place, text in texts.items():
        (tmp_path / place).write_text(text)
    before = sha_in_another_process(tmp_path, name)
    assert sha_in_another_process(tmp_path, name) == before
    (tmp_path / file).write_text(texts[file].replace(old, new))
    assert sha_in_another_process(tmp_path, name) != before


def test_a_class_without_source_asks_for_a_fingerprint() -> None:
    """As one that is piped into Python; its name alone would find the rows of an older text."""
    space: dict[str, Any] = {"__name__": "__main__"}
    text = "class Piped:\n def analyze(s, x, r): 0\n def activations(s, x): 0\n def decode(s, a): 0"
    exec(text, space)
    piped = space["Piped"]()
    assert as_transcriber(piped).identity.unreadable == "Piped (it has no source)"
    piped.fingerprint = "1"
    assert not as_transcriber(piped).identity.unreadable


def test_a_class_in_a_notebook_counts_by_the_cells_of_its_methods() -> None:
    import linecache

    def cell(number: str) -> str:
        text = f"class Cell:\n def analyze(s, x, r): return {number}\n"
        text += " def activations(s, x): 0\n def decode(s, a): 0\n"
        place = f"/tmp/ipykernel_1/{number}.py"
        linecache.cache[place] = (len(text), None, text.splitlines(True), place)
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, place, "exec"), space)
        identity = as_transcriber(space["Cell"]()).identity
        assert not identity.unreadable
        return identity.weights_sha256

    assert cell("1") == cell("1") != cell("2")
