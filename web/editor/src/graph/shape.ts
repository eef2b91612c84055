/**
 * The steps as a graph: what leads to what. Every edge stands for a place in a list where a step may be put, so
 * nothing can be drawn that the file could not say.
 */
import type { Model } from '../text/model'
import type { Path, Step, StepList } from '../types'
import { listLabel } from '../words/sentences'

/** Before item `index` of the list at `list`. */
export interface Slot { list: Path; index: number }

export interface GraphNode {
  id: string
  is: 'trigger' | 'step' | 'join' | 'end' | 'failure'
  step: Step | null
}

export interface GraphEdge { id: string; source: string; target: string; label: string; slot: Slot | null }

/** A list that begins at a node and, unless all its ways stop before, ends at one. */
export interface Part { head: string; list: StepList; end: string }

export interface Shape { nodes: GraphNode[]; edges: GraphEdge[]; parts: Part[] }

/** An edge that has begun and looks for its end. */
interface Open { from: string; label: string; slot: Slot | null }

/** The graph of *model*: the trigger leads to the steps; `on_failure` is a second part. */
export function shapeOf(model: Model): Shape {
  const shape: Shape = { nodes: [], edges: [], parts: [] }
  const maker = new Maker(shape)
  maker.part('trigger', model.main, 'end')
  if (model.onFailure) maker.part('failure', model.onFailure, 'failure-end')
  return shape
}

class Maker {
  constructor(private shape: Shape) {}

  part(head: 'trigger' | 'failure', list: StepList, end: string): void {
    this.shape.nodes.push({ id: head, is: head, step: null })
    this.shape.parts.push({ head, list, end })
    const open = this.list(list, [{ from: head, label: '', slot: null }])
    if (!open.length) return
    this.shape.nodes.push({ id: end, is: 'end', step: null })
    this.close(open, end, { list: list.path, index: list.steps.length })
  }

  /** The steps of *list*, begun by *open*; the edges that go on behind them. */
  list(list: StepList, open: Open[]): Open[] {
    list.steps.forEach((step, index) => {
      this.shape.nodes.push({ id: step.path, is: 'step', step })
      this.close(open, step.path, { list: list.path, index })
      open = this.behind(step)
    })
    return open
  }

  /** What leads on from *step*: its branches, led together again. */
  private behind(step: Step): Open[] {
    if (!step.lists.length) return endsHere(step) ? [] : [{ from: step.path, label: '', slot: null }]
    const ends: Open[] = []
    for (const list of step.lists) {
      const label = listLabel(list) || (step.kind === 'for_each' ? 'each item' : '')
      const open = this.list(list, [{ from: step.path, label, slot: null }])
      const slot = { list: list.path, index: list.steps.length }
      ends.push(...open.map((one) => ({ ...one, slot })))
    }
    const isOpen = step.kind === 'switch' ? !step.lists.some((one) => one.role === 'case' && one.label === null)
      : step.lists.every((one) => one.role === 'on_error')
    if (isOpen) ends.push({ from: step.path, label: step.kind === 'switch' ? 'otherwise' : '', slot: null })
    if (!ends.length) return []
    const join = `${step.path} join`
    this.shape.nodes.push({ id: join, is: 'join', step: null })
    this.close(ends, join, null)
    return [{ from: join, label: '', slot: null }]
  }

  private close(open: Open[], target: string, slot: Slot | null): void {
    open.forEach((one, index) =>
      this.shape.edges.push({ id: `${one.from} → ${target} ${index}`, source: one.from, target, label: one.label, slot: one.slot ?? slot }))
  }
}

function endsHere(step: Step): boolean {
  return (step.kind === 'stop' || step.kind === 'fail') && step.value['if'] === undefined
}
