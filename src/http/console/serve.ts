/** What the console works with, and the link that a start shows. */
import type { ApiParts, Served } from '../../context.ts'
import { issueLink } from '../../processes/console/access-link.ts'
import { consoleSettings } from '../../processes/console/settings.ts'
import { readPlaces } from '../../projections/console/places.ts'
import type { ConsoleParts } from './access.ts'
import type { ConsoleDirectories } from './directories.ts'
import { createSamples } from './samples.ts'

/** A page that is left open follows no longer than this. */
const FOLLOW_MAX_MS = 1_800_000

export async function serveConsole(parts: ApiParts<ConsoleDirectories>): Promise<Served> {
  const { config, bus, db, store, waiter, clock } = parts
  const settings = parts.settings(consoleSettings)
  const isOn = settings.CONSOLE !== 'off'
  const own: ConsoleParts = {
    ...{ isOn, bus, db, store, waiter, clock: clock.now, sessions: parts.directories.sessions },
    ...{ samples: createSamples(), series: new Map() },
    ...{ settings: parts.settingsShown, onDrain: parts.onDrain, readModels: () => parts.contexts },
    publicUrl: config.PUBLIC_URL,
    limits: {
      sessionTtlMs: settings.CONSOLE_SESSION_TTL_S * 1_000,
      sessionIdleMs: settings.CONSOLE_SESSION_IDLE_S * 1_000,
      sessionKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
      ...{ followersMax: settings.CONSOLE_FOLLOWERS_MAX, followMaxMs: FOLLOW_MAX_MS },
    },
  }
  const contexts = parts.contexts.map(({ name }) => name)
  const gauges = [
    {
      name: 'opslog_read_model_events',
      help: 'Events that read models have taken in, in all, whichever process writes them',
      async read() {
        const places = await readPlaces(db, contexts)
        return [...places.values()].reduce((sum, { events }) => sum + events, 0)
      },
    },
  ]
  if (!isOn) return { parts: own, gauges }
  const ttlMs = settings.CONSOLE_LINK_TTL_S * 1_000
  return {
    ...{ parts: own, gauges },
    async entrance() {
      const { url } = await issueLink(bus, { url: parts.apiUrl(), ttlMs, isReadOnly: false, now: clock.now() })
      return url
    },
  }
}
