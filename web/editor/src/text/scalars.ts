/** Values written as YAML: in the style that stands there, so that a file keeps its looks. */
import { parseDocument, stringify, type ToStringOptions } from 'yaml'
import type { Json } from '../types'

/** Where a value is to stand. `indent` is that of the lines of a block below a key. */
export interface Spot { flow: boolean; indent: number; eol: string }
export type Style = 'PLAIN' | 'QUOTE_SINGLE' | 'QUOTE_DOUBLE' | 'BLOCK_LITERAL' | 'BLOCK_FOLDED'

const OPTIONS: ToStringOptions = { lineWidth: 0, minContentWidth: 0 }
// what other readers of YAML take for true, false or a number of their own
const OTHERS_READ = /^(y|n|yes|no|on|off|true|false|null|~|[-+]?0[0-7_]+|[-+]?[0-9_]+(:[0-5]?[0-9])+|\d{4}-\d\d?-\d\d?.*)$/i
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const UNPRINTABLES = new RegExp(UNPRINTABLE.source, 'g')

export function isScalarValue(value: Json): value is null | boolean | number | string {
  return value === null || typeof value !== 'object'
}

/** A scalar's source, in *style* where that can hold it. */
export function scalarSource(value: null | boolean | number | string, spot: Spot, style: Style = 'PLAIN'): string {
  if (typeof value !== 'string') return value === null ? 'null' : stringify(value, OPTIONS).trim()
  if (value.includes('\n')) {
    if (!spot.flow && style !== 'QUOTE_DOUBLE' && canBeBlock(value)) return blockSource(value, spot)
    return doubleQuoted(value)
  }
  if (UNPRINTABLE.test(value)) return doubleQuoted(value)
  if (style.startsWith('BLOCK') && !spot.flow && canBeBlock(value)) return blockSource(value, spot)
  if (style === 'QUOTE_SINGLE') return `'${value.replaceAll("'", "''")}'`
  if (style === 'QUOTE_DOUBLE') return doubleQuoted(value)
  return isPlain(value, spot.flow) ? value : doubleQuoted(value)
}

/** Whether *value* can stand without quotes and is read as that text by everyone. */
export function isPlain(value: string, flow: boolean): boolean {
  if (!value || value.trim() !== value || OTHERS_READ.test(value) || UNPRINTABLE.test(value)) return false
  if (/^[-?:,[\]{}#&*!|>'"%@`]/.test(value) && !/^[-?:][^\s,[\]{}]/.test(value)) return false
  if (/:(\s|$)|\s#|^(---|\.\.\.)/.test(value) || (flow && /[,[\]{}]|:["']/.test(value))) return false
  const doc = parseDocument(flow ? `[${value}]` : `k: ${value}`, { logLevel: 'silent', prettyErrors: false })
  if (doc.errors.length) return false
  const read = doc.getIn(flow ? [0] : ['k'])
  return read === value
}

export function doubleQuoted(value: string): string {
  return JSON.stringify(value).replace(UNPRINTABLES, (one) => {
    const code = one.charCodeAt(0)
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

function canBeBlock(value: string): boolean {
  return !UNPRINTABLE.test(value) && !/^\s|\n[ \t]+(\n|$)|\n\n$/.test(value) && value.trim() !== ''
}

/** `|-` (or `|`, of a text that ends in a line break) and its lines. */
function blockSource(value: string, spot: Spot): string {
  const isOpen = value.endsWith('\n')
  const chomp = isOpen ? '' : '-'
  const lines = (isOpen ? value.slice(0, -1) : value).split('\n').map((line) => (line ? ' '.repeat(spot.indent) + line : ''))
  return `|${chomp}${spot.eol}${lines.join(spot.eol)}`
}

/** A mapping or list on one line: `{channel: "#sales", text: Hi}`. */
export function flowSource(value: Json): string {
  const spot = { flow: true, indent: 0, eol: '\n' }
  if (isScalarValue(value)) return scalarSource(value, spot)
  if (Array.isArray(value)) return `[${value.map(flowSource).join(', ')}]`
  const pairs = Object.entries(value).map(([key, one]) => `${keySource(key, true)}: ${flowSource(one)}`)
  return `{${pairs.join(', ')}}`
}

export function keySource(key: string, flow = false): string {
  return isPlain(key, flow) ? key : doubleQuoted(key)
}

/**
 * Any value as the lines of a block whose first line has no indentation and the others *indent* spaces; a
 * scalar or an empty collection is one line. Lists of a key stand two spaces in, as `indent` of `key:`.
 */
export function blockLines(value: Json, indent: number, eol: string): string {
  if (isScalarValue(value)) return scalarSource(value, { flow: false, indent: indent + 2, eol })
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (!value.length) return '[]'
    return value.map((one) => `- ${blockLines(one, indent + 2, eol)}`).join(eol + pad)
  }
  const pairs = Object.entries(value)
  if (!pairs.length) return '{}'
  return pairs.map(([key, one]) => pairSource(key, one, indent, eol)).join(eol + pad)
}

/** `key: value`, the value's lines indented below *indent*. */
export function pairSource(key: string, value: Json, indent: number, eol: string): string {
  const name = keySource(key)
  if (isScalarValue(value)) return `${name}: ${scalarSource(value, { flow: false, indent: indent + 2, eol })}`
  const isEmpty = Array.isArray(value) ? !value.length : !Object.keys(value).length
  if (isEmpty) return `${name}: ${Array.isArray(value) ? '[]' : '{}'}`
  if (Array.isArray(value) && value.every((one) => isScalarValue(one) && !String(one).includes('\n')) && flowSource(value).length < 72)
    return `${name}: ${flowSource(value)}`
  const inner = indent + 2
  return `${name}:${eol}${' '.repeat(inner)}${blockLines(value, inner, eol)}`
}
