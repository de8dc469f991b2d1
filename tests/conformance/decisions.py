"""What was decided about the recorded exchanges: errors and outcomes, where we differ, what Python has no call for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["DIFFERENT", "ERRORS", "NO_COUNTERPART", "ON_THE_NETWORK", "Different"]

# What a call that the official driver rejects raises in ours, and what is known about its statements.
ERRORS = {
    "v118": "EndpointError refused",
    "v121": "ReadOnlyTransaction failed",
    "v122": "DivisionByZero failed",
    "v124": "TypeError",
    "v125": "TypeError",
    "v131": "ConnectFailed not_sent",
    **dict.fromkeys(("v136", "v140", "v141", "v142", "v143", "v150", "v151"), "SettingsError"),
    "v152": "PostgresSyntaxError failed",
    "v153": "UndefinedTable failed",
    "v154": "UndefinedColumn failed",
    "v159": "DivisionByZero failed",
    "v160": "InvalidTextRepresentation failed",
    "v161": "ProgrammingError failed",
    "v162": "ProgrammingError failed",
    "v163": "IndeterminateDatatype failed",
    "v164": "PostgresSyntaxError failed",
    "v166": "DatabaseError failed",
    "v167": "PostgresSyntaxError failed",
    "v168": "InvalidCatalogName refused",
    "v169": "AnswerLost unknown",
    "v170": "ActiveSqlTransaction failed",
    "v172": "UniqueViolation failed",
    "v173": "EndpointError refused",
    "v174": "EndpointError refused",
    "v175": "ProtocolError unknown",
    "v177": "EndpointError unknown",
    "v178": "EndpointError unknown",
    "v179": "ProtocolError unknown",
    "v180": "EndpointError refused",
    "v182": "TooManyConnections refused",
    "v184": "ProtocolError unknown",
    "v185": "ProtocolError unknown",
    "v186": "ProtocolError unknown",
    "v187": "EndpointError unknown",
    **dict.fromkeys(("v188", "v189", "v190", "v191", "v192", "v195"), "ProtocolError unknown"),
    "v214": "TypeError",
    "v215": "EndpointError refused",
    "v358": "PostgresSyntaxError failed",
    "v377": "AnswerLost unknown",
    "v384": "EndpointError refused",
    "v387": "DivisionByZero failed",
    "v388": "ActiveSqlTransaction failed",
    "v389": "ReadOnlyTransaction failed",
    "v390": "UniqueViolation failed",
    "v393": "DivisionByZero failed",
    "v397": "EndpointError refused",
    "v399": "InvalidCatalogName refused",
    "v400": "DatabaseError failed",
    "v401": "PostgresSyntaxError failed",
}


@dataclass(frozen=True, slots=True)
class Different:
    """Why we differ on purpose, and how: by what is compared (url, string, headers, body, requests, outcome), ours."""

    reason: str
    ours: dict[str, Any]


def _not_sent(reason: str, outcome: str, **more: Any) -> Different:
    return Different(reason, {"requests": 0, "outcome": outcome, **more})


_LOCAL = "a host on this machine is a local endpoint, over plain HTTP on the port given, by default 4444"
_INTERVAL = "months, days and microseconds are kept apart, and shown here as they go back"
_RANGE = "a range is a value, shown here as it goes back"
_STORED = "a number of 32 bits is the one that is stored, not the one that its shortest text means elsewhere"
_LIST = "every array is a list"
_POINT = "geometric types are text as Postgres wrote them"
_EXACT = "microseconds are not cut off, and are sent with six digits"
_FEWER = "an answer with another number of results than statements is no answer"
_ENDS = "a statement that would end the transaction early is refused before it is sent"
_ALONE = "a statement that has no effect by itself is refused before it is sent"

DIFFERENT = {
    "v009": Different(_LOCAL, {"url": "http://localhost:4444/sql"}),
    "v010": Different(_LOCAL, {"url": "http://localhost:5432/sql"}),
    "v012": Different(_LOCAL, {"requests": 1, "outcome": []}),
    "v013": Different(_LOCAL, {"url": "http://[::1]:5432/sql"}),
    "v019": _not_sent("a path with two parts names no database", "SettingsError"),
    "v023": _not_sent("an empty token is none, and asks for no other host", "SettingsError"),
    "v029": Different(_FEWER, {"outcome": "ProtocolError unknown"}),
    "v042": _not_sent("half a surrogate pair is no character, and the server could not read it", "ValueError"),
    "v043": _not_sent("NUL is refused before it is sent, by the parameter's number", "ValueError"),
    "v045": Different("of two columns with one name both are kept", {"outcome": [[1, 2]]}),
    "v057": Different("what is said about types to the client counts", {"outcome": [["custom:1"]]}),
    "v063": Different("a float keeps its sign", {"body": '{"query":"SELECT $1","params":["-0.0"]}'}),
    "v066": Different("Python writes exponents with two digits", {"body": '{"query":"SELECT $1","params":["1e-07"]}'}),
    "v069": Different("an int of any size is exact", {"body": '{"query":"SELECT $1","params":["9007199254740993"]}'}),
    "v073": Different(_EXACT, {"body": '{"query":"SELECT $1","params":["2024-02-29T12:34:56.789000+00:00"]}'}),
    "v074": Different(_EXACT, {"body": '{"query":"SELECT $1","params":["0042-01-01 00:00:00+00 BC"]}'}),
    "v087": Different(_EXACT, {"body": '{"query":"SELECT $1","params":["{\\"2024-01-01T00:00:00+00:00\\"}"]}'}),
    "v089": Different(
        "each element stands in quotes", {"body": '{"query":"SELECT $1","params":["{\\"\\\\\\\\x01ff\\"}"]}'}
    ),
    "v096": _not_sent("a function is no value", "TypeError"),
    "v098": _not_sent("a pattern is no value, and not an empty object", "TypeError"),
    "v106": Different("a transaction of nothing needs no request", {"requests": 0}),
    "v118": Different(
        "a level is written in any usual way, and sent as Neon spells it",
        {"headers": {"neon-batch-isolation-level": "Serializable"}},
    ),
    "v126": Different(_FEWER, {"outcome": "ProtocolError unknown"}),
    "v132": Different(
        "with a token no password travels",
        {
            "string": (
                *("postgresql", "alice", "", "ep-cool-darkness-123456.us-east-2.aws.neon.tech", None, "/neondb"),
                (("sslmode", "require"),),
            )
        },
    ),
    "v144": Different("a password may stand unescaped", {"requests": 1, "outcome": []}),
    "v193": Different(_FEWER, {"outcome": "ProtocolError unknown"}),
    "v194": Different(
        "a redirect is never followed: the connection string would go to another host",
        {"requests": 1, "outcome": "ProtocolError unknown"},
    ),
    "v206": Different(
        _EXACT,
        {
            "body": '{"query":"SELECT $1::timestamptz::text AS t, $2::date::text AS d",'
            '"params":["2024-07-01T08:00:00.789000-04:00","2024-06-30T22:00:00-04:00"]}'
        },
    ),
    "v212": Different(
        "drizzle asks for dates as text", {"outcome": [[{"$": "Date", "iso": "2026-11-23T00:00:00.000Z"}, 1]]}
    ),
    "v227": Different(_STORED, {"outcome": [[1.100000023841858]]}),
    "v228": Different(_STORED, {"outcome": [[3.4028234663852886e38]]}),
    "v268": Different(_INTERVAL, {"outcome": [["+0 mons +0 days +00:00:00.000000"]]}),
    "v294": Different(_INTERVAL, {"outcome": [[["+0 mons +1 days +00:00:00.000000"]]]}),
    "v295": Different(_LIST, {"outcome": [[["(1,1),(0,0)", "(2,2),(1,1)"]]]}),
    "v298": Different("inet is always an interface, with its mask", {"outcome": [[["1.2.3.4/32"]]]}),
    "v299": Different(_POINT, {"outcome": [[["(1,2)"]]]}),
    "v300": Different(_POINT, {"outcome": [["(1.5,2)"]]}),
    "v301": Different(_POINT, {"outcome": [["<(1,2),3>"]]}),
    "v314": Different(_RANGE, {"outcome": [['["1","5")']]}),
    "v316": Different(_RANGE, {"outcome": [[['["1","3")', '["5","7")']]]}),
    "v317": Different(_RANGE, {"outcome": [['["2024-01-01","2024-02-01")']]}),
    "v318": Different(_RANGE, {"outcome": [['["2024-01-01T00:00:00+00:00",)']]}),
    "v334": Different(_LIST, {"outcome": [[["neon=arwdDxt/neon"]]]}),
    **dict.fromkeys(("v371", "v372", "v373"), _not_sent(_ALONE, "ValueError")),
    "v380": Different("a transaction of nothing needs no request", {"requests": 0}),
    "v384": Different(
        "a level is written in any usual way, and sent as Neon spells it",
        {"headers": {"neon-batch-isolation-level": "Serializable"}},
    ),
    "v391": _not_sent(_ENDS, "ValueError"),
    "v392": _not_sent(_ENDS, "ValueError"),
    "v395": _not_sent("without a connection string there is no client", "SettingsError"),
    "v396": _not_sent("a connection string of another database is refused", "SettingsError"),
}

# Calls that a Python program does not make, and why.
_BY_HAND = "our client always asks for text in arrays, and never sends this: only the endpoint is asked so"
NO_COUNTERPART = {
    "v025": "the address is one URL, endpoint=, and never plain HTTP to another machine",
    "v038": "a plain call is the form that we have",
    "v095": "Python has no symbols",
    "v097": "Python has one kind of strings",
    "v101": "bytes have no second form that would be sent as an empty object",
    "v117": "options of transactions are said to transactions",
    "v127": "a token belongs to a client, for a transaction it would be ignored",
    **dict.fromkeys(("v216", "v218"), "drizzle's migrator; ours keeps another history"),
    **dict.fromkeys(("v337", "v338", "v339", "v340", "v341", "v344", "v345", "v346", "v381"), _BY_HAND),
    **dict.fromkeys(("v348", "v350", "v351", "v356"), "every parameter of ours is sent as text or null"),
    **dict.fromkeys(("v385", "v386"), "a single statement of ours has no isolation level"),
    **dict.fromkeys(("v402", "v403", "v404"), "our client only posts to /sql"),
}

# What happens below HTTP: each has a test of its own, named after its vector.
ON_THE_NETWORK = ("v197", "v198", "v199", "v201", "v203", "v204", "v205")
