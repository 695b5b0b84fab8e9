"""Connections: what stays on this machine, and what is loaded for it."""

from __future__ import annotations

import ssl

import pytest

from battery.base.network import is_loopback, tls_context


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.8.7", True),
        ("http://[::1]:1/x", True),
        ("http://localhost", True),
        ("http://localhost.:1", True),
        ("http://gateway.localhost:1", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("http://[fe80::1]", False),
        ("http://gateway.example", False),
    ],
)
def test_loopback_is_told_by_the_name_alone(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_plain_calls_to_this_machine_load_no_authorities() -> None:
    assert tls_context("http://localhost:1").cert_store_stats()["x509_ca"] == 0
    assert tls_context("https://localhost:1").verify_mode is ssl.CERT_REQUIRED
