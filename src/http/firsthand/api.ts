/** The firsthand context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import { randomUUID } from 'node:crypto'
import { OBJECTS_PATH } from '../../processes/firsthand/objects.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { ContextApi } from '../context.ts'
import { buyerKey, type FirsthandParts, rates, schemes, verifiers } from './access.ts'
import { firsthandConsole } from './console/pages.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { pages } from './pages.ts'
import { words } from './words.ts'
import { WORKER_SCHEME, workerRate, workerScheme, workerToken, workerVerifier } from './worker/access.ts'
import { workerOperations } from './worker/operations.ts'
import { workerWords } from './worker/words.ts'

const buyers: ContextApi<FirsthandParts> = {
  name: 'firsthand',
  info: {
    title: 'Firsthand API',
    version: '1.0.0',
    description: [
      'Files that people make on request: a buyer posts a job, workers upload, each file that passes inspection is paid.',
      'Every request is signed with an API key: `Authorization: Bearer fh_live_sk_…`, or `fh_test_sk_…` for the test world.',
      'A refusal has a `type`, a `message`, the `request_id`, and `details` where fields are at fault. ' +
        'The header `Link` (`rel="help"`) leads to a page that explains it.',
      'A POST that is sent again under its `Idempotency-Key` is answered as it was the first time, with ' +
        '`Idempotency-Replayed: true`, and has no second effect.',
      'Answers carry `x-opslog-position`; a read that sends it back sees everything up to that position.',
      'Limits show in `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`; amounts are whole cents.',
    ].join('\n\n'),
  },
  words,
  tags: {
    Jobs: 'Files that you ask for: a job, its progress, and what was handed in and approved.',
    Billing: 'Credits that pay for jobs: bought, held while a job is open, and spent.',
    Organization: 'Who you are here, and the fee that you set for jobs.',
    'API Keys': 'Keys of your organization, for the live and the test world.',
    Webhooks: 'Endpoints that are told of events, and what was sent to them.',
  },
  schemes: { ...schemes, [WORKER_SCHEME]: workerScheme },
  verifiers: (parts) => ({ ...verifiers(parts), [WORKER_SCHEME]: workerVerifier(parts) }),
  access: buyerKey(),
  errors,
  requestIds: {
    header: 'x-request-id',
    make: () => prefixedId('req', new Date().toISOString(), randomUUID()),
    // A caller's own is nothing that ours could be mistaken for.
    accept: () => undefined,
    note: (given) => (/^[\x21-\x7e]{1,100}$/.test(given) ? given : undefined),
  },
  rates: (parts) => ({ ...rates(parts), worker: workerRate(parts) }),
  operations,
  console: firsthandConsole,
  pages,
  transfers: `${OBJECTS_PATH}/`,
}

/** The workers' side: outside of the buyers' contract, with a document of its own. */
export const firsthandWork: ContextApi<FirsthandParts> = {
  ...buyers,
  documentName: 'firsthand/worker',
  info: {
    title: 'Firsthand worker API',
    version: '1.0.0',
    description: [
      'What workers do: find a job, claim a seat, send a file, submit it, and see its score and what it earned.',
      'Every request is signed with the worker’s token: `Authorization: Bearer fh_worker_…`.',
      'Refusals, pages and positions are those of the buyers’ API.',
    ].join('\n\n'),
  },
  words: workerWords,
  tags: { Work: 'From finding a job to what a submission has earned.' },
  access: workerToken,
  operations: workerOperations,
}

export const firsthand: ContextApi<FirsthandParts> = { ...buyers, apart: firsthandWork }
