"""Forms as clients really send them: charsets, names, encodings, and what stays unreadable."""

import gc
import re
from base64 import encodebytes
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.test import EnvironBuilder

from faceserver.web import charsets, multipart
from faceserver.web.multipart import FormRequest
from faceserver.web.partheaders import MAX_FILE_NAME
from tests.web.fakes import FakeBackend, FakeService, make_app
from tests.web.forms import error_of

TYPE = "multipart/form-data; boundary=XX"
PLAIN = b'Content-Disposition: form-data; name="f"'
BINARY = b"\xff\xd8\xff\xe0\x00\x10JFIF" * 8


def part(headers: bytes, data: bytes = b"one face") -> bytes:
    return b"--XX\r\n" + headers + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


def named(name: bytes, field: bytes = b"f") -> bytes:
    return b'Content-Disposition: form-data; name="' + field + b'"; filename="' + name + b'"'


SECOND = part(named(b"b.jpg", b"g"))


def names(client: FlaskClient, *parts: bytes, content_type: str = TYPE) -> list[str]:
    """What the pictures of a form are called in the answer; all of them are taken."""
    response = client.post("/faceRegister", data=form(*parts), content_type=content_type)
    assert response.status_code == 200, response.text
    items = response.get_json()["faces"]
    assert not any("error" in item for item in items)
    return [item["name"] for item in items]


def request(body: bytes, content_type: str = TYPE) -> FormRequest:
    builder = EnvironBuilder(method="POST", data=body, content_type=content_type)
    return FormRequest(builder.get_environ())


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("é.jpg", "latin-1"),
        ("Müller.jpg", "latin-1"),
        ("créée été.jpg", "latin-1"),
        ("It’s me.jpg", "cp1252"),
        ("照片.jpg", "gbk"),
        ("张三.jpg", "gb18030"),
        ("IMG_李.jpg", "gbk"),
        ("写真.jpg", "shift_jis"),
        ("表.jpg", "shift_jis"),  # its second byte is a backslash
        ("テスト.jpg", "cp932"),
        ("照片.jpg", "big5"),
        ("照片 é.jpg", "utf-8"),
    ],
)
def test_a_name_in_another_charset(client: FlaskClient, name: str, charset: str) -> None:
    assert names(client, part(named(name.encode(charset))), SECOND) == [name, "b.jpg"]


@pytest.mark.parametrize("charset", ["koi8-r", "euc-kr", "euc-jp", "cp1251", "big5"])
def test_a_name_that_can_only_be_guessed_loses_no_picture(
    client: FlaskClient, charset: str
) -> None:
    text = {"euc-kr": "사진", "euc-jp": "写真", "big5": "測試"}.get(charset, "Фото")
    name = f"{text}.jpg".encode(charset)
    assert len(names(client, part(named(name)), SECOND)) == 2
    assert names(client, part(named(name)), content_type=f"{TYPE}; charset={charset}") == [
        f"{text}.jpg"
    ]
    declared = part(b'Content-Disposition: form-data; name="_charset_"', charset.encode())
    assert names(client, declared, part(named(name))) == [f"{text}.jpg"]


