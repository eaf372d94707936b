/** The console's HTTP: pages for people, and no operations. */

import { publicAccess } from '../access.ts'
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import type { ConsoleParts } from './access.ts'
import { errors } from './errors.ts'
import { ownPages } from './own-pages.ts'
import { consolePages } from './pages.ts'

export const console: ContextApi<ConsoleParts> = {
  name: 'console',
  info: { title: 'Console', version: 'v1', description: 'Pages for people at /console.' },
  schemes: {},
  verifiers: () => ({}),
  access: publicAccess,
  errors,
  requestIds: uuidRequestIds('x-opslog-request-id'),
  rates: () => ({ standard: { by: 'address', perMinuteMax: () => Number.POSITIVE_INFINITY, detail: () => '' } }),
  operations: [],
  pages: consolePages,
  console: ownPages,
  home: ({ isOn }) => (isOn ? '/console' : undefined),
}
