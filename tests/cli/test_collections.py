"""The commands ``faceserver collections``."""

from click.testing import CliRunner, Result

from faceserver.cli.main import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["collections", *arguments])


def test_a_collection_is_created_of_a_model_and_listed() -> None:
    made = run("create", "staff", "--model", "sface")
    assert made.exit_code == 0, made.output
    assert made.stdout == "staff: created, with the model sface.\n"
    assert made.stderr == ""
    plain = run("create", "others")
    assert "with the model 20180408-102900" in plain.stdout
    assert "sface is the most accurate model here" in plain.stderr
    heads, *rows = run("list").output.splitlines()
    assert heads.split() == ["collection", "model", "faces", "people", "threshold"]
    assert [row.split()[:3] for row in rows] == [
        ["default", "20180408-102900", "0"],
        ["others", "20180408-102900", "0"],
        ["staff", "sface", "0"],
    ]


def test_what_cannot_be_created_is_told() -> None:
    for arguments, code in (
        (("staff", "--model", "nosuch"), "not_found"),
        (("a/b",), "invalid_request"),
        (("default",), "already_exists"),
    ):
        refused = run("create", *arguments)
        assert refused.exit_code == 1
        assert code in refused.output
