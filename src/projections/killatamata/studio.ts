/** The studio: workspaces, projects, conversations with their messages, and assets. Contents of assets lie in the object store. */
import type { AccountEvent } from '../../events/killatamata/account.ts'
import type {
  AgentModel,
  AssetKind,
  ReasoningLevel,
  StudioAssetEvent,
  StudioProjectEvent,
  StudioThreadEvent,
  StudioWorkspaceEvent,
  ToolCall,
} from '../../events/killatamata/studio.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time } from '../columns.ts'
import { defineProjection, defineTable, erase, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables, preparedOne } from './tables.ts'

export const studioWorkspaces = defineTable({
  name: 'killatamata_studio_workspaces',
  key: ['account_id'],
  columns: {
    account_id: text,
    /** Personal; null once the person is forgotten. */
    user_display_name: text.orNull,
    assistant_display_name: text.orNull,
    conversation_starter_instructions: text.orNull,
    default_agent_model: text.of<AgentModel>().orNull,
    default_reasoning_level: text.of<ReasoningLevel>().orNull,
    active_thread_id: text.orNull,
  },
  createsOnPatch: true,
})
export type WorkspaceRow = RowOf<typeof studioWorkspaces>

export const studioProjects = defineTable({
  name: 'killatamata_studio_projects',
  key: ['project_id'],
  columns: {
    ...{ project_id: text, account_id: text, title: text, description: text.orNull },
    ...{ created_at: time, updated_at: time },
  },
  indexes: ['(account_id, created_at DESC, project_id DESC)'],
})
export type ProjectRow = RowOf<typeof studioProjects>

export const studioThreads = defineTable({
  name: 'killatamata_studio_threads',
  key: ['thread_id'],
  columns: {
    ...{ thread_id: text, account_id: text, project_id: text, title: text },
    agent_model: text.of<AgentModel>(),
    reasoning_level: text.of<ReasoningLevel>(),
    ...{ created_at: time, updated_at: time },
  },
})
export type ThreadRow = RowOf<typeof studioThreads>

export const studioMessages = defineTable({
  name: 'killatamata_studio_messages',
  key: ['thread_id', 'sequence'],
  columns: {
    ...{ thread_id: text, sequence: integer, account_id: text, message_id: text },
    role: text.of<'user' | 'assistant'>(),
    ...{ text, tool_calls: jsonb, request_id: text, created_at: time },
  },
})
export type MessageRow = Omit<RowOf<typeof studioMessages>, 'tool_calls'> & { tool_calls: ToolCall[] }

export const studioAssets = defineTable({
  name: 'killatamata_studio_assets',
  key: ['asset_id'],
  columns: {
    ...{ asset_id: text, account_id: text, project_id: text, kind: text.of<AssetKind>() },
    status: text.of<'active' | 'recycled'>(),
    ...{ title: text, filename: text, mime_type: text, size_bytes: integer, sha256: text },
    user_metadata: jsonb,
    /** Where a search looks: title and file's name, and the texts of the metadata, in small letters. */
    ...{ name_text: text, metadata_text: text },
    version: integer,
    ...{ created_at: time, updated_at: time },
  },
  generated: { search_text: text.computed('name_text || chr(10) || metadata_text') },
  indexes: ['(account_id, created_at DESC, asset_id DESC)', '(project_id, status, created_at DESC, asset_id DESC)'],
})
export type AssetRow = RowOf<typeof studioAssets>

export const studioWorkspaceProjection = defineProjection<StudioWorkspaceEvent | AccountEvent>({
  name: 'killatamata.studioWorkspace',
  version: 1,
  onPoison: 'park',
  tables: [studioWorkspaces],
  handlers: {
    'killatamata.SettingsChanged.v1': ({ data }) => [
      patch(studioWorkspaces, snake(data, 'accountId'), {
        ...snake(data, 'userDisplayName', 'assistantDisplayName', 'conversationStarterInstructions'),
        ...snake(data, 'defaultAgentModel', 'defaultReasoningLevel'),
      }),
    ],
    'killatamata.ThreadSelected.v1': ({ data }) => [
      patch(studioWorkspaces, snake(data, 'accountId'), { active_thread_id: data.threadId }),
    ],
    'killatamata.AccountForgotten.v1': ({ data }) => [
      erase(studioWorkspaces, snake(data, 'accountId'), ['user_display_name']),
    ],
  },
})

