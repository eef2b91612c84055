/** What may be written at a caret: keys, actions, connections, step ids, the fields of the chosen event, functions. */
import type { Catalogue, Connection, EventData, Json, Key, PreviewStep, Schema } from '../types'
import { isMapping, type Model } from '../text/model'
import { mappingAt, spotAt, type Spot } from './place'
import { keysOf, narrowed, sentenceOf, valuesOf } from './schema'

/** All that is known of the place beside the text: what is not loaded yet is null. */
export interface Known {
  schema: Schema | null
  catalogue: Catalogue | null
  connections: Connection[] | null
  secrets: string[]
  data: EventData | null
  model: Model
  results: readonly PreviewStep[]
}

export interface Option {
  label: string
  /** A word such as 'key' or 'action', which chooses the icon. */
  type: 'key' | 'action' | 'connection' | 'field' | 'function' | 'value' | 'step'
  detail?: string
  info?: string
  /** What is written; '¦' in it is where the caret goes. Without it the label. */
  apply?: string
  boost?: number
}

export interface Options { from: number; options: Option[] }

/** Keys whose text is an expression as a whole; elsewhere expressions stand in {{ … }}. */
const EXPRESSIONS = new Set(['filter', 'transform', 'if', 'when', 'for_each', 'until', 'where', 'key', 'output', 'deduplicate', 'split'])
const ROOTS: readonly (readonly [string, string])[] = [
  ['payload', 'What was sent'], ['steps', 'What the steps before gave'], ['vars', "The workflow's constants"],
  ['event', 'The event: id, type, headers, received_at'], ['trigger', 'What started the run'], ['run', 'This run'],
  ['item', 'Inside for_each: the present item'], ['index', 'Inside for_each: its number from 0'],
  ['error', 'In on_failure and on_error: what went wrong'],
]

/** The options at *offset* of *text*; null where nothing can be said. */
export function complete(text: string, offset: number, known: Known, explicit: boolean): Options | null {
  const spot = spotAt(text, offset)
  const brothers = (keys: readonly Key[]) => mappingAt(text, offset, keys)
  if (spot.part === 'key') return explicit || spot.typed ? keyOptions(spot, known, brothers) : null
  const within = expressionBefore(spot)
  if (within !== null) return nameOptions(spot, within, known)
  return valueOptions(spot, known, brothers)
}

function keyOptions(spot: Spot, known: Known, brothers: (keys: readonly Key[]) => Map<string, string>): Options | null {
  if (!known.schema) return null
  const root = known.schema
  const given = brothers(spot.keys)
  const found = keysOf(root, narrowed(root, spot.keys, brothers))
  const options: Option[] = []
  for (const [name, { schema, isRequired }] of found) {
    if (given.has(name) && name !== spot.typed) continue
    options.push({ label: name, type: 'key', boost: isRequired ? 2 : 0, ...(isRequired ? { detail: 'needed' } : {}),
      ...(schema.description ? { info: schema.description } : {}), apply: `${name}: ¦` })
  }
  return options.length ? { from: spot.from, options } : null
}

function valueOptions(spot: Spot, known: Known, brothers: (keys: readonly Key[]) => Map<string, string>): Options | null {
  const key = spot.keys.at(-1)
  const around = spot.keys.slice(0, -1)
  const from = spot.from
  if (key === 'action' && known.catalogue) {
    const isAlone = !brothers(around).has('with')
    return { from, options: known.catalogue.actions.map((one) => ({
      label: one.name, type: 'action', info: one.summary.replace(/(\S)\n(?=\S)/g, '$1 '), ...(isAlone ? { apply: actionSnippet(one.name, one.inputs, spot, known) } : {}),
    })) }
  }
  if (key === 'connection' && known.connections) {
    const action = brothers(around).get('action')
    const kinds = known.catalogue?.actions.find((one) => one.name === action)?.connection_kinds
    return { from, options: known.connections.map((one) => ({
      label: one.name, type: 'connection', detail: one.kind, boost: kinds && !kinds.includes(one.kind) ? -20 : 1 })) }
  }
  if (key === 'secret' || around.at(-1) === 'secret')
    return { from, options: known.secrets.map((label) => ({ label, type: 'value', detail: 'secret' })) }
  if (!known.schema) return null
  const values = valuesOf(narrowed(known.schema, spot.keys, brothers))
  return values.length ? { from, options: values.map((label) => ({ label, type: 'value' })) } : null
}

