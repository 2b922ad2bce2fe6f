"""The command ``faceserver``."""

import json
import socket
import time
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click

from faceserver import __version__
from faceserver.cli.audit import audit
from faceserver.cli.backup import COMMANDS as BACKUP
from faceserver.cli.change_model import change_model
from faceserver.cli.cluster import cluster
from faceserver.cli.collections import collections
from faceserver.cli.compreface import import_compreface
from faceserver.cli.db import db
from faceserver.cli.detection import COMMANDS as DETECTION
from faceserver.cli.evaluate import evaluate
from faceserver.cli.example_json import gen_example_json
from faceserver.cli.face_id import import_face_id
from faceserver.cli.keys import keys
from faceserver.cli.models import models
from faceserver.cli.output import counted
from faceserver.cli.remote import search_at, server_option
from faceserver.cli.scan import scan
from faceserver.cli.stress import stress_memory
from faceserver.cli.transfer import COMMANDS as TRANSFER
from faceserver.conditions import Condition, parse_condition
from faceserver.config import Settings, load_settings
from faceserver.errors import FaceServerError, NotFound, SeveralFaces
from faceserver.runtime import logs, threads

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.lifecycle import Backend, Services
    from faceserver.server import Server


class _Group(click.Group):
    """Turns our errors into one line and a non-zero status, and lists commands unabridged."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FaceServerError as error:
            raise click.ClickException(f"{error} ({error.code})") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, self.commands[name].get_short_help_str(200)) for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="faceserver")
def main() -> None:
    """Search faces in photographs, on your own machine.

    \b
    faceserver serve                 start the server; it prints its address
    faceserver register PHOTOS/      store every face in the pictures of a folder
    faceserver search someone.jpg    find the same person in the stored pictures
    faceserver import PEOPLE/        import many pictures, with people's names

    Settings are environment variables; `faceserver settings` lists them.
    """  # noqa: D301 - click reads \b as "leave these lines as they are"
    logs.configure("text", "info")
    settings = load_settings()
    threads.limit_libraries(threads.plan(engine=settings.engine, threads=settings.threads))


main.add_command(models)
main.add_command(db)
main.add_command(change_model)
main.add_command(collections)
main.add_command(evaluate)
main.add_command(keys)
main.add_command(audit)
_OTHERS = (import_compreface, import_face_id, gen_example_json, cluster, scan, stress_memory)
for _command in (*TRANSFER, *BACKUP, *DETECTION, *_OTHERS):
    main.add_command(_command)


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 picks a free port.  [default: 8000]")
@click.option("--no-auth", is_flag=True, help="Allow any address without an API key.")
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker"]),
    help="web answers requests and leaves jobs to others, worker runs jobs only; both need "
    "FACESERVER_STORE.  [default: all]",
)
def serve(host: str | None, port: int | None, no_auth: bool, role: str | None) -> None:
    """Start the server, print its address, and run until Ctrl-C.

    Until an API key exists (see `faceserver keys`), anyone who can reach the server can use it.

    Several servers can share one gallery in PostgreSQL (FACESERVER_STORE). Then some can be web
    servers and others workers; a worker answers /health and /metrics only.
    """
    from faceserver.access.guard import refuse_unguarded
    from faceserver.app import create_app
    from faceserver.server import Server
    from faceserver.web import gate_of
    from faceserver.web.compat import PROTOCOLS
    from faceserver.web.doors import at_listener, parse_listeners
    from faceserver.web.guard.scopes import vital_paths
    from faceserver.web.ops.metrics import add_gauges

    settings = load_settings(host=host, port=port, no_auth=no_auth or None, role=role)
    logs.configure(settings.log_format, settings.log_level)
    refuse_unguarded(settings)
    listeners = parse_listeners(settings.compat_listen, PROTOCOLS.names())
    socket_ = _listen(settings.host, settings.port)
    others = [(each, _listen(each.host, each.port)) for each in listeners]
    app = create_app(settings)
    backend: Backend = app.extensions["faceserver"]
    doors = [(at_listener(app, each), other) for each, other in others]
    server = Server(app, socket_, settings, vital_paths(app), doors)
    add_gauges(app, server.gauges)
    click.echo(f"faceserver {__version__}: {_url(socket_)}")
    if settings.role == "worker":
        click.echo("This is a worker: it runs jobs, and answers /health and /metrics only.")
    for each, other in others:
        click.echo(
            f"Without a key: {each.protocol} at {_url(other)} "
            f"(collection {each.collection}, scope {each.scope})"
        )
    Thread(target=_announce, args=(backend, server), name="announcer", daemon=True).start()
    server.serve(on_drain=backend.drain)
    gate_of(app).close()
    backend.close()
    backend.wait()  # raises what a start that failed failed of


def _announce(backend: "Backend", server: "Server") -> None:
    started = time.monotonic()
    try:
        backend.wait()
    except FaceServerError:
        server.stop()  # the main thread ends the server and tells why
        return
    seconds = time.monotonic() - started
    faces = counted(backend.services().collections.status().faces, "face")
    click.echo(f"Ready after {seconds:.1f} s, {faces} stored. Press Ctrl-C to stop.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; "
            "choose another with --host and --port"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _conditions(
    _: click.Context, __: click.Parameter, texts: tuple[str, ...]
) -> tuple[Condition, ...]:
    try:
        return tuple(map(parse_condition, texts))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@main.command()
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--collection", metavar="NAME", help="Collection to search.  [default: default]")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    callback=_conditions,
    help="Only faces stored with such an attribute: age:20-40, gender:female, quality:0.5-; may "
    "be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@server_option
def search(
    picture: Path,
    collection: str | None,
    where: tuple[Condition, ...],
    as_json: bool,
    server: str | None,
) -> None:
    """Find the person in a picture that shows one face.

    Prints one line per match, nearest first: the distance (squared L2; 0 is identical), the
    person's name or `-`, the path of the stored picture, and its original name. With --server,
    the picture may show several faces, and each gets a verdict.
    """
    if server:
        search_at(server, picture, collection, where, as_json=as_json)
        return
    from faceserver.app import open_services
    from faceserver.services.searching import SearchQuery
    from faceserver.store.base import DEFAULT
    from faceserver.types import Filter

    settings = load_settings()
    with closing(open_services(settings)) as services:
        query = SearchQuery(k=settings.max_matches, only=Filter(where=where))
        found = services.searching.by_picture(collection or DEFAULT, picture.read_bytes(), query)
        if len(found.probes) > 1:
            raise SeveralFaces(
                f"{picture} shows {len(found.probes)} faces; exactly one is required"
            )
        rows = [
            {
                "distance": round(hit.match.distance, 4),
                "person": hit.person.name if hit.person else None,
                "picture": _picture_place(services, hit.match.face.picture),
                "source": hit.match.face.source,
            }
            for hit in found.probes[0].hits
        ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("Nobody in the collection looks like this person.")
    else:
        for row in rows:
            person = row["person"] or "-"
            click.echo(f"{row['distance']:.4f}  {person}  {row['picture']}  {row['source']}")


def _picture_place(services: "Services", picture: str | None) -> str:
    if picture is None:
        return "(not kept)"
    try:
        return services.faces.picture_place(picture)
    except NotFound:
        return "(missing)"


@main.command()
def settings() -> None:
    """List all settings with their current values and descriptions."""
    now = load_settings()
    for name, field in Settings.model_fields.items():
        click.echo(f"FACESERVER_{name.upper()}={_shown(getattr(now, name))}")
        click.echo(f"    {field.description}")


def _shown(value: object) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
