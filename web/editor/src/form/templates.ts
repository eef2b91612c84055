/** A template as text and pills: each `{{ … }}` is a pill with a name; together they are the source again. */
import { cut } from '../words/conditions'
import { segmentsOf } from './jmespath'

export type Part = { is: 'text'; text: string } | { is: 'pill'; text: string; inside: string }

const FILTERS: Record<string, string> = {
  join: 'joined', lower: 'small letters', upper: 'capitals', length: 'how many', first: 'first', last: 'last', sort: 'sorted',
  tojson: 'as JSON', to_json: 'as JSON', trim: 'trimmed', round: 'rounded', format_date: 'as date', format_number: 'as number',
}
/** Names that say little without what they belong to. */
const GENERAL = new Set(['id', 'name', 'email', 'value', 'text', 'url', 'key', 'type', 'title', 'status', 'address', 'code', 'number', 'date', 'first_name', 'last_name'])
const JINJA_PATH = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\]|\['[^'\\]*'\]|\["[^"\\]*"\])*$/

/** The parts of *source*; what is not closed is text. Joined, they are *source*. */
export function partsOf(source: string): Part[] {
  const parts: Part[] = []
  let from = 0
  for (let open = source.indexOf('{{'); open >= 0; open = source.indexOf('{{', from)) {
    const end = closing(source, open + 2)
    if (end < 0) break
    if (open > from) parts.push({ is: 'text', text: source.slice(from, open) })
    const text = source.slice(open, end + 2)
    parts.push({ is: 'pill', text, inside: text.slice(2, -2).replace(/^[-+]|[-+]$/g, '').trim() })
    from = end + 2
  }
  if (from < source.length || !parts.length) parts.push({ is: 'text', text: source.slice(from) })
  return parts
}

/** Whether pills can show it: no `{% … %}`, no comment, and none of the invisible characters that hold the caret. */
export function canBePills(source: string): boolean {
  return !/\{%|\{#|\u200b/.test(source)
}

export function hasPill(source: string): boolean {
  return partsOf(source).some((one) => one.is === 'pill')
}

/** What a pill is called: `steps.order.skus | join(', ')` → "skus, joined". */
export function pillName(inside: string): string {
  const [head = '', ...filters] = splitPipes(inside)
  const name = JINJA_PATH.test(head) ? pathName(head) : cut(head, 32)
  const said = filters.map((one) => /^\w+/.exec(one)?.[0] ?? one).filter((one) => one !== 'default')
  return [name || '…', ...said.map((one) => FILTERS[one] ?? one.replaceAll('_', ' '))].join(', ')
}

/** JMESPath of the data tree as a template's `{{ … }}`. */
export function pillOf(path: string): string {
  const segments = segmentsOf(path)
  if (!segments) return `{{ ${path} }}`
  const list = segments.indexOf(null)
  if (list > 0) {  // a projection is JMESPath's: its function says it here
    const rest = segments.slice(1).map((one, index) => one === null ? '[]' : typeof one === 'number' ? `[${one}]`
      : `${index ? '.' : ''}${/^[A-Za-z_]\w*$/.test(one) ? one : JSON.stringify(one)}`).join('')
    return `{{ ${String(segments[0])} | jmespath(${quoted(rest)}) }}`
  }
  const [root, ...rest] = segments
  return `{{ ${String(root)}${rest.map((one) => typeof one === 'number' ? `[${one}]`
    : /^[A-Za-z_]\w*$/.test(one!) ? `.${one}` : `[${quoted(one!)}]`).join('')} }}`
}

function quoted(text: string): string { return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` }

function pathName(path: string): string {
  const names = [...path.matchAll(/([A-Za-z_]\w*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]/g)]
    .filter((one) => one[2] === undefined).map((one) => one[1] ?? one[3] ?? one[4] ?? '')
  const last = names.at(-1) ?? path
  const before = names.at(-2)
  const isRoot = !before || ['payload', 'vars', 'steps', 'event', 'run', 'item', 'error', 'secrets', 'headers'].includes(before)
  return `${GENERAL.has(last) && !isRoot ? `${before} ` : ''}${last}`.replace(/[_-]+/g, ' ')
}

/** Where the `}}` of what opened before *at* stands, quotes skipped; -1 where it is not closed. */
function closing(source: string, at: number): number {
  for (; at < source.length; at++) {
    const one = source[at]!
    if (one === "'" || one === '"') {
      const end = endOfQuote(source, at)
      if (end < 0) return source.indexOf('}}', at)
      at = end
    } else if (source.startsWith('}}', at)) return at
    else if (source.startsWith('{{', at)) return -1
  }
  return -1
}

function endOfQuote(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === source[start]) return at
  }
  return -1
}

function splitPipes(inside: string): string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < inside.length; at++) {
    if (inside[at] === "'" || inside[at] === '"') {
      const end = endOfQuote(inside, at)
      if (end < 0) break
      at = end
    } else if (inside[at] === '|') {
      parts.push(inside.slice(from, at).trim())
      from = at + 1
    }
  }
  return [...parts, inside.slice(from).trim()]
}

