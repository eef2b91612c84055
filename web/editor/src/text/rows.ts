/** The outline as rows: steps, and the heads of the lists inside of them, without what is folded. */
import type { Path, Step, StepList } from '../types'
import type { Model } from './model'

export type Row =
  | { is: 'step'; key: string; step: Step; depth: number; canFold: boolean; isFolded: boolean }
  | { is: 'head'; key: string; list: StepList; depth: number; isFolded: boolean }
  | { is: 'empty'; key: string; list: StepList; depth: number }

/** *folded* has paths of steps and of lists. */
export function rowsOf(list: StepList | null, folded: ReadonlySet<Path>, depth = 0): Row[] {
  const rows: Row[] = []
  for (const step of list?.steps ?? []) {
    const isFolded = folded.has(step.path)
    rows.push({ is: 'step', key: step.path, step, depth, canFold: step.lists.length > 0, isFolded })
    if (isFolded) continue
    for (const inner of step.lists) {
      const hasHead = inner.role !== 'body'
      const shut = folded.has(inner.path)
      if (hasHead) rows.push({ is: 'head', key: inner.path, list: inner, depth: depth + 1, isFolded: shut })
      if (shut) continue
      const inside = depth + (hasHead ? 2 : 1)
      if (inner.steps.length) rows.push(...rowsOf(inner, folded, inside))
      else rows.push({ is: 'empty', key: `${inner.path}+`, list: inner, depth: inside })
    }
  }
  return rows
}

/** The list at *path*, wherever it stands; null where there is none. */
export function listAt(model: Model, path: Path): StepList | null {
  if (path === model.main.path) return model.main
  if (path === model.onFailure?.path) return model.onFailure
  for (const step of model.steps.values()) for (const list of step.lists) if (list.path === path) return list
  return null
}
