/**
 * Changes of values in a text: each replaces the touched range alone, so that every other byte stays
 * (comments, blank lines, quotes, line breaks, `{}` on one line). Changes of the list of steps: steps.ts.
 *
 * All are pure: text in, text out. They throw `EditRefused` where the text cannot be read or the place is
 * not there; its message is a sentence for the person.
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml'
import { KINDS, type Fix, type Json, type Key, type Mapping, type Path } from '../types'
import { blockEnd, child, colonEnd, columnOf, contentEnd, eolOf, isEmptyNull, isFlow, isInFlow, lineEnd, lineStart,
  nextLine, pairOf, reindented, spliced, type Splice } from './layout'
import { isMapping, keyText, parse, valueAt, type Model } from './model'
import { keysOf, pathOf } from './paths'
import { blockLines, flowSource, isScalarValue, keySource, pairSource, scalarSource, type Style } from './scalars'

/** What an edit gives back: the new text and, where it changes, the place to select. */
export interface Edit { text: string; select?: Path }

export class EditRefused extends Error {}

type Place = Path | readonly Key[]

const STEP_ORDER = ['id', 'name', 'if', ...KINDS, 'connection', 'as', 'with', 'concurrency', 'on_item_error']
const FILE_ORDER = ['name', 'description', 'title', 'tags', 'enabled', 'mode', 'timezone', 'trigger', 'vars', 'steps',
  'on_failure']

/** Read *text*, or refuse with the fault's sentence. */
export function readable(text: string): Model {
  const { model, fault } = parse(text)
  if (!model) throw new EditRefused(`The YAML has a fault on line ${fault.line}: mend that first. ${fault.message}`)
  return model
}

/**
 * Make *value* stand at *place*, whatever stood there. Mappings and lists are compared with what is there, so
 * that only what differs is written; missing keys on the way are made.
 */
export function setValue(text: string, place: Place, value: Json): Edit {
  const keys = toKeys(place)
  const model = readable(text)
  const before = valueAt(model, keys)
  if (before !== undefined && same(before, value)) return { text }
  const expected = withValue(model.value, keys, value)
  const changed = write(text, keys, value)
  const read = parse(changed)
  if (read.model && same(read.model.value, expected)) return { text: changed }
  return { text: rewritten(text, expected) }
}

/** Remove a key, or an item of a list. A mapping that would be empty becomes `{}`, a list `[]`. */
export function removeKey(text: string, place: Place): Edit {
  const keys = toKeys(place)
  const model = readable(text)
  if (valueAt(model, keys) === undefined) return { text }
  const expected = withValue(model.value, keys, undefined)
  const changed = remove(text, keys)
  const read = parse(changed)
  if (read.model && same(read.model.value, expected)) return { text: changed }
  return { text: rewritten(text, expected) }
}

/** Give a key another name, in its place. Refused where the name stands there already. */
export function renameKey(text: string, place: Place, name: string): Edit {
  const keys = toKeys(place)
  const map = at(readable(text).doc, keys.slice(0, -1))
  const pair = isMap(map) ? pairOf(map, String(keys.at(-1))) : undefined
  if (!pair) throw new EditRefused(`There is no ${pathOf(keys)} in the file.`)
  if (pairOf(map as YAMLMap, name)) throw new EditRefused(`There is a "${name}" already.`)
  const [start, end] = (pair.key as Node).range!
  return { text: spliced(text, [{ start, end, text: keySource(name, isFlow(map)) }]) }
}

/** Write *source* (YAML as a person typed it) where a value stands; refused where it cannot be read there. */
export function setRaw(text: string, place: Place, source: string): Edit {
  const keys = toKeys(place)
  const doc = parseDocument(source, { logLevel: 'silent', prettyErrors: false })
  if (doc.errors[0]) throw new EditRefused(`This cannot be read as YAML: ${doc.errors[0].message}`)
  const value = doc.toJS({ maxAliasCount: 100 }) as Json
  const model = readable(text)
  const node = at(model.doc, keys)
  const eol = eolOf(text)
  const lines = source.replace(/\r\n?/g, '\n').replace(/\s+$/, '')
  if (node && !isEmptyNull(node) && node.range && !isFlow(node) && !isInFlow(model.doc, keys)) {
    const start = node.range[0]
    const column = columnOf(text, start)
    const body = reindented(lines, 0, column).trimStart().replaceAll('\n', eol)
    const changed = spliced(text, [{ start, end: contentEnd(text, node), text: body }])
    const read = parse(changed)
    if (read.model && same(read.model.value, withValue(model.value, keys, value))) return { text: changed }
  }
  return setValue(text, keys, value)
}

