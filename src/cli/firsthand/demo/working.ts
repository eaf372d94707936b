/** The worker: claims seats, sends files, and learns what became of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, poll } from '../../demo/client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { blurredPicture, sharpPicture } from './pictures.ts'
import { type FirsthandStory, keyed, type Say, statusOf } from './story.ts'

interface Upload {
  name: string
  type: string
  bytes: Buffer
}

/** A claim, on the way to a submission. */
interface Claim {
  id: string
  submissionId: string
}

const claimOf = ({ body }: Answer): Claim => ({ id: String(body.id), submissionId: String(body.submission_id) })

export async function workOnJob(story: FirsthandStory, say: Say): Promise<void> {
  const { checks } = story
  const jpeg = (name: string, bytes: Buffer): Upload => ({ name: `${name}.jpg`, type: 'image/jpeg', bytes })
  const first = jpeg('first', await sharpPicture())
  await offersIt(story)
  checks.equal('a sharp picture is approved', await handIn(story, 'first', first), 'approved')
  say('1 approved')
  const claim = await claimSeat(story, 'blurred')
  const blurred = await sendAndWait(story, 'blurred', claim, jpeg('blurred', await blurredPicture()))
  checks.equal('a blurred one gets 2 stars', shown(blurred), 'rejected with 2')
  const retried = await story.worker(
    'POST',
    `/worker/v1/submissions/${claim.submissionId}/retry`,
    undefined,
    keyed(story, 'retry'),
  )
  checks.equal('it may be tried again', statusOf(retried), '201')
  const better = await sendAndWait(story, 'better', claimOf(retried), jpeg('better', await sharpPicture()))
  checks.equal('a better one in its place is approved', String(better.status), 'approved')
  say('2 approved')
  checks.equal('a copy of the first gets 1 star', await handIn(story, 'copy', first), 'rejected with 1')
  const text = {
    name: 'text.png',
    type: 'image/png',
    bytes: Buffer.from('This is a text and no picture at all.\n'.repeat(20)),
  }
  checks.equal('a text that is named .png gets 1 star', await handIn(story, 'text', text), 'rejected with 1')
  checks.equal('a third one is approved', await handIn(story, 'third', jpeg('third', await sharpPicture())), 'approved')
  say('3 approved')
}

async function offersIt({ worker, checks, found, waits }: FirsthandStory): Promise<void> {
  const offered = await poll(
    async () =>
      ((await worker('GET', '/worker/v1/jobs?limit=100')).body.data ?? []) as { id: string; payout_cents: number }[],
    (jobs) => jobs.some(({ id }) => id === found.jobId),
    waits,
  )
  checks.equal('the worker finds the job, at 20 a file', offered.find(({ id }) => id === found.jobId)?.payout_cents, 20)
}

const shown = ({ status, ai_star_rating }: Record<string, unknown>): string =>
  status === 'approved' ? 'approved' : `${status} with ${ai_star_rating}`

async function handIn(story: FirsthandStory, step: string, upload: Upload): Promise<string> {
  return shown(await sendAndWait(story, step, await claimSeat(story, step), upload))
}

async function claimSeat(story: FirsthandStory, step: string): Promise<Claim> {
  const path = `/worker/v1/jobs/${story.found.jobId}/claims`
  const claimed = await story.worker('POST', path, undefined, keyed(story, `claim-${step}`))
  if (claimed.status !== 201) {
    const { message } = (claimed.body.error ?? {}) as { message?: string }
    throw new CliError(EXIT.refused, `the worker gets no seat: ${message ?? statusOf(claimed)}`)
  }
  return claimOf(claimed)
}

/** Sends the file and waits until it is scored; answers with the submission as it is then. */
async function sendAndWait(
  story: FirsthandStory,
  step: string,
  claim: Claim,
  upload: Upload,
): Promise<Record<string, unknown>> {
  const { worker, checks, waits } = story
  const uploadId = await send(story, claim, upload)
  const submitted = await worker('POST', `/worker/v1/claims/${claim.id}/submit`, { upload_id: uploadId })
  if (submitted.status !== 202) checks.equal(`${step} is submitted`, statusOf(submitted), '202')
  return poll(
    async () => (await worker('GET', `/worker/v1/submissions/${claim.submissionId}`)).body,
    ({ status }) => status === 'approved' || status === 'rejected',
    waits,
  )
}

const SENDS_MAX = 60
const BETWEEN_SENDS_MS = 500

/** Asks for a link and sends the bytes there; where the instance ended meanwhile, with a new link. */
async function send({ worker, checks }: FirsthandStory, { id }: Claim, { name, type, bytes }: Upload): Promise<string> {
  const wanted = { content_type: type, size_bytes: bytes.byteLength, filename: name }
  for (let sends = 1; ; sends++) {
    const { status, body } = await worker('POST', `/worker/v1/claims/${id}/uploads`, wanted)
    const answer = await put(String(body.url), (body.headers ?? {}) as Record<string, string>, bytes)
    if (answer === 200) return String(body.upload_id)
    if (sends >= SENDS_MAX || answer !== undefined) {
      checks.equal(`${name} is uploaded`, `${status} ${answer}`, '201 200')
      return String(body.upload_id)
    }
    await delay(BETWEEN_SENDS_MS)
  }
}

/** The status of the answer; undefined where there was none. */
async function put(url: string, headers: Record<string, string>, bytes: Buffer): Promise<number | undefined> {
  try {
    const response = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })
    await response.arrayBuffer()
    return response.status
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
