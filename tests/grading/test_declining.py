"""Which answers decline a task, in many wordings, and which only sound like it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.grading.declining import declines, handed_in

DECLINING = """
I cannot find three welders in Toledo.
I can't complete this request.
I can\u2019t help with that: the archive has no such document.
I could not find any matching workers.
I couldn't locate a licensed electrician within 5 miles.
Unable to fulfil the request.
We are unable to staff this job.
I'm not able to do this.
This is not possible with the current supply.
That's impossible: nobody is licensed in Guam.
It is infeasible to satisfy all constraints.
No matching workers.
No results found.
No workers found in Boise, ID.
0 results.
Zero candidates match the request.
There are no underwater welders in the database.
There is no such worker.
There were no qualified candidates available.
There's no document on shelf K9.
Found no matching entries.
We found no eligible candidates.
The search returned no results.
The search returned nothing.
None of the workers meets the requirements.
None of the 12 candidates have a CDL.
Nobody matches.
No one is available before Friday.
None available.
Nothing found.
The document does not exist.
The requested record doesn't seem to exist.
It is not in the database.
This item is not available.
That role is not in our records.
The item is out of stock.
Sorry, but I must decline.
I have to refuse: the request cannot be satisfied.
The task cannot be completed because zero workers qualify.
The request could not be fulfilled.
Insufficient information to answer.
There are not enough workers in range.
We do not have any matching staff.
We have no roofers in Alaska.
Failed to find a match.
I was not able to find a crane operator. I suggest that you widen the radius.
Here is why this fails: there are no astronauts in Ohio.
I looked everywhere and found none.
I have found no candidates, so the task cannot be done.
I\u2019m afraid there isn't any way to do it; no candidates exist.
I searched all shelves.\\nThe document could not be found.
I am sorry. **No suitable workers** were found.
The answer is that no such worker exists.
Here's the result: no matching workers.
The position has not been filled: nobody qualifies.
I found five welders, but none of them has a license.
I do not have any record of it.
UNABLE TO COMPLETE.
cannot do
"""

NOT_DECLINING = """
I found 3 workers; I cannot add more.
I found three of the five welders. I could not find more.
Here are the workers: Ann, Bob and Cid.
Here is the list. There are no further candidates.
Done.
Done. No problems.
The order has been filled with Ann and Bob.
All set: Ann, Bob and Cid start on Monday.
I booked Ann and Bob, although no one else is available.
We have assigned the following workers: Ann, Bob.
Successfully filled. There were no issues.
There is no problem with this request: Ann, Bob and Cid.
I cannot see any problem; the workers are Ann and Bob.
I have no doubt that Ann, Bob and Cid fit.
It is on shelf K7-412.
K7-412
Ann, Bob, Cid
42
The answer is 42. No further data is needed.
Nothing is impossible: Ann, Bob, Cid.
Not only Ann, but also Bob and Cid.
Ann is a welder. Her certificate expires in 2027.
I cannot find a plumber, but I found an electrician.
We were able to find Ann, Bob and Cid.
There is no better candidate than Ann.
I found Ann, Bob and Cid, all licensed.
No problem! Ann, Bob, Cid.
The following workers are available: Ann, Bob.

"""


@pytest.mark.parametrize("text", DECLINING.strip().split("\n"))
def test_an_answer_that_says_it_cannot_be_done_declines(text: str) -> None:
    assert declines(text.replace("\\n", "\n"))


@pytest.mark.parametrize("text", NOT_DECLINING.split("\n"))
def test_an_answer_that_hands_something_in_does_not_decline(text: str) -> None:
    assert not declines(text)


def test_phrases_can_be_added() -> None:
    assert not declines("Leider nichts zu machen.")
    assert declines("Leider: nichts zu machen!", ["nichts zu machen"])
    assert not declines("Here are Ann and Bob, nichts zu machen.", ["nichts zu machen"])


@pytest.mark.parametrize(
    ("artifact", "key"),
    [
        ({"message": "none", "workers": ["Ann"]}, "workers"),
        ({"message": "none", "workers": []}, None),
        ({"message": "none", "searched": ["Ohio"], "Memory": ["a"], "count": 0}, None),
        ("none", None),
        (None, None),
        (["Ann"], None),
    ],
)
def test_a_list_in_the_artifact_is_handed_in(artifact: Any, key: str | None) -> None:
    assert handed_in(artifact) == key


@given(st.text(), st.lists(st.text(), max_size=3))
def test_no_text_is_too_strange(text: str, phrases: list[str]) -> None:
    assert declines(text, phrases) in {True, False}
