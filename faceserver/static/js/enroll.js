/** One face of a picture, registered without the others. */
import { call, inCollection, pictureForm } from "./api.js";
import { faceFile, overlap } from "./cutout.js";
import { personNamed } from "./people.js";

/**
 * Register a face of a picture: what is around it goes along, the other faces do not.
 * @param {import("./cutout.js").Source} source
 * @param {import("./picture.js").Box} box
 * @param {string} title what the picture is called
 * @param {string} name of the person, empty for nobody
 * @returns {Promise<{face: object, person: {id: string, name: string}|null}>}
 * @throws {import("./api.js").ApiError}
 */
export async function enroll(source, box, title, name) {
  return enrollCut(await faceFile(source, box, title), title, name);
}

/**
 * The same for a face that was cut out before.
 * @param {{file: File, box: import("./picture.js").Box}} cut
 * @param {string} title
 * @param {string} name
 */
export async function enrollCut(cut, title, name) {
  const { faces } = await call("POST", inCollection("faces"), pictureForm(cut.file, { faces: "all", source: title }));
  const nearness = ({ box: found }) => overlap(found, cut.box);
  const [face, ...others] = faces.toSorted((one, other) => nearness(other) - nearness(one));
  await Promise.all(others.map(({ id }) => call("DELETE", inCollection(`faces/${id}`))));
  const person = name ? await personNamed(name) : null;
  if (person) await call("PATCH", inCollection(`faces/${face.id}`), { subject: person.id });
  document.dispatchEvent(new Event("faces-changed"));
  return { face, person };
}
