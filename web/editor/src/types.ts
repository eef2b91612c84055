/** What the parts of the editor hand to each other, and the server's answers (see api.ts for the calls). */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Mapping = { [key: string]: Json }

/** A place in the file as the checker writes it: `steps[0].switch[1].steps[0].with.channel`; '' is the file. */
export type Path = string
/** The same as keys: `['steps', 0, 'switch', 1]`. */
export type Key = string | number

export const KINDS = [
  'filter', 'transform', 'template', 'action', 'switch', 'for_each', 'repeat', 'parallel', 'wait', 'wait_for',
  'call', 'respond', 'stop', 'fail', 'steps',
] as const
export type Kind = (typeof KINDS)[number]

/** From `start` to `end` (exclusive), in UTF-16 units of the text, as CodeMirror counts. */
export interface Range { start: number; end: number }

export interface Step {
  path: Path
  /** 'unknown' while the step has no kind yet, or is no mapping. */
  kind: Kind | 'unknown'
  id: string | null
  name: string | null
  /** The step as plain data; `{}` when it is no mapping. */
  value: Mapping
  /** Of the mapping in the text, without the dash and the comments before it. */
  range: Range
  line: number
  /** As people count: "3", inside of it "3.1"; of `on_failure` "F1". */
  number: string
  depth: number
  /** The lists inside, in the order of the file; an `on_error` list last. */
  lists: StepList[]
  parent: StepList
}

export interface StepList {
  /** Where the list stands: `steps`, `steps[2].parallel.sales`, `steps[1].switch[0].steps`. */
  path: Path
  role: 'main' | 'on_failure' | 'body' | 'case' | 'branch' | 'on_error'
  /** Of a branch its name, of a case its `when` (null: otherwise); null for others. */
  label: string | null
  steps: Step[]
  /** null at the top. */
  owner: Step | null
}

export type TriggerKind = 'webhook' | 'schedule' | 'poll' | 'manual' | 'hookline'
export interface Trigger { kind: TriggerKind | string; path: Path; value: Json; range: Range; line: number }

export interface Fix { range: { line: number; column: number; end_line: number; end_column: number }; text: string }
export interface Fault {
  path: string
  line: number
  column: number
  /** The place in the file; compare with Step.path by `isInside` of text/paths.ts. */
  where: Path
  code: string
  severity: 'error' | 'warning'
  message: string
  hint: string
  fix?: Fix
}

export interface Draft { text: string; revision: number; base: number | null; saved_at: string }
export interface Other { by: string; saved_at: string }
export interface WorkflowItem {
  slug: string
  name: string
  source: string | null
  file: string | null
  version: number | null
  state: 'live' | 'paused' | 'draft' | 'faults'
  is_read_only: boolean
  read_only_reason: string | null
  draft: Draft | null
  others: Other[]
  /** Where events come in; null: no webhook. */
  url: string | null
  description: string
  methods: string[]
  /** Of the file on disk. */
  faults: Fault[]
}
export interface Me { name: string; email: string | null; role: 'viewer' | 'editor' | 'admin'; rights: string[]; timezone: string }

export interface EventItem {
  id: string
  title: string
  type: string | null
  disposition: string
  received_at: string
  is_sample: boolean
}
export interface SampleItem { type: string; title: string; summary: string }
export interface EventData {
  event: Mapping
  payload: Json
  headers: Record<string, string>
  query: Mapping
  type: string | null
  title: string
  unreadable?: string | null
  is_sample?: boolean
}
export interface FieldStat { path: string; types: string[]; in: number; example: Json }

/** What is tried on: a recorded event, a provider's sample, or a payload typed in. */
export type Chosen =
  | { kind: 'event'; id: string; title: string }
  | { kind: 'sample'; provider: string; type: string; title: string }
  | { kind: 'payload'; payload: Json; title: string }

