/** How far a new workflow is on its way to a first run: facts, not clicks. */
import type { Catalogue, Connection, Step } from '../types'
import type { Model } from '../text/model'

export interface Missing { name: string; kinds: string[]; service: string }

/** The connections that the steps name, those that are there too, each once, in the order of the file. */
export function neededConnections(model: Model, catalogue: Catalogue | null): Missing[] {
  const found = new Map<string, Missing>()
  for (const step of model.steps.values()) {
    const needed = neededBy(step, catalogue)
    if (needed && !found.has(needed.name || needed.service)) found.set(needed.name || needed.service, needed)
  }
  return [...found.values()]
}

/** Those of *needed* that nobody has made yet. */
export function missing(needed: readonly Missing[], connections: readonly Connection[]): Missing[] {
  const names = new Set(connections.map((one) => one.name))
  return needed.filter((one) => !names.has(one.name))
}

function neededBy(step: Step, catalogue: Catalogue | null): Missing | null {
  const action = String(step.value['action'] ?? '')
  const info = catalogue?.actions.find((one) => one.name === action)
  const name = step.value['connection']
  if (step.kind !== 'action' || (typeof name !== 'string' && !info?.connection_required)) return null
  if (typeof name === 'string' && name.includes('{{')) return null
  return { name: typeof name === 'string' ? name : '', kinds: info?.connection_kinds ?? [], service: action.split('.')[0] ?? '' }
}

/** Whether an address is one that services elsewhere can reach. */
export function isReachable(address: string): boolean {
  let host: string
  try { host = new URL(address).hostname.replace(/^\[|\]$/g, '') } catch { return false }
  return !(host === 'localhost' || host.endsWith('.local') || host === '::1' || /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|f[cd]|fe80)/.test(host))
}
