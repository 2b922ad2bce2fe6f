"""The routes of the API of one's own."""

from typing import Any

from tests.services.test_facade import BLUE, GREEN, RED
from tests.web.test_signin import csrf_token
from tests.web.two_servers.cases import V1, Server, case, collection, face, file, person
from tests.web.v1.test_jobs import RED_URL

IN = f"{V1}/<collection>"


@case(f"POST {V1}", f"DELETE {IN}")
def collections(here: Server, there: Server) -> None:
    at = collection(here)
    assert there("GET", at)["faces"] == 0
    there("DELETE", at)
    assert here.status("GET", at) == 404


@case(f"POST {IN}/faces", f"PATCH {IN}/faces/<uuid:face>", f"DELETE {IN}/faces/<uuid:face>")
def faces(here: Server, there: Server) -> None:
    at = collection(here)
    one = face(here, at)
    path = f"{at}/faces/{one}"
    assert there("GET", path)["id"] == one
    assert there.status("GET", f"{path}/picture") == 200
    (probe,) = there("POST", f"{at}/search", **file())["probes"]
    assert [hit["face"]["id"] for hit in probe["matches"]] == [one]
    here("PATCH", path, json={"tags": ["x"]})
    assert there("GET", f"{at}/faces?tag=x")["items"][0]["id"] == one
    here("DELETE", path)
    assert there.status("GET", path) == 404
    assert there("POST", f"{at}/search", **file())["probes"][0]["matches"] == []


@case(f"POST {IN}/faces/move")
def moved_faces(here: Server, there: Server) -> None:
    at = collection(here)
    one, ann = face(here, at), person(here, at, "Ann")
    here("POST", f"{at}/faces/move", json={"faces": [one], "subject": ann})
    assert there("GET", f"{at}/faces/{one}")["subject"] == ann


@case(f"POST {IN}/subjects", f"PATCH {IN}/subjects/<subject>", f"DELETE {IN}/subjects/<subject>")
def subjects(here: Server, there: Server) -> None:
    at = collection(here)
    ann = person(here, at, "Ann")
    assert there.status("POST", f"{at}/subjects", json={"name": "ANN"}) == 409
    here("PATCH", f"{at}/subjects/{ann}", json={"name": "Anna"})
    assert there("GET", f"{at}/subjects/{ann}")["name"] == "Anna"
    here("DELETE", f"{at}/subjects/{ann}")
    assert there("GET", f"{at}/subjects")["items"] == []


@case(f"POST {IN}/subjects/<subject>/merge", f"POST {IN}/merges/<merge>/undo")
def merges(here: Server, there: Server) -> None:
    at = collection(here)
    ann, bob = (person(here, at, name) for name in ("Ann", "Bob"))
    merge = here("POST", f"{at}/subjects/{ann}/merge", json={"into": bob})
    assert there.status("GET", f"{at}/subjects/{ann}") == 404
    assert [one["id"] for one in there("GET", f"{at}/merges")["items"]] == [merge["id"]]
    here("POST", f"{at}/merges/{merge['id']}/undo")
    assert there("GET", f"{at}/subjects/{ann}")["name"] == "Ann"


@case(f"POST {IN}/subjects/<subject>/refuse", f"DELETE {IN}/refusals/<refusal>")
def refusals(here: Server, there: Server) -> None:
    at = collection(here)
    ann = person(here, at, "Ann")
    one = face(here, at, subject=ann)
    refused = here("POST", f"{at}/subjects/{ann}/refuse", json={"face": one})
    assert [each["id"] for each in there("GET", f"{at}/refusals")["items"]] == [refused["id"]]
    here("DELETE", f"{at}/refusals/{refused['id']}")
    assert there("GET", f"{at}/refusals")["items"] == []


def stranger(here: Server, at: str, colour: tuple[int, int, int]) -> str:
    found = here("POST", f"{at}/search", **file(colour, remember="true"))
    return str(found["probes"][0]["stranger"]["id"])


