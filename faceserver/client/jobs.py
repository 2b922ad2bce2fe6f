"""The operations on jobs."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from faceserver.api.jobs import DeletedJob, Job, JobItem, JobResults, Jobs
from faceserver.client.transport import Transport, path_of


class JobOperations(Transport):
    """Many pictures at once."""

    def create_job(
        self,
        collection: str,
        items: Sequence[JobItem | str] | Path,
        *,
        largest: bool = False,
        key: str | None = None,
        update: bool = False,
    ) -> Job:
        """Take in many pictures: URLs, or the path of a zip.

        Args:
            collection: where to.
            items: what to take in.
            largest: of a picture with a person's name take the largest face.
            key: an idempotency key: the same one finds the job that it has brought.
            update: of pictures that are in already, the person and the tags given now count.
        """
        path = f"{path_of(collection)}/jobs"
        headers = {"Idempotency-Key": key} if key else {}
        # Left out where it is off: a server of before does not know it.
        options = {"largest": largest, **({"update": True} if update else {})}
        if isinstance(items, Path):
            with items.open("rb") as file:
                return self.call(
                    Job,
                    "POST",
                    path,
                    files={"file": (items.name, file)},
                    data=options,
                    headers=headers,
                )
        known = [JobItem(url=item) if isinstance(item, str) else item for item in items]
        told = [item.model_dump(mode="json", exclude_none=True) for item in known]
        body = {"items": told, **options}
        return self.call(Job, "POST", path, json=body, headers=headers)

    def list_jobs(
        self,
        collection: str,
        *,
        newest: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Jobs:
        """List the jobs of a collection in the order they came, or the newest first."""
        path = f"{path_of(collection)}/jobs"
        return self.list_of(Jobs, path, limit, cursor, {"newest": newest})

    def get_job(self, collection: str, job: UUID) -> Job:
        """Say how far a job is."""
        return self.call(Job, "GET", f"{path_of(collection)}/jobs/{job}")

    def list_job_items(
        self,
        collection: str,
        job: UUID,
        *,
        state: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> JobResults:
        """List a job's pictures and what became of each."""
        path = f"{path_of(collection)}/jobs/{job}/items"
        return self.list_of(JobResults, path, limit, cursor, {"state": state})

    def cancel_job(self, collection: str, job: UUID) -> Job:
        """Stop a job; what is stored stays."""
        return self.call(Job, "POST", f"{path_of(collection)}/jobs/{job}/cancel")

    def delete_job(self, collection: str, job: UUID) -> DeletedJob:
        """Forget a job that has ended; its faces stay."""
        return self.call(DeletedJob, "DELETE", f"{path_of(collection)}/jobs/{job}")
