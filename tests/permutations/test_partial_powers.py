"""Ratio masks: closed forms, recordings whose stems are known, and what must not happen.

Tones begin at their onset and decay; their partial k has amplitude 0.2 / k.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from tests.permutations.synthetic import (
    KINDS,
    bits,
    changed,
    make_spectrogram,
    nearest_bin,
    random_notes,
    tone_spectrogram,
)
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.notes import Notes
from pi_amt.core.partials import partial_frequencies, piano_inharmonicity
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, cents_to_ratio, midi_to_hz, power_ratio_to_db
from pi_amt.datasets.known_partials import KnownPartialsTrack, known_partials
from pi_amt.models.basic_pitch.model import BasicPitch
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import (
    FundMask,
    HarmMask,
    KeepHarmonic,
    PartialMask,
    RatioFundMask,
    RatioHarmMask,
    RemoveHarmonic,
    SoftFundMask,
    SoftHarmMask,
)
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.matched_tracks import MatchedTracks
from pi_amt.permutations.partial_powers import (
    FITTED,
    KEPT,
    N_PARTIALS,
    REVERBERATION_SECONDS,
    Overview,
    OverviewMeter,
    PartialPowers,
    learn,
    power_of,
    response_table,
    reverberation_table,
)
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.permutations.regions import numbers_of, partial_mask
from pi_amt.scoring.notes import score_notes

RATE = 22_050
EVERY = range(1, 9)
Row = tuple[float, float, float]


@cache
def basic_pitch() -> BasicPitch:
    return BasicPitch(device="cpu")


@cache
def timbre_trap() -> TimbreTrap:
    return TimbreTrap(device="cpu")


def notes_of(*rows: Row) -> Notes:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return Notes.from_arrays(*columns)


def tones(
    rows: Sequence[Row],
    seconds: float,
    *,
    partials: Collection[int] = EVERY,
    decay_seconds: float = 0.6,
    tuning_cents: float = 0.0,
    stiffness: float = 0.0,
    noise_db: float = -70.0,
) -> Samples:
    times = np.arange(round(seconds * RATE)) / RATE
    out = 10 ** (noise_db / 20) * np.random.default_rng(0).standard_normal(len(times))
    for onset, offset, pitch in rows:
        since = np.maximum(times - onset, 0.0)
        b = stiffness * float(piano_inharmonicity(np.array([pitch]))[0])
        rise = np.minimum(since / FITTED.attack_seconds, 1.0)
        envelope = rise * np.exp(-since / decay_seconds - np.maximum(times - offset, 0.0) / 0.05)
        for k in partials:
            stretch = np.sqrt((1 + b * k**2) / (1 + b)) * float(cents_to_ratio(tuning_cents))
            hz = k * float(midi_to_hz(pitch)) * stretch
            out += 0.2 / k * envelope * np.sin(2 * np.pi * hz * since + k)
    return out.astype(np.float32)


def gains_of(
    spectrogram: Spectrogram, notes: Notes, partials: Sequence[int] = (1,), keep: bool = False
) -> NDArray[np.float32]:
    powers = Overview.of(spectrogram).partials(notes)
    return powers.gains(spectrogram, numbers_of(partials, len(notes)), keep)


def power_at(spectrogram: Spectrogram, hz: float, begin: float, end: float) -> float:
    """Power in the bin nearest to a frequency, summed from ``begin`` to ``end`` (seconds)."""
    frames = (spectrogram.times > begin) & (spectrogram.times < end)
    return float(power_of(spectrogram)[:, nearest_bin(spectrogram, hz)][frames].sum())


# ------------------------------------------------------------------ the response in closed form


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 2.0, 8.0])
@pytest.mark.parametrize("since", [-0.5, -0.25, 0.0, 0.5])
def test_the_response_is_the_integral_of_a_begun_decaying_tone_in_a_hann_window(
    distance: float, since: float
) -> None:
    for log_rate in (-6.0, -1.0, 0.0, 2.0, 5.0):

        def part(v: float, wave: Callable[[float], float], rate: float = 2.0**log_rate) -> float:
            begun = np.exp(-rate * (v + since)) * wave(2 * np.pi * distance * (v + since))
            return float((1 + np.cos(2 * np.pi * v)) * begun)

        integrals = [
            quad(part, -since, 0.5, (wave,), limit=200, epsabs=1e-12)[0]
            for wave in (np.cos, np.sin)
        ]
        found = response_table()[
            int((log_rate + 6) * 2), int(distance * 16), int((since + 0.5) * 64)
        ]
        assert found == pytest.approx(sum(x**2 for x in integrals), rel=1e-4, abs=1e-9)


def test_the_response_of_a_steady_tone_is_one_and_a_hann_window_s_main_lobe() -> None:
    steady = response_table()[0, :, -1]
    assert steady[0] == pytest.approx(1.0, abs=0.02)  # its slowest decay is 1/64 per window
    # −6 dB one bin off, nothing two bins off, and a first side lobe of −31 dB
    assert power_ratio_to_db(steady[16]) == pytest.approx(-6.02, abs=0.1)
    assert power_ratio_to_db(steady[32:48].max()) == pytest.approx(-31.5, abs=0.5)
    assert steady[32] < 1e-4
    # nothing is heard before the window meets the tone
    assert response_table()[:, :, 0].max() < 1e-9


@pytest.mark.parametrize("until", [-0.375, -0.125, 0.0, 0.25, 0.5])
def test_reflections_smear_an_onset_for_as_long_as_they_arrive(until: float) -> None:
    for log_rate in (-4.0, -1.0, 0.0, 1.5, 4.0):

        def part(v: float, a: float = 2 * 2.0**log_rate) -> float:
            return float(a * np.exp(-a * (until - v)) * (1 + np.cos(2 * np.pi * v)) ** 2)

        expected = quad(part, -0.5, until, limit=200, epsabs=1e-12)[0]
        found = reverberation_table()[int((log_rate + 6) * 2), int((until + 0.5) * 64)]
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_only_what_is_kept_has_a_room_that_fades() -> None:
    row = (0.5, 1.8, 57.0)
    s = basic_pitch().analyze(tones([row], 2.5, partials=(1,)), RATE)
    notes = notes_of(row)
    found = Overview.of(s).partials(notes)
    # bins far from the tone, once their windows hold its onset no longer
    begin = 0.5 + float(s.window_seconds.max()) / 2
    times = begin + np.array([0.02, 0.02 + REVERBERATION_SECONDS / 2, 0.02 + REVERBERATION_SECONDS])
    far, first = nearest_bin(s, 3000.0), numbers_of((1,), 1)
    plain = found.powers(times, first)[far]
    kept = found.powers(times, first, KEPT)[far]
    assert not plain.any()
    # of power, two time constants of the amplitude are one of e⁻²
    assert kept[1:] / kept[:-1] == pytest.approx(np.exp(-1.0), rel=1e-3)
    tone = found.powers(times, first, KEPT)[nearest_bin(s, 220.0)]
    assert kept.all()
    assert (kept < 1e-4 * tone).all()
    # in whichever pieces a recording streams by, also where one ends before low bins are filled
    times = np.arange(0.0, 2.5, 0.004)
    whole = found.powers(times, spread=KEPT)
    pieces = [found.powers(times[i : i + 9], spread=KEPT) for i in range(0, len(times), 9)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


@pytest.mark.parametrize("model", [basic_pitch, timbre_trap], ids=["basic_pitch", "timbre_trap"])
def test_what_is_modelled_is_what_is_fitted(model: Callable[[], Transcriber]) -> None:
    """Weights are fitted to each tone's response; the model is a sum over tones that takes ways of
    its own."""
    notes = notes_of((0.2, 0.9, 45.0), (0.5, 0.6, 57.0), (0.5, 1.4, 64.3))
    overview = Overview.of(model().analyze(tones([(0.2, 0.9, 45.0)], 2.0), RATE))
    times = overview.times
    found = learn(overview, notes, 3.0, 1.2)
    found.weights[:] = np.random.default_rng(6).exponential(size=found.weights.shape)
    found.doubted[:] = 0.0
    fitted = np.zeros(overview.power.shape)
    for note, weights in enumerate(found.weights):
        for columns, sound in found.sounds(times, note, np.arange(N_PARTIALS), FITTED):
            for places, of, response in sound.responses():
                power = (weights[columns[of]].T * response).sum(axis=0)
                np.add.at(fitted.reshape(-1), places, power)
    modelled = found.powers(times)
    np.testing.assert_allclose(modelled, fitted, rtol=1e-4, atol=1e-9 * float(fitted.max()))
    # in any order of the frames
    mixed = np.random.default_rng(7).permutation(len(times))[: len(times) // 6 * 6].reshape(3, -1)
    np.testing.assert_array_equal(found.powers(times[mixed]), np.moveaxis(modelled[:, mixed], 0, 1))


@pytest.mark.parametrize("linear", [None, False, True])
def test_how_much_of_the_measured_residual_is_left_depends_on_the_input(
    linear: bool | None,
) -> None:
    s = replace(tone_spectrogram(random_notes(3), "complex"), linear_input=linear)
    overview = Overview.of(s)
    found = overview.partials(random_notes(3))
    residual = overview.residual(overview.times)
    low, high = s.frequencies < 200.0, s.frequencies > 800.0
    kept, left = (found.left_residual(overview.times, keep) for keep in (True, False))
    for level in (kept, left) if linear is None else (kept,):
        np.testing.assert_allclose(level[low], 0.2 * residual[low], rtol=1e-5)
        np.testing.assert_allclose(level[high], 0.5 * residual[high], rtol=1e-5)
    if linear:
        np.testing.assert_array_equal(left, residual)


def test_a_logarithmic_input_is_left_the_median_of_noise_that_no_partial_explains() -> None:
    rng = np.random.default_rng(4)
    values = rng.rayleigh(size=make_spectrogram("real", 2).values.shape).astype(np.float32)
    s = make_spectrogram("real", 2).with_values(values)
    overview = Overview.of(s)
    none = np.zeros((0, 16, 5))
    nothing = PartialPowers(overview, notes_of(), none[..., 0], none, none, 0.0, 1.0)
    left = nothing.left_residual(overview.times, keep=False)
    assert float(left.mean()) == pytest.approx(float(np.median(values**2)), rel=0.1)


# ------------------------------------------------------------------ shares that are known


def known_powers(
    monkeypatch: pytest.MonkeyPatch,
    heard: Spectrogram,
    powers: Callable[[Floats, bool], Floats],
    residual: Callable[[Floats], Floats],
) -> PartialPowers:
    """What is known of a recording of one note without an estimate: of times ``(frames,)``, the
    power of all partials or of the chosen ones, and that of the residual, each ``(bins, frames)``.
    True powers depart from nothing, and none of them is doubted."""

    def powers_of(
        self: PartialPowers,
        times: Floats,
        numbers: object = None,
        spread: object = None,
        doubted: bool = False,
    ) -> Floats:
        assert not doubted
        return np.stack([powers(block, numbers is not None) for block in times])

    monkeypatch.setattr(PartialPowers, "powers", powers_of)
    monkeypatch.setattr(PartialPowers, "left_residual", lambda _, times, keep: residual(times))
    monkeypatch.setattr(PartialPowers, "_departures", lambda *_: np.float32(1))
    nothing, notes = np.zeros((1, N_PARTIALS)), notes_of((0.0, 2.0, 57.0))
    none = nothing[..., None]
    return PartialPowers(Overview.of(heard), notes, nothing, none, none, 0.0, 1.0)


def test_true_powers_make_gains_that_reproduce_the_stems(monkeypatch: pytest.MonkeyPatch) -> None:
    # Stems whose powers add up, as those of sounds out of phase do on average: shares are exact.
    rng = np.random.default_rng(5)
    s = make_spectrogram("real", 2)
    first, others, rest = (rng.rayleigh(size=s.values.shape).astype(np.float32) for _ in range(3))
    first[:, ::3] = 0.0
    mixed = s.with_values(np.sqrt(first**2 + others**2 + rest**2))

    def block(times: Floats) -> int:
        return int(np.flatnonzero((s.times == times).all(axis=1))[0])

    def powers(times: Floats, chosen: bool) -> Floats:
        every = first**2 if chosen else first**2 + others**2
        return np.asarray(every[block(times)])

    found = known_powers(
        monkeypatch, mixed, powers, lambda times: np.asarray(rest[block(times)] ** 2)
    )
    kept, removed = (
        mixed.with_values(
            np.asarray(mixed.values) * found.gains(mixed, numbers_of((1,), 1), keep=keep)
        )
        for keep in (True, False)
    )
    np.testing.assert_allclose(np.asarray(kept.values), first, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        np.asarray(removed.values), np.hypot(others, rest), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_array_equal(bits(removed)[:, ::3], bits(mixed)[:, ::3])


@pytest.mark.parametrize("linear", [None, False, True])
def test_partials_that_cancel_the_removed_one_are_left_whole_to_a_logarithmic_input(
    linear: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # in every bin two partials of power 4 and 1 cancel each other down to power 2, beside noise
    s = replace(make_spectrogram("real", 2), linear_input=linear)
    heard = s.with_values(np.full(s.values.shape, np.sqrt(2.0), dtype=np.float32))

    def same(power: float, times: Floats) -> Floats:
        return np.full((len(s.frequencies), len(times)), power, dtype=np.float32)

    found = known_powers(
        monkeypatch,
        heard,
        lambda times, chosen: same(4.0 if chosen else 5.0, times),
        lambda times: same(0.5, times),
    )
    left = 2.0 * found.gains(heard, numbers_of((1,), 1), keep=False) ** 2
    whole = 1.0 + 0.5 * (2.0 / 5.5) ** 0.75
    share = 2.0 * 1.5 / 5.5
    np.testing.assert_allclose(left, whole if linear is False else share, rtol=1e-5)


def test_partials_that_stand_out_too_little_count_to_the_rest_of_a_logarithmic_input() -> None:
    rng = np.random.default_rng(8)
    sound = tones([(0.3, 1.6, 57.0)], 2.0, partials=(1, 2, 3), noise_db=-400.0)
    noisy = sound + (0.01 * rng.standard_normal(len(sound))).astype(np.float32)
    s, notes = basic_pitch().analyze(noisy, RATE), notes_of((0.3, 1.6, 57.0))
    found = Overview.of(s).partials(notes)
    believed, doubted = (of[0].sum(axis=-1) for of in (found.weights, found.doubted))
    # partials 1 to 3 sound, and the noise looks a little like the others
    assert (believed[:3] > 0.0).all()
    assert (doubted[:3] == 0.0).all()
    assert (believed[5:9] == 0.0).all()
    assert (doubted[5:9] > 0.0).any()
    # which are in all that is modelled, and neither kept nor removed
    times = np.linspace(0.6, 1.4, 9)
    sixth = numbers_of((6,), 1)
    assert not found.powers(times, sixth).any()
    parts = found.powers(times, sixth, doubted=True) + found.powers(times, numbers_of((1,), 1))
    high = nearest_bin(found.overview.geometry, 6 * 220.0)
    assert found.powers(times)[high].min() >= parts[high].min() > 0.0
    for linear in (None, True):
        assert not Overview.of(replace(s, linear_input=linear)).partials(notes).doubted.any()


def test_the_fundamental_goes_and_the_other_partials_stay_to_the_bit() -> None:
    row = (0.5, 1.8, 57.0)
    s = basic_pitch().analyze(tones([row], 2.5), RATE)
    out = RatioFundMask()(s, notes_of(row))
    moved = changed(s, out)
    assert power_at(out, 220.0, 0.8, 1.6) < 1e-3 * power_at(s, 220.0, 0.8, 1.6)
    # once a bin's window holds the onset no longer; before, the fundamental is heard everywhere
    later = (s.times > 1.0) & (s.times < 1.6)
    for k in range(2, 9):
        # the bins of a whole step around each partial
        i = nearest_bin(s, 220.0 * k)
        assert power_at(s, 220.0 * k, 0.8, 1.6) > 1e-4 * power_at(s, 220.0, 0.8, 1.6)
        assert not moved[:, i - 3 : i + 4].transpose(0, 2, 1)[later].any()
    before = s.times < 0.5 - s.window_seconds.max() / 2
    assert not moved.transpose(0, 2, 1)[before].any()
    # The other way round the fundamental stays: its decay lies between those modelled, but where it
    # is heard alone the recording is followed.
    alone = RatioHarmMask()(s, notes_of(row))
    assert power_at(alone, 220.0, 0.8, 1.6) > 0.98 * power_at(s, 220.0, 0.8, 1.6)
    for k in range(2, 9):
        assert power_at(alone, 220.0 * k, 0.8, 1.6) < 0.03 * power_at(s, 220.0 * k, 0.8, 1.6)


# 0.2 s is far from the decays that are modelled, 0.16 s and 0.35 s, and falls by 54 dB before the
# upper note has ended.
@pytest.mark.parametrize(
    ("decay_seconds", "within_db"), [(0.2, 1.5), (0.35, 1.0), (0.6, 1.0), (1.0, 1.0), (1.5, 1.0)]
)
def test_under_an_octave_the_lower_note_s_second_partial_stays(
    decay_seconds: float, within_db: float
) -> None:
    lower, upper = (0.5, 3.0, 57.0), (1.5, 2.0, 69.0)
    s, true = (
        basic_pitch().analyze(
            tones([lower, upper], 4.0, decay_seconds=decay_seconds, partials=partials), RATE
        )
        for partials in (EVERY, range(2, 9))
    )
    notes = notes_of(lower, upper)
    left = power_at(true, 440.0, 1.6, 1.95)
    # 13 to 31 dB of it are the upper note's fundamental, and a binary mask leaves nothing
    assert power_ratio_to_db(power_at(s, 440.0, 1.6, 1.95) / left) > 12.0
    assert power_at(FundMask()(s, notes), 440.0, 1.6, 1.95) == 0.0
    out = RatioFundMask()(s, notes)
    off_db = power_ratio_to_db(power_at(out, 440.0, 1.6, 1.95) / left)
    assert abs(off_db) < within_db
    # Where the lower note sounds alone, nothing is lost.
    assert power_at(out, 440.0, 0.6, 1.1) == power_at(s, 440.0, 0.6, 1.1)


# ------------------------------------------------------------------ a reader of partials 2 to 4


@cache
def pieces() -> tuple[tuple[Notes, dict[str, Spectrogram]], ...]:
    """Polyphony on modelled pianos: notes, and the input under no mask, of the sound without
    fundamentals, and under both masks."""
    made = []
    tracks = (
        track
        for seed in range(4)
        for track in list(known_partials("development", seed=seed, max_seconds=6.0))[::3]
    )
    for track in tracks:
        assert isinstance(track, KnownPartialsTrack)
        notes = track.notes()
        whole, truth = (
            basic_pitch().analyze(*sound) for sound in (track.audio(), track.audio_without((1,)))
        )
        ratio, binary = (mask(whole, notes) for mask in (RatioFundMask(), FundMask()))
        inputs = {"whole": whole, "truth": truth, "ratio": ratio, "binary": binary}
        made.append((notes, inputs))
    return tuple(made)


def read(spectrogram: Spectrogram, loudest: float, threshold_db: float) -> Notes:
    """What a reader of partials 2, 3 and 4 hears: a note where all of them are louder than the
    threshold, rise, and are louder than those of both neighbouring keys.

    Args:
        spectrogram: Basic Pitch's input.
        loudest: magnitude of the loudest bin of the recording.
        threshold_db: below that.
    """
    keys = np.arange(27, 93)
    kept = basic_pitch().counted_frames(spectrogram)
    order = np.argsort(spectrogram.times[kept])
    times = spectrogram.times[kept][order]
    power = np.moveaxis(power_of(spectrogram), 1, 2)[kept][order]
    level = np.maximum(power_ratio_to_db(np.maximum(power, 1e-18) / loudest**2), -60.0)
    weakest = np.empty((len(times), len(keys)))
    for column, key in zip(weakest.T, keys, strict=True):
        hz = partial_frequencies(np.full(3, float(key)), np.array([2, 3, 4]))
        bins = [nearest_bin(spectrogram, one) for one in hz.tolist()]
        column[:] = np.min([level[:, i - 1 : i + 2].max(axis=1) for i in bins], axis=0)
    rise = weakest - np.pad(weakest, ((8, 0), (0, 0)), constant_values=-60.0)[: len(times)]
    hot = (weakest > threshold_db) & (rise > 6.0)
    hot[:, 1:-1] &= (weakest >= np.roll(weakest, 1, 1))[:, 1:-1]
    hot[:, 1:-1] &= (weakest >= np.roll(weakest, -1, 1))[:, 1:-1]
    steps = np.diff(np.pad(hot[:, 1:-1], ((1, 1), (0, 0))).astype(int), axis=0)
    found, onset = np.nonzero(steps.T == 1)
    offset = np.nonzero(steps.T == -1)[1]
    long = offset - onset >= 4
    ends = times[np.minimum(offset[long], len(times) - 1)] + 1e-3
    return Notes.from_arrays(times[onset[long]], ends, keys[found[long] + 1].astype(float))


def f_of_reader(threshold_db: float) -> dict[str, float]:
    """Mean F of the reader by its input."""
    scores: dict[str, list[float]] = {}
    for notes, inputs in pieces():
        loudest = float(np.asarray(inputs["whole"].values).max())
        for name, spectrogram in inputs.items():
            found = read(spectrogram, loudest, threshold_db)
            f = score_notes(notes, found)["F-measure_no_offset"]
            scores.setdefault(name, []).append(f)
    return {name: float(np.mean(values)) for name, values in scores.items()}


def test_who_reads_no_fundamental_loses_nothing_where_a_binary_mask_takes_their_partials() -> None:
    f = f_of_reader(-20.0)
    assert f["whole"] > 0.3
    assert abs(f["whole"] - f["truth"]) < 0.02
    assert abs(f["whole"] - f["ratio"]) < 0.02
    assert f["whole"] - f["binary"] > 0.06


def test_who_mistakes_fundamentals_for_partials_gains_as_much_as_in_truth() -> None:
    f = f_of_reader(-30.0)
    assert f["truth"] - f["whole"] > 0.07
    assert f["ratio"] == pytest.approx(f["truth"], abs=0.02)
    assert f["binary"] < f["whole"] - 0.04


# ------------------------------------------------------------------ the instrument


def test_tuning_and_stiffness_of_the_strings_are_found() -> None:
    rng = np.random.default_rng(1)
    rows = [
        (0.2 + 0.35 * i, 0.2 + 0.35 * i + rng.uniform(0.4, 1.2), float(rng.integers(36, 90)))
        for i in range(24)
    ]
    sound = tones(
        rows, 10.0, partials=range(1, 13), decay_seconds=1.0, tuning_cents=20.0, stiffness=1.6
    )
    overview = Overview.of(basic_pitch().analyze(sound, RATE))
    found = overview.partials(notes_of(*rows))
    assert found.tuning_cents == pytest.approx(20.0, abs=3.0)
    assert 1.6 / 1.25 < found.stiffness < 1.6 * 1.25
    assert overview.partials(notes_of(*rows), "none").stiffness == 0.0
    assert overview.partials(notes_of(*rows)) is found


def test_too_few_peaks_leave_the_tuning_that_is_known() -> None:
    row = (0.2, 0.9, 57.0)
    s = basic_pitch().analyze(tones([row], 1.0), RATE, tuning_cents=-17.0)
    found = Overview.of(s).partials(notes_of(row))
    assert (found.tuning_cents, found.stiffness) == (-17.0, 1.0)


# ------------------------------------------------------------------ nothing to find


def test_noise_does_not_get_the_pattern_of_the_notes() -> None:
    rng = np.random.default_rng(3)
    s = basic_pitch().analyze((0.05 * rng.standard_normal(6 * RATE)).astype(np.float32), RATE)
    notes = random_notes(40, seconds=5.0, seed=2)
    inside = partial_mask(s, notes)
    kept = RatioHarmMask()(s, notes)
    assert power_of(kept).sum() < 1e-3 * power_of(s).sum()
    keep, remove = (gains_of(s, notes, keep=keep) for keep in (True, False))
    assert keep[inside].mean() < 0.01
    assert keep[inside].mean() - keep[~inside].mean() < 0.01
    assert remove[inside].mean() > 0.99
    # the binary mask writes them
    binary = np.asarray(HarmMask()(s, notes).values)
    assert binary[inside].mean() > 0.5 * np.asarray(s.values)[inside].mean()
    assert binary[~inside].max() == 0.0


LONG = (0.5, 1.8, 57.0)
CASES: dict[str, tuple[Samples, Notes]] = {
    "no notes": (tones([LONG], 2.5), notes_of()),
    "silence": (np.zeros(RATE, dtype=np.float32), notes_of((0.1, 0.8, 60.0))),
    "one note": (tones([LONG], 2.5), notes_of(LONG)),
    "one note twice": (tones([LONG], 2.5), notes_of(LONG, LONG)),
    "a note beyond the audio": (tones([LONG], 2.5), notes_of((500.0, 501.0, 60.0))),
    "a note that ends beyond the audio, without noise": (
        tones([LONG], 2.5, noise_db=-400.0),
        notes_of((0.5, 9.0, 57.0)),
    ),
    "a note of a tenth of a millisecond": (tones([LONG], 2.5), notes_of((0.5, 0.5001, 57.0))),
    "a tenth of a second": (
        tones([(0.0, 0.1, 57.0)], 0.1, noise_db=-400.0),
        notes_of((0.0, 0.1, 57.0)),
    ),
    "the piano's ends": (
        tones([(0.1, 0.9, 21.0), (0.1, 0.9, 108.0)], 1.2, partials=(1, 2)),
        notes_of((0.1, 0.9, 21.0), (0.1, 0.9, 108.0)),
    ),
    "beyond the piano": (tones([LONG], 2.5), notes_of((0.1, 2.0, 0.0), (0.1, 2.0, 127.0))),
    "digital silence around a note": (
        tones([(0.5, 0.7, 57.0)], 2.5, noise_db=-400.0),
        notes_of((0.5, 0.7, 57.0)),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("error")
def test_gains_are_defined_whatever_the_notes_and_the_sound(case: str) -> None:
    sound, notes = CASES[case]
    s = basic_pitch().analyze(sound, RATE)
    for partials in ((1,), (2, 3), (16,), tuple(range(1, 17))):
        for keep in (True, False):
            gains = gains_of(s, notes, partials, keep)
            assert gains.shape == s.values.shape
            assert np.isfinite(gains).all()
            assert gains.min(initial=0.0) >= 0.0
            assert gains.max(initial=0.0) <= 1.0
    if case in ("no notes", "silence", "a note beyond the audio"):
        np.testing.assert_array_equal(bits(RatioFundMask()(s, notes)), bits(s))
        assert not np.asarray(RatioHarmMask()(s, notes).values).any()


@pytest.mark.filterwarnings("error")
def test_thousands_of_notes_in_two_seconds_are_no_more_than_work() -> None:
    # so high that their axis, and with it the time that each takes, ends above their fundamentals
    rng = np.random.default_rng(0)
    onsets = np.sort(rng.uniform(0.0, 2.4, 3_000))
    notes = Notes.from_arrays(onsets, onsets + 0.03, rng.integers(97, 109, 3_000).astype(float))
    s = make_spectrogram("real", 3)
    low = s.frequencies < 4_300.0
    s = replace(
        s,
        values=np.asarray(s.values)[:, low],
        frequencies=s.frequencies[low],
        window_seconds=s.window_seconds[low],
    )
    gains = gains_of(s, notes)
    assert np.isfinite(gains).all()
    assert 0.0 <= gains.min() <= gains.max() <= 1.0


def test_the_named_masks_are_harmonic_number_one() -> None:
    s = basic_pitch().analyze(tones([LONG], 2.5), RATE)
    before = bits(s).copy()
    for named, general in (
        (RatioFundMask(), RemoveHarmonic(kind="ratio")),
        (RatioHarmMask(), KeepHarmonic(kind="ratio")),
        (RatioFundMask(), FundMask(kind="ratio")),
        (RatioHarmMask(), HarmMask(kind="ratio")),
    ):
        notes = notes_of(LONG)
        np.testing.assert_array_equal(bits(named(s, notes)), bits(general(s, notes)))
    np.testing.assert_array_equal(bits(s), before)


# ------------------------------------------------------------------ memory


def overview_of_noise(seconds: float) -> Overview:
    """Of a small axis at 40 frames per second, with the power of noise."""
    hz = 110.0 * cents_to_ratio(100.0 * np.arange(48))
    n = round(40 * seconds)
    values = np.zeros((1, len(hz), 1), dtype=np.float32)
    geometry = Spectrogram(values, hz, np.zeros((1, 1)), 17 / hz, 40.0, n * 500, 20_000)
    power = np.random.default_rng(1).exponential(size=(len(hz), n)).astype(np.float32)
    return Overview(geometry.without_blocks(), np.arange(n) / 40, power)


def peak_bytes(work: Callable[[], object]) -> int:
    """The most that was held at one moment in addition to what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_recording_is_held_twice_at_most_while_its_overview_is_made() -> None:
    overview = overview_of_noise(600.0)
    geometry, power = overview.geometry, overview.power.T
    meter = OverviewMeter()

    def whole() -> None:
        for start in range(0, len(power), 100):
            frames = slice(start, start + 100)
            values, times = np.sqrt(power[frames]).T[None], overview.times[frames][None]
            meter.push(replace(geometry, values=values, times=times))
        assert meter.finish().power.shape == overview.power.shape

    assert peak_bytes(whole) < 2.4 * power.nbytes


