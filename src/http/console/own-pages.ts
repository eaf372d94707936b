/** The console's own pages: the overview, the parts of the instance, sessions, and how somebody likes to see things. */
import type { ContextConsole } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'
import { showFound } from './find.ts'
import { showHealth } from './health-page.ts'
import { findJob, jobActions, showJob, showJobs, showVerifications } from './jobs-pages.ts'
import { showOverview } from './overview.ts'
import { showParked, showParkedStream } from './parked-pages.ts'
import { projectionActions } from './projection-actions.ts'
import { showProjection, showProjections } from './projections-page.ts'
import { showRequest, showRequests } from './requests-page.ts'
import { endSession, showSession, showSessions } from './session-pages.ts'
import { showSettings } from './settings-page.ts'

const administrators = ['administrator'] as const
const keyHolders = ['administrator', 'operator'] as const
const everybody = ['administrator', 'operator', 'auditor'] as const

export const ownPages: ContextConsole<ConsoleParts> = {
  title: 'Console',
  isForAll: true,
  pages: [
    { path: '', title: 'Overview', group: 'overview', audience: everybody, key: 'o', view: showOverview },
    { path: '/find', title: 'Find', group: 'overview', audience: everybody, isListed: false, view: showFound },
    { path: '/health', title: 'Health', group: 'run', audience: administrators, view: showHealth },
    {
      path: '/projections',
      title: 'Projections',
      group: 'run',
      audience: administrators,
      key: 'p',
      view: showProjections,
    },
    { path: '/projections/:name', title: 'Read model', group: 'run', audience: administrators, view: showProjection },
    { path: '/jobs', title: 'Jobs', group: 'run', audience: administrators, view: showJobs },
    { path: '/jobs/:id', title: 'Job', group: 'run', audience: administrators, view: showJob },
    { path: '/parked', title: 'Parked', group: 'run', audience: administrators, view: showParked },
    {
      path: '/parked/:projection/:stream',
      title: 'Parked stream',
      group: 'run',
      audience: administrators,
      view: showParkedStream,
    },
    { path: '/verification', title: 'Verification', group: 'audit', audience: administrators, view: showVerifications },
    { path: '/requests', title: 'Requests', group: 'run', audience: keyHolders, view: showRequests },
    { path: '/requests/:request', title: 'Request', group: 'run', audience: keyHolders, view: showRequest },
    { path: '/sessions', title: 'Sessions', group: 'administer', audience: administrators, view: showSessions },
    { path: '/sessions/:session', title: 'Session', group: 'administer', audience: administrators, view: showSession },
    { path: '/settings', title: 'Settings', group: 'administer', audience: everybody, view: showSettings },
  ],
  actions: [endSession, ...projectionActions, ...jobActions],
  finders: [findJob],
}
