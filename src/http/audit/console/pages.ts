/** Audit’s pages in the console. */
import type { ContextConsole } from '../../pages/declaration.ts'
import { type AuditParts, consoleSignIn } from '../access.ts'
import { auditCards } from './cards.ts'
import { showEvent } from './event-page.ts'
import { showEvents } from './events.ts'
import { eventFinder, streamFinder } from './finders.ts'
import { followEvents } from './follow-events.ts'
import { showHistory } from './history.ts'
import { showSeals } from './seals.ts'
import { showStates } from './states.ts'
import { showStream } from './streams.ts'
import { showTrace } from './trace.ts'

const everybody = ['administrator', 'auditor', 'operator'] as const

export const auditConsole: ContextConsole<AuditParts> = {
  title: 'Audit',
  isForAll: true,
  signIn: consoleSignIn,
  pages: [
    { path: '/events', title: 'Events', group: 'audit', key: 'e', audience: everybody, view: showEvents },
    { path: '/events/:event', title: 'Event', group: 'audit', audience: everybody, view: showEvent },
    { path: '/streams/:stream', title: 'Stream', group: 'audit', audience: everybody, view: showStream },
    { path: '/history/:thing', title: 'History', group: 'audit', audience: everybody, view: showHistory },
    { path: '/states/:thing', title: 'State', group: 'audit', audience: everybody, view: showStates },
    { path: '/seals', title: 'Seals', group: 'audit', audience: ['administrator', 'auditor'], view: showSeals },
    { path: '/traces/:id', title: 'Trace', group: 'audit', audience: everybody, view: showTrace },
  ],
  finders: [streamFinder, eventFinder],
  cards: auditCards,
  lives: [{ of: '/events', audience: everybody, follow: followEvents }],
}
