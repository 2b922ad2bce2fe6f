"""The audit log of servers that share a database: one for all, and nothing is lost without it."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from faceserver.access import shared_audit
from faceserver.access.base import Audit
from faceserver.access.event import Event
from faceserver.access.guard import open_audit_log
from faceserver.cli.main import main
from faceserver.config import load_settings

Open = Callable[..., Audit]


@pytest.fixture
def opened(postgres_url: str, tmp_path: Path) -> Iterator[Open]:
    """Opens the log of one more server, with a data folder of its own."""
    with ExitStack() as held:

        def make(name: str = "one", **settings: object) -> Audit:
            told: dict[str, object] = {
                "store": postgres_url,
                "data_dir": tmp_path / name,
                **settings,
            }
            log = open_audit_log(load_settings(**told))
            held.callback(log.close)
            return log

        yield make


def event(number: int, **more: object) -> Event:
    return Event(who=f"phone {number}", what="GET /x", result="ok", **more)  # type: ignore[arg-type]


def who(lines: Iterator[str]) -> list[str]:
    return [json.loads(line)["who"] for line in lines]


def test_what_one_server_writes_all_can_read(opened: Open, tmp_path: Path) -> None:
    logs = opened("one"), opened("other")
    target = {"name": "Zo\u00eb\n{}\0 \\u0000"}
    for number in range(6):
        logs[number % 2].write(event(number, target=target, status=200))
    for log in logs:
        assert who(log.lines()) == [f"phone {number}" for number in range(6)]
        assert who(log.lines(2)) == ["phone 4", "phone 5"]
        assert who(log.lines(9)) == who(log.lines())
    first = json.loads(next(logs[0].lines()))
    assert list(first) == ["time", "who", "what", "target", "result", "status"]
    assert first["target"]["name"].startswith("Zo\u00eb\n{}\ufffd ")
    assert not list(tmp_path.rglob("audit.jsonl"))


def test_of_refusals_that_are_alike_some_are_written(opened: Open) -> None:
    log = opened()
    for _ in range(50):
        log.refused(event(1))
    assert len(list(opened("other").lines())) == 5
    log.close()
    assert json.loads(next(opened("third").lines(1)))["repeats"] == 45


def test_a_file_that_is_set_has_them_too(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "shipped.jsonl"
    log = opened(audit_log=path)
    log.write(event(1))
    assert who(iter(path.read_text(encoding="utf-8").splitlines())) == who(log.lines())


def test_the_oldest_go(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_audit, "_TRIM_EVERY", 1)
    log = opened(audit_max_bytes=300, audit_files=2)
    for number in range(30):
        log.write(event(number))
    kept = list(log.lines())
    assert who(iter(kept)) == [f"phone {number}" for number in range(30 - len(kept), 30)]
    size = sum(len(line) + 1 for line in kept)
    assert 900 - len(kept[0]) - 2 < size <= 900
    endless = opened("other", audit_max_bytes=0)
    for number in range(30):
        endless.write(event(number))
    assert len(list(endless.lines())) == len(kept) + 30


def test_without_the_database_it_is_in_the_file(
    opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_audit_log(load_settings(data_dir=tmp_path, store="postgresql://127.0.0.1:1/none"))
    with caplog.at_level(logging.WARNING):
        log.write(event(1))
    log.close()
    assert f"the event is in {tmp_path / 'audit.jsonl'} instead" in caplog.text
    assert "phone 1" in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")


def test_the_command_prints_it(
    opened: Open, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "data"))
    for address in ("", postgres_url):
        monkeypatch.setenv("FACESERVER_STORE", address)
        run = CliRunner().invoke
        assert run(main, ["audit"]).output == ""
        assert run(main, ["keys", "revoke", "nobody"]).exit_code == 1
        made = run(main, ["keys", "create", "--name", "phone", "--scope", "read"])
        assert made.exit_code == 0, made.output
        told = [json.loads(line) for line in run(main, ["audit"]).output.splitlines()]
        assert [(each["who"], each["what"], each["result"]) for each in told] == [
            ("command line", "keys revoke", "not_found"),
            ("command line", "keys create", "ok"),
        ]
        (last,) = run(main, ["audit", "--last", "1"]).output.splitlines()
        assert json.loads(last) == told[1]
