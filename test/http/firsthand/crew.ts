/** Workers of firsthand, as tests of its API need them. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import { generateWorkerToken } from '../../../src/commands/firsthand/worker-token.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { type Asked, systemContext } from '../api.ts'
import type { Home } from './buyers.ts'

export interface Worker {
  workerId: string
  tokenId: string
  token: string
}

/** A worker, known to the API when this resolves. */
export async function addWorker(api: Home, name = 'Wilma'): Promise<Worker> {
  const at = new Date().toISOString()
  const workerId = prefixedId('wkr', at, randomUUID())
  const { secret, ...text } = generateWorkerToken()
  const token = { tokenId: prefixedId('tok', at, randomUUID()), ...text }
  const register = { kind: 'register', workerId, name, email: null, synthetic: false, at } as const
  await api.bus.handle(worker, workerId, register, systemContext())
  await api.bus.handle(worker, workerId, { kind: 'issueToken', workerId, token, at }, systemContext())
  await eventually(() => expect(api.workers.find(text.textId)).toBeDefined())
  return { workerId, tokenId: token.tokenId, token: secret }
}

/** A worker's request. */
export const work = (api: Home, { token }: Pick<Worker, 'token'>, method: string, path: string, asked: Asked = {}) =>
  api.buy(method, `/worker/v1${path}`, { key: token, ...asked })

/** Sends these bytes under a claim, as a PNG; answers with the upload's id. */
export async function sendFile(api: Home, of: Pick<Worker, 'token'>, claimId: string, bytes = 'some file') {
  const body = { content_type: 'image/png', size_bytes: Buffer.byteLength(bytes), filename: '../door\u202egnp.exe' }
  const { body: link } = await work(api, of, 'POST', `/claims/${claimId}/uploads`, { body })
  const { status } = await fetch(link.url, { method: link.method, headers: link.headers, body: bytes })
  expect(status).toBe(200)
  return link.upload_id as string
}

export const submitFile = (api: Home, of: Pick<Worker, 'token'>, claimId: string, uploadId: string) =>
  work(api, of, 'POST', `/claims/${claimId}/submit`, { body: { upload_id: uploadId } })

export const claimSeat = (api: Home, of: Pick<Worker, 'token'>, jobId: string) =>
  work(api, of, 'POST', `/jobs/${jobId}/claims`)
