"""Faults of names, steps, actions and secrets (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== unknown-name
A name that there is not

An expression sees `payload`, `event`, `steps`, `outcomes`, `vars` and `run`; in loops also `item` (or
what `as` says) and `index`, and `error` where errors are handled. All else stands inside of these.
--- wrong
- filter: total > 100
--- mended
- filter: payload.total > 100

=== unknown-step
No step of that id

`steps.<id>` is the output of a step that says `id: <id>`. A step without an `id` cannot be referred
to.
--- wrong
- id: order
  transform: {number: payload.number}
- template: "{{ steps.ordr.number }}"
--- mended
- id: order
  transform: {number: payload.number}
- template: "{{ steps.order.number }}"

=== step-later
A step that has not ended yet

Steps run in the order of the file, so only those above have an output.
--- wrong
- template: "{{ steps.order.number }}"
- id: order
  transform: {number: payload.number}
--- mended
- id: order
  transform: {number: payload.number}
- template: "{{ steps.order.number }}"

=== step-hidden
A step that is not seen from here

Ids inside a loop or a branch of `parallel` are seen inside only, since outside there could be many of
them. The output of the step around them holds what came of them.
--- wrong
- parallel:
    stock:
      - id: count
        transform: payload.count
- template: "{{ steps.count }}"
--- mended
- id: all
  parallel:
    stock:
      - id: count
        transform: payload.count
- template: "{{ steps.all.stock }}"

=== unknown-field
A field that an action never gives

What an action gives is known: `hookline actions` shows it. Any other field is null in every run.
--- wrong
- id: page
  action: http.request
  with: {url: "https://example.com/stock"}
- filter: steps.page.data.count
--- mended
- id: page
  action: http.request
  with: {url: "https://example.com/stock"}
- filter: steps.page.body.count

=== may-not-run
A step that may not have run

It has an `if`, stands in a branch of `switch`, or may have failed under `on_error: continue`; in
`on_failure` any step may be the one that the run never reached. Its output is null then.
--- wrong
- id: customer
  if: payload.customer_id
  transform: {name: payload.name}
- template: "Hello {{ steps.customer.name }}"
--- mended
- id: customer
  if: payload.customer_id
  transform: {name: payload.name}
- template: "Hello {{ steps.customer.name | default('you') }}"

=== before-run
Nothing has run yet

`title`, `deduplicate`, `concurrency` and a fixed answer are worked out before any step runs.
--- wrong
title: "Order {{ steps.order.number }}"
--- mended
title: "Order {{ payload.number }}"

=== current-value
The path inside of it alone

`items` of a `poll` looks at the action's result, and `id` at one item: bare names are their fields.
--- wrong
trigger:
  poll:
    action: http.request
    with: {url: "https://example.com/tickets"}
    every: 5m
    items: body
    id: item.id
--- mended
trigger:
  poll:
    action: http.request
    with: {url: "https://example.com/tickets"}
    every: 5m
    items: body
    id: id

=== unknown-var
A constant that is not defined

`vars.<name>` is what stands under `vars` of the file. The server's configuration may give it another
value, and adds none.
--- wrong
vars: {threshold: 100}
steps:
  - filter: payload.total > vars.treshold
--- mended
vars: {threshold: 100}
steps:
  - filter: payload.total > vars.threshold

=== unknown-action
An action that there is not

An action is `connector.action`; /docs/actions and `hookline actions` list them.
--- wrong
- action: slack.post_mesage
  connection: team-slack
  with: {channel: "#sales", text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== unknown-input
An input that the action has not

What stands under `with` are the action's inputs, by their names.
--- wrong
- action: slack.post_message
  connection: team-slack
  with: {chanel: "#sales", text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== missing-input
An input is missing

The action, or the workflow that is called, cannot do without it.
--- wrong
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales"}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== input-type
An input of another kind

A constant is judged with the file; what a template gives, when it runs.
--- wrong
- action: slack.post_message
  connection: team-slack
  with: {channel: [general], text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: general, text: A new order}

=== host-from-data
A sender decides where a request goes

The host of an address comes with the data, so whoever sends an event chooses whom we call: with
credentials that is an error. The host is written out or stands in `vars`; an action that takes
`allow_any_host: true` may be told that it is meant.
--- wrong
- action: http.request
  with: {url: "https://{{ payload.host }}/orders"}
--- mended
vars: {host: shop.example.com}
steps:
  - action: http.request
    with: {url: "https://{{ vars.host }}/orders/{{ payload.id }}"}

=== sql-from-data
A sender writes a part of the SQL

What a database executes is written by you, whole: a value of the event inside of it could end the statement
and begin another. Values go into `params`, where they stay values.
--- wrong
- action: postgres.query
  connection: shop-db
  with: {sql: "SELECT * FROM orders WHERE email = '{{ payload.email }}'"}
--- mended
- action: postgres.query
  connection: shop-db
  with:
    sql: SELECT * FROM orders WHERE email = :email
    params: {email: "{{ payload.email }}"}

=== command
A command that may not be run, or not so

`command.run` runs what [commands] in the server's hookline.toml allows by name, over the connections
that stand there, with arguments that fit the patterns given there. A name that is filled in would let a
sender choose among all of them.
--- wrong
- action: command.run
  with: {name: "{{ payload.command }}"}
--- mended
- action: command.run
  with:
    name: deploy
    arguments: {branch: "{{ payload.branch }}"}

=== missing-connection
An action needs a connection

It names the account to act with, as it is called on the server: `hookline connections list`.
--- wrong
- action: slack.post_message
  with: {channel: "#sales", text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== connection
A connection that does not fit

It is of another kind than the action takes, or the action takes none, or it is filled in by a
template: which account acts must be seen in the file.
--- wrong
- action: slack.post_message
  connection: mail
  with: {channel: "#sales", text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== unknown-connection
A connection that this server does not hold

A file may name what is set up later, so this is a warning. Until then runs fail at the step.
--- wrong
- action: slack.post_message
  connection: team-slak
  with: {channel: "#sales", text: A new order}
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== secret-not-held
A secret that this server does not hold

`hookline secrets set NAME` sets it; the value is read from stdin. Until then what needs it fails, and
what is verified with it is refused.
--- wrong
- action: http.request
  with: {url: "https://example.com", headers: {authorization: "Bearer {{ secrets.TOKN }}"}}
--- mended
- action: http.request
  with: {url: "https://example.com", headers: {authorization: "Bearer {{ secrets.TOKEN }}"}}

=== secret-place
A secret where it would be recorded

Secrets stand under an action's `with` alone, where they are put in at the moment of the call and
never recorded.
--- wrong
- template: "{{ secrets.TOKEN }}"
--- mended
- action: http.request
  with: {url: "https://example.com", headers: {authorization: "Bearer {{ secrets.TOKEN }}"}}

=== secret-value
A secret itself stands in the file

A file names secrets, never their values: it is copied, sent and kept in Git. If this was a real one,
it should be replaced by another.
--- wrong
trigger: {webhook: {verify: {provider: github, secret: 5f2ce9b1a0d34c7e8f9a0b1c2d3e4f50}}}
--- mended
trigger: {webhook: {verify: {provider: github, secret: TOKEN}}}

=== respond
Nobody waits for the answer

`respond` answers a waiting caller once: at the top level, or in a `switch` or `steps` group there, and
where the trigger says `answer: result`.
--- wrong
- respond: {status: 201}
--- mended
trigger: {webhook: {answer: result}}
steps:
  - respond: {status: 201}

=== wait-for
One thing is waited for

`wait_for` has either `callback` or `approval`.
--- wrong
- id: decision
  wait_for: {}
--- mended
- id: decision
  wait_for: {approval: {message: May it go out?}}

=== missing-id
An address needs an id

`{{ resume_url('<id>') }}` gives the address of a step that waits for a callback, by the step's `id`.
--- wrong
- wait_for: {callback: {}}
--- mended
- id: paid
  wait_for: {callback: {}}

=== not-awaited
An address of a step that waits for nothing

`resume_url` takes the id of a step with `wait_for`.
--- wrong
- id: order
  transform: {number: payload.number}
- template: "{{ resume_url('order') }}"
- id: paid
  wait_for: {callback: {}}
--- mended
- id: order
  transform: {number: payload.number}
- template: "{{ resume_url('paid') }}"
- id: paid
  wait_for: {callback: {}}

=== call
A call that cannot start a run

`call` takes the id of a workflow that has a `manual` trigger, written out.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - call: enrich
#! file enrich.yaml
name: Enrich
trigger: {webhook: {}}
steps:
  - filter: payload
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - call: enrich
#! file enrich.yaml
name: Enrich
trigger: {manual: {}}
steps:
  - filter: payload

=== call-circle
Calls that lead back to where they began

Such a run would start itself again and again. `for_each` and `repeat` run steps more than once.
--- wrong
#! file orders.yaml
name: Orders
trigger: {manual: {}}
steps:
  - call: orders
--- mended
#! file orders.yaml
name: Orders
trigger: {manual: {}}
steps:
  - for_each: payload.orders
    steps:
      - template: "{{ item.number }}"

=== unknown-workflow
A workflow that is not in this folder

It may come later, so this is a warning. Until then the step fails.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - call: enrch
#! file enrich.yaml
name: Enrich
trigger: {manual: {}}
steps:
  - filter: payload
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - call: enrich
#! file enrich.yaml
name: Enrich
trigger: {manual: {}}
steps:
  - filter: payload
"""
