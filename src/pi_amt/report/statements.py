"""The result in sentences, made from the numbers: the answer first, then what it rests on.

Each feature of a study is one :class:`Statement` about whether the model needs it, and one about
whether it is enough by itself. All masks of the feature (ratio, soft, hard) share it: the first of
these that does not leak leads, and the statement says whether the others agree. What may be claimed
is decided in :mod:`pi_amt.statistics.verdicts`; here it is put into words, the same for terminal,
page, README, notebook and methods paragraph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pi_amt.core.text import enumeration, plural
from pi_amt.permutations.permutation import DISTURBANCE, NECESSITY, SUFFICIENCY
from pi_amt.report.catalog import permutation_of
from pi_amt.report.names import dataset_title, model_title, score_name
from pi_amt.report.tables.cells import format_value, rounded
from pi_amt.report.tables.shapley import shapley_sentence, with_values
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.estimates import ConditionResult, baseline_result
from pi_amt.statistics.floor import why_at_floor
from pi_amt.statistics.inference import smallest_p
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.result import Result
from pi_amt.statistics.verdicts import Verdict, drop_tests, excess_tests, verdict_of
from pi_amt.store.rows import ConditionKey

#: of several features this many are named
_NAMED = 3
#: the strongest answer first; those that claim nothing are last
_ORDER = tuple(Verdict)
#: verdicts of a mask that could have told something, and did not
_UNTELLING = (
    Verdict.WITHIN_BIAS,
    Verdict.NO_EVIDENCE,
    Verdict.TOO_FEW,
    Verdict.CONTROL_AT_FLOOR,
)
#: up to this many single recordings are listed
_SINGLE = 6
#: words before a noun that do not tell whether it is plural
_NO_NOUNS = ("the", "a", "an", "all", "as", "many")
#: a known bias or leak below this changes no reading
_WORTH_SAYING = 0.03
_INCOMPARABLE = "This control leaves too little to compare with."


@dataclass(frozen=True)
class Asked:
    """What a condition asks of a model.

    Attributes:
        feature: in words; empty where its permutation has none.
        tests: ``necessity``, ``sufficiency`` or ``disturbance`` of the feature.
        control: what the matched control treats in its place, in words.
        mask: ``ratio``, ``soft`` or ``hard``; empty for what is no mask.
    """

    feature: str
    tests: str
    control: str = ""
    mask: str = ""


@dataclass(frozen=True)
class Statement:
    """What a study shows of one feature and one model.

    Attributes:
        model, dataset: titles.
        feature: in words, or the name of a condition that has none.
        tests: ``necessity``, ``sufficiency`` or ``disturbance`` of the feature.
        verdict: what is claimed.
        answer: one sentence.
        evidence: the sentences with the numbers behind it, and what limits them.
        short: the evidence for a feature of which something has been said before.
        conditions: the masks it rests on, as the table names them; the leading one first.
    """

    model: str
    dataset: str
    feature: str
    tests: str
    verdict: Verdict
    answer: str
    evidence: tuple[str, ...]
    short: str
    conditions: tuple[str, ...]

    @property
    def text(self) -> str:
        """Answer and evidence."""
        return " ".join([self.answer, *self.evidence])


@dataclass(frozen=True)
class Answer:
    """What a study shows of one model on one dataset, the most important first.

    Attributes:
        lead: the answer in one sentence.
        evidence: the sentences that it rests on.
        sources: where the score comes from, where Shapley values were computed.
        others: what was found of the other features, in short.
    """

    lead: str
    evidence: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it as one paragraph."""
        return " ".join([self.lead, *self.evidence, *self.sources, *self.others])


def headline(importance: Result) -> list[str]:
    """One paragraph per model and dataset."""
    return [answer_of(importance, panel).text for panel in importance.panels]


def asked_by(condition: ConditionKey) -> Asked:
    """What a condition asks, as its permutation says; of one that is not known here, nothing."""
    try:
        made = permutation_of(condition)
        if made is None:
            return Asked("", DISTURBANCE)
        ratio = getattr(made, "kind", "") == "ratio"
        soft = getattr(made, "fill", "") == "background"
        mask = "ratio" if ratio else "soft" if soft else "hard" if hasattr(made, "fill") else ""
        return Asked(made.feature_in_words, made.tests, made.control_in_words, mask)
    except Exception:  # somebody else's permutation, which is broken
        return Asked("", DISTURBANCE)


