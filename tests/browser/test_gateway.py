"""The embedded gateway against a page of somebody else, in the browser of the user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from battery.embedded.server import GatewayOptions, serving
from battery.protocol import DISTILL_PATH, DISTILL_QUERY, RESPOND_PATH
from tests.browser.conftest import FOREIGN
from tests.embedded.helpers import MODELS, ask, connect
from tests.support.misbehaving import Server, http, sending

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

SPEC = {"role": "Welder", "count": 1, "city": "Toledo, OH"}
TASK = json.dumps({"task_class": "t", "operation": "o", "spec": SPEC} | MODELS)
LESSON = json.dumps({"mode": "distill", "prompt": "p", "source": "outcomes_tail:20"})

POST = "([url, init]) => fetch(url, init).then(r => r.type, e => e.name)"
BEACON = "([url, body]) => navigator.sendBeacon(url, body)"
# What a form of plain text sends is `name=value`, so the name is the document and holds the `=`.
FORM = """([url, name, value]) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", enctype: "text/plain", action: url});
    const field = Object.assign(document.createElement("input"), {name, value});
    form.append(field);
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """Serve a gateway that was taught one outcome by its user."""
    with serving(GatewayOptions(store=tmp_path)) as url:
        with connect(url) as client:
            ask(client, SPEC)
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open the attacker's page."""
    with Server(**{"/": sending(http("<p>Win a prize", kind="text/html"))}) as server:
        opened = browser.new_page()
        opened.goto(f"http://{FOREIGN}:{server.port}/")
        yield opened
        opened.close()


def learned(url: str, store: Path) -> tuple[int, int]:
    """Count the outcomes and the lessons in a gateway's memory."""
    with connect(url) as client:
        lessons = client.get("/v1/health").json()["playbook_entries"]
    return (store / "outcomes.jsonl").read_bytes().count(b"\n"), lessons


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
@pytest.mark.parametrize("mode", ["no-cors", "cors"])
def test_a_foreign_page_cannot_teach_or_distil_with_fetch(
    page: Page, gateway: str, tmp_path: Path, kind: str, mode: str
) -> None:
    init = {"method": "POST", "mode": mode, "headers": {"content-type": kind}}
    for path, body in ((RESPOND_PATH, TASK), (f"{DISTILL_PATH}?{DISTILL_QUERY}", LESSON)):
        ended = page.evaluate(POST, [gateway + path, init | {"body": body}])
        assert ended == ("opaque" if mode == "no-cors" else "TypeError")
    assert learned(gateway, tmp_path) == (1, 0)


def test_a_foreign_page_cannot_teach_with_a_form_or_a_beacon(
    page: Page, gateway: str, tmp_path: Path
) -> None:
    assert page.evaluate(BEACON, [gateway + RESPOND_PATH, TASK])
    # An unknown key of the body would be refused, so the sign goes into the task's own words.
    name, _, value = TASK.replace('"o"', '"a=b"').partition("=")
    with page.expect_navigation():
        page.evaluate(FORM, [gateway + RESPOND_PATH, name, value])
    assert "web pages are refused" in page.content()
    assert learned(gateway, tmp_path) == (1, 0)


def test_a_name_that_is_pointed_at_this_machine_reads_and_teaches_nothing(
    browser: Browser, gateway: str, tmp_path: Path
) -> None:
    page = browser.new_page()
    base = f"http://{FOREIGN}:{urlsplit(gateway).port}"
    answer = page.goto(f"{base}/v1/health")
    assert answer
    assert answer.status == 421
    assert "playbook_entries" not in page.content()
    init = {"method": "POST", "headers": {"content-type": "application/json"}, "body": TASK}
    status = page.evaluate("([u, i]) => fetch(u, i).then(r => r.status)", [RESPOND_PATH, init])
    assert status == 421
    assert learned(gateway, tmp_path) == (1, 0)
    page.close()
