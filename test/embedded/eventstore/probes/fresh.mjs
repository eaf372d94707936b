/** Probe of a node that nobody has used yet. */
import { probe } from './asking.mjs'

probe('fresh.all', async (ctx) => {
  const seen = new Map()
  for await (const { event } of ctx.client.readAll({ maxCount: 2000 })) {
    if (event && /^\$/.test(event.streamId) && !/persistentsubscription-|^\$*d[0-9a-f]{12}/.test(event.streamId))
      seen.set(`${event.streamId.replace(/-HOST|127\.0\.0\.1:\d+/, '-HOST')} ${event.type}`, true)
  }
  return { systemStreams: [...seen.keys()].sort() }
})
