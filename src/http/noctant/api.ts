/** The noctant context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { type NoctantParts, type Operator, operatorKey, rateFactors, schemes, verifiers } from './access.ts'
import { noctantConsole } from './console/pages.ts'
import { errors } from './errors.ts'
import { launchPages } from './launches/launch-page.ts'
import { operations } from './operations.ts'
import { words } from './words.ts'

export const noctant: ContextApi<NoctantParts> = {
  name: 'noctant',
  info: {
    title: 'Noctant Operator API',
    version: 'v1',
    description: [
      'Users, sponsored accounts and their trading, for operators.',
      'Every request is signed with an API key: `Authorization: Bearer nct_…`.',
      'Errors are problem documents (RFC 9457) with a `code`, a `request_id` and, where fields are at fault, `errors`. ' +
        'The header `Link` (`rel="help"`) leads to a page that explains the code.',
      'A write that is sent again, under its idempotency key or its natural key, is answered as it was the first time, ' +
        'with `Idempotency-Replayed: true`, and has no second effect. A header `Idempotency-Key` has no effect here.',
      'Answers carry `x-opslog-position`; a read that sends it back sees everything up to that position.',
      'Limits show in `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`; decimals are text.',
    ].join('\n\n'),
  },
  words,
  tags: {
    Operator: 'The operator whose key signs the request, and that key.',
    Users: 'The people whom accounts are opened for, known by an id of your own and by a global one.',
    KYC: 'Identity checks: what your provider found, reported to be kept with the user.',
    Accounts: 'Sponsored accounts: opened, shown with their trading, disabled, and closed out.',
    'Account Corrections': 'Amounts that are added to a balance or taken from it, each with a reason on record.',
    Products: 'What you sell: a template of rules under a name and a price.',
    Challenges: 'Runs under the rules of a template, from their start to passing, failing or being begun anew.',
    Payouts: 'Profit that is asked for, decided about, debited by the engine, and paid outside.',
    'Launch Sessions': 'Links that open the terminal for one account, once.',
    'Historical Sessions': 'Replays and backtests on recorded markets, and what they came to.',
    Webhooks: 'What was sent to your endpoint, and sending it again.',
  },
  schemes,
  verifiers,
  access: operatorKey(),
  errors,
  requestIds: uuidRequestIds('x-noctant-request-id'),
  rates: ({ perMinute }) => ({
    rotations: {
      by: 'tenant',
      perMinuteMax: () => perMinute.rotationsMax,
      detail: (max) => `An operator may rotate keys ${max} times per minute.`,
    },
    standard: {
      by: 'tenant',
      perMinuteMax: (operator: Operator | undefined) =>
        perMinute.requestsMax * rateFactors[operator?.rateLimitTier ?? 'standard'],
      detail: (max) => `The operator's tier allows ${max} requests per minute.`,
    },
  }),
  // The longest texts of an operation together, with room for their escapes; products say their own.
  bodyMaxBytes: 65_536,
  operations,
  console: noctantConsole,
  pages: launchPages,
}
