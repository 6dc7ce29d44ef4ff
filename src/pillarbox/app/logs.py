"""Logs: one line an event, on stderr, for eyes and ``grep`` (text) or for machines (JSON).

::

    2026-11-23T20:24:01.123Z info  pillarbox.server  session ended  user=alice octets=4711

What a client sent can stand in a value, so values are escaped: whatever is not plain
printable ASCII, or could be taken for another field, is written as a JSON string. No
client can forge a line or send codes to the operator's terminal.

Passwords are never logged; as a last resort, values under a name like ``password`` are
taken out here.

Everything goes through structlog. What libraries say by :mod:`logging` (uvicorn, asyncio,
aiosmtpd) is routed in, from WARNING upwards. A line that cannot be written (the disk is
full, nobody reads the pipe) is lost and stops nobody's mail; how many were lost is told as
soon as writing works again. How that is done is told in :mod:`.log_stream`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

from pillarbox.app.log_stream import LogStream

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
Render = Callable[[WrappedLogger, str, EventDict], bytes]

_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key", re.IGNORECASE)
_PLAIN = re.compile(r"[!#-<>-~]+").fullmatch  # printable ASCII but space, quote and "="
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LEVEL_WIDTH = 7
STDERR = 2
_LONG = 200
"""Characters of an error's repr, which may quote what a client sent."""
LOST = "log lines lost"


def configure(
    form: Format = "text", level: Level = "info", *, fd: int = STDERR, final: bool = False
) -> None:
    """Send all logs of this process to the descriptor *fd*.

    *final* promises that this will not be changed in this process: loggers are then made
    only once, which is faster.
    """
    render = _json_line if form == "json" else _text_line
    structlog.configure(
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_Writers(LogStream(fd, partial(_lost_line, render))),
        cache_logger_on_first_use=final,
    )
    _route_stdlib()


class _Writers:
    """Makes structlog's loggers: the first argument of ``get_logger`` is the name."""

    def __init__(self, stream: LogStream) -> None:
        self._write = stream.write

    def __call__(self, name: str = "pillarbox", *_: Any) -> _Writer:
        return _Writer(self._write, name)


class _Writer:
    """A logger: a name, and the way out."""

    def __init__(self, write: Callable[[bytes], None], name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = write
        self.critical = self.exception = self.msg = write


def _lost_line(render: Render, count: int) -> bytes:
    return render(_Writer(_nowhere, "pillarbox.log"), "warning", {"event": LOST, "lost": count})


def _nowhere(line: bytes) -> None:
    """For a line that is rendered but not written by the logger."""


def _tidy(event: EventDict) -> None:
    """Take secrets out, and put a traceback in as text."""
    for key in event:
        if key not in _harmless and _is_secret(key):
            event[key] = "(hidden)"
    if "exc_info" in event:
        structlog.processors.format_exc_info(None, "", event)


# Names of fields seen before that are no secrets: a program has few, so this stays small.
_harmless: set[str] = set()
_MOST_NAMES = 1000


def _is_secret(key: str) -> bool:
    if _SECRET.search(key):
        return True
    if len(_harmless) < _MOST_NAMES:
        _harmless.add(key)
    return False


# One pass a line instead of a chain of processors: a line costs under 10 µs this way.
def _text_line(logger: WrappedLogger, level: str, event: EventDict) -> bytes:
    _tidy(event)
    parts = [f"{_now()} {level:{_LEVEL_WIDTH}} {logger.name}: {_words(event.pop('event'))}"]
    for key, value in event.items():
        if type(value) is int:  # most fields are, and there is nothing to escape in it
            parts.append(f"{key}={value}")
            continue
        text = value if type(value) is str else _text(value)
        parts.append(f"{key}={text if _PLAIN(text) else json.dumps(text)}")
    return f"{' '.join(parts)}\n".encode("ascii", "backslashreplace")


def _json_line(logger: WrappedLogger, level: str, event: EventDict) -> bytes:
    _tidy(event)
    what = event.pop("event")
    line = {"time": _now(), "level": level, "logger": logger.name, "event": what, **event}
    return _dump(line).encode() + b"\n"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if type(value) is float:
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def _words(what: Any) -> str:
    """An event's name: plain words stand as they are."""
    text = str(what)
    return text if text.isascii() and text.isprintable() else json.dumps(text)


_dump = json.JSONEncoder(default=str, separators=(",", ":")).encode


def _now() -> str:
    """The time in UTC, as RFC 3339 writes it, to the millisecond."""
    now = time.time()
    return f"{_second(int(now))}.{int(now % 1 * 1000):03}Z"


@lru_cache(maxsize=1)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))


def log_unraisable(found: sys.UnraisableHookArgs) -> None:
    """A ``sys.unraisablehook``: an error that nobody can catch is a line like any other.

    A client can cause one: OpenSSL's callbacks are called for a server name that is not ASCII.
    """
    error = found.exc_value or found.exc_type
    structlog.get_logger("pillarbox").warning("error ignored", error=repr(error)[:_LONG])


class _Router(logging.Handler):
    """Hands records of :mod:`logging` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        # A library's broken format string must not stop the caller.
        try:
            log = structlog.get_logger(record.name)
            log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)
        except Exception:  # noqa: BLE001 - logging's own rule: report on stderr, go on
            self.handleError(record)


def _route_stdlib() -> None:
    logging.basicConfig(handlers=[_Router()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    # Without this, logging prints a traceback in the middle of the log when emit fails.
    logging.raiseExceptions = sys.flags.dev_mode
