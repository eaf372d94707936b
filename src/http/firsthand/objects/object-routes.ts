/**
 * Links of the disk store: `/firsthand/objects/<payload>.<mac>`. They stand beside the operations, with limits of their
 * own, since a file passes through no buffer of a body. A link is the only credential, good for one method.
 */
import { type Context, Hono } from 'hono'
import type { DiskStore } from '../../../adapters/object-store/disk-store.ts'
import type { Grant } from '../../../adapters/object-store/link-text.ts'
import { OBJECTS_PATH } from '../../../processes/firsthand/objects.ts'
import { alreadySent } from '../../already-sent.ts'
import { proceed } from '../../body.ts'
import { refuse } from '../../context.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import { methodNotAllowed } from '../../serve-operation.ts'
import { errors, type FirsthandCode } from '../errors.ts'
import { sendObject } from './get-object.ts'
import { putObject } from './put-object.ts'
import { createTransfers, type TransferLimits } from './transfers.ts'

export interface ObjectRouteParts {
  objects: DiskStore
  transferLimits: TransferLimits
  clock: () => Date
}

export function objectRoutes({ objects, transferLimits, clock }: ObjectRouteParts, runtime: Runtime): Hono<AppEnv> {
  const { idleMs } = transferLimits
  const transfers = createTransfers(transferLimits)
  const app = new Hono<AppEnv>()
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))

  /** What the link allows, where it allows this method now. */
  function granted<M extends Grant['method']>(c: Context<AppEnv>, method: M): Extract<Grant, { method: M }> {
    const grant = objects.readLink(c.req.param('link') ?? '')
    if (grant?.method !== method)
      throw refusal('link_invalid', 'The link is none of this API, or is for another method.')
    if (grant.expiresAt <= clock()) throw refusal('link_expired', 'The link has ended; ask for a new one.')
    return grant as Extract<Grant, { method: M }>
  }

  app.all(`${OBJECTS_PATH}/:link`, async (c) => {
    const exchange = c.get('exchange')
    exchange.route = `${OBJECTS_PATH}/{link}`
    const { incoming, outgoing } = c.env
    if (!incoming || !outgoing) throw new Error('a file goes over a connection')
    const { method } = c.req
    if (method === 'PUT') {
      const upload = granted(c, 'PUT')
      const arrival = { incoming, proceed: () => proceed(c), idleMs }
      await transfers.upload(upload.key, () => putObject(objects, upload, arrival))
      return c.body(null, 200, exchange.headers)
    }
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed(['GET', 'HEAD', 'PUT'])
    const download = granted(c, 'GET')
    const asked = { isHead: method === 'HEAD', header: (name: string) => c.req.header(name) }
    try {
      const sent = () => sendObject(objects, download, asked, { exchange, outgoing, idleMs })
      const status = await transfers.download(download.key, sent)
      if (status !== undefined) return c.body(null, status, exchange.headers)
    } catch (error) {
      // The client has gone, or the file ended midway: the broken connection says so.
      if (!outgoing.headersSent) throw error
      outgoing.destroy()
      runtime.log.info({ requestId: exchange.requestId, err: error }, 'a download was not finished')
    }
    return alreadySent(exchange)
  })
  return app
}

const refusal = (code: FirsthandCode, detail: string) => new Problem(code, detail)
