/** The firsthand context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import { randomUUID } from 'node:crypto'
import { OBJECTS_PATH } from '../../processes/firsthand/objects.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { ContextApi } from '../context.ts'
import { buyerKey, type FirsthandParts, rates, schemes, verifiers } from './access.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { pages } from './pages.ts'
import { words } from './words.ts'

export const firsthand: ContextApi<FirsthandParts> = {
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
  schemes,
  verifiers,
  access: buyerKey(),
  errors,
  requestIds: {
    header: 'x-request-id',
    make: () => prefixedId('req', new Date().toISOString(), randomUUID()),
    // A caller's own is nothing that ours could be mistaken for.
    accept: () => undefined,
    note: (given) => (/^[\x21-\x7e]{1,100}$/.test(given) ? given : undefined),
  },
  rates,
  operations,
  pages,
  transfers: `${OBJECTS_PATH}/`,
}
