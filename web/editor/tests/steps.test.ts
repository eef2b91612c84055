import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addStep, deleteStep, duplicateStep, moveStep, renameId } from '../src/text/steps'
import { parse, type Model } from '../src/text/model'
import { isInside } from '../src/text/paths'
import type { Step, StepList } from '../src/types'
import { comments, isSubsequence, MIXED, TEXTS } from './texts'

function read(text: string): Model {
  const { model, fault } = parse(text)
  if (!model) throw new Error(`line ${fault.line}: ${fault.message}\n${text}`)
  return model
}

function lists(model: Model): StepList[] {
  return [model.main, ...(model.onFailure ? [model.onFailure] : []), ...[...model.steps.values()].flatMap((one) => one.lists)]
}

/** What a list of steps is, without where it stands. */
const bare = (steps: Step[]) => steps.map((one) => one.value)
const lines = (text: string) => text.split(/\r?\n/)

describe.each(TEXTS)('%s', (_name, text) => {
  const model = read(text)
  const paths = [...model.steps.keys()]
  const places = lists(model).flatMap((list) => [...list.steps, null].map((_, index) => [list.path, index] as const))

  it('moves within a list: the same lines, in another order', () => {
    for (const list of lists(model)) for (let from = 0; from < list.steps.length; from++) for (let to = 0; to <= list.steps.length; to++) {
      const { text: after, select } = moveStep(text, `${list.path}[${from}]`, list.path, to)
      const expected = bare(list.steps)
      const [moved] = expected.splice(from, 1)
      expected.splice(to > from ? to - 1 : to, 0, moved!)
      const now = read(after)
      expect(bare(lists(now).find((one) => one.path === list.path)!.steps)).toEqual(expected)
      expect(now.steps.get(select!)!.value).toEqual(moved)
      expect([...after].sort().join('')).toBe([...text].sort().join(''))
    }
  })

  it('moves back to where it was: the same text', () => {
    for (const list of lists(model)) for (let from = 0; from + 1 < list.steps.length; from++) {
      const down = moveStep(text, `${list.path}[${from}]`, list.path, from + 2)
      expect(moveStep(down.text, down.select!, list.path, from).text).toBe(text)
    }
  })

  it('moves to every other list, with its comments', () => {
    fc.assert(fc.property(fc.constantFrom(...paths), fc.constantFrom(...places), (from, [list, index]) => {
      if (isInside(list, from)) return
      const step = model.steps.get(from)!
      if (step.parent.path === list) return
      const { text: after, select } = moveStep(text, from, list, index)
      const now = read(after)
      expect(now.steps.get(select!)?.value, after).toEqual(step.value)
      expect(now.steps.size).toBe(model.steps.size)
      expect(comments(after).length).toBeGreaterThanOrEqual(comments(text).length)
    }), { numRuns: 60, endOnFailure: true })
  })

  it('adds anywhere: all lines stay', () => {
    for (const [list, index] of places) {
      const step = { id: 'new_one', action: 'slack.post_message', with: { channel: '#x', text: 'two\nlines' } }
      const { text: after, select } = addStep(text, list, index, step)
      expect(read(after).steps.get(select!)!.value).toEqual(step)
      const stays = lines(text).filter((line) => !/\[\]|stop: done|slack.post_message, /.test(line))
      expect(isSubsequence(stays, lines(after)), after).toBe(true)
      expect(deleteStep(after, select!).text).toBe(text)
    }
  })

  it('deletes each: the others stay as they are', () => {
    for (const path of paths) {
      const { text: after, select } = deleteStep(text, path)
      const now = read(after)
      const gone = [...model.steps.values()].filter((one) => isInside(one.path, path)).length
      expect(now.steps.size).toBe(model.steps.size - gone)
      expect(select === '' || now.steps.has(select!)).toBe(true)
      expect(isSubsequence(lines(after).filter((line) => !line.includes('[]') && !line.includes('{}')), lines(text)), after).toBe(true)
    }
  })

  it('copies each: ids stay the only ones', () => {
    for (const path of paths) {
      const now = read(duplicateStep(text, path).text)
      const ids = [...now.steps.values()].flatMap((one) => one.id ?? [])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })
})

describe('ids', () => {
  it('are changed wherever expressions name them, and nowhere else', () => {
    const { text } = renameId(MIXED, 'steps[1]', 'bought')
    expect(text).toBe(MIXED.replace('- id: order', '- id: bought').replaceAll('steps.order.', 'steps.bought.'))
    const other = 'steps:\n  - id: a\n    filter: payload.steps.a && steps.a && $.steps.a || outcomes.a.error\n  - template: "steps.a {{ steps.a }} {{ resume_url(\'a\') }} {{ steps.ab }}"\n'
    expect(renameId(other, 'steps[0]', 'b').text)
      .toBe('steps:\n  - id: b\n    filter: payload.steps.a && steps.b && $.steps.b || outcomes.b.error\n  - template: "steps.a {{ steps.b }} {{ resume_url(\'b\') }} {{ steps.ab }}"\n')
    expect(() => renameId(MIXED, 'steps[1]', 'big')).toThrow('taken')
    expect(() => renameId(MIXED, 'steps[1]', 'A b')).toThrow('small letters')
  })
})
