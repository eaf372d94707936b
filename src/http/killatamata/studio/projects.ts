/** Projects: POST and PATCH, and GET projects/assets. */
import { z } from '@hono/zod-openapi'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { type ProjectState, studioProject } from '../../../commands/killatamata/studio-project.ts'
import { findProject, listAssets } from '../../../projections/killatamata/studio.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { boundedText } from '../../schemas.ts'
import { accountKey, change, read, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { limitOf, listOffset } from '../list-limit.ts'
import { requestKey } from '../request-key.ts'
import { description, idIn, title } from './inputs.ts'
import { addressesIn } from './parts.ts'
import { assetOfRow, assetShown, assetView, projectShown, projectView } from './views.ts'

const answer = z.object({ ok: z.literal(true), project: projectShown }).openapi('StudioProjectResponse')

const shown = (state: ProjectState) => {
  if (state.status === 'absent') throw new Error('a project was neither made nor refused')
  return { ok: true as const, project: projectView(state) }
}

export const createProject = write({
  path: '/api/v1/studio/projects',
  id: 'createStudioProject',
  tags: ['studio'],
  summary: 'Create Studio project',
  description: 'Makes a project, which holds conversations and assets.',
  access: accountKey,
  key: requestKey,
  body: z.object({ title, description: description.optional() }).openapi('StudioProjectCreateRequest'),
  answers: { 201: json(answer, 'The project.') },
  async handle({ bus, principal: { accountId }, body, command }) {
    const projectId = prefixedId('proj', command.at, command.commandId)
    const facts = { title: body.title, description: body.description ?? null }
    const create = { kind: 'create', accountId, projectId, ...facts, at: command.at } as const
    const handled = await bus.handle(studioProject, timelessIdOf(projectId), create, command)
    return { status: 201, body: shown(handled.state), handled }
  },
})

export const updateProject = change({
  method: 'patch',
  path: '/api/v1/studio/projects/update',
  id: 'updateStudioProject',
  tags: ['studio'],
  summary: 'Update Studio project',
  description: 'What the request does not have stays as it is.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z
    .object({ projectId: idIn, title: title.optional(), description: description.optional() })
    .openapi('StudioProjectUpdateRequest'),
  answers: { 200: json(answer, 'The project as it is now.') },
  refuses: ['project_not_found'],
  async handle({ bus, principal: { accountId }, body, command }) {
    const { projectId, title: titled, description: described } = body
    const update = { accountId, projectId, title: titled, description: described, at: command.at }
    const handled = await bus.handle(studioProject, timelessIdOf(projectId), { kind: 'update', ...update }, command)
    return { status: 200, body: shown(handled.state), handled }
  },
})

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200
/** What people type. */
const SEARCH_LENGTH_MAX = 200

export const listProjectAssets = read({
  path: '/api/v1/studio/projects/assets',
  id: 'listStudioProjectAssets',
  tags: ['studio'],
  summary: 'List Studio project assets',
  description:
    'The newest first. A search finds part of a title, of a file’s name or of a text in the metadata, in any case. A page has ' +
    `at most ${LIMIT_MAX} assets.`,
  access: accountKey,
  isList: true,
  query: z.object({
    projectId: idIn,
    scope: z.enum(['active', 'recycling']).optional(),
    searchQuery: boundedText(SEARCH_LENGTH_MAX).optional(),
    offset: listOffset,
    limit: limitOf(LIMIT_MAX),
  }),
  answer: json(
    z
      .object({
        ...{ ok: z.literal(true), assets: z.array(assetShown) },
        ...{ total: z.int(), offset: z.int(), limit: z.int() },
      })
      .openapi('StudioAssetListResponse'),
    'A page of assets.',
  ),
  refuses: ['project_not_found'],
  async handle({ db, principal: { accountId }, query, ...parts }) {
    const { projectId, scope = 'active', searchQuery = '', offset = 0, limit = LIMIT_DEFAULT } = query
    if (!(await findProject(db, accountId, projectId))) {
      throw new Problem<KillatamataCode>('project_not_found', 'The account has no such project.')
    }
    const status = scope === 'active' ? ('active' as const) : ('recycled' as const)
    const filter = { accountId, projectId, status, search: searchQuery === '' ? undefined : searchQuery }
    const { rows, total } = await listAssets(db, filter, { offset, limit })
    const assets = await Promise.all(rows.map((row) => assetView(assetOfRow(row), addressesIn(parts))))
    return { ok: true as const, assets, total, offset, limit }
  },
})
