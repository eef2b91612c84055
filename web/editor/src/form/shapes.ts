/** What control a value gets: from the catalogue's keys of the language, and from the JSON Schema of an action's input. */
import { isMapping } from '../text/model'
import type { CatalogueKey, Json, Mapping, Schema } from '../types'

export type Shape =
  | { is: 'template'; isLong: boolean }
  | { is: 'text'; placeholder: string; isLong?: boolean }
  | { is: 'expression'; isCondition: boolean }
  /** A JMESPath, or a mapping or list whose leaves are such. */
  | { is: 'expressions' }
  | { is: 'number'; isWhole: boolean; least: number | null; most: number | null }
  | { is: 'boolean' }
  | { is: 'enum'; options: Option[] }
  /** Some of a few. */
  | { is: 'several'; options: Option[] }
  | { is: 'list'; item: Shape }
  | { is: 'one_or_more'; item: Shape }
  | { is: 'map'; value: Shape; names?: string }
  | { is: 'object'; fields: FieldSpec[] }
  /** Text, a list or names and values; templates at the leaves. */
  | { is: 'any' }
  /** As YAML. */
  | { is: 'raw' }
  | { is: 'union'; variants: Variant[] }
  /** A secret's name, or several. */
  | { is: 'secret' }

export interface Option { value: Json; label: string; about: string }
export interface Variant { label: string; shape: Shape | null; initial: Json; fits: (value: Json) => boolean }
export interface FieldSpec {
  name: string
  label: string
  help: string
  isRequired: boolean
  shape: Shape
  /** Whether a `{{ … }}` may stand in place of what the control gives. */
  canTemplate: boolean
  example: Json
  /** What holds where nothing is set, as far as the schema says it. */
  standard?: Json
}
/** Blocks of keys by name, as the catalogue has them. */
export type Blocks = Record<string, CatalogueKey[]>

const LONG = /^(text|html|body|message|content|description|markdown|mrkdwn|query|sql|prompt|note|comment|notes|instructions|system|caption|summary)$/
const CONDITIONS = new Set(['filter', 'if', 'when', 'until'])
const LABELS: Record<string, string> = {
  if: 'Only if', as: 'Name of each item', for: 'For how long', on: 'After which faults', id: 'Id', url: 'URL', cc: 'CC', bcc: 'BCC',
  html: 'HTML', text: 'Message', json: 'JSON body', vars: 'Constants', formerly: 'Former names', for_each: 'For each of', on_item_error: 'When an item fails',
  filter: 'Continue if', when: 'When', call: 'Workflow', respond: 'Answer', cors: 'Allowed origins', allow_ips: 'Allowed addresses', max_body: 'Largest body',
  max_file: 'Largest file', expect_every: 'Expected at least every', split: 'One run for each of', after_crash: 'After a crash', on_error: 'When it fails for good',
  deduplicate: 'Repeated events', answer: 'What the sender hears', title: 'Name of a run', methods: 'Methods', jwt: 'JWT', hmac: 'HMAC',
  stop: 'Message', fail: 'Message', template: 'Text', concurrency: 'At the same time', once_by: 'Only once by', redact: 'Hidden in history', wait: 'Wait',
}
const WORDS: Record<string, string> = {
  accepted: 'Accepted, at once', result: 'The result', fail: 'Fail the run', continue: 'Go on without it', reject: 'Refuse it',
  accept_and_record: 'Take it and note it', queue: 'Wait for its turn', drop: 'Drop it', replace: 'Replace what waits and goes',
  skip: 'Skip it', remember: 'Remember them', run: 'Run for each', repeat: 'Make the call again', stop: 'Stop for a person',
  live: 'Live', shadow: 'Shadow: send nothing', retry: 'Run again', ignore: 'Ignore it', none: 'None', one: 'The last one', all: 'All',
}

/** `on_item_error` → "On item error", or the words that it has. */
export function labelOf(name: string): string {
  return LABELS[name] ?? (name.charAt(0).toUpperCase() + name.slice(1)).replace(/_+/g, ' ').replace(/\b(url|api|ip|html|json|sms|sql|tls|cc)\b/gi, (one) => one.toUpperCase())
}

// ── keys of the language ────────────────────────────────────────────────────────────────────────────

/** The form's fields for *keys*; *blocks* has what keys hold. */
export function fieldsOfKeys(keys: readonly CatalogueKey[], blocks: Blocks): FieldSpec[] {
  return keys.map((key) => fieldOfKey(key, blocks))
}

export function fieldOfKey(key: CatalogueKey, blocks: Blocks): FieldSpec {
  return { name: key.name, label: labelOf(key.name), help: plain(key.sentence), isRequired: key.required, shape: shapeOfKey(key, blocks),
    canTemplate: false, example: key.example }
}

