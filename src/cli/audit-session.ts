/**
 * What an auditor's command works with: the log's stored bytes, and the folds of every aggregate, found in the commands'
 * layer by their shape, so that a new one is taken in without a word here. Nothing is written.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openRawLog, type RawLog } from '../audit/raw-log.ts'
import type { Fold } from '../audit/rules.ts'
import { StoreUnavailable } from '../events/store.ts'
import { configuration, runningServices } from './connection.ts'
import { CliError, EXIT } from './terminal.ts'

/** Runs `work` with the log and closes it afterwards. Throws CliError where no event store is to be found. */
export async function withRawLog<T>(work: (log: RawLog) => Promise<T>): Promise<T> {
  const log = openRawLog(eventStoreUrl())
  try {
    return await work(log)
  } catch (error) {
    throw isGrpcUnavailable(error) ? new StoreUnavailable(`the event store failed: ${messageOf(error)}`) : error
  } finally {
    await log.close()
  }
}

export function eventStoreUrl(): string {
  const { EVENTSTORE_URL, DATA_DIR } = configuration()
  return EVENTSTORE_URL ?? runningServices(DATA_DIR).eventStore.url
}

/** gRPC: UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED (grpc/grpc, doc/statuscodes.md); or no address to be had. */
const isGrpcUnavailable = (error: unknown): boolean =>
  [1, 4, 14].includes((error as { code?: number })?.code ?? -1) ||
  (error instanceof Error && /UNAVAILABLE|Failed to (discover|connect)/i.test(error.message))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const isFold = (value: unknown): value is Fold =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Fold).category === 'string' &&
  typeof (value as Fold).evolve === 'function' &&
  'initialState' in value

/** Every aggregate that the commands' layer exports. */
export async function allFolds(): Promise<Fold[]> {
  const commands = join(import.meta.dirname, '../commands')
  const files = await readdir(commands, { recursive: true })
  const folds = new Map<string, Fold>()
  for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(commands, file)).href)
    for (const value of Object.values(module)) if (isFold(value)) folds.set(value.category, value)
  }
  return [...folds.values()]
}

/** A time (RFC 3339) or a commit position. Throws CliError (usage). */
export type Moment = { position: bigint } | { time: Date }

export function momentOf(text: string): Moment {
  if (/^\d+$/.test(text)) return { position: BigInt(text) }
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) {
    throw new CliError(
      EXIT.usage,
      `${text} is neither a time nor a position`,
      'For example 2026-03-01T09:30:00Z or 4711.',
    )
  }
  return { time }
}
