import { describe, expect, it } from 'vitest'
import { connectionFields, suggestedName, valuesOf } from '../src/form/connections'
import { faultsAt, placed, unplaced } from '../src/form/faults'
import { inBrief, suggestionsOf, valueOf } from '../src/form/known'
import { retryWords } from '../src/form/retry'
import { fieldOfKey, fieldsOfInputs, shapeOfSchema } from '../src/form/shapes'
import type { CatalogueKey, Fault, Schema } from '../src/types'

const text: Schema = { type: 'string' }
const none: Schema = { type: 'null' }
const key = (part: Partial<CatalogueKey>): CatalogueKey => ({ name: 'x', sentence: 'Some `thing`', takes: '', reads: ['text'], schema: {}, example: null, required: false, ...part })

describe('the control for an input', () => {
  it.each<[string, Schema, string]>([
    ['a text', text, 'template'], ['a text or nothing', { anyOf: [text, none] }, 'template'], ['a number', { anyOf: [{ type: 'integer' }, none] }, 'number'],
    ['a word', { enum: ['a', 'b'], type: 'string' }, 'enum'], ['one or more', { anyOf: [text, { type: 'array', items: text }] }, 'one_or_more'],
    ['a list', { type: 'array', items: text }, 'list'], ['some of a few', { type: 'array', items: { enum: ['a'] } }, 'several'],
    ['names and values', { anyOf: [{ type: 'object', additionalProperties: text }, none] }, 'map'], ['anything', {}, 'any'],
    ['a file', { anyOf: [{ type: 'object' }, text] }, 'any'], ['an object', { type: 'object', properties: { a: text } }, 'object'],
    ['what is no template', { type: 'string', format: 'constant' }, 'text'],
  ])('of %s', (_name, schema, shape) => { expect(shapeOfSchema(schema, schema).is).toBe(shape) })
  it('puts what is needed first', () => {
    const fields = fieldsOfInputs({ properties: { a: text, b: { ...text, description: 'Its `b`' } }, required: ['b'] })
    expect(fields.map((one) => [one.name, one.isRequired, one.help])).toEqual([['b', true, 'Its b.'], ['a', false, '']])
  })
})

describe('the control for a key', () => {
  it('is rows where it is a condition', () => {
    expect(fieldOfKey(key({ name: 'filter', reads: ['expression'] }), {}).shape).toEqual({ is: 'expression', isCondition: true })
    expect(fieldOfKey(key({ name: 'output', reads: ['expression'] }), {}).shape).toEqual({ is: 'expression', isCondition: false })
  })
  it('is a choice of kinds where it takes several', () => {
    const retry = key({ name: 'retry', reads: ['off', 'block'], schema: { anyOf: [{ const: false }, { $ref: '#/$defs/retry' }] } })
    const { shape } = fieldOfKey(retry, { retry: [key({ name: 'attempts', schema: { type: 'integer' }, reads: ['count'] })] })
    if (shape.is !== 'union') throw new Error(shape.is)
    expect(shape.variants.map((one) => [one.label, one.fits(false), one.fits({ attempts: 3 })])).toEqual([['Never', true, false], ['As set here', false, true]])
  })
})

describe('faults', () => {
  const fault = (where: string, code = 'x', message = ''): Fault => ({ path: '', line: 1, column: 1, where, code, severity: 'error', message, hint: '' })
  it('go to the input that they name', () => {
    expect(placed(fault('steps[0].with', 'missing-input', 'email.send needs `to`'))).toBe('steps[0].with.to')
    expect(placed(fault('steps[0]', 'missing-connection'))).toBe('steps[0].connection')
  })
  it('are each at a field or at the top', () => {
    const all = [fault('steps[0].with.to[1]'), fault('steps[0]')]
    expect(faultsAt(all, 'steps[0].with.to', true)).toEqual([all[0]])
    expect(faultsAt(all, 'steps[0].with.to', false)).toEqual([])
    expect(unplaced(all, ['steps[0].with.to'])).toEqual([all[1]])
  })
})

describe('what is known of the data', () => {
  const names = { payload: { total: '1.5', lines: [{ 'a b': 1 }] }, vars: { least: 2 } }
  it('is found by its path', () => {
    expect(valueOf(names, 'payload.lines[0]."a b"')).toBe(1)
    expect(valueOf(names, 'payload.lines[].x')).toBeUndefined()
    expect(valueOf(names, 'a +')).toBeUndefined()
  })
  it('is offered by its path', () => {
    expect(suggestionsOf(names).map((one) => one.path)).toEqual(['payload.total', 'payload.lines', 'payload.lines[0]', 'payload.lines[0]."a b"', 'vars.least'])
    expect(inBrief('x'.repeat(100)).length).toBe(60)
  })
})

describe('words', () => {
  it.each([[undefined, 'try again for 24 h'], [false, 'no second try'], [{ attempts: 3 }, 'try 3 times'], [{ for: '1h30m' }, 'try again for 1 h 30 m']])('of the retry %j', (retry, words) => {
    expect(retryWords(retry)).toBe(words)
  })
})

describe('a connection', () => {
  const fields = connectionFields({ kind: 'x', connector: 'x', summary: '', fields: { required: ['token'], properties: {
    token: { type: 'string', format: 'password' }, port: { anyOf: [{ type: 'integer' }, none], default: 25 }, tls: { enum: ['on', 'off'], default: 'on' }, hosts: { type: 'array' } } } })
  it('has its fields from the schema', () => {
    expect(fields.map((one) => [one.name, one.isRequired, one.isSecret, one.options])).toEqual([
      ['token', true, true, null], ['port', false, false, null], ['tls', false, false, ['on', 'off']], ['hosts', false, false, null]])
  })
  it('is sent what was typed, and nothing else', () => {
    expect(valuesOf(fields, { token: 'a', port: '587', hosts: 'a, b', tls: '' })).toEqual({ token: 'a', port: 587, hosts: ['a', 'b'] })
    expect(suggestedName('Google Sheets', ['google-sheets'])).toBe('google-sheets-2')
  })
})
