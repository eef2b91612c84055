/**
 * Where the nodes of a shape stand and how its edges run. Steps follow each other along an axis; branches lie beside
 * each other and meet again on it. Lengths are px, `along` is the way that the graph goes, `across` the other one.
 */
import type { Step, StepList } from '../types'
import type { GraphEdge, GraphNode, Shape } from './shape'

export type Direction = 'LR' | 'TB'
export interface Place { x: number; y: number; width: number; height: number }
export interface Point { x: number; y: number }
/** How an edge runs, and where on it its label and its button stand. */
export interface Route { points: Point[]; middle: Point }
/** By the ids of nodes and edges; a place is that of the upper left corner. The size has a margin all round. */
export interface Drawing { places: Map<string, Place>; routes: Map<string, Route>; width: number; height: number }

const SIZES: Record<GraphNode['is'], [number, number]> = {
  trigger: [224, 56], step: [224, 56], failure: [224, 40], join: [12, 12], end: [44, 28],
}
/** Room between two nodes for an edge's button, and for its label too; before a branch for the bend. */
const GAP = { LR: 72, TB: 56 }
const LABELLED = { LR: 200, TB: 112 }
const BEND = 24
/** What an edge that passes no step takes of the other way, and what lies between two branches. */
const LANE = { LR: 56, TB: 144 }
const BESIDE = 24
const MARGIN = 24
const LEGIBLE = 0.7

/** Something that stands on the axis: its length, its reach to both sides, and how it is put there. */
interface Block { along: number; before: number; after: number; put: (along: number, axis: number) => void }

/** The places and routes of *shape*. */
export function layout(shape: Shape, direction: Direction): Drawing {
  const drawer = new Drawer(shape, direction)
  let across = MARGIN
  for (const { head, list, end } of shape.parts) {
    const ends = shape.nodes.some((one) => one.id === end) ? [drawer.node(end)] : []
    const part = inRow([drawer.node(head), ...list.steps.map((one) => drawer.step(one)), ...ends], GAP[direction])
    part.put(MARGIN, across + part.before)
    across += part.before + part.after + 2 * BESIDE
  }
  const all = [...drawer.places.values()]
  return {
    places: drawer.places, routes: new Map(shape.edges.map((edge) => [edge.id, drawer.route(edge)])),
    width: Math.max(...all.map((one) => one.x + one.width)) + MARGIN, height: Math.max(...all.map((one) => one.y + one.height)) + MARGIN,
  }
}

class Drawer {
  readonly places = new Map<string, Place>()
  /** Where across the edges of empty branches run, by the path of the branch. */
  private lanes = new Map<string, number>()
  private kinds: Map<string, GraphNode['is']>
  private passing: Set<string>

  constructor(shape: Shape, private direction: Direction) {
    this.kinds = new Map(shape.nodes.map((one) => [one.id, one.is]))
    this.passing = new Set(shape.edges.filter((one) => !one.slot && one.target === joinOf(one.source)).map((one) => one.source))
  }

  node(id: string): Block {
    const [width, height] = SIZES[this.kinds.get(id)!]
    const [along, across] = this.direction === 'LR' ? [width, height] : [height, width]
    const put = (at: number, axis: number) =>
      void this.places.set(id, { ...this.point(at, axis - across / 2), width, height })
    return { along, before: across / 2, after: across / 2, put }
  }

  /** A step with its branches; the edge that passes them all, if there is one, goes straight on. */
  step(step: Step): Block {
    const head = this.node(step.path)
    if (!step.lists.length) return head
    const branches = step.lists.map((list) => this.branch(list))
    const straight = this.lane(null)
    const bundle = !this.passing.has(step.path) ? beside(branches, null)
      : step.kind === 'switch' ? beside([...branches, straight], branches.length) : beside([straight, ...branches], 0)
    const begun = inRow([head, bundle], LABELLED[this.direction])
    const join = joinOf(step.path)
    return this.kinds.has(join) ? inRow([begun, this.node(join)], GAP[this.direction]) : begun
  }

  route(edge: GraphEdge): Route {
    const [from, to] = [this.side(edge.source, 1), this.side(edge.target, 0)]
    const gap = GAP[this.direction]
    const lane = edge.target === joinOf(edge.source) ? (edge.slot && this.lanes.get(edge.slot.list)) ?? from.across : null
    const isMeeting = this.kinds.get(edge.target) === 'join'
    const [first, last] = [from.along + BEND, to.along - BEND]
    const bends = lane !== null ? [[first, from.across], [first, lane], [last, lane], [last, to.across]]
      : isMeeting ? [[last, from.across], [last, to.across]] : [[first, from.across], [first, to.across]]
    const middle = lane !== null ? this.point((from.along + to.along) / 2, lane)
      : isMeeting ? this.point(from.along + gap / 2, from.across)
      : this.point((to.across === from.across ? from.along + to.along : first + to.along) / 2, to.across)
    const ends = [[from.along, from.across], ...bends, [to.along, to.across]] as [number, number][]
    return { points: ends.map(([along, across]) => this.point(along, across)), middle }
  }

