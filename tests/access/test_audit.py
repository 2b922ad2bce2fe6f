"""The audit log: a line an event, for its owner alone, put aside when it is large."""

import json
from pathlib import Path

import pytest

from faceserver.access.audit import AuditLog, Event
from faceserver.errors import StoreError


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_event_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "audit.jsonl"
    log = AuditLog(path)
    log.write(
        Event(
            who="phone (ab)",
            what="DELETE /x/<name>",
            result="ok",
            status=200,
            target={"name": "Zo\u00eb\n{}"},
            address="127.0.0.1",
            request_id="r1",
        )
    )
    log.write(Event(who="command line", what="keys revoke", result="not_found"))
    first, second = events(path)
    time = first.pop("time")
    assert isinstance(time, str)
    assert time.endswith("Z")
    assert first == {
        "who": "phone (ab)",
        "what": "DELETE /x/<name>",
        "target": {"name": "Zo\u00eb\n{}"},
        "result": "ok",
        "status": 200,
        "address": "127.0.0.1",
        "request_id": "r1",
    }
    assert set(second) == {"time", "who", "what", "result"}
    assert path.stat().st_mode & 0o077 == 0


def test_a_percent_sign_is_one(tmp_path: Path) -> None:
    AuditLog(tmp_path / "a").write(Event(who="100%s %d", what="%(x)s", result="ok"))
    assert events(tmp_path / "a")[0]["who"] == "100%s %d"


def test_it_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, max_bytes=400, files=2)
    for number in range(40):
        log.write(Event(who=str(number), what="x", result="ok"))
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all(file.stat().st_size <= 400 for file in tmp_path.iterdir())
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())
    order = [path.with_name("audit.jsonl.2"), path.with_name("audit.jsonl.1"), path]
    numbers = [int(str(event["who"])) for file in order for event in events(file)]
    assert numbers == list(range(numbers[0], 40))
    (tmp_path / "audit.jsonl.old").write_text("not one of them")
    assert [int(json.loads(line)["who"]) for line in log.lines()] == numbers
    assert [int(json.loads(line)["who"]) for line in log.lines(3)] == [37, 38, 39]


def test_one_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    assert list(AuditLog(tmp_path / "audit.jsonl").lines()) == []
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        list(AuditLog(tmp_path / "audit.jsonl").lines())


def test_two_programs_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    server, command = AuditLog(path, max_bytes=10_000, files=1), AuditLog(path)
    for number in range(6):
        (server, command)[number % 2].write(Event(who=str(number), what="x", result="ok"))
    assert [event["who"] for event in events(path)] == list("012345")


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.write(Event(who="1", what="x", result="ok"))
    path.rename(tmp_path / "old")
    log.write(Event(who="2", what="x", result="ok"))
    assert [event["who"] for event in events(path)] == ["2"]


def test_what_cannot_be_written_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    AuditLog(tmp_path / "audit.jsonl").write(Event(who="1", what="x", result="ok"))
    assert "cannot be written" in caplog.text
