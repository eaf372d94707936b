/** A worker: its standing, its tokens, and what it is owed. An approved submission is credited once, a payment made once. */
import type { WorkerEvent } from '../../events/firsthand/worker.ts'
import { PartedMap } from '../../runtime/parted-map.ts'
import type { Aggregate } from '../decider.ts'
import { EMPTY_SET, hasMember, type PartedSet, withMember } from './parted-set.ts'
import { Rejected } from './rejection.ts'

export type WorkerState =
  | { status: 'absent' }
  | {
      status: 'active' | 'suspended' | 'forgotten'
      synthetic: boolean
      /** By id, revoked ones too: a revoked token does not come back. */
      tokens: ReadonlyMap<string, { tokenHash: string; isRevoked: boolean }>
      balance: bigint
      approvedCount: number
      /** Submissions. */
      credited: PartedSet
      /** Reference of a payment → its cents. */
      paid: PartedMap<string>
    }

export type WorkerCommand = { workerId: string; at: string } & (
  | { kind: 'register'; name: string; email: string | null; synthetic: boolean }
  | { kind: 'suspend' | 'resume'; reason: string | null }
  | { kind: 'forget'; reference: string | null }
  | { kind: 'issueToken'; token: { tokenId: string; textId: string; tokenHash: string; hint: string } }
  | { kind: 'revokeToken'; tokenId: string; reason: string | null }
  | { kind: 'credit'; submissionId: string; jobId: string; amountCents: bigint }
  | { kind: 'pay'; amountCents: bigint; reference: string }
)

export const worker: Aggregate<WorkerState, WorkerCommand, WorkerEvent> = {
  category: 'firsthand.worker',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.WorkerRegistered.v1') {
      return {
        ...{ status: 'active', synthetic: event.data.synthetic, tokens: new Map(), balance: 0n, approvedCount: 0 },
        ...{ credited: EMPTY_SET, paid: new PartedMap<string>() },
      }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'firsthand.WorkerSuspended.v1':
        return { ...state, status: 'suspended' }
      case 'firsthand.WorkerResumed.v1':
        return { ...state, status: 'active' }
      case 'firsthand.WorkerForgotten.v1':
        return { ...state, status: 'forgotten', tokens: new Map() }
      case 'firsthand.WorkerTokenIssued.v1': {
        const { tokenId, tokenHash } = event.data
        return { ...state, tokens: new Map(state.tokens).set(tokenId, { tokenHash, isRevoked: false }) }
      }
      case 'firsthand.WorkerTokenRevoked.v1': {
        const { tokenId } = event.data
        const tokenHash = state.tokens.get(tokenId)?.tokenHash ?? ''
        return { ...state, tokens: new Map(state.tokens).set(tokenId, { tokenHash, isRevoked: true }) }
      }
      case 'firsthand.EarningCredited.v1': {
        const { submissionId, balanceCents, approvedCount } = event.data
        const credited = withMember(state.credited, submissionId)
        return { ...state, credited, approvedCount, balance: BigInt(balanceCents) }
      }
      case 'firsthand.EarningsPaid.v1': {
        const { reference, amountCents, balanceCents } = event.data
        return { ...state, paid: state.paid.with(reference, amountCents), balance: BigInt(balanceCents) }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { workerId, at } = command
    const of = { workerId, occurredAt: at }
    if (command.kind === 'register') {
      const { name, email, synthetic } = command
      if (state.status !== 'absent') return []
      return [{ type: 'firsthand.WorkerRegistered.v1', data: { ...of, name, email, synthetic } }]
    }
    if (state.status === 'absent') throw workerNotFound()
    // What a forgotten worker is owed is credited and paid all the same; nothing else is done for it.
    if (state.status === 'forgotten' && !['credit', 'pay', 'forget'].includes(command.kind)) throw workerNotFound()
    switch (command.kind) {
      case 'forget':
        if (state.status === 'forgotten') return []
        return [{ type: 'firsthand.WorkerForgotten.v1', data: { ...of, reference: command.reference } }]
      case 'suspend':
        if (state.status === 'suspended') return []
        return [{ type: 'firsthand.WorkerSuspended.v1', data: { ...of, reason: command.reason } }]
      case 'resume':
        if (state.status === 'active') return []
        return [{ type: 'firsthand.WorkerResumed.v1', data: { ...of, reason: command.reason } }]
      case 'issueToken':
        if (state.tokens.values().some(({ tokenHash }) => tokenHash === command.token.tokenHash)) return []
        if ([...state.tokens.values()].filter(({ isRevoked }) => !isRevoked).length >= TOKENS_MAX) {
          throw new Rejected('worker_token_limit_reached', `A worker has ${TOKENS_MAX} tokens at most that work.`)
        }
        return [{ type: 'firsthand.WorkerTokenIssued.v1', data: { ...of, ...command.token } }]
      case 'revokeToken': {
        const { tokenId, reason } = command
        if (state.tokens.get(tokenId)?.isRevoked !== false) return []
        return [{ type: 'firsthand.WorkerTokenRevoked.v1', data: { ...of, tokenId, reason } }]
      }
      case 'credit':
        return credit(state, command, of)
      case 'pay':
        return pay(state, command, of)
      default:
        return command satisfies never
    }
  },
}

type Known = Exclude<WorkerState, { status: 'absent' }>
type Of = { workerId: string; occurredAt: string }

const TOKENS_MAX = 10

export const workerNotFound = () => new Rejected('worker_not_found', 'There is no such worker.')

function credit(state: Known, command: Extract<WorkerCommand, { kind: 'credit' }>, of: Of): WorkerEvent[] {
  const { submissionId, jobId, amountCents } = command
  if (hasMember(state.credited, submissionId)) return []
  const amounts = { amountCents: amountCents.toString(), balanceCents: (state.balance + amountCents).toString() }
  const data = { ...of, ...amounts, submissionId, jobId, approvedCount: state.approvedCount + 1 }
  return [{ type: 'firsthand.EarningCredited.v1', data }]
}

function pay(
  state: Known,
  { amountCents, reference }: { amountCents: bigint; reference: string },
  of: Of,
): WorkerEvent[] {
  const before = state.paid.get(reference)
  if (before === amountCents.toString()) return []
  if (before !== undefined) {
    const detail = `${reference} has paid ${before} cents before: another payment needs another reference.`
    throw new Rejected('idempotency_key_reused', detail)
  }
  if (amountCents > state.balance) {
    throw new Rejected('earnings_too_low', `The worker is owed ${state.balance} cents.`)
  }
  const amounts = { amountCents: amountCents.toString(), balanceCents: (state.balance - amountCents).toString() }
  return [{ type: 'firsthand.EarningsPaid.v1', data: { ...of, ...amounts, reference } }]
}
