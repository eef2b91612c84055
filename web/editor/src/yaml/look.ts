/** How the text looks: the page's own tokens, so that both colour schemes follow by themselves. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const MONO = 'ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace'

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: MONO, lineHeight: '20px' },
  '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--sunken)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-step': { backgroundColor: 'var(--accent-soft)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--ok-soft)', outline: '1px solid var(--control)' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--sunken)', border: '1px solid var(--control)', color: 'var(--muted)' },
  '.cm-lintRange-error, .cm-lintRange-error *': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '4px' },
  '.cm-lintRange-warning, .cm-lintRange-warning *': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn)', textUnderlineOffset: '4px' },
  '.cm-tooltip': { color: 'var(--text)', backgroundColor: 'var(--surface)', border: '1px solid var(--line)', borderRadius: '6px',
    boxShadow: '0 8px 24px rgb(0 0 0 / .16)', maxWidth: '480px', fontFamily: 'ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: MONO, maxHeight: '280px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '4px 8px', lineHeight: '20px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-completionDetail': { fontStyle: 'normal', color: 'inherit', opacity: '1', marginLeft: '12px' },
  '.cm-completionInfo': { padding: '8px 12px', lineHeight: '20px' },
  '.cm-diagnostic': { padding: '8px 12px', borderLeft: '4px solid var(--bad)', lineHeight: '20px' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn)' },
  '.cm-diagnosticAction': { backgroundColor: 'transparent', color: 'var(--accent)', border: '1px solid var(--control)', borderRadius: '6px',
    padding: '4px 12px', margin: '8px 8px 0 0', font: 'inherit', fontWeight: '550' },
  '.cm-diagnosticText': { display: 'block' },
  '.cm-hover': { padding: '8px 12px', lineHeight: '20px' },
  '.cm-hover code': { fontFamily: MONO, fontWeight: '600' },
  '.cm-hover ul': { margin: '8px 0 0', paddingLeft: '16px', color: 'var(--muted)' },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-panel.cm-search': { padding: '8px' },
  '.cm-panel.cm-search label': { display: 'inline-flex', alignItems: 'center', gap: '4px', margin: '0 8px 0 0', fontSize: '12px', fontWeight: '450' },
  '.cm-panel.cm-search input[type=checkbox]': { margin: '0', minHeight: '0' },
  '.cm-panel.cm-search input.cm-textfield, .cm-panel.cm-search .cm-button': { fontSize: '13px', minHeight: '28px', margin: '0 4px 4px 0' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--control)', borderRadius: '6px' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--control)', borderRadius: '6px' },
})

const words = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string), tags.content], color: 'var(--text)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--wait)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--faint)' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--muted)' },
  { tag: [tags.typeName, tags.labelName, tags.meta, tags.keyword], color: 'var(--quiet)' },
])

/** The extension with all of it. */
export const look = [theme, syntaxHighlighting(words)]
