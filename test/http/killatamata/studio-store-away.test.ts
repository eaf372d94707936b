/** The studio while the event store is away: what writes is to be sent again, what reads goes on. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { studioOperations } from '../../../src/http/killatamata/studio/operations.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let line: FaultProxy
let ada: Customer
const ids: Record<string, string> = {}

beforeAll(async () => {
  served = await startKillatamata({
    async storeLine(url) {
      line = await startFaultProxy(url)
      return line.url
    },
  })
  ada = await served.customer('ada')
  const made = async (path: string, body: object) => (await served.post(`studio/${path}`, body, ada.key)).body
  ids.projectId = (await made('projects', { title: 'Sea' })).project.projectId
  const { projectId } = ids
  ids.threadId = (await made('threads', { projectId })).thread.threadId
  ids.text = (await made('assets/text', { projectId, title: 'Notes', content: '# One' })).asset.assetId
  ids.board = (await made('assets/storyboards', { projectId, title: 'Film' })).asset.assetId
  await served.credited(ada, 5_000_000n)
  const plan = await made('agent/messages/prepare', { projectId, prompt: 'image: a lighthouse' })
  ids.approvalPlanId = plan.approvalPlan.approvalPlanId
}, 60_000)
afterAll(async () => {
  await served.stop()
  await line.close()
})

/** A request of each operation that writes. */
const bodies = (): Readonly<Record<string, object>> => {
  const { projectId, threadId, text, board, approvalPlanId } = ids
  const prompt = { projectId, prompt: 'Hello' }
  return {
    createStudioProject: { title: 'Shore' },
    updateStudioProject: { projectId, title: 'Shore' },
    updateStudioSettings: { defaultAgentModel: 'gpt-5.4', defaultReasoningLevel: 'high' },
    createStudioThread: { projectId },
    selectStudioThread: { threadId },
    updateStudioThread: { threadId, title: 'Talk' },
    createStudioTextAsset: { projectId, title: 'More' },
    updateStudioTextDocument: { assetId: text, content: 'Two' },
    updateStudioAssetMetadata: { assetId: text, userMetadata: { a: 1 } },
    createStudioStoryboard: { projectId, title: 'More' },
    updateStudioStoryboardDocument: { assetId: board, storyboard: { version: 2, scenes: [] } },
    importStudioStoryboard: { projectId, sourceAssetId: text },
    prepareStudioPrompt: prompt,
    sendStudioPrompt: prompt,
    executeStudioApprovalPlan: { approvalPlanId },
  }
}
const writing = studioOperations.filter(({ method }) => method !== 'get')

describe('while the event store is away', () => {
  it('every write is 503 with Retry-After, and is done once it is back, under the same key', async () => {
    const key = randomUUID()
    const send = ({ id, method, path }: (typeof writing)[number]) => {
      const headers = { 'x-idempotency-key': key }
      if (id !== 'uploadStudioAsset') {
        return served.ask(method.toUpperCase(), path, { body: bodies()[id], key: ada.key, headers })
      }
      const octets = { ...headers, 'content-type': 'application/octet-stream' }
      const at = `${path}?projectId=${ids.projectId}&filename=a.txt`
      return served.ask('POST', at, { raw: 'a file', key: ada.key, headers: octets })
    }
    const told = (answers: Awaited<ReturnType<typeof send>>[]) =>
      answers.map(({ status, body, headers }, n) => [writing[n]?.id, status, body.code, headers.get('retry-after')])
    line.cut()
    expect(told(await Promise.all(writing.map(send)))).toStrictEqual(
      writing.map(({ id }) => [id, 503, 'dependency_unavailable', '1']),
    )
    const reads = ['snapshot', `assets/text/document?assetId=${ids.text}`, `threads/detail?threadId=${ids.threadId}`]
    for (const path of reads) expect((await served.get(`studio/${path}`, ada.key)).status).toBe(200)
    line.mend()
    const done = await Promise.all(writing.map(send))
    expect(done.map(({ status }) => status)).toStrictEqual(done.map(() => expect.toSatisfy((status) => status < 300)))
  }, 60_000)
})
