/** The rungate context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import { either } from '../access.ts'
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { agentKey, dashboard, type RungateParts, rates, schemes, verifiers } from './access.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { peoplePages } from './people/pages.ts'
import { VERSION } from './version.ts'
import { words } from './words.ts'

export const rungate: ContextApi<RungateParts> = {
  name: 'rungate',
  info: {
    title: 'Rungate API',
    version: VERSION,
    description: [
      'Governs the calls that agents make to providers of models: an agent has a key and a policy, which says what it may do.',
      'Requests under `/api` are signed with an admin token (`Authorization: Bearer rg_adm_…`) or by the cookie of a session, ' +
        'which `/auth/verify` sets; those of agents with the ' +
        'agent’s key (`rg_sk_…`, as a bearer token or in `x-api-key`).',
      'A refusal has a `type`, a `message`, and `fields` where members are at fault. The header `Link` (`rel="help"`) ' +
        'leads to a page that explains it.',
      'Answers carry `x-opslog-position`; a read that sends it back sees everything up to that position.',
      'Amounts are US dollars, as numbers that are exact to the last digit.',
    ].join('\n\n'),
  },
  words,
  schemes,
  verifiers,
  access: either(dashboard(), agentKey),
  errors,
  requestIds: uuidRequestIds('x-request-id'),
  rates,
  operations,
  pages: peoplePages,
}
