"""Half-widths of masks on axes that are not constant-Q, against steady tones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.permutations.front_ends import AXES, RATE, WINDOW, axis, held, left_db, tone
from tests.permutations.synthetic import KINDS, make_spectrogram

from pi_amt.core.units import midi_to_hz, ratio_to_cents
from pi_amt.permutations.regions import LEAST_CENTS, is_constant_q, partial_mask

#: A and D sharp of every octave of a piano
KEYS = tuple(range(21, 109, 6))
LOBE_HZ = 2 * RATE / WINDOW


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("key", KEYS)
def test_a_steady_fundamental_is_removed_at_every_pitch(kind: str, key: int) -> None:
    heard = tone(kind, float(midi_to_hz(key)))
    assert left_db(heard, partial_mask(heard, held(key))) < -20.0


@pytest.mark.parametrize("kind", AXES)
def test_a_tone_a_semitone_up_stays_where_the_window_resolves_it(kind: str) -> None:
    """Two lobes and a band fit into a semitone only from about 1 kHz on."""
    lost = {}
    for key in KEYS:
        neighbour = tone(kind, float(midi_to_hz(key + 1)))
        lost[key] = -left_db(neighbour, partial_mask(neighbour, held(key)))
    assert all(lost[key] < 3.0 for key in KEYS if key >= 87)
    assert all(lost[key] > 3.0 for key in KEYS if key <= 57)


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("key", [28, 45, 69, 100])
def test_each_bin_has_the_half_width_of_its_window_and_spacing(kind: str, key: int) -> None:
    hz, partial = axis(kind)[0], float(midi_to_hz(key))
    above = np.diff(hz, append=2 * hz[-1] - hz[-2])
    below = np.diff(hz, prepend=2 * hz[0] - hz[1])
    near = np.abs(ratio_to_cents(hz / partial)) <= LEAST_CENTS
    reached = (hz - LOBE_HZ - below <= partial) & (partial <= hz + LOBE_HZ + above)
    expected = near | reached
    expected[np.abs(ratio_to_cents(hz / partial)).argmin()] = True
    mask = partial_mask(tone(kind, partial), held(key))
    np.testing.assert_array_equal(mask[0].any(axis=1), expected)


def test_one_width_in_cents_wins_where_it_is_given_and_fits_no_octave() -> None:
    """200 cents leave low fundamentals where they are, and take a tone a semitone above high ones.
    Two triangles meet at 33 Hz, so one of them is outside of what 200 cents cover."""
    left, lost = {}, {}
    for key in (24, 33, 96):
        own, neighbour = (tone("mel", float(midi_to_hz(k))) for k in (key, key + 1))
        left[key] = left_db(own, partial_mask(own, held(key), half_width_cents=200.0))
        mask = partial_mask(neighbour, held(key), half_width_cents=200.0)
        lost[key] = -left_db(neighbour, mask)
    assert left[24] > -1.0
    assert left[33] > -6.0
    assert left[96] < -20.0
    assert lost[96] > 20.0


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("key", KEYS)
def test_a_front_end_that_knows_its_response_gets_the_bins_that_hear_the_tone(
    kind: str, key: int
) -> None:
    heard = tone(kind, float(midi_to_hz(key)), knows_its_response=True)
    mask = partial_mask(heard, held(key))
    power = np.asarray(heard.values)[0, :, 0] ** 2
    assert left_db(heard, mask) < -20.0
    outside = ~mask[0, :, 0]
    # -30 dB is meant of a tone at the nearest bin's centre: up to 6 dB above one between two bins
    assert power[outside].max() < 4e-3 * power.max()
    default = partial_mask(replace(heard, response=None), held(key))
    assert mask.sum() <= default.sum()


def test_a_partial_beyond_the_axis_is_not_heard() -> None:
    heard = tone("mel", 9000.0, knows_its_response=True)
    assert not partial_mask(heard, held(108), [3]).any()
    assert partial_mask(heard, held(108), [1]).any()


def test_a_width_that_is_given_wins_over_the_response() -> None:
    known, unknown = (tone("stft", 440.0, knows_its_response=knows) for knows in (True, False))
    first, second = (partial_mask(s, held(69), half_width_cents=300.0) for s in (known, unknown))
    np.testing.assert_array_equal(first, second)


def test_a_response_of_another_shape_is_refused() -> None:
    broken = replace(tone("mel", 440.0), response=lambda hz: np.ones((len(hz), 3)))
    with pytest.raises(ValueError, match=r"response: got shape \(1, 3\) .* \(1, 229\)"):
        partial_mask(broken, held(69))


def test_only_our_own_axes_are_constant_q() -> None:
    assert all(is_constant_q(make_spectrogram(kind, 1)) for kind in KINDS)
    assert not any(is_constant_q(tone(kind, 440.0)) for kind in AXES)
    # evenly spaced in pitch, but with one window for all: the bands of a filtered STFT
    s = make_spectrogram("real", 1)
    assert not is_constant_q(replace(s, window_seconds=np.full(len(s.frequencies), 0.1)))
