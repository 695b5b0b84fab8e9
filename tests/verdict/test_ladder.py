"""Each threshold of the ladder, from both sides, on facts that were written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.findings import (
    Bluffs,
    FalseClaims,
    Gate,
    Group,
    Growth,
    Interval,
    Question,
    Start,
)
from battery.records.metric import TOKENS
from battery.records.models import LEARN
from battery.records.word import GateName, GateStatus, Word
from battery.verdict.facts import Facts, Forgotten, Loss
from battery.verdict.ladder import Decision, already_costly, decide, is_small_saving
from tests.verdict.batteries import BOTH, observed


def question(name: str, p: float | None = None, **changes: Any) -> Question:
    usual: dict[str, Any] = {"level": 0.03, "yes": p is not None and p <= 0.03, "test": "a test"}
    return Question(name=name, title=name, p=p, **{**usual, **changes})


def group(kind: str, ratio: float | None, **changes: Any) -> Group:
    """Make a kind of which all 12 calls of both arms end ok."""
    usual: dict[str, Any] = {"kind": kind, "tasks": 6, "learn": 700.0, "frozen": 1000.0}
    done = {"learn_done": 12, "learn_calls": 12, "frozen_done": 12, "frozen_calls": 12}
    low, high = changes.pop("low", None), changes.pop("high", None)
    interval = None if low is None else Interval(low=low, high=high, level=0.94)
    return Group(**{**usual, **done, "ratio": ratio, "interval": interval, **changes})


#: A saving of 30 % that is certain.
SAVES: dict[str, Any] = {
    "questions": [question("cost", 0.01), question("niche"), question("success")],
    "groups": [group("all", 0.7, low=0.6, high=0.8), group("niche", 0.7)],
}
#: Nothing that counts.
SAME: dict[str, Any] = {
    "questions": [question("cost", 0.5), question("niche"), question("success")],
    "groups": [group("all", 1.0, low=0.95, high=1.05), group("niche", 1.0)],
}
#: 30 % more, and certain.
COSTS: dict[str, Any] = {
    "questions": [question("cost", 0.99), question("niche"), question("success")],
    "groups": [group("all", 1.3, low=1.2, high=1.4), group("niche", 1.3)],
    "harm_p": 0.01,
}


def facts(iterations: int = 3, arms: Any = BOTH, **changes: Any) -> Facts:
    """Make the facts of a battery in which no question was put."""
    usual = Facts(
        observed=observed(iterations=iterations, arms=arms),
        cost=TOKENS,
        looks=None,
        questions=[],
        groups=[],
        later=None,
        harm_p=0.9,
        harm_level=0.03,
        losses=[],
        growth=None,
        start=Start(p=0.5, ratio=1.0, tasks=8, netted=False),
        bluffs=None,
        siblings=None,
        lost=[],
        gates=[],
        spoiled=[],
        nothing=None,
    )
    if "loss_p" in changes:
        changes = {**changes, "losses": [_loss(changes["loss_p"], changes["groups"][0])]}
        del changes["loss_p"]
    return usual._replace(**changes)


def _loss(p: float | None, done: Group) -> Loss:
    amount = done.frozen_done / done.frozen_calls - done.learn_done / done.learn_calls
    return Loss("all", p, amount)


def decided(**changes: Any) -> Decision:
    return decide(facts(**changes))


def word(**changes: Any) -> Word | None:
    return decided(**changes).word


def lost(**changes: Any) -> Forgotten:
    usual: dict[str, Any] = {"label": "weld", "iteration": 2, "failed": 5, "asked": 5}
    more = {"frozen_too": False, "came_back": False, "chance": 0.001}
    return Forgotten(**{**usual, **more, **changes})


def bluffing(*, learned: bool) -> Bluffs:
    counts: dict[str, int] = {"learn": 4, "learn_calls": 4, "before": 0, "before_calls": 2}
    claims = FalseClaims(**counts, frozen=0, frozen_calls=6, p=0.01, learned=learned)
    return Bluffs(impossible=claims, refuted=None, reason=None)


def fewer(ratio: float, done: int, **more: Any) -> dict[str, Any]:
    """Make a saving with fewer tasks done."""
    groups = [group("all", ratio, learn_done=done, low=0.6, high=0.8), group("niche", ratio)]
    return {**SAVES, "groups": groups, **more}


def test_the_alarms_come_first_in_this_order_and_all_that_hold_are_listed() -> None:
    found = decided(**SAVES, spoiled=["x"], bluffs=bluffing(learned=True), lost=[lost()])
    assert found.word is Word.INVALID
    assert found.holds == [Word.INVALID, Word.DISHONEST, Word.REGRESSED]
    assert word(**SAVES, bluffs=bluffing(learned=True), lost=[lost()]) is Word.DISHONEST
    assert word(**SAVES, lost=[lost()]) is Word.REGRESSED
    assert word(**SAVES) is Word.LEARNED


@pytest.mark.parametrize("iterations", [1, 3])
def test_alarms_need_neither_a_second_arm_nor_a_second_iteration(iterations: int) -> None:
    one: dict[str, Any] = {"arms": (LEARN,), "iterations": iterations}
    assert word(**one, spoiled=["x"]) is Word.INVALID
    assert word(**one, bluffs=bluffing(learned=True)) is Word.DISHONEST
    assert word(**one, lost=[lost(chance=None)]) is Word.REGRESSED
    assert word(**one) is (None if iterations == 1 else Word.INDICATIVE)


def test_bluffs_that_learning_did_not_bring_are_no_alarm() -> None:
    assert decided(**SAVES, bluffs=bluffing(learned=False)).holds == []


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"failed": 3}, False),
        ({"frozen_too": True}, False),
        ({"came_back": True}, False),
        ({"chance": 0.05}, True),
        ({"chance": 0.051}, False),
        # The more occasions, the more luck is to be expected.
        ({"chance": 0.05, "occasions": 2}, False),
    ],
)
def test_a_task_is_lost_where_it_lasts_and_is_no_luck(change: Any, counts: bool) -> None:
    assert (word(**SAVES, lost=[lost(**change)]) is Word.REGRESSED) == counts


@pytest.mark.parametrize("name", ["cost", "niche", "success"])
def test_any_yes_is_learned(name: str) -> None:
    asked = [
        question(each, 0.01 if each == name else None) for each in ("cost", "niche", "success")
    ]
    assert word(**{**SAME, "questions": asked}) is Word.LEARNED


@pytest.mark.parametrize("status", list(GateStatus))
def test_only_a_failed_gate_lowers_a_claim(status: GateStatus) -> None:
    gate = Gate(name=GateName.BETA, title="really drift", status=status, text="")
    wanted = Word.INCONCLUSIVE if status is GateStatus.FAILED else Word.LEARNED
    assert word(**SAVES, gates=[gate]) is wanted


def test_where_nothing_could_be_learned_no_gain_is_believed() -> None:
    assert decided(**SAVES, nothing="why").reasons == ["why"]
    assert word(**SAVES, nothing="why") is Word.INCONCLUSIVE


@pytest.mark.parametrize(
    ("done", "p", "wanted"),
    [
        (10, 0.1, Word.MIXED),
        (10, 0.101, Word.LEARNED),
        # Of 12 calls one is less than ten points.
        (11, 0.01, Word.LEARNED),
        (10, None, Word.LEARNED),
    ],
)
def test_a_saving_with_less_work_done_is_mixed(done: int, p: float | None, wanted: Word) -> None:
    assert word(**fewer(0.7, done, loss_p=p)) is wanted


@pytest.mark.parametrize(
    ("p", "wanted"),
    [(0.025, Word.REGRESSED), (0.026, Word.INCONCLUSIVE), (0.2, Word.INCONCLUSIVE)],
)
def test_fewer_tasks_done_at_the_same_cost_are_a_regression(p: float, wanted: Word) -> None:
    groups = [group("all", 1.0, learn_done=9, low=0.95, high=1.05), group("niche", 1.0)]
    assert word(**{**SAME, "groups": groups, "loss_p": p}) is wanted


def test_more_cost_and_fewer_done_need_no_certainty_of_the_latter() -> None:
    groups = [group("all", 1.3, learn_done=9), group("niche", 1.3)]
    found = decided(**{**COSTS, "groups": groups, "loss_p": 0.1})
    assert found.word is Word.REGRESSED
    assert len(found.reasons) == 2


@pytest.mark.parametrize(
    ("ratio", "p", "wanted"),
    [(1.1, 0.03, Word.REGRESSED), (1.09, 0.03, Word.INCONCLUSIVE), (1.1, 0.031, Word.INCONCLUSIVE)],
)
def test_more_cost_is_a_regression(ratio: float, p: float, wanted: Word) -> None:
    groups = [group("all", ratio, low=0.99, high=1.3), group("niche", ratio)]
    assert word(**{**COSTS, "groups": groups, "harm_p": p}) is wanted


def test_more_cost_for_more_done_or_cheaper_niche_tasks_is_mixed() -> None:
    for name in ("niche", "success"):
        asked = [
            question(each, 0.01 if each == name else None) for each in ("cost", "niche", "success")
        ]
        assert word(**{**COSTS, "questions": asked}) is Word.MIXED


@pytest.mark.parametrize(("p", "wanted"), [(0.05, Word.MIXED), (0.051, Word.LEARNED)])
def test_the_price_of_a_gain_is_told_at_the_customary_level(p: float, wanted: Word) -> None:
    asked = [question("cost", 0.99), question("niche"), question("success", 0.01)]
    assert word(**{**COSTS, "questions": asked, "harm_p": p}) is wanted


@pytest.mark.parametrize(("ratio", "wanted"), [(1.1, Word.MIXED), (1.09, Word.LEARNED)])
def test_niche_tasks_that_others_pay_for_are_mixed_even_without_certainty(
    ratio: float, wanted: Word
) -> None:
    asked = [question("cost", 0.9), question("niche", 0.01), question("success")]
    groups = [group("all", ratio), group("niche", 0.7)]
    assert word(questions=asked, groups=groups, harm_p=0.2) is wanted


@pytest.mark.parametrize(
    ("ratio", "start", "costly"),
    [(1.3, 1.25, True), (1.3, 1.1, False), (1.3, None, False), (1.1, 1.0, False)],
)
def test_what_cost_more_from_the_start_is_not_blamed_on_learning(
    ratio: float, start: float | None, costly: bool
) -> None:
    begun = Start(p=0.2, ratio=start, tasks=8, netted=False)
    found = decided(**{**COSTS, "groups": [group("all", ratio, low=1.01, high=1.4)]}, start=begun)
    assert (found.word is Word.REGRESSED) != costly


def test_what_is_netted_already_is_not_taken_off_twice() -> None:
    begun = Start(p=0.001, ratio=1.04, tasks=8, netted=True)
    assert word(**COSTS, start=begun) is Word.REGRESSED


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.91, 1.09, Word.NO_EFFECT),
        (0.9, 1.09, Word.INCONCLUSIVE),
        (0.91, 1.1, Word.INCONCLUSIVE),
        (None, None, Word.INCONCLUSIVE),
    ],
)
def test_no_effect_asks_for_an_interval_inside_10_percent(
    low: float | None, high: float | None, wanted: Word
) -> None:
    groups = [group("all", 1.0, low=low, high=high), group("niche", 1.0)]
    assert word(**{**SAME, "groups": groups}) is wanted


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"loss_p": 0.09}, "fewer tasks are done"),
        ({"loss_p": 0.3}, "17% fewer are done, which may be chance"),
    ],
)
def test_no_effect_is_not_said_next_to_an_open_loss(change: Any, text: str) -> None:
    groups = [group("all", 1.0, learn_done=10, low=0.95, high=1.05), group("niche", 1.0)]
    found = decided(**{**SAME, "groups": groups, **change})
    assert found.word is Word.INCONCLUSIVE
    assert text in found.reasons[0]


def test_no_effect_is_not_said_next_to_an_open_gain() -> None:
    groups = [group("all", 1.0, frozen_done=10, low=0.95, high=1.05)]
    assert word(**{**SAME, "groups": groups}) is Word.INCONCLUSIVE
    asked = [question("cost", 0.5), question("niche", 0.1, level=0.01, yes=False)]
    groups = [group("all", 0.97, low=0.92, high=1.05), group("niche", 0.7)]
    assert "niche tasks may cost less" in decided(questions=asked, groups=groups).reasons[0]


@pytest.mark.parametrize(
    ("ratio", "low", "small"), [(0.92, 0.86, True), (0.92, 0.84, False), (0.9, 0.86, False)]
)
def test_a_sure_and_small_saving_is_no_effect(ratio: float, low: float, small: bool) -> None:
    asked = [question("cost", 0.01, yes=False, note="too small"), question("niche")]
    groups = [group("all", ratio, low=low, high=0.98), group("niche", ratio)]
    found = decided(questions=asked, groups=groups)
    assert found.word is (Word.NO_EFFECT if small else Word.INCONCLUSIVE)


def growth(shape: str, **changes: Any) -> Growth:
    usual: dict[str, Any] = {"p": 0.01, "p_beyond_step": 0.01, "p_fall": None, "best": 5}
    return Growth(ratios=[0.9, 0.8, 0.7, 0.6], shape=shape, test="", **{**usual, **changes})


@pytest.mark.parametrize("shape", ["grew", "in steps", "steady", "past its peak", "fading"])
def test_only_a_saving_that_grew_over_five_iterations_compounds(shape: str) -> None:
    found = decided(**SAVES, iterations=5, growth=growth(shape, p_fall=0.01))
    assert found.word is (Word.COMPOUNDING if shape == "grew" else Word.LEARNED)
    assert (found.reasons == []) == (shape == "grew")
    assert word(**SAVES, iterations=4, growth=growth(shape)) is Word.LEARNED


def test_what_compounds_is_the_saving_over_all_tasks() -> None:
    asked = [question("cost"), question("niche", 0.01), question("success")]
    found = decided(**{**SAVES, "questions": asked}, iterations=5, growth=growth("grew"))
    assert found.word is Word.LEARNED
    assert "over all tasks" in found.reasons[0]


def test_without_tokens_there_is_nothing_to_compare() -> None:
    found = decided(questions=[question("cost")], groups=[group("all", None)])
    assert found == Decision(Word.INCONCLUSIVE, ["no tokens could be compared"], [])


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([lost(failed=0, asked=0)], Word.INCONCLUSIVE),
        # Asked again once, it is known; a later failure is not asked again.
        ([lost(failed=0), lost(iteration=3, failed=0, asked=0)], Word.LEARNED),
        ([lost(failed=0, asked=0, frozen_too=True)], Word.LEARNED),
        ([lost(failed=0, asked=0, came_back=True)], Word.LEARNED),
    ],
)
def test_a_failure_that_nobody_asked_again_refuses_a_claim(
    losses: list[Forgotten], wanted: Word
) -> None:
    assert word(**SAVES, lost=losses) is wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"chance": 0.3}, Word.INCONCLUSIVE),
        ({"frozen_too": True}, Word.INCONCLUSIVE),
        ({"chance": 0.3, "failed": 3}, Word.LEARNED),
        ({"frozen_too": True, "frozen_never": True}, Word.LEARNED),
        ({"chance": 0.3, "came_back": True}, Word.LEARNED),
    ],
)
def test_a_task_that_may_have_been_given_up_refuses_a_claim(changes: Any, wanted: Word) -> None:
    found = decided(**SAVES, lost=[lost(**changes)])
    assert found.word is wanted
    if wanted is Word.INCONCLUSIVE:
        assert "5 of 5 reruns, which may be chance" in found.reasons[0]


def test_where_nothing_was_asked_nothing_is_found() -> None:
    assert not already_costly(facts(start=None))
    assert not is_small_saving(facts())


@pytest.mark.parametrize("kind", ["niche", "easy"])
@pytest.mark.parametrize(("p", "wanted"), [(0.05, Word.MIXED), (0.051, Word.LEARNED)])
def test_a_loss_of_one_kind_makes_a_saving_mixed(kind: Any, p: float, wanted: Word) -> None:
    """As many are done over all tasks: the other kind gained."""
    found = decided(**SAVES, losses=[Loss("all", 0.6, 0.0), Loss(kind, p, 0.25)])
    assert found.word is wanted
    if wanted is Word.MIXED:
        assert f"fewer {kind} tasks are done (p = 0.05" in found.reasons[0]


def test_a_loss_of_one_kind_is_no_regression_and_not_no_effect() -> None:
    found = decided(**SAME, losses=[Loss("all", 0.6, 0.0), Loss("niche", 0.0001, 0.25)])
    assert (found.word, found.holds) == (Word.INCONCLUSIVE, [])
    assert found.reasons == ["fewer niche tasks are done (p < 0.001)"]
    # With a loss over all tasks as well, that is what regressed, and what is said.
    worse = decided(**SAME, losses=[Loss("all", 0.02, 0.2), Loss("niche", 0.0001, 0.25)])
    assert worse.word is Word.REGRESSED
    assert worse.reasons == ["fewer tasks are done (p = 0.020)"]


@pytest.mark.parametrize(("learn", "wanted"), [(1100.0, Word.MIXED), (1090.0, Word.LEARNED)])
def test_niche_tasks_that_a_few_large_tasks_pay_for_are_mixed(learn: float, wanted: Word) -> None:
    """A typical task costs less; all of them together cost more."""
    asked = [question("cost", 0.2), question("niche", 0.01), question("success")]
    groups = [group("all", 0.93, learn=learn, frozen=1000.0), group("niche", 0.6)]
    assert word(questions=asked, groups=groups, harm_p=0.8) is wanted


@pytest.mark.parametrize(
    ("niche", "text"),
    [
        # Niche tasks that no test could tell of, and that cost far less.
        ({"ratio": 0.4}, "niche tasks may cost less (p = 0.125)"),
        ({"learn_done": 12, "frozen_done": 9}, "25% more niche tasks are done"),
        ({"learn_done": 9, "frozen_done": 12}, "25% fewer niche tasks are done"),
    ],
)
def test_no_effect_is_not_said_next_to_niche_tasks_that_changed(niche: Any, text: str) -> None:
    asked = [question("cost", 0.5), question("niche", 0.125, level=0.0), question("success")]
    groups = [
        group("all", 1.0, low=0.95, high=1.05),
        group("niche", niche.get("ratio", 1.0), **{k: v for k, v in niche.items() if k != "ratio"}),
    ]
    found = decided(questions=asked, groups=groups)
    assert found.word is Word.INCONCLUSIVE
    assert text in found.reasons[0]


def test_easy_tasks_that_changed_by_less_than_twice_what_counts_are_no_doubt() -> None:
    for done, wanted in ((9, Word.INCONCLUSIVE), (10, Word.NO_EFFECT)):
        groups = [*SAME["groups"], group("easy", 1.0, learn_done=done)]
        assert word(**{**SAME, "groups": groups}) is wanted
