/** What the workflow's JSON Schema says of a place: the keys it may have, the values it takes, a sentence. */
import { KINDS, type Key, type Schema } from '../types'

const MOST_DEPTH = 12

/** The schemas that hold at *keys* (several where the schema leaves a choice), `$ref` followed. */
export function schemasAt(root: Schema, keys: readonly Key[], from: Schema = root): Schema[] {
  let here = flat(root, from)
  for (const key of keys) {
    here = here.flatMap((one) => inside(one, key)).flatMap((one) => flat(root, one))
    here = [...new Set(here)]
    if (!here.length) break
  }
  return here
}

/**
 * The schemas at *keys*, narrowed by what the mapping there says already (*brothers*: its keys with their values as
 * written): a step with `action: slack.post_message` is an action, its `with` has that action's inputs.
 */
export function narrowed(root: Schema, keys: readonly Key[], brothersOf: (keys: readonly Key[]) => ReadonlyMap<string, string>): Schema[] {
  const inputs = keys.lastIndexOf('with')
  if (inputs >= 0) {
    const action = brothersOf(keys.slice(0, inputs)).get('action')
    if (action && root.$defs?.[`inputs.${action}`]) return schemasAt(root, keys.slice(inputs + 1), { $ref: `#/$defs/inputs.${action}` })
  }
  const verify = keys.lastIndexOf('verify')
  if (verify >= 0 && verify === keys.length - 1) {
    const provider = brothersOf(keys).get('provider')
    if (provider && root.$defs?.[`verify.${provider}`]) return flat(root, { $ref: `#/$defs/verify.${provider}` })
  }
  const found = schemasAt(root, keys)
  const brothers = brothersOf(keys)
  const kind = KINDS.find((one) => brothers.has(one) && root.$defs?.[`step.${one}`])
  const steps = Object.entries(root.$defs ?? {}).filter(([name]) => name.startsWith('step.')).map(([, one]) => one)
  if (!kind || !found.some((one) => steps.includes(one))) return found
  return found.filter((one) => !steps.includes(one) || one === root.$defs![`step.${kind}`])
}

/** The keys that may stand in a mapping of *schemas*, each with its schema; what is needed comes first. */
export function keysOf(root: Schema, schemas: readonly Schema[]): Map<string, { schema: Schema; isRequired: boolean }> {
  const found = new Map<string, { schema: Schema; isRequired: boolean }>()
  for (const schema of schemas)
    for (const [name, given] of Object.entries(schema.properties ?? {})) {
      const isRequired = schema.required?.includes(name) ?? false
      const before = found.get(name)
      if (!before || (!before.schema.description && given.description)) found.set(name, { schema: described(root, given), isRequired })
    }
  return found
}

/** The constants that may stand at *schemas*: enums, consts, booleans. */
export function valuesOf(schemas: readonly Schema[]): string[] {
  const found = new Set<string>()
  for (const one of schemas) {
    for (const value of one.enum ?? []) if (value !== null && typeof value !== 'object') found.add(String(value))
    if (one.const !== undefined && one.const !== null && typeof one.const !== 'object') found.add(String(one.const))
    if (one.type === 'boolean') found.add('true').add('false')
  }
  return [...found]
}

/** The first sentence that one of *schemas* has. */
export function sentenceOf(schemas: readonly Schema[]): string | null {
  return schemas.find((one) => one.description)?.description ?? null
}

function described(root: Schema, schema: Schema): Schema {
  return schema.description ? schema : (flat(root, schema).find((one) => one.description) ?? schema)
}

function inside(schema: Schema, key: Key): Schema[] {
  if (typeof key === 'number') {
    const own = (schema['prefixItems'] as Schema[] | undefined)?.[key] ?? schema.items
    return own ? [own] : []
  }
  const own = schema.properties?.[key]
  if (own) return [own]
  const more = schema.additionalProperties
  const byPattern = Object.entries((schema['patternProperties'] as Record<string, Schema> | undefined) ?? {})
    .filter(([pattern]) => new RegExp(pattern, 'u').test(key)).map(([, one]) => one)
  return [...byPattern, ...(typeof more === 'object' ? [more] : [])]
}

/**
 * *schema* and all that it refers to or may be instead. What an `if` decides is left out: of 160 actions each has
 * its own, and completion knows by `narrowed` which one is meant.
 */
function flat(root: Schema, schema: Schema, depth = 0): Schema[] {
  if (depth > MOST_DEPTH) return []
  const found = [schema]
  if (schema.$ref) {
    const named = at(root, schema.$ref)
    if (named) found.push(...flat(root, named, depth + 1))
  }
  for (const part of [schema.anyOf, schema.oneOf, schema.allOf])
    for (const one of part ?? []) found.push(...flat(root, one, depth + 1))
  return found
}

function at(root: Schema, reference: string): Schema | null {
  let here: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean))
    here = (here as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  return (here as Schema | undefined) ?? null
}
