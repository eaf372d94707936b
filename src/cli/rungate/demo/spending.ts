/** A budget that holds however many calls come at once, and a run that is stopped. */
import { accepted } from '../../accepted.ts'
import { decimal } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { LIMIT_USD } from './opening.ts'
import { amountOf, GPT, noteCost, pathOf, type RungateStory, refusalOf, type Say } from './story.ts'

const CALLS = 200
/** At $10 for a million: $0.042 of the $0.05 that a run may cost. */
const MOST_WORDS = 4_200
/** $0.0006 each, so a dozen of them fit. */
const FEW_WORDS = 60

const asking = (words: number) => ({
  ...{ model: GPT, max_completion_tokens: words },
  messages: [{ role: 'user' as const, content: `[[words ${words}]]` }],
})

export async function spendAtOnce(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks, found, admin, waits } = story
  const { openAi } = await libraries()
  const first = await openAi.chat.completions
    .create(asking(MOST_WORDS), { headers: { 'x-rungate-new-run': 'true' } })
    .withResponse()
  const { runId, cost } = noteCost(story, first.response)
  const sentBefore = callsHeard(story)
  const inRun = { headers: { 'x-rungate-run-id': runId } }
  const outcomes = await Promise.all(
    Array.from({ length: CALLS }, () =>
      refusalOf(
        openAi.chat.completions
          .create(asking(FEW_WORDS), inRun)
          .withResponse()
          .then(({ response }) => noteCost(story, response)),
      ),
    ),
  )
  const served = outcomes.filter((outcome) => outcome === 'served').length
  const refused = outcomes.filter((outcome) => outcome === '402 budget_exceeded').length
  checks.equal('each call is served, or refused with 402', served + refused, CALLS)
  checks.holds('some of them fit', served > 0 && served < CALLS, 'a few', served)
  checks.equal('the provider has heard of those alone', callsHeard(story) - sentBefore, served)
  const told = decimal(found.runs.get(runId) ?? '0')
  const spent = await poll(
    async () => amountOf((await accepted(admin.GET('/api/runs/{id}', pathOf(runId)))).data.cost_usd),
    (amount) => decimal(amount).gte(told),
    waits,
  )
  checks.holds('spent is at most the limit', decimal(spent).lte(LIMIT_USD), `at most ${LIMIT_USD}`, spent)
  checks.equal('and as much as the answers said', spent, told.toFixed())
  say(`$${cost}, then ${served} served and ${refused} refused: $${spent}`)
}

/** A prompt that a call near a limit has counted is no call. */
const callsHeard = ({ found }: RungateStory): number =>
  found.simulator?.log().filter(({ path }) => !path.endsWith('/count_tokens')).length ?? 0

export async function stopAndLift(story: RungateStory, say: Say): Promise<void> {
  const { libraries, checks, admin, waits } = story
  const { openAi } = await libraries()
  const call = (headers: Record<string, string> = {}) =>
    openAi.chat.completions.create(asking(1), { headers }).withResponse()
  const { runId } = noteCost(story, (await call({ 'x-rungate-new-run': 'true' })).response)
  // On a busy machine the read models may come later.
  await poll(
    () => admin.GET('/api/runs/{id}', pathOf(runId)),
    ({ response }) => response.status === 200,
    waits,
  )
  checks.equal('a run is stopped', statusOf(await admin.POST('/api/runs/{id}/stop', pathOf(runId))), '200')
  const inRun = await refusalOf(call({ 'x-rungate-run-id': runId }))
  checks.equal('it takes no more calls', inRun, '403 run_force_stopped')
  checks.equal('no other starts by itself', await refusalOf(call()), '403 run_blocked_after_force_stop')
  const lifted = await admin.POST('/api/runs/{id}/unblock', pathOf(runId))
  checks.equal('the block is lifted', statusOf(lifted), '200')
  const after = await call()
  const other = noteCost(story, after.response)
  checks.equal('calls start a run again', other.runId !== '' && other.runId !== runId, true)
  say(runId)
}
