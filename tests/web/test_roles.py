"""What a server answers in each role: a worker tells how it is, and nothing else."""

from pathlib import Path

import pytest

from faceserver.app import create_app
from faceserver.config import load_settings
from faceserver.errors import InvalidSetting
from tests.web.fakes import FakeBackend, make_app
from tests.web.guarded import REACHED, Route, hollow_out, routes, status_of

FOR_OPERATORS = {"/health", "/health/live", "/health/ready", "/metrics"}


def reached(folder: Path, role: str) -> tuple[set[Route], dict[Route, int]]:
    """The routes of a server, and the status of each that is not answered."""
    app = make_app(FakeBackend(load_settings(data_dir=folder)), role=role)
    hollow_out(app)
    client = app.test_client()
    answers = {
        route: status_of(client.open(route.path(), method=route.method)) for route in routes(app)
    }
    return set(answers), {route: code for route, code in answers.items() if code != REACHED}


def test_a_worker_answers_operators_alone(tmp_path: Path) -> None:
    everything, refused = reached(tmp_path, "worker")
    assert {route.address for route in everything - set(refused)} == FOR_OPERATORS
    assert set(refused.values()) == {501}


@pytest.mark.parametrize("role", ["all", "web"])
def test_the_others_answer_everything(tmp_path: Path, role: str) -> None:
    assert reached(tmp_path, role)[1] == {}


def test_a_worker_says_why_it_does_not_answer(tmp_path: Path) -> None:
    app = make_app(FakeBackend(load_settings(data_dir=tmp_path)), role="worker")
    answer = app.test_client().get("/v1/collections")
    assert (answer.status_code, answer.get_json()["code"]) == (501, "not_served")
    assert "FACESERVER_ROLE" in answer.get_json()["detail"]
    assert app.test_client().get("/").status_code == 501


@pytest.mark.parametrize("role", ["web", "worker"])
def test_without_a_database_there_is_nothing_to_share(tmp_path: Path, role: str) -> None:
    with pytest.raises(InvalidSetting, match="FACESERVER_STORE"):
        create_app(load_settings(data_dir=tmp_path, role=role))
