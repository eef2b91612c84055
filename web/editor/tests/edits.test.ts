import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyFix, EditRefused, removeKey, renameKey, same, setRaw, setValue } from '../src/text/edits'
import { parse, rangeAt, valueAt } from '../src/text/model'
import type { Json, Key, Mapping } from '../src/types'
import { comments, isSubsequence, mappingPlaces, MIXED, scalarPlaces, TEXTS, untouched } from './texts'

const words = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', ' ', 'no', 'null', '007', '1e3', '{{ payload.name }}', "it's", 'a: b', '# x', 'a #b', '- x', '#sales', 'x:',
    'two\nlines', 'end\n', '\nstart', '  in\nout', 'a\n\n\nb\n\n', 'tab\there', '"', '\\n', '[a', 'a, b', '2026-01-02', '%', '@a', '*a', '&a', '!x', '|', '>'),
)
const scalars: fc.Arbitrary<Json> = fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null))
const values: fc.Arbitrary<Json> = fc.oneof({ weight: 3, arbitrary: scalars },
  { weight: 1, arbitrary: fc.array(scalars, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'x-y', 'with space', '#'), fc.oneof(scalars, fc.array(scalars, { maxLength: 2 })), { maxKeys: 3 }) })

function read(text: string): Mapping {
  const { model, fault } = parse(text)
  if (!model) throw new Error(`line ${fault.line}: ${fault.message}\n${text}`)
  return model.value
}

describe.each(TEXTS)('%s', (_name, text) => {
  const whole = read(text)
  const places = scalarPlaces(whole)

  it('changes a scalar and not a byte around it', () => {
    fc.assert(fc.property(fc.constantFrom(...places), scalars, (keys, value) => {
      const range = rangeAt(parse(text).model!, keys)!
      const after = setValue(text, keys, value).text
      expect(same(valueAt(parse(after).model!, keys), value)).toBe(true)
      const { head, tail } = untouched(text, after)
      // the lines of a block stand below the comment of the line that it begins on
      const rest = /^[ \t]+#[^\r\n]*/.exec(text.slice(range.end))?.[0] ?? ''
      const end = typeof value === 'string' && value.includes('\n') ? range.end + rest.length : range.end
      expect(head).toBeGreaterThanOrEqual(Math.min(range.start, text.length - tail))
      expect(tail).toBeGreaterThanOrEqual(Math.min(text.length - end, text.length - head))
      expect(after.slice(range.start)).toContain(text.slice(range.end, end))
    }), { numRuns: 40, endOnFailure: true })
  })

  it('keeps all comments through 200 form edits', () => {
    fc.assert(fc.property(fc.array(fc.record({ where: fc.nat(), key: fc.constantFrom('channel', 'text', 'note', 'x.y', 'on', 'a b'),
      value: values, does: fc.constantFrom('set', 'set', 'put', 'remove') }), { minLength: 200, maxLength: 200 }), (edits) => {
      let present = text
      for (const { where, key, value, does } of edits) {
        const now = read(present)
        const spots = does === 'set' ? scalarPlaces(now) : mappingPlaces(now)
        const spot = spots[where % spots.length]!
        if (does === 'remove') {
          const added = Object.keys(valueAt(parse(present).model!, spot) as Mapping).filter((one) => ['channel', 'note', 'x.y', 'on', 'a b'].includes(one))
          if (added[0] !== undefined) present = removeKey(present, [...spot, added[0]]).text
          continue
        }
        const keys: Key[] = does === 'set' ? spot : [...spot, key]
        const before = present
        present = setValue(present, keys, value).text
        expect(valueAt(parse(present).model!, keys), before).toEqual(value)
      }
      expect(isSubsequence(comments(text), comments(present)), present).toBe(true)
      expect(present.includes('\r\n')).toBe(text.includes('\r\n'))
    }), { numRuns: 1, endOnFailure: true })
  }, 60_000)

  it('adds a key and takes it away again: nothing is left of it', () => {
    for (const keys of mappingPlaces(whole)) {
      const added = setValue(text, [...keys, 'zz'], 'x').text
      expect(valueAt(parse(added).model!, [...keys, 'zz'])).toBe('x')
      if (Object.keys(valueAt(parse(text).model!, keys) as Mapping).length) expect(removeKey(added, [...keys, 'zz']).text).toBe(text)
    }
  })

  it('removes each key and nothing else', () => {
    for (const keys of mappingPlaces(whole)) for (const key of Object.keys(valueAt(parse(text).model!, keys) as Mapping)) {
      const after = removeKey(text, [...keys, key]).text
      expect(valueAt(parse(after).model!, [...keys, key])).toBeUndefined()
      const { head, tail } = untouched(text, after)
      expect(head + tail).toBeGreaterThanOrEqual(Math.min(text.length, after.length) - 12)
    }
  })
})

