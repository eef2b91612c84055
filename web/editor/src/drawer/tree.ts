/** The data that expressions see, as the rows of a tree, each with the path by which an expression gets it. */
import type { FieldStat, Json, Mapping } from '../types'
import { isMapping } from '../text/model'

export interface TreeRow {
  /** JMESPath: `payload.customer."first name"`, `payload.items[0].sku`; the row's key too. */
  path: string
  name: string
  level: number
  /** In words: text, number, yes or no, nothing, list, object. */
  type: string
  /** On one line, cut; of a list or an object how many it holds. */
  shown: string
  canOpen: boolean
  isOpen: boolean
  /** Rows beside it that are left out: "… 480 more". */
  more?: number
}

const MOST_CHILDREN = 200 // of one list or object: more are not read by anyone
const MOST_FOUND = 300
const LONGEST = 120
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** *path* with a key or an index behind it. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  return `${path}.${NAME.test(key) ? key : JSON.stringify(key)}`
}

/** The rows of *roots* (name → value) of which those in *open* are unfolded. */
export function treeRows(roots: Mapping, open: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = []
  const add = (path: string, name: string, value: Json, level: number): void => {
    const isOpen = open.has(path)
    const row = rowOf(path, name, value, level, isOpen)
    rows.push(row)
    if (!isOpen || !row.canOpen) return
    const children = childrenOf(value)
    for (const [key, one] of children.slice(0, MOST_CHILDREN)) add(pathTo(path, key), String(key), one, level + 1)
    if (children.length > MOST_CHILDREN)
      rows.push({ path: `${path} …`, name: '', level: level + 1, type: '', shown: '', canOpen: false, isOpen: false, more: children.length - MOST_CHILDREN })
  }
  for (const [name, value] of Object.entries(roots)) add(name, name, value, 0)
  return rows
}

/** The rows whose name or value has *asked* in it, wherever they stand; flat, with their whole path as the name. */
export function foundRows(roots: Mapping, asked: string): TreeRow[] {
  const wanted = asked.toLowerCase()
  const rows: TreeRow[] = []
  const look = (path: string, name: string, value: Json): void => {
    if (rows.length >= MOST_FOUND) return
    const isLeaf = value === null || typeof value !== 'object'
    if (name.toLowerCase().includes(wanted) || (isLeaf && String(value).toLowerCase().includes(wanted)))
      rows.push({ ...rowOf(path, path, value, 0, false), canOpen: false })
    if (!isLeaf) for (const [key, one] of childrenOf(value)) look(pathTo(path, key), String(key), one)
  }
  for (const [name, value] of Object.entries(roots)) look(name, name, value)
  return rows
}

/** "text · in 38 of 40 events"; '' where nothing is known of the path. */
export function statOf(path: string, stats: ReadonlyMap<string, FieldStat>, events: number): string {
  const found = stats.get(path.replace(/\[\d+\]/g, '[]'))
  return found && events > 1 ? `${found.types.join(' or ')} · in ${found.in} of ${events} events` : ''
}

export function typeOf(value: Json): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'list'
  switch (typeof value) {
    case 'object': return 'object'
    case 'string': return 'text'
    case 'boolean': return 'yes or no'
    default: return 'number'
  }
}

function rowOf(path: string, name: string, value: Json, level: number, isOpen: boolean): TreeRow {
  const isNested = value !== null && typeof value === 'object'
  const count = isNested ? childrenOf(value).length : 0
  return { path, name, level, type: typeOf(value), shown: isNested ? String(count) : oneLine(value), canOpen: count > 0, isOpen: isOpen && count > 0 }
}

function childrenOf(value: Json): [string | number, Json][] {
  if (Array.isArray(value)) return value.map((one, index) => [index, one])
  return isMapping(value) ? Object.entries(value) : []
}

function oneLine(value: Json): string {
  const text = (typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST * 2)) : JSON.stringify(value)).replace(/[\u0000-\u001f\u2028\u2029]/g, ' ')
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