/** Apply the checker's mend. */
export function applyFix(text: string, fix: Fix): Edit {
  const start = offsetAt(text, fix.range.line, fix.range.column)
  const end = offsetAt(text, fix.range.end_line, fix.range.end_column)
  return { text: spliced(text, [{ start, end, text: fix.text }]) }
}

/** The offset of a place that counts lines from 1 and columns in characters (not UTF-16 units) from 1. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = text.startsWith('\ufeff') ? 1 : 0
  for (let number = 1; number < line; number++) start = nextLine(text, start)
  const characters = [...text.slice(start, lineEnd(text, start))].slice(0, column - 1)
  return start + characters.join('').length
}

/** Whether two values are the same; the order of keys does not matter. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, index) => same(one, b[index]))
  if (isMapping(a) && isMapping(b)) {
    const names = Object.keys(a)
    return names.length === Object.keys(b).length && names.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  }
  return Object.is(a, b)
}

export function toKeys(place: Place): Key[] {
  return typeof place === 'string' ? keysOf(place) : [...place]
}

/** The node at *keys*, the last not followed where it is an alias; null where there is none. */
export function at(doc: Document, keys: readonly Key[]): Node | null {
  let node: Node | null = doc.contents as Node | null
  for (const key of keys) node = child(node, key)
  return node
}

// ── inside ──────────────────────────────────────────────────────────────────────────────────────────

function write(text: string, keys: Key[], value: Json): string {
  const unshared = inlined(text, keys)
  if (unshared !== text) return write(unshared, keys, value)
  const { doc, value: whole } = readable(text)
  if (!keys.length) return rewritten(text, value)
  const node = at(doc, keys)
  const before = valueAt({ value: whole } as Model, keys)
  if (before !== undefined && same(before, value)) return text
  if (node === null && before === undefined) return insert(text, doc, keys, value)
  if (isMap(node) && node.items.length && isMapping(value) && Object.keys(value).length)
    return writeMapping(text, keys, before as Mapping, value)
  if (isSeq(node) && node.items.length && Array.isArray(value) && value.length)
    return writeList(text, keys, before as Json[], value)
  return replace(text, doc, keys, node, value)
}

function writeMapping(text: string, keys: Key[], before: Mapping, value: Mapping): string {
  for (const [key, one] of Object.entries(value)) text = write(text, [...keys, key], one)
  for (const key of Object.keys(before)) if (!Object.hasOwn(value, key)) text = remove(text, [...keys, key])
  return text
}

function writeList(text: string, keys: Key[], before: Json[], value: Json[]): string {
  let head = 0
  while (head < before.length && head < value.length && same(before[head], value[head])) head++
  let tail = 0
  while (tail < before.length - head && tail < value.length - head
    && same(before[before.length - 1 - tail], value[value.length - 1 - tail])) tail++
  const shared = Math.min(before.length, value.length) - tail
  for (let index = head; index < shared; index++) text = write(text, [...keys, index], value[index]!)
  for (let index = before.length - tail - 1; index >= shared; index--) text = remove(text, [...keys, index])
  for (let index = shared; index < value.length - tail; index++) text = insertItem(text, keys, index, value[index]!)
  return text
}

