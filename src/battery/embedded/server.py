"""Serve the embedded gateway on a background thread, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette

from battery.base.errors import UsageError, remedy_of
from battery.base.guard import Guard, Place
from battery.base.serving import listen, running
from battery.embedded.analyst import RuleAnalyst
from battery.embedded.app import Gateway, make_app
from battery.embedded.language_model import TIMEOUT_S, LanguageModel
from battery.embedded.memory import Memory
from battery.embedded.policies import Dials, Policies
from battery.embedded.rules import RuleExecutor, RuleOverseer, RuleReviewer
from battery.embedded.world import World


@dataclass(frozen=True)
class GatewayOptions:
    """What a gateway is made from; `model_key` is never logged, stored or shown."""

    #: Folder of the memory: created when missing, continued when not.
    store: Path
    #: Seed of the world.
    seed: int = 7
    #: Never learns.
    frozen: bool = False
    #: Base of an OpenAI-compatible endpoint; without one, rules stand in for the models.
    model_url: str | None = None
    model_key: str | None = field(default=None, repr=False)
    #: Seconds for one call of the model.
    model_timeout: float = TIMEOUT_S
    #: Faults to show or test; all off.
    dials: Dials = field(default_factory=Dials)


@contextmanager
def serving(
    options: GatewayOptions,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[str]:
    """Serve a gateway and yield its base URL; stop cleanly on exit, calls in flight included.

    Port 0 takes a free one. `warn` is told when other machines can reach it. Touches no signal
    handlers and logs nothing. Raises `UsageError` for a port that cannot be bound or a store that
    cannot be used.
    """
    with listen(host, port, "gateway") as listener:
        place = Place(host, *listener.getsockname()[:2])
        if warning := place.warning():
            warn(warning)
        memory = _open_memory(options)
        # Both are made here, so that what is wrong with them is raised to the caller.
        world = World(options.seed)
        try:
            with running(
                Guard(_make_app(options, world, memory), place), listener, "embedded gateway"
            ):
                yield place.url
        finally:
            world.close()


def _make_app(options: GatewayOptions, world: World, memory: Memory) -> Starlette:
    if options.model_url is None:
        rules = Policies(RuleExecutor(), RuleReviewer(), RuleOverseer(), RuleAnalyst())
        return make_app(Gateway(world, memory, rules, options.dials))
    model = LanguageModel(options.model_url, options.model_key, timeout_s=options.model_timeout)
    gateway = Gateway(world, memory, model.policies(), options.dials)
    return make_app(gateway, on_stop=model.close)


def _open_memory(options: GatewayOptions) -> Memory:
    try:
        return Memory(options.store, frozen=options.frozen)
    except OSError as error:
        raise UsageError(
            f"the gateway's memory in {options.store} cannot be used: {error.strerror}",
            hint=f"{remedy_of(error)}, or name another folder",
        ) from error
