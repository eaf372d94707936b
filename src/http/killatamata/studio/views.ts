/** How the studio's things are shown, whether they come from a state or from a row. */

import { z } from '@hono/zod-openapi'
import { numberOf, usdText } from '../../../commands/killatamata/money.ts'
import type { Asset } from '../../../commands/killatamata/studio-asset.ts'
import type { Project } from '../../../commands/killatamata/studio-project.ts'
import type { Thread } from '../../../commands/killatamata/studio-thread.ts'
import { defaultSettings, type StudioSettings } from '../../../commands/killatamata/studio-workspace.ts'
import type { PlannedJob } from '../../../events/killatamata/agent.ts'
import { agentModel, assetKind, reasoningLevel, toolCall } from '../../../events/killatamata/studio.ts'
import type { SignInDigests } from '../../../processes/killatamata/digests.ts'
import { ASSET_FILES_PATH } from '../../../processes/killatamata/studio/contents.ts'
import type { AgentRequestRow } from '../../../projections/killatamata/agent.ts'
import type {
  AssetRow,
  MessageRow,
  ProjectRow,
  ThreadRow,
  WorkspaceRow,
} from '../../../projections/killatamata/studio.ts'
import { camel } from '../../../runtime/letter-case.ts'
import { timeOut } from '../../schemas.ts'

const times = { createdAt: timeOut, updatedAt: timeOut }
const nullableText = z.string().nullable()

export const projectShown = z
  .object({ projectId: z.string(), title: z.string(), description: nullableText, ...times })
  .openapi('StudioProject')

type ProjectFacts = Pick<Project, 'projectId' | 'title' | 'description' | 'createdAt' | 'updatedAt'>
export const projectView = ({ projectId, title, description, createdAt, updatedAt }: ProjectFacts) => ({
  ...{ projectId, title, description, createdAt, updatedAt },
})
export const projectOfRow = (row: ProjectRow) => camel(row)

export const threadShown = z
  .object({
    ...{ threadId: z.string(), projectId: z.string(), title: z.string() },
    ...{ agentModel, reasoningLevel, ...times },
  })
  .openapi('StudioThread')

type ThreadFacts = Pick<
  Thread,
  'threadId' | 'projectId' | 'title' | 'agentModel' | 'reasoningLevel' | 'createdAt' | 'updatedAt'
>
export const threadView = (thread: ThreadFacts) => {
  const { threadId, projectId, title, agentModel: model, reasoningLevel: level, createdAt, updatedAt } = thread
  return { threadId, projectId, title, agentModel: model, reasoningLevel: level, createdAt, updatedAt }
}
export const threadOfRow = (row: ThreadRow) => camel(row)

export const toolCallShown = z.object(toolCall.shape).openapi('StudioToolCall')

export const messageShown = z
  .object({
    ...{ messageId: z.string(), role: z.enum(['user', 'assistant']), text: z.string() },
    toolCalls: z.array(toolCallShown),
    createdAt: timeOut,
  })
  .openapi('StudioMessage')

export const messageView = ({ message_id, role, text, tool_calls: toolCalls, created_at }: MessageRow) => ({
  ...{ messageId: message_id, role, text, toolCalls, createdAt: created_at },
})

export const settingsShown = z
  .object({
    ...{ userDisplayName: nullableText, assistantDisplayName: nullableText },
    conversationStarterInstructions: nullableText,
    ...{ defaultAgentModel: agentModel, defaultReasoningLevel: reasoningLevel },
  })
  .openapi('StudioSettings')

/** Of an account that has changed nothing, the defaults. */
export const settingsOfRow = (row: WorkspaceRow | undefined): StudioSettings => ({
  userDisplayName: row?.user_display_name ?? null,
  assistantDisplayName: row?.assistant_display_name ?? null,
  conversationStarterInstructions: row?.conversation_starter_instructions ?? null,
  defaultAgentModel: row?.default_agent_model ?? defaultSettings.defaultAgentModel,
  defaultReasoningLevel: row?.default_reasoning_level ?? defaultSettings.defaultReasoningLevel,
})

