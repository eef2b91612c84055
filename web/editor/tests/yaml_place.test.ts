import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LineCounter, parseDocument, visit, isPair, isScalar, isMap, isSeq } from 'yaml'
import { mappingAt, spotAt } from '../src/yaml/place'
import { keysOf, narrowed, schemasAt, valuesOf } from '../src/yaml/schema'
import type { Schema } from '../src/types'

const TEXT = `name: Orders
trigger:
  webhook:
    verify: {provider: shopify}
    events: [orders/create]
steps:
  - id: big
    filter: to_number(payload.total_price) >= \`100\`
  - action: slack.post_message
    connection: team-slack
    with:
      channel: "#sales"
      text: |
        Order {{ payload.name }}
  - switch:
      - when: payload.a
        steps:
        - action: email.send
`
/** The spot where the caret `|` stands in *text*. */
function spot(text: string) {
  const offset = text.indexOf('¦')
  return spotAt(text.replace('¦', ''), offset)
}

describe('a spot', () => {
  it('is the key before a colon, with what was typed', () => {
    expect(spot('name: A\ntrigger:\n  web¦')).toMatchObject({ keys: ['trigger'], part: 'key', typed: 'web' })
    expect(spot('steps:\n  - id: a\n    fil¦')).toMatchObject({ keys: ['steps', 0], part: 'key', typed: 'fil' })
    expect(spot('steps:\n  - id: a\n  - ¦')).toMatchObject({ keys: ['steps', 1], part: 'key', typed: '' })
    expect(spot('steps:\n- id: a\n- fil¦')).toMatchObject({ keys: ['steps', 1], part: 'key', typed: 'fil' })
    expect(spot('steps:\n  - id: a\nout¦')).toMatchObject({ keys: [], part: 'key', typed: 'out' })
  })
  it('is the value behind a colon', () => {
    expect(spot('steps:\n  - action: sla¦')).toMatchObject({ keys: ['steps', 0, 'action'], part: 'value', typed: 'sla', before: ' ' })
    expect(spot('steps:\n  - with:\n      text: "A {{ payload.na¦'))
      .toMatchObject({ keys: ['steps', 0, 'with', 'text'], part: 'value', typed: 'payload.na', before: ' "A {{ ' })
  })
  it('is a value inside of a block text', () => {
    expect(spot('steps:\n  - with:\n      text: |\n        Hello {{ pay¦'))
      .toMatchObject({ keys: ['steps', 0, 'with', 'text'], part: 'value', typed: 'pay' })
  })
  it('stands where the parser puts each key of every starter', () => {
    const folder = new URL('../../../workflows/', import.meta.url)
    const files = readdirSync(folder).filter((one) => one.endsWith('.yaml') && !one.startsWith('_'))
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) {
      const text = readFileSync(new URL(file, folder), 'utf8')
      const lines = new LineCounter()
      const doc = parseDocument(text, { lineCounter: lines, keepSourceTokens: true })
      visit(doc, {
        Pair(_key, pair, ancestors) {
          if (!isScalar(pair.key) || !pair.key.range || ancestors.some((one) => (isMap(one) || isSeq(one)) && one.flow)) return
          const keys = [...ancestors, pair].flatMap((one, index, all): (string | number)[] => {
            if (isPair(one) && isScalar(one.key)) return [String(one.key.value)]
            const next = all[index + 1]
            return isSeq(one) ? [one.items.indexOf(next as never)] : []
          })
          const offset = pair.key.range[1] + 1
          expect([file, spotAt(text, offset).keys], `line ${lines.linePos(offset).line}`).toEqual([file, keys])
        },
      })
    }
  })
})

describe('the mapping around', () => {
  it('has its keys and what they say', () => {
    const found = mappingAt(TEXT, TEXT.indexOf('#sales'), ['steps', 1])
    expect([...found]).toEqual(expect.arrayContaining([['action', 'slack.post_message'], ['connection', 'team-slack'], ['with', '']]))
    expect(found.size).toBe(3)
  })
})

describe('the schema', () => {
  const schema: Schema = {
    properties: { steps: { $ref: '#/$defs/steps' }, name: { type: 'string', description: 'Its name.' } },
    $defs: {
      steps: { type: 'array', items: { $ref: '#/$defs/step' } },
      step: { oneOf: [{ $ref: '#/$defs/step.action' }, { $ref: '#/$defs/step.filter' }] },
      'step.action': { properties: { action: { enum: ['slack.post_message'] }, with: { type: 'object' } } },
      'step.filter': { properties: { filter: { type: 'string' }, on_false: { enum: ['stop', 'fail'] } } },
      'inputs.slack.post_message': { properties: { channel: { type: 'string' }, mrkdwn: { type: 'boolean' } }, required: ['channel'] },
    },
  }
  it('follows references and lists', () => {
    expect([...keysOf(schema, schemasAt(schema, ['steps', 3])).keys()]).toEqual(['action', 'with', 'filter', 'on_false'])
    expect(valuesOf(schemasAt(schema, ['steps', 3, 'on_false']))).toEqual(['stop', 'fail'])
  })
  it('is narrowed by what the step says', () => {
    const brothers = (keys: readonly (string | number)[]) => mappingAt(TEXT, TEXT.indexOf('#sales'), keys)
    expect([...keysOf(schema, narrowed(schema, ['steps', 1, 'with'], brothers)).keys()]).toEqual(['channel', 'mrkdwn'])
    expect(valuesOf(narrowed(schema, ['steps', 1, 'with', 'mrkdwn'], brothers))).toEqual(['true', 'false'])
    expect([...keysOf(schema, narrowed(schema, ['steps', 1], brothers)).keys()]).toEqual(['action', 'with'])
  })
})
