"""Every error that faceserver raises on purpose.

Each class has a stable ``code`` that clients can rely on; the message is for people and may
change. No error knows HTTP: ``faceserver.web.errors`` gives each code its status.

    FaceServerError
    ├── InputError                  what the caller sent cannot be used
    │   ├── InvalidRequest          invalid_request      a field is missing, unknown or malformed
    │   │   └── InvalidCursor       invalid_cursor       not one that came with a page
    │   ├── InvalidEmbedding        invalid_embedding    of another model, or no unit vector
    │   ├── InvalidCombination      invalid_combination  fields contradict or lack one another
    │   ├── UnknownAttribute        unknown_attribute    nothing of that name is told of faces
    │   ├── InvalidPlace            invalid_place        a box that no face can have
    │   ├── NoFile                  no_file              a picture was expected, none came
    │   ├── RequestTooLarge         request_too_large    the whole request is over its limit
    │   ├── TooManyItems            too_many_items       more files or URLs than one call takes
    │   ├── InvalidArchive          invalid_archive      an archive or a list is at fault
    │   ├── ImageError
    │   │   ├── EmptyFile           empty_file
    │   │   ├── FileTooLarge        file_too_large       more bytes than allowed
    │   │   ├── NotAnImage          not_an_image         no format that is read here
    │   │   ├── TruncatedImage      truncated_image      begins as an image, but cannot be decoded
    │   │   ├── ImageTooSmall       image_too_small
    │   │   └── TooManyPixels       too_many_pixels      judged by the header, before decoding
    │   ├── FaceCountError
    │   │   ├── NoFace              no_face
    │   │   ├── LowQuality          low_quality
    │   │   ├── SeveralFaces        several_faces        where exactly one is asked for
    │   │   └── TooManyFaces        too_many_faces       more than one picture may hold
    │   └── FetchError
    │       ├── InvalidUrl          invalid_url          no http(s) URL
    │       ├── ForbiddenUrl        url_forbidden        points into a network that is closed to it
    │       ├── UrlTimeout          url_timeout
    │       └── UrlFailed           url_failed           no connection, or a status that is not 200
    ├── NotFound                    not_found
    ├── Conflict                    conflict             what is there does not allow it
    │   ├── AlreadyExists           already_exists       the name or id is taken
    │   ├── KeyReused               idempotency_key_reused  with another request than before
    │   ├── CannotUndo              cannot_undo          too late, or later changes are in the way
    │   ├── ModelChanged            model_changed        embeddings of another model are held now
    │   └── ChangeIncomplete        change_incomplete    faces lack an embedding of the new model
    ├── NotReady                    not_ready            still starting, or failed to
    │   └── ShuttingDown            shutting_down        takes nothing new any more
    ├── TimedOut                    timed_out            the work took longer than a request may
    ├── NotServed                   not_served           what only another server could do
    ├── UpstreamFailed              upstream_failed      the server behind this one gave no answer
    ├── Busy                        busy                 too much is under way; nothing was begun
    ├── UnsuitableModel             unsuitable_model     gives not what a protocol's clients need
    ├── AccessError                 who calls may not do this
    │   ├── NotAuthenticated    not_authenticated    no key, or none that is good
    │   │   └── InvalidSignature invalid_signature   the request is not signed with the key's secret
    │   ├── NotPermitted        not_permitted        the key's scope or collection is another
    │   ├── CsrfFailed              csrf_failed          a signed-in browser sent no token of a page
    │   └── RateLimited             rate_limited         too many requests in a minute
    ├── SetupError                  the installation or its settings
    │   ├── InvalidSetting          invalid_setting
    │   ├── UnknownName             unknown_name         no plugin or backend of that name
    │   ├── ModelError              model_error          a model's files are missing or do not fit
    │   └── LibraryMissing          library_missing      what an engine or a format needs
    ├── EngineUnavailable           engine_unavailable   the inference server does not answer
    └── StoreError                  the data folder, and what stands in for parts of it
        ├── StoreLocked             store_locked         another process holds it
        ├── StoreCorrupt            store_corrupt        SQLite's file is damaged; left untouched
        ├── StoreTooNew             store_too_new        written by a newer version
        ├── StoreOutdated           store_outdated       `faceserver db upgrade` was not run yet
        ├── StoreMismatch           store_mismatch       holds faces of another model
        ├── StoreUnavailable        store_unavailable    where faces or pictures are: no answer
        └── StoreFull               store_full           no space left on the device
"""


