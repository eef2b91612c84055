/**
 * The text of a workflow as a tree of steps, each with its place in the text.
 *
 * Parsed by `yaml` (YAML 1.2, as the server does). A text with an error gives no model: the views keep the
 * last one that could be read. What the model cannot make sense of (a step that is no mapping) is there with
 * kind 'unknown', so that a view can show it and the checker's fault beside it.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { KINDS, type Json, type Key, type Kind, type Mapping, type Path, type Range, type Step, type StepList,
  type Trigger } from '../types'
import { at, keysOf } from './paths'

export interface Model {
  text: string
  doc: Document.Parsed
  lines: LineCounter
  /** The whole file as plain data. */
  value: Mapping
  name: string
  triggers: Trigger[]
  main: StepList
  onFailure: StepList | null
  /** Every step by its path, in the order of the file. */
  steps: Map<Path, Step>
}

/** Why a text cannot be read as YAML; places count from 1. */
export interface TextFault { message: string; line: number; column: number; offset: number }

const MOST_ALIASES = 1000

export type Parsed = { model: Model; fault: null } | { model: null; fault: TextFault }

let last: { text: string; parsed: Parsed } | null = null

/** Read *text*: its model, or why it cannot be read. The last answer is remembered: edits read a text often. */
export function parse(text: string): Parsed {
  if (last?.text !== text) last = { text, parsed: read(text) }
  return last.parsed
}

function read(text: string): Parsed {
  const lines = new LineCounter()
  const doc = parseDocument(text, { keepSourceTokens: true, lineCounter: lines, version: '1.2', merge: false,
    prettyErrors: false, uniqueKeys: true, logLevel: 'silent' })
  const error = doc.errors[0]
  if (error) return { model: null, fault: faultAt(lines, error.pos[0], sentence(error.message)) }
  let value: Json
  try {
    value = doc.toJS({ maxAliasCount: MOST_ALIASES }) as Json
  } catch (problem) {
    return { model: null, fault: faultAt(lines, 0, sentence(String((problem as Error).message))) }
  }
  const whole: Mapping = isMapping(value) ? value : {}
  const steps = new Map<Path, Step>()
  const reader = new Reader(doc, lines, steps)
  const main = reader.list(['steps'], whole['steps'], { role: 'main', label: null, owner: null, prefix: '', depth: 0 })
  const onFailure = 'on_failure' in whole
    ? reader.list(['on_failure'], whole['on_failure'],
      { role: 'on_failure', label: null, owner: null, prefix: 'F', depth: 0 })
    : null
  const name = typeof whole['name'] === 'string' ? whole['name'] : ''
  const model = { text, doc, lines, value: whole, name, triggers: reader.triggers(whole['trigger']), main, onFailure, steps }
  return { model, fault: null }
}

