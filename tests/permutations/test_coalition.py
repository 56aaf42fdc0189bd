"""Coalitions: what each leaves of the sound, and what players there can be."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tests.permutations.synthetic import KINDS, bits, changed, make_notes, tone_spectrogram
from tests.toys import ToyTrack, ToyTranscriber

from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.permutations.coalition import MOST_PLAYERS, PLAYERS, Coalition, coalitions
from pi_amt.permutations.loading import controls_of, load_permutation
from pi_amt.permutations.masks import RatioFundMask, RatioHarmMask, RemoveHarmonic
from pi_amt.permutations.partial_powers import (
    N_PARTIALS,
    Overview,
    PartialPowers,
)
from pi_amt.permutations.permutation import Scene
from pi_amt.permutations.regions import numbers_of
from pi_amt.store.rows import ConditionKey
from pi_amt.study.conditions import Condition, as_condition, make_conditions

#: harmonic tones that overlap, with six partials each
TONES = make_notes((0.3, 1.2, 57.0), (0.8, 1.6, 64.0))


def melody() -> tuple[Spectrogram, Notes]:
    """Seven blocks of single tones with four partials each."""
    track = ToyTrack("a", seconds=14.0)
    return ToyTranscriber().analyze(*track.audio()), track.notes()


@pytest.mark.parametrize("kind", KINDS)
def test_all_players_leave_every_bit_and_none_leaves_nothing(kind: str) -> None:
    s = tone_spectrogram(TONES, kind)
    whole, nothing = Coalition(present=PLAYERS), Coalition(present="nothing")
    np.testing.assert_array_equal(bits(whole(s, TONES)), bits(s))
    assert not np.asarray(nothing(s, TONES).values).any()
    assert (whole.is_whole, nothing.is_whole) == (True, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("coalition", "mask"),
    [
        (Coalition(present="f0"), RatioHarmMask()),
        (Coalition(present="h2 h3 h4-h10 rest"), RatioFundMask()),
        (Coalition(present="f0 h2 h4-h10 rest"), RemoveHarmonic(harmonic=3, kind="ratio")),
        (Coalition(present="f0", inharmonicity="none"), RatioHarmMask(inharmonicity="none")),
    ],
    ids=str,
)
def test_one_player_alone_or_absent_is_a_ratio_mask(
    kind: str, coalition: Coalition, mask: RatioFundMask
) -> None:
    s = tone_spectrogram(TONES, kind)
    made = coalition(s, TONES)
    np.testing.assert_array_equal(bits(made), bits(mask(s, TONES)))
    assert changed(s, made).any()
    assert np.asarray(made.values).any()
    assert coalition.keeps == coalition.can_leak == mask.keep
    # rows of what is removed were not changed when keeping learnt of rooms
    assert coalition.method_version == mask.method_version == ("3" if mask.keep else "2")
    for linear in (None, False, True):
        assert coalition.added_version(linear) == mask.added_version(linear)
    assert coalition.out_of_distribution == mask.out_of_distribution


@pytest.mark.parametrize("keep", [False, True])
def test_several_players_are_the_union_of_their_partials(keep: bool) -> None:
    s, notes = melody()
    powers = Overview.of(s).partials(notes)
    groups = ((1,), (2,), (3, 4))
    found = powers.gains_of_groups(s, groups, (True, False, True), keep)
    expected, other = (
        powers.gains(s, numbers_of(numbers, len(notes)), keep) for numbers in ((1, 3, 4), (1, 2))
    )
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(found - other).max() > 0.5


def test_the_power_of_each_player_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    s, notes = melody()
    overview = Overview.of(s)
    overview.partials(notes)
    calls: list[int] = []
    plain = PartialPowers.powers

    def counted(self: PartialPowers, *given: Any, **named: Any) -> Any:
        calls.append(len(given))
        return plain(self, *given, **named)

    monkeypatch.setattr(PartialPowers, "powers", counted)
    together = {}
    for coalition in coalitions():
        made, _ = coalition.perturb(Scene(s, notes, overview=overview))
        together[coalition.present] = made
    # In all blocks, and to follow the rest, in the whole of so short a recording: 4 players, what
    # is doubted of them, and all partials together. In all blocks also the 4 players as they are
    # when they are kept, and in the whole recording, for the residual, all partials so.
    assert len(calls) == 2 * (4 + 4 + 1) + 4 + 1
    # what is kept from one coalition to the next changes none of them
    for name in ("f0", "h2+h3", "h3+rest"):
        alone = Coalition(present=name)(s, notes)
        np.testing.assert_array_equal(bits(alone), bits(together[name]))


def test_blocks_that_come_later_get_their_own_powers() -> None:
    s, notes = melody()
    overview = Overview.of(s)
    for coalition in (Coalition(present="f0+h3"), Coalition(present="f0+rest")):
        whole, _ = coalition.perturb(Scene(s, notes, overview=overview))
        assert changed(s, whole).any()
        for start in range(0, len(s.times), 2):
            scene = Scene(s.block_slice(start, start + 2), notes, overview=overview)
            part, _ = coalition.perturb(scene)
            np.testing.assert_array_equal(bits(part), bits(whole)[start : start + 2])


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("f0 h2 rest", "f0+h2+rest"),
        ("h1, h2-3 ,rest", "f0+h2-h3+rest"),
        (("f0-h3", "rest", "h4-h4"), "f0-h3+rest+h4"),
        (f"rest+h2-h{N_PARTIALS}", f"rest+h2-h{N_PARTIALS}"),
    ],
)
def test_players_have_one_spelling(given: Any, plain: str) -> None:
    coalition = Coalition(given, present="rest")
    assert coalition.players == plain
    assert coalition == Coalition(plain, "rest")


def test_those_present_stand_in_the_order_of_the_players() -> None:
    assert Coalition(present="rest, h1").present == "f0+rest"
    assert Coalition(present="").present == "nothing"
    assert load_permutation("coalition", present=[]) == Coalition(present="nothing")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"players": "f0+h2"}, "players: got f0+h2 without rest, add rest: all players together"),
        ({"players": "rest"}, "players: got 1 (rest), expected 2 to 8"),
        (
            {"players": "+".join(["rest", *(f"h{k}" for k in range(1, MOST_PLAYERS + 1))])},
            "players: got 9 (",
        ),
        ({"players": "f0 h2-h4 h3 rest"}, "players: got h2-h4 and h3, expected players that share"),
        ({"players": "f0 rest rest"}, "players: got rest and rest, expected players that share"),
        ({"players": "f0 x rest"}, "players: got 'x', expected f0, a partial such as h2"),
        ({"players": "h0 rest"}, "players: got 'h0', expected partials from f0 to h16"),
        ({"players": "h5-h4 rest"}, "players: got 'h5-h4', expected partials from f0 to h16"),
        ({"players": "h12-h17 rest"}, "players: got 'h12-h17', expected partials from f0 to h16"),
        ({"players": 5}, "players: got 5, expected names such as f0+h2"),
        ({"present": "h5"}, "present: got h5, expected some of f0, h2, h3, h4-h10, rest, or noth"),
        ({"present": None}, "present: got None, expected names such as"),
        ({"inharmonicity": "guitar"}, "inharmonicity: got 'guitar', expected one of piano, none"),
    ],
)
def test_players_that_cannot_be_are_refused_in_one_line(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(said)) as caught:
        load_permutation("coalition", **options)
    assert "\n" not in str(caught.value)


def test_all_coalitions_but_the_whole() -> None:
    found = coalitions("f0 h2 rest")
    assert [one.present for one in found] == [
        *("nothing", "f0", "h2", "f0+h2", "rest", "f0+rest", "h2+rest"),
    ]
    assert len({one.present for one in coalitions()}) == 2**5 - 1
    assert not any(one.is_whole for one in coalitions())
    assert {one.inharmonicity for one in coalitions(inharmonicity="none")} == {"none"}


def test_a_coalition_is_neither_a_condition_nor_a_control_and_has_no_controls() -> None:
    condition = as_condition(Coalition(present="f0 h2"))
    assert (condition.label, condition.role) == ("coalition(present=f0+h2)", "coalition")
    assert controls_of(Coalition(present="rest")) == []
    roles = [c.role for c in make_conditions(coalitions(), controls=True)]
    assert roles.count("coalition") == 31
    assert set(roles) == {"baseline", "coalition", "control"}


def test_its_rows_make_it_again() -> None:
    condition = as_condition(Coalition("f0+h2-h5+rest", "rest", "none"))
    key = ConditionKey("coalition", condition.parameters, condition.label, condition.role)
    assert Condition.rebuilt(key) == condition
