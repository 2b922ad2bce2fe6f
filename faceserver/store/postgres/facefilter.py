"""Filters as SQL."""

from faceserver.conditions import Condition
from faceserver.store.postgres.tables import Tables
from faceserver.types import Filter


def conditions_of(only: Filter, tables: Tables) -> tuple[str, list[object]]:
    """The conditions of a filter on ``f``, as the planner begins with them; and their values."""
    conditions, values = _without_tags(only, tables)
    for tag in only.tags:
        conditions.append(
            f"f.id IN (SELECT id FROM {tables.faces} WHERE tags @> ARRAY[%s]::text[]"
            f" UNION ALL SELECT g.id FROM {tables.subjects} t JOIN {tables.faces} g"
            " ON g.subject = t.id WHERE t.tags @> ARRAY[%s]::text[])"
        )
        values += [tag, tag]
    return " AND ".join(["true", *conditions]), values


def checks_of(only: Filter, tables: Tables) -> tuple[str, list[object]]:
    """The same conditions, to be asked of one face after the other."""
    conditions, values = _without_tags(only, tables)
    for tag in only.tags:
        conditions.append(
            f"(f.tags @> ARRAY[%s]::text[] OR EXISTS (SELECT 1 FROM {tables.subjects} t"
            " WHERE t.id = f.subject AND t.tags @> ARRAY[%s]::text[]))"
        )
        values += [tag, tag]
    return " AND ".join(["true", *conditions]), values


def _without_tags(only: Filter, tables: Tables) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if only.subject is not None:
        conditions.append(f"f.subject = (SELECT id FROM {tables.subjects} WHERE uuid = %s)")
        values.append(only.subject)
    if only.external_id is not None:
        conditions.append("f.external_id = %s")
        values.append(only.external_id)
    if only.picture is not None:
        conditions.append("f.picture = %s")
        values.append(only.picture)
    if only.named is not None:
        conditions.append("f.subject IS NOT NULL" if only.named else "f.subject IS NULL")
    if only.without:
        conditions.append(
            "(f.subject IS NULL OR f.subject NOT IN"
            f" (SELECT id FROM {tables.subjects} WHERE uuid = ANY(%s)))"
        )
        values.append(list(only.without))
    for condition in only.where:
        conditions.append(_ATTRIBUTE)
        values += _attribute_values(condition)
    return conditions, values


# PostgreSQL cannot read a text with a NUL in it out of JSON; such attributes fit nothing.
_ATTRIBUTE = """
    CASE WHEN strpos(f.attributes::text, '\\u0000') > 0 THEN false
    ELSE CASE json_typeof(f.attributes -> %s::text)
        WHEN 'string' THEN f.attributes ->> %s::text = %s
        WHEN 'boolean' THEN f.attributes ->> %s::text = %s
        WHEN 'number' THEN (f.attributes ->> %s::text)::numeric
            BETWEEN %s::float8::numeric AND %s::float8::numeric
        ELSE false END END
"""


def _attribute_values(condition: Condition) -> list[object]:
    name, text = condition.name, condition.text
    return [name, name, text, name, text, name, *condition.bounds]
