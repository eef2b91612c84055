/** A step that the address asks for: `?add=slack.post_message`, from "Use in workflow" of the reference. */
import type { Editor } from '../state.svelte'
import { actionSnippet } from '../text/snippets'
import { insertStep } from './stepping'

/** Add it behind the last step, once: loading the page again adds nothing. Needs the catalogue. */
export async function addAsked(editor: Editor): Promise<void> {
  const asked = new URLSearchParams(location.search).get('add')
  if (!asked) return
  history.replaceState(null, '', location.pathname + location.hash)
  const action = editor.catalogue?.actions?.find((one) => one.name === asked)
  if (action && editor.canEdit) await insertStep(editor, 'steps', editor.model.main.steps.length, actionSnippet(action, editor.connections ?? []))
}
