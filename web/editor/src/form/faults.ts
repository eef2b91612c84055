/** Which of the checker's faults each field of a form shows, and which are left for its top. */
import { isInside } from '../text/paths'
import type { Fault, Path } from '../types'

/** A fault of a mapping that names one of its keys in marks belongs to that key: "email.send needs `to`". */
export function placed(fault: Fault): Path {
  if (fault.code === 'missing-input') {
    const name = /needs `([^`]+)`/.exec(fault.message)?.[1]
    const inputs = fault.where.endsWith('.with') ? fault.where : `${fault.where}.with`
    return name ? `${inputs}.${name}` : fault.where
  }
  if (fault.code === 'missing-connection') return `${fault.where}.connection`
  return fault.where
}

/** The faults that the field at *path* shows: its own, and where nothing inside of it has a field (*isWhole*), those inside. */
export function faultsAt(faults: readonly Fault[], path: Path, isWhole: boolean): Fault[] {
  return faults.filter((one) => (isWhole ? isInside(placed(one), path) : placed(one) === path))
}

/** What no field at *paths* shows. */
export function unplaced(faults: readonly Fault[], paths: readonly Path[]): Fault[] {
  return faults.filter((one) => !paths.some((path) => isInside(placed(one), path)))
}

/** A fault's words as a sentence. */
export function spoken(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.?!…)]$/.test(sentence) ? sentence : `${sentence}.`
}
