"""The probe leaves the input alone and changes the model; only models that have one take it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.models.basic_pitch.recordings import polyphony

from pi_amt.models.loading import load_model
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.permutations.loading import load_permutation


def test_the_input_is_untouched_and_the_model_equals_one_built_without_the_channel() -> None:
    model = load_model("basic_pitch")
    clean = model.analyze(polyphony(2.5), 22_050)
    probed = load_permutation("ablate_channel", channel=3)(clean)
    assert probed.values is clean.values
    without = load_model("basic_pitch", ablate_channels=(3,)).activations(clean)
    found = model.activations(probed)
    for name, expected in without.items():
        assert np.array_equal(found[name], expected)
    assert not np.allclose(found["note"], model.activations(clean)["note"], atol=1e-3)


def test_conditions_side_by_side_do_not_touch_each_other() -> None:
    model = load_model("basic_pitch")
    clean = model.analyze(polyphony(2.5), 22_050)
    probes = [load_permutation("ablate_channel", channel=k)(clean) for k in (1, 2)]
    together = model.outputs([clean, *probes])
    for spectrogram, output in zip([clean, *probes], together, strict=True):
        alone = model.outputs([spectrogram])[0]
        assert all(np.array_equal(output[name], alone[name]) for name in alone)


@pytest.mark.parametrize("channel", [8, -1, 1.5, True, "1"])
def test_a_channel_that_is_not_there_is_refused(channel: Any) -> None:
    with pytest.raises(ValueError, match=r"channel: got .*, expected a whole number, 0 to 7"):
        load_permutation("ablate_channel", channel=channel)
    with pytest.raises(ValueError, match=r"ablate_channels: got .*, expected a whole number"):
        load_model("basic_pitch", ablate_channels=(0, channel))


def test_channels_are_a_list() -> None:
    with pytest.raises(ValueError, match="ablate_channels: got 3, expected a list"):
        load_model("basic_pitch", ablate_channels=3)


def test_a_model_without_a_stack_says_so() -> None:
    model = TimbreTrap()
    with pytest.raises(ValueError, match="harmonic_channel"):
        model.probed("harmonic_channel", 1)
