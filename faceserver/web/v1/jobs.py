"""Jobs: many pictures at once."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from faceserver.api.base import CollectionPath, Form, Header
from faceserver.api.jobs import (
    DeletedJob,
    Job,
    JobPath,
    JobQuery,
    JobResultQuery,
    JobResults,
    Jobs,
    NewJob,
)
from faceserver.jobs.records import Job as KnownJob
from faceserver.jobs.records import NewItem
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import form_body, is_form, json_body, takes
from faceserver.web.v1.files import File

blueprint = APIBlueprint(
    "v1_jobs",
    __name__,
    url_prefix="/v1/collections/<collection>/jobs",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="jobs", description="Many pictures at once, in the background.")],
)


class JobHeader(Header):
    """Makes it safe to retry a request."""

    key: str | None = Field(
        default=None,
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text; sending it again returns the job it created.",
    )


class ZipForm(Form):
    """A zip of pictures; folders in it are people's names."""

    file: File
    largest: bool = Field(
        default=False,
        description="If a named person's picture shows several faces, use the largest.",
    )
    update: bool = Field(default=False, description="Update the person of pictures already stored.")


@blueprint.post(
    "",
    operation_id="create_job",
    responses=answers(
        *BODY,
        "not_found",
        "too_many_items",
        "invalid_archive",
        "idempotency_key_reused",
        "store_full",
        accepted=Job,
        ok=Job,
    ),
    openapi_extensions=takes(blueprint, NewJob, ZipForm),
)
@scope("write", body="job")
def create(path: CollectionPath, header: JobHeader) -> Response:
    """Import many pictures: up to 10,000 URLs, or a zip.

    202 is a new job, 200 the one that the same idempotency key has brought before.
    """
    job, is_new = (
        _from_zip(path.collection, header.key)
        if is_form()
        else _from_urls(path.collection, header.key)
    )
    return reply(shown.job(job), 202 if is_new else 200)


@blueprint.get(
    "", operation_id="list_jobs", responses=answers("not_found", "invalid_cursor", ok=Jobs)
)
@scope("read")
def listed(path: CollectionPath, query: JobQuery) -> Response:
    """List the jobs of a collection, oldest or newest first."""
    page = services().jobs.page(
        path.collection, limit=query.limit, cursor=query.cursor, newest=query.newest
    )
    return reply(Jobs(items=tuple(shown.job(job) for job in page.items), next=page.cursor))


@blueprint.get("/<job>", operation_id="get_job", responses=answers("not_found", ok=Job))
@scope("read")
def get(path: JobPath) -> Response:
    """Get the progress of a job."""
    return reply(shown.job(services().jobs.get(path.collection, path.job.hex)))


@blueprint.get(
    "/<job>/items",
    operation_id="list_job_items",
    responses=answers("not_found", "invalid_cursor", ok=JobResults),
)
@scope("read")
def items(path: JobPath, query: JobResultQuery) -> Response:
    """List a job's pictures with their results."""
    page = services().jobs.items(
        path.collection,
        path.job.hex,
        limit=query.limit,
        cursor=query.cursor,
        state=query.state,
    )
    results = tuple(shown.job_result(item) for item in page.items)
    return reply(JobResults(items=results, next=page.cursor))


@blueprint.post(
    "/<job>/cancel", operation_id="cancel_job", responses=answers("not_found", "conflict", ok=Job)
)
@scope("write", body="small")
def cancel(path: JobPath) -> Response:
    """Cancel a job; faces already stored are kept."""
    return reply(shown.job(services().jobs.cancel(path.collection, path.job.hex)))


@blueprint.delete(
    "/<job>", operation_id="delete_job", responses=answers("not_found", "conflict", ok=DeletedJob)
)
@scope("write")
def delete(path: JobPath) -> Response:
    """Delete a finished job; its faces are kept. Happens automatically after seven days."""
    services().jobs.delete(path.collection, path.job.hex)
    return reply(DeletedJob(id=path.job))


def _from_zip(collection: str, key: str | None) -> tuple[KnownJob, bool]:
    form = form_body(ZipForm)
    return services().jobs.submit_zip(
        collection, form.file.stream, largest=form.largest, key=key, update=form.update
    )


def _from_urls(collection: str, key: str | None) -> tuple[KnownJob, bool]:
    body = json_body(NewJob)
    new = [
        NewItem(item.url, item.person, item.tags, item.external_id, item.auth)
        for item in body.items
    ]
    return services().jobs.submit_urls(
        collection, new, largest=body.largest, key=key, update=body.update
    )
