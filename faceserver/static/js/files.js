/** Files as they come in: from a folder, from what was dropped; what is no picture is left out. */

const PICTURE = new RegExp("\\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|avif|jxl)$", "iu");
const ZIP = new RegExp("\\.zip$", "iu");
/** Such as .DS_Store and what macOS adds to a zip. */
const HIDDEN = new RegExp("^\\.|^__MACOSX$", "u");

/** @type {WeakMap<File, string[]>} */
const folders = new WeakMap();

/** @param {File} file */
export function isZip(file) {
  return ZIP.test(file.name) || file.type === "application/zip";
}

/**
 * What was dropped, folders opened.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function droppedFiles(transfer) {
  // All of it must be asked for now: once the event is over the browser has forgotten it.
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => filesIn(entry, [])));
  return found.flat();
}

/**
 * The files of a folder that was chosen, without those that are no pictures.
 * @param {FileList} chosen
 * @returns {File[]}
 */
export function chosenFiles(chosen) {
  return [...chosen].filter((file) => {
    const path = file.webkitRelativePath.split("/").slice(0, -1);
    if (path.length > 0) folders.set(file, path);
    return path.length === 0 || (isWanted(file) && !path.some((name) => HIDDEN.test(name)));
  });
}

/**
 * Names of people from the folders in which their pictures lie: the first folder below those that
 * hold all of them, as for a zip.
 * @param {File[]} files
 * @returns {Map<File, string>} those without a folder are left out
 */
export function namesByFolder(files) {
  const paths = files.map((file) => folders.get(file) ?? []);
  const depth = commonDepth(paths);
  const isOneFolder = paths.every((path) => path.length === depth);
  const names = files.map((_file, place) => paths[place][isOneFolder ? depth - 1 : depth]);
  return new Map(files.map((file, place) => [file, names[place]]).filter(([, name]) => name));
}

async function filesIn(entry, path) {
  if (HIDDEN.test(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (path.length > 0) folders.set(file, path);
    return path.length === 0 || isWanted(file) ? [file] : [];
  }
  const within = [];
  for (const child of await childrenOf(entry)) within.push(...(await filesIn(child, [...path, entry.name])));
  return within;
}

/** A browser tells a hundred at a time, until it tells none. */
async function childrenOf(folder) {
  const reader = folder.createReader();
  const children = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return children;
    children.push(...some);
  }
}

function isWanted(file) {
  return !HIDDEN.test(file.name) && (PICTURE.test(file.name) || isZip(file));
}

function commonDepth(paths) {
  const [first = []] = paths;
  const differs = first.findIndex((name, depth) => paths.some((path) => path[depth] !== name));
  return differs === -1 ? first.length : differs;
}
