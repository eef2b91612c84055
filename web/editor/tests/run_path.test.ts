import { expect, it } from 'vitest'
import { parse } from '../src/text/model'
import { runPath } from '../src/text/run_path'

const TEXT = `steps:
  - id: big
    filter: payload.a
  - filter: payload.b
  - switch:
      - when: payload.b
        steps:
          - action: slack.post_message
            on_error:
              - filter: payload.c
      - steps:
          - filter: payload.b
          - filter: payload.b
  - for_each: payload.items
    id: loop
    steps:
      - filter: payload.b
      - parallel:
          a:
            - filter: payload.x
          b:
            - transform: payload.y
on_failure:
  - filter: payload.b
`
it('names each step as a run does', () => {
  expect([...parse(TEXT).model!.steps.values()].map(runPath)).toEqual([
    'big', 'filter#2', 'switch#3', 'switch#3.case#1.action#1', 'switch#3.case#1.action#1!error.filter#1', 'switch#3.case#2.filter#1',
    'switch#3.case#2.filter#2', 'loop', 'loop.filter#1', 'loop.parallel#2', 'loop.parallel#2.a.filter#1', 'loop.parallel#2.b.transform#1',
    'on_failure.filter#1'])
})
