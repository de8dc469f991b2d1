"""Who is written into our tables, as the environment says it."""

from __future__ import annotations

import os
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from sendoka.bookkeeping import operator

HOST = os.uname().nodename


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        ({"USER": "ada", "HOSTNAME": "mill"}, "ada@mill"),
        ({"LOGNAME": "ada", "HOSTNAME": "mill"}, "ada@mill"),
        ({"USERNAME": "ada", "COMPUTERNAME": "MILL"}, "ada@MILL"),
        ({"USER": " ", "LOGNAME": "ada", "HOSTNAME": "mill"}, "ada@mill"),
        ({"USER": "ada"}, f"ada@{HOST}"),
        ({}, f"daemon@{HOST}"),
        ({"HOSTNAME": "mill"}, "daemon@mill"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "webhook", "USER": "sbx", "HOSTNAME": "169"}, "webhook"),
        ({"USER": "a" * 300, "HOSTNAME": "mill"}, "a" * 200),
    ],
)
def test_the_operator_is_a_user_at_a_host_or_a_function(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], who: str
) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_name="daemon"))
    assert operator() == who


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no such file")])
def test_the_operator_is_the_host_where_nobody_knows_the_account(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", Mock(side_effect=error))
    assert operator() == HOST
