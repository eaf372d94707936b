/** GET studio/snapshot: the whole workspace at a glance. */
import { z } from '@hono/zod-openapi'
import { newestAgentRequests, pendingPlans } from '../../../projections/killatamata/agent.ts'
import { listOwnReleases } from '../../../projections/killatamata/arcade.ts'
import { findThread, findWorkspace, listProjects, newestAssets } from '../../../projections/killatamata/studio.ts'
import { json } from '../../answers.ts'
import { accountKey, read } from '../access.ts'
import { releaseRowView, releaseShown } from '../arcade/views.ts'
import { addressesIn } from './parts.ts'
import { templates } from './templates.ts'
import {
  assetOfRow,
  assetShown,
  assetView,
  planShown,
  planView,
  projectOfRow,
  projectShown,
  projectView,
  runShown,
  runView,
  settingsOfRow,
  settingsShown,
  threadOfRow,
  threadShown,
  threadView,
} from './views.ts'

const template = z
  .object({ templateId: z.string(), title: z.string(), description: z.string(), prompt: z.string() })
  .openapi('StudioTemplate')

const workspace = z
  .object({
    settings: settingsShown,
    projects: z.array(projectShown),
    assets: z.array(assetShown),
    workflowRuns: z.array(runShown),
    approvals: z.array(planShown),
    templates: z.array(template),
    publishing: z.array(releaseShown),
    activeThread: threadShown.nullable(),
  })
  .openapi('StudioWorkspace')

export const getSnapshot = read({
  path: '/api/v1/studio/snapshot',
  id: 'getStudioSnapshot',
  tags: ['studio'],
  summary: 'Get Studio workspace snapshot',
  description: 'The newest of everything: projects, assets, runs of the agent, and plans that wait for an approval.',
  access: accountKey,
  isList: true,
  answer: json(z.object({ ok: z.literal(true), workspace }).openapi('StudioSnapshotResponse'), 'The workspace.'),
  async handle({ db, clock, principal: { accountId }, ...parts }) {
    const { shownMax } = parts.studio.limits
    const [row, projects, assets, runs, plans, releases] = await Promise.all([
      findWorkspace(db, accountId),
      listProjects(db, accountId, shownMax),
      newestAssets(db, accountId, shownMax),
      newestAgentRequests(db, accountId, shownMax),
      pendingPlans(db, accountId, clock().toISOString(), shownMax),
      listOwnReleases(db, accountId, shownMax),
    ])
    const active = row?.active_thread_id ? await findThread(db, accountId, row.active_thread_id) : undefined
    return {
      ok: true as const,
      workspace: {
        settings: settingsOfRow(row),
        projects: projects.map((each) => projectView(projectOfRow(each))),
        assets: await Promise.all(assets.map((each) => assetView(assetOfRow(each), addressesIn(parts)))),
        workflowRuns: runs.map(runView),
        approvals: plans.map((each) => {
          const { plan_id: planId, jobs, total_usd_micros: totalUsdMicros, expires_at: expiresAt } = each
          return planView({ planId, jobs, totalUsdMicros, expiresAt })
        }),
        templates: templates.map((each) => ({ ...each })),
        publishing: releases.map((each) => releaseRowView(parts.apiUrl(), each)),
        activeThread: active ? threadView(threadOfRow(active)) : null,
      },
    }
  },
})
