/** Faults as CodeMirror's diagnostics, and the selected step's tint. */
import type { Diagnostic } from '@codemirror/lint'
import { StateEffect, StateField, type Text } from '@codemirror/state'
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view'
import { spoken } from '../form/faults'
import type { Fault, Fix, Range } from '../types'

const LINK = '/docs/faults'

/** *faults* where they stand in *doc*; `fix` is called for the button of one. */
export function diagnosticsOf(doc: Text, faults: readonly Fault[], fix: (fix: Fix) => void): Diagnostic[] {
  return faults.map((fault) => {
    const [from, to] = extent(doc, fault)
    return {
      from, to, severity: fault.severity, source: fault.code,
      message: [fault.message, fault.hint].filter(Boolean).map(spoken).join(' '),
      actions: [
        ...(fault.fix ? [{ name: 'Fix', apply: () => fix(fault.fix!) }] : []),
        { name: 'Explain', apply: () => void window.open(`${LINK}#${fault.code}`, '_blank', 'noopener') },
      ],
    }
  })
}

/** Where a fault is underlined: what its fix would replace, else the word that begins there. */
function extent(doc: Text, fault: Fault): [number, number] {
  const range = fault.fix?.range
  if (range && (range.line !== range.end_line || range.column !== range.end_column))
    return [offsetIn(doc, range.line, range.column), offsetIn(doc, range.end_line, range.end_column)]
  const from = offsetIn(doc, fault.line, fault.column)
  const line = doc.lineAt(from)
  const rest = line.text.slice(from - line.from)
  const word = /^(?:"[^"]*"|'[^']*'|[^\s:,]+(?:\s+[^\s#]+)*|\s+)/.exec(rest)?.[0] ?? ''
  return [from, Math.max(from + word.trimEnd().length, Math.min(from + 1, line.to))]
}

/** The offset of a line and column, which count from 1; held within the text. */
export function offsetIn(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines))
  return Math.min(found.from + Math.max(column - 1, 0), found.to)
}

/** Says which range is tinted; null for none. */
export const tint = StateEffect.define<Range | null>()

const TINT = Decoration.line({ class: 'cm-step' })

/** The field that holds the tint. */
export const tinted = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, transaction) {
    let now = before.map(transaction.changes)
    for (const effect of transaction.effects)
      if (effect.is(tint)) now = effect.value ? linesOf(transaction.state.doc, effect.value) : Decoration.none
    return now
  },
  provide: (field) => EditorView.decorations.from(field),
})

function linesOf(doc: Text, range: Range): DecorationSet {
  const first = doc.lineAt(Math.min(range.start, doc.length)).number
  const last = doc.lineAt(Math.min(Math.max(range.end - 1, range.start), doc.length)).number
  return Decoration.set(Array.from({ length: last - first + 1 }, (_, index) => TINT.range(doc.line(first + index).from)))
}

/** The smallest change that makes *before* into *after*. */
export function changeBetween(before: string, after: string): { from: number; to: number; insert: string } {
  let start = 0
  const most = Math.min(before.length, after.length)
  while (start < most && before[start] === after[start]) start += 1
  let end = 0
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) }
}