def verdicts(importance: Result, panel: Panel) -> list[Verdict | None]:
    """What each condition of a panel shows, in their order; ``None`` for controls."""
    inference, among = importance.inference, importance.results
    at_floor = bool(why_at_floor(panel, inference))
    found: list[Verdict | None] = []
    for condition, result in zip(panel.conditions, importance.results_of(panel), strict=True):
        if result.role != "condition":
            found.append(None)
            continue
        tests = asked_by(condition).tests
        found.append(verdict_of(result, tests, inference, at_floor=at_floor, among=among))
    return found


def statements(importance: Result, panel: Panel) -> list[Statement]:
    """What a study shows of one model on one dataset, the strongest claim first."""
    groups: dict[tuple[str, str], list[_Member]] = {}
    results, found = importance.results_of(panel), verdicts(importance, panel)
    for number, (result, verdict) in enumerate(zip(results, found, strict=True)):
        if verdict is None or verdict is Verdict.NO_SCORE:
            continue
        asked = asked_by(panel.conditions[number])
        name = asked.feature or result.condition
        groups.setdefault((name, asked.tests), []).append(
            _Member(asked, result, verdict, panel.is_step(number))
        )
    made = [
        _Words(importance, panel, sorted(members, key=_Member.rank)) for members in groups.values()
    ]
    made.sort(key=_Words.rank)
    return [words.statement() for words in made]


def answer_of(importance: Result, panel: Panel) -> Answer:
    """What a study shows of one model on one dataset."""
    model, dataset = model_title(panel.model), dataset_title(panel.dataset)
    place = f"{model}'s {score_name(importance.score)} on {dataset}"
    if why := why_at_floor(panel, importance.inference):
        return Answer(f"Nothing can be learnt from {place}: {why}, so a drop cannot be seen.")
    found = statements(importance, panel)
    values = [one for one in with_values(importance) if one.panel is panel]
    sources = tuple(shapley_sentence(one, model, dataset) for one in values)
    if not found and sources:
        return Answer(sources[0], sources=sources[1:])
    if not found:
        baseline = baseline_result(panel, importance.inference).baseline
        if math.isnan(baseline):
            return Answer(f"{place} is not known, because no recording has a score.")
        tried = any(r.role == "condition" for r in importance.results_of(panel))
        what = "no condition has a score" if tried else "no condition was run"
        return Answer(f"{place} is {rounded(baseline)}; {what}, so there is nothing to say.")
    first, *rest = found
    twin = next((s for s in rest if s.feature == first.feature and s.short), None)
    alone = (twin.short,) if twin else ()
    others = _others([s for s in rest if s is not twin], first)
    return Answer(first.answer, (*first.evidence, *alone), sources, tuple(others))


def too_few_in_words(result: ConditionResult, importance: Result) -> str:
    """Why so few recordings cannot be tested, as a sentence."""
    few = plural(result.n_pieces, "recording")
    if result.n_pieces == 1:
        return "One recording is too few for a test."
    if result.n_compositions == 1:
        return f"{few} of one composition are too few for a test."
    if result.n_compositions < result.n_pieces:
        few += f" of {plural(result.n_compositions, 'composition')}"
    least = smallest_p(result.n_compositions, importance.inference.n_resamples)
    if not result.is_testable:
        return f"{few} are too few for a test: the smallest possible p is {_p(least)}."
    controlled = not math.isnan(result.excess_p)
    tests = (excess_tests if controlled else drop_tests)(importance.results)
    tested = f"{tests} conditions against their controls" if controlled else f"{tests} conditions"
    return (
        f"{few} are too few to test {tested}: the smallest possible p is {_p(least)}, "
        f"and {_p(min(1.0, least * tests))} after the correction for so many tests."
    )


def bias_in_words(result: ConditionResult) -> str:
    """``reads 0.22 too high on music with known partials``; empty where the bias is not known."""
    if math.isnan(result.known_bias):
        return ""
    size = format_value(abs(result.known_bias), ".2f")
    side = "high" if result.known_bias > 0 else "low"
    by = "true" if float(size) == 0 else f"{size} too {side}"
    return f"reads {by} on music with known partials"


