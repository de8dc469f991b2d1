"""Every exception says what a caller can do, survives a pickle, and is short."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
from typing import TYPE_CHECKING

import pytest

import sendoka
from sendoka import errors
from sendoka.errors import (
    DatabaseError,
    EndpointError,
    MigrationFailed,
    Outcome,
    SendokaError,
    SettingsError,
    TransportError,
    database_error,
    fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES = sorted(
    (value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, SendokaError)),
    key=lambda cls: cls.__name__,
)


def family(cls: type[SendokaError]) -> Iterator[type[SendokaError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from family(child)


# The status of `sendoka` for each branch of the tree: a class belongs to the nearest one above it.
EXIT_CODES = {
    SendokaError: 3,
    SettingsError: 2,
    errors.InvalidCursor: 2,
    errors.OnceKeyReused: 3,
    errors.AnswerMissing: 4,
    TransportError: 3,
    DatabaseError: 3,
    errors.SchemaError: 2,
    errors.CatalogMoved: 3,
    errors.MigrationError: 1,
    errors.PushRefused: 2,
    MigrationFailed: 3,
    errors.BackfillError: 3,
    errors.BackfillChanged: 1,
    errors.InvalidBackfill: 2,
    errors.UnknownBackfill: 2,
}

# How an error with facts of its own is made; every other one takes `what`, `where` and `todo`.
SAMPLES: dict[type[SendokaError], SendokaError] = {
    errors.AnswerMissing: errors.AnswerMissing(
        "no", where="here", todo="say it", questions=({"question": "rename?", "answers": [["--rename", "a", "b"]]},)
    ),
    EndpointError: EndpointError("no", status=507, outcome=Outcome.REFUSED, passing=True, where="here", todo="wait"),
    errors.OnceKeyReused: errors.OnceKeyReused("signup:1"),
    MigrationFailed: MigrationFailed("no", migration="0001_calm_heron", statement=2, where="here", todo="mend it"),
    errors.BatchFailed: errors.BatchFailed("no", cursor=("msg_1", 7), where="here", todo="mend it"),
}


def sample(cls: type[SendokaError]) -> SendokaError:
    if cls in SAMPLES:
        return SAMPLES[cls]
    if issubclass(cls, DatabaseError):
        return cls(
            "no", sqlstate="23505", detail="Key (id)=(1)", constraint="orgs_pkey", statement="insert …", todo="x"
        )
    return cls("no", where="here", todo="mend it")


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_comes_back_from_a_pickle_with_its_facts_and_its_cause(cls: type[SendokaError]) -> None:
    error = sample(cls)
    error.__cause__ = ValueError("why")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(again.__cause__, ValueError)
    assert str(again.__cause__) == "why"


def test_an_error_survives_a_pickle_with_a_cause_that_does_not() -> None:
    class Local(Exception):  # no pickle can find a class inside a function
        pass

    error = SendokaError("no")
    error.__cause__ = Local("why")
    again = pickle.loads(pickle.dumps(error))
    assert str(again.__cause__) == "Local: why"


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_has_the_exit_code_of_its_branch(cls: type[SendokaError]) -> None:
    branch = next(base for base in cls.__mro__ if base in EXIT_CODES)
    assert sample(cls).exit_code == EXIT_CODES[branch]


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, TransportError | DatabaseError)])
def test_an_error_of_a_call_says_whether_its_statements_ran(cls: type[TransportError | DatabaseError]) -> None:
    assert isinstance(cls("no").outcome, Outcome)


def test_an_unknown_end_is_what_a_transport_error_assumes_where_nobody_says_otherwise() -> None:
    assert TransportError("no").outcome is Outcome.UNKNOWN
    assert errors.ConnectFailed("no").outcome is Outcome.NOT_SENT
    assert TransportError("no", outcome=Outcome.NOT_SENT).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_exported_and_documented(cls: type[SendokaError]) -> None:
    assert cls.__name__ in errors.__all__
    assert inspect.getdoc(cls)
    assert cls.__doc__ != SendokaError.__doc__ or cls is SendokaError


def test_every_error_of_ours_stands_in_the_tree() -> None:
    for _, name, _ in pkgutil.walk_packages(sendoka.__path__, "sendoka."):
        importlib.import_module(name)
    ours = {cls for cls in family(SendokaError) if cls.__module__.startswith("sendoka.")}
    assert ours == set(CLASSES)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if set(vars(cls)) & {"__init__"} and cls.__module__])
def test_an_error_with_facts_of_its_own_has_a_sample(cls: type[SendokaError]) -> None:
    assert cls in SAMPLES or cls in {SendokaError, TransportError, DatabaseError}


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_tells_its_story_in_few_lines(cls: type[SendokaError]) -> None:
    assert 1 <= len(str(sample(cls)).splitlines()) <= 4


@pytest.mark.parametrize(
    ("sqlstate", "name"),
    [
        ("23505", "UniqueViolation"),
        ("23503", "ForeignKeyViolation"),
        ("23502", "NotNullViolation"),
        ("23514", "CheckViolation"),
        ("23P01", "ExclusionViolation"),
        ("23001", "RestrictViolation"),
        ("23000", "IntegrityError"),
        ("40001", "SerializationFailure"),
        ("40P01", "DeadlockDetected"),
        ("55P03", "LockNotAvailable"),
        ("42P01", "UndefinedTable"),
        ("42703", "UndefinedColumn"),
        ("42P07", "DuplicateTable"),
        ("42501", "InsufficientPrivilege"),
        ("42601", "PostgresSyntaxError"),
        ("42704", "UndefinedObject"),
        ("42883", "UndefinedFunction"),
        ("42P02", "UndefinedParameter"),
        ("42P18", "IndeterminateDatatype"),
        ("42804", "DatatypeMismatch"),
        ("42702", "AmbiguousColumn"),
        ("42P10", "InvalidColumnReference"),
        ("42701", "DuplicateColumn"),
        ("42710", "DuplicateObject"),
        ("42939", "ProgrammingError"),
        ("3F000", "InvalidSchemaName"),
        ("22P02", "InvalidTextRepresentation"),
        ("22003", "NumericValueOutOfRange"),
        ("22001", "StringDataRightTruncation"),
        ("22007", "InvalidDatetimeFormat"),
        ("22012", "DivisionByZero"),
        ("22023", "DataError"),
        ("25001", "ActiveSqlTransaction"),
        ("25P01", "NoActiveSqlTransaction"),
        ("25006", "ReadOnlyTransaction"),
        ("25P04", "TransactionTimeout"),
        ("25P02", "InvalidTransactionState"),
        ("28000", "InvalidAuthorizationSpecification"),
        ("28P01", "InvalidPassword"),
        ("3D000", "InvalidCatalogName"),
        ("53300", "TooManyConnections"),
        ("53100", "DiskFull"),
        ("53200", "OperationalError"),
        ("08006", "OperationalError"),
        ("57P01", "AdminShutdown"),
        ("57P02", "CrashShutdown"),
        ("57P03", "CannotConnectNow"),
        ("57014", "QueryCanceled"),
        ("0A000", "FeatureNotSupported"),
        ("2BP01", "DependentObjectsStillExist"),
        ("P0001", "RaiseException"),
        ("P0002", "DatabaseError"),
        ("XX000", "DatabaseError"),
        ("", "DatabaseError"),
    ],
)
def test_postgres_code_chooses_the_class(sqlstate: str, name: str) -> None:
    assert type(database_error({"code": sqlstate, "message": "no"})).__name__ == name


def test_every_class_of_the_table_of_codes_is_reached() -> None:
    leaves = {cls for cls in CLASSES if issubclass(cls, DatabaseError)} - {DatabaseError, errors.RetryableError}
    assert leaves == set(fields._BY_SQLSTATE.values())
    codes = [code for cls in leaves for code in vars(cls)["sqlstates"]]
    assert sorted(codes) == sorted(fields._BY_SQLSTATE), "a code of two classes"


def test_a_database_error_carries_every_field_that_postgres_sent() -> None:
    error = database_error(
        {
            "message": "duplicate key",
            "code": "23505",
            "severity": "ERROR",
            "detail": "Key (id)=(1) already exists.",
            "hint": None,
            "position": "17",
            "where": "PL/pgSQL function f()",
            "schema": "public",
            "table": "orgs",
            "column": "id",
            "dataType": "text",
            "constraint": "orgs_pkey",
        },
        statement="insert into orgs values (1)\nreturning *",
    )
    assert (error.message, error.sqlstate, error.severity) == ("duplicate key", "23505", "ERROR")
    assert (error.detail, error.hint, error.position) == ("Key (id)=(1) already exists.", None, 17)
    assert (error.context, error.schema, error.table) == ("PL/pgSQL function f()", "public", "orgs")
    assert (error.column, error.datatype, error.constraint) == ("id", "text", "orgs_pkey")
    assert str(error).splitlines() == [
        "duplicate key (23505)",
        "detail: Key (id)=(1) already exists.",
        "in line 1: insert into orgs values (1)",
        " " * 27 + "^",
    ]


@pytest.mark.parametrize("position", [None, "", "x", "-1"])
def test_a_position_that_is_no_number_is_none(position: str | None) -> None:
    assert database_error({"message": "no", "position": position}).position is None


def test_a_long_statement_is_cut_in_the_text_and_kept_whole_in_the_error() -> None:
    error = DatabaseError("no", statement="\n\n" + "x" * 500)
    assert str(error).splitlines()[1] == "in: " + "x" * 99 + "…"
    assert len(error.statement or "") == 502


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("select a\nfrom t\nwhere nme = $1\n", "nme", ["in line 3: where nme = $1", "                 ^"]),
        ("\n\r\n  select a,\r\n\tb as\tc,\r\n  d", "c,", ["in line 4: b as c,", "                ^"]),
        ("select a\nfrom t where  \n ", " ", ["in line 2: from t where", " " * 23 + "^"]),
        ("select " + "a, " * 40 + "nme from t", "nme", ["in line 1: …" + "a, " * 22 + "nme from t", " " * 78 + "^"]),
        (
            "select a,\n" + "b, " * 40 + "nme" + ", c" * 90,
            "nme",
            ["in line 2: …" + "b, " * 22 + "nme" + ", c" * 9 + ", …", " " * 78 + "^"],
        ),
        ("select nme from t", "nme", ["in: select nme from t"]),
        ("select nme from t" + " " * 200, "nme", ["in: select nme from t"]),
    ],
)
def test_of_a_long_statement_the_line_is_shown_that_postgres_points_to(text: str, place: str, shown: list[str]) -> None:
    error = DatabaseError("no", statement=text, position=text.rindex(place) + 1, hint="h")
    assert str(error).splitlines() == ["no", *shown, "hint: h"]


BIND = 'bind message supplies 2 parameters, but prepared statement "" requires 1'


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"message": BIND}, "ProgrammingError"),
        ({"message": "Bind-Nachricht gibt 2 Parameter an", "routine": "exec_bind_message"}, "ProgrammingError"),
        ({"message": "insufficient data left in message", "routine": "pq_copymsgbytes"}, "OperationalError"),
        ({"message": "Query cancelled"}, "OperationalError"),
    ],
)
def test_a_wrong_number_of_parameters_is_a_mistake_in_the_call_and_no_broken_protocol(
    fields: dict[str, str | None], name: str
) -> None:
    error = database_error({"code": "08P01", **fields})
    assert type(error).__name__ == name
    assert ("as many parameters as the statement has of $1, $2" in str(error)) is (name == "ProgrammingError")


def test_the_keys_of_an_error_are_those_that_are_read() -> None:
    fields = dict.fromkeys(errors.NEON_ERROR_KEYS, "1")
    error = database_error(fields)
    assert [error.message, error.sqlstate, error.detail, error.hint, error.position, error.severity] == ["1"] * 4 + [
        1,
        "1",
    ]
    assert len(fields) == 17


def test_an_unknown_end_says_that_it_may_have_run_unless_there_is_better_advice() -> None:
    lost = errors.AnswerLost("the connection ended")
    assert str(lost).splitlines()[1:] == [
        "it may have run: look before a write is sent again, or give the next one a once= key"
    ]
    assert str(errors.AnswerLost("the connection ended", outcome=Outcome.NOT_SENT)) == "the connection ended"
    assert str(errors.AnswerLost("the connection ended", todo="start it")).splitlines()[1:] == ["start it"]
    lost.outcome = Outcome.FAILED
    assert str(lost) == "the connection ended"
