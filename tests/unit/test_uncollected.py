"""The collector's pause: it is for a while, however the work ends, and takes nothing for garbage that is none."""

from __future__ import annotations

import gc

import pytest

from sendoka.schema.uncollected import uncollected


def test_the_collector_rests_meanwhile_and_works_afterwards() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_it_works_again_after_an_error() -> None:
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_somebody_stopped_stays_so() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
