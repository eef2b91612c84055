/** The keys of the whole page; those of the outline are the outline's. */
import type { Editor, View } from '../state.svelte'
import { focusRow } from './stepping'

const VIEWS: Record<string, View> = { Digit1: 'steps', Digit2: 'graph', Digit3: 'yaml' }

/** Answer *event* if it is one of the editor's keys. */
export function pressed(editor: Editor, event: KeyboardEvent, showKeys: () => void): void {
  if (event.defaultPrevented) return
  const target = event.target as HTMLElement
  const isInDialog = target.closest('dialog') !== null
  const isTyping = target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]') !== null
  const control = event.ctrlKey || event.metaKey
  const key = event.key.toLowerCase()
  if (control && key === 's') void editor.drafts.saveNow()
  else if (isInDialog) return
  else if (control && key === 'z') { if (event.shiftKey) editor.redo(); else editor.undo() }
  else if (control && key === 'y') editor.redo()
  else if (control && event.key === 'Enter') {
    editor.isPreviewOpen = editor.canPreview
    void editor.runPreview()
  } else if (event.altKey && !control && VIEWS[event.code]) editor.see(VIEWS[event.code]!)
  else if (event.key === 'F8') editor.nextFault(event.shiftKey ? -1 : 1)
  else if (event.key === 'Escape' && target.closest('#step-form')) void focusRow(editor.selection)
  else if (control || event.altKey || isTyping || document.documentElement.dataset['keys'] === 'off') return
  else if (event.key === ']') editor.isDrawerOpen = !editor.isDrawerOpen
  else if (event.key === '?') showKeys()
  else return
  event.preventDefault()
  event.stopPropagation()
}
