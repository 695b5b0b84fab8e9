"""The names of fields in reviews and judgments: those that the prompts ask for and their likes."""

from __future__ import annotations

import re
from typing import Final

_FIELDS: Final = {
    "target": (
        r"target(?: (?:files?|paths?))?(?:\(s\))?|(?:affected )?files?(?:\(s\))?"
        r"(?: (?:to (?:change|modify|edit|update|touch|create)|path|location))?"
        r"|(?:file )?path|location|where"
        r"|目标文件|目標檔案|目标|文件(?:路径)?|対象ファイル|대상 ?파일|ziel-?datei|datei"
        r"|(?:archivo|fichero|arquivo)(?:(?: |-)(?:de )?(?:objetivo|destino|alvo))?"
        r"|fichier(?: cible)?|file di destinazione"
    ),
    "impact": (
        r"(?:expected |predicted )?(?:impact|effect|outcome)s?(?: on (?:the )?metrics?)?"
        r"|expected results?"
        r"|(?:affected |which )?metrics?"
        r"|[预預]期(?:影响|影響|效果)|影响|期待(?:される)?(?:影響|効果)|예상 ?(?:영향|효과)"
        r"|(?:erwartete[rs]? )?(?:auswirkung(?:en)?|wirkung|effekt)|(?:impact|effet) attendu"
        r"|impacto(?: (?:esperado|previsto))?|impatto(?: (?:atteso|previsto))?"
    ),
    "reason": (
        r"rationale|reason(?:ing|s)?|justification|why|motivation|理由|原因|依据|根拠|근거|이유"
        r"|begründung|grund|justificación|razonamiento|razón|motivo|raison|motif|justificativa|razão|motivazione"
    ),
    "verdict": (
        r"(?:my |final |scrum |panel )?(?:verdict|decision|judge?ment|ruling)"
        r"|裁决|裁決|裁定|判定|结论|決定|决定|評決|판정|결정|urteil|entscheidung|verdikt|veredicto"
        r"|decisión|dictamen|décision|veredito|decisão|verdetto|decisione"
        # These are about a verdict only where one follows.
        r"|(?P<weak>(?:final )?(?:result|recommendation|status|conclusion|disposition"
        r"|determination|resolution|assessment)|final)"
    ),
    "title": (
        r"title|name|proposal|proposed change|change|标题|標題|提案|建议|제안|titel|vorschlag"
        r"|título|propuesta|titre|proposition|titolo|proposta"
    ),
}
#: What a numbered title begins with: Proposal 2, 提案 2.
COUNTED_NAME: Final = (
    r"proposal|change|recommendation|suggestion|item|提案|建议|方案|제안|vorschlag|propuesta"
    r"|proposition|proposta|#"
)
_LABEL = "|".join(f"(?P<{key}>{words})" for key, words in _FIELDS.items()).replace(" ", "[ _]")
_LABEL = f"(?:{_LABEL})"
_ANY = re.sub(r"\?P<\w+>", "?:", _LABEL)
COLON: Final = r"(?:[:\uff1a=]|->|=>|[→➔➜⇒]|[-\u2013—]+(?=\s|$))"
_NOTE = r"(?:\s*[(\uff08][^)\uff09]*[)\uff09])?"
# In bold or italics a label needs no colon.
_LABELLED = re.compile(
    rf"[^\w`<*]*(?P<mark>[*_]{{1,3}})?[^\w`<*]*(?:[a-h\d][.)]\s*)?{_LABEL}{_NOTE}\s*"
    rf"(?(mark)(?:(?P=mark){_NOTE}\s*{COLON}?|{COLON}\s*(?P=mark))|{COLON})\s*",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\W*{_LABEL}\W*$", re.IGNORECASE)
_NAME = re.compile(_LABEL, re.IGNORECASE)
# A label in the middle of a line: any in bold, or one of those that the prompts ask for.
INNER_LABEL: Final = re.compile(
    r"(?<![\s;|(\u2013—-])[\s;|(\u2013—-]++"
    rf"(?=(\*\*|__|\*){_ANY}\s*(?:[:\uff1a]\s*\1|\1\s*[:\uff1a]))"
    r"|(?<![;|.,(:\u2013—-])[;|.,(:\u2013—-]++\s*+"
    r"(?=(?:Target file|Rationale|Expected impact|Verdict|Reason)\s*:)",
    re.IGNORECASE,
)
#: Any other label in bold; it only matters that it ends the field before it.
OTHER_LABEL: Final = re.compile(r"[^\w`*]*[*_]{1,3}[^*_:`]{1,60}(?::\s*[*_]{1,3}|[*_]{1,3}\s*:)")


def label_at(text: str, *, alone: bool) -> tuple[str, int, bool] | None:
    """Find the label that a line begins with: its key, where its value begins, whether it is weak.

    `alone` finds a label without a colon, where it is all that there is.
    """
    found = (_ALONE.match(text) if alone else None) or _LABELLED.match(text)
    return (_key(found), found.end(), bool(found["weak"])) if found else None


def label_of(name: str) -> str | None:
    """Return the key of a field's name; None when it names none."""
    found = _NAME.fullmatch(name)
    return _key(found) if found else None


def _key(found: re.Match[str]) -> str:
    return next(key for key in _FIELDS if found[key])
