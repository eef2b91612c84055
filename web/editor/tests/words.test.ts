import { describe, expect, it } from 'vitest'
import { parse } from '../src/text/model'
import { rowsOf } from '../src/text/rows'
import { conditionWords } from '../src/words/conditions'
import { listLabel, proviso, sentence, title, triggerSentence } from '../src/words/sentences'
import { MIXED, TEXTS } from './texts'

describe('conditions in words', () => {
  it.each([
    ['to_number(payload.total_price) >= 100', 'total price is at least 100'],
    ["payload.currency == 'EUR' && payload.paid", 'currency is EUR and paid is there'],
    ["payload.a != '' || !payload.b", 'a is not empty or b is empty or false'],
    ["contains(payload.tags, 'vip')", 'tags contains vip'],
    ["!starts_with(payload.name, '#')", 'name does not start with #'],
    ['steps.x.rows[0].first_name == $.vars.who', 'first name is who'],
    ["event.headers.\"x-kind\" == 'a b'", 'x kind is a b'],
    ['length(payload.items[?price > `5`]) > 3', 'length(payload.items[?price > `5`]) > 3'],
    ['a && b || c', 'a && b || c'],
  ])('%s', (expression, words) => expect(conditionWords(expression)).toBe(words))
})

describe('steps in words', () => {
  const model = parse(MIXED).model!
  it.each([
    ['steps[0]', 'Continue if total price is at least threshold'], ['steps[1]', 'Prepare order'], ['steps[2]', 'At once: sales, warehouse'],
    ['steps[2].parallel.sales[0]', 'Slack: post message → #sales'], ['steps[2].parallel.warehouse[0]', 'Email: send → warehouse@example.com'],
    ['steps[3].switch[0].steps[0]', 'Fail: folded text'],
  ])('%s', (path, words) => expect(sentence(model.steps.get(path)!)).toBe(words))

  it('prefers the own name, and says what stands above inner lists', () => {
    expect(title(model.steps.get('steps[2]')!)).toBe('Tell people')
    expect(model.steps.get('steps[3]')!.lists.map(listLabel)).toEqual(['If buyer is there', 'Otherwise'])
    expect(proviso(parse('steps: [{stop: x, if: payload.a > 1}]').model!.steps.get('steps[0]')!)).toBe('only if a is more than 1')
    expect(triggerSentence(model.triggers[0]!)).toBe('Shopify: orders/create')
  })
})

describe('rows', () => {
  it.each(TEXTS)('%s: each step once, in the order of the file', (_name, text) => {
    const model = parse(text).model!
    const paths = [...rowsOf(model.main, new Set()), ...rowsOf(model.onFailure, new Set())].flatMap((row) => (row.is === 'step' ? [row.key] : []))
    expect(paths).toEqual([...model.steps.keys()])
    expect([...model.steps.values()].map((one) => one.line)).toEqual([...model.steps.values()].map((one) => one.line).sort((a, b) => a - b))
  })

  it('leave out what is folded, and offer a place in an empty branch', () => {
    const model = parse('steps:\n  - switch:\n      - when: a\n        steps: []\n      - steps:\n          - stop: x\n').model!
    const kinds = (folded: string[]) => rowsOf(model.main, new Set(folded)).map((row) => `${row.is}${row.depth}`)
    expect(kinds([])).toEqual(['step0', 'head1', 'empty2', 'head1', 'step2'])
    expect(kinds(['steps[0].switch[1].steps'])).toEqual(['step0', 'head1', 'empty2', 'head1'])
    expect(kinds(['steps[0]'])).toEqual(['step0'])
  })
})

describe('paths and numbers', () => {
  it('are those of the checker', () => {
    const model = parse(MIXED).model!
    expect([...model.steps.keys()]).toContain('steps[3].switch[1].steps[0].on_error[0]')
    expect(model.steps.get('steps[2].parallel.warehouse[1]')!.number).toBe('3.b2')
  })
})