/** Replace a value that stands there (null: nothing but the key). */
function replace(text: string, doc: Document, keys: Key[], node: Node | null, value: Json): string {
  const eol = eolOf(text)
  const parent = at(doc, keys.slice(0, -1))
  const key = keys.at(-1)!
  if (isInFlow(doc, keys)) {
    const source = isScalarValue(value) ? scalarSource(value, { flow: true, indent: 0, eol }, styleOf(node)) : flowSource(value)
    if (node && !isEmptyNull(node)) return spliced(text, [{ start: node.range![0], end: node.range![1], text: source }])
    const pair = pairOf(parent as YAMLMap, String(key))
    const colon = pair ? colonEnd(pair) : -1
    if (colon >= 0) return spliced(text, [{ start: colon, end: colon, text: ` ${source}` }])
    const end = (pair?.key as Node).range![1]
    return spliced(text, [{ start: end, end, text: `: ${source}` }])
  }
  const column = isMap(parent) ? columnOf(text, (parent.items[0]!.key as Node).range![0]) : columnOf(text, node?.range?.[0] ?? 0)
  const isBlock = !isScalarValue(value) && Object.keys(value).length > 0
  if (isSeq(parent)) {
    const start = node?.range?.[0] ?? 0
    const source = isScalarValue(value)
      ? scalarSource(value, { flow: false, indent: column + 2, eol }, styleOf(node)) : blockLines(value, column, eol)
    return spliced(text, [beside(text, start, node ? contentEnd(text, node) : start, source)])
  }
  const pair = pairOf(parent as YAMLMap, String(key))!
  const colon = colonEnd(pair)
  if (!isBlock) {
    const source = isScalarValue(value)
      ? scalarSource(value, { flow: false, indent: blockIndent(text, node) ?? column + 2, eol }, styleOf(node))
      : Array.isArray(value) ? '[]' : '{}'
    if (node === null || isEmptyNull(node)) return spliced(text, [beside(text, colon, colon, ` ${source}`)])
    if (isScalar(node) || isAlias(node) || isFlow(node))
      return spliced(text, [beside(text, node.range![0], contentEnd(text, node), source)])
    // lines below the key give way to a value beside it; a comment there stays
    const first = lineEnd(text, colon)
    return spliced(text, [{ start: colon, end: colon, text: ` ${source}` }, { start: first, end: contentEnd(text, node), text: '' }])
  }
  if (node && !isEmptyNull(node) && !isScalar(node) && !isAlias(node) && !isFlow(node)) {
    const own = columnOf(text, node.range![0])
    return spliced(text, [{ start: node.range![0], end: contentEnd(text, node), text: blockLines(value, own, eol) }])
  }
  if (isFlow(node) && (node as YAMLMap | YAMLSeq).items.length)
    return spliced(text, [{ start: node!.range![0], end: node!.range![1], text: flowSource(value) }])
  const below = eol + ' '.repeat(column + 2) + blockLines(value, column + 2, eol)
  if (node === null || isEmptyNull(node)) return spliced(text, [{ start: lineEnd(text, colon), end: lineEnd(text, colon), text: below }])
  const end = contentEnd(text, node)
  const start = text.slice(colon, node.range![0]).trim() ? node.range![0] : colon
  return spliced(text, [{ start, end, text: '' }, { start: lineEnd(text, end), end: lineEnd(text, end), text: below }])
}

/** *source* from *start* to *end*; a comment after that stays beside the key when *source* has more lines. */
function beside(text: string, start: number, end: number, source: string): Splice {
  const header = /^ ?\|-?(?=\r?\n)/.exec(source)?.[0]
  if (!header) return { start, end, text: source }
  const line = lineEnd(text, end)
  return { start, end: line, text: header + text.slice(end, line) + source.slice(header.length) }
}

function insert(text: string, doc: Document, keys: Key[], value: Json): string {
  const parentKeys = keys.slice(0, -1)
  const key = keys.at(-1)!
  const parent = at(doc, parentKeys)
  if (isSeq(parent) && typeof key === 'number') return insertItem(text, parentKeys, parent.items.length, value)
  if (isMap(parent) && parent.items.length) return insertPair(text, doc, parentKeys, parent, String(key), value)
  if (!parentKeys.length) {
    const end = text.length && !text.endsWith('\n') ? eolOf(text) : ''
    return `${text}${end}${pairSource(String(key), value, 0, eolOf(text))}${eolOf(text)}`
  }
  return write(text, parentKeys, typeof key === 'number' ? [value] : { [key]: value })
}

