import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWhole, OPERATORS, parseCondition, takesValue, writeCondition, type Operator, type Row, type Value } from '../src/form/conditions'

const name = fc.oneof(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string({ minLength: 1, maxLength: 8 }).map((one) => JSON.stringify(one)))
const path = fc.tuple(fc.constantFrom('payload', 'steps', 'vars', 'item', 'event'), fc.array(fc.oneof(name.map((one) => `.${one}`), fc.nat(99).map((one) => `[${one}]`), fc.constant('[]')), { maxLength: 4 }))
  .map(([root, rest]) => root + rest.join(''))
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((one) => String(one))
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).filter((one) => !/[\ud800-\udfff]/.test(one)).map((text) => ({ is: 'text' as const, text })),
  fc.constantFrom('', "it's", 'a`b', '\\', "\\'", '"', 'a && b', '(', 'null', 'true', '10', ' x ', '\n').map((text) => ({ is: 'text' as const, text })),
  number.map((text) => ({ is: 'number' as const, text })), fc.constantFrom('true', 'false').map((text) => ({ is: 'boolean' as const, text })),
  path.map((text) => ({ is: 'path' as const, text })), fc.constant({ is: 'null' as const, text: '' }),
)
const compares = (operator: Operator) => ['is', 'is_not', 'at_least', 'at_most', 'more_than', 'less_than'].includes(operator)
const row: fc.Arbitrary<Row> = fc.record({ field: path, operator: fc.constantFrom(...(Object.keys(OPERATORS) as Operator[])), value, isNumber: fc.boolean() })
  .map((one) => ({ ...one, value: takesValue(one.operator) ? one.value : null, isNumber: one.isNumber && compares(one.operator) }))
  .filter(isWhole)
/** Numbers may be written in another way that means the same. */
const meaning = (one: Row) => ({ ...one, value: one.value?.is === 'number' ? { is: 'number', text: Number(one.value.text) } : one.value })

describe('rows of a condition', () => {
  it('are read back as they were written', () => {
    fc.assert(fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), fc.constantFrom('all' as const, 'any' as const), (rows, joint) => {
      const read = parseCondition(writeCondition({ joint, rows }))
      expect(read?.rows.map(meaning)).toEqual(rows.map(meaning))
      if (rows.length > 1) expect(read?.joint).toBe(joint)
    }), { numRuns: 500 })
  })
  it('write this language: bare numbers, single quotes, to_number where text is compared', () => {
    const total: Row = { field: 'payload.total_price', operator: 'at_least', value: { is: 'number', text: '100' }, isNumber: true }
    const paid: Row = { field: 'payload.status', operator: 'is', value: { is: 'text', text: "it's paid" }, isNumber: false }
    const note: Row = { field: 'payload.note', operator: 'contains', value: { is: 'text', text: 'gift' }, isNumber: false }
    expect(writeCondition({ joint: 'all', rows: [total, paid] })).toBe("to_number(payload.total_price) >= 100 && payload.status == 'it\\'s paid'")
    expect(writeCondition({ joint: 'any', rows: [note, { ...note, operator: 'not_empty', value: null }] })).toBe("contains(payload.note || '', 'gift') || !is_empty(payload.note)")
  })
  it.each([
    ['to_number(payload.total_price) >= vars.threshold', 'payload.total_price', 'at_least'],
    ['payload.total >= `100`', 'payload.total', 'at_least'],
    ['100 <= payload.total', 'payload.total', 'at_least'],
    ["(payload.kind == 'order')", 'payload.kind', 'is'],
    ['event.headers."x-kind" != \'a\'', 'event.headers."x-kind"', 'is_not'],
    ["contains(payload.tags, 'vip')", 'payload.tags', 'contains'],
    ["!contains(payload.tags || '', 'vip')", 'payload.tags', 'contains_not'],
    ['!payload.test', 'payload.test', 'not_there'], ['payload.paid', 'payload.paid', 'there'], ['payload.due == null', 'payload.due', 'is'],
  ])('read %s', (source, field, operator) => {
    expect(parseCondition(source)?.rows).toMatchObject([{ field, operator }])
  })
  it.each(["a && b || c", 'payload.a + 1 > 2', 'length(payload.lines) > `0`', 'payload.lines[?price > `1`]', 'payload.a | b', '(a && b) || c', 'a == b == c', "'x'", 'a ==', "a == 'x"])(
    'leave %s to the text', (source) => { expect(parseCondition(source)).toBeNull() })
  it('say nothing of nothing', () => { expect(parseCondition('  ')).toEqual({ joint: 'all', rows: [] }) })
})
