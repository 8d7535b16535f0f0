// How a node of a picture is written as an SVG element. The picture itself is data from the core.

export const SVG = "http://www.w3.org/2000/svg";

const GEOMETRY = {
  rect: { x: "x", y: "y", w: "width", h: "height", r: "rx" },
  circle: { x: "cx", y: "cy", r: "r" },
  line: { x: "x1", y: "y1", x2: "x2", y2: "y2" },
  path: { d: "d" },
  text: { x: "x", y: "y", size: "font-size", anchor: "text-anchor", weight: "font-weight" },
};

/** Every attribute of a node's element, as [name, value | null]; null means "not there". */
export function attributes(node) {
  const list = [["class", `node ${node.cls ?? ""}`]];
  for (const [field, name] of Object.entries(GEOMETRY[node.shape])) {
    list.push([name, node[field] ?? null]);
  }
  const tokens = ` ${node.cls ?? ""} `;
  list.push(["marker-end", tokens.includes(" arrow ") ? "url(#head)" : null]);
  // A node may be a way to a step of the run: then it says what to do, as the page's buttons do.
  list.push(["data-do", node.go ? "seek" : null]);
  list.push(["data-with", node.go ?? null]);
  list.push(["role", node.go ? "button" : node.tip ? "img" : null]);
  list.push(["aria-label", node.tip ? plain(node) : null]);
  return list;
}

/** What a screen reader says for a node: its own words, then what it means. */
function plain(node) {
  return node.text && !node.tip.startsWith(node.text) ? `${node.text}: ${node.tip}` : node.tip;
}

/** Where a node is anchored; a move is a change of this point. */
export function anchor(node) {
  if (node.shape === "path") {
    const start = /^\s*M\s*(-?[\d.]+)[ ,]+(-?[\d.]+)/i.exec(node.d ?? "");
    return start ? [Number(start[1]), Number(start[2])] : [0, 0];
  }
  return [node.x ?? 0, node.y ?? 0];
}

/** True when two nodes of one key differ in place only, so that a shift tells the whole story. */
export function sameForm(before, after) {
  if (before.shape !== after.shape) return false;
  if (after.shape === "path") return before.d === after.d;
  if (after.shape === "line") {
    return (
      before.x2 - before.x === after.x2 - after.x && before.y2 - before.y === after.y2 - after.y
    );
  }
  return true;
}
