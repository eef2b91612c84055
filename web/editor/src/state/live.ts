/** What others do while this page is open, by the server's live channel; without it nothing is missing but news. */
import { api } from '../api'
import type { Editor } from '../state.svelte'
import type { Other } from '../types'

interface Told { slug?: string; workflow?: string; by?: string; change?: string; version?: number | null; saved_at?: string | null }

/** Listen until the returned function is called. */
export function listen(editor: Editor): () => void {
  const source = new EventSource(`/api/v1/live?workflow=${encodeURIComponent(editor.slug)}&kinds=event,workflow,draft`)
  const on = (kind: string, heard: (told: Told) => void) => source.addEventListener(kind, (event) => {
    try {
      const told = JSON.parse((event as MessageEvent<string>).data) as Told
      if ((told.slug ?? told.workflow) === editor.slug) heard(told)
    } catch { /* not for us */ }
  })
  on('draft', (told) => {
    if (!told.by || told.by === editor.me.name) return
    const rest = editor.drafts.others.filter((one) => one.by !== told.by)
    editor.drafts.others = told.saved_at ? [{ by: told.by, saved_at: told.saved_at } satisfies Other, ...rest] : rest
  })
  on('workflow', (told) => {
    if (told.version === null || told.version === undefined || told.version === editor.drafts.live) return
    editor.drafts.live = told.version
    if (told.by && told.by !== editor.me.name) editor.drafts.publishedBy = told.by
    if (editor.drafts.kept.is === 'live') void api.workflow(editor.slug).then((found) => {
      if (found.source !== null && editor.drafts.kept.is === 'live') editor.replaceAll(found.source, found.version)
    }).catch(() => undefined)
  })
  on('event', () => { editor.arrived += 1 })
  return () => source.close()
}
