/** The killatamata context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { accountKey, type KillatamataParts, rates, schemes, verifiers } from './access.ts'
import { killatamataConsole } from './console/pages.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { killatamataPages } from './skill/pages.ts'
import { VERSION } from './version.ts'
import { words } from './words.ts'

/** The contract's default for JSON, unless an operation says otherwise. */
const BODY_MAX_BYTES = 1_048_576

export const killatamata: ContextApi<KillatamataParts> = {
  name: 'killatamata',
  info: {
    title: 'Killa Tamata AI',
    version: VERSION,
    description: [
      'Prepaid dollar credit for the generation of media: buy credit, hold keys, submit jobs and fetch files.',
      'Requests are signed with an API key: `Authorization: Bearer kt_…`, or `x-api-key`. A person signs in by a mailed code, by ' +
        'Google, or lets a device have a key.',
      'Amounts are whole micro-dollars; amounts as text are dollars with six decimals.',
      'A write with the header `X-Idempotency-Key` that is sent again has no second effect.',
      'Answers carry `x-opslog-position`; a read that sends it back sees everything up to that position.',
    ].join('\n\n'),
  },
  words,
  tags: {
    health: 'That the API answers, and what it is compatible with.',
    catalog: 'Packages of credit.',
    affiliates: 'Affiliates: their codes, what these bring, and what is paid of it.',
    auth: 'Signing in by Google, by a mailed code, with a browser, and for a device.',
    keys: 'API keys of the account.',
    balance: 'What can be spent.',
    arcade: 'Games: their releases, the review of these, and playing them.',
    checkout: 'Pages of providers on which packages are paid.',
    claim: 'Crediting a payment at once.',
    webhooks: 'What providers say of payments.',
    media: 'Jobs that make pictures, clips, sounds and models.',
    credits: 'Credit that is bought by a program, and routes of before.',
    studio: 'Projects, conversations and assets, and an agent that plans paid jobs.',
  },
  schemes,
  verifiers,
  access: accountKey,
  errors,
  requestIds: uuidRequestIds('x-request-id'),
  rates,
  bodyMaxBytes: BODY_MAX_BYTES,
  operations,
  console: killatamataConsole,
  pages: killatamataPages,
  transfers: '/killatamata/api/v1/arcade/releases/upload',
}
