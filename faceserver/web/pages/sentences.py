"""What a page says about an error: what happened, and what to do about it.

One table for all pages, by the errors' codes; programs get the code and the message instead.
"""

from collections.abc import Mapping

from flask_babel import LazyString, lazy_gettext

from faceserver.config import Settings

_ = lazy_gettext

SENTENCES: Mapping[str, LazyString] = {
    "already_exists": _("There is one of this name already. Choose another name."),
    "cannot_undo": _("This cannot be taken back any more: it is too old, or was changed since."),
    "change_incomplete": _("The gallery is changing to another model. Try again when it is done."),
    "conflict": _("This is not possible as things are now. Reload the page and look again."),
    "cross_origin": _("This page was opened under another address than the server’s. Reload it."),
    "csrf_failed": _("This page is out of date. Reload it, then try again."),
    "empty_file": _("The file is empty. Choose another one."),
    "engine_unavailable": _("The server cannot load its engine. Its log has the details."),
    "file_too_large": _("The file is larger than %(megabytes)s MB. Use a smaller copy."),
    "idempotency_key_reused": _("This was sent before. Reload the page and look again."),
    "image_too_small": _("The picture is too small to hold a face. Use a larger one."),
    "internal_error": _("Something went wrong inside the server. Its log has the details."),
    "invalid_archive": _("The zip is damaged, or holds no picture. Pack it again."),
    "invalid_cursor": _("This list is out of date. Reload the page."),
    "invalid_embedding": _("This face is of another model. Register its picture again."),
    "invalid_request": _("Something is not filled in as it should be. Check it and try again."),
    "invalid_url": _("This is no web address. It should begin with http:// or https://."),
    "method_not_allowed": _("This address cannot be used in this way. Go to the start."),
    "model_changed": _("The gallery has just changed to another model. Try again."),
    "no_face": _("No face was found. Try a picture with a larger, sharper face that looks ahead."),
    "no_file": _("No picture came. Choose one."),
    "not_an_image": _(
        "This file cannot be read as a picture. Use JPEG, PNG, WebP, TIFF, BMP or GIF."
    ),
    "not_authenticated": _("You are signed out. Reload the page to sign in."),
    "not_found": _("This is not there, or not any more."),
    "not_permitted": _("Your key does not allow this. Sign in with another key."),
    "not_ready": _("The server is still starting. Try again in a moment."),
    "rate_limited": _("Too many requests in a minute. Wait a little, then try again."),
    "request_too_large": _("This is too much at once. Send fewer or smaller pictures."),
    "several_faces": _("There is more than one face. Use a picture of one person."),
    "shutting_down": _("The server is stopping. Try again soon."),
    "store_corrupt": _("The data folder is damaged. The server’s log has the details."),
    "store_error": _("The data folder cannot be used. The server’s log has the details."),
    "store_full": _("The server’s disk is full. Free some space, then try again."),
    "store_locked": _("Another program uses the data folder. Stop it, then try again."),
    "store_mismatch": _("The gallery is of another model. The server’s log has the details."),
    "store_too_new": _("The data folder is of a newer faceserver. Use that one."),
    "timed_out": _("The server took too long. Try again, or use a smaller copy."),
    "too_many_faces": _("There are more than %(faces)s faces in the picture. Use a part of it."),
    "too_many_items": _("These are too many at once. Send fewer."),
    "too_many_pixels": _(
        "The picture has more than %(megapixels)s megapixels. Use a smaller copy."
    ),
    "truncated_image": _("The file is damaged or incomplete. Save it again, then try that copy."),
    "unknown_attribute": _("This cannot be told of faces here. Leave it out, then try again."),
    "unsupported_media_type": _("The server cannot read this kind of data. Reload the page."),
    "untrusted_host": _("This server was called by a name that it does not know."),
    "url_failed": _("The picture could not be downloaded. Check the address."),
    "url_forbidden": _("This address lies in a private network, which the server does not open."),
    "url_timeout": _(
        "The download took too long. Save the picture and choose it from this device."
    ),
}

_UNREACHABLE = _("The server cannot be reached. Check that it is running, then try again.")
_OTHER = _("That did not work. Reload the page and try again.")


def sentence(code: str, settings: Settings) -> str:
    """What to say about an error of this code, in the request's language."""
    return str(SENTENCES.get(code, _OTHER)) % _limits(settings)


def sentences(settings: Settings) -> dict[str, str]:
    """All of them by their codes, for the scripts.

    Two stand beside the server's own: ``unreachable``, and ``other`` for what has no sentence.
    """
    told = {code: sentence(code, settings) for code in SENTENCES}
    return {**told, "unreachable": str(_UNREACHABLE), "other": str(_OTHER)}


def _limits(settings: Settings) -> Mapping[str, object]:
    return {
        "megabytes": f"{settings.max_file_bytes / 1e6:.3g}",
        "megapixels": f"{settings.max_pixels / 1e6:.3g}",
        "faces": settings.max_faces,
    }
