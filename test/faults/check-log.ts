/** The log by itself, and beside the engine's. */
import { Decimal } from 'decimal.js'
import { linkOf } from '../../src/audit/chain.ts'
import type { Evidence, Evident } from './evidence.ts'

const ENGINE_STREAM = 'noctant.engine-'
const REQUESTED = 'noctant.EngineCommandRequested.v1'
const GIVEN_UP = 'noctant.EngineCommandDeadLettered.v1'

const locationDigest = ({ stream, revision, type }: Evident): string => `${stream}@${revision} ${type}`

/** Hash chains over the stored bytes, no event id twice, and one event set per command of an operator in each stream. */
export function logContradictions({ log }: Evidence): string[] {
  const found: string[] = []
  const ids = new Set<string>()
  const lastHash = new Map<string, string>()
  /** `stream command` → the last revision of its event set. */
  const sets = new Map<string, bigint>()
  for (const event of log) {
    const place = locationDigest(event)
    if (ids.has(event.id)) found.push(`${place}: event id ${event.id} stands in the log twice`)
    ids.add(event.id)

    const link = linkOf(event)
    if (typeof link === 'string') found.push(`${place}: ${link}`)
    else {
      if (link.prevHash !== (lastHash.get(event.stream) ?? '')) {
        found.push(`${place}: its prevHash is not its predecessor's hash`)
      }
      lastHash.set(event.stream, link.hash)
    }

    const { commandId, actor } = event.about
    if (actor?.kind !== 'operator' || commandId === undefined) continue
    const set = `${event.stream} ${commandId}`
    const last = sets.get(set)
    if (last !== undefined && last !== event.revision - 1n) {
      found.push(`${place}: a second event set of command ${commandId}`)
    }
    sets.set(set, event.revision)
  }
  return found
}

/**
 * The engine's log must be what was taken over, event for event; it must hold each command's decision once, and one for
 * each command that was accepted and not given up.
 */
export function engineContradictions({ log, wal }: Evidence): string[] {
  const found: string[] = []
  const taken = Map.groupBy(
    log.filter(({ stream }) => stream.startsWith(ENGINE_STREAM)),
    ({ stream }) => stream.slice(ENGINE_STREAM.length),
  )
  const written = Map.groupBy(wal, ({ accountId }) => accountId)
  for (const accountId of new Set([...written.keys(), ...taken.keys()])) {
    const engine = (written.get(accountId) ?? []).map(({ eventId }) => eventId)
    const ours = (taken.get(accountId) ?? []).map(({ id }) => id)
    if (ours.join() === engine.join()) continue
    found.push(
      `account ${accountId}: the engine's log has ${engine.length} events, ours ${ours.length}, and they differ`,
    )
  }
  const decisions = new Map<string, number>()
  for (const { type, commandId } of wal) {
    if (type === 'CommandDecided' && commandId) decisions.set(commandId, (decisions.get(commandId) ?? 0) + 1)
  }
  for (const [id, times] of decisions) {
    if (times > 1) found.push(`command ${id} was decided ${times} times by the engine`)
  }
  const givenUp = new Set(log.filter(({ type }) => type === GIVEN_UP).map(({ content }) => content.commandId))
  for (const { type, content } of log) {
    const { commandId } = content
    if (type !== REQUESTED || givenUp.has(commandId) || decisions.has(String(commandId))) continue
    found.push(`command ${commandId} was accepted, and the engine's log does not hold it`)
  }
  return found
}

const exact = Decimal.clone({ precision: 100 })

/** In each account's ledger the initial balance and all changes make the last balance; trades, corrections, payouts alike. */
export function ledgerContradictions({ log }: Evidence): string[] {
  const ledgers = Map.groupBy(
    log.filter(({ stream, content }) => stream.startsWith(ENGINE_STREAM) && typeof content.balance === 'string'),
    ({ stream }) => stream,
  )
  return [...ledgers].flatMap(([stream, entries]) => {
    const sum = entries.reduce(
      (total, { type, content }) =>
        total.plus(String((type.includes('EngineAccountOpened') ? content.balance : content.change) ?? '0')),
      new exact(0),
    )
    const stated = entries.at(-1)?.content.balance
    return sum.equals(String(stated)) ? [] : [`${stream}: balance ${stated}, sum of its ledger ${sum.toFixed()}`]
  })
}
