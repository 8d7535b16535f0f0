// PyScript watches the document for scripts and attributes still to come, and looks at every node
// that is added. Here they come in the head only, and a picture has hundreds of nodes.
// Must be loaded before PyScript.

globalThis.MutationObserver = class extends MutationObserver {
  observe(target, options) {
    super.observe(target === document ? document.head : target, options);
  }
};