@dataclass(frozen=True)
class _Member:
    """One condition of a feature."""

    asked: Asked
    result: ConditionResult
    verdict: Verdict
    step: bool

    def rank(self) -> tuple[bool, bool, int, bool]:
        """The ratio mask leads, then the soft one, then the hard one, of what removes or keeps all
        of a feature at the default width; one that leaks never leads one that does not."""
        kinds = ("ratio", "soft", "hard", "")
        options = self.result.parameters
        return (
            self.verdict is Verdict.LEAKS,
            self.step,
            kinds.index(self.asked.mask),
            '"half_width_cents":null' not in options.replace(" ", ""),
        )

    @property
    def called(self) -> str:
        """What distinguishes it from other masks of its feature."""
        names = {"ratio": "ratio mask", "soft": "soft binary mask", "hard": "hard binary mask"}
        return names.get(self.asked.mask, self.result.condition)


class _Words:
    """The sentences about one feature, from the conditions that are about it, the leading first."""

    def __init__(self, importance: Result, panel: Panel, members: Sequence[_Member]) -> None:
        self.importance, self.panel, self.members = importance, panel, members
        leading = members[0]
        self.asked, self.result, self.verdict = leading.asked, leading.result, leading.verdict
        self.model, self.dataset = model_title(panel.model), dataset_title(panel.dataset)
        plain = importance.score == F_MEASURE
        self.score = "note F" if plain else score_name(importance.score)
        self.known = bool(self.asked.feature)
        self.feature = self.asked.feature or f"`{self.result.condition}`"
        self.many = _is_plural(self.feature)

    def rank(self) -> tuple[int, bool, bool, float]:
        """Strong claims first, necessity before sufficiency, what has a control before what has
        none, then the largest difference."""
        result = self.result
        bare = math.isnan(result.excess_drop)
        size = result.drop if bare else result.excess_drop
        keeps = self.asked.tests == SUFFICIENCY
        return (_ORDER.index(self.verdict), keeps, bare, -abs(size))

    def statement(self) -> Statement:
        keeps = self.asked.tests == SUFFICIENCY
        evidence = [*(self._kept() if keeps else self._lost()), *self._agreement()]
        return Statement(
            model=self.model,
            dataset=self.dataset,
            feature=self.asked.feature or self.result.condition,
            tests=self.asked.tests,
            verdict=self.verdict,
            answer=self._place() + self._answer(),
            evidence=tuple(evidence),
            short=self._short() if keeps else "",
            conditions=tuple(member.result.condition for member in self.members),
        )

    def _place(self) -> str:
        return f"{self.dataset}: " if len(self.importance.datasets) > 1 else ""

    def _answer(self) -> str:
        model, feature, alone = self.model, self.feature, _capital(f"{self.feature} alone")
        without = self.asked.tests == NECESSITY
        deed = "Removing" if without else "Disturbing"
        less = "without" if without else "from disturbing"
        score, change = f"{model}'s {self.score}", self._change()
        margin = f"{self.importance.inference.equivalence_margin:g}"
        answers = {
            Verdict.RELIES: f"{model} relies on {feature}.",
            Verdict.DOES_NOT_RELY: f"{model} does not rely on {feature}.",
            Verdict.LESS: f"{model} loses less {less} {feature} than {less} {self.asked.control}.",
            Verdict.SENSITIVE: f"{deed} {feature} lowers {score} from {change}.",
            Verdict.RISES: f"{deed} {feature} raises {score} from {change}.",
            Verdict.NOT_SENSITIVE: (
                f"{deed} {feature} changes {score} by less than {margin} (from {change})."
            ),
            Verdict.SUFFICES: f"{alone} {self._verb('suffice')} for {model}.",
            Verdict.IN_PART: f"{alone} {self._verb('keep')} a part of {score}.",
            Verdict.DOES_NOT_SUFFICE: (
                f"{alone} {'do' if self.many else 'does'} not suffice for {model}."
            ),
        }
        if not self.known:
            answers |= {
                Verdict.RELIES: f"{score} falls under {feature}, and more than under its control.",
                Verdict.DOES_NOT_RELY: f"{score} falls no more under {feature} than under its "
                "control.",
                Verdict.LESS: f"{score} falls less under {feature} than under its control.",
                Verdict.SENSITIVE: f"{score} falls under {feature}, from {change}.",
                Verdict.RISES: f"{score} rises under {feature}, from {change}.",
                Verdict.NOT_SENSITIVE: (
                    f"{score} changes by less than {margin} under {feature} (from {change})."
                ),
            }
        return answers.get(self.verdict) or self._untold()

    def _untold(self) -> str:
        if self.asked.tests == SUFFICIENCY:
            suffice = f"{self.feature} alone {self._verb('suffice')} for {self.model}"
            return f"Whether {suffice} cannot be told."
        if self.asked.tests == NECESSITY or self.asked.control:
            return f"Whether {self.model} relies on {self.feature} cannot be told."
        deed = f"disturbing {self.feature} lowers" if self.known else f"{self.feature} lowers"
        return f"Whether {deed} {self.model}'s {self.score} cannot be told."

    def _change(self) -> str:
        return f"{rounded(self.result.baseline)} to {rounded(self.result.perturbed)}"

    # what is lost without the feature

    def _lost(self) -> list[str]:
        """The numbers of a feature that is removed or disturbed, and what limits them."""
        result, verdict = self.result, self.verdict
        if verdict in (Verdict.SENSITIVE, Verdict.RISES, Verdict.NOT_SENSITIVE):
            drop = f"The drop is {_interval(result, 'drop', self._recordings())}."
            return [drop, *self._uncontrolled()]
        if verdict is Verdict.TOUCHES_NOTHING:
            return [self._untouched()]
        moves = _moves(result.baseline, result.perturbed)
        said = f"{_capital(self._clause())} its {self.score} {moves} ({self._recordings()})"
        if verdict is Verdict.CONTROL_AT_FLOOR:
            left = rounded(result.perturbed + result.excess_drop)
            return [f"{said}.", f"The control leaves {left}, which is too little to compare with."]
        if not math.isnan(result.excess_drop):
            said += f"; {self._controlled()}"
        numbers = f"{said}."
        known = "On music whose partials are known, this mask makes the drop"
        if verdict is Verdict.TOO_FEW:
            return [too_few_in_words(result, self.importance), numbers, *self._single()]
        if verdict is Verdict.WITHIN_BIAS:
            more = f"{rounded(result.known_bias)} too large, which is more than this difference."
            return [numbers, f"{known} {more}"]
        if verdict is Verdict.NO_EVIDENCE:
            return [numbers, self._chance()]
        if verdict is Verdict.LESS:
            return [numbers, "This is no sign of reliance."]
        if verdict is Verdict.RELIES and result.known_bias > _WORTH_SAYING:
            less = f"{rounded(result.known_bias)} too large, which is less than this difference."
            return [numbers, f"{known} {less}"]
        return [numbers]

    def _clause(self) -> str:
        """``without them``, ``when it is disturbed,``, ``under `blur```."""
        if not self.known:
            return f"under {self.feature}"
        if self.asked.tests == NECESSITY:
            return f"without {'them' if self.many else 'it'}"
        return f"when {'they are' if self.many else 'it is'} disturbed,"

    def _controlled(self) -> str:
        """What the control does to the score, and the difference."""
        result, other = self.result, self.asked.control
        after = result.perturbed + result.excess_drop
        only = "only " if self.verdict is Verdict.RELIES else ""
        if not other or not self.known:
            clause, falls = "under its control", f"{only}to"
        elif self.asked.tests == NECESSITY:
            clause, falls = f"without {other}", f"{only}to"
        else:
            clause = f"when {other} {'are' if _is_plural(other) else 'is'} disturbed,"
            falls = f"it falls {only}to"
        if rounded(after) == rounded(result.baseline):
            falls = "it stays at"
        elif after > result.baseline:
            falls = "it rises to"
        said = f"{clause} {falls} {rounded(after)}"
        if not result.is_testable:
            return said
        if self.verdict is Verdict.DOES_NOT_RELY:
            margin = f"{self.importance.inference.equivalence_margin:g}"
            return f"{said}. The difference lies within ±{margin}"
        return f"{said}, a difference of {_interval(result, 'excess')}"

    def _chance(self) -> str:
        """Why nothing follows although there was a test."""
        result = self.result
        if math.isnan(result.excess_drop):
            return f"The change may be chance (p = {_p(result.p_holm)} after correction)."
        return f"The difference may be chance (p = {_p(result.excess_p_holm)} after correction)."

    def _uncontrolled(self) -> list[str]:
        """That sensitivity is not reliance, and whether a control could tell."""
        if self.verdict is not Verdict.SENSITIVE:
            return []
        if self.asked.control:
            return [
                "Only a control can tell whether the model relies on "
                f"{'them' if self.many else 'it'}: run with controls=true."
            ]
        return ["There is no control to compare this with, so it does not show reliance."]

    def _single(self) -> list[str]:
        """The drops of single recordings, in place of an interval; of one recording it is said."""
        number = self.panel.names.index(self.result.condition)
        score = self.importance.score
        drops = single_drops(self.panel, number, score)
        if self.result.is_testable or len(drops) < 2:
            return []
        few = len(drops) <= _SINGLE
        listed = (
            ", ".join(map(rounded, drops))
            if few
            else f"{rounded(drops[0])} to {rounded(drops[-1])}"
        )
        return [f"The drops of the single recordings are {listed}."]

    # what is kept by the feature alone

    def _kept(self) -> list[str]:
        """The numbers of a feature that alone is kept, and what limits them."""
        result, verdict = self.result, self.verdict
        if verdict is Verdict.TOUCHES_NOTHING:
            return [self._untouched()]
        start = f"Of a {self.score} of {rounded(result.baseline)} ({self._recordings()})"
        numbers = f"{start} {self._keeping('they' if self.many else 'it')}"
        if verdict is Verdict.LEAKS:
            return [self._leak()]
        if verdict is Verdict.TOO_FEW:
            return [too_few_in_words(result, self.importance), numbers, *self._single()]
        if verdict is Verdict.CONTROL_AT_FLOOR:
            return [numbers, _INCOMPARABLE]
        if verdict is Verdict.NO_EVIDENCE:
            return [numbers, self._why_not()]
        if result.known_bias > _WORTH_SAYING:
            little = f"{rounded(result.known_bias)} too little"
            return [numbers, f"On music whose partials are known, this mask keeps {little}."]
        return [numbers]

    def _keeping(self, subject: str, how: str = "") -> str:
        result = self.result
        said = f"{subject} {self._verb('keep')} {rounded(result.perturbed)}{how}"
        if not math.isnan(result.excess_drop):
            other = self.asked.control or "the control"
            said += f", {other} alone {rounded(result.perturbed + result.excess_drop)}"
        return f"{said}."

    def _short(self) -> str:
        """The same after the evidence of its necessity, which names the score."""
        alone = f"{self.feature} alone"
        if self.verdict is Verdict.TOUCHES_NOTHING:
            return ""
        if self.verdict is Verdict.LEAKS:
            leak = self._leak()
            untold = f"How much {alone} {self._verb('keep')} cannot be told"
            return f"{untold}: {leak[0].lower()}{leak[1:]}"
        said = self._keeping(_capital(alone), self._in_place())
        untested = self.verdict is Verdict.TOO_FEW and not self.result.leaks
        if self.verdict is Verdict.NO_EVIDENCE or untested:
            said += f" {self._why_not()}"
        if self.verdict is Verdict.CONTROL_AT_FLOOR:
            said += f" {_INCOMPARABLE}"
        return said

    def _in_place(self) -> str:
        """Which mask the numbers are of, where the ratio mask leaks and another leads."""
        leaks = [m.asked.mask for m in self.members[1:] if m.verdict is Verdict.LEAKS]
        if "ratio" not in leaks or self.asked.mask == "ratio":
            return ""
        return f" under the {self.members[0].called} (the ratio mask leaks)"

    def _leak(self) -> str:
        """What the condition scores without the notes."""
        known = [x for x in (self.result.leak_noise, self.result.leak_other) if not math.isnan(x)]
        return (
            f"The mask itself gives the notes away: it scores {rounded(max(known))} on a sound "
            f"without them, and {rounded(self.result.perturbed)} on the recordings."
        )

    def _why_not(self) -> str:
        if not self.result.leaks:
            return "Whether the mask itself gives the notes away was not measured."
        if math.isnan(self.result.excess_drop):
            return "There is no control to compare this with."
        return "This is not confidently more than the control keeps."

    # all

    def _untouched(self) -> str:
        return f"The condition touches nothing of {self.model}'s input."

    def _recordings(self) -> str:
        return f"{self.dataset}, {plural(self.result.n_pieces, 'recording')}"

    def _verb(self, plural_form: str) -> str:
        return plural_form if self.many else f"{plural_form}s"

    def _agreement(self) -> list[str]:
        """Whether the other masks of the feature show the same."""
        others = [m for m in self.members[1:] if not m.step]
        if not others or self.verdict is Verdict.TOO_FEW:
            return []
        groups: dict[Verdict, list[str]] = {}
        for member in others:
            groups.setdefault(member.verdict, []).append(member.called)
        sentences = []
        for verdict, called in groups.items():
            which, one = _which(called)
            if verdict is self.verdict:
                sentences.append(f"{which} {'agrees' if one else 'agree'}.")
            elif verdict is Verdict.LEAKS:
                leaks = "leaks and is" if one else "leak and are"
                sentences.append(f"{which} {leaks} no evidence.")
            elif verdict is Verdict.TOUCHES_NOTHING:
                sentences.append(f"{which} {'touches' if one else 'touch'} nothing here.")
            elif verdict in _UNTELLING:
                sentences.append(f"{which} alone could not tell.")
            else:
                sentences.append(f"{which} {'disagrees' if one else 'disagree'}: {verdict}.")
        return sentences


