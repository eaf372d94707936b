/** Audit’s pages in the console. */
import type { ContextConsole } from '../../pages/declaration.ts'
import { type AuditParts, consoleSignIn } from '../access.ts'
import { showEvent } from './event-page.ts'
import { showEvents } from './events.ts'
import { followEvents } from './follow-events.ts'

const everybody = ['administrator', 'auditor', 'operator'] as const

export const auditConsole: ContextConsole<AuditParts> = {
  title: 'Audit',
  isForAll: true,
  signIn: consoleSignIn,
  pages: [
    { path: '/events', title: 'Events', group: 'audit', key: 'e', audience: everybody, view: showEvents },
    { path: '/events/:event', title: 'Event', group: 'audit', audience: everybody, view: showEvent },
  ],
  lives: [{ of: '/events', audience: everybody, follow: followEvents }],
}
