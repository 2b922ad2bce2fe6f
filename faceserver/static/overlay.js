import { make, makeSvg } from "./dom.js";

const POINTS = ["left-eye", "right-eye", "nose", "mouth-left", "mouth-right"];
const RADIUS_PER_FACE = 0.034;
const RADIUS_PER_PICTURE = 0.0042;

/**
 * Show a picture with its faces' boxes and points drawn over it.
 * @param {string} source the picture's address
 * @param {string} text what it shows, for those who cannot see it
 * @param {import("./api.js").Face[]} faces in the picture's own pixels
 * @returns {HTMLElement}
 */
export function pictureWithFaces(source, text, faces) {
  const image = make("img", { alt: text, decoding: "async" });
  const overlay = makeSvg("svg", { class: "overlay", "aria-hidden": "true" });
  image.addEventListener("load", () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    overlay.replaceChildren(...faces.map((face) => drawFace(face, Math.max(width, height))));
  });
  image.src = source;
  return make("span", { className: "picture" }, image, overlay);
}

function drawFace({ box: [x1, y1, x2, y2], pt }, pictureSize) {
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
  const radius = Math.max((x2 - x1) * RADIUS_PER_FACE, pictureSize * RADIUS_PER_PICTURE);
  return makeSvg(
    "g",
    {},
    makeSvg("rect", { class: "box-halo", ...place }),
    makeSvg("rect", { class: "box", ...place }),
    ...POINTS.map((name, index) =>
      makeSvg("circle", { class: name, cx: pt[index], cy: pt[index + 5], r: radius }),
    ),
  );
}
