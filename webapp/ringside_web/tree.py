"""Small trees of HTML as plain data: ``(tag, attributes or None, *children)`` or text.

The browser side (static/js/tree.js) writes them into the page; the build writes the first ones
into index.html with :func:`to_html`. Runs in MicroPython and in CPython.
"""

VOID = ("input", "br", "hr")


def h(tag, attributes=None, *children):
    """One element. A child may be text, an element, None (nothing) or a list of children."""
    tree = [tag, attributes]
    _extend(tree, children)
    return tuple(tree)


def keep(key):
    """The child of that key as it stands in the page already, if there is one."""
    return {"keep": key}


def _extend(tree, children):
    for child in children:
        if isinstance(child, list):
            _extend(tree, child)
        elif child is not None:
            tree.append(child)


def to_html(tree):
    """The HTML text of a tree, for the page as it is delivered."""
    if isinstance(tree, str):
        return escape(tree)
    tag, attributes = tree[0], tree[1] or {}
    parts = ["<", tag]
    chosen = None
    for name in attributes:
        value = attributes[name]
        if value is None or value is False:
            continue
        if name == "key":
            parts.append(' data-name="%s"' % escape(str(value)))
        elif name == "value" and tag == "select":
            chosen = value
        elif name == "fill":
            continue  # set by script: inline styles are not allowed by the page's policy
        elif value is True:
            parts.append(" " + name)
        else:
            parts.append(' %s="%s"' % (name, escape(str(value))))
    parts.append(">")
    if tag in VOID:
        return "".join(parts)
    for child in tree[2:]:
        html = to_html(child)
        if chosen is not None and child[1].get("value") == chosen:
            html = html.replace("<option", "<option selected", 1)
        parts.append(html)
    parts.append("</%s>" % tag)
    return "".join(parts)


def escape(text):
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
