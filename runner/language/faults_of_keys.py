"""Faults of keys and their values (`fault_reference.py` reads this)."""

from __future__ import annotations

TEXT = r"""
=== unknown-key
A key that is not known here

It is misspelt, stands in the wrong place, or is what another product calls it: `uses`, `run`,
`with_items`, `service`, `choose` and many more are known by what they are called here.
--- wrong
- service: slack.post_message
--- mended
- action: slack.post_message
  connection: team-slack
  with: {channel: "#sales", text: A new order}

=== misplaced-key
A key that stands beside another

It belongs to another kind of step, or to another level. The hint says beside what it stands.
--- wrong
- template: Hello
  retry: {attempts: 3}
--- mended
- action: http.request
  with: {url: "https://example.com/hello"}
  retry: {attempts: 3}

=== missing-key
A key is missing

Some keys are needed: a workflow has `name`, `trigger` and, unless its answer is fixed, `steps`.
--- wrong
concurrency: {key: payload.customer.id}
--- mended
concurrency: {limit: 1, key: payload.customer.id}

=== not-in-this-version
Known, and not built yet

The word is part of the language and does nothing in this version. Passing over it would do something
else than the file says.
--- wrong
- tools: [other]
--- mended
- template: no tools yet

=== type
A value of another kind

A list where a mapping is wanted, a number where a text is: the fault says what is wanted and what
stands there. A number that is meant as a text needs quotes, a duration its unit.
--- wrong
timeout: 30
--- mended
timeout: 30s

=== value
A value that is not one of those allowed

One word out of a few, a number out of a range, a list with something in it.
--- wrong
mode: shadwo
--- mended
mode: shadow

=== id
An id that cannot be written in an expression

Ids of steps, and the name that `as` gives, have `a-z`, `0-9` and `_` and do not begin with a digit:
`steps.big-order` would subtract. They are no names of the language, such as `payload`.
--- wrong
- id: big-order
  filter: payload.total
--- mended
- id: big_order
  filter: payload.total

=== duplicate-id
Two steps of one id

Ids are unique in the whole file, also in different branches.
--- wrong
- id: order
  transform: {number: payload.number}
- id: order
  transform: {total: payload.total}
--- mended
- id: order
  transform: {number: payload.number, total: payload.total}

=== duration
A length of time

A number with its unit: `500ms`, `30s`, `15m`, `2h`, `7d`, `1h30m`. It is longer than nothing, and in
some places there is a least or a most.
--- wrong
timeout: 30 sec
--- mended
timeout: 30s

=== size
A size of data

A number of bytes, or a number with `B`, `KiB`, `MiB` or `GiB`.
--- wrong
trigger: {webhook: {max_body: 5 megabytes}}
--- mended
trigger: {webhook: {max_body: 5 MiB}}

=== zone
A time zone

A name of the IANA database, such as `Europe/Athens` or `UTC`. Abbreviations such as `CEST` mean
different things in different places.
--- wrong
timezone: Europe/Athen
--- mended
timezone: Europe/Athens

=== date
A date that cannot be read

Dates are ISO 8601: `2026-05-03`, `2026-05-03T09:00:00Z`. For a time from now write a duration.
--- wrong
- wait: {until: tomorrow}
--- mended
- wait: {until: "{{ date_add(now(), '1d') }}"}

=== limit
More than is allowed

Waits have a longest, loops a most, lists of choices an end, so that nothing runs away unseen.
--- wrong
- repeat: {until: payload.done, at_most: 5000}
  steps:
    - template: again
--- mended
- repeat: {until: payload.done, at_most: 1000}
  steps:
    - template: again

=== nesting
Steps in steps in steps

Steps may nest eight levels. A part of them can be a workflow of its own, started by `call`.

=== path
A path to a value

`redact`, `retention` and `verify` name places in data, not expressions: `payload.customer.email`,
`payload.lines[].card`, `event.headers.x-api-key`, `steps.order.email`.
--- wrong
redact: [customer.email]
--- mended
redact: [payload.customer.email]

=== retention
Runs outlive their events

An event is kept as long as a run of it, so a shorter `events` has no effect.
--- wrong
retention: {events: 7d, runs: 30d}
--- mended
retention: {events: 30d, runs: 30d}

=== kind
What does the step do?

A step has exactly one key that says what it does: `action`, `filter`, `transform`, `switch` and so on.
--- wrong
- filter: payload.paid
  template: Thank you
--- mended
- filter: payload.paid
- template: Thank you

=== case
A case that hides those below it

A case without `when` is taken whenever it is reached, so it stands last.
--- wrong
- switch:
    - steps:
        - template: otherwise
    - when: payload.paid
      steps:
        - template: paid
--- mended
- switch:
    - when: payload.paid
      steps:
        - template: paid
    - steps:
        - template: otherwise
"""
