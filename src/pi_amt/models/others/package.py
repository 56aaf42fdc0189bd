"""What is imported of a model's package, and what is said where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pi_amt.core.errors import NotReady


@contextmanager
def package_of(model: str) -> Iterator[None]:
    """Imports from the package of a model, which the extra of the model's name installs.

    Raises:
        NotReady: if something in it cannot be imported.
    """
    try:
        yield
    except ImportError as error:
        raise NotReady(
            f"model {model}: its package cannot be imported ({error}): pip install "
            f"'pi_amt[{model}]', see docs/models/others.md"
        ) from None
