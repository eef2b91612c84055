/**
 * A step that the address asks for: `?add=slack.post_message`, from "Use in workflow" of the reference, is added;
 * `#line-12`, from "Edit step 3" of a run, a problem or a replay, is chosen.
 */
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

/** Choose the step at that line; nothing where the text has none there. Call it before the page is shown. */
export function chooseAsked(editor: Editor): void {
  const asked = Number(/^#line-(\d{1,6})$/.exec(location.hash)?.[1] ?? 0)
  const before = [...editor.model.steps.values()].filter((one) => one.line <= asked)
  const step = before.sort((a, b) => b.line - a.line)[0]
  if (step) editor.select(step.path, 'form')
}
