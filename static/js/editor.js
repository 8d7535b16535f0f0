// <ring-editor>: CodeMirror with a small highlighter for the guest's assembly language.
// It lives in a shadow root, so its styles are adopted sheets and the strict policy holds.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const DIRECTIVES =
  /^(?:org|bits|section|global|db|dw|dd|dq|resb|resw|resd|times|align|equ)\b|^%[a-z]+/i;
const REGISTERS =
  /^(?:e?(?:ax|bx|cx|dx|si|di|bp|sp)|[abcd][lh]|[cdefgs]s|cr[0-4]|dr[0-7])\b/i;
const WORD = /^[a-z_.$?%][\w.$?]*/i;

const assembly = StreamLanguage.define({
  startState: () => ({ fresh: true }),
  token(stream, state) {
    if (stream.sol()) state.fresh = true;
    if (stream.eatSpace()) return null;
    if (stream.match(/^;.*/)) return "comment";
    if (stream.match(/^(?:"[^"]*"|'[^']*'|`[^`]*`)/)) return "string";
    if (stream.match(/^(?:0x[\da-f_]+|\d[\da-f_]*h|0?b[01_]+|\d[\d_]*)\b/i)) return "number";
    if (stream.match(/^[a-z_.$?][\w.$?]*:/i)) return "labelName";
    if (stream.match(DIRECTIVES)) {
      state.fresh = false;
      return "meta";
    }
    if (stream.match(REGISTERS)) return "variableName";
    if (stream.match(WORD)) {
      const first = state.fresh;
      state.fresh = false;
      return first ? "keyword" : null;
    }
    stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--app-ink)", fontWeight: "600" },
  { tag: tags.variableName, color: "var(--kernel-ink)" },
  { tag: tags.number, color: "var(--host-ink)" },
  { tag: tags.string, color: "var(--good-ink)" },
  { tag: tags.labelName, color: "var(--vmm-ink)", fontWeight: "600" },
  { tag: tags.meta, color: "var(--device-ink)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "14px", color: "var(--ink)", backgroundColor: "var(--card)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-gutters": {
    backgroundColor: "var(--paper)", color: "var(--ink-soft)", borderRight: "1px solid var(--line)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": {
    backgroundColor: "var(--app-soft) !important",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)",
    borderRadius: "6px",
  },
});

let view = null;

/** Show `source` in `host`; `changed(text)` is called a moment after the user stops typing. */
export function open(host, source, label, changed) {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  view?.destroy();
  let waiting = 0;
  const watch = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => changed(update.state.doc.toString()), 300);
  });
  const state = EditorState.create({
    doc: source,
    extensions: [
      lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), drawSelection(),
      history(), lintGutter(), assembly, syntaxHighlighting(colours), look, watch,
      EditorState.tabSize.of(8),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
    ],
  });
  view = new EditorView({ state, parent: root, root });
  view.focus();
}

export const text = () => view?.state.doc.toString() ?? "";

/** Underline what the assembler did not understand. */
export function problems(list) {
  if (!view) return;
  const { doc } = view.state;
  const marks = list.map((problem) => {
    const line = doc.line(Math.max(1, Math.min(problem.line || 1, doc.lines)));
    const from = Math.min(line.from + Math.max((problem.column || 1) - 1, 0), line.to);
    const word = /^[^\s,;]+/.exec(doc.sliceString(from, line.to));
    const to = word ? from + word[0].length : line.to;
    const hint = problem.expected ? `\n${problem.expected}` : "";
    return { from, to: Math.max(to, from), severity: "error", message: problem.message + hint };
  });
  view.dispatch(setDiagnostics(view.state, marks));
}