describe('how things are written', () => {
  it.each<[string, Json, string, string]>([
    ['name', 'New', "name:   'Order alerts'   # as", "name:   'New'   # as"],
    ['vars.threshold', 250, '{threshold: 100, ', '{threshold: 250, '],
    ['vars.more', ['a'], `"to": 'sales'}`, `"to": 'sales', more: [a]}`],
    ['steps[0].filter', "payload.kind == 'x'", 'filter: to_number(payload.total_price) >= vars.threshold', "filter: payload.kind == 'x'"],
    ['steps[0].if', 'payload.paid', '  - id: big   # the gate', '  - id: big   # the gate\n    if: payload.paid'],
    ['steps[2].parallel.sales[0].with.channel', '#big', "channel: '#sales'", "channel: '#big'"],
    ['steps[2].parallel.sales[0].with.text', 'one\ntwo', `|-
            Order {{ steps.order.id }}

              and {{ steps.order.skus | join(', ') }}
            # not a comment`, '|-\n            one\n            two'],
    ['steps[2].parallel.warehouse[1].stop', 'a, b', '- {stop: done}', '- {stop: "a, b"}'],
    ['trigger.webhook.events', ['orders/create', 'orders/paid'], '[ orders/create ]', '[ orders/create, orders/paid ]'],
  ])('%s', (path, value, before, after) => {
    expect(setValue(MIXED, path, value).text).toBe(MIXED.replace(before, () => after))
  })

  it('makes what is missing on the way', () => {
    expect(setValue('name: x\nsteps:\n  - action: slack.post_message\n', 'steps[0].with.channel', '#sales').text)
      .toBe('name: x\nsteps:\n  - action: slack.post_message\n    with:\n      channel: "#sales"\n')
    expect(setValue('name: x\ntrigger:\n', 'trigger.webhook', {}).text).toBe('name: x\ntrigger:\n  webhook: {}\n')
    expect(setValue('trigger: {webhook: {}}\n', 'name', 'x').text).toBe('name: x\ntrigger: {webhook: {}}\n')
    expect(setValue('', 'name', 'x').text).toBe('name: x\n')
    expect(setValue('# only this\n', 'name', 'x').text).toBe('# only this\nname: x\n')
  })

  it('writes an alias out rather than change two places', () => {
    const text = 'vars:\n  a: &x {k: 1}\n  b: *x\n  c: *x\n'
    expect(read(setValue(text, 'vars.b.k', 2).text)).toEqual({ vars: { a: { k: 1 }, b: { k: 2 }, c: { k: 1 } } })
    expect(read(setValue(text, 'vars.a.k', 2).text)).toEqual({ vars: { a: { k: 2 }, b: { k: 1 }, c: { k: 1 } } })
  })

  it('renames a key, takes raw YAML, applies a mend by characters', () => {
    expect(renameKey(MIXED, 'vars.threshold', 'least').text).toBe(MIXED.replace('{threshold: 100', '{least: 100'))
    expect(() => renameKey(MIXED, 'vars.threshold', 'to')).toThrow(EditRefused)
    expect(setRaw(MIXED, 'vars', '{a: 1} ').text).toContain('vars: {a: 1}\n\nsteps:')
    expect(read(setRaw(MIXED, 'steps[1].transform', 'a: b\nc: [d]').text)['steps']).toHaveProperty('1.transform', { a: 'b', c: ['d'] })
    expect(() => setRaw(MIXED, 'vars', '{a: ')).toThrow(EditRefused)
    const fix = { range: { line: 2, column: 5, end_line: 2, end_column: 7 }, text: 'to' }
    expect(applyFix('a: "😀"\r\n"😀: xx"\r\n', fix).text).toBe('a: "😀"\r\n"😀: to"\r\n'.replace(': to', ':to').replace(':to', ': to'))
    expect(() => setValue('a: [', 'a', 1)).toThrow(EditRefused)
  })
})
