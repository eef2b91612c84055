import { describe, expect, it } from 'vitest'
import { frame, layout, nearest, pathThrough, type Place, type Point } from '../src/graph/layout'
import { shapeOf } from '../src/graph/shape'
import { parse } from '../src/text/model'
import { moveStep } from '../src/text/steps'

const TEXT = `trigger: {webhook: {}}
steps:
  - id: big
    filter: payload.a
  - switch:
      - when: payload.b
        steps:
          - id: one
            action: slack.post_message
          - id: two
            action: slack.post_message
      - steps:
          - fail: no
  - for_each: payload.items
    steps:
      - id: each
        action: http.request
on_failure:
  - id: tell
    action: email.send
`
const shape = shapeOf(parse(TEXT).model!)
const edges = shape.edges.map((one) => `${one.source} -> ${one.target}${one.label ? ` (${one.label})` : ''} @ ${one.slot ? `${one.slot.list}[${one.slot.index}]` : ''}`)

describe('the shape', () => {
  it('leads from the trigger through branches that meet again to the end', () => {
    expect(edges).toEqual([
      'trigger -> steps[0] @ steps[0]',
      'steps[0] -> steps[1] @ steps[1]',
      'steps[1] -> steps[1].switch[0].steps[0] (If b is there) @ steps[1].switch[0].steps[0]',
      'steps[1].switch[0].steps[0] -> steps[1].switch[0].steps[1] @ steps[1].switch[0].steps[1]',
      'steps[1] -> steps[1].switch[1].steps[0] (Otherwise) @ steps[1].switch[1].steps[0]',
      'steps[1].switch[0].steps[1] -> steps[1] join @ steps[1].switch[0].steps[2]',
      'steps[1] join -> steps[2] @ steps[2]',
      'steps[2] -> steps[2].steps[0] (each item) @ steps[2].steps[0]',
      'steps[2].steps[0] -> steps[2] join @ steps[2].steps[1]',
      'steps[2] join -> end @ steps[3]',
      'failure -> on_failure[0] @ on_failure[0]',
      'on_failure[0] -> failure-end @ on_failure[1]',
    ])
  })
  it('has an own id for each node and edge', () => {
    expect(new Set(shape.nodes.map((one) => one.id)).size).toBe(shape.nodes.length)
    expect(new Set(shape.edges.map((one) => one.id)).size).toBe(shape.edges.length)
  })
  it('has no edge that the file could not say: a step can be put onto each', () => {
    for (const edge of shape.edges.filter((one) => one.slot && !one.slot.list.startsWith('steps[0]'))) {
      const moved = moveStep(TEXT, 'steps[0]', edge.slot!.list, edge.slot!.index)
      expect(parse(moved.text).fault, edge.id).toBeNull()
      expect([...parse(moved.text).model!.steps.values()].filter((one) => one.id === 'big'), edge.id).toHaveLength(1)
    }
  })
})

const BRANCHES = `steps:
  - switch:
      - when: payload.a
        steps:
          - {id: long, filter: payload.a}
          - {id: longer, filter: payload.b}
      - when: payload.b
        steps: []
      - when: payload.c
        steps:
          - switch:
              - {when: payload.d, steps: []}
              - {steps: [{stop: now}]}
  - action: http.request
    on_error:
      - {id: short, filter: payload.a}
  - stop: all
`

function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/** The part of the plane between two points, which is a line. */
function between(a: Point, b: Point): Place {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) }
}

describe('the layout', () => {
  const branches = shapeOf(parse(BRANCHES).model!)
  const cases = (['LR', 'TB'] as const).flatMap((direction) => [shape, branches].map((one) => [direction, one] as const))
  it('goes to the right, or down, and lets nothing overlap', () => {
    for (const [direction, one] of cases) {
      const { places } = layout(one, direction)
      const all = one.nodes.map((node) => places.get(node.id)!)
      for (const [index, a] of all.entries()) for (const b of all.slice(index + 1)) expect(overlap(a, b)).toBe(false)
      for (const { source, target } of one.edges) {
        const [from, to] = [places.get(source)!, places.get(target)!]
        expect(direction === 'LR' ? to.x - from.x - from.width : to.y - from.y - from.height).toBeGreaterThan(40)
      }
    }
  })
  it('leads no edge through a node, and puts no two buttons into one place', () => {
    for (const [direction, one] of cases) {
      const { places, routes } = layout(one, direction)
      for (const edge of one.edges) {
        const { points } = routes.get(edge.id)!
        for (const [index, point] of points.slice(1).entries())
          for (const [id, place] of places)
            if (id !== edge.source && id !== edge.target) expect(overlap(between(points[index]!, point), place), `${edge.id} and ${id}`).toBe(false)
      }
      const middles = [...routes.values()].map((route) => route.middle)
      for (const [index, a] of middles.entries())
        for (const b of middles.slice(index + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(20)
    }
  })
  it('lays out 200 steps', () => {
    const many = `steps:\n${Array.from({ length: 200 }, (_, index) => `  - id: s${index}\n    filter: payload.a\n`).join('')}`
    expect(layout(shapeOf(parse(many).model!), 'LR').places.size).toBe(202)
  })
  it('shows at first all of it, or what is about the step that is selected', () => {
    const small = { places: new Map(), routes: new Map(), width: 400, height: 200 }
    const place = { x: 0, y: 0, width: 100, height: 50 }
    expect(frame(small, place, 800, 600)).toEqual({ x: 200, y: 200, zoom: 1 })
    const long = { ...small, width: 10_000 }
    expect(frame(long, place, 800, 600)).toEqual({ x: 0, y: 230, zoom: 0.7 })
    expect(frame(long, { ...place, x: 5000 }, 800, 600).x).toBe(400 - 5050 * 0.7)
    expect(frame(long, { ...place, x: 9900 }, 800, 600).x).toBe(800 - 7000)
  })
  it('rounds the corners of an edge', () => {
    expect(pathThrough([{ x: 0, y: 0 }, { x: 20, y: 0 }, { x: 20, y: 0 }, { x: 20, y: 40 }], 8)).toBe('M0 0L12 0Q20 0 20 8L20 40')
  })
  it('finds the edge under a point', () => {
    const middle = { x: 20, y: 5 }
    expect(nearest([middle], { x: 25, y: 5 }, 6)).toBe(middle)
    expect(nearest([middle], { x: 25, y: 5 }, 4)).toBeNull()
  })
})
