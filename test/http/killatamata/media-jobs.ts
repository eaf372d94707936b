/** What the tests of media jobs begin with: a job that is waited for, and its files, read back. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { findTools, runTool } from '../../../src/adapters/media/tools.ts'
import { eventually } from '../../projections/support.ts'
import type { ServedKillatamata } from './serving.ts'

/** Long enough for two processors that others use too. */
export const WAIT_MS = 60_000
export const PROCESSES = ['killatamata-media', 'killatamata-callbacks']

const MIB = 1_048_576
const LIMITS = { timeMaxMs: 30_000, memoryMaxBytes: 2_048 * MIB, fileMaxBytes: 64 * MIB }

/** A picture, as PNG, whose pixels are of a colour. */
export const picture = async (width: number, height: number, format: 'png' | 'jpeg' = 'png'): Promise<string> => {
  const image = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 60, b: 30 } } })
  return (await image[format]().toBuffer()).toString('base64')
}

export async function endOf(served: ServedKillatamata, key: string, jobId: string) {
  return eventually(async () => {
    const { status, body } = await served.get(`media/jobs?jobId=${jobId}&includeDetails=true`, key)
    if (status !== 200 || !['completed', 'failed'].includes(body.status)) throw new Error(`it is ${body.status}`)
    return body
  }, WAIT_MS)
}

/** Submits a job, and waits for its end. */
export async function made(served: ServedKillatamata, key: string, task: string, input: object) {
  const submitted = await served.post('media/jobs', { task, input }, key)
  if (submitted.status !== 201) throw new Error(JSON.stringify(submitted.body))
  const end = await endOf(served, key, submitted.body.externalJobId)
  return { submitted: submitted.body, end }
}

export async function bytesAt(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What ffprobe says of a file of these bytes. */
export async function probed(directory: string, bytes: Uint8Array) {
  const path = join(directory, `probed-${sha256(bytes)}`)
  writeFileSync(path, bytes)
  const shown = ['-show_format', '-show_streams', '-count_frames', '-of', 'json']
  const told = await runTool(findTools({}), 'ffprobe', ['-v', 'error', ...shown, path], {
    cwd: directory,
    limits: LIMITS,
  })
  const { streams, format } = JSON.parse(told)
  const of = (kind: string) => streams.find(({ codec_type }: { codec_type: string }) => codec_type === kind)
  return { video: of('video'), audio: of('audio'), format, durationS: Number(format.duration) }
}
