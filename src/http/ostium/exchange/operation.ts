/** The operations by which traders ask over HTTP for what they do on exchange. */
import type { z } from '@hono/zod-openapi'
import type { Operation as Name } from '../../../events/ostium/vocabulary.ts'
import type { RequestHead } from '../../access.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import type { Operation } from '../../operation.ts'
import { type OstiumParts, traderOrAgent, write } from '../access.ts'
import type { OstiumCode } from '../errors.ts'
import { exchangeHeaders, needsTrader, query, traderOf } from '../trader.ts'
import { exchanged } from '../views.ts'
import { exchange, kinds } from './exchanging.ts'
import { checkKey, textsOf } from './keys.ts'

function checkHead(head: RequestHead): void {
  needsTrader(head)
  checkKey(head.header('idempotency-key'))
}

interface Said {
  id: string
  summary: string
  description: string
  example?: object
}

const REFUSES: readonly OstiumCode[] = [
  ...(['trader_missing', 'trader_malformed', 'actions_several', 'action_reverts'] as const),
  ...(['chain_unavailable', 'contract_differs', 'delegation_unavailable'] as const),
  ...(['agent_key_unavailable', 'action_unknown', 'nonce_taken'] as const),
]

export function exchangeOperation(name: Name, { id, ...said }: Said, ...refuses: OstiumCode[]): Operation<OstiumParts> {
  const { schema } = kinds[name]
  return write({
    ...{ path: `/v1/exchange/${name}`, id, tags: ['Trading'], ...said },
    access: traderOrAgent,
    head: checkHead,
    ...{ query, headers: exchangeHeaders },
    body: schema as z.ZodType,
    key: headerKey(),
    action: name,
    scope: (request) => traderOf(request),
    fingerprint: (_, { body }) => textsOf(body) as object,
    answers: { 200: json(exchanged, 'Transactions to sign, or what the agent has sent.') },
    refuses: [...REFUSES, ...refuses],
    async handle({ principal, headers, query, body, command, ...parts }) {
      const asked = { trader: traderOf({ headers, query }), principal, command, channel: 'http' as const }
      const { body: answer, isReplayed } = await exchange(parts as unknown as OstiumParts, name, body as never, asked)
      return { status: 200, body: answer, handled: { position: undefined, replayed: isReplayed } }
    },
  })
}
