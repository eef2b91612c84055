/**
 * The one store of the editor: the text and what follows from it. Components read it with `useEditor()` and
 * change the text by `editor.apply(edit)` alone; what they show of their own (open menus) is theirs.
 */
import { getContext, setContext } from 'svelte'
import { api, Problem } from './api'
import { Drafts } from './state/drafts.svelte'
import { History, type Moment } from './state/history'
import { applyFix, EditRefused, type Edit } from './text/edits'
import { parse, stepOf, type Model, type TextFault } from './text/model'
import { isInside } from './text/paths'
import { runPath } from './text/run_path'
import type { Bootstrap, Catalogue, Chosen, Connection, EventData, Fault, Me, Path, PreviewResult, PreviewStep, Step, WorkflowItem } from './types'

export type View = 'steps' | 'graph' | 'yaml'
export type Pane = 'steps' | 'form' | 'data' | 'yaml'
export interface ApplyOptions {
  /** Changes with the same key within a moment are one undo, such as typing in one field: 'steps[2].with.text'. */
  merge?: string
  /** What Undo would offer: "Deleted Post to Slack". Shown with an Undo button for 8 s. */
  said?: string
}
/** What the data drawer inserts into: the field that had the focus last. E2's fields set it on focus. */
export interface InsertTarget { label: string; insert: (path: string) => void }
export interface Toast { sentence: string; undo: boolean }

const CHECK_AFTER_MS = 400
const PREVIEW_AFTER_MS = 600
const EMPTY: Model = parse('').model!

export class Editor {
  readonly slug: string
  readonly me: Me
  readonly nonce: string
  readonly workflow: WorkflowItem
  readonly drafts: Drafts

  text = $state.raw('')
  /** Of the last text that could be read; `textFault` says why the present one cannot. */
  model = $state.raw<Model>(EMPTY)
  textFault = $state.raw<TextFault | null>(null)
  /** The path of the selected step, 'trigger', 'trigger.webhook', or '' (nothing: the workflow itself). */
  selection = $state<Path>('')
  view = $state<View>('steps')
  /** Of the narrow layout: what is shown. */
  pane = $state<Pane>('steps')
  isDrawerOpen = $state(true)
  faults = $state.raw<Fault[]>([])
  /** The text that `faults` are of: a mend fits this one alone. */
  checkedText = $state.raw<string | null>(null)
  isFaultPanelOpen = $state(false)
  isReviewing = $state(false)
  /** Set when the server could not be asked for faults. */
  checkProblem = $state<string | null>(null)
  chosen = $state.raw<Chosen | null>(null)
  /** What the chosen event holds; null until it is loaded. */
  data = $state.raw<EventData | null>(null)
  preview = $state.raw<PreviewResult | null>(null)
  isPreviewing = $state(false)
  previewProblem = $state<string | null>(null)
  /** Whether the big preview (all steps with their requests) is open. */
  isPreviewOpen = $state(false)
  /** Set by who wants the question "Send for real?" asked. */
  isSending = $state(false)
  /** Settled when catalogue and connections are there, or cannot be had. */
  loaded: Promise<unknown> = Promise.resolve()
  catalogue = $state.raw<Catalogue | null>(null)
  connections = $state.raw<Connection[] | null>(null)
  target = $state.raw<InsertTarget | null>(null)
  toast = $state.raw<Toast | null>(null)
  /** How many events arrived for this workflow since the page was opened. */
  arrived = $state(0)
  /** Of the polite live region. */
  said = $state('')
  canUndo = $state(false)
  canRedo = $state(false)

  private history = new History()
  private checkTimer: ReturnType<typeof setTimeout> | undefined
  private previewTimer: ReturnType<typeof setTimeout> | undefined
  private toastTimer: ReturnType<typeof setTimeout> | undefined
  private checking: AbortController | null = null
  private previewing: AbortController | null = null

  constructor(bootstrap: Bootstrap) {
    this.workflow = bootstrap.workflow
    this.slug = bootstrap.workflow.slug
    this.me = bootstrap.me
    this.nonce = bootstrap.nonce
    this.drafts = new Drafts(this.slug, bootstrap.workflow)
    this.faults = bootstrap.workflow.faults ?? []
    const known = bootstrap.workflow.draft?.text ?? bootstrap.workflow.source ?? bootstrap.workflow.file ?? ''
    const kept = this.canEdit ? this.drafts.restored() : null
    this.read(bootstrap.workflow.source ?? '')  // what Steps and Graph show while the draft cannot be read
    this.read(kept ?? known)
    if (kept !== null && kept !== known) this.drafts.changed(kept)
  }

