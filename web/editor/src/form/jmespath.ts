/** As much of JMESPath as the forms read: places outside of quotes and brackets, and paths. */

const ID = String.raw`(?:[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")`
const PATH = new RegExp(String.raw`^(?:\$\.)?${ID}(?:\.${ID}|\[-?\d+\]|\[\]|\[\*\])*$`)
const SEGMENT = new RegExp(String.raw`(${ID})|\[(-?\d+)\]|(\[\]|\[\*\])`, 'g')
const PAIRS: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

/** Whether *text* is a path: names, indices and `[]`, and no literal. */
export function isPath(text: string): boolean {
  return PATH.test(text) && !['true', 'false', 'null'].includes(text)
}

/** `payload."x-y"[0].sku` → `['payload', 'x-y', 0, 'sku']`; `[]` is null. Null where it is no path. */
export function segmentsOf(path: string): (string | number | null)[] | null {
  if (!isPath(path)) return null
  return [...path.replace(/^\$\./, '').matchAll(SEGMENT)].map((one) =>
    one[3] !== undefined ? null : one[2] !== undefined ? Number(one[2]) : nameOf(one[1]!))
}

/** The other way round. */
export function pathOfSegments(segments: readonly (string | number | null)[]): string {
  return segments.map((one, index) => one === null ? '[]' : typeof one === 'number' ? `[${one}]`
    : `${index ? '.' : ''}${/^[A-Za-z_]\w*$/.test(one) ? one : JSON.stringify(one)}`).join('')
}

function nameOf(source: string): string {
  if (!source.startsWith('"')) return source
  try { return JSON.parse(source) as string } catch { return source.slice(1, -1) }
}

/** *source* with its structure; null where a quote or a bracket is not closed. */
export function scanned(source: string): Scanned | null {
  const text = source.trim()
  const depths: number[] = []
  const open: string[] = []
  for (let at = 0; at < text.length; at++) {
    const one = text[at]!
    if (one === "'" || one === '"' || one === '`') {
      const start = at
      for (at++; at < text.length && text[at] !== one; at++) if (text[at] === '\\') at++
      if (at >= text.length) return null
      for (let inside = start; inside <= at; inside++) depths[inside] = open.length + 1
    } else if (PAIRS[one]) {
      open.push(PAIRS[one]!)
      depths[at] = open.length
    } else if (one === ')' || one === ']' || one === '}') {
      depths[at] = open.length
      if (open.pop() !== one) return null
    } else depths[at] = open.length
  }
  return open.length ? null : new Scanned(text, depths)
}

class Scanned {
  constructor(readonly text: string, private depths: number[]) {}

  /** Without brackets around the whole. */
  get unwrapped(): string {
    if (!this.text.startsWith('(') || !this.text.endsWith(')')) return this.text
    if (this.depths.slice(1, -1).some((one) => one < 1)) return this.text
    const isOne = !this.text.slice(1, -1).split('').some((one, at) => one === ')' && this.depths[at + 1] === 1)
    return isOne ? scanned(this.text.slice(1, -1))!.unwrapped : this.text
  }

  /** The parts between *sign*, where it stands outside of quotes and brackets. A single `|` is no half of `||`. */
  split(sign: string): string[] {
    const parts: string[] = []
    let from = 0
    for (let at = 0; at < this.text.length; at++) {
      if (this.depths[at] || !this.text.startsWith(sign, at)) continue
      if (sign === '|' && (this.text[at + 1] === '|' || this.text[at - 1] === '|')) continue
      parts.push(this.text.slice(from, at).trim())
      at += sign.length - 1
      from = at + 1
    }
    return [...parts, this.text.slice(from).trim()]
  }

  /** The one comparison outside of quotes and brackets, or null. */
  comparison(): { left: string; sign: string; right: string } | null {
    const found: { at: number; sign: string }[] = []
    for (let at = 0; at < this.text.length; at++) {
      if (this.depths[at]) continue
      const sign = /^(>=|<=|==|!=|>|<)/.exec(this.text.slice(at, at + 2))?.[0]
      if (!sign) continue
      found.push({ at, sign })
      at += sign.length - 1
    }
    const only = found[0]
    if (found.length !== 1 || !only) return null
    return { left: this.text.slice(0, only.at).trim(), sign: only.sign, right: this.text.slice(only.at + only.sign.length).trim() }
  }
}
