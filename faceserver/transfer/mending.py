"""People and faces of an archive whose texts break today's rule: taken in with the nearest texts.

An archive may come from a version that took more. Nothing of it is lost for a name: characters that
are refused become blanks, what is too long is cut, and a name of which nothing is left, or that
somebody else has, gets the first digits of its person's id.
"""

from collections.abc import Callable, Iterable

from faceserver.texts import MAX_NAME, MAX_TEXT, check_text, clean_name, mended_name, readable
from faceserver.transfer.format import FaceLine, SubjectLine

_ID_DIGITS = 8


def has_bad_name(person: SubjectLine) -> bool:
    """Whether the person's name breaks the rule."""
    try:
        clean_name(person.name)
    except ValueError:
        return True
    return False


def mended_person(person: SubjectLine, is_taken: Callable[[str], bool]) -> SubjectLine:
    """The person with a name and tags that keep the rule.

    Args:
        person: as the archive has it.
        is_taken: whether somebody else has a name.
    """
    return person.model_copy(
        update={"name": _name(person, is_taken), "tags": _tags(person.tags)},
    )


def mended_face(face: FaceLine) -> FaceLine:
    """The face with tags and an external id that keep the rule."""
    external_id = face.external_id
    if external_id is not None:
        try:
            check_text(external_id)
        except ValueError:
            external_id = readable(external_id)[:MAX_TEXT] or None
    return face.model_copy(update={"tags": _tags(face.tags), "external_id": external_id})


def _name(person: SubjectLine, is_taken: Callable[[str], bool]) -> str:
    if not has_bad_name(person):
        return person.name
    name = mended_name(person.name)
    number = f"({person.id[:_ID_DIGITS]})"
    if name and not is_taken(name):
        return name
    return f"{name[: MAX_NAME - len(number) - 1]} {number}".strip()


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    kept = []
    for tag in tags:
        try:
            clean_name(tag)
        except ValueError:
            kept.append(mended_name(tag))
        else:
            kept.append(tag)
    return tuple(tag for tag in kept if tag)