def test_the_residual_of_a_long_recording_takes_little_more_than_it_keeps() -> None:
    def peak(seconds: float) -> int:
        overview = overview_of_noise(seconds)
        return peak_bytes(lambda: overview.residual(overview.times[:1]))

    short, long = 300.0, 1500.0
    kept = overview_of_noise(long).power.nbytes / 4  # every fourth bin
    assert peak(long) - peak(short) < 1.2 * kept


def test_learning_takes_no_more_memory_for_a_longer_recording_of_as_many_notes_a_second() -> None:
    def peak(seconds: float) -> int:
        overview = overview_of_noise(seconds)
        overview.residual(overview.times[:1])
        onsets = np.arange(0.5, seconds - 1)
        pitches = 57.0 + np.random.default_rng(0).integers(0, 12, len(onsets))
        notes = Notes.from_arrays(onsets, onsets + 0.4, pitches)
        return peak_bytes(lambda: overview.partials(notes))

    response_table()  # is made once and kept
    assert peak(100.0) < 1.1 * peak(50.0)


# ------------------------------------------------------------------ parts of a stream


MELODY = ((0.4, 1.5, 50.0), (0.9, 2.0, 62.0), (1.6, 3.5, 57.0), (2.6, 4.2, 69.0), (3.9, 4.8, 45.0))
MASKS: tuple[Permutation, ...] = (
    RatioFundMask(),
    RatioHarmMask(),
    MatchedTracks(RatioFundMask()),
    MatchedTracks(RatioHarmMask()),
)


