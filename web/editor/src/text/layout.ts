/** Where things stand in a text: lines, columns, the ends of values, the blocks of a list's items. */
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type CST, type Document, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Key } from '../types'
import { keyText } from './model'

export interface Splice { start: number; end: number; text: string }
export interface Block { start: number; end: number }

/** *text* with *splices*, which do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  return [...splices].sort((a, b) => b.start - a.start || b.end - a.end)
    .reduce((whole, one) => whole.slice(0, one.start) + one.text + whole.slice(one.end), text)
}

/** The line break that the text uses. */
export function eolOf(text: string): string {
  return /\r\n|\n|\r/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n'
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Where the line of *offset* ends, before its line break. */
export function lineEnd(text: string, offset: number): number {
  const found = text.indexOf('\n', offset)
  if (found < 0) return text.length
  return found > offset && text[found - 1] === '\r' ? found - 1 : found
}

/** The start of the next line, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const found = text.indexOf('\n', offset)
  return found < 0 ? text.length : found + 1
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset)
}

export function isFlow(node: unknown): boolean {
  return isCollection(node) && (node as YAMLMap).flow === true
}

/** Whether something on the way to *keys* is written in `{}` or `[]`. */
export function isInFlow(doc: Document, keys: readonly Key[]): boolean {
  let node: unknown = doc.contents
  for (const key of keys) {
    if (isFlow(node)) return true
    node = child(node, key)
  }
  return false
}

/** What stands under *key*, aliases not followed. */
export function child(node: unknown, key: Key): Node | null {
  if (isMap(node)) return (pairOf(node, String(key))?.value as Node | undefined) ?? null
  if (isSeq(node)) return (node.items[key as number] as Node | undefined) ?? null
  return null
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((one) => keyText(one.key) === key)
}

/** Just after the colon of a pair; -1 where there is none. */
export function colonEnd(pair: Pair): number {
  const token = pair.srcToken as { sep?: CST.SourceToken[] } | undefined
  const found = token?.sep?.find((one) => one.type === 'map-value-ind')
  return found ? found.offset + 1 : -1
}

/** Where a value, a pair or a key ends: its last character that is not a break, a blank or a comment. */
export function contentEnd(text: string, thing: unknown): number {
  if (isPair(thing)) {
    const pair = thing as Pair
    const own = Math.max((pair.key as Node).range?.[1] ?? 0, colonEnd(pair))
    const value = pair.value as Node | null
    return value && !isEmptyNull(value) ? contentEnd(text, value) : own
  }
  const node = thing as Node
  if (isCollection(node) && !isFlow(node)) {
    const last = node.items[node.items.length - 1]
    if (isSeq(node) && isEmptyNull(last)) {
      const dash = dashOf(node, node.items.length - 1)
      return dash < 0 ? node.range![1] : dash + 1
    }
    return last ? contentEnd(text, last) : node.range![1]
  }
  let end = node.range![1]
  if (isScalar(node) && node.type?.startsWith('BLOCK')) {
    const keeps = /^[|>][0-9]*\+/.test(text.slice(node.range![0], end))
    if (text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1
    if (!keeps) while (end > node.range![0] && /\s/.test(text[end - 1]!)) end--
  }
  return end
}

/** Whether nothing is written: `key:` alone. */
export function isEmptyNull(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1])
}

export function isAliasNode(node: unknown): boolean {
  return isAlias(node)
}

/** The offset of the dash of item *index* of a block list, or -1. */
export function dashOf(seq: YAMLSeq, index: number): number {
  const items = (seq.srcToken as CST.BlockSequence | undefined)?.items ?? []
  const token = items[index]?.start.find((one) => one.type === 'seq-item-ind')
  return token ? token.offset : -1
}

/**
 * Whole lines that belong to what ends at *end* and begins in *column*: to the end of its last line, and
 * over comments below that stand further in. Ends before the line break.
 */
export function blockEnd(text: string, end: number, column: number): number {
  let last = lineEnd(text, end)
  for (let next = nextLine(text, last); next < text.length; next = nextLine(text, next)) {
    const line = text.slice(next, lineEnd(text, next))
    if (/^\s*$/.test(line)) continue
    if (!/^\s*#/.test(line) || line.search(/\S/) <= column) break
    last = next + line.length
  }
  return last
}

/** The lines of item *index* of a block list, with the comments directly above its dash. */
export function itemBlock(text: string, seq: YAMLSeq, index: number): Block {
  const dash = dashOf(seq, index)
  const column = columnOf(text, dash)
  let start = lineStart(text, dash)
  while (start > 0) {
    const above = lineStart(text, start - 1)
    const line = text.slice(above, lineEnd(text, above))
    if (!/^\s*#/.test(line) || line.search(/\S/) !== column) break
    start = above
  }
  const item = seq.items[index]
  const end = isEmptyNull(item) ? dash + 1 : contentEnd(text, item)
  return { start, end: blockEnd(text, end, column) }
}

/** The lines of *source*, moved from one column to another; blank lines stay as they are. */
export function reindented(source: string, from: number, to: number): string {
  if (from === to) return source
  return source.split('\n').map((line) => {
    const blanks = /^ */.exec(line)![0].length
    if (/^\s*$/.test(line)) return line
    return ' '.repeat(Math.max(0, blanks - Math.min(from, blanks) + to)) + line.slice(blanks)
  }).join('\n')
}
