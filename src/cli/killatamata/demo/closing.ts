/** The books of the run’s accounts: postings, balances, the chain, and the whole log. */
import { parseAbi } from 'viem'
import { readVerification } from '../../../audit/verification.ts'
import { createLedgers } from '../../../commands/killatamata/ledgers.ts'
import { readerOf } from '../../../embedded/market/chain-access.ts'
import { findBalance, listPostings, sumOfPostings } from '../../../projections/killatamata/ledger.ts'
import { poll } from '../../demo/client.ts'
import type { KillatamataStory, Say } from './story.ts'

/** Of one account; the run's own have far fewer. */
const POSTINGS_MAX = 10_000
/** Nothing of the run comes near the end of a period of a ledger. */
const PERIOD_EVENTS_MAX = 5_000
const token = parseAbi(['function balanceOf(address owner) view returns (uint256)'])

interface AccountBook {
  entries: number
  sum: bigint
  /** By the postings, by the read model and by the log: what can be spent. */
  available: string[]
}

const readAccount = ({ withSession }: KillatamataStory, accountId: string): Promise<AccountBook> =>
  withSession(async ({ bus, db }) => {
    const [entries, row] = [await listPostings(db, accountId, POSTINGS_MAX), await findBalance(db, accountId)]
    const ledgers = createLedgers(bus, { periodEventsMax: PERIOD_EVENTS_MAX, periodHint: async () => row?.period })
    const { availableMicros } = await ledgers.balance(accountId)
    const signed = entries.map(({ account, side, usd_micros }) => ({
      account,
      amount: side === 'credit' ? BigInt(usd_micros) : -BigInt(usd_micros),
    }))
    const sumOf = (rows: typeof signed) => rows.reduce((sum, { amount }) => sum + amount, 0n)
    const posted = sumOf(signed.filter(({ account }) => account === 'available'))
    return {
      ...{ entries: entries.length, sum: sumOf(signed) },
      available: [posted, BigInt(row?.available_micros ?? 0), availableMicros].map(String),
    }
  })

const differs = ({ available }: AccountBook): boolean => new Set(available).size > 1

export async function readBooks(story: KillatamataStory, say: Say): Promise<void> {
  const { checks, found, sandbox, withSession, waits } = story
  const books = await poll(
    async () => {
      const read: AccountBook[] = []
      for (const accountId of found.accounts) read.push(await readAccount(story, accountId))
      return read
    },
    (read) => !read.some(differs),
    waits,
  )
  const odd = books.filter(({ sum }) => sum !== 0n)
  checks.equal('the postings of each account sum to 0', odd.length, 0)
  checks.equal(
    'postings, balance and ledger say the same',
    JSON.stringify(books.filter(differs).map(({ available }) => available)),
    '[]',
  )
  const { rpc_url, chain_id, token: address, pay_to } = sandbox().chain
  const treasury = await readerOf(rpc_url, chain_id).readContract({
    ...{ address, abi: token, functionName: 'balanceOf', args: [pay_to] },
  })
  const deposits = await withSession(({ db }) => sumOfPostings(db, 'x402_treasury'))
  checks.equal('the treasury on the chain is all x402 deposits', String(treasury), String(deposits))
  say(`${books.reduce((sum, { entries }) => sum + entries, 0)} postings of ${books.length} accounts`)
}

const FINDINGS_MAX = 10
const NO_END = 2n ** 63n - 1n

export async function verifyLog({ checks, withGround }: KillatamataStory, say: Say): Promise<void> {
  const question = { findingsMax: FINDINGS_MAX, keepsOn: true }
  const from = { after: undefined, revision: 0n, until: NO_END, tree: undefined }
  const page = await withGround((ground) => readVerification(ground, question, from))
  const findings = page.findings.map(({ kind, stream, revision }) => `${kind} ${stream}@${revision}`)
  checks.equal('the log is whole', findings.join(', '), '')
  say(`${page.events} events in ${page.streams} streams`)
}
