/** Places of a file: the checker's notation and lists of keys. */
import type { Key, Path } from '../types'

const PART = /\[(\d+)\]|([^.[\]]+)/g

/** `steps[0].with.to` → `['steps', 0, 'with', 'to']`; '' → []. */
export function keysOf(path: Path): Key[] {
  return [...path.matchAll(PART)].map((one) => (one[1] !== undefined ? Number(one[1]) : one[2]!))
}

/** `['steps', 0, 'with']` → `steps[0].with`. A key with a dot in it cannot be written as a path: use keys. */
export function pathOf(keys: readonly Key[]): Path {
  return keys.reduce<string>((path, key) => at(path, key), '')
}

/** The place of *key* inside of *path*. */
export function at(path: Path, key: Key): Path {
  if (typeof key === 'number') return `${path}[${key}]`
  return path ? `${path}.${key}` : key
}

/** Whether *path* is *outer* or stands inside of it. */
export function isInside(path: Path, outer: Path): boolean {
  return path === outer || outer === '' || (path.startsWith(outer) && '.['.includes(path.charAt(outer.length)))
}

/** `steps[2]` → its list `steps` and index 2; null where the path does not end in an index. */
export function placeInList(path: Path): { list: Path; index: number } | null {
  const found = /^(.*)\[(\d+)\]$/.exec(path)
  return found ? { list: found[1]!, index: Number(found[2]) } : null
}