def test_any_bytes_are_a_name(client: FlaskClient) -> None:
    every = bytes(set(range(1, 256)) - set(b'\r\n"\\'))
    assert len(names(client, part(named(every)), SECOND)) == 2


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "shift_jis", "latin-1"])
def test_listed_fields_are_found_in_any_charset(client: FlaskClient, charset: str) -> None:
    name = "é.jpg" if charset == "latin-1" else "表.jpg"
    listed = part(b'Content-Disposition: form-data; name="names"', f"g*{name}*".encode(charset))
    file = part(named(name.encode(charset), field=name.encode(charset)))
    assert names(client, listed, file, SECOND) == ["b.jpg", name]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b"filename*=UTF-8''%e7%85%a7.jpg", "照.jpg"),
        (b"filename=x.jpg; filename*=utf-8'zh'%e7%85%a7.jpg", "照.jpg"),
        (b"filename*=gbk''%D5%D5.jpg; filename=x.jpg", "照.jpg"),
        (b"filename*=iso-8859-1''%E9.jpg", "é.jpg"),
        (b"filename*=no-charset''a.jpg", "a.jpg"),
        (b"filename*=UTF-8''%00%0a.jpg", "\ufffd\ufffd.jpg"),
        (b'filename="=?utf-8?B?54Wn?="', "照"),
        (b'filename="=?UTF-8?Q?=E7=85=A7?= =?utf-8?q?.jpg?="', "照.jpg"),
        (b'filename="=?gb2312?B?1dU=?=.jpg"', "照.jpg"),
        (b'filename="=?no-charset?B?YQ==?="', "a"),
        (b'filename="=?utf-8?B?!!!?="', "=?utf-8?B?!!!?="),
        (rb'filename="C:\fakepath\x.jpg"', r"C:\fakepath\x.jpg"),
        (rb'filename="\\server\share\x.jpg"', r"\server\share\x.jpg"),
        (rb'filename="C:\dir' + b'\\"', "C:\\dir\\"),
        (b'filename="../../etc/passwd"', "../../etc/passwd"),
        (rb'filename="a\"b.jpg"', 'a"b.jpg'),
        (b'filename="a%22b.jpg"', 'a"b.jpg'),
        (b'filename="my "best" one.jpg"', 'my "best" one.jpg'),
        (b'filename="a;b=c.jpg"', "a;b=c.jpg"),
        (b'filename="; name=g; filename=x"', "; name=g; filename=x"),
        (b"filename=a b.jpg", "a b.jpg"),
        (b'filename="a.jpg', "a.jpg"),
        (b'FileName = "a.jpg"', "a.jpg"),
        (b'filename=""', "f"),
        (b"filename=", "f"),
    ],
)
def test_what_a_file_is_called(client: FlaskClient, disposition: bytes, name: str) -> None:
    assert names(client, part(PLAIN + b"; " + disposition), SECOND) == [name, "b.jpg"]


def test_a_name_that_never_ends_is_cut(client: FlaskClient) -> None:
    assert names(client, part(named(b"x" * 5_000))) == ["x" * MAX_FILE_NAME]


def test_a_header_that_never_ends_is_refused(client: FlaskClient) -> None:
    body = form(part(named(b"x" * 9_000)))
    assert error_of(client.post("/faceRegister", data=body, content_type=TYPE)) == (400, "no_file")
    hostile = form(part(PLAIN + b';a="x' * 1_500))
    assert error_of(client.post("/faceRegister", data=hostile, content_type=TYPE))[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        PLAIN + b"\r\nContent-Type: image/jpeg",
        PLAIN + b"\r\nContent-Type: application/octet-stream",
        PLAIN + b"\r\nContent-Type: IMAGE/JPEG; x=y",
        b"Content-Type: image/png",
        b'Content-Disposition: attachment; filename="a.jpg"',
    ],
)
def test_a_part_that_is_a_file_by_its_headers(client: FlaskClient, headers: bytes) -> None:
    assert len(names(client, part(headers), SECOND)) == 2


@pytest.mark.parametrize("more", [b"", b"\r\nContent-Type: text/plain"])
def test_a_part_that_is_a_file_by_its_bytes(more: bytes) -> None:
    found = request(form(part(PLAIN + more, BINARY * 20_000)))
    assert found.files["f"].stream.read() == BINARY * 20_000
    assert found.files["f"].filename == ""
    found.close()


def test_a_text_without_a_type_stays_a_text() -> None:
    text = "Zoë: 照片\n\tand much more than a line of text" * 1_000
    assert request(form(part(PLAIN, text.encode()))).form == MultiDict({"f": text})


