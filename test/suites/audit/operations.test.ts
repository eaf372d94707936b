/** The auditors' API, on what two operators have: an auditor of one of them learns nothing of the other. */
import { randomUUID } from 'node:crypto'
import { audit } from '../../../src/http/audit/api.ts'
import { bearer, mistyped, problemOf, startHastyApi, UUID } from '../api.ts'
import { furnish } from '../noctant/ground.ts'
import { runOperationSuites } from '../operations.ts'

const api = await startHastyApi()
const acme = await api.addOperator()
const other = await api.addOperator()
const auditor = await api.addAuditor(acme.operatorId)
const foreigner = await api.addAuditor(other.operatorId)

runOperationSuites({
  api: audit,
  url: api.url,
  store: api.store,
  credentials: { auditorBearerAuth: { good: bearer(auditor.key), wrong: bearer(mistyped(foreigner.key)) } },
  elsewhere: [bearer(acme.key)],
  own: await furnish(api, acme),
  foreign: await furnish(api, other),
  refusalOf: problemOf,
  requestId: UUID,
  // Not an external id: whoever provisions a user under another operator's has one of that name of its own.
  idOfNothing: () => randomUUID(),
  aliases: { thing: 'account_id', id: 'command_id' },
  // That an auditor has looked for what is not there is on record all the same.
  recordsRefusals: [404],
  close: api.stop,
})