/** The names that may begin or go on with what is typed in an expression. */
function nameOptions(spot: Spot, before: string, known: Known): Options | null {
  const path = /([\w-]+(?:\[\d*\]|\.[\w-]+|\."[^"]*")*)\.([\w-]*)$/.exec(before + spot.typed)
  if (path) {
    const value = valueOf(path[1]!, known)
    const from = spot.from + spot.typed.length - path[2]!.length
    const sample: Json | undefined = Array.isArray(value) ? value[0] : value
    if (!isMapping(sample)) return null
    return { from, options: Object.entries(sample).map(([name, one]) => ({
      label: name, type: 'field', detail: inWords(one), ...(/^[A-Za-z_]\w*$/.test(name) ? {} : { apply: `"${name}"` }) })) }
  }
  const word = /[\w]*$/.exec(spot.typed)![0]
  const from = spot.from + spot.typed.length - word.length
  if (/\|\s*$/.test((before + spot.typed).slice(0, -word.length || undefined)) && isInTemplate(spot))
    return { from, options: filters(known) }
  const options: Option[] = ROOTS.map(([label, info]) => ({ label, type: 'field', info, boost: 5 }))
  for (const one of known.catalogue?.functions ?? [])
    options.push({ label: one.name, type: 'function', detail: one.signature, info: one.sentence, apply: `${one.name}(¦)` })
  return { from, options }
}

function filters(known: Known): Option[] {
  const given = known.catalogue?.filters
  return (Array.isArray(given) ? given : []).flatMap((one) =>
    isMapping(one) && typeof one['name'] === 'string'
      ? [{ label: one['name'], type: 'function' as const, info: typeof one['sentence'] === 'string' ? one['sentence'] : '' }]
      : typeof one === 'string' ? [{ label: one, type: 'function' as const }] : [])
}

/** What *path* stands for on the chosen event, as far as it is known. */
function valueOf(path: string, known: Known): Json | undefined {
  const [first, ...rest] = [...path.matchAll(/\[(\d*)\]|"([^"]*)"|([\w-]+)/g)].map((one) => (one[1] !== undefined ? Number(one[1] || 0) : (one[2] ?? one[3]!)))
  let value: Json | undefined
  if (first === 'payload') value = known.data?.payload
  else if (first === 'vars') value = known.model.value['vars']
  else if (first === 'event') value = known.data?.event
  else if (first === 'steps') {
    const outputs = new Map(known.results.map((one) => [one.id, one.output]))
    value = Object.fromEntries([...known.model.steps.values()].filter((one) => one.id).map((one) => [one.id!, outputs.get(one.id) ?? null]))
  } 
  for (const key of rest) {
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined
    else if (isMapping(value)) value = value[String(key)]
    else return undefined
  }
  return value
}

/** What of an expression stands before the caret; null outside of one. */
export function expressionBefore(spot: Spot): string | null {
  const open = spot.before.lastIndexOf('{{')
  if (open >= 0) return spot.before.includes('}}', open) ? null : spot.before.slice(open + 2)
  const key = spot.keys.findLast((one) => typeof one === 'string')
  const isCondition = typeof key === 'string' && EXPRESSIONS.has(key) && !spot.keys.includes('with') && !spot.keys.includes('vars')
  return isCondition || spot.keys.includes('transform') ? spot.before.replace(/^\s*["']?/, '') : null
}

function isInTemplate(spot: Spot): boolean { return spot.before.includes('{{') }

/** The action's name and, beneath, the inputs that it needs. */
function actionSnippet(name: string, input: Schema, spot: Spot, known: Known): string {
  const needed = input.required ?? []
  const kinds = known.catalogue?.actions.find((one) => one.name === name)?.connection_kinds ?? []
  const fits = known.connections?.filter((one) => kinds.includes(one.kind)) ?? []
  const indent = ' '.repeat(spot.column)
  const lines = [name]
  if (kinds.length) lines.push(`${indent}connection: ${fits.length === 1 ? fits[0]!.name : ''}`)
  if (needed.length) lines.push(`${indent}with:`, ...needed.map((one, index) => `${indent}  ${one}: ${index ? '' : '¦'}`))
  else if (Object.keys(input.properties ?? {}).length) lines.push(`${indent}with:`, `${indent}  ¦`)
  return lines.join('\n')
}

function inWords(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `list of ${value.length}`
  if (typeof value === 'object') return 'object'
  const text = String(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

/** The sentence on what stands at *offset*: a key, an action, a function. Null where there is nothing to say. */
export function explain(text: string, offset: number, known: Known): { from: number; to: number; title: string; sentence: string; more: string[] } | null {
  const before = /[\w.$-]*$/.exec(text.slice(0, offset))![0].length
  const after = /^[\w.$-]*/.exec(text.slice(offset))![0].length
  const [from, to] = [offset - before, offset + after]
  const word = text.slice(from, to)
  if (!word) return null
  const action = known.catalogue?.actions.find((one) => one.name === word)
  if (action) {
    const inputs = Object.entries(action.inputs.properties ?? {}).map(([name, one]) =>
      `${name}${action.inputs.required?.includes(name) ? ' (needed)' : ''}${one.description ? `: ${one.description}` : ''}`)
    return { from, to, title: action.name, sentence: action.summary, more: inputs }
  }
  const spot = spotAt(text, to)
  if (spot.part === 'value' && expressionBefore(spot) !== null) {
    const found = known.catalogue?.functions.find((one) => one.name === word)
    return found ? { from, to, title: found.signature, sentence: found.sentence, more: [] } : null
  }
  if (text[to] !== ':' || !known.schema) return null
  const inside = spotAt(text, to + 1)
  if (inside.part !== 'value') return null
  const sentence = sentenceOf(narrowed(known.schema, inside.keys, (keys) => mappingAt(text, offset, keys)))
  return sentence ? { from, to, title: word, sentence, more: [] } : null
}
