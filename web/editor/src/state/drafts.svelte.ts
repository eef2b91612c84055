/**
 * Keeping the draft: on the server within 2 s of a change; while that does not answer, in this tab
 * (sessionStorage), to be sent as soon as it does. Nothing that a person typed is ever only in memory.
 */
import { api, Offline, Problem } from '../api'
import type { Draft, Other, WorkflowItem } from '../types'

export type Kept =
  | { is: 'live' }
  | { is: 'unsaved' }
  | { is: 'saving' }
  | { is: 'saved'; at: string }
  | { is: 'offline' }
  | { is: 'signed_out' }
  | { is: 'conflict'; theirs: Draft | null }
  | { is: 'refused'; sentence: string }

interface InTab { text: string; base: number | null; revision: number | null }

const AFTER_MS = 800
const AT_MOST_MS = 1800
const AGAIN_MS = [1000, 2000, 4000, 8000]

export class Drafts {
  kept = $state.raw<Kept>({ is: 'live' })
  others = $state.raw<Other[]>([])
  /** The live version as last heard; another than `base` means that someone published meanwhile. */
  live = $state<number | null>(null)
  /** The live version that the draft began from. */
  base = $state<number | null>(null)
  revision = $state<number | null>(null)
  /** Who published meanwhile, where that is known. */
  publishedBy = $state<string | null>(null)

  private timer: ReturnType<typeof setTimeout> | undefined
  private firstChange = 0
  private tries = 0
  private isSending = false
  private wanted: string | null = null
  /** The revision that a restored text was made from, until the server was asked what it has by now. */
  private heldInTab: number | null | undefined

  constructor(private slug: string, workflow: WorkflowItem) {
    this.others = workflow.others ?? []
    this.live = workflow.version
    this.base = workflow.draft ? workflow.draft.base : workflow.version
    this.revision = workflow.draft?.revision ?? null
    if (workflow.draft) this.kept = { is: 'saved', at: workflow.draft.saved_at }
  }

  /** The text that this tab kept and the server does not have, or null. */
  restored(): string | null {
    try {
      const found = sessionStorage.getItem(this.key)
      if (!found) return null
      const kept = JSON.parse(found) as InTab
      if (typeof kept.text !== 'string') return null
      this.base = kept.base
      this.heldInTab = kept.revision
      return kept.text
    } catch {
      return null
    }
  }

  /** A change was made: keep *text*. */
  changed(text: string): void {
    this.wanted = text
    this.keepInTab(text)
    if (this.kept.is === 'conflict') return
    if (this.kept.is !== 'offline' && this.kept.is !== 'signed_out') this.kept = { is: 'unsaved' }
    const now = Date.now()
    this.firstChange ||= now
    this.schedule(Math.max(0, Math.min(AFTER_MS, this.firstChange + AT_MOST_MS - now)))
  }

  /** Save now; resolves when the server has answered. */
  async saveNow(isLeaving = false): Promise<void> {
    clearTimeout(this.timer)
    if (this.wanted === null || this.kept.is === 'conflict' || (this.isSending && !isLeaving)) return
    const text = this.wanted
    this.isSending = true
    this.firstChange = 0
    if (this.kept.is !== 'offline' && this.kept.is !== 'signed_out') this.kept = { is: 'saving' }
    try {
      if (this.heldInTab !== undefined && (await this.isStored(text))) return
      const answer = await api.saveDraft(this.slug, { text, base: this.base, revision: this.revision }, isLeaving && text.length < 60_000)
      this.revision = answer.revision
      this.others = answer.others ?? []
      this.live = answer.live
      this.tries = 0
      if (this.wanted === text) {
        this.wanted = null
        this.forgetInTab()
        this.kept = { is: 'saved', at: answer.saved_at }
      } else this.kept = { is: 'unsaved' }
    } catch (error) {
      this.failed(error, text)
    } finally {
      this.isSending = false
    }
    if (this.wanted !== null && this.kept.is === 'unsaved') this.schedule(AFTER_MS)
  }