@cache
def melody(kind: str) -> tuple[Transcriber, Samples, Notes]:
    """A model, and what it hears; the toy's windows are shorter than a note takes to die away."""
    if kind == "toy":
        track = ToyTrack("a", seconds=14.0)
        return ToyTranscriber(), track.audio()[0], track.notes()
    model = basic_pitch() if kind == "basic_pitch" else timbre_trap()
    return model, tones(MELODY, 5.5), notes_of(*MELODY)


@pytest.mark.parametrize("permutation", MASKS, ids=repr)
@pytest.mark.parametrize("kind", ["basic_pitch", "timbre_trap", "toy"])
def test_parts_of_a_recording_get_what_the_whole_gets(kind: str, permutation: Permutation) -> None:
    model, sound, notes = melody(kind)
    whole = model.analyze(sound, model.sample_rate)
    overview = Overview.of(whole)
    expected = permutation.perturb(Scene(whole, notes, 7, None, overview))[0]
    assert changed(whole, expected).any()
    np.testing.assert_array_equal(bits(permutation(whole, notes, key=7)), bits(expected))
    for size in (1, 2):
        for start in range(0, len(whole.times), size):
            part = whole.block_slice(start, start + size)
            out = permutation.perturb(Scene(part, notes, 7, None, overview))[0]
            np.testing.assert_array_equal(bits(out), bits(expected)[start : start + size])


