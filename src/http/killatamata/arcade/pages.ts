/** Files of the arcade, beside the contract: those of a bundle, under the token of a launch, and covers. */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { ObjectMissing } from '../../../adapters/object-store/object-store.ts'
import { arcadeRelease } from '../../../commands/killatamata/arcade-release.ts'
import { COVERS_PATH, coverKeyOf, fileKeyOf, typeOf } from '../../../processes/killatamata/arcade/files.ts'
import { openLaunch, PLAY_PATH } from '../../../processes/killatamata/arcade/launching.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { refuse, type SharedRuntime } from '../../context.ts'
import type { AppEnv } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import type { KillatamataParts } from '../access.ts'
import { errors, type KillatamataCode } from '../errors.ts'
import { coverHeaders, playHeaders } from './play-headers.ts'

type Parts = Pick<KillatamataParts, 'arcade' | 'apiUrl' | 'siteUrl' | 'clock'>

/** After which a client that takes nothing is left. */
const IDLE_MS = 60_000
const COVER_NAME = /^([0-9a-f]{64})\.webp$/

const nothingHere = () => new Problem('route_not_found', 'There is no such file.')

export function arcadePages({ arcade, apiUrl, siteUrl, clock }: Parts, runtime: SharedRuntime): Hono<AppEnv> {
  const { objects, bus } = arcade
  const app = new Hono<AppEnv>()
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))

  async function send(c: Context<AppEnv>, key: string, headersOf: (sizeBytes: number) => Record<string, string>) {
    const found = await objects.head(key)
    if (!found) throw nothingHere()
    const headers = headersOf(found.sizeBytes)
    const known = c.req.header('if-none-match')?.split(',') ?? []
    if (headers.etag !== undefined && known.some((each) => each.trim() === headers.etag)) {
      const { 'content-length': _, ...rest } = headers
      return c.body(null, 304, rest)
    }
    if (c.req.method === 'HEAD') return c.body(null, 200, headers)
    const stream = await objects.read(key).catch((error: unknown) => {
      throw error instanceof ObjectMissing ? nothingHere() : error
    })
    const { outgoing } = c.env
    outgoing?.setTimeout(IDLE_MS, () => outgoing.destroy())
    return c.body(Readable.toWeb(stream) as ReadableStream, 200, headers)
  }

  app.get(`${PLAY_PATH}/:token/*`, async (c) => {
    c.get('exchange').route = `${PLAY_PATH}/{token}/{path}`
    const token = c.req.param('token')
    const opened = await openLaunch(arcade, token, clock())
    if (opened.as === 'unknown') {
      throw new Problem<KillatamataCode>('launch_session_not_found', 'This address is of no launch session.')
    }
    if (opened.as === 'over') {
      throw new Problem<KillatamataCode>('launch_session_over', 'The launch session has ended.')
    }
    const { releaseId, threads } = opened.facts
    const below = `${PLAY_PATH}/${token}/`
    const path = decodeURIComponent(new URL(c.req.url).pathname.slice(below.length))
    const of = { base: `${apiUrl()}${below}`, site: new URL(siteUrl()).origin, threads, contentType: typeOf(path) }
    const etag = `"${hash('sha256', `${releaseId} ${path}`).slice(0, 32)}"`
    return send(c, fileKeyOf(releaseId, path), (sizeBytes) => playHeaders({ ...of, sizeBytes, etag }))
  })

  app.get(`${COVERS_PATH}/:releaseId/:name`, async (c) => {
    c.get('exchange').route = `${COVERS_PATH}/{releaseId}/{name}`
    const { releaseId, name } = c.req.param()
    const [, sha256] = COVER_NAME.exec(name) ?? []
    if (!isPrefixedId('rel', releaseId) || sha256 === undefined) throw nothingHere()
    const state = await bus.current(arcadeRelease, releaseId)
    if (state.status === 'absent' || state.facts.coverSha256 !== sha256) throw nothingHere()
    return send(c, coverKeyOf(releaseId), coverHeaders)
  })
  return app
}