class FaceServerError(Exception):
    """The root: catch it to catch whatever faceserver raises on purpose."""

    code = "internal_error"


class InputError(FaceServerError):
    """What the caller sent cannot be used."""

    code = "invalid_input"


class InvalidRequest(InputError):
    """A field is missing, unknown or malformed."""

    code = "invalid_request"


class InvalidCursor(InvalidRequest):
    """The cursor is none that came with a page."""

    code = "invalid_cursor"


class InvalidPlace(InputError):
    """No face can be there: its box is empty."""

    code = "invalid_place"


class InvalidEmbedding(InputError):
    """The embedding is of another model, or no unit vector of the right length."""

    code = "invalid_embedding"


class InvalidCombination(InputError):
    """Fields that are right by themselves contradict one another, or one lacks another."""

    code = "invalid_combination"


class UnknownAttribute(InputError):
    """Nothing of that name is told of faces."""

    code = "unknown_attribute"


class UnsuitableModel(FaceServerError):
    """The model that is set cannot give what the protocol's clients need."""

    code = "unsuitable_model"


class NoFile(InputError):
    """A picture was expected, none came."""

    code = "no_file"


class RequestTooLarge(InputError):
    """The whole request is over its limit."""

    code = "request_too_large"


class TooManyItems(InputError):
    """More files or URLs than one call takes."""

    code = "too_many_items"


class InvalidArchive(InputError):
    """An archive, a backup or a list of pictures is damaged, hostile, or something else."""

    code = "invalid_archive"


class ImageError(InputError):
    """The picture itself cannot be used."""

    code = "invalid_image"


class EmptyFile(ImageError):
    """The file has no bytes."""

    code = "empty_file"


class FileTooLarge(ImageError):
    """The file has more bytes than allowed."""

    code = "file_too_large"


class NotAnImage(ImageError):
    """The bytes are of no image format that is read here."""

    code = "not_an_image"


class TruncatedImage(ImageError):
    """The bytes begin as an image, but cannot be decoded to the end."""

    code = "truncated_image"


class ImageTooSmall(ImageError):
    """Too few pixels to hold a face."""

    code = "image_too_small"


class TooManyPixels(ImageError):
    """More pixels than allowed, judged by the header before anything is decoded."""

    code = "too_many_pixels"


class FaceCountError(InputError):
    """The picture holds another number of faces than was asked for."""

    code = "face_count"


class NoFace(FaceCountError):
    """No face was found in the picture."""

    code = "no_face"


class LowQuality(FaceCountError):
    """No face of the picture is good enough for what was asked for."""

    code = "low_quality"


class SeveralFaces(FaceCountError):
    """More than one face where exactly one is asked for."""

    code = "several_faces"


class TooManyFaces(FaceCountError):
    """More faces than one picture may hold."""

    code = "too_many_faces"


class FetchError(InputError):
    """A URL did not give a picture."""

    code = "fetch_failed"


class InvalidUrl(FetchError):
    """No well-formed http or https URL."""

    code = "invalid_url"


class ForbiddenUrl(FetchError):
    """The URL, or a redirect of it, points into a network that is closed to it."""

    code = "url_forbidden"


class UrlTimeout(FetchError):
    """The URL did not answer completely in time."""

    code = "url_timeout"


class UrlFailed(FetchError):
    """No connection, too many redirects, or a status that is not 200."""

    code = "url_failed"


