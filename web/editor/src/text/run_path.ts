/**
 * What a run, a preview and `evaluate` call a step: its id, or its kind and position in its list, behind those
 * around it: `order`, `filter#2`, `choose.case#1.send`, `send!error.tell`, `on_failure.email#1`.
 */
import { placeInList } from './paths'
import type { Step, StepList } from '../types'

export function runPath(step: Step): string {
  const position = (placeInList(step.path)?.index ?? 0) + 1
  return prefix(step.parent) + (step.id ?? `${step.kind}#${position}`)
}

function prefix(list: StepList): string {
  if (!list.owner) return list.role === 'on_failure' ? 'on_failure.' : ''
  const outer = runPath(list.owner)
  switch (list.role) {
    case 'case': return `${outer}.case#${Number(/\[(\d+)\]\.steps$/.exec(list.path)?.[1] ?? 0) + 1}.`
    case 'branch': return `${outer}.${list.label ?? ''}.`
    case 'on_error': return `${outer}!error.`
    default: return `${outer}.`
  }
}
