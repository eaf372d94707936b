/** Two workers with a claim each, on jobs of one organization. */
import { randomUUID } from 'node:crypto'
import { format } from '../../../src/events/firsthand/vocabulary.ts'
import { firsthandWork } from '../../../src/http/firsthand/api.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { addBuyer, postJob } from '../../http/firsthand/buyers.ts'
import { addWorker, claimSeat, sendFile, submitFile, type Worker } from '../../http/firsthand/crew.ts'
import { bearer, keyOfElsewhere, mistyped, startHastyApi } from '../api.ts'
import type { Belongings } from '../ground.ts'
import { runOperationSuites } from '../operations.ts'

const api = await startHastyApi({ claimLimits: { workerClaimsMax: 10_000, workerClaimsPerDayMax: 100_000 } })
const acme = await addBuyer(api, { cents: 100_000_000 })
const wilma = await addWorker(api)
const otto = await addWorker(api, 'Otto')

/** Claims enough that some are left when others are given back, and a submission. */
async function furnish(worker: Worker): Promise<Belongings> {
  const { body } = await postJob(api, acme.key, { files_needed: 10_000, accepted_formats: format.options })
  const claimed = async () => (await claimSeat(api, worker, body.id)).body as { id: string; submission_id: string }
  const first = await claimed()
  await submitFile(api, worker, first.id, await sendFile(api, worker, first.id))
  const claims: string[] = []
  while (claims.length < 40) claims.push((await claimed()).id)
  return new Map([
    ['claim_id', claims],
    ['submission_id', [first.submission_id]],
  ])
}

/** Jobs are everybody's. */
const open = (await postJob(api, acme.key, { files_needed: 10_000 })).body.id as string

runOperationSuites({
  api: firsthandWork,
  url: api.url,
  store: api.store,
  credentials: { WorkerToken: { good: bearer(wilma.token), wrong: bearer(mistyped(otto.token)) } },
  elsewhere: [keyOfElsewhere(), bearer(acme.key)],
  own: new Map([...(await furnish(wilma)), ['job_id', [open]]]),
  foreign: await furnish(otto),
  refusalOf: ({ error }: { error?: { type: string; request_id: string } }) => ({
    code: error?.type,
    requestId: error?.request_id,
  }),
  requestId: /^req_/,
  idOfNothing: (name) => prefixedId(name.replace('_id', ''), new Date().toISOString(), randomUUID()),
  aliases: { claim_id: 'claim_id', submission_id: 'submission_id', job_id: 'job_id' },
  recordsRefusals: [],
  close: api.stop,
})
