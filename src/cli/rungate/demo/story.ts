/** What the chapters of rungate's demo share: an account, an agent, a provider of models, and what the run has found out. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Anthropic from '@anthropic-ai/sdk'
import type { Client } from '@opslog/client'
import type OpenAI from 'openai'
import { z } from 'zod'
import type { LlmSimulator } from '../../../embedded/llm/server.ts'
import { type Checklist, decimal } from '../../demo/checks.ts'
import type { Listener } from '../../demo/listener.ts'
import type { DemoSetting } from '../../demo/setting.ts'
import { createTypedClient } from '../../demo/typed-client.ts'
import { CliError, EXIT, reasonOf } from '../../terminal.ts'

export const GPT = 'gpt-5'
export const CLAUDE = 'claude-haiku-4-5'
/** US dollars for a million tokens, as their makers publish them: the checks reckon by hand. */
const PRICES = { [GPT]: { input: '1.25', output: '10' }, [CLAUDE]: { input: '1', output: '5' } }

/** As `POST /v1/register` shows it once. */
const accountSchema = z.object({ id: z.string(), slug: z.string(), adminToken: z.string() })
export type DemoAccount = z.output<typeof accountSchema>

export interface Libraries {
  openAi: OpenAI
  anthropic: Anthropic
}

export interface RungateStory {
  /** Without a key; `cookie`: of a browser that has signed in. */
  visitor(cookie?: string): Client<'rungate'>
  /** With the account's admin token. */
  admin: Client<'rungate'>
  /** With the agent's key. */
  agent: Client<'rungate'>
  /** Of the context, now. */
  baseUrl(): string
  /** Both makers' own libraries, told nothing but where rungate is and the agent's key. */
  libraries(): Promise<Libraries>
  checks: Checklist
  run: string
  waits: { waitMaxMs: number; pollIntervalMs: number }
  /** Whether the instance sends webhooks to this machine. */
  allowsLoopback: boolean
  /** Where the account of a run lies for the next one, should the hour's registrations be used up. */
  accountFile: string
  found: {
    account: DemoAccount
    /** Registered by this run. */
    isNew: boolean
    simulator: LlmSimulator | undefined
    listener: Listener | undefined
    webhook: { id: string; secret: string } | undefined
    policyId: string
    agentId: string
    agentKey: string
    /** Runs of this demo, and what the answers said that they cost. */
    runs: Map<string, string>
  }
}

/** Of the instance of the data directory. Throws CliError where none runs. */
export function beginStory({ dataDirectory, running, checks, limits, waits }: DemoSetting): RungateStory {
  const found: RungateStory['found'] = {
    ...{ account: { id: '', slug: '', adminToken: '' }, isNew: false, simulator: undefined },
    ...{ listener: undefined, webhook: undefined },
    ...{ policyId: '', agentId: '', agentKey: '', runs: new Map() },
  }
  // Asked before each send: a restarted instance may listen elsewhere.
  const base = () => `${running().apiUrl}/rungate`
  const client = (token: () => string, headers: Record<string, string> = {}) =>
    createTypedClient('rungate', () => ({ url: base(), token: token() }), limits, { headers, mayBeRefused: true })
  return {
    visitor: (cookie) => client(() => '', cookie === undefined ? {} : { cookie }),
    admin: client(() => found.account.adminToken),
    agent: client(() => found.agentKey),
    baseUrl: base,
    libraries: () => librariesAt(base(), found.agentKey),
    ...{ checks, waits, run: `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}` },
    allowsLoopback: running().allowsLoopback,
    accountFile: join(dataDirectory, 'demo-rungate.json'),
    found,
  }
}

export type Say = (note: string) => void
export type RungateChapter = readonly [title: string, work: (story: RungateStory, say: Say) => Promise<void>]

async function librariesAt(url: string, apiKey: string): Promise<Libraries> {
  const load = () => Promise.all([import('openai'), import('@anthropic-ai/sdk')])
  const [{ default: OpenAi }, { default: AnthropicClient }] = await load().catch((error: unknown) => {
    const hint = 'Images of containers leave them out; `npm ci` brings them.'
    throw new CliError(EXIT.refused, `the libraries of OpenAI and Anthropic are not here: ${reasonOf(error)}`, hint)
  })
  // What is refused is to be seen, so nothing is tried again.
  return {
    openAi: new OpenAi({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 }),
    anthropic: new AnthropicClient({ apiKey, authToken: null, baseURL: url, maxRetries: 0 }),
  }
}

export const pathOf = (id: string) => ({ params: { path: { id } } })

/** What a library threw: `403 model_not_allowed`; `served` where it threw nothing. */
export async function refusalOf(call: PromiseLike<unknown>): Promise<string> {
  try {
    await call
    return 'served'
  } catch (error) {
    const { status, error: body } = error as { status?: number; error?: { code?: string; error?: { code?: string } } }
    if (status === undefined) throw error
    return `${status} ${body?.code ?? body?.error?.code ?? ''}`.trim()
  }
}

/** What tokens cost by hand, to the last digit. */
export function costByHand(model: keyof typeof PRICES, input: number, output: number): string {
  const { input: perInput, output: perOutput } = PRICES[model]
  return decimal(perInput).times(input).plus(decimal(perOutput).times(output)).div(1_000_000).toFixed()
}

/** Notes what an answer says of its run and its cost; answers with both. */
export function noteCost({ found }: RungateStory, { headers }: { headers: Headers }): { runId: string; cost: string } {
  const runId = headers.get('x-rungate-run-id') ?? ''
  const cost = headers.get('x-rungate-cost-usd') ?? '0'
  found.runs.set(
    runId,
    decimal(found.runs.get(runId) ?? '0')
      .plus(cost)
      .toFixed(),
  )
  return { runId, cost }
}

/** A sum of money that came as a number of JSON: few enough digits for a double to hold them. */
export const amountOf = (value: unknown): string => decimal(String(value ?? 0)).toFixed()
export const sumOf = (values: readonly unknown[]): string =>
  values.reduce<ReturnType<typeof decimal>>((sum, value) => sum.plus(amountOf(value)), decimal('0')).toFixed()

/** The account of an earlier run. */
export function keptAccount(file: string): DemoAccount | undefined {
  return existsSync(file) ? accountSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}

/** For later runs; its token is as secret as the data directory. */
export function keepAccount(file: string, account: DemoAccount): void {
  writeFileSync(file, `${JSON.stringify(account)}\n`, { mode: 0o600 })
}
