/** Puts what was built in the place of what is served, at once: a server that runs meanwhile misses no file. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const served = fileURLToPath(new URL('../static/editor', import.meta.url))
if (!process.env.EDITOR_OUT) {
  rmSync(`${served}.old`, { recursive: true, force: true })
  if (existsSync(served)) renameSync(served, `${served}.old`)
  renameSync(`${served}.new`, served)
  rmSync(`${served}.old`, { recursive: true, force: true })
}
