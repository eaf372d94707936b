/** Scripts and styles, at addresses that name their content: they are kept by browsers for good, and compressed once. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Hono } from 'hono'
import type { AppEnv } from '../environment.ts'
import { Problem } from '../errors.ts'
import { fixedText } from '../fixed-text.ts'

const require = createRequire(import.meta.url)
const own = (name: string): string => readFileSync(new URL(`static/${name}`, import.meta.url), 'utf8')
const ofPackage = (path: string): string => readFileSync(require.resolve(path), 'utf8')

const SCRIPT = 'text/javascript; charset=utf-8'
const STYLE = 'text/css; charset=utf-8'

const sources = {
  'console.css': { type: STYLE, read: () => own('console.css') },
  'console.js': { type: SCRIPT, read: () => own('console.js') },
  'htmx.js': { type: SCRIPT, read: () => ofPackage('htmx.org/dist/htmx.min.js') },
} as const
export type StaticFile = keyof typeof sources

const DIGEST_LENGTH = 12
const files = new Map<StaticFile, { text: string; digest: string }>()

/** Read at its first use: an instance without the console reads none. */
function fileOf(name: StaticFile): { text: string; digest: string } {
  const known = files.get(name)
  if (known) return known
  const text = sources[name].read()
  const made = { text, digest: createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH) }
  files.set(name, made)
  return made
}

/** `/console/static/0123456789ab.console.js` */
export const addressOf = (name: StaticFile): string => `/console/static/${fileOf(name).digest}.${name}`

export function staticFiles(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  for (const name of Object.keys(sources) as StaticFile[]) {
    const headers = { 'content-type': sources[name].type, 'cache-control': 'public, max-age=31536000, immutable' }
    app.get(
      addressOf(name),
      fixedText(() => fileOf(name).text, headers),
    )
  }
  app.all('/console/static/*', (c) => {
    throw new Problem('route_not_found', `There is nothing at ${c.req.path}.`)
  })
  return app
}