export const studioProjectProjection = defineProjection<StudioProjectEvent>({
  name: 'killatamata.studioProject',
  version: 1,
  onPoison: 'park',
  tables: [studioProjects],
  handlers: {
    'killatamata.ProjectCreated.v1': ({ data }) => [
      upsert(studioProjects, {
        ...snake(data, 'projectId', 'accountId', 'title', 'description'),
        ...{ created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.ProjectUpdated.v1': ({ data }) => [
      patch(studioProjects, snake(data, 'projectId'), {
        ...snake(data, 'title', 'description'),
        updated_at: data.occurredAt,
      }),
    ],
  },
})

export const studioThreadProjection = defineProjection<StudioThreadEvent>({
  name: 'killatamata.studioThread',
  version: 1,
  onPoison: 'park',
  tables: [studioThreads, studioMessages],
  handlers: {
    'killatamata.ThreadCreated.v1': ({ data }) => [
      upsert(studioThreads, {
        ...snake(data, 'threadId', 'accountId', 'projectId', 'title', 'agentModel', 'reasoningLevel'),
        ...{ created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.ThreadRenamed.v1': ({ data }) => [
      patch(studioThreads, snake(data, 'threadId'), { title: data.title, updated_at: data.occurredAt }),
    ],
    'killatamata.MessagePosted.v1': ({ data }) => [
      upsert(studioMessages, {
        ...snake(data, 'threadId', 'sequence', 'accountId', 'messageId', 'role', 'text', 'toolCalls', 'requestId'),
        created_at: data.occurredAt,
      }),
      patch(studioThreads, snake(data, 'threadId'), { updated_at: data.occurredAt }),
    ],
  },
})

/** Texts of any depth, one under the other. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

/** Not by Postgres: a database whose locale is C, like the private one, knows small letters of ASCII alone. */
const folded = (...texts: string[]): string => texts.join('\n').toLowerCase()

export const studioAssetProjection = defineProjection<StudioAssetEvent>({
  name: 'killatamata.studioAsset',
  version: 2,
  onPoison: 'park',
  tables: [studioAssets],
  handlers: {
    'killatamata.AssetCreated.v1': ({ data }) => [
      upsert(studioAssets, {
        ...snake(data, 'assetId', 'accountId', 'projectId', 'kind', 'title', 'filename', 'mimeType'),
        ...snake(data, 'sizeBytes', 'sha256'),
        ...{ name_text: folded(data.title, data.filename), metadata_text: '', user_metadata: {} },
        ...{ status: 'active', version: 1, created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.DocumentSaved.v1': ({ data }) => [
      patch(studioAssets, snake(data, 'assetId'), {
        ...snake(data, 'title', 'filename', 'sizeBytes', 'sha256', 'version'),
        name_text: folded(data.title, data.filename),
        updated_at: data.occurredAt,
      }),
    ],
    'killatamata.MetadataReplaced.v1': ({ data }) => [
      patch(studioAssets, snake(data, 'assetId'), {
        ...{ user_metadata: data.userMetadata, metadata_text: folded(...textsIn(data.userMetadata)) },
        updated_at: data.occurredAt,
      }),
    ],
    'killatamata.AssetRecycled.v1': ({ data }) => [
      patch(studioAssets, snake(data, 'assetId'), { status: 'recycled', updated_at: data.occurredAt }),
    ],
  },
})

/** Undefined: the account has changed nothing yet. */
export const findWorkspace = preparedOne((db, accountId: string) =>
  db.selectFrom('killatamata_studio_workspaces').selectAll().where('account_id', '=', accountId),
)

export const findProject = preparedOne((db, accountId: string, projectId: string) =>
  db
    .selectFrom('killatamata_studio_projects')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('account_id', '=', accountId),
)

export const findThread = preparedOne((db, accountId: string, threadId: string) =>
  db
    .selectFrom('killatamata_studio_threads')
    .selectAll()
    .where('thread_id', '=', threadId)
    .where('account_id', '=', accountId),
)

export const findAsset = preparedOne((db, accountId: string, assetId: string) =>
  db
    .selectFrom('killatamata_studio_assets')
    .selectAll()
    .where('asset_id', '=', assetId)
    .where('account_id', '=', accountId),
)

/** By its id alone, for those who hold its address. */
export const findAssetById = preparedOne((db, assetId: string) =>
  db.selectFrom('killatamata_studio_assets').selectAll().where('asset_id', '=', assetId),
)

/** Newest first. */
export const listProjects = (db: ReadModels, accountId: string, limit: number): Promise<ProjectRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_studio_projects')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('project_id', 'desc')
    .limit(limit)
    .execute()

/** The last ones, the oldest of them first. */
export async function lastMessages(
  db: ReadModels,
  accountId: string,
  threadId: string,
  limit: number,
): Promise<MessageRow[]> {
  const rows = await killatamataTables(db)
    .selectFrom('killatamata_studio_messages')
    .selectAll()
    .where('thread_id', '=', threadId)
    .where('account_id', '=', accountId)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute()
  return rows.reverse() as MessageRow[]
}

/** Of all projects, newest first. */
export const newestAssets = (db: ReadModels, accountId: string, limit: number): Promise<AssetRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_studio_assets')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'active')
    .orderBy('created_at', 'desc')
    .orderBy('asset_id', 'desc')
    .limit(limit)
    .execute()

export interface AssetFilter {
  accountId: string
  projectId: string
  status: AssetRow['status']
  /** Part of a title, a file's name or a text of the metadata, in any case. */
  search: string | undefined
}

const inPattern = (search: string): string => `%${folded(search).replaceAll(/[\\%_]/g, '\\$&')}%`

/** A page of a project's assets, newest first, and how many there are. */
export async function listAssets(
  db: ReadModels,
  { accountId, projectId, status, search }: AssetFilter,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ rows: AssetRow[]; total: number }> {
  const all = killatamataTables(db)
    .selectFrom('killatamata_studio_assets')
    .where('account_id', '=', accountId)
    .where('project_id', '=', projectId)
    .where('status', '=', status)
  const found = search === undefined ? all : all.where('search_text', 'like', inPattern(search))
  const [rows, counted] = await Promise.all([
    found.selectAll().orderBy('created_at', 'desc').orderBy('asset_id', 'desc').offset(offset).limit(limit).execute(),
    found.select(({ fn }) => fn.countAll<string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: Number(counted.total) }
}
