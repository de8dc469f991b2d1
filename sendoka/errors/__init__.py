"""Every exception of Sendoka, with what a caller can do about it.

The tree groups by that question, and its leaves carry Postgres' own condition names:

    SendokaError
    ├── SettingsError                 a bad connection string or setting
    ├── InvalidCursor                 a cursor that no page gave out
    ├── OnceKeyReused                 a known `once` key with other statements
    ├── AnswerMissing                 a question of the command line that nobody could be asked
    ├── TransportError                the exchange went wrong below SQL; `.outcome` says whether it ran
    │   └── ConnectFailed, RequestTimeout, AnswerLost, EndpointError, ProtocolError, DecodeError
    ├── DatabaseError                 Postgres said no (`.sqlstate`, `.constraint`, …)
    │   ├── IntegrityError            a constraint: UniqueViolation, ForeignKeyViolation, …
    │   ├── DataError                 a value: InvalidTextRepresentation, NumericValueOutOfRange, …
    │   ├── RetryableError            another transaction: SerializationFailure, DeadlockDetected, LockNotAvailable
    │   ├── ProgrammingError          the statement: UndefinedTable, InsufficientPrivilege, …
    │   ├── InvalidTransactionState   not in this transaction: ReadOnlyTransaction, ActiveSqlTransaction, …
    │   ├── LoginError                not let in: InvalidPassword, InvalidCatalogName, …
    │   ├── OperationalError          the server: TooManyConnections, AdminShutdown, …
    │   └── QueryCanceled, FeatureNotSupported, DependentObjectsStillExist, RaiseException
    ├── SchemaError                   the declared schema contradicts itself
    │   └── CatalogMoved              a database's schema was changed while it was read
    ├── MigrationError                a folder or a history that is not what it should be
    └── BackfillError                 a backfill that cannot go on

What each of them means and what to do stands at its class; docs/errors.md is made of that. An error's text is at most
three short parts: what happened, where, what to do.
"""

from __future__ import annotations

from sendoka.errors.base import (
    AnswerMissing,
    InvalidCursor,
    OnceKeyReused,
    Outcome,
    SendokaError,
    SettingsError,
)
from sendoka.errors.circumstances import (
    AdminShutdown,
    CannotConnectNow,
    CrashShutdown,
    DeadlockDetected,
    DiskFull,
    InvalidAuthorizationSpecification,
    InvalidCatalogName,
    InvalidPassword,
    LockNotAvailable,
    LoginError,
    OperationalError,
    QueryCanceled,
    RetryableError,
    SerializationFailure,
    TooManyConnections,
)
from sendoka.errors.data import (
    CheckViolation,
    DataError,
    DivisionByZero,
    ExclusionViolation,
    ForeignKeyViolation,
    IntegrityError,
    InvalidDatetimeFormat,
    InvalidTextRepresentation,
    NotNullViolation,
    NumericValueOutOfRange,
    RestrictViolation,
    StringDataRightTruncation,
    UniqueViolation,
)
from sendoka.errors.engines import (
    BackfillChanged,
    BackfillError,
    BackfillRunning,
    BatchFailed,
    CatalogMoved,
    ChecksumMismatch,
    FleetFailed,
    ForkedHistory,
    InvalidBackfill,
    InvalidMigration,
    MigrationError,
    MigrationFailed,
    MissingMigration,
    PushRefused,
    SchemaError,
    UnknownBackfill,
)
from sendoka.errors.exchange import (
    AnswerLost,
    ConnectFailed,
    DecodeError,
    EndpointError,
    ProtocolError,
    RequestTimeout,
    TransportError,
)
from sendoka.errors.fields import (
    NEON_ERROR_KEYS,
    database_error,
)
from sendoka.errors.programming import (
    ActiveSqlTransaction,
    AmbiguousColumn,
    DatatypeMismatch,
    DependentObjectsStillExist,
    DuplicateColumn,
    DuplicateObject,
    DuplicateTable,
    FeatureNotSupported,
    IndeterminateDatatype,
    InsufficientPrivilege,
    InvalidColumnReference,
    InvalidSchemaName,
    InvalidTransactionState,
    NoActiveSqlTransaction,
    PostgresSyntaxError,
    ProgrammingError,
    RaiseException,
    ReadOnlyTransaction,
    TransactionTimeout,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedObject,
    UndefinedParameter,
    UndefinedTable,
)
from sendoka.errors.reported import DatabaseError

__all__ = [
    "NEON_ERROR_KEYS",
    "ActiveSqlTransaction",
    "AdminShutdown",
    "AmbiguousColumn",
    "AnswerLost",
    "AnswerMissing",
    "BackfillChanged",
    "BackfillError",
    "BackfillRunning",
    "BatchFailed",
    "CannotConnectNow",
    "CatalogMoved",
    "CheckViolation",
    "ChecksumMismatch",
    "ConnectFailed",
    "CrashShutdown",
    "DataError",
    "DatabaseError",
    "DatatypeMismatch",
    "DeadlockDetected",
    "DecodeError",
    "DependentObjectsStillExist",
    "DiskFull",
    "DivisionByZero",
    "DuplicateColumn",
    "DuplicateObject",
    "DuplicateTable",
    "EndpointError",
    "ExclusionViolation",
    "FeatureNotSupported",
    "FleetFailed",
    "ForeignKeyViolation",
    "ForkedHistory",
    "IndeterminateDatatype",
    "InsufficientPrivilege",
    "IntegrityError",
    "InvalidAuthorizationSpecification",
    "InvalidBackfill",
    "InvalidCatalogName",
    "InvalidColumnReference",
    "InvalidCursor",
    "InvalidDatetimeFormat",
    "InvalidMigration",
    "InvalidPassword",
    "InvalidSchemaName",
    "InvalidTextRepresentation",
    "InvalidTransactionState",
    "LockNotAvailable",
    "LoginError",
    "MigrationError",
    "MigrationFailed",
    "MissingMigration",
    "NoActiveSqlTransaction",
    "NotNullViolation",
    "NumericValueOutOfRange",
    "OnceKeyReused",
    "OperationalError",
    "Outcome",
    "PostgresSyntaxError",
    "ProgrammingError",
    "ProtocolError",
    "PushRefused",
    "QueryCanceled",
    "RaiseException",
    "ReadOnlyTransaction",
    "RequestTimeout",
    "RestrictViolation",
    "RetryableError",
    "SchemaError",
    "SendokaError",
    "SerializationFailure",
    "SettingsError",
    "StringDataRightTruncation",
    "TooManyConnections",
    "TransactionTimeout",
    "TransportError",
    "UndefinedColumn",
    "UndefinedFunction",
    "UndefinedObject",
    "UndefinedParameter",
    "UndefinedTable",
    "UniqueViolation",
    "UnknownBackfill",
    "database_error",
]
