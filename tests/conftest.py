"""What holds for all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.plugged import install


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """torch computes on one thread, as in a worker of a study.

    oneDNN rounds by the number of threads, and two processes of tests would each take all cores.
    """
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies compute in this process: the workers of two cores take seconds to start."""
    from pi_amt.study.executors import processes

    monkeypatch.setattr(processes, "available_cores", lambda: 1)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Adds entry points to this process, see :func:`tests.plugged.install`."""
    from pi_amt.cli import config, config_keys
    from pi_amt.core import registry
    from pi_amt.scoring import plugins

    def forget() -> None:
        for remembered in (
            *(registry._points, plugins._installed, plugins.scorers),
            *(config.permutation_nodes, config_keys.known_keys),
        ):
            remembered.cache_clear()

    def add(groups: Mapping[str, Mapping[str, str]], name: str = "acme") -> None:
        folder = tmp_path / f"site-{name}"
        folder.mkdir()
        install(folder, groups, name=name)
        monkeypatch.syspath_prepend(str(folder))
        forget()

    yield add
    monkeypatch.undo()
    forget()
    for module in ("acme", "acme_exits"):
        sys.modules.pop(module, None)
