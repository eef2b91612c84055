// What differs of one difference of a backtest, leaf by leaf: of the requests where both are known, else of the inputs.
import type { BacktestDifference } from '../api'
import type { Json } from '../types'

export type Change = { path: string; before: string; after: string }
const MOST = 12
const LONGEST = 300

export function changes(one: BacktestDifference): Change[] {
  if (one.what === 'end') return [{ path: '', before: part(one.before, 'sentence'), after: part(one.after, 'sentence') }]
  const [before, after] = one.what === 'call' ? compared(one) : [one.before, one.after]
  const found: Change[] = []
  walk(before ?? undefined, after ?? undefined, '', found)
  return found.slice(0, MOST)
}

function compared({ before, after }: BacktestDifference): [Json | undefined, Json | undefined] {
  if (!isObject(before) || !isObject(after)) return [sent(before), sent(after)]
  if (before.request && after.request) return [plain(before.request), plain(after.request)]
  return [{ name: before.name, connection: before.connection, input: before.input } as Json, { name: after.name, connection: after.connection, input: after.input } as Json]
}
function sent(call: Json): Json | undefined {
  if (!isObject(call)) return undefined
  return isObject(call.request) ? `${call.request.method} ${call.request.url}` : call.input
}
function plain(request: Json): Json {
  if (!isObject(request)) return request
  const { method, url, headers, body } = request
  return { method, url, headers, body } as Json
}
function walk(before: Json | undefined, after: Json | undefined, path: string, found: Change[]): void {
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) walk(before[name], after[name], path ? `${path}.${name}` : name, found)
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) walk(before[at], after[at], `${path}[${at}]`, found)
  } else if (JSON.stringify(before) !== JSON.stringify(after)) found.push({ path, before: shown(before), after: shown(after) })
}
function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
}
function part(value: Json, name: string): string { return isObject(value) ? String(value[name] ?? '') : '' }
function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
