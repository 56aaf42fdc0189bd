"""What holds for all tests."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """torch computes on one thread, as in a worker of a study.

    oneDNN rounds by the number of threads, and two processes of tests would each take all cores.
    """
    import torch

    torch.set_num_threads(1)
