/** The worker: claims seats, sends files, and learns what became of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { problemOf } from '@opslog/client'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { blurredPicture, sharpPicture } from './pictures.ts'
import { type FirsthandStory, keyed, type Say } from './story.ts'

interface Upload {
  name: string
  type: 'image/jpeg' | 'image/png'
  bytes: Buffer
}

/** What became of a submission, as far as it is looked at here. */
interface Submission {
  status: string
  ai_star_rating: number | null
}

/** A claim, on the way to a submission. */
interface Claim {
  id: string
  submissionId: string
}

type Made = { data?: { id: string; submission_id: string } }
const claimOf = ({ data }: Made): Claim => ({ id: String(data?.id), submissionId: String(data?.submission_id) })

const ofSubmission = ({ submissionId }: Claim) => ({ submission_id: submissionId })

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
  const retried = await story.worker.POST('/worker/v1/submissions/{submission_id}/retry', {
    params: { path: ofSubmission(claim), header: keyed(story, 'retry') },
  })
  checks.equal('it may be tried again', statusOf(retried), '201')
  const better = await sendAndWait(story, 'better', claimOf(retried), jpeg('better', await sharpPicture()))
  checks.equal('a better one in its place is approved', String(better?.status), 'approved')
  say('2 approved')
  checks.equal('a copy of the first gets 1 star', await handIn(story, 'copy', first), 'rejected with 1')
  const text: Upload = {
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
    async () => (await worker.GET('/worker/v1/jobs', { params: { query: { limit: 100 } } })).data?.data ?? [],
    (jobs) => jobs.some(({ id }) => id === found.jobId),
    waits,
  )
  checks.equal('the worker finds the job, at 20 a file', offered.find(({ id }) => id === found.jobId)?.payout_cents, 20)
}

const shown = (seen: Submission | undefined): string =>
  seen?.status === 'approved' ? 'approved' : `${seen?.status} with ${seen?.ai_star_rating}`

async function handIn(story: FirsthandStory, step: string, upload: Upload): Promise<string> {
  return shown(await sendAndWait(story, step, await claimSeat(story, step), upload))
}

async function claimSeat(story: FirsthandStory, step: string): Promise<Claim> {
  const claimed = await story.worker.POST('/worker/v1/jobs/{job_id}/claims', {
    params: { path: { job_id: story.found.jobId }, header: keyed(story, `claim-${step}`) },
  })
  const problem = problemOf(claimed)
  if (problem) throw new CliError(EXIT.refused, `the worker gets no seat: ${problem.message}`)
  return claimOf(claimed)
}

/** Sends the file and waits until it is scored; answers with the submission as it is then. */
async function sendAndWait(
  story: FirsthandStory,
  step: string,
  claim: Claim,
  upload: Upload,
): Promise<Submission | undefined> {
  const { worker, checks, waits } = story
  const submitted = await worker.POST('/worker/v1/claims/{claim_id}/submit', {
    params: { path: { claim_id: claim.id } },
    body: { upload_id: await send(story, claim, upload) },
  })
  if (submitted.response.status !== 202) checks.equal(`${step} is submitted`, statusOf(submitted), '202')
  const params = { path: ofSubmission(claim) }
  return poll(
    async () => (await worker.GET('/worker/v1/submissions/{submission_id}', { params })).data,
    (seen) => seen?.status === 'approved' || seen?.status === 'rejected',
    waits,
  )
}

const SENDS_MAX = 60
const BETWEEN_SENDS_MS = 500

/** Asks for a link and sends the bytes there; where the instance ended meanwhile, with a new link. */
async function send(story: FirsthandStory, { id }: Claim, { name, type, bytes }: Upload): Promise<string> {
  const { worker, checks } = story
  const body = { content_type: type, size_bytes: bytes.byteLength, filename: name }
  for (let sends = 1; ; sends++) {
    const isLast = sends >= SENDS_MAX
    const link = await worker
      .POST('/worker/v1/claims/{claim_id}/uploads', { params: { path: { claim_id: id } }, body })
      .catch((error: unknown) => goneFor(error, isLast))
    const answer = link?.data && (await put(link.data.url, link.data.headers, bytes))
    if (answer === 200) return String(link?.data?.upload_id)
    if (link && (isLast || link.error || answer !== undefined)) {
      checks.equal(`${name} is uploaded`, `${statusOf(link)} ${answer}`, '201 200')
      return String(link.data?.upload_id)
    }
    await delay(BETWEEN_SENDS_MS)
  }
}

/** A link has no key of its own, so that the client asks for it once: an instance that is away is asked again here. */
function goneFor(error: unknown, isLast: boolean): undefined {
  if (isLast || !(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error
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
