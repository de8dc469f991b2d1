"""Faults as values: their one table, what may be said of each, how they are drawn, written and read back."""

from __future__ import annotations

import itertools
import socket
import threading
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendoka.errors import ConnectFailed, ProtocolError, SettingsError
from sendoka.local.fault import Fault, FaultKind, read_fault
from sendoka.local.faults import Faults, control
from sendoka.local.kinds import COMMON_OPTIONS, KINDS, OPTIONS, table
from tests.documents import ROOT


class TestKinds:
    def test_are_the_same_for_type_checkers(self) -> None:
        assert sorted(KINDS) == list(get_args(FaultKind))

    def test_take_options_that_are_explained(self) -> None:
        taken = {name for kind in KINDS.values() for name in kind.options}
        assert taken | set(COMMON_OPTIONS) == set(OPTIONS)

    def test_stand_in_the_document_as_in_the_table(self) -> None:
        text = (ROOT / "docs/endpoint.md").read_text(encoding="utf-8")
        shown = text.partition("<!-- kinds -->\n")[2].partition("<!-- /kinds -->")[0]
        assert shown == table(), "put between the marks:\n" + table()


class TestFaults:
    def test_meet_requests_in_the_order_in_which_they_were_added(self) -> None:
        faults = Faults()
        first = faults.add("cut_after", match="insert", skip=1, times=2)
        second = faults.add("refuse", match=r"^(insert|update)\b", regex=True, times=0)
        met = [faults.take(sql) for sql in ("insert 1", "select 1", "insert 2", "insert 3", "insert 4", "update 1")]
        assert met == [second, None, first, first, second, second]
        assert (faults.hits(first), faults.hits(second), faults.hits()) == (2, 3, 5)

    def test_that_were_never_met_are_told_but_for_chance_and_what_need_not_be(self) -> None:
        faults = Faults()
        faults.add("random", rate=0)
        faults.add("refuse", match="update", optional=True)
        faults.add("cut_after", match="insert", skip=2)
        met = faults.add("delay", match="select")
        assert faults.unmet()[0] == "no request met the fault cut_after,skip=2:insert: none came"
        for sql in ("select 1", "insert 1", "select 2"):
            faults.take(sql)
        assert faults.hits(met) == 1
        with pytest.raises(AssertionError, match="its skip= let 1 of 2 pass\nsay optional=True with one"):
            faults.verify()
        faults.take("insert 2")
        faults.take("insert 3")
        faults.verify()

    def test_are_gone_when_cleared(self) -> None:
        faults = Faults()
        faults.add("cut_before")
        faults.clear()
        assert not faults
        assert faults.take("select 1") is None

    @pytest.mark.parametrize(
        ("kind", "options", "message"),
        [
            ("explode", {}, "'explode' is no fault\nuse one of: refuse, delay"),
            ("conection_closed", {}, "'conection_closed' is no fault\ndid you mean 'connection_closed'?"),
            ("delay", {"seconds": -1}, "cannot be negative"),
            ("delay", {"times": -1}, "cannot be negative"),
            ("cut_body", {"at": -0.1}, "cannot be negative"),
            ("delay", {"match": "(", "regex": True}, "is no pattern"),
            ("delay", {"status": 500}, "a fault delay has no 'status'\nit has: match, regex, times, skip, seconds"),
            ("delay", {"seconds": "2"}, "a fault's seconds is a number, not '2'"),
            ("delay", {"seconds": True}, "a fault's seconds is a number, not True"),
            ("delay", {"times": 1.5}, "a fault's times is a whole number, not 1.5"),
            ("delay", {"regex": 1}, "a fault's regex is true or false, not 1"),
            ("delay", {"cls": 1}, "a fault delay has no 'cls'"),
            ("delay", {"self": 1}, "a fault delay has no 'self'"),
            ("delay", {"match": None}, "a fault's match is text, not None"),
            ("refuse", {"status": 99}, "a number from 200 to 599"),
            ("refuse", {"status": 600}, "a number from 200 to 599"),
            ("answer", {"type": "a\r\nb: c"}, "one line each"),
            ("answer", {"location": "/\nx"}, "one line each"),
            ("random", {"rate": 1.1}, "from 0 to 1"),
            ("random", {"kinds": ["explode"]}, "'explode' is no fault"),
            ("random", {"kinds": ["random"]}, "draws from other kinds"),
            ("random", {"kinds": []}, "draws from other kinds"),
            ("random", {"kinds": [1]}, "a fault's kinds is a list of kinds"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, kind: Any, options: dict[str, Any], message: str) -> None:
        faults = Faults()
        with pytest.raises(SettingsError) as refused:
            faults.add(kind, **options)
        assert message in str(refused.value)
        assert not faults

    @pytest.mark.parametrize("host", ["ep-x.eu.neon.tech", "192.0.2.7:4444", "localhost.example.com:4444"])
    def test_of_another_process_are_for_this_machine_only(self, host: str) -> None:
        with pytest.raises(SettingsError) as refused:
            control(f"postgresql://u:s3cret@{host}/db")
        assert "no local endpoint answers" not in str(refused.value)
        assert "s3cret" not in str(refused.value)

    def test_of_another_process_need_an_endpoint(self) -> None:
        with pytest.raises(ConnectFailed, match="no local endpoint answers at localhost:1\nstart one with") as missing:
            control("postgresql://u:s3cret@localhost:1/db")
        assert "s3cret" not in str(missing.value)

    def test_of_several_the_first_that_is_due_takes_the_request_and_those_behind_do_not_count_it(self) -> None:
        faults = Faults()
        for line in ("refuse", "cut_after,skip=1", "delay,skip=3"):
            faults.arm(read_fault(line))
        taken = [found.kind if (found := faults.take("q")) else "" for _ in range(6)]
        assert taken == ["refuse", "", "cut_after", "", "", "delay"]


class TestRandom:
    @staticmethod
    def met(seed: int, requests: int = 200, **options: Any) -> list[tuple[str, float, float] | None]:
        faults = Faults()
        faults.add("random", seed=seed, **options)
        found = (faults.take(f"select {number}") for number in range(requests))
        return [None if fault is None else (fault.kind, fault.at, fault.seconds) for fault in found]

    def test_gives_the_same_faults_for_the_same_seed_and_others_for_another(self) -> None:
        assert self.met(7, rate=0.3) == self.met(7, rate=0.3)
        assert self.met(7, rate=0.3) != self.met(8, rate=0.3)

    def test_meets_the_part_that_the_rate_says(self) -> None:
        assert self.met(1, rate=0) == [None] * 200
        assert None not in self.met(1, rate=1)
        assert 30 < sum(fault is not None for fault in self.met(1, rate=0.25)) < 70

    def test_draws_every_kind_and_only_those(self) -> None:
        kinds = ["cut_after", "cut_body", "late"]
        met = [fault for fault in self.met(3, rate=1, kinds=kinds) if fault]
        assert {kind for kind, _, _ in met} == set(kinds)
        assert all(0 <= at < 1 and 0 <= seconds < 0.2 for _, at, seconds in met)
        drawn = {fault[0] for fault in self.met(3, requests=2000, rate=1) if fault}
        assert drawn == KINDS.keys() - {"answer", "random"}

    def test_a_higher_rate_meets_the_same_requests_and_more(self) -> None:
        few, many = self.met(5, rate=0.1), self.met(5, rate=0.4)
        assert all(one == other for one, other in zip(few, many, strict=True) if one is not None)

    def test_without_a_seed_one_is_made_and_told(self) -> None:
        faults = Faults()
        made = faults.add("random")
        assert faults.listed()[0]["seed"] == made.seed
        assert len({faults.add("random").seed for _ in range(5)}) == 5

    def test_goes_on_unless_times_says_otherwise(self) -> None:
        assert sum(fault is not None for fault in self.met(1, rate=1, times=3)) == 3

    def test_counts_only_what_it_is_meant_for(self) -> None:
        faults = Faults()
        fault = faults.add("random", seed=2, rate=1, match="insert", skip=1)
        assert [faults.take(sql) is None for sql in ("select", "insert", "insert")] == [True, True, False]
        assert faults.hits(fault) == faults.hits() == 1


class TestLines:
    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ("cut_after", Fault.of("cut_after")),
            ("cut_after:", Fault.of("cut_after")),
            ("cut_after:insert into t", Fault.of("cut_after", match="insert into t")),
            ("cut_after:select ':', \"x\", a=b", Fault.of("cut_after", match="select ':', \"x\", a=b")),
            ("delay,seconds=2,times=0:x", Fault.of("delay", seconds=2.0, times=0, match="x")),
            ("cut_body,at=0.9", Fault.of("cut_body", at=0.9)),
            ("html,run=false", Fault.of("html", run=False)),
            ("delay,regex=yes:^a:b", Fault.of("delay", regex=True, match="^a:b")),
            ('refuse,message="a, b: c"', Fault.of("refuse", message="a, b: c")),
            ('answer,body="{""msg"":1}",status=503', Fault.of("answer", body='{"msg":1}', status=503)),
            ("random,seed=7,rate=0.5,kinds=late+drip", Fault.of("random", seed=7, rate=0.5, kinds=("late", "drip"))),
        ],
    )
    def test_say_kind_options_and_sql(self, line: str, fault: Fault) -> None:
        assert read_fault(line) == fault
        assert read_fault(str(fault)) == fault

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("", "'' is no fault"),
            ("explode", "'explode' is no fault"),
            ("delay,seconds", "'delay,seconds' is no fault\nwrite KIND"),
            ("delay,seconds=", "a fault's seconds is a number, not ''"),
            ("delay,seconds=long", "a fault's seconds is a number, not 'long'"),
            ("delay,times=1.5", "a fault's times is a whole number, not '1.5'"),
            ("delay,regex=maybe", "a fault's regex is true or false, not 'maybe'"),
            ("delay,speed=1", "a fault delay has no 'speed'"),
            ("delay,cls=1", "a fault delay has no 'cls'\nit has: match, regex, times, skip, seconds"),
            ("delay,kind=drip", "a fault delay has no 'kind'\nit has: match"),
            ("delay,self=1", "a fault delay has no 'self'"),
            ('refuse,message="a', "is no fault"),
            ("random,kinds=late+explode", "'explode' is no fault"),
            ("random,kinds=", "'' is no fault"),
            ("delay,seconds=nan", "seconds and at cannot be negative"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, line: str, message: str) -> None:
        with pytest.raises(SettingsError) as refused:
            read_fault(line)
        assert message in str(refused.value)

    @given(
        kind=st.sampled_from(sorted(KINDS)),
        match=st.text(max_size=20),
        message=st.text(max_size=20),
        number=st.integers(0, 9),
        part=st.floats(0, 1, allow_nan=False),
    )
    def test_are_written_so_that_they_read_back(
        self, kind: str, match: str, message: str, number: int, part: float
    ) -> None:
        told = {"match": match, "times": number, "skip": number, "message": message, "body": message, "at": part}
        told |= {"rate": part, "seconds": part, "seed": number, "status": 200 + number}
        options = {name: value for name, value in told.items() if name in (*COMMON_OPTIONS, *KINDS[kind].options)}
        fault = Fault.of(kind, **options)
        assert read_fault(str(fault)) == fault
        assert Fault.of(**fault.told()) == fault