function shapeOfKey(key: CatalogueKey, blocks: Blocks): Shape {
  const options = key.schema.anyOf && key.reads.length > 1 ? key.schema.anyOf : [key.schema]
  const shapes = key.reads.map((reads, index) => shapeOfReading(key, reads, options[index] ?? key.schema, blocks))
  if (shapes.length === 1) return shapes[0]!
  return { is: 'union', variants: key.reads.flatMap((reads, index) => variantsOf(key, reads, options[index] ?? {}, shapes[index]!)) }
}

function shapeOfReading(key: CatalogueKey, reads: string, schema: Schema, blocks: Blocks): Shape {
  const placeholder = typeof key.example === 'string' ? key.example : ''
  switch (reads) {
    case 'expression': return { is: 'expression', isCondition: CONDITIONS.has(key.name) }
    case 'expressions': return { is: 'expressions' }
    case 'template': return { is: 'template', isLong: ['stop', 'fail', 'message'].includes(key.name) }
    case 'templates': return key.name === 'headers' ? { is: 'map', value: { is: 'template', isLong: false } } : { is: 'any' }
    case 'inputs': case 'vars': return { is: 'map', value: { is: 'any' } }
    case 'block': case 'rounds': return blockShape(schema, blocks)
    case 'secrets': return { is: 'secret' }
    case 'one_or_more': return { is: 'one_or_more', item: { is: 'text', placeholder } }
    case 'text': case 'duration': case 'zone': case 'id': case 'url': case 'size': case 'rate': case 'field': case 'signed': case 'fingerprint':
      return { is: 'text', placeholder, isLong: key.name === 'description' }
    case 'status': return { is: 'number', isWhole: true, least: 200, most: 599 }
    case 'json_schema': case 'steps': case 'cases': case 'branches': case 'verify': return { is: 'raw' }
    default: return valueShape(schema, placeholder)
  }
}

function valueShape(schema: Schema, placeholder: string): Shape {
  if (schema.enum) return { is: 'enum', options: schema.enum.map(option) }
  if (schema.type === 'boolean') return { is: 'boolean' }
  if (schema.type === 'integer' || schema.type === 'number')
    return { is: 'number', isWhole: schema.type === 'integer', least: schema.minimum ?? null, most: schema.maximum ?? null }
  if (schema.type === 'array') {
    const choices = schema.items?.enum?.map(option) ?? schema.items?.oneOf?.map((one) => ({ value: one.const ?? null, label: words(one.const ?? null), about: one.description ?? '' }))
    return choices ? { is: 'several', options: choices } : { is: 'list', item: { is: 'text', placeholder } }
  }
  return schema.type === 'object' ? { is: 'raw' } : { is: 'text', placeholder }
}

function blockShape(schema: Schema, blocks: Blocks): Shape {
  const keys = blocks[schema.$ref?.split('/').at(-1) ?? '']
  return keys ? { is: 'object', fields: fieldsOfKeys(keys, blocks) } : { is: 'raw' }
}

function variantsOf(key: CatalogueKey, reads: string, schema: Schema, shape: Shape): Variant[] {
  if (reads === 'off') return [{ label: key.name === 'retry' ? 'Never' : 'Off', shape: null, initial: false, fits: (value) => value === false }]
  if (shape.is === 'enum')
    return shape.options.map((one) => ({ label: one.label, shape: null, initial: one.value, fits: (value: Json) => value === one.value }))
  if (shape.is === 'object') {
    const names = shape.fields.map((one) => one.name)
    return [{ label: blockLabel(key.name, names), shape, initial: initialOf(shape), fits: (value) => isMapping(value) && Object.keys(value).every((one) => names.includes(one)) }]
  }
  if (reads === 'steps') return [{ label: 'Run other steps', shape: null, initial: [], fits: Array.isArray }]
  return [{ label: key.takes.includes('duration') ? 'A time' : labelOf(schema.type === 'array' ? 'a list' : 'a value'), shape,
    initial: shape.is === 'list' ? [] : '', fits: (value) => (shape.is === 'list') === Array.isArray(value) && !isMapping(value) && value !== false }]
}

function blockLabel(key: string, names: string[]): string {
  if (key === 'answer') return names.includes('wait') ? 'The result, waiting as long as said' : 'A fixed answer'
  if (key === 'wait') return 'Until a date'
  if (key === 'deduplicate') return 'By a key of your own'
  if (key === 'retry') return 'As set here'
  return 'As set here'
}

/** What a mapping begins with: its required keys, empty. */
export function initialOf(shape: Shape): Json {
  if (shape.is !== 'object') return ''
  return Object.fromEntries(shape.fields.filter((one) => one.isRequired).map((one) => [one.name, typeof one.example === 'object' ? '' : (one.example ?? '')]))
}