  get canEdit(): boolean { return !this.workflow.is_read_only && this.me.rights.includes('edit') }
  /** Whether this person may have the text computed: a viewer may not. */
  get canPreview(): boolean { return this.me.rights.includes('edit') }
  get canRun(): boolean { return this.me.rights.includes('run') }
  get selected(): Step | null { return this.model.steps.get(this.selection) ?? null }
  /** Whether Steps and Graph show the version before the text's fault. */
  get isStale(): boolean { return this.textFault !== null }

  /** Fetch what the forms and the picker need; called once by main.ts. */
  async start(): Promise<void> {
    this.checkSoon(0)
    this.loaded = Promise.allSettled([api.catalogue().then((found) => (this.catalogue = found)), this.loadConnections()])
    await this.loaded
  }

  /** Read the connections again, as after one was made. */
  async loadConnections(): Promise<void> {
    this.connections = (await api.connections()).items
  }

  /**
   * Change the text: `editor.apply((text) => setValue(text, 'steps[0].filter', 'payload.paid'))`. A refused edit
   * changes nothing and says why. Gives whether it was done.
   */
  apply(change: (text: string) => Edit, options: ApplyOptions = {}): boolean {
    if (!this.canEdit) return false
    if (this.isStale) {
      this.say(`The YAML has a fault on line ${this.textFault!.line}: mend that first.`)
      return false
    }
    let edit: Edit
    try {
      edit = change(this.text)
    } catch (error) {
      if (!(error instanceof EditRefused)) throw error
      this.show({ sentence: error.message, undo: false })
      return false
    }
    this.replace(edit.text, edit.select ?? this.selection, options.merge ?? '')
    if (options.said) this.show({ sentence: options.said, undo: true })
    return true
  }

  /** The YAML view's way: the whole text as typed, also with faults. */
  type(text: string, merge = 'yaml'): void {
    if (this.canEdit) this.replace(text, this.selection, merge)
  }

  undo(): void { this.goTo(this.history.undo(this.moment)) }
  redo(): void { this.goTo(this.history.redo(this.moment)) }

  /** Switch to a view; on a narrow screen there is no graph. */
  see(view: View): void {
    this.view = view
    this.pane = view === 'yaml' ? 'yaml' : 'steps'
  }

  select(path: Path, pane?: Pane): void {
    this.selection = path
    if (pane) this.pane = pane
  }

  /** The faults whose place is *path* or inside of it. */
  faultsIn(path: Path): Fault[] { return this.faults.filter((one) => isInside(one.where, path)) }
  /** The faults that belong to this step itself and not to one inside of it. */
  faultsOf(step: Step): Fault[] { return this.faultsByStep.get(step.path) ?? [] }
  faultsByStep = $derived.by(() => {
    const found = new Map<Path, Fault[]>()
    for (const fault of this.faults) {
      const path = stepOf(this.model, fault.where)?.path ?? ''
      found.set(path, [...(found.get(path) ?? []), fault])
    }
    return found
  })

  /** What the last preview says about a step. */
  resultOf(path: Path): PreviewStep | null {
    const step = this.model.steps.get(path)
    return (step && this.results.get(runPath(step))) ?? null
  }
  private results = $derived(new Map((this.preview?.steps ?? []).map((one) => [one.path, one])))

  /** Choose what expressions and previews are computed on. */
  choose(chosen: Chosen | null): void {
    this.chosen = chosen
    this.preview = null
    this.previewSoon(0)
    void this.loadData(chosen)
  }

  private async loadData(chosen: Chosen | null): Promise<void> {
    this.data = chosen?.kind === 'payload'
      ? { event: { payload: chosen.payload }, payload: chosen.payload, headers: {}, query: {}, type: null, title: chosen.title } : null
    if (!chosen || chosen.kind === 'payload') return
    try {
      const data = await api.data(this.slug, chosen)
      if (this.chosen === chosen) this.data = data
    } catch (error) {
      if (this.chosen === chosen) this.previewProblem = (error as Error).message
    }
  }

  /** Ask what the present text would do with the chosen event. Nothing leaves the server. */
  async runPreview(): Promise<void> {
    if (!this.canPreview) return
    this.previewing?.abort()
    const asking = (this.previewing = new AbortController())
    this.isPreviewing = true
    try {
      this.preview = await api.preview(this.slug, this.text, this.chosen, undefined, asking.signal)
      this.previewProblem = null
    } catch (error) {
      if (asking.signal.aborted) return
      this.previewProblem = (error as Error).message
    } finally {
      if (this.previewing === asking) this.isPreviewing = false
    }
  }

