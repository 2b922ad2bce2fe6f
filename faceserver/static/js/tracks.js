/** Faces followed from one picture of a camera to the next, so that names do not flicker. */
import { overlap } from "./cutout.js";

/** Boxes of one face in two pictures overlap at least by this share. */
const SAME = 0.25;
/** So many of the latest answers vote on who it is. */
const VOTES = 5;
/** A face is followed so long after it was seen last. */
const LOST_MS = 1500;

let tracks = 0;

export class Tracks {
  constructor() {
    this.known = [];
  }

  /**
   * @param {{box: import("./picture.js").Box, verdict: import("./verdict.js").Verdict}[]} faces
   *   of the latest picture
   * @param {number} now in milliseconds
   * @returns {{id: number, box: object, count: number, verdict: object}[]} a track for each face, in
   *   their order; `count` is in how many pictures it was seen, the verdict what most of them said
   */
  follow(faces, now) {
    const free = new Set(this.known.filter(({ last }) => now - last < LOST_MS));
    const found = faces.map((face) => this.advance(face, nearest(face.box, free), free, now));
    this.known = [...free, ...found];
    return found;
  }

  advance({ box, verdict }, before, free, now) {
    free.delete(before);
    const votes = [...(before?.votes ?? []), verdict].slice(-VOTES);
    const id = before?.id ?? (tracks += 1);
    return { id, box, votes, last: now, count: (before?.count ?? 0) + 1, verdict: elected(votes) };
  }
}

function nearest(box, candidates) {
  let best = null;
  let most = SAME;
  for (const track of candidates) {
    const share = overlap(box, track.box);
    if (share > most) [best, most] = [track, share];
  }
  return best;
}

/** The latest of those verdicts that most agree with. */
function elected(votes) {
  const key = ({ kind, person }) => `${kind} ${person?.id ?? ""}`;
  const counts = new Map();
  for (const vote of votes) counts.set(key(vote), (counts.get(key(vote)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return votes.findLast((vote) => counts.get(key(vote)) === most);
}
