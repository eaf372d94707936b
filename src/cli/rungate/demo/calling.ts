/** Calls by the libraries of OpenAI and Anthropic: served, streamed, refused, approved, and failed over. */
import { accepted } from '../../accepted.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { CLAUDE, costByHand, GPT, noteCost, type RungateStory, refusalOf, type Say } from './story.ts'

const user = (content: string) => [{ role: 'user' as const, content }]
const toolNamed = (name: string) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
})

export async function callModels(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks } = story
  const { openAi, anthropic } = await libraries()
  const asked = { model: GPT, messages: user('Hello there') }
  const { data: chat, response } = await openAi.chat.completions.create(asked).withResponse()
  checks.equal('OpenAI’s library gets its answer', chat.choices[0]?.message.content, 'You said: Hello there')
  const { prompt_tokens: input = 0, completion_tokens: output = 0 } = chat.usage ?? {}
  const { cost } = noteCost(story, response)
  checks.equal('its cost is right to the last digit', cost, costByHand(GPT, input, output))
  const { data: message, response: other } = await anthropic.messages
    .create({ model: CLAUDE, max_tokens: 100, messages: user('Hello there') })
    .withResponse()
  const [block] = message.content
  const text = block?.type === 'text' ? block.text : ''
  checks.equal('Anthropic’s library gets its own', text, 'You said: Hello there')
  const { input_tokens, output_tokens } = message.usage
  const { cost: second } = noteCost(story, other)
  checks.equal('and its cost is right to the last digit', second, costByHand(CLAUDE, input_tokens, output_tokens))
  const isOneRun = response.headers.get('x-rungate-run-id') === other.headers.get('x-rungate-run-id')
  checks.equal('both are of one run', isOneRun, true)
  say(`$${cost} and $${second}`)
}

const STREAMED_WORDS = 50

export async function streamAnswer(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks, admin, waits } = story
  const { openAi } = await libraries()
  const { data: stream, response } = await openAi.chat.completions
    .create({ model: GPT, messages: user(`[[words ${STREAMED_WORDS}]]`), stream: true })
    .withResponse()
  let text = ''
  let frames = 0
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    frames += 1
  }
  checks.equal('the stream is whole', text.split(' ').length, STREAMED_WORDS)
  const { runId } = noteCost(story, response)
  const stepId = response.headers.get('x-rungate-step-id')
  const asked = { params: { path: { id: runId }, query: { limit: 1_000 } } }
  const step = await poll(
    async () => (await accepted(admin.GET('/api/runs/{id}/steps', asked))).data.find(({ id }) => id === stepId),
    (found) => found !== undefined,
    waits,
  )
  const { input = 0, output = 0 } = step?.tokens ?? {}
  checks.equal('each of its words is metered', output, STREAMED_WORDS)
  const cost = costByHand(GPT, input, output)
  checks.equal('the cost of the stream stands in its step', String(step?.cost_usd), String(Number(cost)))
  noteCost(story, { headers: new Headers({ 'x-rungate-run-id': runId, 'x-rungate-cost-usd': cost }) })
  say(`${frames} frames, $${cost}`)
}

export async function refuse({ libraries, checks, found }: RungateStory, say: Say): Promise<void> {
  const { openAi } = await libraries()
  const before = found.simulator?.log().length
  const model = await refusalOf(openAi.chat.completions.create({ model: 'gpt-4o', messages: user('Hello') }))
  checks.equal('another model is refused', model, '403 model_not_allowed')
  const tools = [toolNamed('delete_file')]
  const tool = await refusalOf(openAi.chat.completions.create({ model: GPT, messages: user('Hello'), tools }))
  checks.equal('a blocked tool is refused', tool, '403 tool_blocked')
  checks.equal('the provider has heard of neither', found.simulator?.log().length, before)
  say('nothing was sent')
}

export async function approveTool(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks, admin } = story
  const { openAi } = await libraries()
  const asked = { model: GPT, messages: user('Please call pay_invoice'), tools: [toolNamed('pay_invoice')] }
  const { data, response } = await openAi.chat.completions.create(asked).withResponse()
  // The library takes a 202 for an answer, so its reader looks at the status.
  const waiting = data as unknown as { status?: string; approval_requests?: { id: string; tool: string }[] }
  checks.equal('a tool waits for approval', `${response.status} ${waiting.status}`, '202 awaiting_approval')
  const id = waiting.approval_requests?.[0]?.id ?? ''
  const approved = await admin.POST('/api/approval-requests/{id}/approve', { params: { path: { id } } })
  checks.equal('it is approved', `${statusOf(approved)} ${approved.data?.data.status}`, '200 approved')
  const again = await openAi.chat.completions.create(asked).withResponse()
  noteCost(story, again.response)
  const called = again.data.choices[0]?.message.tool_calls?.[0]
  checks.equal('the same request is served now', called?.type === 'function' && called.function.name, 'pay_invoice')
  say(id)
}

export async function failOver(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks, found } = story
  const { openAi } = await libraries()
  found.simulator?.order({ rules: [{ match: { path: '/v1/chat/completions' }, times: 1, fault: { status: 529 } }] })
  const asked = { model: GPT, messages: user('Please call weather'), tools: [toolNamed('weather')] }
  const { data, response } = await openAi.chat.completions
    .create(asked, { headers: { 'x-rungate-new-run': 'true' } })
    .withResponse()
  noteCost(story, response)
  const { headers } = response
  const served = `${headers.get('x-rungate-provider')} ${headers.get('x-rungate-model')}`
  checks.equal('OpenAI fails, Anthropic serves', served, `anthropic ${CLAUDE}`)
  const called = data.choices[0]?.message.tool_calls?.[0]
  const told = called?.type === 'function' ? `${called.function.name} ${called.function.arguments}` : 'none'
  checks.equal('the tool call survives', told, 'weather {"city":"example"}')
  say(`by ${served}`)
}
