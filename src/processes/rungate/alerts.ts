/** Looks every few seconds which alert rules have met their condition, and records it: at most once within a rule's cooldown. */
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { alertRule } from '../../commands/rungate/alert-rule.ts'
import { alertConditionTypes } from '../../events/rungate/alert-rule.ts'
import { metRules } from '../../projections/rungate/alert-rule.ts'
import { createDueWork } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'

export const ALERTS = 'rungate-alerts'

interface Options extends ProcessDependencies {
  bus: CommandBus
  sweep: { intervalMs: number; batchMax: number }
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runAlerts(options: Options): Promise<void> {
  const work = createAlerts(options)
  const background = (signal: AbortSignal) => [work.run(signal)]
  // What a rule is about may be met by any call: a look is due with the clock, not with each event.
  return runProcess({ name: ALERTS, types: ['rungate.AlertRule'], handle: async () => undefined, background }, options)
}

type Due = { id: string; key: string; observed: string }

function createAlerts({ db, bus, log, sweep, now = () => new Date() }: Options) {
  return createDueWork<Due>({
    ...{ name: 'alerts', log, now },
    limits: {
      ...{ concurrencyMax: 4, keyConcurrencyMax: 4, keyQueueMax: sweep.batchMax, batchMax: sweep.batchMax },
      ...{ pollIntervalMs: sweep.intervalMs, retryMinMs: 500, retryMaxMs: 60_000, drainMs: 2_000 },
    },
    async findDue({ now: at, limit }) {
      const found = await Promise.all(alertConditionTypes.map((type) => metRules(db, type, at, limit)))
      return found.flat().map(({ rule_id: id, account_id: key, observed }) => ({ id, key, observed }))
    },
    async work({ id, observed }) {
      const at = now().toISOString()
      const context = systemContext(ALERTS, deterministicId('rungate.alert', id, at), at)
      await bus.handle(alertRule, id, { kind: 'trigger', observed, at }, context)
    },
  })
}
