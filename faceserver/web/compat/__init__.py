"""Other programs' wire formats: each folder translates one protocol and does nothing more.

A protocol is served below ``/as/<its name>/``, and at the root as well where the settings name it.
"""

import re

from flask import Flask

from faceserver import __version__
from faceserver.errors import InvalidSetting, NotFound
from faceserver.models.registry import Registry
from faceserver.web.guard.scopes import scope

PROTOCOLS = Registry("protocol")
"""Each protocol's blueprint, which declares what it speaks; see :mod:`faceserver.web.protocol`."""

PROTOCOLS.add("original", "faceserver.web.compat.original.routes:blueprint")
PROTOCOLS.add("deepstack", "faceserver.web.compat.deepstack.routes:blueprint")
PROTOCOLS.add("face-id", "faceserver.web.compat.face_id.routes:blueprint")
PROTOCOLS.add("compare", "faceserver.web.compat.compare.routes:blueprint")
PROTOCOLS.add("facebox", "faceserver.web.compat.facebox.routes:blueprint")
PROTOCOLS.add("immich", "faceserver.web.compat.immich.routes:blueprint")
PROTOCOLS.add("nextcloud", "faceserver.web.compat.nextcloud.routes:blueprint")
PROTOCOLS.add("deepface", "faceserver.web.compat.deepface.routes:blueprint")
PROTOCOLS.add("photoprism", "faceserver.web.compat.photoprism.routes:blueprint")
PROTOCOLS.add("rekognition", "faceserver.web.compat.rekognition.routes:blueprint")
PROTOCOLS.add("compreface", "faceserver.web.compat.compreface.routes:blueprint")
PROTOCOLS.add("core", "faceserver.web.compat.core.routes:blueprint")

_VARIABLE = re.compile(r"<[^>]*>")


def register(app: Flask, at_root: tuple[str, ...]) -> None:
    """Serve all protocols; call it when all other routes are there.

    Args:
        app: the app.
        at_root: the protocols that are served without a prefix, too.

    Raises:
        InvalidSetting: one is not known, or has an address that something else has already.
    """
    names = PROTOCOLS.names()
    for name in dict.fromkeys(at_root):
        if name not in names:
            raise InvalidSetting(
                f"FACESERVER_COMPAT: there is no protocol {name!r}; there are: {', '.join(names)}"
            )
        app.register_blueprint(PROTOCOLS.load(name), name=name)
    for name in names:
        app.register_blueprint(PROTOCOLS.load(name), name=f"as_{name}", url_prefix=f"/as/{name}")
    app.add_url_rule("/as/<protocol>/", "as_protocol", _here)
    _refuse_shared_addresses(app)


@scope("public")
def _here(protocol: str) -> dict[str, str]:
    """Tell programs that only look whether somebody is there, at a protocol's root."""
    if protocol not in PROTOCOLS.names():
        raise NotFound(f"there is no protocol {protocol!r}")
    return {"name": "faceserver", "version": __version__, "protocol": protocol}


def _refuse_shared_addresses(app: Flask) -> None:
    """The first of two views would answer for both, and nobody would know which that is."""
    owners: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        address = _VARIABLE.sub("<>", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            owner = owners.setdefault((method, address), rule.endpoint)
            if owner != rule.endpoint:
                raise InvalidSetting(
                    f"FACESERVER_COMPAT: {method} {rule.rule} is an address of {owner} and of "
                    f"{rule.endpoint}: only one of them can be at the root"
                )
