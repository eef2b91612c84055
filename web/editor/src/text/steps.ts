/**
 * Changes of the lists of steps: whole blocks of lines, each with the comments directly above it, are put in,
 * moved and taken out; the blank lines between blocks stay where they are. Pure: text in, text out.
 */
import { isScalar, isSeq, visit, type Node, type YAMLSeq } from 'yaml'
import type { Json, Mapping, Path } from '../types'
import { at, EditRefused, readable, removeKey, setValue, toKeys, withoutLines, type Edit } from './edits'
import { columnOf, contentEnd, dashOf, eolOf, isFlow, isInFlow, itemBlock, reindented, spliced, type Splice } from './layout'
import { keyText, type Model } from './model'
import { isInside, placeInList } from './paths'
import { blockLines } from './scalars'

/** Put *step* into the list at *list* (made where it is missing) before item *index*. */
export function addStep(text: string, list: Path, index: number, step: Mapping): Edit {
  const select = `${list}[${index}]`
  const model = readable(text)
  const keys = toKeys(list)
  const seq = at(model.doc, keys)
  if (!isSeq(seq) || !seq.items.length) return { text: setValue(text, keys, [step]).text, select: `${list}[0]` }
  const place = Math.max(0, Math.min(index, seq.items.length))
  if (isFlow(seq) || isInFlow(model.doc, keys)) {
    const values = [...(seq.toJS(model.doc) as Json[])]
    values.splice(place, 0, step)
    return { text: setValue(text, keys, values).text, select: `${list}[${place}]` }
  }
  const column = columnOf(text, dashOf(seq, 0))
  const source = ' '.repeat(column) + `- ${blockLines(step, column + 2, eolOf(text))}`
  return { text: spliced(text, [insertion(text, seq, list, place, source)]), select: place === index ? select : `${list}[${place}]` }
}

/**
 * Move the step at *from* into the list at *list*, before what is now item *index* there. Its own list may be
 * meant: then *index* counts with the step still in its place, so `index + 2` is one further down.
 */
export function moveStep(text: string, from: Path, list: Path, index: number): Edit {
  const model = readable(text)
  const place = placeInList(from)
  if (!place || !model.steps.has(from)) throw new EditRefused(`There is no step at ${from}.`)
  if (isInside(list, from)) throw new EditRefused('A step cannot stand inside of itself.')
  const source = at(model.doc, toKeys(place.list)) as YAMLSeq
  if (place.list === list) return moveWithin(text, model, source, list, place.index, index)
  const target = at(model.doc, toKeys(list))
  const select = afterRemoval(`${list}[${isSeq(target) ? Math.min(index, target.items.length) : 0}]`, place)
  const isPlain = !isFlow(source) && !isInFlow(model.doc, toKeys(place.list))
  if (isPlain && isSeq(target) && target.items.length && !isFlow(target) && !isInFlow(model.doc, toKeys(list))) {
    const block = itemBlock(text, source, place.index)
    const from = columnOf(text, dashOf(source, place.index))
    const lines = reindented(text.slice(block.start, block.end), from, columnOf(text, dashOf(target, 0)))
    const put = insertion(text, target, list, Math.min(index, target.items.length), lines)
    if (source.items.length > 1) return { text: spliced(text, [put, removal(text, source, place.index)]), select }
    const marked = spliced(text, [put])
    return { text: deleteStep(marked, afterInsertion(`${place.list}[${place.index}]`, list, index)).text, select }
  }
  const value = model.steps.get(from)!.value
  const added = addStep(text, list, index, value)
  return { text: deleteStep(added.text, afterInsertion(from, list, index)).text, select }
}