export type StepStatus = 'passed' | 'stopped' | 'skipped' | 'would_send' | 'failed' | 'unknown' | 'not_reached'
/** A request that a step would send. `method` is null where it is none of HTTP, such as a mail: look at the step's `input`. */
export interface Outbound {
  method: string | null
  url: string | null
  headers: Record<string, string>
  body: Json
  curl: string | null
  destination: string
  effect: string
  /** It only asks, and what follows hangs on the answer. */
  is_read?: boolean
  /** Why nothing exact is shown. */
  why?: string | null
}
export interface PreviewStep {
  /** As a run has it: text/run_path.ts. */
  path: string
  id: string | null
  kind: string
  status: StepStatus
  input: Json
  output: Json
  error: { type: string; message: string } | string | null
  sentence: string
  request: Outbound | null
  name?: string | null
  /** Rounds of a loop. */
  times?: number
  is_invented?: boolean
  is_cut?: boolean
  place: { line: number }
}
export interface PreviewResult {
  status: string
  reason: { code: string; sentence: string } | null
  title: string | null
  steps: PreviewStep[]
  faults: Fault[]
  answer: Json
  sends: { destination: string; count: number; sentence: string }[]
}
export interface EvaluateAnswer {
  value?: Json
  type?: string
  shown?: string
  used?: { path: string; value: Json }[]
  is_cut?: boolean
  /** Beside a value it is a warning. */
  fault?: EvaluateFault
}
/** `fix.from` and `fix.to` are characters of the text that was asked, from 0. */
export interface EvaluateFault {
  code: string
  severity: 'error' | 'warning'
  message: string
  hint: string
  line: number
  column: number
  fix: { from: number; to: number; text: string } | null
}

/** JSON Schema as far as the forms read it. */
export interface Schema {
  type?: string | string[]
  title?: string
  description?: string
  default?: Json
  enum?: Json[]
  const?: Json
  examples?: Json[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: boolean | Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  $ref?: string
  $defs?: Record<string, Schema>
  [more: string]: unknown
}
export interface ActionInfo {
  name: string
  summary: string
  connector?: string
  title?: string
  inputs: Schema
  output?: Schema
  errors?: Json
  /** Inputs whose values the service can list. */
  choices?: string[]
  connection_kinds?: string[]
  connection_required?: boolean
  example?: Json
  [more: string]: unknown
}
/** A key of the language. `reads` says how each of its kinds of value is read: `expression`, `template`, `block`, … */
export interface CatalogueKey { name: string; sentence: string; takes: string; reads: string[]; schema: Schema; example: Json; required: boolean }
export interface KindInfo { name: Kind; sentence: string; keys: CatalogueKey[] }
export interface TriggerInfo { name: TriggerKind; sentence: string; keys: CatalogueKey[] }
/** `types` are those of its samples, `secrets` suggested names. */
export interface ProviderInfo {
  name: string; title: string; types: string[]; setup: string[]; secrets: string[]; page: string; proof: string
  needs_secret: boolean; can_be_signed: boolean
  options?: { name: string; sentence: string; required: boolean; is_secret: boolean; example: Json }[]
}
export interface FunctionInfo { name: string; signature: string; sentence: string }
export interface Catalogue {
  actions: ActionInfo[]
  kinds: KindInfo[]
  /** Keys of every step, of the file, and of what keys hold by its name. */
  modifiers?: CatalogueKey[]
  top?: CatalogueKey[]
  triggers: TriggerInfo[]
  blocks?: Record<string, CatalogueKey[]>
  functions: FunctionInfo[]
  filters: Json
  providers: ProviderInfo[]
}
export interface Connection { name: string; kind: string; state?: string; sentence?: string; [more: string]: unknown }
export interface SecretItem { name: string; is_set: boolean; set_at: string | null; by: string | null; is_fixed?: boolean }
/** What a connection of a kind is made of; a field that holds a secret has `format: password`. */
export interface ConnectionKind { kind: string; connector: string; summary: string; fields: Schema; steps?: string[] }
export interface ChoiceItem { value: Json; label: string; note?: string }

/** What the page hands over in its data block. */
export interface Bootstrap { workflow: WorkflowItem; me: Me; nonce: string }
