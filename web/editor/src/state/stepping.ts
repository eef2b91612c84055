/** What a person does to a step from the outline, the graph or the keyboard: with its sentence, and the focus kept. */
import { tick } from 'svelte'
import type { Editor } from '../state.svelte'
import { addStep, deleteStep, duplicateStep, moveStep } from '../text/steps'
import { placeInList } from '../text/paths'
import type { Mapping, Path, Step } from '../types'
import { title } from '../words/sentences'

/** Put *step* before item *index* of the list at *list*, select it, and go to its form. */
export async function insertStep(editor: Editor, list: Path, index: number, step: Mapping): Promise<void> {
  if (!editor.apply((text) => addStep(text, list, index, step))) return
  editor.say(`Added ${editor.selected ? title(editor.selected) : 'a step'}.`)
  await focusForm()
}

export async function removeStep(editor: Editor, step: Step): Promise<void> {
  if (editor.apply((text) => deleteStep(text, step.path), { said: `Deleted ${title(step)}.` })) await focusRow(editor.selection)
}

export async function copyStep(editor: Editor, step: Step): Promise<void> {
  if (editor.apply((text) => duplicateStep(text, step.path))) await focusRow(editor.selection)
}

/** One up (-1) or down (1) in its list. */
export async function shiftStep(editor: Editor, step: Step, by: -1 | 1): Promise<void> {
  const place = placeInList(step.path)
  if (!place) return
  const count = step.parent.steps.length
  const to = place.index + by
  if (to < 0 || to >= count) return editor.say(`${title(step)} is ${by < 0 ? 'first' : 'last'} already.`)
  await carryStep(editor, step, place.list, by < 0 ? to : to + 1)
}

/** To before item *index* of the list at *list*; of its own list as it stands now. */
export async function carryStep(editor: Editor, step: Step, list: Path, index: number): Promise<void> {
  if (!editor.apply((text) => moveStep(text, step.path, list, index))) return
  const moved = editor.selected
  const place = placeInList(editor.selection)
  if (moved && place) editor.say(`${title(moved)}, now step ${place.index + 1} of ${moved.parent.steps.length}.`)
  await focusRow(editor.selection)
}

export function rowId(path: Path): string { return `row-${path || 'workflow'}` }

export async function focusRow(path: Path): Promise<void> {
  await tick()
  const row = document.getElementById(rowId(path)) ?? document.getElementById(rowId('trigger'))
  row?.focus()
}

/** The first field of the form; the form itself where it has none yet. */
export async function focusForm(): Promise<void> {
  await tick()
  const form = document.getElementById('step-form')
  const field = form?.querySelector<HTMLElement>('input:not([type=hidden]):not([disabled]), select:not([disabled]), textarea:not([disabled]), [contenteditable=true], button:not([disabled])')
  ;(field ?? form)?.focus()
}
