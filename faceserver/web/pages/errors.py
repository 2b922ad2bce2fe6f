"""How the pages tell errors: as a page to people, in a few words of JSON to programs."""

from flask import Response, jsonify, make_response, redirect, render_template, request, url_for

from faceserver.web.protocol import Failure, Protocol

_MAX_ADDRESS = 2_000


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    if is_for_a_person():
        return error_page(failure)
    response = jsonify(error={"code": failure.code, "message": failure.message})
    response.status_code = failure.status
    return response


def is_for_a_person() -> bool:
    """Whether a person opened this address in a browser; scripts and plain curl get JSON."""
    if request.method not in {"GET", "HEAD"}:
        return False
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) == "text/html"


def error_page(failure: Failure) -> Response:
    """A page about it; who is not signed in is led to where that is done."""
    if failure.code == "not_authenticated":
        return make_response(redirect(url_for("signin.page", next=_address())))
    page = render_template(
        "error.html", status=failure.status, code=failure.code, message=failure.message
    )
    return make_response(page, failure.status)


def _address() -> str:
    """What was asked for, to lead back to it; the start, if that is too long."""
    path = request.full_path if request.query_string else request.path
    address = f"{request.script_root}{path}"
    return address if len(address) <= _MAX_ADDRESS else url_for("pages.home")


PAGES = Protocol("pages", render)
