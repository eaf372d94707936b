/** POST /v1/register: an account with a policy, an agent and a token. Nobody has to sign in. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { generateKey } from '../../../commands/rungate/keys.ts'
import { DEFAULT_POLICY, register, slugFault } from '../../../commands/rungate/registering.ts'
import { countAttempt } from '../../../projections/rungate/attempts.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { refuseBeyond } from '../../rate-limit.ts'
import { boundedText, text } from '../../schemas.ts'
import { write } from '../access.ts'
import { isKnownHere, noStore } from '../keys.ts'
import { dataOf, entityName } from '../schemas.ts'

const HOUR_MS = 3_600_000

const slug = boundedText(100).superRefine((given, context) => {
  const fault = slugFault(given)
  if (fault !== undefined) context.addIssue(fault)
})
const name = text(100)
  .transform((given) => given.trim())
  .refine((given) => given !== '', 'must not be empty')
  .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')

const request = z.object({ name, slug: slug.optional(), agent_name: entityName.optional() })

const answer = z.object({
  account: z.object({ id: z.string(), slug: z.string(), name: z.string(), tier: z.string() }),
  admin_token: z.string(),
  agent: z.object({ id: z.string(), name: z.string(), api_key: z.string() }),
  policy: z.object({ id: z.string(), name: z.string() }),
  _note: z.string(),
})

const NOTE = 'Keep the admin token and the API key now: neither is shown again.'

export const registerAccount = write({
  path: '/v1/register',
  id: 'registerAccount',
  tags: ['Registration'],
  summary: 'Register an account',
  description: 'Makes an account with an admin token, a policy without limits and an agent. Both keys are shown once.',
  access: publicAccess,
  body: request,
  answers: { 201: withHeaders(json(dataOf(answer), 'The account, with both keys shown this once.'), 'cache-control') },
  refuses: ['slug_taken', 'name_taken', 'policy_unusable', 'token_beyond_own'],
  async handle({ bus, db, clock, caller, tokens, agents, keyKnownWaitMs, registrationsPerHourMax, body, command }) {
    const attempt = { kind: 'registration', caller: caller.address(), windowMs: HOUR_MS, now: clock() }
    const detail = `An address may register ${registrationsPerHourMax} accounts per hour.`
    const refusal = refuseBeyond(registrationsPerHourMax, await countAttempt(db, attempt), detail)
    if (refusal) throw refusal
    const idOf = (what: string) => deterministicId(`rungate.${what}`, command.commandId)
    const [token, key] = [generateKey('adm'), generateKey('sk')]
    const wanted = {
      ...{ accountId: idOf('account'), slug: body.slug, agentName: body.agent_name },
      registration: {
        ...{ name: body.name, policyId: idOf('policy') },
        agent: { agentId: idOf('agent'), name: '', ...key.facts },
        token: { tokenId: idOf('adminToken'), ...token.facts },
      },
    }
    const { claim, position } = await register(bus, wanted, command)
    const isKnown = () => tokens.find(token.facts.textId) !== undefined && agents.find(key.facts.textId) !== undefined
    await isKnownHere(keyKnownWaitMs, isKnown)
    const { agent, policyId } = claim.registration
    const data = {
      account: { id: claim.accountId, slug: claim.slug, name: body.name, tier: 'free' },
      admin_token: token.secret,
      agent: { id: agent.agentId, name: agent.name, api_key: key.secret },
      policy: { id: policyId, name: DEFAULT_POLICY },
      _note: NOTE,
    }
    return { status: 201, headers: noStore, body: { data }, handled: { position, replayed: false } }
  },
})