/** Take a step out, with the comments directly above it. `on_failure` and `on_error` go when they become empty. */
export function deleteStep(text: string, path: Path): Edit {
  const model = readable(text)
  const place = placeInList(path)
  const step = model.steps.get(path)
  if (!place || !step) throw new EditRefused(`There is no step at ${path}.`)
  const keys = toKeys(place.list)
  const seq = at(model.doc, keys)
  const count = step.parent.steps.length
  const next = count > 1 ? `${place.list}[${Math.min(place.index, count - 2)}]` : (step.parent.owner?.path ?? '')
  if (!isSeq(seq)) return { text: removeKey(text, [...keys, place.index]).text, select: next }
  if (count === 1) {
    const isOptional = step.parent.role === 'on_failure' || step.parent.role === 'on_error'
    return { text: isOptional ? removeKey(text, keys).text : emptied(text, model, keys, seq), select: next }
  }
  if (isFlow(seq) || isInFlow(model.doc, keys)) return { text: removeKey(text, [...keys, place.index]).text, select: next }
  return { text: spliced(text, [removal(text, seq, place.index)]), select: next }
}

/** Put a copy below; its ids get a number, so that each stays the only one. */
export function duplicateStep(text: string, path: Path): Edit {
  const model = readable(text)
  const place = placeInList(path)
  const step = model.steps.get(path)
  if (!place || !step) throw new EditRefused(`There is no step at ${path}.`)
  const taken = new Set([...model.steps.values()].map((one) => one.id))
  const copy = `${place.list}[${place.index + 1}]`
  const seq = at(model.doc, toKeys(place.list)) as YAMLSeq
  let whole: string
  if (isFlow(seq) || isInFlow(model.doc, toKeys(place.list)))
    whole = addStep(text, place.list, place.index + 1, step.value).text
  else {
    const block = itemBlock(text, seq, place.index)
    whole = spliced(text, [insertion(text, seq, place.list, place.index + 1, text.slice(block.start, block.end))])
  }
  for (const inside of model.steps.values()) {
    if (!inside.id || !isInside(inside.path, path)) continue
    const id = freeId(inside.id, taken)
    taken.add(id)
    whole = renamed(whole, copy + inside.path.slice(path.length), inside.id, id, copy)
  }
  return { text: whole, select: copy }
}

/**
 * Give the step at *path* another id, and write that in every expression that names it (`steps.<id>`,
 * `outcomes.<id>`, `resume_url('<id>')`). A step without an id gets one; '' takes it away.
 */
export function renameId(text: string, path: Path, id: string): Edit {
  const model = readable(text)
  const step = model.steps.get(path)
  if (!step) throw new EditRefused(`There is no step at ${path}.`)
  if (!id) return removeKey(text, `${path}.id`)
  if (!/^[a-z_][a-z0-9_]*$/.test(id)) throw new EditRefused('An id has small letters, digits and _, and does not begin with a digit.')
  const other = [...model.steps.values()].find((one) => one.id === id && one.path !== path)
  if (other) throw new EditRefused(`The id "${id}" is taken by step ${other.number}.`)
  if (!step.id) return setValue(text, `${path}.id`, id)
  return { text: renamed(text, path, step.id, id, '') }
}

/** *wanted* with the lowest number that no other has. */
export function freeId(wanted: string, taken: ReadonlySet<string | null>): string {
  const base = wanted.replace(/_\d+$/, '')
  if (!taken.has(wanted)) return wanted
  for (let number = 2; ; number++) if (!taken.has(`${base}_${number}`)) return `${base}_${number}`
}

// ── inside ──────────────────────────────────────────────────────────────────────────────────────────

const EXPRESSIONS = new Set(['filter', 'if', 'when', 'until', 'transform', 'for_each', 'key', 'split', 'items', 'output'])

function renamed(text: string, path: Path, old: string, id: string, within: Path): string {
  const { doc } = readable(text)
  const root = within ? at(doc, toKeys(within)) : doc.contents
  const splices: Splice[] = []
  const names = new RegExp(`(?<![\\w\\])"'}]\\.|[\\w])(steps|outcomes)(\\.|\\[['"])${old}(?![\\w])`, 'g')
  const links = new RegExp(`(resume_url\\(\\s*\\\\?['"])${old}(?=\\\\?['"])`, 'g')
  const change = (source: string) => source.replace(names, `$1$2${id}`).replace(links, `$1${id}`)
  visit(root as never, {
    Scalar: (key, node, parents) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.range) return
      const [start, end] = node.range
      const source = text.slice(start, end)
      const isExpression = parents.some((one) => 'key' in one && EXPRESSIONS.has(keyText((one as { key: unknown }).key)))
      const written = node.value.includes('{{') || node.value.includes('{%')
        ? source.replace(/\{\{.*?\}\}|\{%.*?%\}/gs, change) : isExpression ? change(source) : source
      if (written !== source) splices.push({ start, end, text: written })
    },
  })
  const own = at(doc, toKeys(`${path}.id`))
  if (isScalar(own) && own.range) splices.push({ start: own.range[0], end: own.range[0] + (own.source ?? '').length, text: id })
  return spliced(text, splices.filter((one, index) => splices.findIndex((other) => other.start === one.start) === index))
}