@pytest.mark.parametrize("label", [b"base64", b"BASE64"])
def test_a_part_in_base64(client: FlaskClient, label: bytes) -> None:
    headers = named(b"a.jpg") + b"\r\nContent-Transfer-Encoding: " + label
    found = request(form(part(headers, encodebytes(BINARY * 20_000))))
    assert found.files["f"].stream.read() == BINARY * 20_000
    found.close()
    assert names(client, part(headers, b"b25lIGZhY2U=")) == ["a.jpg"]
    assert names(client, part(headers, b"one face")) == ["a.jpg"]  # a label that is not true


@pytest.mark.parametrize("label", [b"binary", b"8bit", b"7bit", b"", b"x-unknown"])
def test_other_transfer_encodings_change_nothing(client: FlaskClient, label: bytes) -> None:
    headers = named(b"a.jpg") + b"\r\nContent-Transfer-Encoding: " + label
    assert names(client, part(headers)) == ["a.jpg"]


def test_texts_as_mail_has_them() -> None:
    base64 = part(PLAIN + b"\r\nContent-Transfer-Encoding: base64", b"54Wn")
    quoted = part(PLAIN + b"\r\nContent-Transfer-Encoding: quoted-printable", b"=E7=85=A7")
    assert request(form(base64, quoted)).form.getlist("f") == ["照", "照"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"pre\r\namble\r\n" + form(SECOND) + b"epi\r\nlogue", TYPE),
        (form(SECOND), 'multipart/form-data; boundary="XX"'),
        (form(SECOND), "Multipart/Form-Data; Boundary=XX"),
        (form(SECOND).replace(b"\r\n", b"\n"), TYPE),
        (form(SECOND).removesuffix(b"\r\n"), TYPE),
        (form(b"\r\n", SECOND), TYPE),
        (form(b"--XX \t" + SECOND.removeprefix(b"--XX")), TYPE),
    ],
)
def test_what_stands_around_the_parts(client: FlaskClient, body: bytes, content_type: str) -> None:
    response = client.post("/faceRegister", data=body, content_type=content_type)
    assert [item["name"] for item in response.get_json()["faces"]] == ["b.jpg"]


def test_a_file_without_a_name_is_searched_for(client: FlaskClient, service: FakeService) -> None:
    service.matches = [(0.5, "a.jpg")]
    for headers in (PLAIN + b"\r\nContent-Type: image/jpeg", named(b"caf\xe9.jpg")):
        response = client.post("/faceRetrieve", data=form(part(headers)), content_type=TYPE)
        assert len(response.get_json()["faces"]) == 1


def test_a_raw_picture_is_no_form(client: FlaskClient) -> None:
    response = client.post("/faceRegister", data=b"one face", content_type="image/jpeg")
    assert error_of(response) == (400, "no_file")


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        (form(SECOND), "multipart/form-data", "lacks the form's boundary"),
        (form(SECOND)[:-20], TYPE, "breaks off"),
        (form(part(PLAIN + b"\r\na: b" * 60)), TYPE, "more than 50 headers"),
        (form(part(named(b"x" * 9_000))), TYPE, "more than 8192 bytes"),
    ],
)
def test_a_form_that_cannot_be_read_is_told_so(
    client: FlaskClient, body: bytes, content_type: str, told: str
) -> None:
    for path in ("/faceRegister", "/faceRetrieve"):
        response = client.post(path, data=body, content_type=content_type)
        assert error_of(response) == (400, "no_file")
        assert told in response.get_json()["error"]["message"]
    response = client.post("/v1/collections/default/jobs", data=body, content_type=content_type)
    assert response.status_code == 400
    assert told in response.get_json()["detail"]


