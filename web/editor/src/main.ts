/** Starts the editor in the page that the server made (templates/editor.html). */
import { mount } from 'svelte'
import App from './App.svelte'
import { addAsked, chooseAsked } from './state/adding'
import { Editor } from './state.svelte'
import type { Bootstrap } from './types'

const data = document.getElementById('editor-data')
const place = document.getElementById('editor')
if (data && place) {
  const editor = new Editor(JSON.parse(data.textContent ?? '{}') as Bootstrap)
  chooseAsked(editor)
  place.replaceChildren()
  mount(App, { target: place, props: { editor } })
  void editor.start().then(() => addAsked(editor))
}
