/** The studio: a project with a storyboard, a plan that has to be approved, its run, and an answer that comes in pieces. */
import { accepted } from '../../accepted.ts'
import { poll } from '../../demo/client.ts'
import { balanceOf, dollars, type KillatamataStory, type Say } from './story.ts'

const PROMPT = 'image: A harbour at dawn\nimage: A harbour at dusk'
/** Long enough for an answer in several pieces. */
const QUESTION = 'Tell me of the harbour, of its boats, and of the fog that lies over both. '.repeat(10).trim()
const SCENES = {
  version: 2 as const,
  title: 'Harbour',
  scenes: [
    { id: 'dawn', title: 'Dawn', prompt: 'A harbour at dawn' },
    { id: 'dusk', title: 'Dusk' },
  ],
}

export async function workInStudio(story: KillatamataStory, say: Say): Promise<void> {
  const { customer, checks } = story
  const made = await accepted(customer.POST('/api/v1/studio/projects', { body: { title: 'Harbour' } }))
  const { projectId } = made.project
  const body = { projectId, title: 'Film', storyboard: SCENES }
  const { asset } = await accepted(customer.POST('/api/v1/studio/assets/storyboards', { body }))
  const exported = await customer.GET('/api/v1/studio/assets/storyboards/export-markdown', {
    params: { query: { assetId: asset.assetId } },
  })
  checks.holds(
    'a storyboard is text as well',
    exported.data?.markdown.includes('Dusk') === true,
    'its scenes',
    exported.response.status,
  )

  const before = await balanceOf(story, customer, (_, held) => held === 0)
  const prepared = await accepted(
    customer.POST('/api/v1/studio/agent/messages/prepare', { body: { projectId, prompt: PROMPT } }),
  )
  checks.equal('what costs has to be approved', prepared.decision, 'approval_required')
  const planned = prepared.decision === 'approval_required' ? prepared.approvalPlan : undefined
  const { approvalPlanId = '', totalUsdMicros, jobs } = planned ?? {}
  checks.equal('and costs nothing before', (await balanceOf(story, customer)).available, before.available)
  const plan = { body: { approvalPlanId } }
  const execute = async () =>
    (await accepted(customer.POST('/api/v1/studio/agent/approval-plans/execute', plan))).jobs.map(
      ({ externalJobId }) => externalJobId,
    )
  const executed = await execute()
  checks.equal('approved again, it is the same jobs', (await execute()).join(' '), executed.join(' '))
  checks.equal('as many as were planned', executed.length, jobs?.length)
  const after = await balanceOf(story, customer, (_, held) => held === 0)
  checks.equal('for the price of the plan', before.available - after.available, totalUsdMicros)

  const asking = { body: { projectId, prompt: QUESTION } }
  const { requestId } = await accepted(customer.POST('/api/v1/studio/agent/messages', asking))
  const { text, whole, pieces } = await follow(story, requestId)
  checks.holds(
    'the pieces of an answer are the whole of it',
    text === whole,
    `${whole.length} characters`,
    `${text.length} characters`,
  )
  checks.equal('which says what was said', text.includes(QUESTION), true)
  say(`${dollars(Number(totalUsdMicros))}; pieces of the answer: ${pieces}`)
}

/** Asks from the offsets of the answer before on, until the run has ended. */
async function follow({ customer, waits }: KillatamataStory, requestId: string) {
  let text = ''
  let pieces = 0
  let offsets = {}
  const state = (from: object) =>
    accepted(customer.GET('/api/v1/studio/agent/requests', { params: { query: { requestId, ...from } } }))
  await poll(
    async () => {
      const { assistantText, assistantOffset, toolCallOffset, status } = await state(offsets)
      if (assistantText !== '') pieces += 1
      text += assistantText
      offsets = { assistantOffset, toolCallOffset }
      return status
    },
    (status) => status !== 'queued' && status !== 'running',
    waits,
  )
  return { text, pieces, whole: (await state({})).assistantText }
}