@case(
    f"POST {IN}/search",
    f"POST {IN}/search/frames",
    f"POST {IN}/strangers/<stranger>/promote",
    f"DELETE {IN}/strangers/<stranger>",
)
def strangers(here: Server, there: Server) -> None:
    at = collection(here)
    one = stranger(here, at, RED)
    assert there("GET", f"{at}/strangers/{one}")["seen"] == 1
    frames = {"files": file(RED)["data"]["file"], "remember": "true"}
    here("POST", f"{at}/search/frames", data=frames)
    assert there("GET", f"{at}/strangers/{one}")["seen"] == 2
    here("POST", f"{at}/strangers/{one}/promote", json={"name": "Ann"})
    assert there("GET", f"{at}/subjects/{one}")["name"] == "Ann"
    other = stranger(here, at, GREEN)
    here("DELETE", f"{at}/strangers/{other}")
    assert there("GET", f"{at}/strangers")["items"] == []


def job(here: Server, at: str) -> Any:
    return here("POST", f"{at}/jobs", json={"items": [{"url": RED_URL}]})


@case(f"POST {IN}/jobs", f"POST {IN}/jobs/<job>/cancel", f"DELETE {IN}/jobs/<job>")
def jobs(here: Server, there: Server) -> None:
    at = collection(here)
    path = f"{at}/jobs/{job(here, at)['id']}"
    assert there("GET", path)["state"] == "queued"
    here("POST", f"{path}/cancel")
    assert there("GET", path)["state"] == "cancelled"
    here("DELETE", path)
    assert there.status("GET", path) == 404


@case("POST /v1/keys", "DELETE /v1/keys/<key>")
def keys(here: Server, there: Server) -> None:
    made = here("POST", "/v1/keys", json={"name": "phone", "scope": "admin"})
    assert there.status("GET", V1) == 401
    holder = {"headers": {"Authorization": f"Bearer {made['token']}"}}
    assert there("GET", "/v1/keys", **holder)["items"][0]["name"] == "phone"
    here("DELETE", f"/v1/keys/{made['key']['id']}", **holder)
    assert there.status("GET", V1, **holder) == 401


@case("POST /signIn", "POST /signOut")
def sessions(here: Server, there: Server) -> None:
    made = here("POST", "/v1/keys", json={"name": "browser", "scope": "admin"})
    here("POST", "/signIn", data={"key": made["token"]})
    cookie = here.client.get_cookie("faceserver_session")
    assert cookie
    there.client.set_cookie("faceserver_session", cookie.value)
    assert there.status("GET", "/metrics") == 200
    here("POST", "/signOut", data={"csrf_token": csrf_token(here.client)})
    assert there.status("GET", "/metrics") == 401


@case("POST /v1/webhooks", "POST /v1/webhooks/<webhook>/ping", "DELETE /v1/webhooks/<webhook>")
def webhooks(here: Server, there: Server) -> None:
    asked = {"url": "https://hooks.example/faces", "events": ["match"]}
    made = here("POST", "/v1/webhooks", json=asked)["webhook"]
    path = f"/v1/webhooks/{made['id']}"
    assert there("GET", path)["url"] == asked["url"]
    sent = here("POST", f"{path}/ping")
    assert [each["id"] for each in there("GET", f"{path}/deliveries")["items"]] == [sent["id"]]
    here("DELETE", path)
    assert there.status("GET", path) == 404


@case("POST /as/original/faceRegister", "POST /as/original/faceRegisterBatch")
def original(here: Server, there: Server) -> None:
    picture = file(BLUE)["data"]["file"]
    here("POST", "/faceRegister", data={"names": "a.png*", "a.png": picture})
    again = file(BLUE)["data"]["file"]
    found = there("POST", "/faceRetrieve", data={"name": "a.png", "a.png": again})
    assert len(found["faces"]) == 1
    here("POST", "/faceRegisterBatch", json={"urls": [RED_URL]})
    red = file(RED)["data"]["file"]
    assert len(there("POST", "/faceRetrieve", data={"name": "a", "a": red})["faces"]) == 1
