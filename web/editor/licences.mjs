/** The licences of what the bundle holds, beside it: a package per block, in the order of names. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const out = process.env.EDITOR_OUT ?? here('../static/editor.new')
const wanted = Object.keys(JSON.parse(readFileSync(here('package.json'), 'utf8')).dependencies)
const known = new Set()
for (const name of wanted) {
  if (known.has(name)) continue
  known.add(name)
  const { dependencies = {} } = JSON.parse(readFileSync(here(`node_modules/${name}/package.json`), 'utf8'))
  for (const one of Object.keys(dependencies)) if (existsSync(here(`node_modules/${one}`)) && !one.startsWith('@types/')) wanted.push(one)
}
const blocks = [...known].sort().map((name) => {
  const folder = here(`node_modules/${name}`)
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const file = readdirSync(folder).find((one) => /^licen[cs]e(\.|$)/i.test(one))
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : ''}\n`
})
writeFileSync(`${out}/LICENSES.txt`, blocks.join(`\n${'-'.repeat(72)}\n\n`))
