import { describe, expect, it } from 'vitest'
import { foundRows, pathTo, statOf, treeRows } from '../src/drawer/tree'

const roots = { payload: { id: 7, customer: { 'first name': 'Ada', email: null }, items: [{ sku: 'A' }, { sku: 'B' }], 'a.b': true } }

describe('the tree', () => {
  it('writes paths that JMESPath reads', () => {
    expect(pathTo('payload', 'total_price')).toBe('payload.total_price')
    expect(pathTo('payload', 'first name')).toBe('payload."first name"')
    expect(pathTo('payload', 'say "hi"')).toBe('payload."say \\"hi\\""')
    expect(pathTo('payload.items', 0)).toBe('payload.items[0]')
  })
  it('shows what is unfolded', () => {
    expect(treeRows(roots, new Set()).map((one) => one.path)).toEqual(['payload'])
    const rows = treeRows(roots, new Set(['payload', 'payload.items', 'payload.items[1]']))
    expect(rows.map((one) => [one.level, one.path, one.type, one.shown])).toEqual([
      [0, 'payload', 'object', '4'], [1, 'payload.id', 'number', '7'], [1, 'payload.customer', 'object', '2'],
      [1, 'payload.items', 'list', '2'], [2, 'payload.items[0]', 'object', '1'], [2, 'payload.items[1]', 'object', '1'],
      [3, 'payload.items[1].sku', 'text', '"B"'], [1, 'payload."a.b"', 'yes or no', 'true']])
  })
  it('cuts what nobody reads', () => {
    const rows = treeRows({ payload: Array.from({ length: 1000 }, (_, index) => index) }, new Set(['payload']))
    expect(rows).toHaveLength(202)
    expect(rows.at(-1)!.more).toBe(800)
    expect(treeRows({ payload: 'x'.repeat(1e6) }, new Set())[0]!.shown.length).toBeLessThanOrEqual(120)
  })
  it('finds by name and by value', () => {
    expect(foundRows(roots, 'SKU').map((one) => one.path)).toEqual(['payload.items[0].sku', 'payload.items[1].sku'])
    expect(foundRows(roots, 'ada').map((one) => one.path)).toEqual(['payload.customer."first name"'])
  })
  it('says how often a field is there', () => {
    const stats = new Map([['payload.items[].sku', { path: 'payload.items[].sku', types: ['text'], in: 38, example: 'A' }]])
    expect(statOf('payload.items[1].sku', stats, 40)).toBe('text · in 38 of 40 events')
    expect(statOf('payload.id', stats, 40)).toBe('')
  })
})
