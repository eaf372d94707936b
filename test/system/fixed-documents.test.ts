/**
 * What is the same for everybody, of every context and of the kernel: it comes compressed to those who take that, and once to those
 * who keep it (RFC 9110, conditional requests).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentsOf } from '../../src/http/app.ts'
import { addressOf } from '../../src/http/console/static-files.ts'
import { SKILL_PATHS } from '../../src/http/killatamata/skill/facts.ts'
import { apis } from '../support/contexts.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ stream: 'in-process' })
}, 120_000)
afterAll(() => stack.close())

interface Described {
  paths: Record<string, Record<string, { parameters?: { name: string; example?: unknown }[]; responses: Responses }>>
  servers?: { url: string }[]
}
type Responses = Record<string, { content?: Record<string, unknown> }>

/** GETs of a contract that are answered with a text, or that are a document: they stand beside the kernel's own. */
function ownDocuments(document: object): string[] {
  const { paths, servers } = document as Described
  return Object.entries(paths).flatMap(([path, { get }]) => {
    const types = Object.keys(get?.responses[200]?.content ?? {})
    const isText = types.some((type) => /^text\/(?!event-stream)/.test(type))
    if (!isText && !path.includes('openapi')) return []
    const filled = (get?.parameters ?? []).reduce((made, { name, example }) => {
      return made.replace(`{${name}}`, String(example))
    }, path)
    return [`${servers?.[0]?.url}${filled}`]
  })
}

const documents = documentsOf(apis)
const texts = documents.flatMap(({ name, document }) => [
  ...[`/${name}/openapi.json`, `/docs/${name.replace('/', '-')}.md`],
  ...ownDocuments(document),
])
const addresses = new Set([
  ...texts,
  ...['/llms.txt', '/docs', '/docs/start.js', '/docs/viewer.js', '/docs/problems', '/docs/problems/validation_failed'],
  ...Object.values(SKILL_PATHS),
  ...(['console.css', 'console.js', 'htmx.js'] as const).map(addressOf),
])

async function ask(path: string, headers: Record<string, string>) {
  const answer = await fetch(`${stack.url}${path}`, { headers })
  const header = (name: string) => answer.headers.get(name)
  return {
    ...{ status: answer.status, text: await answer.text(), etag: header('etag') ?? '', type: header('content-type') },
    ...{ encoding: header('content-encoding'), vary: header('vary'), kept: header('cache-control') },
  }
}

it('are there of every context that has operations', () => {
  const prefixes = new Set([...addresses].map((path) => path.split('/')[1]))
  for (const name of ['noctant', 'firsthand', 'rungate', 'ostium', 'killatamata', 'audit'])
    expect(prefixes).toContain(name)
  expect([...addresses]).toEqual(expect.arrayContaining(['/ostium/openapi.yaml', '/rungate/docs/guides/setup']))
})

describe.each([...addresses])('%s', (path) => {
  it('is compressed for those who take it, under a tag of its own, and sent again to nobody who has it', async () => {
    const zipped = await ask(path, { 'accept-encoding': 'gzip' })
    const plain = await ask(path, { 'accept-encoding': 'identity' })
    expect([zipped.status, zipped.encoding, plain.status, plain.encoding]).toEqual([200, 'gzip', 200, null])
    expect([zipped.text, zipped.type]).toEqual([plain.text, plain.type])
    expect(zipped.text.length).toBeGreaterThan(0)
    expect(zipped.type).toMatch(/^(application\/json|text\/\w+; charset=utf-8)$/)
    expect(zipped.etag).toMatch(/^"[\w-]{22}-gzip"$/)
    expect(plain.etag).toBe(zipped.etag.replace('-gzip', ''))
    for (const [{ etag, vary, kept }, encoding] of [
      [zipped, 'gzip'],
      [plain, 'identity'],
    ] as const) {
      expect([vary, kept]).toEqual([
        expect.stringMatching(/\baccept-encoding\b/),
        expect.stringMatching(/no-cache|max-age/),
      ])
      const known = await ask(path, { 'accept-encoding': encoding, 'if-none-match': `W/${etag}` })
      expect([known.status, known.text, known.etag, known.encoding]).toEqual([304, '', etag, null])
    }
  })
})
