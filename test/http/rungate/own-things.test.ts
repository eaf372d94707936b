/** What lists and pages read for a tenant's key: its own alone, and nothing that is a member's. */
import { expect, it } from 'vitest'
import type { Viewer } from '../../../src/http/pages/declaration.ts'
import { ownFilter, type ThingsOf } from '../../../src/http/pages/things.ts'
import { rungateConsole } from '../../../src/http/rungate/console/pages.ts'
import type { Table } from '../../../src/projections/projection.ts'

const things = new Map(
  (rungateConsole.finders ?? []).flatMap((finder) =>
    'things' in finder ? [[finder.kind, finder.things as ThingsOf<Table>] as const] : [],
  ),
)
const viewerOf = (tenantId: string | undefined) =>
  ({ viewer: { principal: tenantId === undefined ? undefined : { tenantId } } as Viewer }) as const

it.each([
  ['policies', 'visibility'],
  ['webhooks', 'scope'],
])('%s that are a member’s own are shown to administrators alone', (kind, column) => {
  const of = things.get(kind)!
  expect(ownFilter(of, viewerOf('acme'))).toEqual([
    { column: 'account_id', is: 'equal', value: 'acme' },
    { column, is: 'equal', value: 'org' },
  ])
  expect(ownFilter(of, viewerOf(undefined))).toEqual([])
})

it('each table of rungate’s with things of members’ own says which they are', () => {
  const silent = [...things.values()].filter(
    ({ table: { columns }, tenant, ofKeys }) =>
      tenant !== undefined && ('visibility' in columns || 'scope' in columns) && ofKeys === undefined,
  )
  expect(silent.map(({ kinds }) => kinds)).toEqual([])
})
