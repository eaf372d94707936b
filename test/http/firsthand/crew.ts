/** Workers of firsthand, as tests of its API need them. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { type JobCommand, job } from '../../../src/commands/firsthand/job.ts'
import { nextRound, submission } from '../../../src/commands/firsthand/submission.ts'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import { generateWorkerToken } from '../../../src/commands/firsthand/worker-token.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, type Asked, systemContext } from '../api.ts'
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

/** Stands for the scorer, which has a suite of its own. The read models show the score when this resolves. */
export async function giveScore(api: Api, submissionId: string, stars: number, reason = 'As it is.'): Promise<void> {
  const state = await api.bus.current(submission, submissionId)
  if (state.status === 'absent') throw new Error('nothing was submitted')
  const at = new Date().toISOString()
  const given = { round: nextRound(state), stars, reason, cause: 'score' as const }
  const scoring = { kind: 'giveScore', score: { ...given, scoredBy: 'inspection' }, at } as const
  await api.bus.handle(submission, submissionId, scoring, systemContext())
  const command: JobCommand = { kind: 'score', submissionId, ...given, perceptualHash: null, at }
  const { position } = await api.bus.handle(job, state.owner.jobId, command, systemContext())
  await api.firsthandWaiter.waitFor(position ?? 0n, 5_000)
}

/** Stands for the process that credits approvals. `earned` is an amount as the page shows it: `$0.20`. */
export async function creditEarning(
  api: Api,
  { workerId }: Pick<Worker, 'workerId'>,
  { submissionId, jobId, earned }: { submissionId: string; jobId: string; earned: string },
): Promise<void> {
  const amountCents = BigInt(earned.replaceAll(/\D/g, ''))
  const at = new Date().toISOString()
  const command = { kind: 'credit', workerId, submissionId, jobId, amountCents, at } as const
  const { position } = await api.bus.handle(worker, workerId, command, systemContext())
  await api.firsthandWaiter.waitFor(position ?? 0n, 5_000)
}
