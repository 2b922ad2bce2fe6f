"""What was measured on each machine, and the tables of docs/benchmarks.md that are made of it.

    python -m benchmarks.machines

renews these tables. A machine has a file in ``benchmarks/results``; what is measured anew takes the
place of what stands there, part by part.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.contenders import ROOT
from benchmarks.report import Row, as_json

FOLDER = ROOT / "benchmarks/results"
DOCUMENT = ROOT / "docs/benchmarks.md"
_BEGIN, _END = "<!-- made by python -m benchmarks.machines -->", "<!-- until here -->"

Result = dict[str, Any]
"""A machine's file: ``machine``, and ``parts``, each with ``measured``, when, and ``rows``."""


def file_name(about: Mapping[str, Any]) -> str:
    """What a machine's file is called: by its processor, its best extension and its cores."""
    best = [name for name in about["extensions"] if name.startswith(("amx", "avx512_v", "avx2"))]
    words = f"{about['processor']} {best[-1] if best else ''} {about['cores']} cores"
    words = re.sub(r"\((R|TM)\)|\bprocessor\b", "", words, flags=re.IGNORECASE)
    return "-".join(re.findall(r"[a-z0-9]+", words.lower())) + ".json"


def save(about: Mapping[str, Any], state: str, found: Mapping[str, Sequence[Row]]) -> None:
    """Keep what was measured on a machine, and renew the tables."""
    path = FOLDER / file_name(about)
    kept: Result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    parts = kept.get("parts", {})
    when = f"{datetime.now(UTC):%Y-%m-%d}; {state}"
    for title, rows in found.items():
        parts[title] = {"measured": when, "rows": as_json(rows)}
    result = {"machine": {**kept.get("machine", {}), **about}, "parts": parts}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    renew()


def load() -> list[Result]:
    """What is known of each machine, by the names of their files."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def tables(results: Sequence[Result]) -> str:
    """A table for each part: a row a figure, a column a machine."""
    titles = list(dict.fromkeys(title for each in results for title in each["parts"]))
    return "\n\n".join(
        _table(title, [it for it in results if title in it["parts"]]) for title in titles
    )


def _table(title: str, results: Sequence[Result]) -> str:
    figures: dict[tuple[str, str], None] = {}
    lists = [each["parts"][title]["rows"] for each in results]
    for rows in sorted(lists, key=len, reverse=True):  # who has most tells the order
        figures |= dict.fromkeys((row["who"], row["what"]) for row in rows)
    lines = [
        f"### {title}",
        "",
        "| | | " + " | ".join(_name(each["machine"]) for each in results) + " |",
        "|---|---|" + "---|" * len(results),
    ]
    for who, what in figures:
        cells = (_cell(each["parts"][title]["rows"], who, what) for each in results)
        lines.append(f"| {who} | {what} | " + " | ".join(cells) + " |")
    lines.append(
        "| | measured | " + " | ".join(it["parts"][title]["measured"] for it in results) + " |"
    )
    return "\n".join(lines)


def _name(about: Mapping[str, Any]) -> str:
    called = about.get("called") or about["processor"]
    return f"{called}, {about['cores']} cores"


def _cell(rows: Sequence[Mapping[str, Any]], who: str, what: str) -> str:
    row = next((row for row in rows if (row["who"], row["what"]) == (who, what)), None)
    if row is None:
        return ""
    note = row["note"]
    if row["value"] is None:
        return str(note)
    value = f"{row['value']:,.4g} {row['unit']}".strip()
    return f"{value} ({note})" if note else value


def document(text: str, results: Sequence[Result]) -> str:
    """The document with its tables made anew."""
    head, rest = text.split(_BEGIN)
    tail = rest.split(_END)[1]
    return f"{head}{_BEGIN}\n\n{tables(results)}\n\n{_END}{tail}"


def renew() -> None:
    """Make the tables of docs/benchmarks.md anew."""
    made = document(DOCUMENT.read_text(encoding="utf-8"), load())
    DOCUMENT.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    renew()
