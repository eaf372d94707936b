/** The routes of objects alone, behind a server: they need neither log nor database. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { createDiskStore } from '../../../../src/adapters/object-store/disk-store.ts'
import { ObjectStoreUnavailable } from '../../../../src/adapters/object-store/object-store.ts'
import type { AppEnv } from '../../../../src/http/environment.ts'
import { objectRoutes } from '../../../../src/http/firsthand/objects/object-routes.ts'
import type { TransferLimits } from '../../../../src/http/firsthand/objects/transfers.ts'
import { defaultServerOptions, startServer } from '../../../../src/http/server.ts'
import { OBJECTS_PATH } from '../../../../src/processes/firsthand/objects.ts'
import { exchangeOf, quietRuntime } from '../../exchange.ts'

/** `place` is a directory for the objects; default: one that is gone afterwards. */
export async function startObjectServer(limits: Partial<TransferLimits> = {}, place?: string) {
  const own = mkdtempSync(join(tmpdir(), 'opslog-test-objects-'))
  const directory = place ?? own
  let nowMs = Date.parse('2026-03-02T10:00:00.000Z')
  const clock = () => new Date(nowMs)
  let base = ''
  const objects = createDiskStore({
    ...{ directory, keys: () => [Buffer.alloc(32, 7)], linkBase: () => base + OBJECTS_PATH, now: clock },
  })
  const runtime = { ...quietRuntime(), isUnavailable: (error: unknown) => error instanceof ObjectStoreUnavailable }
  const transferLimits = { uploadsMax: 16, downloadsMax: 16, idleMs: 20_000, ...limits }
  const app = new Hono<AppEnv>()
  app.use(async (c, next) => {
    const headers = { 'x-request-id': 'req_1', 'x-content-type-options': 'nosniff' }
    c.set('exchange', { ...exchangeOf('req_1'), headers })
    await next()
  })
  app.route('/', objectRoutes({ objects, transferLimits, clock }, runtime))
  const server = await startServer({ ...defaultServerOptions, fetch: app.fetch, host: '127.0.0.1', port: 0 })
  base = `http://127.0.0.1:${server.port}`
  return {
    ...{ directory, objects, port: server.port, clock },
    /** Time passes for links. */
    passMs(ms: number) {
      nowMs += ms
    },
    async stop() {
      await server.stop(100)
      rmSync(own, { recursive: true })
    },
  }
}
export type ObjectServer = Awaited<ReturnType<typeof startObjectServer>>
