/** Texts to edit: the repository's own workflows, and one with every way of writing that YAML has for them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Json, Key } from '../src/types'
import { isMapping } from '../src/text/model'

const FOLDER = fileURLToPath(new URL('../../../workflows', import.meta.url))

export const WORKFLOWS: [string, string][] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
  .map((name) => [name, readFileSync(`${FOLDER}/${name}`, 'utf8')])

export const MIXED = `# What this is for.

name:   'Order alerts'   # as sales call it
title: "Order {{ payload.name }}"

trigger:
    webhook:   # the shop
        verify: {provider: shopify,  secret: SHOPIFY_SECRET}
        events: [ orders/create ]

vars: {threshold: 100, "to": 'sales'}

steps:
  # Small orders end here.
  # They are many.
  - id: big   # the gate
    # numbers arrive as text
    filter: to_number(payload.total_price) >= vars.threshold


  # A note that stands alone.

  - id: order
    transform: {id: payload.id, "skus": "payload.line_items[].sku", buyer: payload.customer.email}
  - name: "Tell people"
    parallel:
      sales:
      - action: slack.post_message   # no space before the dash
        connection: team-slack
        with:
          channel: '#sales'
          text: |-
            Order {{ steps.order.id }}

              and {{ steps.order.skus | join(', ') }}
            # not a comment
      # to pack
      warehouse:
        - action: email.send
          connection: mail
          with: {to: warehouse@example.com, subject: "Pack {{ steps.order.id }}",
            text: "all"}   # on two lines
        - {stop: done}

  - switch:
      - when: steps.order.buyer
        steps:
          - fail: >
              folded
              text
      # otherwise
      - steps:
          - template: "x: {{ payload.note }}"
            on_error:
              # mend it
              - stop: "nothing"

on_failure:
  # someone must know
  - action: slack.post_message
    connection: team-slack
    with: {channel: "#ops", text: "{{ error.step }} and {{ steps.order.id }}"}
# the end
`

export const TEXTS: [string, string][] = [...WORKFLOWS, ['mixed', MIXED], ['mixed, CRLF', MIXED.replaceAll('\n', '\r\n')]]

/** Every place of a value that is a scalar, as keys. */
export function scalarPlaces(value: Json, keys: Key[] = []): Key[][] {
  if (Array.isArray(value)) return value.flatMap((one, index) => scalarPlaces(one, [...keys, index]))
  if (isMapping(value)) return Object.entries(value).flatMap(([key, one]) => scalarPlaces(one, [...keys, key]))
  return [keys]
}

/** Every place of a mapping. */
export function mappingPlaces(value: Json, keys: Key[] = []): Key[][] {
  if (Array.isArray(value)) return value.flatMap((one, index) => mappingPlaces(one, [...keys, index]))
  if (!isMapping(value)) return []
  return [keys, ...Object.entries(value).flatMap(([key, one]) => mappingPlaces(one, [...keys, key]))]
}

/** How many characters at the start and at the end of *before* are still there. */
export function untouched(before: string, after: string): { head: number; tail: number } {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head++
  let tail = 0
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  return { head, tail }
}

/** Lines of comments alone, trimmed. */
export function comments(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line.startsWith('#') && line !== '# not a comment')
}

/** Whether all of *part* is in *whole*, in order. */
export function isSubsequence(part: string[], whole: string[]): boolean {
  let next = 0
  for (const one of whole) if (one === part[next]) next++
  return next === part.length
}