class NotFound(FaceServerError):
    """What was asked for by name or id is not there."""

    code = "not_found"


class Conflict(FaceServerError):
    """What is there does not allow what was asked for."""

    code = "conflict"


class AlreadyExists(Conflict):
    """The name or the id is taken."""

    code = "already_exists"


class KeyReused(Conflict):
    """The idempotency key came before, with another request."""

    code = "idempotency_key_reused"


class CannotUndo(Conflict):
    """It is too late, or what was changed later is in the way."""

    code = "cannot_undo"


class ModelChanged(Conflict):
    """The collection holds embeddings of another model now: ask the store for it again."""

    code = "model_changed"


class ChangeIncomplete(Conflict):
    """Some faces have no embedding of the new model yet, or cannot get one."""

    code = "change_incomplete"


class NotReady(FaceServerError):
    """The server is still starting, or failed to."""

    code = "not_ready"


class ShuttingDown(NotReady):
    """The server finishes what is under way and takes nothing new."""

    code = "shutting_down"


class TimedOut(FaceServerError):
    """The work took longer than a request may; nothing of it is stored."""

    code = "timed_out"


class NotServed(FaceServerError):
    """A protocol has this, it is not about faces, and no server is named that would do it."""

    code = "not_served"


class UpstreamFailed(FaceServerError):
    """The server that a request was handed on to gave no proper answer."""

    code = "upstream_failed"


class Busy(FaceServerError):
    """Too much is under way already; nothing was begun, so it can be sent again a little later."""

    code = "busy"


class AccessError(FaceServerError):
    """Who calls may not do this."""

    code = "access_error"


class NotAuthenticated(AccessError):
    """No key came, or none that is good."""

    code = "not_authenticated"


class InvalidSignature(NotAuthenticated):
    """The request is not signed with the secret of the key that it names, or not just now."""

    code = "invalid_signature"


class NotPermitted(AccessError):
    """The key is good, but its scope or its collection is another."""

    code = "not_permitted"


class CsrfFailed(AccessError):
    """A browser that is signed in sent a change without the token of one of our pages."""

    code = "csrf_failed"


class RateLimited(AccessError):
    """Too many requests in a minute."""

    code = "rate_limited"


class SetupError(FaceServerError):
    """The installation or its settings are at fault."""

    code = "setup_error"


class InvalidSetting(SetupError):
    """A setting has a value that it cannot have."""

    code = "invalid_setting"


class UnknownName(SetupError):
    """No plugin or backend is registered under that name."""

    code = "unknown_name"


class ModelError(SetupError):
    """A model's description or files are missing, malformed or do not fit each other."""

    code = "model_error"


class LibraryMissing(SetupError):
    """What a setting or a format of pictures needs is not installed; the message says how to."""

    code = "library_missing"


class EngineUnavailable(FaceServerError):
    """The inference server does not answer; as soon as it does, all goes on."""

    code = "engine_unavailable"


class StoreError(FaceServerError):
    """The data folder cannot be used as asked."""

    code = "store_error"


class StoreLocked(StoreError):
    """Another process holds the data folder."""

    code = "store_locked"


class StoreCorrupt(StoreError):
    """SQLite's file is damaged; it is left untouched."""

    code = "store_corrupt"


class StoreTooNew(StoreError):
    """The data folder was written by a newer version."""

    code = "store_too_new"


class StoreOutdated(StoreError):
    """The database was written by an older version and has not been upgraded yet."""

    code = "store_outdated"


class StoreMismatch(StoreError):
    """The data folder holds faces of another model than the one that is set."""

    code = "store_mismatch"


class StoreUnavailable(StoreError):
    """What holds faces or pictures on another machine does not answer; each call asks it anew.

    It may have been lost in the middle of something: what was under way is done or not.
    """

    code = "store_unavailable"


class StoreFull(StoreError):
    """No space is left on the device."""

    code = "store_full"
