"""Filters as SQL."""

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
    return conditions, values
