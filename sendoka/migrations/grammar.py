"""What is wrong with the statements of a migration, as Postgres' own grammar reads them.

Applying needs none of it: what is wrong with a statement the database tells. Here it is told before anything is sent,
and so is what a database would accept and nobody wants, such as a setting that outlives its transaction. What a
function's or a DO's text says is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.database.home import NAMESPACE
from sendoka.migrations.comments import divided
from sendoka.migrations.flaw import broken
from sendoka.migrations.syntax import NoSql, commands, names, nodes, option, text_of, words
from sendoka.script import Chunk, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendoka.migrations.flaw import Flaw
    from sendoka.migrations.syntax import Command

__all__ = ["statement_flaws"]

_DIRECTIVES = {"lock_timeout": "lock-timeout", "statement_timeout": "statement-timeout"}
_LOCKS = ("pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared")

# Lists of names that are no qualified name: columns, labels, options.
_LISTS = frozenset({"colnames", "fields", "fk_attrs", "including", "keys", "pk_attrs", "publication", "using_clause"})

_TYPES = ("objtype", "object_type", "remove_type", "rename_type")
_ALL_IN_SCHEMA = "ACL_TARGET_ALL_IN_SCHEMA"

Wrong = tuple[str, str, str]
"""The kind of a flaw, what is wrong (it goes on from the file's name), and what to do."""


def statement_flaws(name: str, text: str, *, alone: bool, namespace: str | None = NAMESPACE) -> list[Flaw]:
    """Return what is wrong with the statements in `text`, the whole text of the migration `name`, in order.

    `alone` says that the file runs in no transaction; `namespace` is where our own tables are, None where it is not
    known. Chunks that a breakpoint inside a literal tore apart are left out, `comments.divided` names them. Raises
    ModuleNotFoundError where the grammar is not installed.
    """
    torn = divided(text)
    found: list[Flaw] = []
    for number, chunk in enumerate(chunks(text), 1):
        if not any(each.touches(chunk.start, chunk.start + len(chunk.text)) for each in torn):
            found.extend(_of_chunk(name, number, chunk, alone, namespace))
    return found


def _of_chunk(name: str, number: int, chunk: Chunk, alone: bool, namespace: str | None) -> Iterator[Flaw]:
    def flaw(at: int, wrong: Wrong) -> Flaw:
        return broken(wrong[0], name, chunk.line + chunk.text.count("\n", 0, at), *wrong[1:])

    try:
        found = commands(chunk.text)
    except NoSql as error:
        what = f"holds as statement {number} what is no SQL to Postgres' grammar: {error}"
        yield flaw(error.at, ("syntax", what, "mend it; a program's own commands, such as psql's, do not belong here"))
        return
    if len(found) > 1:
        what = f"holds {len(found)} commands as statement {number}, and Postgres takes one at a time"
        todo = "write a line between them, alone: --> statement-breakpoint"
        yield flaw(found[1].start, ("several-commands", what, todo))
    for command in found:
        if command.node is None:
            continue  # too large or too deep, as nothing is that this looks for, apart from queries
        for wrong in _of_command(command, _begin(chunk.text[command.start :]), alone):
            yield flaw(command.start, wrong)
        # Trees are walked only where the text has the word; U& may hide it.
        text = chunk.text.casefold()
        if any(word in text for word in ("set_config", "advisory", 'u&"')):
            for wrong in _calls(command.node):
                yield flaw(command.start, wrong)
        suspect = namespace if namespace and (namespace in text or 'u&"' in text) else None
        if suspect and _touches(command.kind, command.node, suspect):
            what = f"touches the namespace {namespace}, where Sendoka keeps its own"
            todo = f"leave {namespace} alone; commands of Sendoka change what is in there"
            yield flaw(command.start, ("own-namespace", what, todo))


def _begin(text: str) -> str:
    """Return what an error calls a command: its first words, and too few of them to show a value."""
    return " ".join(text.split(None, 3)[:3])[:60].rstrip(";")


def _of_command(command: Command, begins: str, alone: bool) -> Iterator[Wrong]:
    kind, node = command.kind, command.node
    if kind == "transaction_stmt":
        what = f"holds {begins}, and would not be one transaction"
        yield "transaction-command", what, "leave it out: a file is one transaction"
    if not alone and _stands_alone(kind, node):
        what = f"holds {begins} …, which cannot run in a transaction"
        todo = "give it a file of its own, with the lines -- transaction: none and -- done-when: select …"
        yield "no-transaction", what, todo
    if kind == "copy_stmt" and not node.filename:
        yield "session", f"holds {begins} …, which needs a client that streams", "write the rows as INSERT … VALUES"
    if kind in {"listen_stmt", "discard_stmt", "prepare_stmt", "load_stmt"}:
        yield "session", f"holds {begins} …, which is about a session, and none remains", "leave it out"
    if kind == "variable_set_stmt":
        yield from _setting(node)


def _stands_alone(kind: str, node: Any) -> bool:
    """Tell whether Postgres refuses to run a command in a transaction.

    Source: the callers of PreventInTransactionBlock, as far as the text alone decides.
    """
    if kind in _ALONE:
        return True
    return kind in _SOMETIMES_ALONE and _SOMETIMES_ALONE[kind](node)


_ALONE = frozenset(
    {
        "alter_system_stmt",
        "create_table_space_stmt",
        "createdb_stmt",
        "drop_table_space_stmt",
        "dropdb_stmt",
    }
)


def _reindexes_many(node: Any) -> bool:
    return not node.HasField("relation") or any(each.def_elem.defname == "concurrently" for each in node.params)


def _detaches(node: Any) -> bool:
    return bool(getattr(node, "def").partition_cmd.concurrent)


def _creates_slot(node: Any) -> bool:
    """Tell whether a slot is made on the other server, which is so where nothing is said about it."""
    off = {"false", "off", "0"}
    options = [each.def_elem for each in node.options if each.def_elem.defname in {"connect", "create_slot"}]
    return not any(set(words(each)) & off for each in options)


_SOMETIMES_ALONE: dict[str, Callable[[Any], bool]] = {
    "alter_database_stmt": lambda node: any(each.def_elem.defname == "tablespace" for each in node.options),
    "alter_table_stmt": lambda node: any(_detaches(each.alter_table_cmd) for each in node.cmds),
    "cluster_stmt": lambda node: not node.HasField("relation"),
    "create_subscription_stmt": _creates_slot,
    "drop_stmt": lambda node: bool(node.concurrent),
    "index_stmt": lambda node: bool(node.concurrent),
    "reindex_stmt": _reindexes_many,
    "vacuum_stmt": lambda node: bool(node.is_vacuumcmd),
}


def _setting(node: Any) -> Iterator[Wrong]:
    """Yield what is wrong with SET or RESET."""
    name = node.name or "all settings"
    if node.name == "TRANSACTION":
        yield "session", "sets what its transaction may do", "leave it out: a migration runs as read committed"
    elif node.name == "session_authorization":
        yield "session", "becomes another user", "write SET LOCAL ROLE, which ends with the file"
    elif not node.is_local:
        todo = f"write SET LOCAL {'ROLE' if name == 'role' else name}, which ends with the file"
        yield "session", f"sets {name} for longer than its transaction", todo if node.name else "leave it out"
    elif name in _DIRECTIVES:
        yield _ours(name)


def _ours(name: str) -> Wrong:
    directive = _DIRECTIVES[name]
    return "session", f"sets {name} in a statement", f"write it into the header: -- {directive}: 30s"


def _calls(node: Any) -> Iterator[Wrong]:
    """Yield what is wrong with the functions that a command calls."""
    for kind, call in nodes(node):
        if kind != "func_call":
            continue
        function = text_of(call.funcname[-1])
        if function == "set_config" and len(call.args) == 3:
            setting = text_of(call.args[0]) or "a setting"
            if not call.args[2].a_const.boolval.boolval:
                what = f"sets {setting} with set_config for longer than its transaction"
                yield "session", what, "give true as its third argument"
            elif setting in _DIRECTIVES:
                yield _ours(setting)
        elif function in _LOCKS:
            what = f"calls {function}, whose lock outlives the transaction"
            yield "session", what, f"call {function.replace('advisory_', 'advisory_xact_')}"


def _touches(kind: str, node: Any, namespace: str) -> bool:
    """Tell whether a command names the namespace, or something in it."""
    return any(_names(*each, namespace) for each in [(kind, node), *nodes(node)])


def _names(kind: str, node: Any, namespace: str) -> bool:
    if namespace in {getattr(node, "schemaname", None), getattr(node, "newschema", None)}:
        return True
    if kind == "def_elem" and node.defname == "schemas":
        return any(namespace in parts for _, each in nodes(node) for _, parts in names(each))
    # A word alone is a namespace in a few places only; elsewhere it may be a column or a table of the user's own.
    if "OBJECT_SCHEMA" in {option(node, field) for field in _TYPES} or option(node, "targtype") == _ALL_IN_SCHEMA:
        return getattr(node, "subname", None) == namespace or any(namespace in parts for _, parts in names(node))
    single = kind == "def_elem" and node.defname == "schema"
    return any(
        parts[0] == namespace and field not in _LISTS and (single or len(parts) > 1) for field, parts in names(node)
    )
