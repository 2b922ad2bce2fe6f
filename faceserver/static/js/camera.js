/** A picture from the camera. */
import { byId, say } from "./dom.js";
import { _ } from "./texts.js";

const QUALITY = 0.95;

/** @returns {boolean} whether the browser lets a page use a camera: over HTTPS, or on this machine */
export function hasCamera() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * Show what the camera sees until a picture is taken.
 * @returns {Promise<File|null>} null if it was called off
 */
export async function takePicture() {
  const dialog = byId("camera");
  const video = byId("camera-video");
  const take = byId("camera-take");
  say(byId("camera-problem"), "");
  take.disabled = true;
  dialog.returnValue = "";
  dialog.showModal();
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const stream = await open(video);
  take.disabled = stream === null;
  if (stream && dialog.open) take.focus();
  take.onclick = () => dialog.close("taken");
  await closed;
  const file = stream && dialog.returnValue === "taken" ? await still(video) : null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  return file;
}

async function open(video) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
    video.srcObject = stream;
    await video.play();
    return stream;
  } catch {
    say(byId("camera-problem"), _("The camera cannot be used. Allow it in the browser, or choose a file."));
    return null;
  }
}

async function still(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return new File([blob], _("camera.jpg"), { type: "image/jpeg" });
}
