"""Contract tests for what people add: ``check_model``, ``check_dataset``, ``check_permutation``.

Each looks for what breaks the rules that a study relies on, and returns what it found. ``print``
it, or assert in a test of your own that ``problems`` is empty: each problem is a sentence that says
what to do. ``pi-amt check`` does the same from the command line.
"""

from pi_amt.testing.check import Check
from pi_amt.testing.dataset import check_dataset
from pi_amt.testing.hearing import HearingCheck, check_hearing
from pi_amt.testing.model import ModelCheck, check_model
from pi_amt.testing.permutation import check_permutation
from pi_amt.testing.tones import KEYS, MaskCheck, key_name

__all__ = [
    "KEYS",
    "Check",
    "HearingCheck",
    "MaskCheck",
    "ModelCheck",
    "check_dataset",
    "check_hearing",
    "check_model",
    "check_permutation",
    "key_name",
]