// ── inputs of actions ───────────────────────────────────────────────────────────────────────────────

/** The form's fields for an action's inputs: what is needed first, in the schema's order. */
export function fieldsOfInputs(schema: Schema, root: Schema = schema): FieldSpec[] {
  const needed = new Set(schema.required ?? [])
  const fields = Object.entries(schema.properties ?? {}).map(([name, one]) => {
    const shape = shapeOfSchema(one, root, name)
    return { name, label: labelOf(name), help: plain(one.description ?? deref(one, root).description ?? ''), isRequired: needed.has(name), shape,
      canTemplate: ['number', 'boolean', 'enum', 'several', 'list', 'map', 'object', 'one_or_more'].includes(shape.is),
      example: one.examples?.[0] ?? null, standard: one.default ?? null }
  })
  return [...fields.filter((one) => one.isRequired), ...fields.filter((one) => !one.isRequired)]
}

/** The control for one input; `null` in a choice of types says only that it may be left out. */
export function shapeOfSchema(given: Schema, root: Schema, name = '', depth = 0): Shape {
  const schema = deref(given, root)
  if (depth > 6) return { is: 'raw' }
  const choices = (schema.anyOf ?? schema.oneOf)?.map((one) => deref(one, root)).filter((one) => one.type !== 'null')
  if (choices) return shapeOfChoices(choices, root, name, depth)
  if (schema.enum) return { is: 'enum', options: schema.enum.map(option) }
  switch (schema.type) {
    case 'boolean': return { is: 'boolean' }
    case 'integer': case 'number':
      return { is: 'number', isWhole: schema.type === 'integer', least: schema.minimum ?? null, most: schema.maximum ?? null }
    case 'string': return schema.format === 'constant' ? { is: 'text', placeholder: '', isLong: LONG.test(name) }
      : { is: 'template', isLong: schema.format === 'html' || LONG.test(name) }
    case 'array': {
      const items = deref(schema.items ?? {}, root)
      if (items.enum) return { is: 'several', options: items.enum.map(option) }
      return { is: 'list', item: shapeOfSchema(items, root, name.replace(/s$/, ''), depth + 1) }
    }
    case 'object': {
      if (schema.properties && Object.keys(schema.properties).length) return { is: 'object', fields: fieldsOfInputs(schema, root) }
      const inner = schema.additionalProperties
      return { is: 'map', value: isMapping(inner) ? shapeOfSchema(inner as Schema, root, '', depth + 1) : { is: 'any' } }
    }
    default: return { is: 'any' }
  }
}

function shapeOfChoices(choices: Schema[], root: Schema, name: string, depth: number): Shape {
  if (choices.length === 1) return shapeOfSchema(choices[0]!, root, name, depth + 1)
  const kinds = choices.map((one) => one.type)
  if (kinds.every((one) => one === 'integer' || one === 'number')) return { is: 'number', isWhole: false, least: null, most: null }
  const isScalar = (kind: Schema['type']) => kind === 'string' || kind === 'integer' || kind === 'number' || kind === 'boolean'
  if (kinds.every(isScalar)) return { is: 'template', isLong: LONG.test(name) }
  const lists = choices.filter((one) => one.type === 'array')
  if (lists.length === 1 && choices.filter((one) => one !== lists[0]).every((one) => isScalar(one.type))) {
    const item = shapeOfSchema(lists[0]!.items ?? {}, root, name, depth + 1)
    return item.is === 'template' || item.is === 'number' ? { is: 'one_or_more', item } : { is: 'any' }
  }
  return { is: 'any' }
}

function deref(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  const found = name ? root.$defs?.[name] : undefined
  return found ? { ...found, ...(schema.description ? { description: schema.description } : {}) } : schema
}

function option(value: Json): Option { return { value, label: words(value), about: '' } }
function words(value: Json): string { return typeof value === 'string' ? (WORDS[value] ?? value) : String(value) }

/** A sentence of the reference without its marks. */
export function plain(sentence: string): string {
  const text = sentence.replace(/`([^`]*)`/g, '$1').trim()
  return text && !/[.!?…)]$/.test(text) ? `${text}.` : text
}

/** What a new item of a list is. */
export function emptyOf(shape: Shape): Json {
  switch (shape.is) {
    case 'object': case 'map': return Object.fromEntries(shape.is === 'object' ? shape.fields.filter((one) => one.isRequired).map((one) => [one.name, '']) : []) as Mapping
    case 'list': case 'several': return []
    case 'boolean': return true
    case 'number': return shape.least ?? 1
    case 'enum': return shape.options[0]?.value ?? ''
    default: return ''
  }
}