def _which(called: Sequence[str]) -> tuple[str, bool]:
    """Several masks in words, and whether it is one."""
    kinds = list(dict.fromkeys(called))
    if len(kinds) == 1:
        return f"The {kinds[0]}", True
    if all(kind.endswith("binary mask") for kind in kinds):
        return "Both binary masks, hard and soft,", False
    return f"The {enumeration(kinds)}", False


def _others(found: Sequence[Statement], first: Statement) -> list[str]:
    """The other features in short, one sentence per verdict."""
    groups: dict[Verdict, list[str]] = {}
    for statement in found:
        keeps = statement.tests == SUFFICIENCY
        name = f"{statement.feature} alone" if keeps else statement.feature
        groups.setdefault(statement.verdict, []).append(name)
    untold: list[str] = []
    sentences = []
    for verdict, names in groups.items():
        if said := _in_short(verdict, names, first.verdict):
            sentences.append(said)
        else:
            untold += names
    return [*sentences, *([f"Nothing can be told about {_some(untold)}."] if untold else [])]


def _in_short(verdict: Verdict, names: Sequence[str], first: Verdict) -> str:
    """What holds for some features; nothing where nothing can be told."""
    again = verdict is first
    also, either = ("also ", " either") if again else ("", "")
    features, any_of = _some(names), _some(names, "or")
    sentences = {
        Verdict.RELIES: f"It {also}relies on {features}.",
        Verdict.SUFFICES: f"It {also}manages with {features}.",
        Verdict.IN_PART: f"A part of its F is {also}kept by {features}.",
        Verdict.SENSITIVE: (
            f"Changing {any_of} {also}lowers its F; there is no control to compare with."
        ),
        Verdict.RISES: f"Changing {any_of} {also}raises its F.",
        Verdict.LESS: f"Changing {any_of} {also}costs it less than the control does.",
        Verdict.DOES_NOT_SUFFICE: f"It {also}needs more than {features}.",
        Verdict.TOO_FEW: f"Nothing can be told about {features} either." if again else "",
        Verdict.DOES_NOT_RELY: f"It does not rely on {any_of}{either}.",
        Verdict.NOT_SENSITIVE: f"Its F does not depend on {any_of}{either}.",
    }
    return sentences.get(verdict, "")


