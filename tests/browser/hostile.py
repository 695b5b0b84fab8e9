"""A battery whose gateway and models attack whoever looks at what they said."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from battery.protocol import Json
from battery.records.checks import Checked, FailedCheck
from battery.records.models import Phase, Proposal, Verdict
from battery.records.stages import OVERSEER, SCRUM
from battery.store.battery_dir import BatteryDir
from tests.browser.folders import Asked, answer, write_battery

#: Each would set this, were it ever run.
FLAG: Final = "attacked"
_RUN: Final = f"window.{FLAG}=1;alert(1)"
ATTACKS: Final = (
    f"<script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>",
    f"<!--<script>{_RUN}//",
    f'"><img src=x onerror="{_RUN}">',
    f"<svg/onload='{_RUN}'>",
    f"javascript:{_RUN}",
    "<iframe src='http://attack.example/frame'></iframe>",
    "<style>@import url(http://attack.example/style);*{display:none}</style>",
    "}</style><link rel=stylesheet href=//attack.example/link><base href=//attack.example/>",
    "{{7*7}} {% include '/etc/passwd' %} ${7*7} <%= 7*7 %>",
    "line\u2028separator\u2029and\u0000nul\u001b[2Jescape\u202egnp.exe\u2066\x85",
    "مرحبا עולם 中文 e\u0301 \U0001f469\u200d\U0001f680",
    "W" * 400,
)
ALL: Final = " ".join(ATTACKS)
MARKDOWN: Final = "\n\n".join(
    [
        "### Too low a heading\n\n# Too high a heading",
        f"[click](javascript:{_RUN}) [data](data:text/html,<script>{_RUN}</script>)",
        "[site](http://attack.example/link) <http://attack.example/auto> <a href='//x'>raw</a>",
        "![image](http://attack.example/image.png) ![data](data:image/svg+xml;base64,AAAA)",
        f"```html\n<script>{_RUN}</script>\n```",
        "| a | b |\n| --- | --- |\n| <b onclick='x()'>c</b> | " + "wide " * 80 + " |",
        *ATTACKS,
    ]
)


def write_hostile(root: Path) -> BatteryDir:
    """Write two iterations of attacks, reviews and distillations among them."""
    folder = write_battery(
        root, iterations=2, answering=_attack, naming=_name, grading=_refute, siblings=True
    )
    for step in folder.complete():
        events: list[Json] = [
            {"role": "lesson", "kind": ALL, "text": ALL},
            {"role": 1, "text": [ALL]},
        ]
        events += [{"role": "final", "text": ALL}]
        step.write_distill(ALL, events)
        step.write_answer(OVERSEER.file, MARKDOWN)
        step.write_answer(SCRUM.file, MARKDOWN)
        step.write_records({Proposal: [_proposal()], Verdict: [_verdict()]})
    return folder


def _name(phase: Phase, number: int) -> str:
    return f"{phase} {number} {ATTACKS[number]} {ALL}"


def _refute(asked: Asked) -> Checked | None:
    if asked.phase is Phase.BETA:
        return Checked(ok=False, claimed=True, failed=[FailedCheck(check=ALL, reason=ALL)])
    return None


def _attack(asked: Asked) -> Json:
    return {
        **answer(asked),
        "error": ALL,
        "artifact": {"usage": {"total_tokens": 100}, ALL: [ALL, {ALL: ALL}]},
        "log": [
            {"kind": ALL, "turn": ALL, "text": ALL, ALL: ALL},
            {"kind": "overseer_correction", "content": ALL, "turn": {"a": [1]}},
            {"message": ALL},
            {"kind": None, "text": {"deep": [ALL]}},
        ],
        ALL: ALL,
    }


def _proposal() -> Proposal:
    return Proposal(
        number=1,
        title=ALL,
        target_file=ALL,
        rationale=ALL,
        expected_impact=ALL,
        metric="total_tokens",
        target_exists=False,
    )


def _verdict() -> Verdict:
    return Verdict(proposal=1, title=ALL, verdict="APPROVE", reason=ALL, details=ALL, flags=[ALL])
