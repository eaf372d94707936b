/** The studio: a project with a storyboard, a plan that has to be approved, its run, and an answer that comes in pieces. */
import { type Call, poll } from '../../demo/client.ts'
import { balanceOf, dollars, type KillatamataStory, must, partOf, rowsOf, type Say } from './story.ts'

const PROMPT = 'image: A harbour at dawn\nimage: A harbour at dusk'
/** Long enough for an answer in several pieces. */
const QUESTION = 'Tell me of the harbour, of its boats, and of the fog that lies over both. '.repeat(10).trim()
const SCENES = {
  version: 2,
  title: 'Harbour',
  scenes: [
    { id: 'dawn', title: 'Dawn', prompt: 'A harbour at dawn' },
    { id: 'dusk', title: 'Dusk' },
  ],
}

export async function workInStudio(story: KillatamataStory, say: Say): Promise<void> {
  const { call, checks, waits } = story
  const made = must(await call('POST', '/studio/projects', { title: 'Harbour' }), 201, 'a project')
  const { projectId } = partOf(made, 'project')
  const board = { projectId, title: 'Film', storyboard: SCENES }
  const { assetId } = partOf(
    must(await call('POST', '/studio/assets/storyboards', board), 201, 'a storyboard'),
    'asset',
  )
  const exported = await call('GET', `/studio/assets/storyboards/export-markdown?assetId=${assetId}`)
  checks.holds(
    'a storyboard is text as well',
    String(exported.body.markdown).includes('Dusk'),
    'its scenes',
    exported.status,
  )

  const before = await balanceOf(story, call, (_, held) => held === 0)
  const prepared = await call('POST', '/studio/agent/messages/prepare', { projectId, prompt: PROMPT })
  checks.equal('what costs has to be approved', prepared.body.decision, 'approval_required')
  const { approvalPlanId, totalUsdMicros, jobs } = partOf(prepared.body, 'approvalPlan')
  checks.equal('and costs nothing before', (await balanceOf(story, call)).available, before.available)
  const execute = () => call('POST', '/studio/agent/approval-plans/execute', { approvalPlanId })
  const executed = must(await execute(), 202, 'the plan')
  const ids = ({ body }: { body: Record<string, unknown> }) =>
    rowsOf(body, 'jobs')
      .map(({ externalJobId }) => externalJobId)
      .join(' ')
  checks.equal('approved again, it is the same jobs', ids(await execute()), ids({ body: executed }))
  checks.equal('as many as were planned', rowsOf(executed, 'jobs').length, (jobs as unknown[] | undefined)?.length)
  const after = await balanceOf(story, call, (_, held) => held === 0)
  checks.equal('for the price of the plan', before.available - after.available, totalUsdMicros)

  const asked = must(await call('POST', '/studio/agent/messages', { projectId, prompt: QUESTION }), 202, 'a message')
  const { text, whole, pieces } = await follow(call, String(asked.requestId), waits)
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
async function follow(call: Call, requestId: string, waits: KillatamataStory['waits']) {
  let text = ''
  let pieces = 0
  let offsets = ''
  const state = (query: string) => call('GET', `/studio/agent/requests?requestId=${requestId}${query}`)
  await poll(
    async () => {
      const { body } = await state(offsets)
      if (body.assistantText !== '') pieces += 1
      text += String(body.assistantText)
      offsets = `&assistantOffset=${body.assistantOffset}&toolCallOffset=${body.toolCallOffset}`
      return body
    },
    ({ status }) => status !== 'queued' && status !== 'running',
    waits,
  )
  return { text, pieces, whole: String((await state('')).body.assistantText) }
}
