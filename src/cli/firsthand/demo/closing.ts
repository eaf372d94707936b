/** The end of the job: what it cost, who was paid, what was delivered and told; then a job of the test world. */
import { poll } from '../../demo/client.ts'
import { heardOnce } from '../../demo/listener.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { FILES, PRICE_CENTS } from './buying.ts'
import { lookAt } from './pictures.ts'
import { isSigned } from './signature.ts'
import { balanceOf, type FirsthandStory, keyed, type Say } from './story.ts'

const APPROVED = 3
const PAYOUT_CENTS = 20

export async function cancelJob({ live, checks, found }: FirsthandStory, say: Say): Promise<void> {
  const cancel = () => live.POST('/v1/jobs/{job_id}/cancel', { params: { path: { job_id: found.jobId } } })
  const cancelled = await cancel()
  const { status, files_approved } = cancelled.data ?? {}
  checks.equal(
    'the job is cancelled with 3 files',
    `${statusOf(cancelled)} ${status} ${files_approved}`,
    '200 cancelled 3',
  )
  const again = await cancel()
  const isSame = JSON.stringify(again.data) === JSON.stringify(cancelled.data)
  checks.equal('cancelled again it is the same', isSame, true)
  say(`${files_approved} of ${FILES}`)
}

export async function readBooks(story: FirsthandStory, say: Say): Promise<void> {
  const { live, worker, checks, found, waits } = story
  const spent = APPROVED * PRICE_CENTS
  const balance = await balanceOf(live)
  checks.equal('balance: what was bought, less 100, and 25 back', balance - found.bought, -spent)
  const earned = await poll(
    async () => {
      const { data } = await worker.GET('/worker/v1/earnings')
      return (data?.data ?? []).reduce((sum, { amount_cents }) => sum + amount_cents, 0)
    },
    (cents) => cents >= APPROVED * PAYOUT_CENTS,
    waits,
  )
  checks.equal('the worker has earned 60', earned, APPROVED * PAYOUT_CENTS)
  checks.equal('15 are the platform’s', spent - earned, APPROVED * (PRICE_CENTS - PAYOUT_CENTS))
  let sum = 0
  const ledger = live.paginate('/v1/billing/transactions', { params: { query: { limit: 100 } } })
  for await (const { amount_cents } of ledger) sum += amount_cents
  checks.equal('all transactions add up to the balance', sum, balance)
  say(`${balance} cents, ${earned} earned`)
}

export async function download({ live, checks, found, waits }: FirsthandStory, say: Say): Promise<void> {
  const files = await poll(
    async () =>
      (await live.GET('/v1/jobs/{job_id}/files', { params: { path: { job_id: found.jobId } } })).data?.data ?? [],
    (each) => each.length === APPROVED,
    waits,
  )
  checks.equal('three files are delivered', files.length, APPROVED)
  const [file] = files
  if (!file) return
  const response = await fetch(file.download_url)
  const bytes = new Uint8Array(await response.arrayBuffer())
  checks.equal('a link leads to its bytes', `${response.status} ${bytes.byteLength}`, `200 ${file.size_bytes}`)
  const { format, size, hasExif } = await lookAt(bytes)
  checks.equal(
    'where it was taken does not stand in it',
    `${format} ${hasExif ? 'with' : 'without'} EXIF`,
    'jpeg without EXIF',
  )
  say(`${format}, ${size}`)
}

/** What the endpoint is told, and how often. */
const TOLD = { 'job.cancelled': 1, 'submission.approved': 3, 'submission.rejected': 3 }

export async function readWebhooks(
  { live, checks, found, waits, allowsLoopback }: FirsthandStory,
  say: Say,
): Promise<void> {
  const { listener, endpoint } = found
  if (!listener || !allowsLoopback) return say('none: webhooks do not go to this machine')
  const wanted = Object.values(TOLD).reduce((sum, count) => sum + count, 0)
  await poll(
    async () => heardOnce(listener).once.length,
    (count) => count >= wanted,
    waits,
  )
  const { once, counts } = heardOnce(listener)
  checks.equal('three approvals, three rejections and the end are told', counts, JSON.stringify(TOLD))
  const forged = listener.received.filter((each) => !isSigned(each, endpoint.secret))
  checks.equal('each is signed with the endpoint’s secret', forged.length, 0)
  await live.DELETE('/v1/webhook_endpoints/{endpoint_id}', { params: { path: { endpoint_id: endpoint.id } } })
  listener.close()
  say(`${once.length} webhooks`)
}

const TEST_FILES = 3
const WAIT_S = 60

export async function tryTestWorld(story: FirsthandStory, say: Say): Promise<void> {
  const { test, live, checks, waits } = story
  const body = {
    ...{ type: 'data_collection' as const, description: 'Three drawings for a program that is being tried out' },
    ...{ files_needed: TEST_FILES, price_per_file_cents: PRICE_CENTS, accepted_formats: ['image/png' as const] },
  }
  const posted = await test.POST('/v1/jobs', { params: { header: keyed(story, 'test-job') }, body })
  checks.equal('a job of the test world is posted, and costs nothing', statusOf(posted), '201')
  const path = { job_id: String(posted.data?.id) }
  const unseen = await live.GET('/v1/jobs/{job_id}', { params: { path } })
  checks.equal('a live key does not see it', statusOf(unseen), '404 not_found')
  const ended = await poll(
    async () => (await test.GET('/v1/jobs/{job_id}', { params: { path, header: { prefer: `wait=${WAIT_S}` } } })).data,
    (job) => job?.status === 'completed',
    waits,
  )
  checks.equal(
    'a request that waits sees it completed',
    `${ended?.status} ${ended?.files_approved}`,
    `completed ${TEST_FILES}`,
  )
  say(`${ended?.files_approved} files`)
}
