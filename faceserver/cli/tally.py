"""What became of pictures, counted and told at the end of a command."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from faceserver.cli.output import counted

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.services.outcomes import Outcome
    from faceserver.transfer.leftout import LeftOut


class Tally:
    """Counts what became of pictures; every file that was seen is in exactly one of its counts."""

    def __init__(self, left_out: Sequence["LeftOut"] = (), report: IO[str] | None = None) -> None:
        """Begin to count.

        Args:
            left_out: files that are not tried.
            report: gets a JSON line for each file that is not taken, or not as it was said.
        """
        self.started = time.monotonic()
        self.faces = self.stored = self.changed = self.present = 0
        self.refused: list[dict[str, str]] = []
        self.differing: list[dict[str, str]] = []
        self._left_out = left_out
        self._report = report
        for item in left_out:
            detail = f"{item.reason}: {item.detail}" if item.detail else item.reason
            self._write({"source": item.name, "code": "left_out", "reason": detail})

    def add(self, outcome: "Outcome") -> str:
        """Count one; return it as a line."""
        from faceserver.services.outcomes import Changed, Differs, Refused, Registered

        if isinstance(outcome, Refused):
            error = outcome.error
            self._write(self._entry(self.refused, outcome.name, error.code, str(error)))
            return f"{outcome.name}: refused: {error} ({error.code})"
        if isinstance(outcome, Differs):
            self._write(self._entry(self.differing, outcome.name, "differs", outcome.reason))
            return f"{outcome.name}: {outcome.reason}"
        if isinstance(outcome, Registered):
            self.stored += 1
            self.faces += len(outcome.faces)
            notes = "".join(f", {note.replace('_', ' ')}" for note in outcome.notes)
            return f"{outcome.name}: {counted(len(outcome.faces), 'face')}{notes}"
        if isinstance(outcome, Changed):
            self.changed += 1
            return f"{outcome.name}: {outcome.change}"
        self.present += 1
        return f"{outcome.name}: already stored"

    def problems(self) -> list[str]:
        """A line for each picture that was not taken, or not as it was said."""
        refused = [f"{told['source']}: {told['reason']} ({told['code']})" for told in self.refused]
        return [*refused, *(f"{told['source']}: {told['reason']}" for told in self.differing)]

    def finish(self, *, as_json: bool = False) -> None:
        """Print the sum; exit with status 1 where something was refused or could not be read."""
        click.echo(json.dumps(self._sum(), ensure_ascii=False) if as_json else self._told())
        if self.refused or any(item.is_fault for item in self._left_out):
            raise SystemExit(1)

    def _told(self) -> str:
        from faceserver.transfer.leftout import told

        stored = f"{counted(self.faces, 'face')} of {counted(self.stored, 'picture')} stored"
        lines = [f"{stored}, {len(self.refused)} refused."]
        if codes := Counter(entry["code"] for entry in self.refused):
            reasons = ", ".join(f"{count} {code}" for code, count in codes.most_common())
            lines.append(f"Refused: {reasons}.")
        if self.present or self.changed or self.differing:
            both = self.present + self.changed + len(self.differing)
            lines.append(f"{counted(both, 'picture')} already stored.")
        if self.changed:
            lines.append(f"{self.changed} of these updated.")
        if self.differing:
            lines.append(
                f"{len(self.differing)} of these are stored with other data, which was kept; "
                "--update replaces it."
            )
        if self._left_out:
            lines.append(f"Left out: {told(self._left_out)}.")
        seconds = max(time.monotonic() - self.started, 1e-6)
        rate = self._pictures() / seconds
        return "\n".join([*lines, f"Took {seconds:.1f} s, {rate:.1f} pictures per second."])

    def _sum(self) -> dict[str, Any]:
        return {
            "seen": self._pictures() + len(self._left_out),
            "stored": self.stored,
            "faces": self.faces,
            "present": self.present,
            "changed": self.changed,
            "differing": len(self.differing),
            "refused": dict(Counter(entry["code"] for entry in self.refused)),
            "left_out": dict(Counter(item.reason for item in self._left_out)),
        }

    def _pictures(self) -> int:
        tried = self.stored + self.present + self.changed
        return tried + len(self.refused) + len(self.differing)

    def _entry(
        self, entries: list[dict[str, str]], name: str, code: str, reason: str
    ) -> dict[str, str]:
        entries.append({"source": name, "code": code, "reason": reason})
        return entries[-1]

    def _write(self, entry: dict[str, str]) -> None:
        if self._report:
            self._report.write(json.dumps(entry, ensure_ascii=False) + "\n")
