/**
 * Where a caret stands, read from the indentation alone, so that it holds while the text does not parse: what
 * completion and hover go by.
 */
import type { Key } from '../types'

export interface Spot {
  /** The mapping or list that the caret's line belongs to; with `part` 'value' the key itself comes last. */
  keys: Key[]
  part: 'key' | 'value'
  /** From here to the caret (an offset in the text) is what was typed so far. */
  from: number
  typed: string
  /** Of a value: what stands before `typed` on its line, such as `{{ payload.` of a template. */
  before: string
  /** Of a value: the column, from 0, of the key that it belongs to. */
  column: number
}

interface Opener { column: number; key: string | null }

const KEY = /^((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:{}[\],&*!|>'"%@`][^:#]*?)):(?:\s|$)/
const MOST_LINES = 120 // of one mapping: what is further away is not looked for
const WORD = /[\w$@."'[\]*-]*$/
const KEY_WORD = /[\w-]*$/

/** The spot of the caret at *offset* of *text*. */
export function spotAt(text: string, offset: number): Spot {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const before = text.slice(start, offset)
  const openers = openersOf(before)
  const last = openers.at(-1)
  const inValue = last?.key != null
  const column = inValue ? last.column + 1 : Math.min(textColumn(before), before.length)
  const keys = keysAbove(text, start, openers, column)
  if (inValue) {
    const rest = before.slice(before.indexOf(':', last.column) + 1)
    const typed = WORD.exec(rest)![0]
    return { keys, part: 'value', from: offset - typed.length, typed, before: rest.slice(0, rest.length - typed.length), column: last.column }
  }
  const scalar = blockKey(text, start, before)
  if (scalar) {
    const typed = WORD.exec(before)![0]
    return { keys: scalar, part: 'value', from: offset - typed.length, typed, before: before.slice(0, before.length - typed.length), column }
  }
  const typed = KEY_WORD.exec(before)![0]
  return { keys, part: 'key', from: offset - typed.length, typed, before: before.slice(0, before.length - typed.length), column }
}

/**
 * The keys of the mapping that stands at *keys*, with their values as far as they stand on the key's own line; read
 * from the lines around *offset*.
 */
export function mappingAt(text: string, offset: number, keys: readonly Key[]): Map<string, string> {
  const found = new Map<string, string>()
  const wanted = JSON.stringify(keys)
  const lines = text.split('\n')
  let own = text.slice(0, offset).split('\n').length - 1
  const start = (line: number) => lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0)
  const look = (line: number): 'outside' | 'inside' => {
    const openers = openersOf(lines[line]!)
    const last = openers.at(-1)
    if (!last || last.key === null) return 'inside'
    const above = keysAbove(text, start(line), openers, last.column + 1)
    above.pop()
    if (JSON.stringify(above) === wanted) {
      found.set(last.key, unquoted(lines[line]!.slice(lines[line]!.indexOf(':', last.column) + 1).replace(/\s#.*$/, '').trim()))
      return 'inside'
    }
    return keys.every((key, index) => above[index] === key) ? 'inside' : 'outside'
  }
  own = Math.min(own, lines.length - 1)
  for (let line = own; line >= 0 && own - line < MOST_LINES; line -= 1) if (look(line) === 'outside') break
  for (let line = own + 1; line < lines.length && line - own < MOST_LINES; line += 1) if (look(line) === 'outside') break
  return found
}

/** The dashes and the key that a line begins with, each with its column from 0. */
function openersOf(line: string): Opener[] {
  const openers: Opener[] = []
  let column = line.search(/\S|$/)
  while (line.startsWith('- ', column) || line.slice(column) === '-') {
    openers.push({ column, key: null })
    column += 1
    column += line.slice(column).search(/\S|$/)
  }
  const found = KEY.exec(line.slice(column))
  if (found) openers.push({ column, key: unquoted(found[1]!) })
  return openers
}

/** The keys of all that is around the line that begins at *start*, whose own openers are *own*. */
function keysAbove(text: string, start: number, own: Opener[], column: number): Key[] {
  const keys: Key[] = []
  const scan = new Scan(column)
  for (const one of own.toReversed()) scan.take(one, keys)
  for (let end = start - 1; end >= 0; ) {
    const begin = text.lastIndexOf('\n', end - 1) + 1
    const line = text.slice(begin, end)
    if (/[^\s#]/.test(line[line.search(/\S|$/)] ?? '')) for (const one of openersOf(line).toReversed()) scan.take(one, keys)
    end = begin - 1
  }
  return scan.finish(keys)
}

/** Goes up the openers: whatever begins further left than the last is around it. */
class Scan {
  /** The index of the list item that is around, while its brothers are counted. */
  private index: { column: number; at: number } | null = null

  constructor(private column: number) {}

  take(opener: Opener, keys: Key[]): void {
    if (opener.key === null) {
      if (this.index && opener.column === this.index.column) this.index.at += 1
      else if (opener.column < this.column) {
        this.close(keys)
        this.index = { column: opener.column, at: 0 }
        this.column = opener.column
      }
      return
    }
    // a list may stand in the same column as the key that it belongs to
    if (opener.column < this.column || (this.index && opener.column === this.index.column)) {
      this.close(keys)
      keys.unshift(opener.key)
      this.column = opener.column
    }
  }

  finish(keys: Key[]): Key[] {
    this.close(keys)
    return keys
  }

  private close(keys: Key[]): void {
    if (this.index) keys.unshift(this.index.at)
    this.index = null
  }
}

/** The keys of the block text (`text: |`) that the line at *start* is a part of, or null. */
function blockKey(text: string, start: number, before: string): Key[] | null {
  const indent = before.search(/\S|$/)
  for (let end = start - 1; end >= 0; ) {
    const begin = text.lastIndexOf('\n', end - 1) + 1
    const line = text.slice(begin, end)
    end = begin - 1
    const column = line.search(/\S|$/)
    if (column === line.length || column >= indent) continue
    const openers = openersOf(line)
    const last = openers.at(-1)
    if (!last || last.key === null || !/:\s+[|>][+-]?\d?[+-]?\s*(#.*)?$/.test(line)) return null
    return keysAbove(text, begin, openers, last.column + 1)
  }
  return null
}

function textColumn(line: string): number {
  const dashes = /^\s*(?:-\s+)*/.exec(line)!
  return dashes[0].length
}

function unquoted(key: string): string {
  return /^(["']).*\1$/.test(key) ? key.slice(1, -1) : key
}