function insertPair(text: string, doc: Document, mapKeys: Key[], map: YAMLMap, key: string, value: Json): string {
  const eol = eolOf(text)
  if (isFlow(map) || isInFlow(doc, mapKeys)) {
    const last = map.items.at(-1)!
    const end = contentEnd(text, last)
    return spliced(text, [{ start: end, end, text: `, ${keySource(key, true)}: ${flowSource(value)}` }])
  }
  const column = columnOf(text, (map.items[0]!.key as Node).range![0])
  const order = mapKeys.length === 0 ? FILE_ORDER : isStep(mapKeys, map) ? STEP_ORDER : []
  const rank = order.indexOf(key)
  let after = map.items.length - 1
  if (rank >= 0) {
    after = -1
    map.items.forEach((one, index) => {
      const other = order.indexOf(keyText(one.key))
      if (other >= 0 && other < rank) after = index
    })
  }
  const source = pairSource(key, value, column, eol)
  if (after < 0) {
    const start = (map.items[0]!.key as Node).range![0]
    return spliced(text, [{ start, end: start, text: source + eol + ' '.repeat(column) }])
  }
  const end = blockEnd(text, contentEnd(text, map.items[after]), column)
  return spliced(text, [{ start: end, end, text: eol + ' '.repeat(column) + source }])
}

/** Put an item into a list that is there and has items. */
function insertItem(text: string, keys: Key[], index: number, value: Json): string {
  const { doc } = readable(text)
  const seq = at(doc, keys) as YAMLSeq
  const eol = eolOf(text)
  if (isFlow(seq) || isInFlow(doc, keys)) {
    const source = flowSource(value)
    const next = seq.items[index] as Node | undefined
    if (next) return spliced(text, [{ start: next.range![0], end: next.range![0], text: `${source}, ` }])
    const end = contentEnd(text, seq.items.at(-1))
    return spliced(text, [{ start: end, end, text: `, ${source}` }])
  }
  const start = seq.range![0]
  const column = columnOf(text, start)
  const source = `- ${blockLines(value, column + 2, eol)}`
  if (index === 0) return spliced(text, [{ start, end: start, text: source + eol + ' '.repeat(column) }])
  const end = blockEnd(text, contentEnd(text, seq.items[index - 1]), column)
  return spliced(text, [{ start: end, end, text: eol + ' '.repeat(column) + source }])
}

function remove(text: string, keys: Key[]): string {
  const unshared = inlined(text, keys)
  if (unshared !== text) return remove(unshared, keys)
  const { doc } = readable(text)
  const parentKeys = keys.slice(0, -1)
  const parent = at(doc, parentKeys) as YAMLMap | YAMLSeq
  const index = isMap(parent)
    ? parent.items.findIndex((one) => keyText(one.key) === String(keys.at(-1))) : (keys.at(-1) as number)
  if (parent.items.length === 1 && parentKeys.length) return write(text, parentKeys, isMap(parent) ? {} : [])
  const things = parent.items as unknown[]
  if (isFlow(parent) || isInFlow(doc, parentKeys)) return removeInFlow(text, things, index)
  const start = startOf(things[index])
  const column = columnOf(text, start)
  if (isMap(parent)) {
    const end = blockEnd(text, contentEnd(text, things[index]), column)
    const before = text.slice(lineStart(text, start), start)
    if (before.trim()) {  // the first of an item: what follows comes up to the dash
      const next = startOf(things[index + 1])
      const between = text.slice(contentEnd(text, things[index]), next)
      return spliced(text, [{ start, end: between.includes('#') ? contentEnd(text, things[index]) : next, text: '' }])
    }
    return withoutLines(text, lineStart(text, start), end)
  }
  const seq = parent as YAMLSeq
  const dashLine = lineStart(text, isEmptyNull(things[index]) ? contentEnd(text, seq) : start)
  return withoutLines(text, dashLine, blockEnd(text, contentEnd(text, things[index]), columnOf(text, seq.range![0])))
}

function removeInFlow(text: string, things: unknown[], index: number): string {
  const start = startOf(things[index])
  const end = contentEnd(text, things[index])
  if (index < things.length - 1) {
    const comma = commaAfter(text, end)
    const rest = /^[ \t]*/.exec(text.slice(comma + 1))![0].length
    return spliced(text, [{ start, end, text: '' }, { start: end, end: comma, text: text.slice(end, comma).trim() }, { start: comma, end: comma + 1 + rest, text: '' }])
  }
  const before = contentEnd(text, things[index - 1])
  const comma = commaAfter(text, before)
  const blank = /^\s*$/.test(text.slice(comma + 1, start))
  return spliced(text, [{ start: comma, end: comma + 1, text: '' }, { start: blank ? comma + 1 : start, end, text: '' }])
}

