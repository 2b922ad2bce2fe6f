/** API keys: made, shown once, revoked. */
import { call } from "./api.js";
import { confirmed } from "./dialogs.js";
import { button, byId, make, say } from "./dom.js";
import { page } from "./page.js";
import { showCode } from "./takealong.js";
import { _ } from "./texts.js";
import { toast, toastFromBefore } from "./toast.js";

const PAGE = 1000;
const SCOPES = {
  read: _("view and search"),
  write: _("also add and change"),
  admin: _("everything"),
};

let good = [];

async function listKeys() {
  await attempt(async () => {
    const { items } = await call("GET", `v1/keys?limit=${PAGE}`);
    good = items.filter(({ revoked }) => revoked === null);
    const isFirst = items.length === 0;
    byId("keys-open").hidden = !isFirst;
    byId("key-table").hidden = good.length === 0;
    byId("key-list").replaceChildren(...good.map(row));
    // With the first key the server asks for keys: another than this one could make no more.
    if (isFirst) byId("key-scope").value = "admin";
    byId("key-scope").disabled = isFirst;
    byId("key-collection").disabled = isFirst;
  });
}

async function listCollections() {
  await attempt(async () => {
    const { items } = await call("GET", `v1/collections?limit=${PAGE}`);
    const options = items.map(({ name }) => make("option", { value: name, textContent: name }));
    byId("key-collection").append(...options);
  });
}

function row(key) {
  const name = make("th", { scope: "row" }, key.name);
  if (key.own) name.append(" ", make("span", { className: "badge-soft", textContent: _("current") }));
  const revoke = button(_("Revoke"), () => revoked(key), { kind: "outline-danger btn-sm" });
  revoke.setAttribute("aria-label", _("Revoke the key of %(name)s", { name: key.name }));
  return make(
    "tr",
    {},
    name,
    make("td", { textContent: SCOPES[key.scope] }),
    make("td", { textContent: key.collection ?? _("all collections") }),
    make("td", { textContent: day(key.created) }),
    make("td", { textContent: key.last_used ? day(key.last_used) : _("never") }),
    make("td", { className: "num" }, revoke),
  );
}

function day(time) {
  return new Date(time).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

async function create(event) {
  event.preventDefault();
  const body = {
    name: byId("key-name").value.trim(),
    scope: byId("key-scope").value,
    collection: byId("key-collection").value || null,
  };
  await attempt(async () => {
    const { key, token } = await call("POST", "v1/keys", body);
    showCode("POST", "v1/keys", { json: body });
    const closes = !byId("keys-open").hidden;
    byId("new-key").reset();
    showToken(key.name, token, closes);
    if (closes) noLongerOpen();
    else await listKeys();
  });
}

/** What said that everybody may use the server is no longer true. */
function noLongerOpen() {
  byId("new-key").hidden = true;
  document.getElementById("open-to-all")?.remove();
}

/** The only time that the key is seen. */
function showToken(name, token, closes) {
  const field = make("input", { className: "form-control", readOnly: true, value: token, aria: { label: _("The key of %(name)s", { name }) } });
  const copied = make("span", { role: "status" });
  const copy = button(_("Copy"), () => copyFrom(field, copied), { kind: "outline-secondary", icon: "copy" });
  copy.hidden = !navigator.clipboard; // browsers give it over HTTPS, or on this machine, only
  const text = _("This is the key of %(name)s. It is only shown once: keep it in a safe place.", { name });
  const box = make("div", { className: "notice good made-key" }, make("p", { className: "mb-0", textContent: text }), field, copy, copied);
  if (closes) box.append(signIn());
  byId("made").replaceChildren(box);
  byId("keys-open").hidden = true;
  field.focus();
  field.select();
}

async function copyFrom(field, copied) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    say(copied, _("Copied"));
  } catch {
    say(copied, _("The browser did not allow copying. Copy the key yourself."));
  }
}

function signIn() {
  const href = `${page.root}signIn?next=${encodeURIComponent(location.pathname + location.search)}`;
  return make("a", { className: "btn btn-primary", href, textContent: _("Sign in with it") });
}

async function revoked(key) {
  const lines = [_("Its holder loses access immediately. This cannot be undone.")];
  if (key.own) lines.push(_("You are signed in with this key and will be signed out."));
  const admins = good.filter(({ scope }) => scope === "admin");
  if (admins.length === 1 && admins[0].id === key.id) {
    lines.push(_("It is the last administrator key: another one can only be created on the server’s command line."));
  }
  if (!(await confirmed(_("Revoke the key of %(name)s?", { name: key.name }), lines, _("Revoke")))) return;
  await attempt(async () => {
    await call("DELETE", `v1/keys/${key.id}`);
    toast(_("The key of %(name)s has been revoked.", { name: key.name }));
    if (key.own) location.reload();
    else await listKeys();
  });
}

async function attempt(act) {
  byId("keys-problem").hidden = true;
  try {
    await act();
  } catch (error) {
    say(byId("keys-problem"), error.message);
    byId("keys-problem").hidden = false;
  }
}

toastFromBefore();
byId("new-key").addEventListener("submit", create);
showCode("GET", "v1/keys");
Promise.all([listKeys(), listCollections()]);
