// The editor: CodeMirror, in the page's own colours.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentWithTab,
} from "@codemirror/commands";
import {
  HighlightStyle,
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { grammarOf } from "./grammars";
import type { LanguageStyle } from "./languages";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: "var(--code-function)",
  },
  { tag: [tags.typeName, tags.className, tags.namespace], color: "var(--code-type)" },
  { tag: [tags.meta, tags.annotation, tags.escape], color: "var(--code-number)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "var(--code-size)", lineHeight: "1.6", fontVariantLigatures: "none" },
  ".cm-content": { padding: "12px 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 16px 0 8px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--faint)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 8px 0 16px", minWidth: "2.5em" },
  ".cm-activeLine": { backgroundColor: "var(--line)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line)", color: "var(--ink)" },
  "&:not(.cm-focused) .cm-activeLine": { backgroundColor: "transparent" },
  "&:not(.cm-focused) .cm-activeLineGutter": { backgroundColor: "transparent", color: "inherit" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-selectionBackground": { backgroundColor: "var(--selection)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "transparent",
    outline: "1px solid var(--accent)",
  },
});

/** The texts of files, one of which is seen at a time, each with its own history. */
export class Editor {
  private readonly view: EditorView;
  private readonly states = new Map<number, EditorState>();
  private readonly language = new Compartment();
  private readonly extensions: Extension[];
  private shown = 0;

  /**
   * @param parent Where it goes.
   * @param actions What Ctrl-Enter and the keys for other files do, and what follows a change of
   *   the text.
   */
  constructor(
    parent: HTMLElement,
    actions: { run(): void; changed(): void; go(step: number): void },
  ) {
    const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
    const does = (action: () => void) => (): boolean => {
      action();
      return true;
    };
    this.extensions = [
      EditorView.cspNonce.of(nonce),
      keymap.of([
        { key: "Mod-Enter", run: does(() => actions.run()) },
        { key: "Alt-PageUp", run: does(() => actions.go(-1)) },
        { key: "Alt-PageDown", run: does(() => actions.go(1)) },
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        indentWithTab,
      ]),
      lineNumbers(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      syntaxHighlighting(colours),
      EditorState.tabSize.of(4),
      this.language.of([]),
      look,
      EditorView.contentAttributes.of({
        "aria-label": "Program",
        "aria-describedby": "leave-editor",
        tabindex: "0",
        autocapitalize: "off",
        autocorrect: "off",
        spellcheck: "false",
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) actions.changed();
      }),
    ];
    this.view = new EditorView({ parent, state: this.state("") });
  }

  /** Puts a text in a file; undoing brings the old one back. */
  write(file: number, text: string): void {
    const state = this.stateOf(file);
    if (!state) {
      this.states.set(file, this.state(text));
      return;
    }
    const change = {
      changes: { from: 0, to: state.doc.length, insert: text },
      selection: { anchor: 0 },
      scrollIntoView: true,
    };
    if (file === this.shown) this.view.dispatch(change);
    else this.states.set(file, state.update(change).state);
  }

  /** The text of a file. */
  read(file: number): string {
    return this.stateOf(file)?.doc.toString() ?? "";
  }

  forget(file: number): void {
    this.states.delete(file);
    if (file === this.shown) this.shown = 0;
  }

  show(file: number): void {
    const state = this.stateOf(file);
    if (file === this.shown || !state) return;
    if (this.shown) this.states.set(this.shown, this.view.state);
    this.shown = file;
    this.view.setState(state);
  }

  /** Colours and indents a file as a language; one that it does not know is plain text. */
  async speak(file: number, style: LanguageStyle | undefined): Promise<void> {
    const extension = [await grammarOf(style?.grammar ?? ""), indentUnit.of(style?.indent ?? "    ")];
    const effects = this.language.reconfigure(extension);
    if (file === this.shown) this.view.dispatch({ effects });
    else {
      const state = this.stateOf(file);
      if (state) this.states.set(file, state.update({ effects }).state);
    }
  }

  focus(): void {
    this.view.focus();
  }

  /** Puts the cursor at a place of the file that is seen, as far as there is such a place. */
  jump(line: number, column: number): void {
    const { doc } = this.view.state;
    const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    const anchor = Math.min(from + Math.max(column, 1) - 1, to);
    this.view.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(anchor, { y: "center" }),
    });
    this.view.focus();
  }

  private stateOf(file: number): EditorState | undefined {
    return file === this.shown ? this.view.state : this.states.get(file);
  }

  private state(doc: string): EditorState {
    return EditorState.create({ doc, extensions: this.extensions });
  }
}
