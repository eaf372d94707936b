/** The tools of administrators' commands, and what contexts bring to the command line. */
import { readSettings } from '../config.ts'
import { loadContextClis } from '../contexts.ts'
import { withAdminSession, written } from './admin-session.ts'
import type { AdminTools } from './admin-tools.ts'
import { configuration, findServices, readKept, runningServices } from './connection.ts'

export const adminTools: AdminTools = {
  withSession: withAdminSession,
  written,
  forgetting: () => import('./person-forgetting.ts'),
  dataDirectory: () => configuration().DATA_DIR,
  settings: (schema) => readSettings(schema, configuration()),
  instanceSettings() {
    const config = configuration()
    return { ...config, ...findServices(config.DATA_DIR)?.settings }
  },
  running: () => runningServices(configuration().DATA_DIR),
  kept: (file, schema, hint) => readKept(configuration().DATA_DIR, file, schema, hint),
  keyRing: async () => (await import('./person-keys.ts')).keyRingOf(configuration()),
  contextClis: () => loadContextClis(),
  withGround: async (ask) => (await import('./audit-session.ts')).withGround(ask),
  followEvents: async (session, reader) => (await import('./event-following.ts')).followEvents(session, reader),
}
