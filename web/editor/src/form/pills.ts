/**
 * A template in an editable element: text nodes, and a span that cannot be edited for each `{{ … }}`. Offsets are those
 * of the template's source. An invisible character holds the caret where a pill has no text beside it.
 */
import { partsOf, pillName } from './templates'

const HOLD = '\u200b'

/** Draw *source* into *root*. */
export function drawPills(root: HTMLElement, source: string): void {
  const nodes: Node[] = []
  const parts = partsOf(source)
  parts.forEach((part, index) => {
    if (part.is === 'text') { if (part.text) nodes.push(document.createTextNode(part.text)); return }
    if (parts[index - 1]?.is !== 'text') nodes.push(document.createTextNode(HOLD))
    const pill = document.createElement('span')
    pill.className = 'datum'
    pill.contentEditable = 'false'
    pill.dataset['source'] = part.text
    pill.textContent = pillName(part.inside)
    pill.title = part.inside
    nodes.push(pill)
    if (index === parts.length - 1) nodes.push(document.createTextNode(HOLD))
  })
  if (source.endsWith('\n')) {  // a last line that is empty is seen only so
    const end = document.createElement('br')
    end.dataset['end'] = ''
    nodes.push(end)
  }
  root.replaceChildren(...nodes)
}

/** The template that *root* shows. */
export function sourceOf(root: Node): string {
  let source = ''
  for (const node of root.childNodes) source += sourceOfNode(node)
  return source
}

export function countPills(root: HTMLElement): number { return root.querySelectorAll('[data-source]').length }

function sourceOfNode(node: Node): string {
  if (node instanceof Text) return node.data.replaceAll(HOLD, '')
  if (!(node instanceof HTMLElement)) return ''
  if (node.dataset['source'] !== undefined) return node.dataset['source']
  if (node.tagName === 'BR') return node.dataset['end'] === undefined && node.nextSibling ? '\n' : ''
  return `${node.tagName === 'DIV' || node.tagName === 'P' ? '\n' : ''}${sourceOf(node)}`
}

/** Where the selection in *root* begins and ends; null where it is elsewhere. */
export function selectionIn(root: HTMLElement): { start: number; end: number } | null {
  const selection = root.ownerDocument.getSelection()
  if (!selection?.rangeCount) return null
  const range = selection.getRangeAt(0)
  if (!root.contains(range.startContainer) || !root.contains(range.endContainer)) return null
  const start = offsetOf(root, range.startContainer, range.startOffset)
  return { start, end: range.collapsed ? start : offsetOf(root, range.endContainer, range.endOffset) }
}

function offsetOf(root: HTMLElement, container: Node, offset: number): number {
  const before = root.ownerDocument.createRange()
  before.selectNodeContents(root)
  before.setEnd(container, offset)
  const inPill = (container instanceof Element ? container : container.parentElement)?.closest('[data-source]')
  if (inPill && root.contains(inPill)) before.setEndAfter(inPill)
  return sourceOf(before.cloneContents()).length
}

/** Put the caret at *offset* of the source; inside of a pill it goes behind it. */
export function setCaret(root: HTMLElement, offset: number): void {
  let left = offset
  let place: [Node, number] = [root, root.childNodes.length]
  for (const node of root.childNodes) {
    const length = sourceOfNode(node).length
    if (node instanceof Text && left <= length) {
      let index = 0
      for (let seen = 0; index < node.data.length && (seen < left || node.data[index] === HOLD); index++) if (node.data[index] !== HOLD) seen++
      place = [node, index]
      break
    }
    left = Math.max(0, left - length)
  }
  root.ownerDocument.getSelection()?.collapse(place[0], place[1])
}

/** The pill of *source* that ends (-1) or begins (1) at *offset*, as its range; null where there is none. */
export function pillBeside(source: string, offset: number, side: -1 | 1): { start: number; end: number } | null {
  let at = 0
  for (const part of partsOf(source)) {
    const end = at + part.text.length
    if (part.is === 'pill' && (side === -1 ? end === offset : at === offset)) return { start: at, end }
    at = end
  }
  return null
}
