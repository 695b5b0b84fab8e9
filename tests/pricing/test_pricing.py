"""What calls cost: the prices that count, in their order, and what has no price."""

from __future__ import annotations

from typing import Any

import pytest

from battery.pricing import Pricing, plain_name
from battery.records.models import KnownPrice, Price, RunResult

CHEAP = Price(input=1, cached_input=0.1, output=4)
EARLIER = KnownPrice(input=2, cached_input=None, output=8, source="genai-prices 0.0.1")


def result(usage: dict[str, Any], **artifact: Any) -> RunResult:
    return RunResult.of({"status": "ok", "artifact": {"usage": usage, **artifact}})


def tokens(prompt: int, output: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": output, **more}


def cost(pricing: Pricing, usage: dict[str, Any], **artifact: Any) -> float | None:
    return pricing.priced(result(usage, **artifact)).cost_usd


def of(price: Price = CHEAP, model: str = "house-model") -> Pricing:
    return Pricing.of({model: price}, None, "house-model")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-oss:120b", "gpt-oss-120b"),
        ("gpt-oss-120b", "gpt-oss-120b"),
        ("GPT-OSS:120b-cloud", "gpt-oss-120b"),
        ("openrouter/openai/gpt-4o", "gpt-4o"),
        ("openai:gpt-4o", "gpt-4o"),
        (" Models/Gemini-2.5-Pro ", "gemini-2.5-pro"),
        ("", ""),
    ],
)
def test_a_model_has_one_name_however_it_is_written(model: str, name: str) -> None:
    assert plain_name(model) == name


def test_cached_prompt_tokens_cost_what_cached_ones_cost() -> None:
    plain = cost(of(), tokens(1_000_000, 100_000))
    cached = cost(of(), tokens(1_000_000, 100_000, cached_tokens=800_000))
    assert plain == 1.4
    assert cached == 0.2 + 0.08 + 0.4


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs() -> None:
    price = Price(input=1, output=4)
    assert cost(of(price), tokens(1_000_000, 0, cached_tokens=900_000)) == 1


def test_reasoning_is_part_of_the_output_and_not_billed_twice() -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 90_000}}
    assert cost(of(), tokens(0, 100_000, **details)) == 0.4


def test_each_model_has_its_own_price() -> None:
    pricing = Pricing.of({"small": CHEAP, "large": Price(input=10, output=40)}, None, "small")
    usage = {"by_model": {"Small": tokens(100_000, 0), "x/large": tokens(0, 100_000)}}
    assert cost(pricing, usage) == 0.1 + 4


@pytest.mark.parametrize(
    "artifact", [{"model": "openai/House-Model"}, {"model": "house-model"}, {}, {"model": 7}]
)
def test_without_a_model_the_executor_is_billed(artifact: dict[str, Any]) -> None:
    assert cost(of(), tokens(1_000_000, 0), **artifact) == 1


def test_no_digit_is_shown_that_nobody_is_billed() -> None:
    price = Price(input=0.1, cached_input=0.1, output=0.2)
    assert cost(of(price), tokens(1_000_000, 1_000_000)) == 0.3


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"total_tokens": 1000},
        {"prompt_tokens": 1000},
        {"completion_tokens": 1000},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": float("nan"), "completion_tokens": 5},
        {"prompt_tokens": "7", "completion_tokens": 5},
        # Somebody else's tokens, such as those of the overseer, are left out of the parts.
        {"total_tokens": 1001, "prompt_tokens": 900, "completion_tokens": 100},
        {
            "prompt_tokens": 900,
            "completion_tokens": 100,
            "by_model": {"house-model": tokens(10, 10)},
        },
    ],
)
def test_what_is_not_known_is_none_and_never_nought(usage: dict[str, Any]) -> None:
    assert cost(of(), usage) is None


def test_a_call_that_took_no_token_costs_nothing_whatever_the_price() -> None:
    assert cost(Pricing(), tokens(0, 0)) == 0


