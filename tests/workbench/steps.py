"""A workflow of ten steps, and what one of its events holds."""

from __future__ import annotations

TEN = """\
steps:
  - filter: to_number(payload.total) >= 100
  - {id: order, transform: {number: payload.name, total: to_number(payload.total)}}
""" + "".join(
    f"""\
  - id: tell{number}
    action: slack.post_message
    connection: team-slack
    with: {{channel: "#sales", text: "Order {{{{ steps.order.number }}}}, {number}"}}
  - {{id: text{number}, template: "{{{{ steps.order.total }}}} {{{{ payload.name | upper }}}}"}}
"""
    for number in range(4)
)
PAYLOAD = {"total": "120.50", "name": "#1"}
