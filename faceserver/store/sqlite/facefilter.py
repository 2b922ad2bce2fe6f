"""Filters as SQL."""

import json
from dataclasses import replace

from faceserver.conditions import Condition
from faceserver.store.base import EVERYTHING
from faceserver.types import Filter


def source_of(only: Filter, collection: int) -> tuple[str, list[object]]:
    """What follows FROM for the faces that fit a filter, up to its conditions."""
    where, values = conditions_of(only, collection)
    if not only.tags or only.subject or only.external_id or only.picture or only.named is False:
        return f"faces f WHERE {where}", values
    # Where tags alone are given, begin with the faces that have the first of them.
    tagged = """
        (SELECT face AS id FROM face_tags WHERE collection = ? AND tag = ?
         UNION ALL
         SELECT g.id FROM subject_tags t JOIN faces g ON g.subject = t.subject
         WHERE t.collection = ? AND t.tag = ? AND NOT EXISTS (
             SELECT 1 FROM face_tags WHERE collection = ? AND tag = ? AND face = g.id)
        ) AS tagged CROSS JOIN faces f
    """
    first, *others = only.tags
    rest = replace(only, tags=tuple(others))
    where, values = conditions_of(rest, collection)
    return f"{tagged} WHERE f.id = tagged.id AND {where}", [
        *(collection, first) * 3,
        *values,
    ]


def conditions_of(only: Filter, collection: int) -> tuple[str, list[object]]:
    """The conditions of a filter on ``faces AS f``, and their values."""
    # The plus keeps SQLite from walking over the whole collection where a filter is narrower.
    is_wide = replace(only, named=None, without=(), where=()) == EVERYTHING
    conditions = ["f.collection = ?" if is_wide else "+f.collection = ?"]
    values: list[object] = [collection]
    if only.subject is not None:
        conditions.append("f.subject = (SELECT id FROM subjects WHERE uuid = ?)")
        values.append(only.subject)
    if only.external_id is not None:
        conditions.append("f.external_id = ?")
        values.append(only.external_id)
    if only.picture is not None:
        conditions.append("f.picture = ?")
        values.append(only.picture)
    if only.named is not None:
        conditions.append("f.subject IS NOT NULL" if only.named else "f.subject IS NULL")
    if only.without:
        conditions.append(
            "(f.subject IS NULL OR f.subject NOT IN"
            " (SELECT id FROM subjects WHERE uuid IN (SELECT value FROM json_each(?))))"
        )
        values.append(json.dumps(only.without))
    for tag in only.tags:
        conditions.append(
            "(EXISTS (SELECT 1 FROM face_tags t"
            " WHERE t.collection = f.collection AND t.tag = ? AND t.face = f.id)"
            " OR EXISTS (SELECT 1 FROM subject_tags t"
            " WHERE t.collection = f.collection AND t.tag = ? AND t.subject = f.subject))"
        )
        values += [tag, tag]
    for condition in only.where:
        conditions.append(_ATTRIBUTE)
        values += _attribute_values(condition)
    return " AND ".join(conditions), values


# What cannot be read as JSON fits nothing, and keeps no other face from being found.
_ATTRIBUTE = """
    EXISTS (SELECT 1 FROM
        json_each(CASE WHEN json_valid(f.attributes) THEN f.attributes ELSE '{}' END) a
        WHERE a.key = ? AND (
            (a.type = 'text' AND a.atom = ?)
            OR (a.type IN ('true', 'false') AND a.type = ?)
            OR (a.type IN ('integer', 'real') AND a.atom BETWEEN ? AND ?)))
"""


def _attribute_values(condition: Condition) -> list[object]:
    least, most = condition.bounds
    return [condition.name, condition.text, condition.text, least, most]
