import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathOfSegments, segmentsOf } from '../src/form/jmespath'
import { canBePills, hasPill, partsOf, pillName, pillOf } from '../src/form/templates'

const pieces = fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('{{ payload.name }}', '{{', '}}', "{{ x | join('}}') }}", '{{-a-}}', '{% if x %}', '"', "'", '\n')), { maxLength: 8 })

describe('a template as text and pills', () => {
  it('is the same text again', () => {
    fc.assert(fc.property(pieces, (given) => {
      const source = given.join('')
      expect(partsOf(source).map((one) => one.text).join('')).toBe(source)
    }), { numRuns: 500 })
  })
  it('has a pill for each expression', () => {
    expect(partsOf("Order {{ steps.order.id }}: {{ x | join('}}') }}!").map((one) => one.is)).toEqual(['text', 'pill', 'text', 'pill', 'text'])
    expect(hasPill('{{ open')).toBe(false)
    expect(canBePills('{% if a %}b{% endif %}')).toBe(false)
  })
  it.each([
    ['payload.name', 'name'], ['payload.customer.email', 'customer email'], ["steps.order.skus | join(', ')", 'skus, joined'], ['payload.line_items[0].sku', 'sku'],
    ["event.headers['x-github-event']", 'x github event'], ["payload.a | default('')", 'a'], ['1 + 2', '1 + 2'],
  ])('calls %s "%s"', (inside, name) => { expect(pillName(inside)).toBe(name) })
  it.each([
    ['payload.name', '{{ payload.name }}'], ['payload.line_items[0].sku', '{{ payload.line_items[0].sku }}'],
    ['event.headers."x-github-event"', "{{ event.headers['x-github-event'] }}"], ['payload."it\'s"', "{{ payload['it\\'s'] }}"],
    ['payload.line_items[].sku', "{{ payload | jmespath('line_items[].sku') }}"],
  ])('writes the path %s as %s', (path, pill) => { expect(pillOf(path)).toBe(pill) })
  it('reads a path and writes it again', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.nat(20), fc.constant(null)), { maxLength: 5 }), (rest) => {
      const path = pathOfSegments(['payload', ...rest])
      expect(segmentsOf(path)).toEqual(['payload', ...rest])
    }))
  })
})
