/** Ends with a sentence where what is installed is not what package-lock.json names, as after a pull. */
import { existsSync, readFileSync } from 'node:fs'

const locked = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {})
const wanted = locked('package-lock.json')
const found = locked('node_modules/.package-lock.json')

// Optional packages are those of other machines too.
const missing = Object.entries(wanted).filter(
  ([path, { optional, version }]) => path.includes('node_modules/') && !optional && found[path]?.version !== version,
)
if (missing.length > 0) {
  const names = missing.slice(0, 3).map(([path]) => path.replace(/^.*node_modules\//, ''))
  const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : ''
  process.stderr.write(`Not installed as package-lock.json names it: ${names.join(', ')}${more}. Run \`npm ci\`.\n`)
  process.exit(1)
}
