/** What a service lists for an input, loaded through the step's connection and kept while what it hangs on is the same. */
import { api } from '../api'
import type { Editor } from '../state.svelte'
import type { ChoiceItem } from '../types'
import { serviceName } from '../words/sentences'
import type { FormPlace } from './place'

interface Portion { items: ChoiceItem[]; next: string | null }
const kept = new Map<string, Portion>()
const SOON_MS = 600

export class Listing {
  items = $state.raw<ChoiceItem[]>([])
  next = $state<string | null>(null)
  isLoading = $state(false)
  problem = $state('')
  private asking: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private key = ''

  constructor(private editor: Editor, private place: FormPlace, private input: string) {}

  get service(): string { return serviceName(this.place.action?.connector ?? this.place.action?.name.split('.')[0] ?? '') }

  /** Load once typing has paused, if what it hangs on is another. */
  loadSoon(search = ''): void {
    const key = this.keyOf(search)
    if (key === this.key || !this.editor.canEdit) return
    clearTimeout(this.timer)
    const known = kept.get(key)
    if (known) {
      this.key = key
      this.items = known.items
      this.next = known.next
      this.problem = ''
    } else this.timer = setTimeout(() => void this.load(search), this.items.length || this.key ? SOON_MS : 0)
  }

  /** Ask the service now; *cursor* goes on behind what is there. */
  async load(search = '', cursor: string | null = null): Promise<void> {
    const { action, connection } = this.place
    if (!action || !connection) return
    this.asking?.abort()
    const asking = (this.asking = new AbortController())
    const key = this.keyOf(search)
    this.key = key
    this.isLoading = true
    this.problem = ''
    try {
      const answer = await api.choices(connection, { action: action.name, input: this.input, given: this.given(),
        search, ...(cursor ? { cursor } : {}) }, asking.signal)
      this.items = cursor ? [...this.items, ...answer.items] : answer.items
      this.next = answer.next ?? null
      kept.set(key, { items: this.items, next: this.next })
    } catch (error) {
      if (asking.signal.aborted) return
      this.problem = (error as Error).message
      this.items = []
    } finally {
      if (this.asking === asking) this.isLoading = false
    }
  }

  private keyOf(search: string): string {
    return JSON.stringify([this.editor.slug, this.place.connection, this.place.action?.name, this.input, this.given(), search])
  }

  /** The other inputs, as far as they are settled: a list may hang on them. */
  private given(): Record<string, string | number | boolean> {
    return Object.fromEntries(Object.entries(this.place.inputs).filter(([name, one]) =>
      name !== this.input && ['string', 'number', 'boolean'].includes(typeof one) && one !== '' && !String(one).includes('{{'))) as Record<string, string>
  }
}
