"""What a page says about an error: what happened, and what to do about it.

One table for all pages, by the errors' codes; programs get the code and the message instead.
"""

from collections.abc import Mapping

from flask_babel import LazyString, lazy_gettext

from faceserver.config import Settings

_ = lazy_gettext

SENTENCES: Mapping[str, LazyString] = {
    "already_exists": _("This name is already in use. Choose another one."),
    "busy": _("The server is busy. Try again in a moment."),
    "cannot_undo": _("This can no longer be undone: it is too old, or has changed since."),
    "change_incomplete": _(
        "The gallery is being migrated to another model. Try again when it is done."
    ),
    "conflict": _("This is not possible right now. Reload the page and check again."),
    "cross_origin": _("This page was opened at a different address from the server’s. Reload it."),
    "csrf_failed": _("This page is out of date. Reload it, then try again."),
    "empty_file": _("The file is empty. Choose another one."),
    "engine_unavailable": _(
        "The inference server does not answer, so no face can be read. Try again in a moment."
    ),
    "file_too_large": _("The file is larger than %(megabytes)s MB. Use a smaller copy."),
    "idempotency_key_reused": _("This has already been sent. Reload the page and check."),
    "image_too_small": _("The picture is too small to hold a face. Use a larger one."),
    "internal_error": _("Something went wrong inside the server. Its log has the details."),
    "invalid_archive": _("The zip file is damaged or contains no pictures. Create it again."),
    "invalid_cursor": _("This list is out of date. Reload the page."),
    "invalid_embedding": _(
        "This face was embedded with another model. Register its picture again."
    ),
    "invalid_place": _("The face's box or landmarks are outside any picture. Send them in pixels."),
    "invalid_request": _("A field is missing or invalid. Check it and try again."),
    "invalid_signature": _(
        "The request is not signed with this key. Check the secret and the clock."
    ),
    "invalid_url": _("This is not a URL. It should start with http:// or https://."),
    "method_not_allowed": _("This address cannot be used this way. Go to the start page."),
    "model_changed": _("The gallery has just been migrated to another model. Try again."),
    "low_quality": _("No face is good enough. Try a larger, sharper, frontal picture."),
    "no_face": _("No face was found. Try a picture with a larger, sharper, frontal face."),
    "no_file": _("No picture was received. Choose one."),
    "not_an_image": _(
        "This file cannot be read as a picture. Use JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF."
    ),
    "not_authenticated": _("You are signed out. Reload the page to sign in."),
    "not_found": _("This does not exist, or no longer does."),
    "not_permitted": _("Your key does not allow this. Sign in with another key."),
    "not_ready": _("The server is still starting. Try again in a moment."),
    "rate_limited": _("Too many requests. Wait a minute, then try again."),
    "request_too_large": _("This is too much at once. Send fewer or smaller pictures."),
    "several_faces": _("The picture shows more than one face. Use a picture of one person."),
    "shutting_down": _("The server is stopping. Try again soon."),
    "store_corrupt": _("The data folder is damaged. The server’s log has the details."),
    "store_error": _("The data folder cannot be used. The server’s log has the details."),
    "store_full": _("The server’s disk is full. Free some space, then try again."),
    "store_locked": _("Another program is using the data folder. Stop it, then try again."),
    "store_mismatch": _("The gallery belongs to another model. The server’s log has the details."),
    "store_outdated": _("The database must be upgraded. The server’s log has the details."),
    "store_too_new": _(
        "The data folder was written by a newer version of faceserver. Use that version."
    ),
    "store_unavailable": _("The storage does not answer. Try again in a moment."),
    "timed_out": _("The server took too long. Try again, or use a smaller copy."),
    "too_many_faces": _("The picture shows more than %(faces)s faces. Use a part of it."),
    "too_many_items": _("Too many at once. Send fewer."),
    "too_many_pixels": _(
        "The picture has more than %(megapixels)s megapixels. Use a smaller copy."
    ),
    "truncated_image": _("The file is damaged or incomplete. Save it again, then try that copy."),
    "unknown_attribute": _("This cannot be told of faces here. Leave it out, then try again."),
    "unsuitable_model": _("The model of this server does not fit. Ask whoever runs it."),
    "upstream_failed": _("Another server that is needed for this gives no answer. Try again soon."),
    "not_served": _("This server does not do that."),
    "missing_argument": _("Something is missing in the request. Reload the page."),
    "invalid_combination": _("Two things in the request do not go together."),
    "invalid_entries": _("Something in the request is not right. Reload the page."),
    "unsupported_media_type": _("The server cannot read this kind of data. Reload the page."),
    "untrusted_host": _("This server was opened under a host name it does not know."),
    "url_failed": _("The picture could not be downloaded. Check the address."),
    "url_forbidden": _("This URL points to a private network, which is not allowed."),
    "url_timeout": _(
        "The download took too long. Save the picture and choose it from this device."
    ),
}

_UNREACHABLE = _("The server cannot be reached. Check that it is running, then try again.")
_OTHER = _("Something went wrong. Reload the page and try again.")


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