def test_a_price_beyond_all_money_is_no_price() -> None:
    assert cost(of(Price(input=1e300, output=1e300)), tokens(2**53, 2**53)) is None


def test_one_model_without_a_price_leaves_the_call_without_one() -> None:
    usage = {"by_model": {"house-model": tokens(10, 10), "nobody-knows": tokens(1, 1)}}
    assert cost(of(), usage) is None


def test_the_tasks_file_comes_first_then_an_earlier_summary_then_the_public_list() -> None:
    usage = tokens(1_000_000, 0)
    earlier = {"gpt-4o": EARLIER}
    assert cost(Pricing.of({"gpt-4o": CHEAP}, earlier), usage, model="gpt-4o") == 1
    assert cost(Pricing.of(None, earlier), usage, model="gpt-4o") == 2
    assert cost(Pricing.of(None, None), usage, model="gpt-4o") == 2.5
    assert cost(Pricing.of(None, None, "gpt-oss:120b"), usage) is not None


def test_the_word_of_the_gateway_counts_where_nothing_else_is_known() -> None:
    assert cost(Pricing(), {"total_tokens": 5, "cost_usd": 0.25}) == 0.25
    assert cost(of(), tokens(1_000_000, 0, cost_usd=0.25)) == 1
    assert cost(Pricing(), {"total_tokens": 5, "cost_usd": -1}) is None
    assert cost(Pricing(), {"total_tokens": 5, "cost_usd": 0}) is None, "tokens are not free"
    assert cost(Pricing(), {"total_tokens": 0, "cost_usd": 0}) == 0


def test_estimated_tokens_are_priced_by_the_tasks_file_alone() -> None:
    usage = tokens(1_000_000, 0, estimated=True)
    assert cost(Pricing.of(None, {"gpt-4o": EARLIER}), usage, model="gpt-4o") is None
    assert cost(Pricing.of({"gpt-4o": CHEAP}, None), usage, model="gpt-4o") == 1


def warnings(pricing: Pricing, *results: RunResult) -> list[str]:
    return list(pricing.warnings([pricing.priced(each) for each in results]))


def test_answers_without_a_model_are_not_to_be_priced_by_a_file_that_cannot_name_it() -> None:
    usage = {"total_tokens": 3, "prompt_tokens": 2, "completion_tokens": 1}
    assert warnings(Pricing(), result(usage)) == [
        "no answer names its model, so cost_usd is not known"
    ]


def test_one_warning_names_all_models_without_a_price() -> None:
    unknown = [result(tokens(1, 1), model=name) for name in ("b-unknown", "a-unknown", "gpt-4o")]
    (text,) = warnings(Pricing(), *unknown)
    assert text.startswith("no price is known for a-unknown and b-unknown, so cost_usd is not")
    assert "add `prices` to the tasks file" in text


@pytest.mark.parametrize(
    "usage", [{}, {"total_tokens": 9}, tokens(0, 0), tokens(1, 1, estimated=True)]
)
def test_nobody_is_warned_where_there_is_nothing_to_price(usage: dict[str, Any]) -> None:
    assert warnings(Pricing(executor="nobody-knows"), result(usage)) == []


def test_tokens_that_are_left_out_of_the_parts_are_told() -> None:
    whole = result(tokens(1, 1))
    partial = result({"total_tokens": 9, **tokens(1, 1)})
    (text,) = warnings(of(), whole, partial)
    assert text.startswith("1 answer with")
    assert warnings(Pricing(), partial) == [], "no price would be known anyway"


def test_prices_from_elsewhere_than_the_tasks_file_are_to_be_kept() -> None:
    results = [result(tokens(1, 1), model=name) for name in ("gpt-4o", "mine", "unknown")]
    pricing = Pricing.of({"mine": CHEAP}, None)
    priced = [pricing.priced(each) for each in results]
    ((model, price),) = pricing.used(priced).items()
    assert model == "gpt-4o"
    assert price.source.startswith("genai-prices ")
    assert (price.input, price.cached_input, price.output) == (2.5, 1.25, 10)
