/** Lines between the faces of two pictures, wherever the layout puts them. */
import { makeSvg } from "./dom.js";

export class Lines {
  /**
   * @param {SVGElement} layer lies over the area
   * @param {HTMLElement} area holds both pictures
   */
  constructor(layer, area) {
    this.layer = layer;
    this.area = area;
    this.pairs = [];
    this.pictures = [];
    new ResizeObserver(() => this.place()).observe(area);
    // A picture's boxes are drawn when it has loaded. Load events do not bubble, and are captured
    // here before the picture itself hears of them: so in the next frame.
    area.addEventListener("load", () => requestAnimationFrame(() => this.place()), true);
  }

  /**
   * @param {{a: number, b: number, isSame: boolean, tone: number}[]} pairs of indexes of faces
   * @param {HTMLElement[]} pictures the first and the second
   */
  draw(pairs, pictures) {
    this.pairs = pairs;
    this.pictures = pictures;
    this.place();
  }

  clear() {
    this.draw([], []);
  }

  place() {
    const origin = this.area.getBoundingClientRect();
    this.layer.setAttribute("viewBox", `0 0 ${origin.width} ${origin.height}`);
    this.layer.replaceChildren(...this.pairs.flatMap((pair) => this.line(pair, origin)));
  }

  line({ a, b, isSame, tone }, origin) {
    const [first, second] = [boxOf(this.pictures[0], a), boxOf(this.pictures[1], b)];
    if (!first || !second) return [];
    const [from, to] = ends(first, second).map(({ x, y }) => ({ x: x - origin.x, y: y - origin.y }));
    const place = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
    const kind = isSame ? "same" : "different";
    return [makeSvg("line", { ...place, class: "halo" }), makeSvg("line", { ...place, class: kind, "data-tone": tone })];
  }
}

function boxOf(picture, index) {
  return picture.querySelector(`g[data-index="${index}"] rect`)?.getBoundingClientRect();
}

/** From edge to edge: beside each other on a wide page, one below the other on a narrow one. */
function ends(first, second) {
  if (first.right <= second.left) {
    return [
      { x: first.right, y: middle(first.top, first.bottom) },
      { x: second.left, y: middle(second.top, second.bottom) },
    ];
  }
  return [
    { x: middle(first.left, first.right), y: first.bottom },
    { x: middle(second.left, second.right), y: second.top },
  ];
}

function middle(from, to) {
  return (from + to) / 2;
}
