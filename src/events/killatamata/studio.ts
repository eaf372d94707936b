/**
 * Facts of the studio: an account's workspace (`killatamata.studioWorkspace-<account id>`), its projects (`killatamata.studioProject-<id>`),
 * conversations (`killatamata.studioThread-<id>`) and assets (`killatamata.studioAsset-<id>`). Bytes and texts of assets lie in the object
 * store, under the hash that stands here. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { accountId, sha256, time } from './vocabulary.ts'

/** Models of the agent; conversations name one of the first three. */
export const threadModel = z.enum(['gpt-5.4-nano', 'gpt-5.4-mini', 'gpt-5.4'])
export const agentModel = z.enum([
  ...threadModel.options,
  ...['deepseek-chat', 'minimax/minimax-m2.7', 'zai-org/GLM-5', 'moonshotai/Kimi-K2.5'],
] as const)
export type AgentModel = z.infer<typeof agentModel>

export const reasoningLevel = z.enum(['default', 'low', 'medium', 'high', 'xhigh'])
export type ReasoningLevel = z.infer<typeof reasoningLevel>

/** A tool that the agent has called: `arguments` and `result` are JSON as text. */
export const toolCall = z.object({
  callId: z.string(),
  name: z.string(),
  arguments: z.string(),
  /** Null: it has none yet, since it waits for an approval. */
  result: z.string().nullable(),
})
export type ToolCall = z.infer<typeof toolCall>

const ofAccount = { accountId, occurredAt: time }
const projectId = z.string()
const threadId = z.string()
const assetId = z.string()

export const studioWorkspaceEvents = {
  'killatamata.SettingsChanged.v1': z.object({
    ...ofAccount,
    userDisplayName: personal(z.string().nullable()),
    assistantDisplayName: z.string().nullable(),
    conversationStarterInstructions: z.string().nullable(),
    defaultAgentModel: agentModel,
    defaultReasoningLevel: reasoningLevel,
  }),
  /** The conversation that the workspace shows. */
  'killatamata.ThreadSelected.v1': z.object({ ...ofAccount, threadId }),
}
export type StudioWorkspaceEvent = EventOf<typeof studioWorkspaceEvents>

const ofProject = { ...ofAccount, projectId, title: z.string(), description: z.string().nullable() }

export const studioProjectEvents = {
  'killatamata.ProjectCreated.v1': z.object(ofProject),
  'killatamata.ProjectUpdated.v1': z.object(ofProject),
}
export type StudioProjectEvent = EventOf<typeof studioProjectEvents>

export const studioThreadEvents = {
  'killatamata.ThreadCreated.v1': z.object({
    ...{ ...ofAccount, threadId, projectId, title: z.string() },
    ...{ agentModel, reasoningLevel },
  }),
  'killatamata.ThreadRenamed.v1': z.object({ ...ofAccount, threadId, title: z.string() }),
  'killatamata.MessagePosted.v1': z.object({
    ...{ ...ofAccount, threadId, messageId: z.string() },
    /** From 1 in each conversation. */
    sequence: z.int().positive(),
    role: z.enum(['user', 'assistant']),
    text: z.string(),
    toolCalls: z.array(toolCall),
    /** The run that it belongs to. */
    requestId: z.string(),
  }),
}
export type StudioThreadEvent = EventOf<typeof studioThreadEvents>

export const assetKind = z.enum(['file', 'text', 'storyboard'])
export type AssetKind = z.infer<typeof assetKind>

const content = { sizeBytes: z.int().nonnegative(), sha256 }

export const studioAssetEvents = {
  'killatamata.AssetCreated.v1': z.object({
    ...{ ...ofAccount, assetId, projectId, kind: assetKind },
    ...{ title: z.string(), filename: z.string(), mimeType: z.string(), ...content },
  }),
  /** A text or a storyboard has another content or another title. */
  'killatamata.DocumentSaved.v1': z.object({
    ...{ ...ofAccount, assetId, title: z.string(), filename: z.string(), ...content },
    /** From 1, which is that of its creation. */
    version: z.int().positive(),
  }),
  'killatamata.MetadataReplaced.v1': z.object({
    ...{ ...ofAccount, assetId },
    userMetadata: z.record(z.string(), z.unknown()),
  }),
  'killatamata.AssetRecycled.v1': z.object({ ...ofAccount, assetId }),
}
export type StudioAssetEvent = EventOf<typeof studioAssetEvents>
