// Writes small trees of HTML, made by the Python side, into the page with as few changes as needed.
// A tree is text or [tag, attributes | null, ...children]; the attribute "key" names a child, and
// {"keep": key} stands for the child of that name as it is, if there is one.

/** Know the children that came with the page by their keys. */
export function adopt() {
  for (const element of document.querySelectorAll("[data-name]")) {
    element.ringKey = element.dataset.name;
    delete element.dataset.name;
  }
}

/** Make the children of `parent` equal to `trees`. */
export function patchChildren(parent, trees) {
  const keyed = new Map();
  for (const child of parent.childNodes) {
    if (child.ringKey !== undefined) keyed.set(child.ringKey, child);
  }
  let place = parent.firstChild;
  for (const tree of trees) {
    if (tree.keep !== undefined) {
      const kept = keyed.get(tree.keep);
      if (kept && kept !== place) parent.insertBefore(kept, place);
      place = kept ? kept.nextSibling : place;
      continue;
    }
    const key = typeof tree === "string" ? undefined : tree[1]?.key;
    let node = key === undefined ? place : keyed.get(key);
    if (key === undefined && node?.ringKey !== undefined) node = null;
    if (node && matches(node, tree)) {
      update(node, tree);
    } else {
      node = create(tree);
    }
    if (node !== place) parent.insertBefore(node, place);
    place = node.nextSibling;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function matches(node, tree) {
  if (typeof tree === "string") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.localName === tree[0];
}

function create(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const element = document.createElement(tree[0]);
  update(element, tree);
  return element;
}

function update(node, tree) {
  if (typeof tree === "string") {
    if (node.data !== tree) node.data = tree;
    return;
  }
  const [, attributes, ...children] = tree;
  if (attributes?.key !== undefined) node.ringKey = attributes.key;
  const wanted = attributes ?? {};
  for (const name of node.getAttributeNames()) {
    if (!(name in wanted) && name !== "open" && name !== "style") node.removeAttribute(name);
  }
  // A select shows the option of its value, so the options come first.
  if (!wanted["data-own"]) patchChildren(node, children);
  for (const [name, value] of Object.entries(wanted)) set(node, name, value);
}

function set(node, name, value) {
  if (name === "key") return;
  if (name === "fill") {
    node.style.setProperty("--fill", value); // a bar's share; the style sheet makes it a width
  } else if (name === "value" && "value" in node) {
    if (node.value !== `${value}`) node.value = value;
  } else if (name === "checked") {
    node.checked = value;
  } else if (value === false || value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== `${value === true ? "" : value}`) {
    node.setAttribute(name, value === true ? "" : value);
  }
}
