/** Hands a picture from one page to the next, which an address cannot. */

const STORE = "pictures";
const KEY = "handed-over";

/** @param {File} file */
export async function handOver(file) {
  await inStore("readwrite", (store) => store.put(file, KEY));
}

/** @returns {Promise<File|undefined>} what was handed over; it is there no more */
export async function takeOver() {
  const file = await inStore("readonly", (store) => store.get(KEY));
  await inStore("readwrite", (store) => store.delete(KEY));
  return file;
}

async function inStore(mode, act) {
  const database = await settled(openDatabase());
  try {
    return await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function openDatabase() {
  const request = indexedDB.open("faceserver", 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return request;
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
