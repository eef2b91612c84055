import { describe, expect, it } from 'vitest'
import { isReachable, missing, neededConnections } from '../src/drawer/checklist'
import { providerOf, secretsOf } from '../src/drawer/trigger'
import { parse } from '../src/text/model'

const model = parse(`trigger:
  webhook:
    verify: {provider: shopify, secret: SHOPIFY_SECRET}
steps:
  - action: slack.post_message
    connection: team
  - action: slack.add_reaction
    connection: team
  - action: email.send
`).model!
const catalogue = { actions: [
  { name: 'slack.post_message', summary: '', inputs: {}, connection_kinds: ['slack'], connection_required: true },
  { name: 'email.send', summary: '', inputs: {}, connection_kinds: ['smtp'], connection_required: true },
], kinds: [], triggers: [], functions: [], filters: [], providers: [] }

describe('the way to a first run', () => {
  it('knows which connections are needed and missing', () => {
    const needed = neededConnections(model, catalogue)
    expect(needed).toEqual([{ name: 'team', kinds: ['slack'], service: 'slack' }, { name: '', kinds: ['smtp'], service: 'email' }])
    expect(missing(needed, [{ name: 'team', kind: 'slack' }]).map((one) => one.service)).toEqual(['email'])
  })
  it('knows who sends and which secret proves it', () => {
    expect(providerOf(model)).toBe('shopify')
    expect(secretsOf(model)).toEqual(['SHOPIFY_SECRET'])
    expect(providerOf(parse('trigger: {webhook: {verify: none}}').model!)).toBeNull()
    expect(providerOf(parse('trigger: {webhook: {verify: github}}').model!)).toBe('github')
  })
  it('knows which addresses only this machine or network sees', () => {
    for (const own of ['http://127.0.0.1:8000/hooks/a', 'http://localhost/a', 'http://10.1.2.3/', 'http://172.20.0.1/', 'http://[::1]/', 'http://box.local/'])
      expect([own, isReachable(own)]).toEqual([own, false])
    for (const open of ['https://hooks.example.com/hooks/a', 'http://172.32.0.1/', 'http://8.8.8.8/']) expect([open, isReachable(open)]).toEqual([open, true])
  })
})
