/** Where a form's fields stand: what they all need of the step (or the trigger) around them. */
import { getContext, setContext } from 'svelte'
import type { Editor } from '../state.svelte'
import { EditRefused, removeKey, setRaw, setValue } from '../text/edits'
import { parse, isMapping, valueAt } from '../text/model'
import { pathOf } from '../text/paths'
import type { ActionInfo, Fault, Json, Key, Mapping, Path } from '../types'
import type { Suggestion } from './known'

export interface FormPlace {
  /** As a run calls the step; null outside of steps. */
  readonly at: string | null
  /** Whether values can be computed here. */
  readonly isLive: boolean
  /** The action whose inputs are filled in, its connection, and what is filled in already. */
  readonly action: ActionInfo | null
  readonly connection: string | null
  readonly inputs: Mapping
  /** What is known of the data: root name → value. */
  readonly names: Mapping
  readonly suggestions: readonly Suggestion[]
  /** Faults of *path* that its own field shows. */
  faultsAt(path: Path, isWhole: boolean): Fault[]
}

const KEY = Symbol('form')
export function providePlace(place: FormPlace): void { setContext(KEY, place) }
export function usePlace(): FormPlace { return getContext<FormPlace>(KEY) }

/** Optional mappings that go when they become empty. */
const PRUNED = new Set(['with', 'retry', 'headers', 'retention', 'concurrency', 'deduplicate', 'query', 'vars'])

/** Make *value* stand at *keys*; undefined takes the key away, and an optional mapping that is empty then. */
export function put(editor: Editor, keys: readonly Key[], value: Json | undefined): boolean {
  return editor.apply((text) => {
    if (value !== undefined) return setValue(text, keys, value)
    const edit = removeKey(text, keys)
    const outer = keys.slice(0, -1)
    const { model } = parse(edit.text)
    const left = model ? valueAt(model, outer) : undefined
    return isMapping(left) && !Object.keys(left).length && PRUNED.has(String(outer.at(-1))) ? removeKey(edit.text, outer) : edit
  }, { merge: keys.join('\u0000') })
}

/** The same with the value as a person typed it, such as `1.50`. */
export function putRaw(editor: Editor, keys: readonly Key[], source: string): boolean {
  return editor.apply((text) => {
    const { model } = parse(text)
    // setRaw writes over what stands there; what does not yet begins as nothing
    const begun = model && valueAt(model, keys) === undefined ? setValue(text, keys, '').text : text
    const edit = setRaw(begun, keys, source)
    if (!parse(edit.text).model) throw new EditRefused('This cannot stand here.')
    return edit
  }, { merge: keys.join('\u0000') })
}

/** Whether *text* is a number as YAML and JSON both write it. */
export function isWrittenNumber(text: string): boolean { return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && Number.isFinite(Number(text)) }

/** The DOM id of the field at *keys*. */
export function fieldId(keys: readonly Key[]): string {
  return `field-${pathOf(keys).replace(/[^\w-]/g, (one) => `_${one.charCodeAt(0).toString(16)}`)}`
}