@pytest.mark.parametrize("kind", KINDS)
def test_overlapping_blocks_have_equal_gains_and_complex_values_keep_their_phase(kind: str) -> None:
    notes = notes_of((0.3, 1.2, 57.0), (0.8, 1.6, 64.0))
    one = tone_spectrogram(notes, kind)
    starts = range(0, 61, 20)
    cut = Spectrogram(
        np.stack([np.asarray(one.values)[0, :, i : i + 40] for i in starts]),
        one.frequencies,
        np.stack([one.times[0, i : i + 40] for i in starts]),
        one.window_seconds,
        one.frame_rate,
        one.n_samples,
        one.sample_rate,
    )
    for keep, partials in ((False, (1,)), (True, (1,)), (False, (2, 3))):
        whole, gains = (gains_of(s, notes, partials, keep) for s in (one, cut))
        assert whole.min() < 0.2
        for block, i in enumerate(starts):
            np.testing.assert_array_equal(gains[block], whole[0, :, i : i + 40])
    out = np.asarray(RatioFundMask()(cut, notes).values)
    np.testing.assert_allclose(
        out, np.asarray(cut.values) * gains_of(cut, notes), rtol=1e-6, atol=1e-12
    )
    assert out.dtype == np.asarray(cut.values).dtype


def test_channels_share_their_gains() -> None:
    s = basic_pitch().analyze(tones([LONG], 2.5), RATE)
    values = np.asarray(s.values)
    doubled = s.with_values(np.stack([values, values], axis=1))
    out, expected = (RatioFundMask()(one, notes_of(LONG)) for one in (doubled, s))
    for channel in np.moveaxis(np.asarray(out.values), 1, 0):
        np.testing.assert_array_equal(channel, np.asarray(expected.values))


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("half_width_cents", 30.0),
        ("fill", "background"),
        ("time_dilation", 0.0),
        ("onset", "spare"),
        ("attenuation_db", 3.0),
    ],
)
@pytest.mark.parametrize("name", ["ratio_fund_mask", "ratio_harm_mask"])
def test_options_that_choose_bins_are_refused(name: str, option: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name}: got {option}=.*leave {option} out"):
        load_permutation(name, **{option: value})
    with pytest.raises(ValueError, match=f"leave {option} out"):
        load_permutation("remove_harmonic", kind="ratio", harmonic=2, **{option: value})


