/** Whom an event may be told: what is personal to a member, and which agent it involves. */
import { describe, expect, it } from 'vitest'
import type { Recorded } from '../../../src/events/event.ts'
import { publishedEvents } from '../../../src/events/rungate/published.ts'
import { webhookEventType } from '../../../src/events/rungate/webhook.ts'
import { agentOf, type PayloadParts, personalOwnerOf } from '../../../src/processes/rungate/webhook-payload.ts'
import { createRecorder, example, uuidOf } from '../../support/examples.ts'

const memberId = uuidOf('a member')
const db = undefined as never

/** A log of one stream. */
function logOf(...events: { type: string; data: Record<string, unknown> }[]) {
  const recorder = createRecorder()
  const recorded = events.map((event) => recorder.record(event))
  async function* read(stream: string, { maxCount = 100n } = {}) {
    yield* recorded.filter((event) => event.stream === stream).slice(0, Number(maxCount))
  }
  const parts: PayloadParts = { db, store: { readStream: read as PayloadParts['store']['readStream'] } }
  return { recorded: recorded as Recorded[], parts }
}

describe('what is personal', () => {
  const settings = example('rungate.PolicyCreated.v1').data.settings
  const personal = { ...settings, visibility: 'personal' as const }

  it('of a policy is so as it stood with the event', async () => {
    const { recorded, parts } = logOf(
      example('rungate.PolicyCreated.v1', { memberId, settings: personal }),
      example('rungate.PolicyChanged.v1', { settings }),
      example('rungate.PolicyChanged.v1', { settings: personal }),
    )
    const owners = await Promise.all(recorded.map((event) => personalOwnerOf(parts, event)))
    expect(owners).toStrictEqual([memberId, undefined, memberId])
  })

  it('of an alert rule is so when it goes off and when it is deleted', async () => {
    const { rule } = example('rungate.AlertRuleCreated.v1').data
    const agentId = uuidOf('watched agent')
    const own = { ...rule, agentId, scope: 'personal' as const }
    const { recorded, parts } = logOf(
      example('rungate.AlertRuleCreated.v1', { memberId, rule: own }),
      example('rungate.AlertTriggered.v1', { rule: own }),
      example('rungate.AlertRuleDeleted.v1'),
    )
    for (const event of recorded) {
      expect([await personalOwnerOf(parts, event), await agentOf(parts, event)]).toStrictEqual([memberId, agentId])
    }
  })

  it('is nothing else, and only what involves an agent comes to the webhooks of one', async () => {
    const { recorded, parts } = logOf(
      example('rungate.AgentCreated.v1'),
      example('rungate.RunEnded.v1'),
      example('rungate.ProviderKeyAdded.v1'),
    )
    const { agentId } = example('rungate.AgentCreated.v1').data
    for (const event of recorded) expect(await personalOwnerOf(parts, event)).toBeUndefined()
    const agents = await Promise.all(recorded.map((event) => agentOf(parts, event)))
    expect(agents).toStrictEqual([agentId, example('rungate.RunEnded.v1').data.agentId, undefined])
  })
})

describe('the catalogue', () => {
  it('has an event of the log for every type but the test', () => {
    const told = new Set([...publishedEvents.values()].flat().map(({ type }) => type))
    const { options } = webhookEventType
    expect(options.filter((type) => !told.has(type))).toStrictEqual(['webhook.test'])
    expect([...told].filter((type) => !options.includes(type as never))).toStrictEqual([])
  })
})