  /** Ask for the faults of the present text. */
  async check(): Promise<void> {
    if (!this.canPreview) return  // a viewer sees the faults that the server knows of the file
    this.checking?.abort()
    const asking = (this.checking = new AbortController())
    try {
      const text = this.text
      this.faults = (await api.check(this.slug, text, asking.signal)).faults
      this.checkedText = text
      this.checkProblem = null
    } catch (error) {
      if (asking.signal.aborted) return
      this.checkProblem = error instanceof Problem ? error.message : 'The faults are those of before: the server does not answer just now.'
    }
  }

  /** Select what has *fault*; the views that can go to its very place. */
  goToFault(fault: Fault): void {
    const step = stepOf(this.model, fault.where)
    this.selection = step?.path ?? (fault.where.startsWith('trigger') ? 'trigger' : '')
    this.wantedLine = { line: fault.line, column: fault.column, at: Date.now() }
    if (this.textFault) this.view = 'yaml'
    this.pane = this.textFault ? 'yaml' : 'form'
  }
  /** Go to where the text cannot be read. */
  goToTextFault(): void {
    if (!this.textFault) return
    this.wantedLine = { line: this.textFault.line, column: this.textFault.column, at: Date.now() }
    this.view = this.pane = 'yaml'
  }
  /** Where the YAML view is asked to put the caret; `at` makes each wish another. */
  wantedLine = $state.raw<{ line: number; column: number; at: number } | null>(null)

  /** Apply the checker's certain mend of *fault*. */
  mend(fault: Fault): void {
    if (!fault.fix || this.checkedText !== this.text) return
    this.type(applyFix(this.text, fault.fix).text, '')
    this.checkSoon(0)
    this.say('Mended.')
  }

  /** The next fault after the one gone to last (F8), or the one before. */
  nextFault(by: 1 | -1): void {
    const count = this.faults.length
    if (this.textFault && this.checkedText !== this.text) return this.goToTextFault()
    if (!count) return this.say('There are no faults.')
    this.faultAt = (this.faultAt + by + count) % count
    const fault = this.faults[this.faultAt]!
    this.goToFault(fault)
    this.say(`Fault ${this.faultAt + 1} of ${count}: ${fault.message}`)
  }
  private faultAt = -1

  /** Another text altogether, as when someone published while nothing was changed here. */
  replaceAll(text: string, version: number | null): void {
    this.read(text)
    this.drafts.base = version
    this.checkSoon(0)
  }

  /** Throw the draft away and show what is live. */
  async discard(): Promise<void> {
    await api.dropDraft(this.slug)
    const found = await api.workflow(this.slug)
    this.drafts.published(found.version)
    this.history.push(this.moment, '')
    this.replaceAll(found.source ?? found.file ?? '', found.version)
    this.canUndo = true
  }

  /** Tell a screen reader. */
  say(sentence: string): void { this.said = sentence }

  show(toast: Toast | null): void {
    clearTimeout(this.toastTimer)
    this.toast = toast
    if (toast) {
      this.say(toast.sentence)
      this.holdToast(false)
    }
  }
  /** A toast stays while it is hovered or focused. */
  holdToast(isHeld: boolean): void {
    clearTimeout(this.toastTimer)
    if (!isHeld) this.toastTimer = setTimeout(() => (this.toast = null), 8000)
  }

  private get moment(): Moment { return { text: this.text, selection: this.selection } }

  private goTo(moment: Moment | null): void {
    if (!moment || !this.canEdit) return
    this.take(moment.text, moment.selection)
  }

  private replace(text: string, selection: Path, merge: string): void {
    if (text === this.text) {
      this.selection = selection
      return
    }
    this.history.push(this.moment, merge)
    this.take(text, selection)
  }

  private take(text: string, selection: Path): void {
    this.read(text)
    this.selection = selection === '' || selection.startsWith('trigger') || this.model.steps.has(selection) ? selection : ''
    this.canUndo = this.history.canUndo
    this.canRedo = this.history.canRedo
    this.drafts.changed(text)
    this.checkSoon(CHECK_AFTER_MS)
    if (this.chosen) this.previewSoon(PREVIEW_AFTER_MS)
  }

  private read(text: string): void {
    const { model, fault } = parse(text)
    this.text = text
    this.textFault = fault
    if (model) this.model = model
  }

  private checkSoon(milliseconds: number): void {
    clearTimeout(this.checkTimer)
    this.checkTimer = setTimeout(() => void this.check(), milliseconds)
  }

  private previewSoon(milliseconds: number): void {
    clearTimeout(this.previewTimer)
    if (this.chosen) this.previewTimer = setTimeout(() => void this.runPreview(), milliseconds)
  }
}

const KEY = Symbol('editor')

export function provideEditor(editor: Editor): Editor { return setContext(KEY, editor) }
/** The store, in a component's script. */
export function useEditor(): Editor { return getContext<Editor>(KEY) }