def test_a_fault_is_drawn_by_its_place_in_the_sequence() -> None:
    """What a request meets depends on how many came before it, and not on what they met."""
    one, other = Faults(), Faults()
    one.add("random", seed=4, rate=0.5, kinds=["late"])
    other.add("random", seed=4, rate=0.5, kinds=["drip"])
    pairs = [(one.take("q"), other.take("q")) for _ in itertools.repeat(None, 50)]
    assert all((a is None) == (b is None) for a, b in pairs)


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\n\r\n<p>hello",
        "HTTP/1.1 200 OK\r\n\r\n[1]",
        "HTTP/1.1 404 No\r\n\r\n<p>no",
        'HTTP/1.1 400 No\r\nContent-Length: 99\r\n\r\n{"message": "cut',
        'HTTP/1.1 302 Found\r\n\r\n{"message": "no"}',
        "hello",
    ],
)
def test_what_answers_and_is_no_endpoint_is_told_from_one_that_refuses(answer: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.recv(65536)
                taken.sendall(answer.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ProtocolError, match=f"what answers at 127.0.0.1:{port} is no local endpoint") as raised:
            control(f"postgresql://u:s3cret@127.0.0.1:{port}/db")
        thread.join()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_is_not_followed_for_the_request_carries_the_password(method: str, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.2", 0)) as elsewhere:
        port, other = (one.getsockname()[1] for one in (listening, elsewhere))

        def serve() -> None:
            taken, _ = listening.accept()
            with taken:
                while b'"drip"}' not in (came := taken.recv(65536)) and method == "POST":
                    assert came  # head and body come apart
                taken.sendall(f"HTTP/1.1 {status} x\r\nLocation: http://127.0.0.2:{other}/\r\n\r\n".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ProtocolError, match="is no local endpoint"):
            control(
                f"postgresql://u:s3cret@127.0.0.1:{port}/db", method, {"kind": "drip"} if method == "POST" else None
            )
        thread.join()
        elsewhere.settimeout(0)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
