/** The fields of a connection's kind, from its schema. */
import type { ConnectionKind, Json, Mapping, Schema } from '../types'
import { labelOf, plain } from './shapes'

export interface ConnectionField {
  name: string
  label: string
  help: string
  isRequired: boolean
  isSecret: boolean
  /** Of several lines: a key file, a certificate. */
  isLong: boolean
  isList: boolean
  isNumber: boolean
  isBoolean: boolean
  placeholder: string
  options: string[] | null
  standard: string
}

export function connectionFields(kind: ConnectionKind): ConnectionField[] {
  const schema = kind.fields
  return Object.entries(schema.properties ?? {}).filter(([name]) => name !== 'kind').map(([name, given]) => {
    const choices = (given.anyOf ?? [given]).filter((one) => one.type !== 'null')
    const one: Schema = choices[0] ?? given
    const isSecret = [given, ...choices].some((part) => part.format === 'password' || part['writeOnly'] === true)
    const isBoolean = one.type === 'boolean'
    const options = one.enum?.map(String) ?? (isBoolean ? ['true', 'false'] : null)
    const standard = given.default === undefined || given.default === null ? (options?.[0] ?? '') : String(given.default)
    return {
      name, label: labelOf(name), help: plain(given.description ?? one.description ?? ''), isRequired: schema.required?.includes(name) ?? false, isSecret,
      isLong: one.type === 'object' || /(^|_)(key|certificate|key_file|service_account|private_key|pem)$/.test(name) && !/api_key|access_key|_key_id/.test(name),
      isList: one.type === 'array', isNumber: one.type === 'integer' || one.type === 'number', isBoolean,
      placeholder: typeof given.examples?.[0] === 'string' ? given.examples[0] : !options && standard ? standard : '', options, standard,
    }
  })
}

/** What was typed as the values of the fields; what was left empty is left out. */
export function valuesOf(fields: readonly ConnectionField[], typed: Readonly<Record<string, string>>): Mapping {
  const values: Mapping = {}
  for (const field of fields) {
    const text = typed[field.name]
    if (text === undefined || text === '') continue
    values[field.name] = valueOf(field, text)
  }
  return values
}

function valueOf(field: ConnectionField, text: string): Json {
  if (field.isBoolean) return text === 'true'
  if (field.isNumber && Number.isFinite(Number(text))) return Number(text)
  if (field.isList) return text.split(/[\n,]/).map((one) => one.trim()).filter(Boolean)
  return text
}

/** A free name: `slack`, `slack-2`. */
export function suggestedName(service: string, taken: readonly string[]): string {
  const base = service.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'connection'
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`
    if (!taken.includes(name)) return name
  }
}

const TITLES: Record<string, string> = {
  basic: 'User and password', bearer: 'Bearer token', header: 'A header', query: 'A field of the query', oauth2: 'OAuth 2.0', google: 'Robot account (key file)',
  google_oauth: 'Sign in with Google', smtp: 'SMTP server',
}
/** What a kind of connection is called where there are several. */
export function kindTitle(kind: string): string { return TITLES[kind] ?? labelOf(kind) }