  /** Of two drafts of one person (two tabs): keep this one. */
  keepMine(): void {
    if (this.kept.is !== 'conflict') return
    this.revision = this.kept.theirs?.revision ?? null
    this.kept = { is: 'unsaved' }
    void this.saveNow()
  }

  /** Take the other tab's; gives its text. */
  takeTheirs(): string | null {
    if (this.kept.is !== 'conflict' || !this.kept.theirs) return null
    const { text, revision, base, saved_at } = this.kept.theirs
    this.revision = revision
    this.base = base
    this.wanted = null
    this.forgetInTab()
    this.kept = { is: 'saved', at: saved_at }
    return text
  }

  /** The text became version *version*: there is no draft any more. */
  published(version: number | null): void {
    this.live = this.base = version
    this.publishedBy = null
    this.revision = null
    this.wanted = null
    this.forgetInTab()
    this.kept = { is: 'live' }
  }

  /** Whether another version went live since the draft began. */
  get isOutrun(): boolean { return this.live !== null && this.live !== this.base && this.kept.is !== 'live' }
  /** Whether something is not on the server yet. */
  get isPending(): boolean { return this.wanted !== null }

  /** The words of the header. */
  get words(): string {
    const kept = this.kept
    switch (kept.is) {
      case 'live': return this.live === null ? 'draft · not published yet' : `live · v${this.live}`
      case 'unsaved': case 'saving': return 'draft · saving…'
      case 'saved': return `draft · saved ${clock(kept.at)}`
      case 'offline': return 'draft · not saved: connection lost, kept in this tab'
      case 'signed_out': return 'draft · not saved: you are signed out, kept in this tab'
      case 'conflict': return 'draft · not saved: changed in another tab'
      case 'refused': return `draft · not saved: ${kept.sentence}`
    }
  }

  /** Whether there is nothing to save of a restored text: the server has it, or something newer (a conflict). */
  private async isStored(text: string): Promise<boolean> {
    const stored = (await api.workflow(this.slug)).draft
    const isOurs = stored?.text === text
    const isNewer = !isOurs && (stored?.revision ?? null) !== this.heldInTab
    this.heldInTab = undefined
    this.revision = stored?.revision ?? null
    if (isNewer) this.kept = { is: 'conflict', theirs: stored }
    else if (isOurs && this.wanted === text) {
      this.wanted = null
      this.forgetInTab()
      this.kept = { is: 'saved', at: stored.saved_at }
    }
    return isNewer || isOurs
  }

  private failed(error: unknown, text: string): void {
    const stored = error instanceof Problem && error.status === 409 ? (error.more['draft'] as Draft | null | undefined) ?? null : null
    if (stored?.text === text) {  // this tab's own, sent as the page was left
      this.revision = stored.revision
      this.kept = { is: 'unsaved' }
    } else if (error instanceof Offline || (error instanceof Problem && error.status >= 500)) {
      this.kept = { is: 'offline' }
      this.schedule(AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)]!)
    } else if (error instanceof Problem && error.status === 401) {
      this.kept = { is: 'signed_out' }
      this.schedule(AGAIN_MS.at(-1)!)
    } else if (error instanceof Problem && error.status === 409)
      this.kept = { is: 'conflict', theirs: stored }
    else this.kept = { is: 'refused', sentence: (error as Error).message }
  }

  private schedule(milliseconds: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.saveNow(), milliseconds)
  }

  private get key(): string { return `hookline.draft.${this.slug}` }

  private keepInTab(text: string): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ text, base: this.base, revision: this.revision } satisfies InTab))
    } catch { /* full or forbidden: the server is the first place anyway */ }
  }

  private forgetInTab(): void {
    try { sessionStorage.removeItem(this.key) } catch { /* as above */ }
  }
}

function clock(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}
