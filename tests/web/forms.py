"""Multipart forms, as clients send them."""

from io import BytesIO

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse


def post_form(
    client: FlaskClient,
    path: str,
    *files: tuple[str, bytes, str],
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> TestResponse:
    """Post files, each as field name, bytes and file name, and text fields."""
    form: MultiDict[str, object] = MultiDict(fields or {})
    for field, data, filename in files:
        form.add(field, (BytesIO(data), filename))
    return client.post(path, data=form, content_type="multipart/form-data", headers=headers)


def error_of(response: TestResponse) -> tuple[int, str]:
    """The status and the code of an error answer, whose shape is checked on the way."""
    assert response.content_type == "application/json"
    body = response.get_json()
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]
