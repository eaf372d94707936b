/**
 * What the clients were told, beside what is there: every *ok* present, in the log and in the read models, every
 * *failed* absent. A call that stayed *unknown* may be either.
 */
import type { Evidence, Evident } from './evidence.ts'
import type { House } from './house.ts'
import { type Call, type History, insist } from './workload.ts'

/** Recorded of refusals as well: the key that was used, and the place that was taken and given back. */
const RECORDS_OF_REFUSALS = /\.(ChallengeRequested|ChallengeSlot\w+)\.v\d+$/

export async function historyContradictions(house: House, history: History, { log }: Evidence): Promise<string[]> {
  const written = Map.groupBy(log, ({ about }) => about.requestId)
  const found = history.flatMap((call) => (call.requestId ? writeContradictions(call, written) : []))
  for (const call of history) found.push(...(await readContradictions(house, call)))
  return found
}

const nameOf = ({ what, id }: Call): string => `${what} ${id}`

/** By the events that the call has written, which carry its request id. */
function writeContradictions(call: Call, written: ReadonlyMap<string | undefined, Evident[]>): string[] {
  const events = (written.get(call.requestId) ?? []).filter(({ type }) => !RECORDS_OF_REFUSALS.test(type))
  const first = events[0]
  if (call.outcome === 'failed' && first) {
    return [`${nameOf(call)} was refused, and wrote ${first.stream}@${first.revision}`]
  }
  if (call.silent && first) return [`${nameOf(call)} changed nothing, and wrote ${first.stream}@${first.revision}`]
  if (call.outcome !== 'ok' || call.silent || first) return []
  return [`${nameOf(call)} was answered with success, and wrote nothing`]
}

/** Where what a call made is read, if it has a name to be read under. */
function addressOf({ what, id, externalAccountId, userId, outcome }: Call): string | undefined {
  switch (what) {
    case 'user':
      return `/users?external_id=${id}`
    case 'account':
      return `/accounts/by-external-id?external_account_id=${id}`
    case 'close-all':
    case 'status':
      return outcome === 'ok'
        ? `/accounts/by-external-id/commands/${id}?external_account_id=${externalAccountId}`
        : undefined
    case 'correction':
      return outcome === 'ok' ? `/users/${userId}/account-corrections/${id}` : undefined
    case 'challenge':
      return outcome === 'ok' ? `/challenges/${id}` : undefined
    case 'payout':
      return outcome === 'ok' ? `/users/${userId}/payout-statements/${id}` : undefined
    case 'approval':
      return `/users/${userId}/payout-statements/${id}`
    default:
      return what satisfies never
  }
}

/** What the read models say of it. */
async function readContradictions(house: House, call: Call): Promise<string[]> {
  const path = addressOf(call)
  if (path === undefined || call.silent || (call.outcome === 'unknown' && call.what !== 'approval')) return []
  const { status, body } = await insist(house, 'GET', path, undefined, call.key === undefined ? {} : { key: call.key })
  const isNamed = call.what === 'user' || call.what === 'account'
  if (call.outcome === 'failed') {
    return isNamed && status !== 404 ? [`${nameOf(call)} was refused, and is there: ${status}`] : []
  }
  if (status !== 200) return [`${nameOf(call)} was answered with success, and is not there: ${status}`]
  const standing = standingOf(call, body)
  return standing === undefined ? [] : [`${nameOf(call)} was accepted, and stands at ${standing}`]
}

const FINAL_CORRECTIONS = ['executed', 'execution_failed', 'invalid_execution']
const FINAL_PAYOUTS = ['executed', 'failed', 'invalid_execution']

/** Where a call stands that should have come to its end, and has not. */
function standingOf({ what, outcome }: Call, body: Record<string, Record<string, string>>): string | undefined {
  if (what === 'close-all' || what === 'status') {
    const status = body.command?.status
    return status === 'engine_wal_confirmed' ? undefined : status
  }
  if (what === 'correction') {
    const status = body.correction?.status ?? ''
    return FINAL_CORRECTIONS.includes(status) ? undefined : status
  }
  if (what === 'approval' && outcome === 'ok') {
    const status = body.statement?.account_effect_status ?? ''
    return FINAL_PAYOUTS.includes(status) ? undefined : status
  }
  return undefined
}
