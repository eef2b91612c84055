/** The server's API: one function a call. A refusal is a `Problem` with its sentence; no answer is `Offline`. */
import type { Catalogue, ChoiceItem, Chosen, Connection, ConnectionKind, Draft, EvaluateAnswer, EventData, EventItem, Fault, FieldStat, Json,
  Mapping, Other, PreviewResult, SampleItem, SecretItem, WorkflowItem } from './types'

export type Verdict = 'same' | 'differs' | 'filtered' | 'failed' | 'unknown' | 'stale'
export type BacktestDifference = { what: string; path: string; is_known: boolean; before: Json; after: Json; sentence: string }
/** What a changed text would have done with one past event. */
export type Backtested = {
  event: string; run: string | null; title: string; received_at: string; version: number | null; verdict: Verdict; sentence: string
  differences: BacktestDifference[]; unknown: { path: string; why: string }[]; stale: { path: string; was: string }[]; notes: string[]
}

/** An answer that is an error (RFC 9457). `more` has its other members: `draft`, `faults`, `live`. */
export class Problem extends Error {
  constructor(readonly status: number, detail: string, readonly more: Record<string, unknown> = {}) { super(detail) }
}

/** The server did not answer. */
export class Offline extends Error {
  constructor() { super('The server does not answer just now.') }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
interface Options { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal; keepalive?: boolean }

/**
 * Call `/api/v1` + *path*; the answer's JSON. Throws `Problem`, `Offline`, or an AbortError.
 */
export async function call<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/api/v1${path}`, {
      method, credentials: 'same-origin', signal: options.signal ?? null, keepalive: options.keepalive ?? false,
      headers: { Accept: 'application/json', ...(method === 'GET' ? {} : { 'Content-Type': 'application/json' }), ...options.headers },
      ...(method === 'GET' ? {} : { body: JSON.stringify(options.body ?? {}) }),
    })
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new Offline()
  }
  const text = await response.text()
  let answer: Record<string, unknown> = {}
  try { answer = text ? (JSON.parse(text) as Record<string, unknown>) : {} } catch { /* not JSON: a proxy's page */ }
  if (response.ok) return answer as T
  const { detail, title, ...more } = answer as { detail?: string; title?: string }
  if (response.status === 502 || response.status === 504) throw new Offline()
  throw new Problem(response.status, detail ?? title ?? `The server answered ${response.status}.`, more)
}

const at = (slug: string, rest = '') => `/workflows/${encodeURIComponent(slug)}${rest}`

/** How a chosen event is named in a request's body. */
export function chosenBody(chosen: Chosen | null): Record<string, Json> {
  if (!chosen) return { event: null }
  if (chosen.kind === 'event') return { event: chosen.id }
  if (chosen.kind === 'sample') return { event: null, sample: { provider: chosen.provider, type: chosen.type } }
  return { event: null, payload: chosen.payload }
}

export const api = {
  workflow: (slug: string) => call<WorkflowItem>('GET', at(slug)),
  saveDraft: (slug: string, body: { text: string; base: number | null; revision: number | null }, keepalive = false) =>
    call<{ revision: number; saved_at: string; others: Other[]; live: number | null }>('PUT', at(slug, '/draft'), { body, keepalive }),
  dropDraft: (slug: string) => call<object>('DELETE', at(slug, '/draft')),
  publish: (slug: string, body: { text: string; base: number | null; message?: string }) =>
    call<{ version: number; held: number }>('POST', at(slug, '/publish'), { body }),
  review: (slug: string, text: string, since: number | null = null) => call<Reviewed>('POST', at(slug, '/review'), { body: { text, since } }),
  backtestEvents: (slug: string, signal?: AbortSignal) => call<{ items: string[] }>('GET', at(slug, '/backtest'), { signal }),
  backtest: (slug: string, text: string, events: string[], signal?: AbortSignal) =>
    call<{ events: Backtested[] }>('POST', at(slug, '/backtest'), { body: { text, events }, signal }),
  release: (slug: string) => call<{ released: number; held: number }>('POST', at(slug, '/release')),
  run: (id: string) => call<RunItem>('GET', `/runs/${encodeURIComponent(id)}`),
  merge: (slug: string, body: { base: number; mine: string }) =>
    call<{ text: string; conflicts: number }>('POST', at(slug, '/merge'), { body }),
  versions: (slug: string, cursor?: string) => call<{ items: VersionItem[]; next: string | null }>('GET',
    at(slug, '/versions') + (cursor ? `?cursor=${encodeURIComponent(cursor)}` : '')),
  version: (slug: string, version: number) => call<VersionItem & { text: string; diff: string; changed: Changed }>('GET', at(slug, `/versions/${version}`)),
  returnTo: (slug: string, version: number) => call<{ version: number }>('POST', at(slug, '/return'), { body: { version } }),
  check: (slug: string, text: string, signal?: AbortSignal) =>
    call<{ faults: Fault[] }>('POST', at(slug, '/check'), { body: { text }, signal }),
  recent: (slug: string, limit = 50) => call<{ items: EventItem[] }>('GET', at(slug, `/recent?limit=${limit}`)),
  data: (slug: string, of: { kind: 'event'; id: string } | { kind: 'sample'; provider: string; type: string }) => call<EventData>('GET', at(slug,
    of.kind === 'event' ? `/data?event=${encodeURIComponent(of.id)}` : `/data?sample=${encodeURIComponent(`${of.provider}/${of.type}`)}`)),
  fields: (slug: string, last = 40) => call<{ events: number; fields: FieldStat[] }>('GET', at(slug, `/fields?last=${last}`)),
  samples: (provider: string) => call<{ items: SampleItem[] }>('GET', `/samples?provider=${encodeURIComponent(provider)}`),
  sample: (provider: string, type: string) => call<{ payload: Json; headers: Record<string, string> }>('GET',
    `/samples/${encodeURIComponent(provider)}/${type.split('/').map(encodeURIComponent).join('/')}`),
  evaluate: (body: { slug: string; text_of_workflow: string; at: string | null; kind: 'expression' | 'template' | 'condition'; text: string },
    chosen: Chosen | null, signal?: AbortSignal) =>
    call<EvaluateAnswer>('POST', '/evaluate', { body: { ...body, ...chosenBody(chosen) }, signal }),
  preview: (slug: string, text: string, chosen: Chosen | null, upto?: string, signal?: AbortSignal) =>
    call<PreviewResult>('POST', '/preview', { body: { slug, text, ...chosenBody(chosen), ...(upto ? { upto } : {}) }, signal }),
  send: (slug: string, text: string, chosen: Chosen | null, step?: string) =>
    call<{ run: string }>('POST', at(slug, '/try'), { body: { text, ...chosenBody(chosen), ...(step ? { step } : {}) } }),
  makeSample: (slug: string, type: string, text: string, sendForReal = false) =>
    call<{ event: string; disposition: string; sentence: string }>('POST', at(slug, '/sample'),
      { body: { type, text, send_for_real: sendForReal } }),
  catalogue: () => call<Catalogue>('GET', '/catalogue'),
  schema: () => call<Json>('GET', '/schema/workflow'),
  connections: () => call<{ items: Connection[] }>('GET', '/connections'),
  testConnection: (name: string) => call<{ works: boolean; said: string }>('POST', `/connections/${encodeURIComponent(name)}/test`),
  connectionKinds: () => call<{ items: ConnectionKind[]; callback: string }>('GET', '/connection-kinds'),
  setConnection: (name: string, body: { kind: string; fields: Mapping; test: boolean }) => call<Connection & { said: string | null }>('PUT', `/connections/${encodeURIComponent(name)}`, { body }),
  allowConnection: (name: string) => call<{ url: string }>('POST', `/connections/${encodeURIComponent(name)}/connect`),
  choices: (name: string, body: { action: string; input: string; given: Json; search?: string; cursor?: string }, signal?: AbortSignal) =>
    call<{ items: ChoiceItem[]; next?: string | null }>('POST', `/connections/${encodeURIComponent(name)}/choices`, { body, signal }),
  secrets: () => call<{ items: SecretItem[] }>('GET', '/secrets'),
  setSecret: (name: string, value: string) => call<object>('PUT', `/secrets/${encodeURIComponent(name)}`, { body: { value } }),
}

/** What a text would change in what is live, or changed since a version; `diff` is unified. */
export interface Reviewed { live: number | null; diff: string; sentences: string[]; faults: Fault[] }
export interface RunItem { id: string; title: string; status: string; reason: { sentence: string } | null }
/** What a version changed since the one before. */
export interface Changed { since: number | null; diff: string; sentences: string[] }
export interface VersionItem { version: number; created_at: string; by: string; message: string | null; is_live: boolean; runs: number }
export type { Draft }
