"""Multipart forms, as clients send them."""

from io import BytesIO

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart


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
        form.add(field, FileStorage(BytesIO(data), filename))
    # Encoded here: the test client would put a large form into a file that nobody closes.
    boundary, body = encode_multipart(form)
    content_type = f"multipart/form-data; boundary={boundary}"
    return client.post(path, data=body, content_type=content_type, headers=headers)


def error_of(response: TestResponse) -> tuple[int, str]:
    """The status and the code of an error answer, whose shape is checked on the way."""
    assert response.content_type == "application/json"
    body = response.get_json()
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]