  private branch(list: StepList): Block {
    return list.steps.length ? inRow(list.steps.map((one) => this.step(one)), GAP[this.direction]) : this.lane(list.path)
  }

  private lane(path: string | null): Block {
    const half = LANE[this.direction] / 2
    return { along: 0, before: half, after: half, put: (_, axis) => { if (path !== null) this.lanes.set(path, axis) } }
  }

  /** The middle of a node's side: 0 where edges come in, 1 where they go out. */
  private side(id: string, which: 0 | 1): { along: number; across: number } {
    const { x, y, width, height } = this.places.get(id)!
    return this.direction === 'LR' ? { along: x + which * width, across: y + height / 2 } : { along: y + which * height, across: x + width / 2 }
  }

  private point(along: number, across: number): Point {
    return this.direction === 'LR' ? { x: along, y: across } : { x: across, y: along }
  }
}

function joinOf(id: string): string { return `${id} join` }

function inRow(blocks: readonly Block[], gap: number): Block {
  return {
    along: blocks.reduce((sum, one) => sum + one.along, gap * (blocks.length - 1)),
    before: Math.max(...blocks.map((one) => one.before)),
    after: Math.max(...blocks.map((one) => one.after)),
    put: (along, axis) => {
      for (const block of blocks) {
        block.put(along, axis)
        along += block.along + gap
      }
    },
  }
}

/** *blocks* beside each other; the axis is that of block *main*, or where it is null in the middle. */
function beside(blocks: readonly Block[], main: number | null): Block {
  let total = 0
  const axes = blocks.map((one) => {
    const axis = total + one.before
    total += one.before + one.after + BESIDE
    return axis
  })
  const before = main === null ? (axes[0]! + axes.at(-1)!) / 2 : axes[main]!
  return {
    along: Math.max(...blocks.map((one) => one.along)), before, after: total - BESIDE - before,
    put: (along, axis) => blocks.forEach((one, index) => one.put(along, axis - before + axes[index]!)),
  }
}

/** How much of *drawing* is seen at first in a window of that size: all of it, or what is about *focus* where it stays legible. */
export function frame(drawing: Drawing, focus: Place, width: number, height: number): Point & { zoom: number } {
  const zoom = Math.min(1, Math.max(LEGIBLE, Math.min(width / drawing.width, height / drawing.height)))
  const shift = (whole: number, at: number, room: number) =>
    whole * zoom <= room ? (room - whole * zoom) / 2 : Math.min(0, Math.max(room - whole * zoom, room / 2 - at * zoom))
  return { x: shift(drawing.width, focus.x + focus.width / 2, width), y: shift(drawing.height, focus.y + focus.height / 2, height), zoom }
}

/** The line through *points*, its corners rounded, as an SVG path. */
export function pathThrough(points: readonly Point[], radius: number): string {
  const corners = points.filter((one, index) => index === 0 || Math.hypot(one.x - points[index - 1]!.x, one.y - points[index - 1]!.y) > 0.5)
  return corners.map((corner, index) => {
    const [before, after] = [corners[index - 1], corners[index + 1]]
    if (!before || !after) return `${before ? 'L' : 'M'}${corner.x} ${corner.y}`
    const [a, b] = [towards(corner, before, radius), towards(corner, after, radius)]
    return `L${a.x} ${a.y}Q${corner.x} ${corner.y} ${b.x} ${b.y}`
  }).join('')
}

/** From *from* by *length*, at most half way, to *to*. */
function towards(from: Point, to: Point, length: number): Point {
  const whole = Math.hypot(to.x - from.x, to.y - from.y)
  const part = Math.min(length / whole, 0.5)
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}

/** The edge whose middle is nearest to *point*, within *most* px; null where none is. */
export function nearest<T extends Point>(middles: readonly T[], point: Point, most: number): T | null {
  let best: T | null = null
  let least = most
  for (const one of middles) {
    const away = Math.hypot(one.x - point.x, one.y - point.y)
    if (away <= least) [best, least] = [one, away]
  }
  return best
}
