/**
 * A condition as rows of field, operator and value, joined by all or any; JMESPath in, JMESPath out. What rows
 * cannot say (a pipe, arithmetic, both joints at once) is no condition here: the form shows it as text.
 *
 * Written is this language's JMESPath: bare numbers, text in single quotes, `to_number(…)` around a field that
 * holds text where it is compared with a number, and `|| ''` where a missing field would be an error.
 */
import { isPath, scanned } from './jmespath'

export const OPERATORS = {
  is: 'is', is_not: 'is not', at_least: 'is at least', at_most: 'is at most', more_than: 'is more than', less_than: 'is less than',
  contains: 'contains', contains_not: 'does not contain', starts_with: 'starts with', ends_with: 'ends with',
  empty: 'is empty', not_empty: 'is not empty', there: 'is there and not false', not_there: 'is missing or false',
} as const
export type Operator = keyof typeof OPERATORS

/** `path` is another field; `text` of a number is as typed. */
export type ValueKind = 'text' | 'number' | 'boolean' | 'path' | 'null'
export interface Value { is: ValueKind; text: string }
export interface Row {
  /** A path; '' while none is chosen. */
  field: string
  operator: Operator
  /** null where the operator takes none. */
  value: Value | null
  /** The field holds text that is read as a number. */
  isNumber: boolean
}
export interface Condition { joint: 'all' | 'any'; rows: Row[] }

const SIGNS: Partial<Record<Operator, string>> = { is: '==', is_not: '!=', at_least: '>=', at_most: '<=', more_than: '>', less_than: '<' }
const BY_SIGN = Object.fromEntries(Object.entries(SIGNS).map(([name, sign]) => [sign, name])) as Record<string, Operator>
const MIRRORED: Record<string, string> = { '==': '==', '!=': '!=', '>=': '<=', '<=': '>=', '>': '<', '<': '>' }
const CALLS: Record<string, Operator> = { contains: 'contains', starts_with: 'starts_with', ends_with: 'ends_with' }
const BARE_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/

export function takesValue(operator: Operator): boolean {
  return !['empty', 'not_empty', 'there', 'not_there'].includes(operator)
}

export function isOrder(operator: Operator): boolean {
  return ['at_least', 'at_most', 'more_than', 'less_than'].includes(operator)
}

/** Whether a row says something yet; one that does not is left out of what is written. */
export function isWhole(row: Row): boolean {
  if (!isPath(row.field)) return false
  if (!takesValue(row.operator)) return true
  if (!row.value) return false
  if (row.value.is === 'path') return isPath(row.value.text)
  if (row.value.is === 'number') return isNumeric(row.value.text)
  return row.value.is !== 'text' || row.value.text !== '' || row.operator === 'is' || row.operator === 'is_not'
}

export function isNumeric(text: string): boolean { return text.trim() !== '' && Number.isFinite(Number(text)) }

/** The expression that the rows say; '' for none. */
export function writeCondition(condition: Condition): string {
  const parts = condition.rows.filter(isWhole).map(writeRow)
  return parts.join(condition.joint === 'all' ? ' && ' : ' || ')
}

function writeRow(row: Row): string {
  const field = row.isNumber ? `to_number(${row.field})` : row.field
  const sign = SIGNS[row.operator]
  if (sign) return `${field} ${sign} ${writeValue(row.value!)}`
  switch (row.operator) {
    case 'empty': return `is_empty(${field})`
    case 'not_empty': return `!is_empty(${field})`
    case 'there': return field
    case 'not_there': return `!${field}`
    case 'contains_not': return `!contains(${field} || '', ${writeValue(row.value!)})`
    default: return `${row.operator}(${field} || '', ${writeValue(row.value!)})`
  }
}

export function writeValue(value: Value): string {
  switch (value.is) {
    case 'text': return writeText(value.text)
    case 'number': return BARE_NUMBER.test(value.text) ? value.text : `\`${JSON.stringify(Number(value.text))}\``
    case 'boolean': return value.text === 'true' ? 'true' : 'false'
    case 'null': return 'null'
    case 'path': return value.text
  }
}

