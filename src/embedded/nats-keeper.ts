/**
 * A private nats-server that is started anew where it has stopped serving. JetStream switches itself off when its disk is
 * full, and stays off until the server is started again, however much space there is by then; nobody watches a server
 * that we have started but us.
 */
import { statfsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type NatsServerOptions, type RunningNats, servesJetStream, startNatsServer } from './nats-server.ts'

export interface NatsKeeperOptions extends NatsServerOptions {
  /** Between two looks. */
  probeIntervalMs?: number
  /** So many looks in a row that find JetStream off, before the server is started anew. */
  probesFailedMax?: number
  /** With less space than this on its disk a new start would end as the last one did. */
  roomMinBytes?: number
  /** Told before each new start, and of one that failed, which is tried again. */
  onRestart?: (reason: string) => void
}

/** A server whose JetStream is off does not end when it is asked to; one that serves ends at once. */
const defaults = { probeIntervalMs: 5_000, probesFailedMax: 2, roomMinBytes: 16 * 1_024 ** 2, stopGraceMs: 2_000 }

/** As startNatsServer; `exited` resolves when the server ends by itself, not when it is started anew. */
export async function keepNatsServer(options: NatsKeeperOptions): Promise<RunningNats> {
  const settings = { ...defaults, ...options }
  const stopping = new AbortController()
  const died = Promise.withResolvers<unknown>()
  let server = await startNatsServer(settings)
  const { url } = server
  const port = Number(new URL(url).port)

  const follow = (each: RunningNats) => {
    each.exited.then((exit) => {
      if (each === server) died.resolve(exit)
    })
    return each
  }

  /** The port stays, so that clients find it again; the messages are in the store. */
  async function startAnew(): Promise<void> {
    const old = server
    // From here on its end is no death.
    server = { ...old }
    await old.stop()
    try {
      server = follow(await startNatsServer({ ...settings, port }))
    } catch (error) {
      options.onRestart?.(error instanceof Error ? error.message : String(error))
    }
  }

  async function watch(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      await delay(settings.probeIntervalMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      failures = (await servesJetStream(url)) ? 0 : failures + 1
      if (failures < settings.probesFailedMax || roomOn(options.directory) < settings.roomMinBytes) continue
      options.onRestart?.('JetStream has been off, and there is space on the disk')
      await startAnew()
    }
  }

  follow(server)
  const watching = watch()
  return {
    url,
    get pid() {
      return server.pid
    },
    exited: died.promise,
    async stop() {
      stopping.abort()
      await watching
      await server.stop()
    },
  }
}

function roomOn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
