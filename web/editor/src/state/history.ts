/** Undo over all views: what the text was, and what was selected. */
import type { Path } from '../types'

export interface Moment { text: string; selection: Path }

const MOST = 500
const TOGETHER_MS = 1200

export class History {
  private past: Moment[] = []
  private future: Moment[] = []
  private key = ''
  private at = 0

  /**
   * Remember *before*, which is about to change. Changes with the same *key* (such as typing in one field) within
   * a moment are undone as one; '' never joins.
   */
  push(before: Moment, key: string, now = Date.now()): void {
    const joins = key !== '' && key === this.key && now - this.at < TOGETHER_MS && this.past.length > 0
    if (!joins) {
      this.past.push(before)
      if (this.past.length > MOST) this.past.shift()
    }
    this.future = []
    this.key = key
    this.at = now
  }

  undo(present: Moment): Moment | null {
    const moment = this.past.pop() ?? null
    if (moment) this.future.push(present)
    this.key = ''
    return moment
  }

  redo(present: Moment): Moment | null {
    const moment = this.future.pop() ?? null
    if (moment) this.past.push(present)
    this.key = ''
    return moment
  }

  get canUndo(): boolean { return this.past.length > 0 }
  get canRedo(): boolean { return this.future.length > 0 }
}
