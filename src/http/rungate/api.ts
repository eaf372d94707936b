/** The rungate context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import { either } from '../access.ts'
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { agentKey, dashboard, type RungateParts, rates, schemes, verifiers } from './access.ts'
import { rungateConsole } from './console/pages.ts'
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
  tags: {
    Health: 'Whether the service answers, and its document.',
    Registration: 'Accounts that register themselves.',
    Auth: 'Signing in by a link or a code, and signing out.',
    Sessions: 'Browsers that are signed in, and ending them.',
    Accounts: 'The account of whoever asks, with its limits and what it has used.',
    Members: 'People of an account, with their roles.',
    Invitations: 'People who were asked to join, and have not yet.',
    AdminTokens: 'Tokens that scripts administer an account with.',
    ProviderKeys: 'Keys of providers of models, kept sealed and tried in their order.',
    Providers: 'Which providers and models are known, and what they cost.',
    Policies: 'What an agent may spend, call and use, in versions that stay.',
    Agents: 'Programs that call models, each with its keys and its policy.',
    Agent: 'What an agent does by its own key: runs, steps and reports.',
    Runs: 'Chains of calls under one budget, with their steps and every amount.',
    Proxy: 'Calls of models in the formats of OpenAI and of Anthropic.',
    Approvals: 'Calls that wait until somebody allows or refuses them.',
    Analytics: 'Cost, latency, errors and throughput by group and period.',
    AlertRules: 'Conditions that are watched, and go off when they are met.',
    Webhooks: 'Addresses that are told of events, and what was sent to them.',
  },
  schemes,
  verifiers,
  access: either(dashboard(), agentKey),
  errors,
  requestIds: uuidRequestIds('x-request-id'),
  rates,
  operations,
  console: rungateConsole,
  pages: peoplePages,
}
