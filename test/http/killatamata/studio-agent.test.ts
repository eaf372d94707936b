/** The studio's agent: prompts that are talk, prompts that make things, and what is told of a run on the way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer
let projectId: string

beforeAll(async () => {
  served = await startKillatamata({ processes: ['killatamata-agent'], env: { AGENT_PROGRESS_INTERVAL_MS: '10' } })
  ada = await served.customer('ada')
  projectId = (await served.post('studio/projects', { title: 'Lighthouse' }, ada.key)).body.project.projectId
})
afterAll(() => served.stop())

const send = (prompt: string, headers: Record<string, string> = {}) =>
  served.post('studio/agent/messages', { projectId, prompt }, ada.key, headers)
const stateOf = async (requestId: string, query = '', key = ada.key) =>
  (await served.get(`studio/agent/requests?requestId=${requestId}${query}`, key)).body

/** Asks with the offsets of the answer before until the run has ended; what came is joined. */
async function followed(requestId: string) {
  let text = ''
  const calls: unknown[] = []
  let offsets = ''
  let answers = 0
  for (;;) {
    const state = await stateOf(requestId, offsets)
    text += state.assistantText
    calls.push(...state.toolCalls)
    offsets = `&assistantOffset=${state.assistantOffset}&toolCallOffset=${state.toolCallOffset}`
    answers += 1
    if (!['queued', 'running'].includes(state.status)) return { text, calls, state, answers }
  }
}

describe('a prompt', () => {
  it('is answered in pieces, which joined are the whole, and stands in its conversation', async () => {
    const prompt = `Tell me of ${'fog and '.repeat(60)}🌫️`
    const asked = await send(prompt)
    expect(asked).toMatchObject({ status: 202, body: { ok: true, status: 'queued' } })
    const { requestId, threadId } = asked.body
    const { text, state } = await followed(requestId)
    expect(state).toMatchObject({ status: 'completed', approvalPlanId: null, error: null })
    expect(text).toBe(`You said: ${prompt}`)
    const whole = await stateOf(requestId)
    expect(whole.assistantText).toBe(text)
    for (const far of ['100000', '1000000000', '9007199254740993']) {
      const offsets = `&assistantOffset=${far}&toolCallOffset=${far}`
      expect(await stateOf(requestId, offsets)).toMatchObject({ assistantText: '', toolCalls: [] })
    }
    expect((await stateOf(requestId, '&assistantOffset=5')).assistantText).toBe(text.slice(5))
    const { body } = await served.get(`studio/threads/detail?threadId=${threadId}`, ada.key)
    expect(body.messages.map(({ role, text: said }: Record<string, string>) => [role, said])).toStrictEqual([
      ['user', prompt],
      ['assistant', text],
    ])
    expect((await served.get('studio/snapshot', ada.key)).body.workspace.activeThread.threadId).toBe(threadId)
  })

  it('makes texts and storyboards, and a repeat of its key is the same run', async () => {
    const key = { 'x-idempotency-key': 'prompt-1' }
    const prompt = 'note: Titles | Fog, Dawn\nstoryboard: Film'
    const first = await send(prompt, key)
    const again = await send(prompt, key)
    expect(again.body).toStrictEqual(first.body)
    const { calls, state } = await followed(first.body.requestId)
    expect(state.status).toBe('completed')
    expect(calls.map((call) => (call as { name: string }).name)).toStrictEqual(['create_text', 'create_storyboard'])
    const [made] = calls as { result: string }[]
    const { assetId } = JSON.parse(made?.result ?? '')
    const { body } = await served.get(`studio/assets/text/document?assetId=${assetId}`, ada.key)
    expect(body).toMatchObject({
      asset: { title: 'Titles', projectId },
      document: { content: 'Fog, Dawn', version: 1 },
    })
  })

  it('that costs nothing may be sent as it is, and preparing it changes nothing', async () => {
    const before = (await served.get('studio/snapshot', ada.key)).body
    const prompt = 'note: Never | made'
    const { status, body } = await served.post('studio/agent/messages/prepare', { projectId, prompt }, ada.key)
    expect([status, body.decision, body.prompt]).toStrictEqual([200, 'execute_now', prompt])
    expect((await served.get('studio/snapshot', ada.key)).body).toStrictEqual(before)
  })

  it('of another account is not there', async () => {
    const ben = await served.customer('ben')
    const { requestId } = (await send('Hello')).body
    expect(await stateOf(requestId, '', ben.key)).toMatchObject({ code: 'agent_request_not_found' })
    const foreign = await served.post('studio/agent/messages', { projectId, prompt: 'Hello' }, ben.key)
    expect(foreign.body.code).toBe('project_not_found')
    await followed(requestId)
  })
})

describe('a run', () => {
  it('that a process has begun and another finds has failed', async () => {
    const { agentRequest } = await import('../../../src/commands/killatamata/agent-request.ts')
    const { timelessIdOf } = await import('../../../src/commands/killatamata/ids.ts')
    const { prefixedId } = await import('../../../src/runtime/ulid.ts')
    const { systemContext } = await import('../../../src/commands/context.ts')
    const at = new Date().toISOString()
    const requestId = prefixedId('areq', at, 'cut off')
    const of = { accountId: ada.accountId, requestId }
    const { threadId } = (await served.post('studio/threads', { projectId }, ada.key)).body.thread
    const run = { projectId, threadId, prompt: 'Hello', agentModel: 'gpt-5.4' as const, reasoningLevel: 'low' as const }
    const facts = { ...of, run, at }
    // In one write: a process that finds the request alone would begin it itself.
    const decide: typeof agentRequest.decide = (_, state) => {
      const requested = agentRequest.decide({ kind: 'request', ...facts } as never, state)
      const begun = agentRequest.decide(
        { kind: 'start', ...facts } as never,
        requested.reduce(agentRequest.evolve, state),
      )
      return [...requested, ...begun]
    }
    const context = systemContext('test', crypto.randomUUID(), at)
    await served.bus.handle(
      { ...agentRequest, decide },
      timelessIdOf(requestId),
      { kind: 'request', ...facts } as never,
      context,
    )
    await eventually(async () => {
      expect(await stateOf(requestId)).toMatchObject({ status: 'failed', error: { code: 'interrupted' } })
    })
  })
})