export const assetShown = z
  .object({
    ...{ assetId: z.string(), projectId: z.string(), kind: assetKind, title: z.string(), filename: z.string() },
    ...{ mimeType: z.string(), sizeBytes: z.int(), sha256: z.string() },
    userMetadata: z.record(z.string(), z.unknown()),
    ...{ url: z.string(), version: z.int(), ...times },
  })
  .openapi('StudioAsset')

type AssetFacts = Pick<
  Asset,
  | 'assetId'
  | 'projectId'
  | 'kind'
  | 'title'
  | 'filename'
  | 'mimeType'
  | 'sizeBytes'
  | 'sha256'
  | 'userMetadata'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
>

/** What an asset's address needs: it cannot be guessed, and is the same for as long as the installation has its key. */
export interface AssetAddresses {
  apiUrl: () => string
  fileTokenOf: SignInDigests['fileTokenOf']
}

export async function assetView(asset: AssetFacts, { apiUrl, fileTokenOf }: AssetAddresses) {
  const { assetId, projectId, kind, title, filename, mimeType, sizeBytes, sha256 } = asset
  const { userMetadata, version, createdAt, updatedAt } = asset
  const token = await fileTokenOf('asset', assetId)
  return {
    ...{ assetId, projectId, kind, title, filename, mimeType, sizeBytes, sha256, userMetadata: { ...userMetadata } },
    url: `${apiUrl()}${ASSET_FILES_PATH}/${assetId}/${token}/${encodeURIComponent(filename)}`,
    ...{ version, createdAt, updatedAt },
  }
}

export const assetOfRow = (row: AssetRow): AssetFacts & { accountId: string } => {
  const { user_metadata: userMetadata, ...plain } = row
  return { ...camel(plain), userMetadata: userMetadata as Record<string, unknown> }
}

export const planShown = z
  .object({
    approvalPlanId: z.string(),
    status: z.literal('pending'),
    jobs: z.array(
      z
        .object({
          ...{ task: z.string(), input: z.record(z.string(), z.unknown()), title: z.string() },
          estimatedUsdMicros: z.int(),
        })
        .openapi('StudioPlannedJob'),
    ),
    ...{ totalUsdMicros: z.int(), totalUsd: z.string(), expiresAt: timeOut },
  })
  .openapi('StudioApprovalPlan')

interface PlanFacts {
  planId: string
  jobs: readonly Pick<PlannedJob, 'task' | 'input' | 'title' | 'estimatedUsdMicros'>[]
  totalUsdMicros: string
  expiresAt: string
}

export const planView = ({ planId, jobs, totalUsdMicros, expiresAt }: PlanFacts) => ({
  ...{ approvalPlanId: planId, status: 'pending' as const },
  jobs: jobs.map(({ task, input, title, estimatedUsdMicros }) => ({
    ...{ task, input, title, estimatedUsdMicros: numberOf(BigInt(estimatedUsdMicros)) },
  })),
  totalUsdMicros: numberOf(BigInt(totalUsdMicros)),
  totalUsd: usdText(BigInt(totalUsdMicros)),
  expiresAt,
})

export const runStatus = z.enum(['queued', 'running', 'completed', 'failed', 'approval_required'])

export const runShown = z
  .object({
    ...{ requestId: z.string(), projectId: z.string(), threadId: z.string(), prompt: z.string(), status: runStatus },
    ...{ approvalPlanId: nullableText, ...times },
  })
  .openapi('StudioWorkflowRun')

export const runView = (row: AgentRequestRow) => {
  const { requestId, projectId, threadId, prompt, status, approvalPlanId, createdAt, updatedAt } = camel(row)
  return { requestId, projectId, threadId, prompt, status, approvalPlanId, createdAt, updatedAt }
}
