"""Serving: ports, stores, restarts, kills, and what importing costs."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from battery.base.errors import UsageError
from battery.embedded.server import GatewayOptions, serving
from tests.embedded.conftest import Serve
from tests.embedded.helpers import SHIPPED, ask, ask_all, connect, distil
from tests.support.server import unused_port

pytestmark = pytest.mark.slow

SERVE = """
import sys, time
from pathlib import Path
from battery.embedded.server import (GatewayOptions, serving)
with serving(GatewayOptions(store=Path(sys.argv[1]))) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
HEAVY = {"numpy", "typer"}


def test_a_port_of_ones_own_choice_is_served(tmp_path: Path) -> None:
    port = unused_port()
    with serving(GatewayOptions(store=tmp_path), port=port) as url:
        assert url == f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/v1/health").json()["status"] == "ok"


def test_a_port_that_is_taken_is_wrong_use_with_a_hint(tmp_path: Path) -> None:
    with serving(GatewayOptions(store=tmp_path / "one")) as url:
        port = int(url.rpartition(":")[2])
        with (
            pytest.raises(UsageError, match=f"port {port}") as caught,
            serving(GatewayOptions(store=tmp_path / "two"), port=port),
        ):
            pass
    assert "another port" in (caught.value.hint or "")


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_is_none_is_wrong_use(tmp_path: Path, port: int) -> None:
    with (
        pytest.raises(UsageError, match=f"port {port}"),
        serving(GatewayOptions(store=tmp_path), port=port),
    ):
        pass


def test_a_store_that_is_a_file_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    options = GatewayOptions(store=tmp_path / "taken")
    with pytest.raises(UsageError, match="cannot be used"), serving(options):
        pass


def test_the_port_is_free_and_the_thread_gone_after_the_end(tmp_path: Path) -> None:
    before = threading.enumerate()
    with serving(GatewayOptions(store=tmp_path)) as url:
        port = int(url.rpartition(":")[2])
        assert len(threading.enumerate()) > len(before)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert threading.enumerate() == before
    with serving(GatewayOptions(store=tmp_path), port=port) as again:
        assert again == url


def test_an_error_inside_stops_the_gateway_and_comes_through(tmp_path: Path) -> None:
    before = threading.enumerate()
    with (
        pytest.raises(ZeroDivisionError),
        serving(GatewayOptions(store=tmp_path)),
    ):
        _ = 1 / 0
    assert threading.enumerate() == before


def test_signal_handlers_are_left_alone_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with serving(GatewayOptions(store=tmp_path)) as url:
        inside = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        httpx.get(f"{url}/nowhere")
        httpx.post(f"{url}/v1/respond", content=b"{")
    assert inside == before
    assert capfd.readouterr() == ("", "")


def test_a_restarted_gateway_goes_on_with_its_memory(serve: Serve, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with (
        serving(GatewayOptions(store=store)) as url,
        connect(url) as client,
    ):
        ask_all(client, SHIPPED)
        distil(client)
        learned = ask_all(client, SHIPPED)
        entries = client.get("/v1/health").json()["playbook_entries"]
    again = serve(store)
    assert again.get("/v1/health").json()["playbook_entries"] == entries
    assert ask_all(again, SHIPPED) == learned


def test_a_killed_gateway_has_every_outcome_and_lesson_on_disk(
    serve: Serve, tmp_path: Path
) -> None:
    spec = {"role": "Sparky", "count": 2, "city": "Memphis, TN"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        with connect(process.stdout.readline().strip()) as client:
            ask(client, spec)
            distil(client)
            ask(client, {"role": "Plumber", "count": 1, "city": "Omaha, NE"})
        process.kill()
    again = serve(tmp_path)
    assert ask(again, spec)["iterations"] == 2
    assert "Read 3 outcomes" in distil(again).result().text


def test_the_gateway_loads_nothing_of_commands_or_statistics() -> None:
    code = "import sys, battery.embedded.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_it_serves_on_ipv6_too(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving(GatewayOptions(store=tmp_path), host="::1") as url:
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/v1/health").status_code == 200