def single_drops(panel: Panel, number: int, score: str) -> list[float]:
    """The drops of the recordings of one condition, repeats averaged, the smallest first."""
    drops = panel.baseline_values(score) - panel.piece_means(score)[number]
    return sorted(float(drop) for drop in drops if not math.isnan(drop))


def _some(names: Sequence[str], last: str = "and") -> str:
    """The first of several names, and how many more there are."""
    unique = list(dict.fromkeys(names))
    more = len(unique) - _NAMED
    return enumeration([*unique[:_NAMED], f"{more} more"] if more > 1 else unique, last)


def _moves(before: float, after: float) -> str:
    a, b = rounded(before), rounded(after)
    if a == b:
        return f"stays at {a}"
    return f"{'falls' if after < before else 'rises'} from {a} to {b}"


def _interval(result: ConditionResult, of: str, besides: str = "") -> str:
    """An estimate with its interval and what else belongs in the bracket."""
    value = result.drop if of == "drop" else result.excess_drop
    low, high = getattr(result, f"{of}_low"), getattr(result, f"{of}_high")
    bounds = "" if math.isnan(low) else f"95 % interval {rounded(low)} to {rounded(high)}"
    inside = "; ".join(part for part in (bounds, besides) if part)
    return f"{rounded(value)} ({inside})" if inside else rounded(value)


def _p(value: float) -> str:
    return f"{value:.3g}"


def _is_plural(words: str) -> bool:
    """Whether a feature is several things, as its first noun tells."""
    nouns = [word for word in words.split() if word not in _NO_NOUNS]
    return bool(nouns) and nouns[0].endswith("s")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
