/** A call of the API as one would write it elsewhere: with curl, in Python, in JavaScript. */

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} url
 * @property {Record<string, unknown>} [form] fields; those of `files` name a file on the disk
 * @property {string[]} [files] fields of the form that are files
 * @property {unknown} [json]
 * @property {boolean} withKey whether the server wants a key
 */

/** The variable in which each of them expects the key: it is written nowhere. */
export const KEY = "FACESERVER_KEY";

/** @param {Call} call */
export function asCurl({ method, url, form, files = [], json, withKey }) {
  const parts = ["curl"];
  if (!form && json === undefined && method !== "GET") parts.push(`-X ${method}`);
  if (form && method !== "POST") parts.push(`-X ${method}`);
  if (json !== undefined && method !== "POST") parts.push(`-X ${method}`);
  if (withKey) parts.push(`-H "Authorization: Bearer $${KEY}"`);
  for (const [name, value] of pairs(form)) parts.push(`-F ${quoted(`${name}=${files.includes(name) ? "@" : ""}${value}`)}`);
  if (json !== undefined) parts.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(json))}`);
  return [...parts, quoted(url)].join(" \\\n  ");
}

/** @param {Call} call */
export function asPython({ method, url, form, files = [], json, withKey }) {
  const fields = pairs(form).filter(([name]) => !files.includes(name));
  const opened = pairs(form).filter(([name]) => files.includes(name));
  const lines = [...(withKey ? ["import os", ""] : []), "import requests", "", "answer = requests.request(", `    ${literal(method)},`, `    ${literal(url)},`];
  if (withKey) lines.push(`    headers={"Authorization": "Bearer " + os.environ["${KEY}"]},`);
  if (opened.length) lines.push(`    files={${opened.map(([name, path]) => `${literal(name)}: open(${literal(path)}, "rb")`).join(", ")}},`);
  if (fields.length) lines.push(`    data=[${fields.map(([name, value]) => `(${literal(name)}, ${literal(String(value))})`).join(", ")}],`);
  if (json !== undefined) lines.push(`    json=${literal(json)},`);
  return [...lines, ")", "answer.raise_for_status()", "print(answer.json())"].join("\n");
}

/** @param {Call} call */
export function asJavaScript({ method, url, form, files = [], json, withKey }) {
  const lines = [];
  if (files.length) lines.push('import { openAsBlob } from "node:fs";', "");
  if (form) {
    lines.push("const body = new FormData();");
    for (const [name, value] of pairs(form)) {
      const text = JSON.stringify(String(value));
      lines.push(`body.append(${JSON.stringify(name)}, ${files.includes(name) ? `await openAsBlob(${text}), ${text}` : text});`);
    }
  }
  const headers = [];
  if (withKey) headers.push(`"Authorization": \`Bearer \${process.env.${KEY}}\``);
  if (json !== undefined) headers.push('"Content-Type": "application/json"');
  lines.push(`const answer = await fetch(${JSON.stringify(url)}, {`, `  method: ${JSON.stringify(method)},`);
  if (headers.length) lines.push(`  headers: { ${headers.join(", ")} },`);
  if (form) lines.push("  body,");
  if (json !== undefined) lines.push(`  body: JSON.stringify(${JSON.stringify(json)}),`);
  return [...lines, "});", "if (!answer.ok) throw new Error(await answer.text());", "console.log(JSON.stringify(await answer.json(), null, 2));"].join("\n");
}

/** Fields as pairs: a list repeats its field. */
function pairs(form = {}) {
  return Object.entries(form).flatMap(([name, value]) => [value].flat().map((item) => [name, item]));
}

/** For a shell: nothing within single quotes means anything but itself. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** For Python, whose texts and lists are written like JSON's. */
function literal(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, item]) => `${literal(name)}: ${literal(item)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