@pytest.mark.parametrize("soft", [SoftFundMask, SoftHarmMask])
def test_soft_masks_stay_binary(soft: type[PartialMask]) -> None:
    with pytest.raises(ValueError, match=r"got kind='ratio', expected 'binary', use (fund|harm)_"):
        soft(kind="ratio")


def test_the_kind_of_a_mask_is_one_of_two_and_a_ratio_mask_stays_one() -> None:
    with pytest.raises(ValueError, match="kind: got 'wiener'"):
        FundMask(kind="wiener")
    with pytest.raises(ValueError, match="ratio_fund_mask: got kind='binary', expected 'ratio'"):
        RatioFundMask(kind="binary")


@pytest.mark.parametrize("target", [RatioFundMask(), RemoveHarmonic(kind="ratio", harmonic=2)])
def test_energies_of_a_ratio_mask_cannot_be_matched(target: PartialMask) -> None:
    with pytest.raises(ValueError, match="expected a binary mask"):
        MatchedEnergy(target)


def test_says_what_it_is() -> None:
    for mask in (RatioFundMask(), RatioHarmMask()):
        assert mask.needs_overview
        assert not mask.stochastic
        assert MatchedTracks(mask).needs_overview
    assert not FundMask().needs_overview
    assert not RatioFundMask().out_of_distribution
    assert RatioHarmMask().out_of_distribution
