/** Two organizations with credits, a job and a key each. */
import { randomUUID } from 'node:crypto'
import { firsthand } from '../../../src/http/firsthand/api.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { addBuyer, addEvent, addKey, type Buyer, postJob } from '../../http/firsthand/buyers.ts'
import { bearer, keyOfElsewhere, mistyped, startHastyApi } from '../api.ts'
import type { Belongings } from '../ground.ts'
import { runOperationSuites } from '../operations.ts'

const CENTS = 100_000_000
const PREFIXES: Readonly<Record<string, string>> = { job_id: 'job', key_id: 'key', endpoint_id: 'we', event_id: 'evt' }

const api = await startHastyApi()
const acme = await addBuyer(api, { cents: CENTS })
const other = await addBuyer(api, { cents: CENTS })
const scopeless = await addKey(api, acme.organizationId, { scopes: [] })

async function furnish({ organizationId, key }: Buyer): Promise<Belongings> {
  const { body } = await postJob(api, key)
  const spare = await addKey(api, organizationId)
  const hook = { key, body: { url: 'https://example.com/hooks' } }
  const endpoint = await api.buy('POST', '/v1/webhook_endpoints', hook)
  const eventId = await addEvent(api, { organizationId, environment: 'live' }, endpoint.body.id, body.id)
  return new Map([
    ['job_id', [body.id]],
    ['key_id', [spare.keyId]],
    ['endpoint_id', [endpoint.body.id]],
    ['event_id', [eventId]],
  ])
}

runOperationSuites({
  api: firsthand,
  url: api.url,
  store: api.store,
  credentials: {
    BearerAuth: { good: bearer(acme.key), scopeless: bearer(scopeless.key), wrong: bearer(mistyped(other.key)) },
  },
  elsewhere: [keyOfElsewhere()],
  own: await furnish(acme),
  foreign: await furnish(other),
  refusalOf: ({ error }: { error?: { type: string; request_id: string } }) => ({
    code: error?.type,
    requestId: error?.request_id,
  }),
  requestId: /^req_/,
  idOfNothing: (name) => prefixedId(PREFIXES[name] ?? '', new Date().toISOString(), randomUUID()),
  aliases: { job_id: 'job_id', key_id: 'key_id', endpoint_id: 'endpoint_id', event_id: 'event_id' },
  recordsRefusals: [],
  close: api.stop,
})
