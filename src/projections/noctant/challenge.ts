/**
 * Challenges: what each was started with, and where it stands as far as that is on record. `due_at` is when the clock
 * alone may decide something, without any event of the engine.
 */
import type { ChallengeEvent, ChallengeMeasures } from '../../events/noctant/challenge.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { jsonb, text, time, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Started = Extract<ChallengeEvent, { type: 'noctant.ChallengeStarted.v1' }>['data']

type Status = Started['status'] | 'pending_review' | 'passed' | 'failed' | 'expired' | 'completed' | 'reset'
type ActivationStatus = 'not_required' | 'required' | 'pending' | 'activated'

export const challenges = defineTable({
  name: 'noctant_challenges',
  key: ['instance_id'],
  columns: {
    instance_id: uuid,
    operator_id: uuid,
    global_user_id: uuid,
    program_account_id: uuid,
    account_id: uuid,
    status: text.of<Status>(),
    activation_status: text.of<ActivationStatus>(),
    activated_at: time.orNull,
    ended_at: time.orNull,
    /** Null once it has ended. */
    due_at: time.orNull,
    started: jsonb.of<Started>(),
    measures: jsonb.of<ChallengeMeasures>(),
    started_at: time,
  },
  indexes: ['(operator_id, started_at)', '(due_at) WHERE due_at IS NOT NULL', '(program_account_id)'],
})
export type ChallengeRow = RowOf<typeof challenges>

/** The earlier of the day's end and the step's. */
const dueAt = ({ day, expiresAt }: ChallengeMeasures): string =>
  expiresAt !== null && Date.parse(expiresAt) < Date.parse(day.endsAt) ? expiresAt : day.endsAt

type Values = Partial<Omit<ChallengeRow, 'instance_id'>>

const change = (data: { instanceId: string }, values: Values): Change[] => [
  patch(challenges, snake(data, 'instanceId'), values),
]

const measured = (measures: ChallengeMeasures): Values => ({ measures, due_at: dueAt(measures) })

const over = (
  { measures, occurredAt }: { measures: ChallengeMeasures; occurredAt: string },
  status: Status,
): Values => ({ status, measures, ended_at: occurredAt, due_at: null })

export const challengeProjection = defineProjection<ChallengeEvent>({
  name: 'noctant.challenge',
  version: 1,
  onPoison: 'halt',
  tables: [challenges],
  handlers: {
    'noctant.ChallengeStarted.v1': ({ data }) => [
      upsert(challenges, {
        ...snake(data),
        activation_status: activationOf(data),
        activated_at: null,
        ended_at: null,
        due_at: dueAt(data.measures),
        started: data,
        started_at: data.occurredAt,
      }),
    ],
    'noctant.ChallengeMeasured.v1': ({ data }) => change(data, measured(data.measures)),
    'noctant.ChallengeStepPassed.v1': ({ data }) => change(data, { status: 'active', ...measured(data.measures) }),
    'noctant.ChallengePassed.v1': ({ data }) =>
      change(data, {
        ...(data.funded ? { status: data.status, ...measured(data.measures) } : over(data, data.status)),
        ...(data.status === 'activation_pending' ? { activation_status: 'pending' as const } : {}),
      }),
    'noctant.ChallengeFailed.v1': ({ data }) => change(data, over(data, 'failed')),
    'noctant.ChallengeExpired.v1': ({ data }) => change(data, over(data, 'expired')),
    'noctant.ChallengeCompleted.v1': ({ data }) => change(data, over(data, 'completed')),
    'noctant.ChallengeReset.v1': ({ data }) => change(data, over(data, 'reset')),
    'noctant.ChallengeReviewRequested.v1': ({ data }) =>
      change(data, { status: 'pending_review', measures: data.measures, due_at: data.measures.day.endsAt }),
    'noctant.ChallengeActivated.v1': ({ data }) =>
      change(data, { status: data.status, activation_status: 'activated', activated_at: data.occurredAt }),
  },
})

function activationOf({ status, terms }: Started): ActivationStatus {
  if (status === 'activation_pending') return 'pending'
  return terms.activation.required ? 'required' : 'not_required'
}

/** With the standing of the account where the challenge is held on it still. */
export const findChallenge = preparedOne((db, operatorId: string, instanceId: string) =>
  db
    .selectFrom('noctant_challenges as challenge')
    .leftJoin('noctant_accounts as account', (join) =>
      join
        .onRef('account.program_account_id', '=', 'challenge.program_account_id')
        .onRef('account.challenge_instance_id', '=', 'challenge.instance_id'),
    )
    .selectAll('challenge')
    .select('account.sponsorship_status as account_status')
    .where('challenge.operator_id', '=', operatorId)
    .where('challenge.instance_id', '=', instanceId),
)

/** Live challenges about which the clock may have something to say at this time, the longest due first. */
export const dueChallenges = (db: ReadModels, at: string, limit: number): Promise<{ instance_id: string }[]> =>
  noctantTables(db)
    .selectFrom('noctant_challenges')
    .select('instance_id')
    .where('due_at', '<=', at)
    .orderBy('due_at')
    .limit(limit)
    .execute()