function moveWithin(text: string, model: Model, seq: YAMLSeq, list: Path, from: number, index: number): Edit {
  const count = seq.items.length
  const to = Math.max(0, Math.min(index > from ? index - 1 : index, count - 1))
  if (to === from) return { text, select: `${list}[${from}]` }
  const isLine = isFlow(seq) || isInFlow(model.doc, toKeys(list))
  const blocks = seq.items.map((item, position) => isLine
    ? { start: (item as Node).range![0], end: contentEnd(text, item) } : itemBlock(text, seq, position))
  const order = blocks.map((_, position) => position)
  order.splice(to, 0, ...order.splice(from, 1))
  const splices = order.map((which, position) =>
    ({ ...blocks[position]!, text: text.slice(blocks[which]!.start, blocks[which]!.end) }))
  return { text: spliced(text, splices.filter((_, position) => order[position] !== position)), select: `${list}[${to}]` }
}

/** What puts *lines* (a block without its last line break) before item *index* of a block list. */
function insertion(text: string, seq: YAMLSeq, list: Path, index: number, lines: string): Splice {
  const eol = eolOf(text)
  const blocks = seq.items.map((_, position) => itemBlock(text, seq, position))
  const isWide = blocks.length > 1
    ? blocks.some((one, position) => position > 0 && /\n[ \t]*\r?\n/.test(text.slice(blocks[position - 1]!.end, one.start)))
    : list === 'steps'
  const gap = eol + (isWide ? eol : '')
  if (index < blocks.length) {
    const start = blocks[index]!.start
    return { start, end: start, text: lines + gap }
  }
  const end = blocks.at(-1)!.end
  return { start: end, end, text: gap + lines }
}

/** What takes item *index* out of a block list with more than one, and one gap with it. */
function removal(text: string, seq: YAMLSeq, index: number): Splice {
  const block = itemBlock(text, seq, index)
  if (index < seq.items.length - 1) {
    const blanks = /^(\r?\n[ \t]*)*\r?\n/.exec(text.slice(block.end))?.[0] ?? ''
    return { start: block.start, end: block.end + blanks.length, text: '' }
  }
  const before = text.slice(0, block.start)
  return { start: before.length - /\s*$/.exec(before)![0].length, end: block.end, text: '' }
}

function emptied(text: string, model: Model, keys: (string | number)[], seq: YAMLSeq): string {
  if (isFlow(seq) || isInFlow(model.doc, keys)) return setValue(text, keys, []).text
  const block = itemBlock(text, seq, 0)
  const bare = withoutLines(text, block.start, block.end)
  return setValue(bare, keys, []).text
}

/** Where *path* stands once the item at *place* is gone. */
function afterRemoval(path: Path, place: { list: Path; index: number }): Path {
  return shifted(path, place.list, (index) => (index > place.index ? index - 1 : index))
}

/** Where *path* stands once an item was put into *list* at *index*. */
function afterInsertion(path: Path, list: Path, index: number): Path {
  return shifted(path, list, (own) => (own >= index ? own + 1 : own))
}

function shifted(path: Path, list: Path, move: (index: number) => number): Path {
  if (!path.startsWith(`${list}[`)) return path
  const found = /^\[(\d+)\](.*)$/s.exec(path.slice(list.length))
  return found ? `${list}[${move(Number(found[1]))}]${found[2]}` : path
}
