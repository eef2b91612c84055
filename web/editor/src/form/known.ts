/** What is known of the data an expression sees, from the chosen event and the last preview: for suggestions and types. */
import { isMapping, type Model } from '../text/model'
import type { EventData, Json, Mapping, PreviewResult } from '../types'
import { pathOfSegments, segmentsOf } from './jmespath'

const MOST = 400
const DEEP = 6
const MOST_ITEMS = 1

export interface Suggestion { path: string; value: Json }

/** All names at the root with what they hold now. */
export function knownNames(model: Model, data: EventData | null, preview: PreviewResult | null): Mapping {
  const outputs: Mapping = {}
  for (const step of preview?.steps ?? []) if (step.id && step.output !== null) outputs[step.id] = step.output
  const vars = model.value['vars']
  return {
    ...(isMapping(data?.event) ? data.event : {}), ...(data ? { payload: data.payload } : {}),
    ...(isMapping(vars) ? { vars } : {}), ...(Object.keys(outputs).length ? { steps: outputs } : {}),
  }
}

/** What stands at *path*; undefined where that is not known. */
export function valueOf(names: Mapping, path: string): Json | undefined {
  let value: Json | undefined = names
  for (const key of segmentsOf(path) ?? ['\0']) {
    if (key === null) return undefined
    if (Array.isArray(value)) value = typeof key === 'number' ? value.at(key) : undefined
    else if (isMapping(value)) value = Object.hasOwn(value, String(key)) ? value[String(key)] : undefined
    else return undefined
  }
  return value
}

/** Paths to values in *names*, the payload's first; of lists the first item. */
export function suggestionsOf(names: Mapping): Suggestion[] {
  const found: Suggestion[] = []
  const walk = (value: Json, segments: (string | number | null)[]) => {
    if (found.length >= MOST) return
    if (segments.length && !(isMapping(value) && segments.length === 1)) found.push({ path: pathOfSegments(segments), value })
    if (segments.length >= DEEP) return
    if (isMapping(value)) for (const [key, one] of Object.entries(value)) walk(one, [...segments, key])
    else if (Array.isArray(value)) value.slice(0, MOST_ITEMS).forEach((one, index) => walk(one, [...segments, index]))
  }
  for (const name of ['payload', 'steps', 'vars', 'event', ...Object.keys(names)])
    if (names[name] !== undefined && !found.some((one) => one.path.startsWith(name))) walk(names[name], [name])
  return found
}

/** On one short line. */
export function inBrief(value: Json | undefined, most = 60): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? `"${value.length > most ? value.slice(0, most) : value}"` : Array.isArray(value) && value.length > 20
    ? `list of ${value.length}` : JSON.stringify(value)
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
