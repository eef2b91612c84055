/** How often a failed call is tried again, in some words. */
import { isMapping } from '../text/model'
import type { Json } from '../types'

/** *retry* as it stands in the file; undefined is the standard. */
export function retryWords(retry: Json | undefined): string {
  if (retry === false) return 'no second try'
  const keys = isMapping(retry) ? retry : {}
  const attempts = keys['attempts']
  const time = typeof keys['for'] === 'string' ? keys['for'] : '24h'
  if (typeof attempts === 'number') return attempts === 1 ? 'no second try' : `try ${attempts} times`
  return `try again for ${spelled(time)}`
}

/** `24h` → "24 h". */
function spelled(duration: string): string { return duration.replace(/(\d)([a-z])/g, '$1 $2').replace(/([a-z])(\d)/g, '$1 $2') }
