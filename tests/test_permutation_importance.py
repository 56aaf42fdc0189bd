"""``pi_amt.importance`` refuses what is no recording before it computes anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import pi_amt

MEMBERS = ("name", "composition", "duration_seconds", "audio", "notes", "fingerprint", "stamp")


@pytest.mark.parametrize("member", MEMBERS)
def test_a_recording_that_lacks_something_is_refused_with_the_name_of_it(member: str) -> None:
    track: Any = SimpleNamespace(**dict.fromkeys(name for name in MEMBERS if name != member))
    with pytest.raises(TypeError, match=rf"without {member}, expected recordings \(Track\)"):
        pi_amt.importance("basic_pitch", [track], permutations=["random"])
