"""Backfills of odd tables, and of tables that change on the way, in both forms: done, or a clear word and nothing lost.

All cases share one database, where each makes its own table `t` anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.backfills import Batch, backfill, run
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed, InvalidBackfill
from tests.fixtures.backfills import rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import psycopg

    from sendoka.backfills import Backfill, Progress
    from sendoka.errors import SendokaError
    from sendoka.http.client import Neon
    from sendoka.local.postgres import Postgres
    from sendoka.local.server import Server
    from tests.fixtures.postgres import Supply

    Admin = psycopg.Connection[tuple[Any, ...]]

FORMS = pytest.mark.parametrize("form", ["sql", "python"])
FILL = "insert into t select g from generate_series(1, 20) g"
COLUMNS = "(id int primary key, touched int not null default 0, extra text)"
PLAIN = (f"create table t {COLUMNS}", FILL)
PARTS = (
    f"create table t {COLUMNS} partition by range (id)",
    "create table t_a partition of t for values from (0) to (11)",
    "create table t_b partition of t for values from (11) to (100)",
    FILL,
)
SECURED = "alter table t enable row level security; create policy hides on t using (id > 10)"
BOTH_ARE = "id int not null, touched int not null default 0"


def trigger(when: str, body: str) -> str:
    """Return what makes a trigger of an update that does `body` for each row."""
    return f"""create function fires() returns trigger language plpgsql as $$ begin {body} end $$;