/** The offset of the comma after *offset* in `{}` or `[]`, comments skipped. */
function commaAfter(text: string, offset: number): number {
  for (let place = offset; place < text.length; place++) {
    if (text[place] === '#' && /\s/.test(text[place - 1] ?? '')) place = lineEnd(text, place)
    else if (text[place] === ',') return place
  }
  return offset
}

/** *text* without whole lines; *end* is before the last one's line break. */
export function withoutLines(text: string, start: number, end: number): string {
  const next = nextLine(text, end)
  if (next > end) return text.slice(0, start) + text.slice(next)
  const before = text.slice(0, start).replace(/\r?\n$/, '')
  return before + text.slice(end)
}

function startOf(thing: unknown): number {
  const node = (thing as { key?: Node }).key ?? (thing as Node)
  return node.range![0]
}

/**
 * *text* with aliases written out where a change of *keys* would otherwise change another place too: those on
 * the way to it, and those that repeat what stands there.
 */
function inlined(text: string, keys: readonly Key[]): string {
  const { doc } = readable(text)
  const splices: Splice[] = []
  const spell = (alias: Node) => {
    const value = (alias as unknown as { toJS(doc: Document): Json }).toJS(doc)
    splices.push({ start: alias.range![0], end: alias.range![1], text: flowSource(value) })
  }
  let node: Node | null = doc.contents as Node | null
  const names = new Set<string>()
  for (const key of keys) {
    if (isAlias(node)) { spell(node); return spliced(text, splices) }
    const anchor = (node as { anchor?: string } | null)?.anchor
    if (anchor) names.add(anchor)
    node = child(node, key)
  }
  if (node && !isAlias(node)) visit(node as never, { Node: (_key, one) => { if ('anchor' in one && one.anchor) names.add(one.anchor) } })
  if (!names.size) return text
  visit(doc, { Alias: (_key, alias) => { if (names.has(alias.source)) spell(alias) } })
  return spliced(text, splices)
}

/** The last resort: the document written anew by `yaml`, comments kept. */
function rewritten(text: string, value: Json): string {
  const doc = parseDocument(text, { keepSourceTokens: false })
  const merge = (keys: Key[], before: unknown, after: Json) => {
    const old = before as Json
    if (isMapping(old) && isMapping(after)) {
      for (const key of Object.keys(old)) if (!Object.hasOwn(after, key)) doc.deleteIn([...keys, key])
      for (const [key, one] of Object.entries(after)) if (!same(old[key], one)) merge([...keys, key], old[key], one)
    } else if (keys.length) doc.setIn(keys, doc.createNode(after))
    else doc.contents = doc.createNode(after) as never
  }
  merge([], doc.toJS(), value)
  const written = doc.toString({ lineWidth: 0, flowCollectionPadding: false })
  return eolOf(text) === '\r\n' ? written.replace(/\r?\n/g, '\r\n') : written
}

function withValue(whole: Json, keys: readonly Key[], value: Json | undefined): Json {
  const [key, ...rest] = keys
  if (key === undefined) return value ?? null
  if (typeof key === 'number') {
    const list = Array.isArray(whole) ? [...whole] : []
    if (rest.length || value !== undefined) list[key] = withValue(list[key] ?? null, rest, value)
    else list.splice(key, 1)
    return list
  }
  const mapping: Mapping = isMapping(whole) ? { ...whole } : {}
  if (rest.length || value !== undefined) mapping[key] = withValue(mapping[key] ?? null, rest, value)
  else delete mapping[key]
  return mapping
}

function styleOf(node: Node | null): Style {
  return isScalar(node) && node.type ? (node.type as Style) : 'PLAIN'
}

function blockIndent(text: string, node: Node | null): number | null {
  if (!isScalar(node) || !node.type?.startsWith('BLOCK')) return null
  const body = text.slice(nextLine(text, node.range![0]), node.range![1])
  const line = body.split('\n').find((one) => one.trim())
  return line ? line.search(/\S/) : null
}

function isStep(keys: readonly Key[], map: YAMLMap): boolean {
  return typeof keys.at(-1) === 'number' && map.items.some((one) => (KINDS as readonly string[]).includes(keyText(one.key)) || keyText(one.key) === 'id')
}
