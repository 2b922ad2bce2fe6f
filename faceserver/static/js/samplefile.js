/**
 * One of the sample pictures that come with the server.
 * @param {string} address
 * @returns {Promise<File>}
 */
export async function sampleFile(address) {
  const response = await fetch(address);
  const name = address.slice(address.lastIndexOf("/") + 1);
  return new File([await response.blob()], name, { type: "image/jpeg" });
}
