/**
 * Where the process of the agent may reach: the sandbox's stand-ins are on loopback, which is closed to everybody else. A model of the
 * test's own asks for paid jobs whose sources lie there, and elsewhere.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { WAIT_MS } from './media-jobs.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer
let projectId: string
let source = ''

/** Asks for one edit of `source`, then answers in words. */
const model = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: { role: string }[] }
  const job = { task: 'image.edit', title: 'Edit', input: { prompt: 'bluer', sourceImageUrl: source } }
  const call = { name: 'submit_media_job', arguments: JSON.stringify(job) }
  const isAnswered = messages.at(-1)?.role === 'tool'
  const deltas = isAnswered
    ? [{ content: 'Done.' }]
    : [{ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: call }] }]
  const frames = [
    ...deltas.map((delta) => ({ delta })),
    { delta: {}, finish_reason: isAnswered ? 'stop' : 'tool_calls' },
  ]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const frame of frames) response.write(`data: ${JSON.stringify({ choices: [{ index: 0, ...frame }] })}\n\n`)
  response.end('data: [DONE]\n\n')
})

beforeAll(async () => {
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
  const env = { AGENT_MODEL_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1` }
  served = await startKillatamata({ processes: ['killatamata-agent'], env })
  ada = await served.customer('ada')
  projectId = (await served.post('studio/projects', { title: 'Sea' }, ada.key)).body.project.projectId
}, WAIT_MS)
afterAll(async () => {
  await served.stop()
  model.closeAllConnections()
  await new Promise((resolve) => model.close(resolve))
}, WAIT_MS)

async function run(from: string) {
  source = from
  const asked = { projectId, prompt: 'Make the picture bluer' }
  const { requestId } = (await served.post('studio/agent/messages', asked, ada.key)).body
  return eventually(async () => {
    const { body } = await served.get(`studio/agent/requests?requestId=${requestId}`, ada.key)
    if (['queued', 'running'].includes(body.status)) throw new Error(`it is ${body.status}`)
    return body
  }, WAIT_MS)
}

it('a run plans a job whose source lies with the stand-ins, and none whose source is elsewhere on this machine', async () => {
  const { standins } = served.sandbox
  expect(await run(`${standins}/files/sea.png`)).toMatchObject({ status: 'approval_required' })
  const port = Number(new URL(standins).port)
  const elsewhere = [
    `http://127.0.0.1:${port === 65_535 ? port - 1 : port + 1}/files/sea.png`,
    'https://10.0.0.1/sea.png',
  ]
  for (const url of elsewhere) {
    const refused = await run(url)
    expect(refused).toMatchObject({ status: 'completed', approvalPlanId: null })
    expect(JSON.stringify(refused.toolCalls)).toContain('https address of the public internet')
  }
})
