/** Short conditions as a person says them: `to_number(payload.total_price) >= 100` → "total price is at least 100". */

const OPERATORS: Record<string, string> = {
  '>=': 'is at least', '<=': 'is at most', '>': 'is more than', '<': 'is less than', '==': 'is', '!=': 'is not',
}
const PATH = String.raw`\$?\.?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\.?"[^"]+"|\[\d*\])*`
const SIDE = String.raw`(?:to_number\(\s*(${PATH})\s*\)|(${PATH})|'([^']*)'|(-?\d+(?:\.\d+)?|true|false|null))`
const COMPARED = new RegExp(`^${SIDE}\\s*(>=|<=|==|!=|>|<)\\s*${SIDE}$`)
const CONTAINS = new RegExp(`^(!\\s*)?(contains|starts_with|ends_with)\\(\\s*${SIDE}\\s*,\\s*${SIDE}\\s*\\)$`)
const BARE = new RegExp(`^(!\\s*)?(is_empty\\()?\\s*(${PATH})\\s*\\)?$`)
const VERBS: Record<string, [string, string]> = {
  contains: ['contains', 'does not contain'], starts_with: ['starts with', 'does not start with'], ends_with: ['ends with', 'does not end with'],
}
const LONGEST = 90

/** The condition in words; the expression itself where it is more than words can show. */
export function conditionWords(expression: string): string {
  const text = expression.trim().replace(/ \|\| ''(?=,)/g, '')  // what stands for a missing field is no part of the words
  for (const [joint, word] of [['&&', ' and '], ['||', ' or ']] as const) {
    const parts = text.split(joint).map((one) => one.trim())
    if (parts.length > 1 && !(text.includes('&&') && text.includes('||'))) {
      const said = parts.map(one)
      if (said.every((part) => part !== null)) return said.join(word)
    }
  }
  return one(text) ?? cut(text)
}

/** The name in a path: `payload.customer.first_name` → "first name". */
export function pathWords(path: string): string {
  const parts = path.replace(/\[\d*\]|"/g, '').split('.').filter(Boolean)
  const name = parts.at(-1) ?? path
  return name.replace(/[_-]+/g, ' ')
}

export function cut(text: string, most = LONGEST): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

function one(text: string): string | null {
  const compared = COMPARED.exec(text)
  if (compared) return `${side(compared, 1)} ${OPERATORS[compared[5]!]!} ${side(compared, 6)}`
  const holds = CONTAINS.exec(text)
  if (holds) return `${side(holds, 3)} ${VERBS[holds[2]!]![holds[1] ? 1 : 0]} ${side(holds, 7)}`
  const bare = BARE.exec(text)
  if (!bare) return null
  if (bare[2]) return `${pathWords(bare[3]!)} is ${bare[1] ? 'not ' : ''}empty`
  return `${pathWords(bare[3]!)} is ${bare[1] ? 'empty or false' : 'there'}`
}

function side(found: RegExpExecArray, at: number): string {
  const path = found[at] ?? found[at + 1]
  if (path !== undefined) return pathWords(path)
  const text = found[at + 2]
  return text !== undefined ? (text === '' ? 'empty' : text) : found[at + 3]!
}
