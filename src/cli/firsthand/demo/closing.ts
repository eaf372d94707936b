/** The end of the job: what it cost, who was paid, what was delivered and told; then a job of the test world. */
import { poll } from '../../demo/client.ts'
import { heardOnce } from '../../demo/listener.ts'
import { FILES, PRICE_CENTS } from './buying.ts'
import { lookAt } from './pictures.ts'
import { isSigned } from './signature.ts'
import { balanceOf, type FirsthandStory, keyed, type Say, statusOf } from './story.ts'

const APPROVED = 3
const PAYOUT_CENTS = 20

export async function cancelJob({ live, checks, found }: FirsthandStory, say: Say): Promise<void> {
  const path = `/v1/jobs/${found.jobId}/cancel`
  const cancelled = await live('POST', path)
  const { status, files_approved } = cancelled.body
  checks.equal(
    'the job is cancelled with 3 files',
    `${statusOf(cancelled)} ${status} ${files_approved}`,
    '200 cancelled 3',
  )
  const again = await live('POST', path)
  const isSame = JSON.stringify(again.body) === JSON.stringify(cancelled.body)
  checks.equal('cancelled again it is the same', isSame, true)
  say(`${files_approved} of ${FILES}`)
}

interface Moved {
  amount_cents: number
}

export async function readBooks(story: FirsthandStory, say: Say): Promise<void> {
  const { live, worker, checks, found, waits } = story
  const spent = APPROVED * PRICE_CENTS
  const balance = await balanceOf(live)
  checks.equal('balance: what was bought, less 100, and 25 back', balance - found.bought, -spent)
  const earned = await poll(
    async () => {
      const { body } = await worker('GET', '/worker/v1/earnings')
      return ((body.data ?? []) as Moved[]).reduce((sum, { amount_cents }) => sum + amount_cents, 0)
    },
    (cents) => cents >= APPROVED * PAYOUT_CENTS,
    waits,
  )
  checks.equal('the worker has earned 60', earned, APPROVED * PAYOUT_CENTS)
  checks.equal('15 are the platform’s', spent - earned, APPROVED * (PRICE_CENTS - PAYOUT_CENTS))
  let sum = 0
  let cursor = ''
  do {
    const { body } = await live('GET', `/v1/billing/transactions?limit=100${cursor}`)
    for (const { amount_cents } of (body.data ?? []) as Moved[]) sum += amount_cents
    cursor = body.next_cursor ? `&cursor=${encodeURIComponent(String(body.next_cursor))}` : ''
  } while (cursor !== '')
  checks.equal('all transactions add up to the balance', sum, balance)
  say(`${balance} cents, ${earned} earned`)
}

interface Delivered {
  download_url: string
  size_bytes: number
}

export async function download({ live, checks, found, waits }: FirsthandStory, say: Say): Promise<void> {
  const files = await poll(
    async () => ((await live('GET', `/v1/jobs/${found.jobId}/files`)).body.data ?? []) as Delivered[],
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
  await live('DELETE', `/v1/webhook_endpoints/${endpoint.id}`)
  listener.close()
  say(`${once.length} webhooks`)
}

const TEST_FILES = 3
const WAIT_S = 60

export async function tryTestWorld(story: FirsthandStory, say: Say): Promise<void> {
  const { test, live, checks, waits } = story
  const body = {
    ...{ type: 'data_collection', description: 'Three drawings for a program that is being tried out' },
    ...{ files_needed: TEST_FILES, price_per_file_cents: PRICE_CENTS, accepted_formats: ['image/png'] },
  }
  const posted = await test('POST', '/v1/jobs', body, keyed(story, 'test-job'))
  checks.equal('a job of the test world is posted, and costs nothing', statusOf(posted), '201')
  const path = `/v1/jobs/${posted.body.id}`
  checks.equal('a live key does not see it', statusOf(await live('GET', path)), '404 not_found')
  const ended = await poll(
    async () => (await test('GET', path, undefined, { prefer: `wait=${WAIT_S}` })).body,
    ({ status }) => status === 'completed',
    waits,
  )
  checks.equal(
    'a request that waits sees it completed',
    `${ended.status} ${ended.files_approved}`,
    `completed ${TEST_FILES}`,
  )
  say(`${ended.files_approved} files`)
}
