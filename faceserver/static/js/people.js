/** People by their names. */
import { call, inCollection } from "./api.js";

/**
 * @typedef {{id: string, name: string}} Person
 */

/** Those who are being asked for, by name: several uploads at once shall not each make one. */
const asked = new Map();

/**
 * The person of a name, made if there is none yet.
 * @param {string} name
 * @returns {Promise<Person>}
 * @throws {import("./api.js").ApiError}
 */
export function personNamed(name) {
  if (!asked.has(name)) {
    const person = findOrMake(name).finally(() => asked.delete(name));
    asked.set(name, person);
  }
  return asked.get(name);
}

async function findOrMake(name) {
  const found = await find(name);
  if (found) return found;
  try {
    return await call("POST", inCollection("subjects"), { name });
  } catch (error) {
    // Somebody else has made it since.
    if (error.code === "already_exists") return find(name);
    throw error;
  }
}

async function find(name) {
  const { items } = await call("GET", inCollection("subjects", { name }));
  return items[0] ?? null;
}
