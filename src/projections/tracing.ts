/** Batches of a projector as spans, each linked to the traces of its events: a batch belongs to none of them alone. */
import type { Delivered } from '../events/subscription.ts'
import { isSampled, isTracing, span } from '../telemetry.ts'

/** A batch that no recorded trace has a part in makes no span. */
export function traceBatch(context: string, events: readonly Delivered[], write: () => Promise<void>): Promise<void> {
  if (!isTracing()) return write()
  const links = new Set(events.map(({ metadata }) => metadata?.traceparent).filter(isSampled))
  if (links.size === 0) return write()
  const lagMs = Math.max(0, Date.now() - (events.at(-1)?.recordedAt.getTime() ?? Date.now()))
  const about = { 'opslog.context': context, 'opslog.events': events.length, 'opslog.lag_ms': lagMs }
  return span('projector batch', about, write, { links: [...links] })
}
