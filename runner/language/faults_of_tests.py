"""Faults of test files, and of what stands around a workflow's file (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== event
What starts a case

`event` names one thing that comes in: a `file`, a `payload`, a `body`, or the id of a recorded event.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}, body: "id=1"}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}}

=== given
What actions give back

`given` has answers by the name of an action or the id of a step that waits: a result, or `error` and
`after`. What a step computes is not given to it.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com"}
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}}
    given: {http.request: {error: timeout, result: {status: 200}}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com"}
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}}
    given: {http.request: {status: 200}}

=== approval
What a person answers

An approval is answered by one of its choices.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - id: ok
    wait_for: {approval: {message: May it go out?}}
#! file orders.test.yaml
cases:
  - name: it is approved
    event: {payload: {id: 1}}
    given: {ok: {choice: perhaps}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - id: ok
    wait_for: {approval: {message: May it go out?}}
#! file orders.test.yaml
cases:
  - name: it is approved
    event: {payload: {id: 1}}
    given: {ok: {choice: approve}}

=== error-type
How a call fails

An error is one of `rejected`, `connection_rejected`, `unavailable`, `outcome_unknown`, `timeout`, a
message, or `{type, message, status, retry_after}`.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com"}
#! file orders.test.yaml
cases:
  - name: the service is away
    event: {payload: {id: 1}}
    given: {http.request: {error: {type: unavailble}}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com"}
#! file orders.test.yaml
cases:
  - name: the service is away
    event: {payload: {id: 1}}
    given: {http.request: {error: {type: unavailable}}}

=== expect
What cannot come of it

`actions` expects calls: of an action, or of a step that calls one. Other steps have outputs.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - id: order
    transform: {id: payload.id}
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}}
    expect: {actions: [order]}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - id: order
    transform: {id: payload.id}
#! file orders.test.yaml
cases:
  - name: an order comes
    event: {payload: {id: 1}}
    expect: {steps: {order: {id: 1}}}

=== duplicate-case
Two cases of one name

A case is told by its name, also in reports.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}}
  - {name: an order comes, event: {payload: {id: 2}}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}}
  - {name: another comes, event: {payload: {id: 2}}}

=== moment
A date and a time

`now` is ISO 8601, such as `2026-05-03T09:00:00Z`.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}, now: noon}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}, now: "2026-05-03T12:00:00Z"}

=== unknown-secret
A secret that the workflow does not use

A case may give values to the secrets that its workflow names.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com", headers: {authorization: "{{ secrets.TOKEN }}"}}
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}, secrets: {TOKN: test}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - action: http.request
    with: {url: "https://example.com", headers: {authorization: "{{ secrets.TOKEN }}"}}
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}, secrets: {TOKEN: test}}

=== no-fixture
A file that is not there

The `file` of an event is named from the test file's folder.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {file: fixtures/order.json}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file fixtures/order.json
{"id": 1}
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {file: fixtures/order.json}}

=== no-workflow
Tests of what?

`order.test.yaml` tests `order.yaml` beside it.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file order.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}}
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
steps:
  - filter: payload
#! file orders.test.yaml
cases:
  - {name: an order comes, event: {payload: {id: 1}}}

=== recorded-event
An event that is not recorded here

A case that names a recorded event finds it in the data folder that `--data` names, as long as events
are kept. `hookline test --from-run` makes a case that carries its event along.

=== formerly-in-use
The old workflow is still there

`formerly` lets a workflow take over the address and the history of what it was called before; while a
file of that name is there, they are that one's.
--- wrong
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
formerly: [old-orders]
steps:
  - filter: payload
#! file old-orders.yaml
name: Old orders
trigger: {webhook: {}}
steps:
  - filter: payload
--- mended
#! file orders.yaml
name: Orders
trigger: {webhook: {}}
formerly: [old-orders]
steps:
  - filter: payload

=== override
The configuration gives another kind of value

A server may set a workflow's `vars`. A text where the file has a number will fail in an expression
that computes.
--- wrong
#! overrides {"minimum": "ten"}
name: Orders
trigger: {webhook: {}}
vars: {minimum: 10}
steps:
  - filter: payload.total > vars.minimum
--- mended
#! overrides {"minimum": 20}
name: Orders
trigger: {webhook: {}}
vars: {minimum: 10}
steps:
  - filter: payload.total > vars.minimum

=== unused-override
The configuration sets a value that nothing reads

`[vars]` of `hookline.toml`, or `HOOKLINE_VARS_…`, sets vars that workflows declare; this one is
declared by none.
--- wrong
#! overrides {"minimun": 20}
name: Orders
trigger: {webhook: {}}
vars: {minimum: 10}
steps:
  - filter: payload.total > vars.minimum
--- mended
#! overrides {"minimum": 20}
name: Orders
trigger: {webhook: {}}
vars: {minimum: 10}
steps:
  - filter: payload.total > vars.minimum
"""
