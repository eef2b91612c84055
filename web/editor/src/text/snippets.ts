/** New steps, as the picker puts them in. */
import type { ActionInfo, Connection, Kind, Mapping, Schema } from '../types'
import { freeId } from './steps'

export const KIND_ABOUT: Record<Kind, string> = {
  filter: 'Goes on only when a condition holds', transform: 'Takes and shapes values', template: 'Makes a text from values',
  action: 'Calls a service', switch: 'Takes the first branch whose condition holds', for_each: 'Runs steps for each item of a list',
  repeat: 'Runs steps until a condition holds', parallel: 'Runs branches at the same time', wait: 'Waits for a time or until a date',
  wait_for: 'Waits for an approval or a callback', call: 'Starts another workflow', respond: 'Answers the waiting caller',
  stop: 'Ends the run as succeeded', fail: 'Ends the run as failed', steps: 'Several steps as one',
}

/** A new step of *kind*; *taken* has the ids of the file. */
export function kindSnippet(kind: Kind, taken: ReadonlySet<string | null>): Mapping {
  const id = (wanted: string) => freeId(wanted, taken)
  switch (kind) {
    case 'filter': return { filter: '' }
    case 'transform': return { id: id('values'), transform: {} }
    case 'template': return { id: id('text'), template: '' }
    case 'action': return { action: '', with: {} }
    case 'switch': return { switch: [{ when: '', steps: [] }, { steps: [] }] }
    case 'for_each': return { for_each: '', steps: [] }
    case 'repeat': return { repeat: { until: '', every: '3s' }, steps: [] }
    case 'parallel': return { parallel: { first: [], second: [] } }
    case 'wait': return { wait: '10m' }
    case 'wait_for': return { id: id('answer'), wait_for: { approval: { message: '', choices: ['yes', 'no'] } } }
    case 'call': return { call: '' }
    case 'respond': return { respond: { status: 200, body: {} } }
    case 'stop': return { stop: '' }
    case 'fail': return { fail: '' }
    case 'steps': return { steps: [] }
  }
}

/** A step that calls *action*: with a connection that fits, and what it cannot do without, still empty. */
export function actionSnippet(action: ActionInfo, connections: readonly Connection[]): Mapping {
  const kinds = action.connection_kinds ?? []
  const fitting = connections.find((one) => kinds.includes(one.kind))
  const schema: Schema = action.inputs
  const inputs: Mapping = {}
  for (const name of (action['required'] as string[] | undefined) ?? schema.required ?? []) inputs[name] = ''
  return {
    action: action.name,
    ...(fitting ? { connection: fitting.name } : {}),  // without one the checker says so, and the form offers a new one
    ...(Object.keys(inputs).length ? { with: inputs } : {}),
  }
}
