/** What the chapters of killatamata's demo share: a customer of this run, the stand-ins of the sandbox, and what has been found out. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Client } from '@opslog/client'
import { z } from 'zod'
import { accepted } from '../../accepted.ts'
import type { AdminSession } from '../../admin-session.ts'
import type { AdminTools } from '../../admin-tools.ts'
import type { Checklist } from '../../demo/checks.ts'
import { type Call, createClient, poll } from '../../demo/client.ts'
import type { DemoSetting } from '../../demo/setting.ts'
import { createTypedClient } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'

const hex = z.templateLiteral(['0x', z.string()])
const keyed = z.object({ account_id: z.string(), api_key: z.string() })
const sandboxSchema = z.object({
  standins: z.string(),
  admin: keyed,
  other_account: keyed,
  chain: z.object({
    ...{ rpc_url: z.string(), chain_id: z.int(), network: z.templateLiteral([z.string(), ':', z.string()]) },
    ...{ token: hex, pay_to: hex, wallets: z.array(z.object({ address: hex, private_key: hex })).min(1) },
  }),
  google: z.object({ issuer: z.string(), client_id: z.string(), kid: z.string(), private_key_pem: z.string() }),
})
export type Sandbox = z.output<typeof sandboxSchema>

export interface Person {
  accountId: string
  email: string
  key: string
}

/** A file that a job has made. */
export interface MadeFile {
  url: string
  /** Where it lies on this machine. */
  path: string
}

export type Caller = Client<'killatamata'>

export interface KillatamataStory {
  /** Without a key. */
  anybody: Caller
  /** By the key of the run's customer. */
  customer: Caller
  /** By that of an account whose key is known. */
  as(key: string): Caller
  /** What the sandbox does in the place of payers and payees, which no contract has: a body, or CliError where it refuses. */
  standIns(...asked: Parameters<Call>): Promise<Record<string, unknown>>
  apiUrl: () => string
  sandbox: () => Sandbox
  checks: Checklist
  run: string
  /** Where the files of the run are put. */
  directory: string
  keeps: boolean
  waits: { waitMaxMs: number; pollIntervalMs: number }
  withSession<T>(work: (session: AdminSession) => Promise<T>): Promise<T>
  withGround: AdminTools['withGround']
  found: {
    customer: Person
    /** Cents that were credited to the customer. */
    creditedCents: number
    picture: MadeFile | undefined
    /** What the customer has published in the arcade. */
    game: { slug: string; releaseId: string } | undefined
    /** Accounts of the run whose books are read at its end. */
    accounts: Set<string>
  }
}

export type Say = (note: string) => void
export type KillatamataChapter = readonly [title: string, work: (story: KillatamataStory, say: Say) => Promise<void>]

const FILE = 'sandbox-killatamata.json'
/** What is waited for is made of pixels and sounds, one after the other. */
const JOB_WAIT_MIN_MS = 60_000
const POLL_INTERVAL_MS = 150

/** Of the instance of the data directory. Throws CliError where none runs, or where it has no sandbox. */
export function beginStory(setting: DemoSetting): KillatamataStory {
  const { dataDirectory, running, checks, limits, waits, withSession, tools, given } = setting
  const hint = 'Leave KILLATAMATA_SANDBOX on, and the providers of payments unset: the demo pays at stand-ins.'
  // Asked before each send: a restarted instance may listen elsewhere.
  const sandbox = () => tools.kept(FILE, sandboxSchema, hint)
  const apiUrl = () => `${running().apiUrl}/killatamata`
  apiUrl()
  sandbox()
  const run = `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`
  const found: KillatamataStory['found'] = {
    customer: { accountId: '', email: '', key: '' },
    ...{ creditedCents: 0, picture: undefined, game: undefined, accounts: new Set() },
  }
  const by = (key: () => string): Caller =>
    createTypedClient('killatamata', () => ({ url: apiUrl(), token: key() }), limits)
  const standIns = createClient('the sandbox', () => ({ url: sandbox().standins, token: '' }), limits)
  return {
    anybody: by(() => ''),
    customer: by(() => found.customer.key),
    as: (key) => by(() => key),
    ...{ apiUrl, sandbox, checks, run, withSession, found, withGround: tools.withGround },
    async standIns(method, path, ...more) {
      const { status, body } = await standIns(method, path, ...more)
      if (status < 400) return body
      throw new CliError(EXIT.refused, `the sandbox answers ${status} to ${method} ${path}`)
    },
    directory: join(dataDirectory, 'demo-killatamata', run),
    keeps: given.keep === true,
    waits: { waitMaxMs: Math.max(waits.waitMaxMs, JOB_WAIT_MIN_MS), pollIntervalMs: POLL_INTERVAL_MS },
  }
}

/** A member of an answer that is open, where it is an object; empty where it is none. */
export const partOf = (body: Record<string, unknown> | undefined, name: string): Record<string, unknown> =>
  (body?.[name] ?? {}) as Record<string, unknown>

/** A member that is a list of objects; empty where it is none. */
export const rowsOf = (body: Record<string, unknown>, name: string): Record<string, unknown>[] =>
  Array.isArray(body[name]) ? body[name] : []

/** The balance, in micro-dollars, once it satisfies; the last one either way. */
export const balanceOf = (
  { waits }: Pick<KillatamataStory, 'waits'>,
  caller: Caller,
  satisfied: (available: number, held: number) => boolean = () => true,
): Promise<{ available: number; held: number }> =>
  poll(
    async () => {
      const { usdBalanceMicros: available, usdHeldMicros: held } = await accepted(caller.GET('/api/v1/balance'))
      return { available, held }
    },
    ({ available, held }) => satisfied(available, held),
    waits,
  )

export const MICROS_PER_CENT = 10_000
/** As people write it. */
export const dollars = (micros: number): string => `$${(micros / 1_000_000).toFixed(2)}`
