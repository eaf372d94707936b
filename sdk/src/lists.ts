/** Lists page after page, and the wait for what the matching engine made of a command. */
import type { Client as FetchClient, MaybeOptionalInit } from 'openapi-fetch'
import type { PathsWithMethod } from 'openapi-typescript-helpers'
import type { components } from '../types/noctant.js'
import type { Contexts } from './contexts.ts'
import { type Answered, unwrap } from './problem.ts'
import { wait } from './retry.ts'

type Listing<Page> = { get: { responses: { 200: { content: { 'application/json': Page } } } } }
type PageOf<Item> = Item extends Listing<infer Page> ? Page : never
type ItemOf<Page> = { [Name in keyof Page]-?: Page[Name] extends readonly (infer Item)[] ? Item : never }[keyof Page]
type Listed<Paths, Path extends keyof Paths> = ItemOf<PageOf<Paths[Path]>>
export type List<Paths, Path extends keyof Paths> = AsyncGenerator<Listed<Paths, Path>>
export type ListInit<Paths, Path extends keyof Paths> = InitOf<Paths[Path] & object>
type InitOf<Item extends object> = MaybeOptionalInit<Item, 'get' & keyof Item>

type Page = Record<string, unknown>
type Init = { params?: { query?: Page } }

/**
 * Each item of the list at the path; the query is that of the first page, and its `limit` the size of each. What comes
 * meanwhile may be missing, what was there comes once. Rejects with ApiProblem.
 */
export async function* paginate<Paths extends object, P extends PathsWithMethod<Paths, 'get'>>(
  ...[client, path, init]: [client: FetchClient<Paths>, path: P, init?: ListInit<Paths, P>]
): List<Paths, P> {
  const get = client.GET as unknown as (path: P, init: Init) => Promise<Answered<Page, unknown>>
  const given: Init = { ...init }
  let query: Page | undefined = { ...given.params?.query }
  while (query) {
    const page: Page = await unwrap(get(path, { ...given, params: { ...given.params, query } }))
    const items = Object.values(page).find(Array.isArray) ?? []
    yield* items as Listed<Paths, P>[]
    const next = nextOf(page, Number(query.offset ?? 0) + items.length)
    query = next && items.length > 0 ? { ...query, ...next } : undefined
  }
}

/** Parameters of the next page: the members of `next_cursor`, one text, or how many were seen of a total. */
function nextOf({ next_cursor: cursor, total }: Page, seen: number): Page | undefined {
  if (typeof cursor === 'string') return { cursor }
  if (typeof cursor === 'object' && cursor !== null) return { ...cursor }
  return typeof total === 'number' && seen < total ? { offset: seen } : undefined
}

export type EngineCommand = components['schemas']['AccountCommandStatusView']

/** `timeoutMs`: 30,000; `intervalMs`: between two looks, 100. */
export type CommandWaiting = { timeoutMs?: number; intervalMs?: number; signal?: AbortSignal }
export type WaitForCommand = (account: string, command: string, waiting?: CommandWaiting) => Promise<EngineCommand>

const COMMAND = '/v1/accounts/by-external-id/commands/{command_id}'

/**
 * The command, once the engine has recorded it and said what came of it, or once it was given up (`dead_lettered`). Rejects
 * with ApiProblem, with the signal's reason, and with a DOMException `TimeoutError`.
 */
export async function waitForCommand(
  client: FetchClient<Contexts['noctant']>,
  ...[account, command_id, { timeoutMs = 30_000, intervalMs = 100, signal: given } = {}]: Parameters<WaitForCommand>
): Promise<EngineCommand> {
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(given ? [given] : [])])
  const params = { path: { command_id }, query: { external_account_id: account } }
  for (;;) {
    const { command } = await unwrap(client.GET(COMMAND, { params, signal }))
    const isAnswered = command.nats_published_at !== null && command.engine_command_outcome !== null
    if (command.status === 'dead_lettered' || (command.status === 'engine_wal_confirmed' && isAnswered)) return command
    await wait(intervalMs, signal)
  }
}
