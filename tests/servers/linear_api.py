"""
Linear's GraphQL API on loopback: a real GraphQL engine over a reduced form of the public schema, so
that a query with a wrong field or type is refused as Linear refuses it. One team, ENG.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from graphql import GraphQLError, build_schema, graphql_sync

from tests.servers.http_sink import HttpSink, Received

KEY = "lin_api_s3cr3tk3y"
ACCESS_TOKEN = "lin_oauth_s3cr3t"
ENG, OPS = str(uuid.UUID(int=1, version=4)), str(uuid.UUID(int=2, version=4))
SCHEMA = build_schema("""
scalar TimelessDate
input StringComparator { eq: String, eqIgnoreCase: String, containsIgnoreCase: String, in: [String!] }
input IDComparator { eq: ID, in: [ID!] }
input BooleanComparator { eq: Boolean }
input TeamFilter { id: IDComparator, key: StringComparator, name: StringComparator, or: [TeamFilter!] }
input WorkflowStateFilter { name: StringComparator, team: TeamFilter }
input IssueLabelFilter { name: StringComparator, isGroup: BooleanComparator, or: [IssueLabelFilter!] }
input UserFilter {
  email: StringComparator, displayName: StringComparator, name: StringComparator, active: BooleanComparator
}
input IssueCreateInput {
  id: String, teamId: String!, title: String, description: String, stateId: String, priority: Int,
  labelIds: [String!], assigneeId: String, parentId: String, projectId: String, estimate: Int,
  dueDate: TimelessDate
}
input IssueUpdateInput {
  title: String, description: String, stateId: String, priority: Int, addedLabelIds: [String!],
  removedLabelIds: [String!], assigneeId: String, dueDate: TimelessDate
}
input CommentCreateInput { id: String, issueId: String, body: String }
type Organization { name: String! }
type User { id: ID!, name: String!, email: String!, displayName: String!, organization: Organization! }
type Team { id: ID!, key: String!, name: String! }
type WorkflowState { id: ID!, name: String!, team: Team! }
type IssueLabel { id: ID!, name: String!, team: Team }
type Issue {
  id: ID!, identifier: String!, title: String!, url: String!, state: WorkflowState!, team: Team!
}
type Comment { id: ID!, url: String! }
type PageInfo { hasNextPage: Boolean!, endCursor: String }
type TeamConnection { nodes: [Team!]!, pageInfo: PageInfo! }
type WorkflowStateConnection { nodes: [WorkflowState!]!, pageInfo: PageInfo! }
type IssueLabelConnection { nodes: [IssueLabel!]!, pageInfo: PageInfo! }
type UserConnection { nodes: [User!]!, pageInfo: PageInfo! }
type IssueSearchPayload { nodes: [Issue!]!, pageInfo: PageInfo! }
type IssuePayload { issue: Issue, success: Boolean! }
type CommentPayload { comment: Comment!, success: Boolean! }
type Query {
  viewer: User!
  issue(id: String!): Issue!
  comment(id: String, hash: String): Comment!
  searchIssues(term: String!, first: Int, after: String): IssueSearchPayload!
  teams(filter: TeamFilter, first: Int, after: String): TeamConnection!
  workflowStates(filter: WorkflowStateFilter, first: Int, after: String): WorkflowStateConnection!
  issueLabels(filter: IssueLabelFilter, first: Int, after: String): IssueLabelConnection!
  users(filter: UserFilter, first: Int, after: String): UserConnection!
}
type Mutation {
  issueCreate(input: IssueCreateInput!): IssuePayload!
  issueUpdate(id: String!, input: IssueUpdateInput!): IssuePayload!
  commentCreate(input: CommentCreateInput!): CommentPayload!
}
""")


class LinearApi(HttpSink):
    """`issues` and `comments` by id, `changes` as they came; ids are unique, as Linear's are."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = self._answer
        self.team_table = [
            {"id": OPS, "key": "OPS", "name": "Eng"},  # named almost like the key of the other
            {"id": ENG, "key": "ENG", "name": "Engineering"},
        ]
        eng = self.team_table[1]
        self.states = [{"id": "s1", "name": "Todo", "team": eng}, {"id": "s2", "name": "Done", "team": eng}]
        self.label_table = [
            {"id": "l1", "name": "Bug", "team": None}, {"id": "l2", "name": "Bug", "team": eng},
            {"id": "l3", "name": "Bug", "team": self.team_table[0]},
            {"id": "l4", "name": "Web", "team": None},
        ]  # fmt: skip
        self.user_table = [{"id": "u1", "name": "Ada L", "displayName": "ada", "email": "ada@example.com",
                       "organization": {"name": "Acme"}}]  # fmt: skip
        self.issues: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []

    @property
    def api_url(self) -> str:
        """What a connection's `api_url` is set to."""
        return f"{self.url}/graphql"

    async def _answer(self, received: Received) -> web.Response:
        if received.headers.get("authorization") not in {KEY, f"Bearer {ACCESS_TOKEN}"}:
            more = {"type": "authentication error", "code": "AUTHENTICATION_ERROR",
                    "userPresentableMessage": "You need to authenticate to do this."}  # fmt: skip
            answer = {"errors": [{"message": "Authentication required", "extensions": more}]}
            return web.json_response(answer, status=401)
        if (received.method, received.path) != ("POST", "/graphql"):
            return web.Response(status=404)
        given = received.json()
        done = graphql_sync(SCHEMA, given["query"], self, variable_values=given["variables"])
        return web.json_response(done.formatted, status=200 if done.data else 400)

    def viewer(self, _info: Any) -> Any:
        """Who the key is."""
        return self.user_table[0]

    def issue(self, _info: Any, id: str) -> Any:  # noqa: A002 - the schema's name
        """An issue by its identifier or id."""
        for one in self.issues.values():
            if id in {one["id"], one["identifier"]}:
                return one
        raise _fault("Entity not found: Issue")

    def comment(self, _info: Any, id: str) -> Any:  # noqa: A002 - the schema's name
        """A comment by its id."""
        if id not in self.comments:
            raise _fault("Entity not found: Comment")
        return self.comments[id]

    def teams(self, _info: Any, **given: Any) -> Any:
        """The teams."""
        return _chosen(self.team_table, **given)

    def workflowStates(self, _info: Any, **given: Any) -> Any:  # noqa: N802 - the schema's name
        """The statuses of all teams."""
        return _chosen(self.states, **given)

    def issueLabels(self, _info: Any, **given: Any) -> Any:  # noqa: N802 - the schema's name
        """The labels of the workspace and its teams."""
        return _chosen(self.label_table, **given)

    def users(self, _info: Any, **given: Any) -> Any:
        """Who is in the workspace."""
        return _chosen(self.user_table, **given)

    def issueCreate(self, _info: Any, input: dict[str, Any]) -> Any:  # noqa: A002, N802 - the schema's names
        """Make an issue; an id that there is already is refused."""
        identifier = input.get("id") or str(uuid.uuid4())
        if identifier in self.issues:
            raise _fault("Entity with this id already exists")
        number = f"ENG-{len(self.issues) + 1}"
        state = next((one for one in self.states if one["id"] == input.get("stateId")), self.states[0])
        self.issues[identifier] = {
            **input, "id": identifier, "identifier": number, "state": state, "team": self.team_table[1],
            "url": f"https://linear.app/acme/issue/{number}",
        }  # fmt: skip
        return {"issue": self.issues[identifier], "success": True}

    def issueUpdate(self, _info: Any, id: str, input: dict[str, Any]) -> Any:  # noqa: A002, N802 - as above
        """Change an issue."""
        found = self.issue(None, id)
        self.changes.append(input)
        states = {one["id"]: one for one in self.states}
        found |= {"title": input.get("title", found["title"]),
                  "state": states.get(input.get("stateId", ""), found["state"])}  # fmt: skip
        return {"issue": found, "success": True}

    def commentCreate(self, _info: Any, input: dict[str, Any]) -> Any:  # noqa: A002, N802 - as above
        """Comment on an issue; an id that there is already is refused."""
        self.issue(None, input["issueId"])
        if input["id"] in self.comments:
            raise _fault("Entity with this id already exists")
        self.comments[input["id"]] = {**input, "url": "https://linear.app/acme/issue/ENG-1#comment-1"}
        return {"comment": self.comments[input["id"]], "success": True}

    def searchIssues(  # noqa: N802 - the schema's name
        self, _info: Any, term: str, first: int, after: str | None = None
    ) -> Any:
        """Issues whose title has the words."""
        return _page([one for one in self.issues.values() if term in one["title"]], first, after)