/** Text in single quotes; as JSON in backticks where those cannot hold it. */
function writeText(text: string): string {
  // eslint-disable-next-line no-control-regex
  if (/[\\\u0000-\u001f]/.test(text)) return `\`${JSON.stringify(text).replaceAll('`', '\\`')}\``
  return `'${text.replaceAll("'", "\\'")}'`
}

/** The rows that *source* says, or null where they cannot say it. Nothing at all is no row. */
export function parseCondition(source: string): Condition | null {
  const whole = scanned(source)
  if (!whole) return null
  const text = whole.unwrapped
  if (!text) return { joint: 'all', rows: [] }
  const either = scanned(text)!.split('||')
  const parts = either.length > 1 ? either : scanned(text)!.split('&&')
  const rows: Row[] = []
  for (const part of parts) {
    const row = parseRow(part)
    if (!row) return null
    rows.push(row)
  }
  return { joint: either.length > 1 ? 'any' : 'all', rows }
}

function parseRow(given: string): Row | null {
  const part = scanned(given)
  const text = part?.unwrapped
  if (!text) return null
  const inner = scanned(text)!
  if (inner.split('&&').length > 1 || inner.split('||').length > 1 || inner.split('|').length > 1) return null
  const compared = inner.comparison()
  if (compared) return comparedRow(compared.left, compared.sign, compared.right)
  const isNegated = text.startsWith('!')
  const rest = isNegated ? scanned(text.slice(1))!.unwrapped : text
  if (isPath(rest)) return { field: rest, operator: isNegated ? 'not_there' : 'there', value: null, isNumber: false }
  const call = /^([a-z_]+)\((.*)\)$/s.exec(rest)
  if (!call) return null
  const inside = scanned(call[2]!)
  const given_ = inside?.split(',').map((one) => one.trim())
  if (!given_) return null
  if (call[1] === 'is_empty' && given_.length === 1 && isPath(given_[0]!))
    return { field: given_[0]!, operator: isNegated ? 'not_empty' : 'empty', value: null, isNumber: false }
  const operator = CALLS[call[1]!]
  if (!operator || given_.length !== 2 || (isNegated && operator !== 'contains')) return null
  const field = given_[0]!.replace(/\s*\|\|\s*''$/, '')
  const value = readValue(given_[1]!)
  if (!isPath(field) || !value) return null
  return { field, operator: isNegated ? 'contains_not' : operator, value, isNumber: false }
}

function comparedRow(left: string, sign: string, right: string): Row | null {
  const field = readField(left)
  const value = readValue(right)
  if (field && value) return { ...field, operator: BY_SIGN[sign]!, value }
  const mirrored = readField(right)
  const other = readValue(left)
  return mirrored && other ? { ...mirrored, operator: BY_SIGN[MIRRORED[sign]!]!, value: other } : null
}

function readField(text: string): { field: string; isNumber: boolean } | null {
  const call = /^to_number\(\s*(.*?)\s*\)$/s.exec(text)
  const field = call ? call[1]! : text
  return isPath(field) ? { field, isNumber: call !== null } : null
}

function readValue(text: string): Value | null {
  if (text === 'null') return { is: 'null', text: '' }
  if (text === 'true' || text === 'false') return { is: 'boolean', text }
  if (/^-?\d+(\.\d+)?$/.test(text)) return { is: 'number', text }
  if (/^'(?:[^'\\]|\\.)*'$/s.test(text)) return { is: 'text', text: text.slice(1, -1).replaceAll("\\'", "'") }
  if (/^`(?:[^`\\]|\\.)*`$/s.test(text)) {
    try {
      const value: unknown = JSON.parse(text.slice(1, -1).replaceAll('\\`', '`'))
      if (typeof value === 'string') return { is: 'text', text: value }
      if (typeof value === 'number') return { is: 'number', text: text.slice(1, -1).trim() }
      if (typeof value === 'boolean') return { is: 'boolean', text: String(value) }
      return value === null ? { is: 'null', text: '' } : null
    } catch { return null }
  }
  return isPath(text) ? { is: 'path', text } : null
}
