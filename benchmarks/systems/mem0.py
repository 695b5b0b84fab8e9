"""mem0 in process: corrections go into its vector store, and a search brings back those that fit.

Its store and its history are in the arm's folder. It stores texts as they are (`infer=False`): its
own extraction of facts has a prompt of some 8,000 tokens, which small models do not follow.
Embeddings come from the endpoint at `EMBEDDINGS_URL`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from battery.system import Ask, Outcome, Reply
from benchmarks.systems.model import answer

_USER: Final = {"user_id": "company"}
#: Memories that are put before the model.
_RECALLED: Final = 3


class Agent:
    """An agent with mem0 as its memory."""

    def __init__(self, memory: Path, model: str) -> None:
        self._folder = memory
        self._model = model
        self._opened: Any = None

    def ask(self, ask: Ask) -> Reply:
        """Answer with the memories that a search for the task finds."""
        # It takes 5 seconds to import, which an empty folder need not wait for.
        if not _store(self._folder).exists():
            return answer(ask, self._model, [])
        query = ask.messages[0]["content"]
        found = self._memory().search(query, filters=_USER, top_k=_RECALLED)["results"]
        return answer(ask, self._model, [each["memory"] for each in found])

    def learn(self, outcomes: Sequence[Outcome]) -> str:
        """Remember each correction, once."""
        memory = self._memory()
        found = memory.get_all(filters=_USER, top_k=1000)["results"]
        held = {each["memory"] for each in found}
        told = dict.fromkeys(each.correction for each in outcomes if each.correction)
        news = [text for text in told if text not in held]
        for text in news:
            memory.add(text, **_USER, infer=False)
        return f"{len(news)} new memories"

    def close(self) -> None:
        """Let go of the folder, which the store locks."""
        if self._opened:
            self._opened.vector_store.client.close()

    def _memory(self) -> Any:
        if not self._opened:
            # Read when the library is imported: no telemetry, and no files outside the folder.
            os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(self._folder / "mem0")}
            library: Any = importlib.import_module("mem0")
            self._opened = library.Memory.from_config(_config(self._folder, self._model))
        return self._opened


def _store(memory: Path) -> Path:
    return memory / "qdrant"


def _config(memory: Path, model: str) -> dict[str, Any]:
    endpoint = {"api_key": os.environ.get("OPENAI_API_KEY", "none")}
    url = os.environ["OPENAI_BASE_URL"]
    embeddings = os.environ["EMBEDDINGS_URL"]
    size = int(os.environ.get("EMBEDDINGS_SIZE", "384"))
    store = {"path": str(_store(memory)), "embedding_model_dims": size, "on_disk": True}
    return {
        "llm": {
            "provider": "openai",
            "config": {"model": model, "openai_base_url": url, **endpoint},
        },
        "embedder": {
            "provider": "openai",
            "config": {
                "model": "embeddings",
                "openai_base_url": embeddings,
                "embedding_dims": size,
                **endpoint,
            },
        },
        "vector_store": {"provider": "qdrant", "config": store},
        "history_db_path": str(memory / "history.db"),
    }