create trigger fires {when} update on t for each row execute function fires()"""


def sibling(when: str, away: int) -> str:
    """Return a trigger that changes the row so many ids further."""
    once = "if pg_trigger_depth() = 1 then update t set extra = 'seen' where id = new.id + "
    return trigger(when, f"{once}{away}; end if; return new;")


@pytest.fixture(scope="module")
def made(databases: Supply) -> Iterator[str]:
    """The name of a database that all cases share."""
    name = databases.take()
    yield name
    databases.give_back(name)


@pytest.fixture
async def sql(made: str, server: Server) -> AsyncIterator[Neon]:
    """Our client for it."""
    async with neon(server.connection_string(made), transport="native") as client:
        yield client


@pytest.fixture
def admin(made: str, postgres: Postgres) -> Iterator[Admin]:
    """A connection of another role to it, without anything of an earlier case."""
    with postgres.databases.admin.to(made).connect() as connection:
        connection.execute(b'drop schema if exists public, sendoka, "Odd S" cascade')
        connection.execute(b"create schema public; grant all on schema public to public")
        connection.execute(b"alter default privileges grant all on tables to public")
        yield connection


def change(admin: Admin, *texts: str) -> None:
    for text in texts:
        admin.execute(text.encode())


def touched(admin: Admin) -> dict[int, int]:
    return dict(admin.execute("select touched::int, count(*) from t group by 1").fetchall())


async def step(_sql: Any, batch: Batch) -> object:
    met = zip(batch.keys, batch.rows, strict=True)
    return batch.update({key: {"touched": row["touched"] + 1} for key, row in met})


def declared(form: str, **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "t", "where": "touched = 0", "name": "touch"} | options
    text = "update {} m set touched = m.touched + 1 from page p where m.id = p.id"
    name = ".".join('"' + part.replace('"', '""') + '"' for part in given["table"].split("."))
    found: Backfill = backfill(sql=text.format(name), **given) if form == "sql" else backfill(**given)(step)
    return found


# ------------------------------------------------------------------ done

DONE: dict[str, tuple[tuple[str, ...], int]] = {
    "empty": ((f"create table t {COLUMNS}",), 0),
    "one row": ((f"create table t {COLUMNS}", "insert into t values (7)"), 1),
    "partitions": (PARTS, 20),
    "unlogged": ((f"create unlogged table t {COLUMNS}", FILL), 20),
    "generated": (
        (
            f"create table t ({BOTH_ARE}, twice int generated always as (touched * 2) stored, primary key (id))",
            FILL,
        ),
        20,
    ),
    "a generated key": (
        (
            "create table t (n int, id int generated always as (n * 2) stored primary key, touched int default 0)",
            FILL.replace("t select", "t (n) select"),
        ),
        20,
    ),
    "an identity": (
        (
            "create table t (id int generated always as identity primary key, touched int default 0)",
            FILL.replace("t select g", "t (touched) select 0"),
        ),
        20,
    ),
    "a trigger that writes elsewhere": (
        (*PLAIN, "create table log (id int)", trigger("after", "insert into log values (new.id); return null;")),
        20,
    ),
    "a trigger before, of another page": ((*PLAIN, sibling("before", 7)), 20),
    "a trigger after, of the same page": ((*PLAIN, sibling("after", 1)), 20),
}


@FORMS
@pytest.mark.parametrize("kind", DONE)
async def test_it_is_done(sql: Neon, admin: Admin, kind: str, form: str) -> None:
    texts, count = DONE[kind]
    change(admin, *texts)
    report = await run(sql, declared(form), batch_size=5)
    assert (report.state, report.changed) == ("done", count)
    # A page that was read while the write for the one before was on its way holds rows that this write changes.
    assert report.passes == 1 or ("trigger" in kind and form == "python")
    assert touched(admin) == ({1: count} if count else {})
    assert [warning for warning in report.warnings if "trigger" not in warning] == []


@FORMS
async def test_names_of_any_letters_are_found(sql: Neon, admin: Admin, form: str) -> None:
    change(admin, 'create schema "Odd S"', f'create table "Odd S"."T""x y" {COLUMNS}')
    change(admin, FILL.replace("into t", 'into "Odd S"."T""x y"'), 'grant usage on schema "Odd S" to public')
    assert (await run(sql, declared(form, table='Odd S.T"x y'), batch_size=5)).changed == 20


@FORMS
async def test_rows_that_a_policy_may_hide_are_spoken_of(sql: Neon, admin: Admin, form: str) -> None:
    change(admin, *PLAIN, SECURED)
    report = await run(sql, declared(form), batch_size=5)
    (warning,) = report.warnings
    assert warning.startswith("row level security is in force for this role: rows of t")
    assert (report.changed, touched(admin)) == (10, {0: 10, 1: 10})


# ------------------------------------------------------------------ not done

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a view": ((*PLAIN, "alter table t rename to u", "create view t as select * from u"), "t is a view"),
    "a materialized view": (
        (*PLAIN, "alter table t rename to u", "create materialized view t as select * from u"),
        "t is a materialized view",
    ),
    "a foreign table": (
        (
            "create extension if not exists file_fdw",
            "create server if not exists files foreign data wrapper file_fdw",
            f"create foreign table t ({BOTH_ARE}) server files options (program 'true')",
        ),
        "t is a foreign table",
    ),
    "a sequence": (("create sequence t",), "t is a sequence"),
    "heirs": ((*PLAIN, "create table kid () inherits (t)"), "other tables inherit from t, kid"),
    "no key": ((f"create table t ({BOTH_ARE})",), "has no primary key to walk by"),
    "an index by hash": (
        (f"create table t ({BOTH_ARE}, exclude using hash (id with =))",),
        "(id) of t is not unique",
    ),
    "an index of some": (
        (f"create table t ({BOTH_ARE})", "create unique index on t (id) where touched = 0"),
        "(id) of t is not unique",
    ),
}


@FORMS
@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_table_with_a_key_is_refused(sql: Neon, admin: Admin, kind: str, form: str) -> None:
    texts, says = REFUSED[kind]
    change(admin, *texts)
    with pytest.raises(BackfillError) as caught:
        await run(sql, declared(form, key="id" if "index" in kind else ()))
    assert says in caught.value.what
    assert caught.value.todo
    assert caught.value.exit_code == 3
    assert await rows(sql, "select from pg_namespace where nspname = 'sendoka'") == []


@FORMS
async def test_a_table_of_one_session_is_not_found_by_others(sql: Neon, admin: Admin, form: str) -> None:
    change(admin, f"create temp table t {COLUMNS}")
    with pytest.raises(BackfillError, match="t is a temporary table, which only the session that made it has"):
        await run(sql, declared(form))


@FORMS
@pytest.mark.parametrize("options", [{"keys": [1, 2]}, {"source": "select id from t"}])
async def test_chosen_rows_have_one_worker_and_one_shard(
    sql: Neon, admin: Admin, form: str, options: dict[str, Any]
) -> None:
    change(admin, *PLAIN)
    for several in ({"workers": 2}, {"shards": 2}):
        with pytest.raises(InvalidBackfill, match="walked in one shard by one worker") as caught:
            await run(sql, declared(form, **options), **several)  # type: ignore[arg-type]  # numbers
        assert "--workers" in caught.value.todo
    assert touched(admin) == {0: 20}


HELD_BACK = "if new.id % 4 = 0 then return null; end if; return new;"
MADE_SO_AGAIN = "if new.id % 4 = 0 then new.touched := 0; end if; return new;"


@pytest.mark.parametrize(
    ("form", "body", "said"),
    [
        ("sql", HELD_BACK, "left after pass 2 .* changed nothing"),
        ("python", HELD_BACK, "left after pass 2 .* changed nothing"),
        ("python", MADE_SO_AGAIN, "left after pass 5 .* does not make where= false"),
    ],
    ids=["held back, sql", "held back, python", "made so again, python"],
)
async def test_rows_that_stay_as_they_are_end_the_run_and_are_counted(
    sql: Neon, admin: Admin, body: str, said: str, form: str
) -> None:
    change(admin, *PLAIN, trigger("before", body))
    with pytest.raises(BackfillError, match=f"^5 rows are {said}"):
        await run(sql, declared(form), batch_size=5)
    assert touched(admin) == {0: 5, 1: 15}


async def test_rows_that_a_trigger_makes_so_again_are_found_by_the_trial(sql: Neon, admin: Admin) -> None:
    change(admin, *PLAIN, trigger("before", MADE_SO_AGAIN))
    with pytest.raises(BackfillError, match="5 of 20 rows that it was tried on were changed and still satisfy it"):
        await run(sql, declared("sql"), batch_size=5)
    assert touched(admin) == {0: 20}


@FORMS
async def test_a_trigger_on_a_row_of_the_same_page_is_said_and_can_be_done_one_by_one(
    sql: Neon, admin: Admin, form: str
) -> None:
    change(admin, *PLAIN, sibling("before", 1))
    with pytest.raises(BatchFailed, match=r"\(27000\)") as caught:
        await run(sql, declared(form), batch_size=5)
    assert "batch_size=1" in caught.value.todo
    assert touched(admin) == {0: 20}
    assert (await run(sql, declared(form), batch_size=1)).done
    assert touched(admin) == {1: 20}


# ------------------------------------------------------------------ changed on the way

GOES_ON: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[int, int]]] = {
    # before, on the way, and what is in the table afterwards
    "a column added": (PLAIN, ("alter table t add column fresh int not null default 7",), {1: 20}),
    "a wider column": (PLAIN, ("alter table t alter touched type bigint",), {1: 20}),
    "a wider key": (PLAIN, ("alter table t alter id type bigint",), {1: 20}),
    "the index dropped": (PLAIN, ("alter table t drop constraint t_pkey",), {1: 20}),
    "a trigger added": (PLAIN, (trigger("before", "new.extra := 'seen'; return new;"),), {1: 20}),
    "a trigger that raises": (PLAIN, (trigger("before", "raise exception 'no more';"),), {0: 15, 1: 5}),
    "another table in its place": (
        PLAIN,
        ("alter table t rename to u", "create table t (like u including all)", "insert into t select id from u"),
        {1: 20},
    ),
    "emptied": (PLAIN, ("truncate t",), {}),
    "a partition detached": (PARTS, ("alter table t detach partition t_b",), {1: 10}),
    "a partition attached": (
        (*PARTS[:2], FILL.replace("20", "10")),
        (PARTS[2], "insert into t select g from generate_series(11, 20) g"),
        {1: 20},
    ),
    "rows hidden": (PLAIN, (SECURED,), {0: 5, 1: 15}),
}


def on_the_way(admin: Admin, texts: tuple[str, ...]) -> Any:
    """Return what changes the table behind the first batch that is told of."""
    waiting = iter((texts,))

    def told(progress: Progress) -> None:
        if progress.scanned:
            change(admin, *next(waiting, ()))

    return told


@FORMS
@pytest.mark.parametrize("kind", GOES_ON)
async def test_it_goes_on_with_a_table_that_changed(sql: Neon, admin: Admin, kind: str, form: str) -> None:
    before, texts, after = GOES_ON[kind]
    change(admin, *before)
    report = await run(sql, declared(form), batch_size=5, on_progress=on_the_way(admin, texts))
    assert report.state == "done"
    assert report.dead == (15 if "raises" in kind else 0)
    assert touched(admin) == after


ENDS: dict[str, tuple[tuple[str, ...], str, tuple[type[SendokaError], str] | None, tuple[str, ...]]] = {
    # on the way, what is said then and by the next call (None where that does it), and what makes it whole again
    "a column dropped": (("alter table t drop column extra",), "column t.extra does not exist (42703)", None, ()),
    "the target dropped": (
        ("alter table t rename touched to other",),
        'column "touched" does not exist (42703)',
        (BatchFailed, 'column "touched" does not exist'),
        ("alter table t rename other to touched",),
    ),
    "another type": (
        ("alter table t alter touched type text",),
        "operator does not exist: text = integer (42883)",
        (BatchFailed, "operator does not exist"),
        ("alter table t alter touched drop default", "alter table t alter touched type int using touched::int"),
    ),
    "a key of another type": (("alter table t alter id type text",), "operator does not exist: text", None, ()),
    "the key renamed": (
        ("alter table t rename id to key",),
        "column t.id does not exist (42703)",
        (BackfillChanged, "walks by (id), and t has no 'id' any more"),
        ("alter table t rename key to id",),
    ),
    "the table renamed": (
        ("alter table t rename to u",),
        'relation "public.t" does not exist (42P01)',
        (BackfillError, "the table t of the backfill touch does not exist"),
        ("alter table u rename to t",),
    ),
    "the right taken": (
        ("revoke update on t from public",),
        "permission denied for table t (42501)",
        (BatchFailed, "permission denied for table t"),
        ("grant update on t to public",),
    ),
}


@FORMS
@pytest.mark.parametrize("kind", ENDS)
async def test_it_ends_with_a_clear_word_and_goes_on_where_it_stood(
    sql: Neon, admin: Admin, kind: str, form: str
) -> None:
    texts, says, then, mended = ENDS[kind]
    change(admin, *PLAIN)
    fill = declared(form)
    with pytest.raises(BatchFailed) as caught:
        await run(sql, fill, batch_size=5, on_progress=on_the_way(admin, texts))
    assert says.replace("text", "") in caught.value.what.replace("text", "")
    assert (caught.value.where, caught.value.exit_code) == ("after the key [5]", 3)
    assert "it goes on where it stands" in caught.value.todo
    if then:
        error, said = then
        with pytest.raises(error) as caught_again:
            await run(sql, fill, batch_size=5)
        assert said in caught_again.value.what
        assert caught_again.value.todo
    change(admin, *mended)
    assert (await run(sql, fill, batch_size=5)).done
    assert touched(admin) == {1: 20}
