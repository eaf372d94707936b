/**
 * The backing services: what the environment names, and private ones of our own for the rest (design, section 2).
 * Whichever it is, the code above speaks the same protocols; only connection strings differ. The exception is the
 * in-process stream, for machines without a NATS server.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { basicAuthorization, credentialOf } from '../embedded/eventstore/access.ts'
import { EventStoreNotStarted, startEventStoreThread } from '../embedded/eventstore/start.ts'
import { keepNatsServer } from '../embedded/nats-keeper.ts'
import { defaultCacheDirectory, findNatsServer } from '../embedded/nats-server.ts'
import { startPostgres } from '../embedded/postgres.ts'
import { openStream } from '../embedded/stream.ts'
import { type StripeStandIn, startStripeStandIn } from '../embedded/stripe/server.ts'
import { connectNats } from '../gateway/nats.ts'
import type { MessageStream } from '../gateway/stream.ts'
import type { Log } from '../log.ts'
import { type LocalChains, localChains } from './local-chain.ts'
import { ServiceUnusable } from './preflight.ts'

export type ServiceKind = 'external' | 'embedded' | 'in-process'

export interface Services extends LocalChains {
  eventStore: {
    kind: ServiceKind
    url: string
    /** Of the embedded node: places of the log that cannot be read, as far as its check has come. */
    damagedPlaces?: () => Promise<number>
  }
  postgres: { kind: ServiceKind; url: string; note?: string }
  stream: { kind: ServiceKind; url: string | null; stream: MessageStream; note: string }
  /** A stand-in for Stripe, one for each path of the API to which its events go, started by whoever first asks for it. */
  stripeStandIn(webhookPath: string, directory?: string): Promise<StripeStandIn>
  /** Resolves with the name of an embedded service that ended by itself. */
  failed: Promise<string>
  /** Stops what was started here, in the order that loses nothing. */
  stop(): Promise<void>
}

/** The part of pino's logger that is used here. */
type Stop = () => Promise<void>

/** Starts or connects everything, side by side. What was started is stopped again where one of them fails. */
export async function startServices(config: Config, log: Pick<Log, 'warn'>): Promise<Services> {
  const stops: Stop[] = []
  const deaths: Promise<string>[] = [new Promise(() => undefined)]
  const stop = async () => {
    for (const each of stops.toReversed()) await each()
  }
  const results = await Promise.allSettled([
    eventStoreService(config, log, stops, deaths),
    postgresService(config, stops, deaths),
    streamService(config, log, stops, deaths),
  ])
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  const [eventStore, postgres, stream] = results.map((result) => (result as PromiseFulfilledResult<unknown>).value)
  return {
    eventStore: eventStore as Services['eventStore'],
    postgres: postgres as Services['postgres'],
    stream: stream as Services['stream'],
    stripeStandIn: stripeStandIns(config, stops),
    ...localChains(config, log, stops),
    failed: Promise.race(deaths),
    stop,
  }
}

async function eventStoreService(
  config: Config,
  log: Pick<Log, 'warn'>,
  stops: Stop[],
  deaths: Promise<string>[],
): Promise<Services['eventStore']> {
  if (config.EVENTSTORE_URL) return { kind: 'external', url: config.EVENTSTORE_URL }
  const directory = join(config.DATA_DIR, 'eventstore')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const credential = credentialOf(directory)
  const node = await startEventStoreThread({
    ...{ directory, credential },
    onNotice: (notice) => log.warn({ part: 'event store' }, notice),
  }).catch((error: unknown) => {
    if (!(error instanceof EventStoreNotStarted)) throw error
    const wayOn = '`opslog store verify` says what is whole, and docs/runbook.md what to do'
    throw new ServiceUnusable(`The event store in ${directory}: ${error.message}. ${wayOn}.`, { cause: error })
  })
  stops.push(() => node.close())
  deaths.push(node.closed.then(() => 'the event store'))
  const url = node.url.replace('://', `://${credential}@`)
  return { kind: 'embedded', url, damagedPlaces: () => damagedPlacesOf(node, credential) }
}

/** One for each directory in this process, however often it is asked for. */
export function stripeStandIns({ DATA_DIR }: Pick<Config, 'DATA_DIR'>, stops: Stop[]): Services['stripeStandIn'] {
  const started = new Map<string, Promise<StripeStandIn>>()
  return (webhookPath, directory = 'stripe') => {
    const target = () => runningApi(DATA_DIR, webhookPath)
    const starting =
      started.get(directory) ??
      startStripeStandIn({ directory: join(DATA_DIR, directory), target }).then((standIn) => {
        stops.push(() => standIn.close())
        return standIn
      })
    started.set(directory, starting)
    return starting
  }
}

/** An address of the API that runs here, by what it has written of itself; undefined before that. */
function runningApi(directory: string, path: string): string | undefined {
  const file = join(directory, 'services.json')
  if (!existsSync(file)) return undefined
  const { pid, api } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; api: { url: string } | null }
  return pid === process.pid && api ? `${api.url}${path}` : undefined
}

/** How many places of its log an embedded node has found that cannot be read. Rejects where it does not answer. */
export async function damagedPlacesOf({ port }: { port: number }, credential = ''): Promise<number> {
  const headers = { authorization: basicAuthorization(credential) }
  const health = await fetch(`http://127.0.0.1:${port}/health`, { headers })
  return ((await health.json()) as { damagedPositions: unknown[] }).damagedPositions.length
}

async function postgresService(
  config: Config,
  stops: Stop[],
  deaths: Promise<string>[],
): Promise<Services['postgres']> {
  if (config.DATABASE_URL) return { kind: 'external', url: config.DATABASE_URL }
  const server = await startPostgres({
    directory: join(config.DATA_DIR, 'postgres'),
    preference: config.POSTGRES_SERVER === 'auto' ? 'installed' : 'bundled',
  })
  stops.push(() => server.stop())
  deaths.push(server.exited.then(() => 'PostgreSQL'))
  return { kind: 'embedded', url: server.url, note: server.note }
}

async function streamService(
  config: Config,
  log: Pick<Log, 'warn'>,
  stops: Stop[],
  deaths: Promise<string>[],
): Promise<Services['stream']> {
  const connect = async (url: string) => {
    const stream = await connectNats({
      url,
      prefix: config.NATS_PREFIX,
      publishTimeoutMs: config.STREAM_PUBLISH_TIMEOUT_MS,
      onError: (err) => log.warn({ err }, 'the command stream is in trouble'),
    })
    stops.push(() => stream.close())
    return stream
  }
  if (config.NATS_URL) {
    return { kind: 'external', url: config.NATS_URL, stream: await connect(config.NATS_URL), note: '' }
  }
  const cacheDirectory = defaultCacheDirectory()
  const found =
    config.NATS_SERVER === 'off'
      ? { binary: undefined, reason: 'NATS_SERVER=off' }
      : await findNatsServer({ cacheDirectory, allowDownload: config.NATS_SERVER === 'auto' })
  if (found.binary) {
    const onRestart = (reason: string) => log.warn({ reason }, 'nats-server is started anew')
    const server = await keepNatsServer({ binary: found.binary, directory: join(config.DATA_DIR, 'nats'), onRestart })
    stops.push(() => server.stop())
    deaths.push(server.exited.then(() => 'nats-server'))
    return { kind: 'embedded', url: server.url, stream: await connect(server.url), note: found.reason }
  }
  const stream = openStream({ file: join(config.DATA_DIR, 'stream.db') })
  stops.push(() => stream.close())
  return { kind: 'in-process', url: null, stream, note: found.reason }
}