def _fault(message: str) -> GraphQLError:
    more = {
        "type": "invalid input",
        "code": "INPUT_ERROR",
        "userError": True,
        "userPresentableMessage": message,
    }
    return GraphQLError(message, extensions=more)


def _chosen(
    table: list[Any],
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the schema's name
    first: int | None = None,
    after: str | None = None,
) -> dict[str, Any]:
    return _page([one for one in table if _fits(one, filter)], first, after)


def _page(found: list[Any], first: int | None, after: str | None) -> dict[str, Any]:
    start, end = int(after or 0), int(after or 0) + (first or 50)
    info = {"hasNextPage": end < len(found), "endCursor": str(min(end, len(found)))}
    return {"nodes": found[start:end], "pageInfo": info}


def _fits(one: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether an object is one that a filter asks for."""
    for name, comparator in (wanted or {}).items():
        if name == "or":
            if not any(_fits(one, each) for each in comparator):
                return False
        elif name in {"isGroup", "active"}:
            continue
        elif not _compares(one[name], comparator):
            return False
    return True


def _compares(value: Any, comparator: Mapping[str, Any]) -> bool:
    if isinstance(value, Mapping):
        return _fits(value, comparator)
    ((how, wanted),) = comparator.items()
    match how:
        case "eq":
            return bool(value == wanted)
        case "eqIgnoreCase":
            return bool(value.casefold() == wanted.casefold())
        case "containsIgnoreCase":
            return wanted.casefold() in value.casefold()
    return value in wanted
