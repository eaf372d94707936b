/** The latest message of each purpose that an agent's trader may sign, as long as it was not used. */
import type { AgentEvent } from '../../events/ostium/agent.ts'
import type { ChallengeEvent, Purpose } from '../../events/ostium/challenge.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, remove, removeAll, upsert } from '../projection.ts'
import { preparedOne } from './tables.ts'

export const challenges = defineTable({
  name: 'ostium_challenge',
  key: ['nonce'],
  columns: { nonce: text, agent_id: uuid, purpose: text.of<Purpose>(), expires_at: time, issued_at: time },
  indexes: ['(agent_id, purpose, issued_at DESC)'],
})
export type ChallengeRow = RowOf<typeof challenges>

/** An agent's messages go with it. */
const gone = ({ data: { agentId } }: { data: { agentId: string } }) => [removeAll(challenges, { agent_id: agentId })]

export const challengeProjection = defineProjection<ChallengeEvent | AgentEvent>({
  name: 'ostium.challenge',
  version: 1,
  onPoison: 'park',
  tables: [challenges],
  handlers: {
    'ostium.ChallengeIssued.v1': ({ data: { nonce, agentId, purpose, expiresAt, occurredAt } }) => [
      upsert(challenges, { nonce, agent_id: agentId, purpose, expires_at: expiresAt, issued_at: occurredAt }),
    ],
    'ostium.ChallengeConsumed.v1': ({ data: { nonce } }) => [remove(challenges, { nonce })],
    'ostium.AgentCancelled.v1': gone,
    'ostium.AgentRevoked.v1': gone,
  },
})

/** The latest message of this purpose that has not expired. */
export const findLatestChallenge = preparedOne((db, agentId: string, purpose: Purpose, at: string) =>
  db
    .selectFrom('ostium_challenge')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', at)
    .orderBy('issued_at', 'desc')
    .limit(1),
)