/** What stands at *path*, or undefined. */
export function valueAt(model: Model, path: Path | readonly Key[]): Json | undefined {
  let value: Json | undefined = model.value
  for (const key of typeof path === 'string' ? keysOf(path) : path) {
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined
    else if (isMapping(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

/** The range of what stands at *path* in the text, or null. */
export function rangeAt(model: Model, path: Path | readonly Key[]): Range | null {
  const node = nodeAt(model.doc, typeof path === 'string' ? keysOf(path) : path)
  return node?.range ? { start: node.range[0], end: node.range[1] } : null
}

/** The innermost step whose text holds *offset*, or null. */
export function stepAt(model: Model, offset: number): Step | null {
  let found: Step | null = null
  for (const step of model.steps.values())
    if (step.range.start <= offset && offset <= step.range.end) found = step
  return found
}

/** The innermost step that the place *where* (a fault's) belongs to, or null. */
export function stepOf(model: Model, where: Path): Step | null {
  for (let path = where; path; path = path.replace(/(\.[^.[\]]*|\[\d+\])$/, '')) {
    const step = model.steps.get(path)
    if (step) return step
    if (!/[.[]/.test(path)) return null
  }
  return null
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The node at *keys*, aliases followed; null where there is none. */
export function nodeAt(doc: Document, keys: readonly Key[]): Node | null {
  let node: unknown = doc.contents
  for (const key of keys) {
    if (isMap(node)) node = node.items.find((pair) => keyText(pair.key) === String(key))?.value
    else if (isSeq(node)) node = node.items[key as number]
    else return null
    if (node && (node as { source?: string }).source !== undefined && !isScalar(node))
      node = (node as { resolve?: (doc: Document) => unknown }).resolve?.(doc) ?? null
  }
  return (node as Node | undefined) ?? null
}

export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.source ?? key.value) : String(key)
}

interface Around { role: StepList['role']; label: string | null; owner: Step | null; prefix: string; depth: number }

class Reader {
  constructor(private doc: Document.Parsed, private lines: LineCounter, private steps: Map<Path, Step>) {}

  list(keys: Key[], value: Json | undefined, around: Around): StepList {
    const list: StepList = { path: pathText(keys), role: around.role, label: around.label, steps: [], owner: around.owner }
    if (Array.isArray(value)) {
      const node = nodeAt(this.doc, keys)
      const items = isSeq(node) ? node.items : []
      value.forEach((one, index) => {
        const step = this.step([...keys, index], one, items[index] as Node | undefined, list, around, index)
        list.steps.push(step)
      })
    }
    return list
  }

  private step(keys: Key[], value: Json, node: Node | undefined, list: StepList, around: Around, index: number): Step {
    const mapping = isMapping(value) ? value : {}
    const [start, end] = node?.range ?? [0, 0]
    const number = `${around.prefix}${index + 1}`
    const step: Step = {
      path: pathText(keys), kind: kindOf(mapping), id: textOf(mapping['id']), name: textOf(mapping['name']),
      value: mapping, range: { start, end }, line: this.lines.linePos(start).line, number, depth: around.depth,
      lists: [], parent: list,
    }
    this.steps.set(step.path, step)
    const inner = (inside: Key[], given: Json | undefined, role: StepList['role'], label: string | null, part: string) =>
      step.lists.push(this.list([...keys, ...inside], given,
        { role, label, owner: step, prefix: `${number}.${part}`, depth: around.depth + 1 }))
    if (step.kind === 'switch' && Array.isArray(mapping['switch']))
      mapping['switch'].forEach((one, position) => {
        const when = isMapping(one) ? one['when'] : undefined
        inner(['switch', position, 'steps'], isMapping(one) ? one['steps'] : undefined, 'case',
          when === undefined ? null : String(when), `${letter(position)}`)
      })
    else if (step.kind === 'parallel' && isMapping(mapping['parallel']))
      Object.entries(mapping['parallel']).forEach(([name, given], position) =>
        inner(['parallel', name], given, 'branch', name, `${letter(position)}`))
    else if (step.kind === 'steps' || step.kind === 'for_each' || step.kind === 'repeat')
      inner(['steps'], mapping['steps'], 'body', null, '')
    if (Array.isArray(mapping['on_error'])) inner(['on_error'], mapping['on_error'], 'on_error', null, 'E')
    return step
  }

  triggers(value: Json | undefined): Trigger[] {
    if (!isMapping(value)) return []
    return Object.entries(value).map(([kind, given]) => {
      const [start, end] = nodeAt(this.doc, ['trigger', kind])?.range ?? [0, 0]
      return { kind, path: at('trigger', kind), value: given, range: { start, end }, line: this.lines.linePos(start).line }
    })
  }
}

/** The kind of a step; of two keys the one that the checker takes. */
export function kindOf(step: Mapping): Kind | 'unknown' {
  let kinds = KINDS.filter((kind) => Object.hasOwn(step, kind))
  if (kinds.includes('for_each') || kinds.includes('repeat')) kinds = kinds.filter((one) => one !== 'steps')
  if (kinds.includes('call')) kinds = kinds.filter((one) => one !== 'wait')
  return kinds[0] ?? 'unknown'
}

function faultAt(lines: LineCounter, offset: number, message: string): TextFault {
  const { line, col } = lines.linePos(offset)
  return { message, line, column: col, offset }
}

function sentence(message: string): string {
  return message.endsWith('.') || message.endsWith(':') ? message.replace(/:$/, '.') : `${message}.`
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value ? value : null
}

function letter(position: number): string {
  return position < 26 ? String.fromCharCode(97 + position) : `z${position}`
}

function pathText(keys: readonly Key[]): Path {
  return keys.reduce<string>((path, key) => at(path, key), '')
}
