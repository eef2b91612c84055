import { describe, expect, it } from 'vitest'
import { complete, explain, type Known } from '../src/yaml/completion'
import { changeBetween } from '../src/yaml/marks'
import { parse } from '../src/text/model'
import fc from 'fast-check'

const BEFORE = `vars:
  threshold: 100
steps:
  - id: order
    transform: payload
`
const known: Known = {
  schema: {
    properties: { name: { type: 'string', description: 'What people call it.' }, steps: { type: 'array', items: { $ref: '#/$defs/step.action' } } },
    $defs: {
      'step.action': { required: ['action'], properties: { action: {}, with: {}, connection: {}, on_error: { enum: ['stop', 'go_on'] } } },
      'inputs.slack.post_message': { required: ['channel'], properties: { channel: { description: 'Where to.' }, text: {} } },
    },
  },
  catalogue: {
    actions: [{ name: 'slack.post_message', summary: 'Post a message.', inputs: { required: ['channel'], properties: { channel: { description: 'Where to.' } } }, connection_kinds: ['slack'] }],
    kinds: [], triggers: [], providers: [], filters: [{ name: 'upper', sentence: 'In capitals.' }],
    functions: [{ name: 'to_number', signature: 'to_number(value)', sentence: 'A number.' }],
  },
  connections: [{ name: 'team', kind: 'slack' }, { name: 'mail', kind: 'smtp' }],
  secrets: ['SHOPIFY_SECRET'],
  data: { event: { id: 'e1' }, payload: { name: '#1', customer: { email: 'a@b', 'first name': 'Ada' }, items: [{ sku: 'A' }] }, headers: {}, query: {}, type: null, title: '' },
  model: parse(BEFORE).model!,
  results: [{ path: 'steps[0]', id: 'order', kind: 'transform', status: 'passed', input: null, output: { total: 5 }, error: null, sentence: '', request: null, place: { line: 4 } }],
}
/** What is offered where `¦` stands. */
function offered(text: string, explicit = true) {
  const offset = text.indexOf('¦')
  return complete(text.replace('¦', ''), offset, known, explicit)
}
const labels = (text: string) => offered(text)?.options.map((one) => one.label) ?? []

describe('completion', () => {
  it('offers the keys of the place that are not there yet', () => {
    expect(labels(`${BEFORE}  - action: slack.post_message\n    ¦`)).toEqual(['with', 'connection', 'on_error'])
    expect(offered(`${BEFORE}  - ¦`)!.options[0]).toMatchObject({ label: 'action', detail: 'needed', apply: 'action: ¦' })
    expect(labels(`${BEFORE}  - action: slack.post_message\n    with:\n      ¦`)).toEqual(['channel', 'text'])
  })
  it('offers actions, with what they need beneath', () => {
    const [first] = offered(`${BEFORE}  - action: sl¦`)!.options
    expect(first!.apply).toBe('slack.post_message\n    connection: team\n    with:\n      channel: ¦')
  })
  it('offers connections, those of the right kind first', () => {
    const options = offered(`${BEFORE}  - action: slack.post_message\n    connection: ¦`)!.options
    expect(options.map((one) => [one.label, (one.boost ?? 0) > 0])).toEqual([['team', true], ['mail', false]])
  })
  it('offers constants', () => expect(labels(`${BEFORE}  - action: a.b\n    on_error: ¦`)).toEqual(['stop', 'go_on']))
  it('offers secrets', () => expect(labels('trigger:\n  webhook:\n    verify:\n      secret: ¦')).toEqual(['SHOPIFY_SECRET']))
  it('offers the fields of the chosen event in expressions and templates', () => {
    expect(labels(`${BEFORE}  - filter: payload.¦`)).toEqual(['name', 'customer', 'items'])
    expect(labels(`${BEFORE}  - with:\n      text: "Hi {{ payload.customer.¦`)).toEqual(['email', 'first name'])
    expect(offered(`${BEFORE}  - filter: payload.customer.¦`)!.options[1]!.apply).toBe('"first name"')
    expect(labels(`${BEFORE}  - filter: payload.items[0].¦`)).toEqual(['sku'])
    expect(labels(`${BEFORE}  - filter: steps.¦`)).toEqual(['order'])
    expect(labels(`${BEFORE}  - filter: steps.order.¦`)).toEqual(['total'])
    expect(labels(`${BEFORE}  - filter: vars.¦`)).toEqual(['threshold'])
  })
  it('offers functions, and filters behind a bar', () => {
    expect(offered(`${BEFORE}  - filter: to_¦`)!.options.find((one) => one.type === 'function')).toMatchObject({ label: 'to_number', apply: 'to_number(¦)' })
    expect(labels(`${BEFORE}  - with:\n      text: "{{ payload.name | ¦`)).toEqual(['upper'])
  })
  it('keeps silent in plain text', () => expect(offered(`${BEFORE}  - with:\n      text: "Hello pay¦`)).toBeNull())
})

describe('help', () => {
  const at = (text: string) => explain(text.replace('¦', ''), text.indexOf('¦'), known)
  it('says what a key, an action, a function is', () => {
    expect(at('na¦me: A')).toMatchObject({ title: 'name', sentence: 'What people call it.' })
    expect(at(`${BEFORE}  - action: slack.po¦st_message`)).toMatchObject({ sentence: 'Post a message.', more: ['channel (needed): Where to.'] })
    expect(at(`${BEFORE}  - filter: to_nu¦mber(payload.a)`)).toMatchObject({ title: 'to_number(value)' })
    expect(at('name: Plain wor¦d')).toBeNull()
  })
})

describe('the change between two texts', () => {
  it('makes the one into the other', () => fc.assert(fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
    const [before, after] = [a + b + d, a + c + d]
    const { from, to, insert } = changeBetween(before, after)
    expect(before.slice(0, from) + insert + before.slice(to)).toBe(after)
    expect(to - from).toBeLessThanOrEqual(b.length)
  })))
})
