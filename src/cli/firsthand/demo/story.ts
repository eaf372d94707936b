/** What the chapters of firsthand's demo share: a buyer, a worker, and what the run has found out. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@opslog/client'
import { z } from 'zod'
import type { Checklist } from '../../demo/checks.ts'
import type { Target } from '../../demo/client.ts'
import type { Listener } from '../../demo/listener.ts'
import type { DemoSetting } from '../../demo/setting.ts'
import { createTypedClient, sendNow } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'

export type Buyer = Client<'firsthand'>

export interface FirsthandStory {
  /** The buyer's API with the keys of its two worlds, and the worker's. */
  live: Buyer
  test: Buyer
  worker: Client<'firsthand-worker'>
  /** Sends a request of the buyer as it is, but for the key that the client gives to each. */
  sendUnkeyed: (request: Request) => Promise<Response>
  withSession: DemoSetting['withSession']
  checks: Checklist
  run: string
  waits: { waitMaxMs: number; pollIntervalMs: number }
  /** Whether the instance sends webhooks to this machine. */
  allowsLoopback: boolean
  found: {
    /** Balance before the run, and after the purchase. */
    balance: number
    bought: number
    jobId: string
    /** The run's own worker, whose claims of the day no other run has used. */
    workerToken: string
    listener: Listener | undefined
    endpoint: { id: string; secret: string }
  }
}

/** A worker may ask ten times a second. */
const POLL_INTERVAL_MS = 300

const sandboxSchema = z.object({ live_key: z.string(), test_key: z.string() })

/** Of the instance of the data directory. Throws CliError where none runs, or where it has no sandbox organization. */
export function beginStory({
  dataDirectory,
  running,
  withSession,
  checks,
  limits,
  waits,
}: DemoSetting): FirsthandStory {
  const sandbox = readSandbox(join(dataDirectory, 'sandbox-firsthand.json'))
  const found: FirsthandStory['found'] = {
    ...{ balance: 0, bought: 0, jobId: '', workerToken: '', listener: undefined },
    endpoint: { id: '', secret: '' },
  }
  const signedBy = (token: () => string) => (): Target => ({ url: `${running().apiUrl}/firsthand`, token: token() })
  const live = signedBy(() => sandbox.live_key)
  return {
    live: createTypedClient('firsthand', live, limits),
    test: createTypedClient(
      'firsthand',
      signedBy(() => sandbox.test_key),
      limits,
    ),
    worker: createTypedClient(
      'firsthand-worker',
      signedBy(() => found.workerToken),
      limits,
    ),
    sendUnkeyed(request) {
      request.headers.delete('idempotency-key')
      return sendNow(live, request)
    },
    ...{ withSession, checks, waits: { ...waits, pollIntervalMs: POLL_INTERVAL_MS } },
    run: `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`,
    allowsLoopback: running().allowsLoopback,
    found,
  }
}

function readSandbox(file: string): z.output<typeof sandboxSchema> {
  try {
    return sandboxSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    const hint = 'The first `npm start` writes it.'
    throw new CliError(EXIT.unreachable, `${file} cannot be read: ${(error as Error).message}`, hint)
  }
}

export type Say = (note: string) => void
export type FirsthandChapter = readonly [title: string, work: (story: FirsthandStory, say: Say) => Promise<void>]

/** Under a key of this run, so that a request that is asked for again has no second effect. */
export const keyed = (story: FirsthandStory, name: string) => ({ 'idempotency-key': `${story.run}-${name}` })

export const balanceOf = async (buyer: Buyer): Promise<number> =>
  Number((await buyer.GET('/v1/billing/credits')).data?.balance_cents)
