"""What an agent asks of an endpoint, as far as a meter has to know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from battery.base import jsonio
from battery.protocol import Json, object_of

# Endpoints and proxies have prefixes of their own, so only the end of a path tells.
#: Last words of paths where a model is asked, also where the body names none.
_ASKING: Final = frozenset({"completions", "responses", "embeddings", "messages"})
#: Last words of paths that name a model and ask it nothing.
_NOT_ASKING: Final = frozenset({"input_tokens", "count_tokens", "batches", "files"})
#: Last words of paths where a model is asked and says nothing.
_NO_TURN: Final = frozenset(
    {"embeddings", "rerank", "moderations", "transcriptions", "translations", "speech"}
)
#: Last words of paths where a stream tells its usage only when it is asked to.
_TELLS_ON_REQUEST: Final = frozenset({"completions"})
# In a log a message is a few levels deeper than in its request.
#: Levels of a body beyond which it passes unread, so that the log can be read as an answer.
MAX_DEPTH: Final = jsonio.MAX_DEPTH - 10
_WITH_USAGE: Final = b'"stream_options":{"include_usage":true}}'


@dataclass(frozen=True)
class Request:
    """One request of an agent."""

    path: str
    body: bytes
    #: The body; empty where it is no JSON object.
    document: Json
    #: Whether a model is asked.
    is_call: bool

    @classmethod
    def of(cls, method: str, path: str, body: bytes) -> Self:
        """Read a request, of whatever form."""
        document = _object(body) if method == "POST" else {}
        last = _last(path)
        names = isinstance(document.get("model"), str) and last not in _NOT_ASKING
        return cls(path, body, document, method == "POST" and (last in _ASKING or names))

    @property
    def is_turn(self) -> bool:
        """Whether the model is asked to say something."""
        return self.is_call and _last(self.path) not in _NO_TURN

    @property
    def model(self) -> str:
        """The model that is asked for; empty where none is named."""
        model = self.document.get("model")
        return model if isinstance(model, str) else ""

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.document.get("stream") is True

    def with_usage(self) -> bytes | None:
        """Return the body that asks for the usage, too; None where it comes anyway, or never."""
        if not (self.is_call and self.streams and _last(self.path) in _TELLS_ON_REQUEST):
            return None
        options = self.document.get("stream_options")
        if options is None and "stream_options" not in self.document:
            # What the agent wrote stays as it is, down to the spelling of a number.
            return self.body.rstrip().removesuffix(b"}") + b"," + _WITH_USAGE
        known = object_of(options)
        if known.get("include_usage") is True:
            return None
        wanted = {**known, "include_usage": True}
        return jsonio.dumps({**self.document, "stream_options": wanted})

    def kept(self, *, whole: bool) -> Self:
        """Return what is kept of a request that was sent; without its messages unless `whole`."""
        document = self.document if whole else {"model": self.model}
        return replace(self, body=b"", document=document)

    def messages(self) -> list[object]:
        """List what the model is told, in the form of messages."""
        first = self.document.get("instructions") or self.document.get("system")
        told = (self.document.get(key) for key in ("messages", "input", "prompt"))
        said: object = next((value for value in told if value is not None), [])
        if not self.is_turn:
            return [{"content": said}] if said else []
        system = [{"role": "system", "content": first}] if first else []
        if isinstance(said, list) and all(isinstance(each, dict) for each in said):
            return [*system, *said]
        return [*system, {"role": "user", "content": said}]


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _object(body: bytes) -> Json:
    try:
        return object_of(jsonio.loads(body, MAX_DEPTH))
    except ValueError:
        return {}
