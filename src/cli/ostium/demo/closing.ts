/** The books: what the log has of the run, whether it is whole, and whether the chain has the same. */
import type { Hex } from '../../../adapters/chain/node.ts'
import { firstContinuation, type Ground, readHistory } from '../../../audit/history.ts'
import { readVerification } from '../../../audit/verification.ts'
import { traderIdOf } from '../../../commands/ostium/agent.ts'
import { listActions } from '../../../projections/ostium/action.ts'
import { poll } from '../../demo/client.ts'
import { LISTED_MAX } from '../../table-output.ts'
import type { OstiumStory, Say } from './story.ts'

const EVENTS_MAX = 10_000
const NO_END = 2n ** 63n - 1n

/** What happened in the run besides builds, and how often. */
const TOLD = {
  AgentWalletCreated: 1,
  AgentVerified: 1,
  AgentRevoked: 1,
  ChallengeIssued: 1,
  ChallengeConsumed: 1,
  DelegatedActionRequested: 2,
  DelegatedActionSigned: 2,
  DelegatedActionBroadcast: 2,
  DelegatedActionIncluded: 2,
  SponsorNonceTaken: 2,
}

interface Books {
  counts: Record<string, number>
  streams: number
  events: number
  faults: number
}

export async function readBooks(story: OstiumStory, say: Say): Promise<void> {
  const { checks, facts, trader, found, chain, withSession, withGround, waits } = story
  const books = await withGround((ground) => booksOf(ground, trader.address))
  const { TransactionsBuilt: built = 0, ...others } = books.counts
  checks.equal('every build is on record', built, found.built)
  checks.equal('and all that the agent was and did', countsOf(others), countsOf(TOLD))
  checks.equal('the streams’ chains of hashes hold', books.faults, 0)
  const traderId = traderIdOf(facts.chainId, trader.address)
  const actions = await poll(
    () => withSession(({ db }) => listActions(db, { traderId }, LISTED_MAX)),
    (rows) => rows.length === found.delegated.size && rows.every(({ status }) => status === 'included'),
    waits,
  )
  const hashes = actions.map(({ tx_hash }) => String(tx_hash))
  checks.equal('actions are what was answered', hashes.toSorted().join(' '), [...found.delegated].toSorted().join(' '))
  const receipts = await Promise.all(hashes.map((hash) => chain.receipt(hash as Hex)))
  const blocks = receipts.map((receipt) => `${receipt?.isSuccess} ${receipt?.blockNumber}`).join(', ')
  checks.equal('and what the chain has', blocks, actions.map(({ block_number }) => `true ${block_number}`).join(', '))
  say(`${books.events} events in ${books.streams} streams`)
}

async function booksOf(ground: Ground, thing: string): Promise<Books> {
  const { described } = await readHistory(ground, thing, await firstContinuation(ground.log), EVENTS_MAX)
  const counts: Record<string, number> = {}
  for (const { event } of described) {
    const name = event.type.split('.')[1] ?? event.type
    counts[name] = (counts[name] ?? 0) + 1
  }
  const streams = [...new Set(described.map(({ raw }) => raw.stream))]
  let faults = 0
  for (const stream of streams) {
    const question = { stream, findingsMax: 1, keepsOn: true }
    const from = { after: undefined, revision: 0n, until: NO_END, tree: undefined }
    faults += (await readVerification(ground, question, from)).findingsTotal
  }
  return { counts, streams: streams.length, events: described.length, faults }
}

const countsOf = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .toSorted()
    .join(', ')
