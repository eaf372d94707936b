/** What holds for the document of a context: it is that of the contract, and every example in it is one. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { documentOf } from '../../src/http/document.ts'
import { kernelHelp } from '../../src/http/help.ts'
import { parseJson } from '../../src/http/json.ts'
import type { Operation } from '../../src/http/operation.ts'
import { bodySpecOf } from '../../src/http/validation.ts'
import { root } from '../support/source.ts'
import { type Described, examplesIn, refusalsIn, unsaid, unsaidOf, unused } from './described.ts'
import type { Ground } from './ground.ts'
import { operationsOf } from './served-contract.ts'

/** The contracts stand beside the checkout where this is developed; a clone elsewhere has the generated documents only. */
const contracts = join(root, '..', 'shared', 'contracts')

const JSON_LIMITS = { depthMax: 32, tokensMax: 1_000 }

type Compare = (contract: object, served: object, only: string) => { operations: number; differences: string[] }

export function runDocumentSuite({ api, url, aliases }: Ground): void {
  const cases = api.operations as readonly Operation[]
  const document = documentOf(api)
  const described = operationsOf(api.name, document, aliases)
  const contract = join(contracts, `${api.documentName ?? api.name}.openapi.json`)
  const titled = cases.map((operation) => ({
    ...operation,
    title: `${operation.method.toUpperCase()} ${operation.path}`,
  }))

  it('is the one that is served, with each operation once', async () => {
    const served = await (await fetch(`${url}/${api.documentName ?? api.name}/openapi.json`)).json()
    expect(served).toStrictEqual(JSON.parse(JSON.stringify(document)))
    expect(described.map(({ method, path }) => `${method} ${path}`).toSorted()).toStrictEqual(
      titled.map(({ title }) => title).toSorted(),
    )
  })

  it.each(existsSync(contract) ? titled : [])('has $title to the letter of the contract', async ({ title }) => {
    const { compare }: { compare: Compare } = await import(join(contracts, 'check.mjs'))
    const asked: object = JSON.parse(readFileSync(contract, 'utf8'))
    expect(compare(asked, JSON.parse(JSON.stringify(document)), title)).toMatchObject({
      operations: 1,
      differences: [],
    })
  })

  it.each(cases)('has examples of $id that fit', ({ id, body }) => {
    const operation = described.find((each) => each.id === id)
    const { request, answers } = examplesIn(document, id)
    const spec = bodySpecOf(body)
    if (request !== undefined && spec?.kind === 'json') {
      expect(operation?.bodyFault(request)).toBeUndefined()
      const bytes = new TextEncoder().encode(JSON.stringify(request))
      const { error } = spec.schema.safeParse(parseJson(bytes, JSON_LIMITS, spec.verbatim))
      expect(error?.issues).toBeUndefined()
    }
    for (const [status, answer] of answers)
      if (answer !== undefined) expect(operation?.answerFault(status, answer)).toBeUndefined()
    for (const { status, codes, bodies } of refusalsIn(document, id)) {
      expect([status, Object.keys(bodies)]).toStrictEqual([status, codes])
      for (const body of Object.values(bodies)) expect(operation?.answerFault(status, body)).toBeUndefined()
    }
  })

  it('describes its groups of operations', () => {
    expect((document.tags ?? []).filter(({ description }) => !description)).toStrictEqual([])
  })

  it('is there as one text, which names every operation', async () => {
    const answer = await fetch(`${url}/docs/${(api.documentName ?? api.name).replace('/', '-')}.md`)
    const text = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toStrictEqual([200, 'text/markdown; charset=utf-8'])
    const missing = cases.filter(
      ({ method, path }) => !text.includes(`### ${method.toUpperCase()} /${api.name}${path}\n`),
    )
    expect(missing.map(({ id }) => id)).toStrictEqual([])
    expect(await (await fetch(`${url}/llms.txt`)).text()).toContain(`(/docs/${api.name}`)
  })

  it.each(api.words ? [api.words] : [])('describes every member and parameter, with no word to spare', (words) => {
    expect(unsaid(document)).toStrictEqual([])
    expect(unused(document, words)).toStrictEqual([])
  })

  it.each(existsSync(contract) ? [contract] : [])('describes everything that the contract describes', (file) => {
    expect(unsaidOf(JSON.parse(readFileSync(file, 'utf8')) as Described, document)).toStrictEqual([])
  })

  it('links each refusal to a page that explains its code', async () => {
    const refused = await fetch(`${url}/${api.name}/nowhere`)
    const [, path = ''] = /^<(.*)>; rel="help"$/.exec(refused.headers.get('link') ?? '') ?? []
    expect(path).toMatch(/^\/docs\/problems\/\w+$/)
    expect((await fetch(url + path)).status).toBe(200)
    for (const [code, { title, shownAs = code }] of Object.entries(api.errors.codes)) {
      for (const name of new Set([code, shownAs])) {
        const page = await fetch(`${url}/docs/problems/${name}`)
        expect([name, page.status]).toStrictEqual([name, 200])
        expect(await page.text()).toContain(title.replaceAll("'", '&#39;'))
      }
    }
    // Bodies name another code so, too, which stands behind it.
    const named = await fetch(`${url}/docs/problems/validation_failed`, { headers: { accept: 'application/json' } })
    expect(((await named.json()) as { contexts: { code: string }[] }).contexts[0]?.code).toBe('validation_failed')
    const asJson = await fetch(url + path, { headers: { accept: 'application/json' } })
    expect(await asJson.json()).toMatchObject({
      code: path.split('/').at(-1),
      meaning: expect.any(String),
      causes: [expect.stringMatching(/^\w.*[^.]$/)],
      what_to_do: expect.any(String),
      retry: expect.any(String),
    })
    expect((await fetch(`${url}/docs/problems/nothing`)).status).toBe(404)
  })

  it.each(api.words ? [api.errors] : [])('helps with each of its codes', ({ codes, help = {} }) => {
    const helped = new Set([...Object.keys(kernelHelp), ...Object.keys(help)])
    expect(Object.keys(codes).filter((code) => !helped.has(code))).toStrictEqual([])
  })

  it('names in each operation the scopes that it asks for', () => {
    for (const { title, access } of titled) {
      const found = described.find(({ method, path }) => `${method} ${path}` === title)
      expect(found?.scopes, title).toStrictEqual(access.alternatives[0]?.scopes ?? [])
    }
  })
}
