/** Every page that a context declares is opened as each audience: a page is tested by being declared. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Audience } from '../../../src/http/pages/declaration.ts'
import { apis } from '../../support/contexts.ts'
import { type Api, startApi } from '../api.ts'
import { administrator, operator, titleOf, type Visitor } from './browsing.ts'

const pages = apis.flatMap(({ name, console }) =>
  (console?.pages ?? []).map((page) => ({ ...page, context: name, isForAll: console?.isForAll === true })),
)
const listed = pages.filter(({ path }) => !path.includes('/:'))
const audiences: readonly Audience[] = ['administrator', 'operator', 'auditor']

let api: Api
let visitors: Record<Audience, Visitor>
beforeAll(async () => {
  api = await startApi()
  const acme = await api.addOperator()
  const { key } = await api.addAuditor(acme.operatorId)
  visitors = {
    administrator: await administrator(api),
    operator: await operator(api, acme.key),
    auditor: await operator(api, key),
  }
})
afterAll(() => api.stop())

describe.each(audiences)('as %s', (audience) => {
  it.each(listed.map(({ path, title, ...page }) => ({ path: path || '/', title, ...page })))(
    '$path is shown to those whom it is for, and to nobody else',
    async ({ path, title, audience: of, context, isForAll }) => {
      const seen = await visitors[audience].get(`/console${path === '/' ? '' : path}`)
      const isOwn = audience === 'administrator' || isForAll || context === 'noctant'
      const [status, heading] = of.includes(audience) && isOwn ? [200, title] : [404, 'There is no such page']
      expect([seen.status, titleOf(seen)]).toEqual([status, `${heading} · opslog`])
      expect(seen.page.querySelectorAll('h1').map(({ text }) => text)).toEqual([heading])
      expect(seen.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(seen.text).not.toMatch(/ (style|on\w+|hx-on[\w:-]*|hx-vals|hx-confirm)="/)
      expect(Buffer.byteLength(seen.text)).toBeLessThan(80_000)
      // Each id stands once.
      const ids = seen.page.querySelectorAll('[id]').map(({ id }) => id)
      expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    },
  )

  it.each(pages.filter(({ path }) => path.includes('/:')).map(({ path }) => path))(
    '%s of nothing is not there',
    async (path) => {
      for (const id of ['nothing', '00000000-0000-4000-8000-000000000000']) {
        const { status } = await visitors[audience].get(`/console${path.replaceAll(/:\w+/g, id)}`)
        expect([id, status]).toEqual([id, 404])
      }
    },
  )
})

describe('declarations', () => {
  it('of pages have paths of their own, under the name of their context unless they are for all', () => {
    const paths = pages.map(({ path }) => path)
    expect(new Set(paths).size).toBe(paths.length)
    for (const { path, context, isForAll, group } of pages) {
      if (!isForAll && group === 'operate') expect(path.startsWith(`/${context}/`), path).toBe(true)
    }
  })

  it('of actions are of pages that there are, with a name and words of their own', () => {
    for (const { console } of apis) {
      for (const { of, name, title } of console?.actions ?? []) {
        expect(
          pages.map(({ path }) => path),
          name,
        ).toContain(of)
        expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
        expect(title).toMatch(/^[A-Z][A-Za-z ]+$/)
      }
    }
  })
})
