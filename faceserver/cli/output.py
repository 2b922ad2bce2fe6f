"""How commands show what they count, and how far they are."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

import click

from faceserver.runtime.private_files import private

if TYPE_CHECKING:  # loaded where it is used, so that --help answers at once
    from faceserver.runtime.progress import Advance


class PrivateFile(click.File):
    """A file for what a command writes, for its owner alone; ``-`` is standard output."""

    def __init__(self) -> None:
        """Write text."""
        super().__init__("w", encoding="utf-8")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> IO[Any]:
        """Open it; one that is there is emptied, and keeps its mode."""
        if value == "-" or not isinstance(value, str | os.PathLike):
            return super().convert(value, param, ctx)
        try:
            file = open(value, "w", encoding="utf-8", opener=private)  # noqa: SIM115 - see below
        except OSError as error:
            self.fail(f"{os.fspath(value)!r}: {error.strerror}", param, ctx)
        if ctx is not None:
            ctx.call_on_close(file.close)
        return file


def counted(number: int, noun: str) -> str:
    """A number and its noun, such as ``2 faces``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lines of texts in columns, as wide as the widest of each."""
    rows = [heads, *lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


@contextmanager
def progress(label: str, total: int, *, in_bytes: bool = False) -> Iterator["Advance"]:
    """A bar with rate and time left, on stderr, where somebody sees it.

    Args:
        label: what is done.
        total: how many pieces, or bytes, there are.
        in_bytes: they are bytes.
    """
    started = time.monotonic()
    with click.progressbar(
        length=total,
        label=label,
        show_pos=not in_bytes,
        show_percent=in_bytes,
        show_eta=True,
        item_show_func=lambda rate: rate,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            rate = done / max(time.monotonic() - started, 1e-6)
            bar.update(more, f"{rate / 1e6:.1f} MB/s" if in_bytes else f"{rate:.1f}/s")

        yield advance


class Stages:
    """A bar for each stage of some work; use it as a context manager."""

    def __init__(self, *, in_bytes: bool = False) -> None:
        """Say whether the stages are told in bytes; otherwise in pieces."""
        self._in_bytes = in_bytes
        self._bar = ExitStack()

    def begin(self, what: str, total: int) -> "Advance":
        """End the bar of the stage before, and show one for this stage."""
        self._bar.close()
        return self._bar.enter_context(progress(what, total, in_bytes=self._in_bytes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)
