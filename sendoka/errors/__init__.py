"""Every exception of Sendoka, with what a caller can do about it.

The tree groups by that question, and its leaves carry Postgres' own condition names:

    SendokaError
    ├── SettingsError                 a bad connection string or setting
    ├── InvalidCursor                 a cursor that no page gave out
    ├── OnceKeyReused                 a known `once` key with other statements
    ├── TransportError                the exchange over HTTP went wrong; `.outcome` says whether SQL ran
    │   ├── ConnectFailed             no connection: nothing was sent
    │   ├── RequestTimeout            the deadline passed
    │   ├── AnswerLost                sent, and no answer that can be read
    │   ├── EndpointError             the endpoint itself answered with an error (`.status`)
    │   ├── ProtocolError             an answer that is not Neon's protocol
    │   └── DecodeError               a cell that does not fit its column's type
    ├── DatabaseError                 Postgres said no (`.sqlstate`, `.constraint`, …)
    │   ├── IntegrityError            UniqueViolation, ForeignKeyViolation, NotNullViolation, CheckViolation
    │   ├── RetryableError            SerializationFailure, DeadlockDetected, LockNotAvailable
    │   ├── ProgrammingError          UndefinedTable, UndefinedColumn, InsufficientPrivilege, …
    │   └── QueryCanceled
    ├── SchemaError                   the declared schema contradicts itself
    ├── MigrationError                a folder or a history that is not what it should be
    └── BackfillError                 a backfill that cannot go on

An error's text is at most three short parts: what happened, where, what to do.
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
from sendoka.errors.engines import (
    BackfillChanged,
    BackfillError,
    BackfillRunning,
    BatchFailed,
    ChecksumMismatch,
    ForkedHistory,
    InvalidBackfill,
    InvalidMigration,
    MigrationError,
    MigrationFailed,
    MissingMigration,
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
from sendoka.errors.reported import (
    NEON_ERROR_KEYS,
    CheckViolation,
    DatabaseError,
    DeadlockDetected,
    DuplicateTable,
    ForeignKeyViolation,
    InsufficientPrivilege,
    IntegrityError,
    LockNotAvailable,
    NotNullViolation,
    ProgrammingError,
    QueryCanceled,
    ReadOnlyTransaction,
    RetryableError,
    SerializationFailure,
    UndefinedColumn,
    UndefinedTable,
    UniqueViolation,
    database_error,
)

__all__ = [
    "NEON_ERROR_KEYS",
    "AnswerLost",
    "AnswerMissing",
    "BackfillChanged",
    "BackfillError",
    "BackfillRunning",
    "BatchFailed",
    "CheckViolation",
    "ChecksumMismatch",
    "ConnectFailed",
    "DatabaseError",
    "DeadlockDetected",
    "DecodeError",
    "DuplicateTable",
    "EndpointError",
    "ForeignKeyViolation",
    "ForkedHistory",
    "InsufficientPrivilege",
    "IntegrityError",
    "InvalidBackfill",
    "InvalidCursor",
    "InvalidMigration",
    "LockNotAvailable",
    "MigrationError",
    "MigrationFailed",
    "MissingMigration",
    "NotNullViolation",
    "OnceKeyReused",
    "Outcome",
    "ProgrammingError",
    "ProtocolError",
    "QueryCanceled",
    "ReadOnlyTransaction",
    "RequestTimeout",
    "RetryableError",
    "SchemaError",
    "SendokaError",
    "SerializationFailure",
    "SettingsError",
    "TransportError",
    "UndefinedColumn",
    "UndefinedTable",
    "UniqueViolation",
    "UnknownBackfill",
    "database_error",
]