def test_a_form_that_breaks_off_leaves_nothing_open() -> None:
    whole = form(part(named(b"a.jpg"), BINARY * 60_000), SECOND)
    for end in (len(whole) - 10, len(whole) // 2, 40):
        found = request(whole[:end])
        assert not found.files
        assert not found.form
    gc.collect()  # a file that were open still would warn here


def test_the_limits_of_forms_hold(backend: FakeBackend) -> None:
    app: Flask = make_app(backend, max_request_bytes=2_000_000)
    client = app.test_client()
    text = form(part(PLAIN, b"x" * 500_001))
    assert error_of(client.post("/faceRegister", data=text, content_type=TYPE))[0] == 413
    many = form(*[part(PLAIN, b"x")] * 105)
    assert error_of(client.post("/faceRegister", data=many, content_type=TYPE))[0] == 413


@pytest.mark.parametrize("text", ["café " * 90_000, "照" * 200_000, "x" * 999 + "照" * 9])
def test_of_a_long_text_a_part_is_judged(text: str) -> None:
    charset = "latin-1" if "é" in text else "gbk"
    assert charsets.decode(text.encode(charset)) == text


HEADERS = st.lists(
    st.sampled_from(
        [b"Content-Disposition", b": ", b"form-data", b"; ", b"name", b"filename", b"*", b"=",
         b'"', b"\\", b"utf-8''", b"%e9", b"=?utf-8?B?", b"?=", b"\r\n", b"\n ", b"Content-Type: ",
         b"image/jpeg", b"text/plain; charset=gbk", b"Content-Transfer-Encoding: base64",
         b"_charset_", b"\xe9", b"\xd5\xd5", b"\x00", b"--XX", b"a"]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(HEADERS, st.binary(max_size=80)), max_size=4), st.booleans())
def test_no_form_makes_the_parser_fail(parts: list[tuple[bytes, bytes]], whole: bool) -> None:
    body = b"".join(part(headers, data) for headers, data in parts)
    found = request(form(body) if whole else body)
    for name, text in found.form.items(multi=True):
        (name + text).encode()
    for name, file in found.files.items(multi=True):
        (name + (file.filename or "")).encode()
        file.stream.read()
    found.close()


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(min_size=1, max_size=30), st.binary(max_size=200))
def test_what_is_sent_well_comes_as_it_was(name: str, data: bytes) -> None:
    cleaned = charsets.decode(name.encode(errors="replace"))
    extended = f"filename*=UTF-8''{quote(cleaned, safe='')}".encode()
    found = request(form(part(PLAIN + b"; " + extended, data)))
    file = found.files["f"]
    assert file.stream.read() == data
    assert len(file.filename or "") == len(cleaned)
    found.close()


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=40), st.none() | st.sampled_from(["gbk", "utf-7", "hex", "punycode", ""]))
def test_any_bytes_are_a_text(data: bytes, declared: str | None) -> None:
    assert isinstance(charsets.decode(data, declared), str)


BITS = st.sampled_from(
    [b"--", b"x", b"--x", b"\r", b"\n", b"\r\n", b" ", b"-", b"y", b"\r\n--x\r\n"]
)


@given(bits=st.lists(BITS, max_size=12), begin=st.integers(0, 4))
def test_boundaries_are_found_where_werkzeugs_patterns_find_them(
    bits: list[bytes], begin: int
) -> None:
    data, theirs = b"".join(bits), MultipartDecoder(b"x")
    ours = multipart._Decoder(b"x", None, max_parts=None)
    for own, pattern in (
        (ours.preamble_re, theirs.preamble_re),
        (ours.boundary_re, theirs.boundary_re),
    ):
        found, expected = own.search(data, begin), pattern.search(data, begin)
        assert (found is None) == (expected is None)
        if found and expected:
            assert (found.start(), found.end(), found.group(1)) == (
                expected.start(),
                expected.end(),
                expected.group(1),
            )


def no_pattern(pattern: bytes, flags: int) -> None:
    assert b"second" not in pattern


def test_no_pattern_is_compiled_for_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    multipart._Decoder(b"first", None, max_parts=None)
    monkeypatch.setattr(re, "_compile", no_pattern)
    multipart._Decoder(b"second", None, max_parts=None)
