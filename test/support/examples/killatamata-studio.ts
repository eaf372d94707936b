/** Examples of the studio's events: a project with a text, a conversation, and a prompt that leads to a plan. */
import type { AgentRequestEvent, ApprovalPlanEvent } from '../../../src/events/killatamata/agent.ts'
import type {
  StudioAssetEvent,
  StudioProjectEvent,
  StudioThreadEvent,
  StudioWorkspaceEvent,
} from '../../../src/events/killatamata/studio.ts'

export type StudioStoryEvent =
  | AgentRequestEvent
  | ApprovalPlanEvent
  | StudioAssetEvent
  | StudioProjectEvent
  | StudioThreadEvent
  | StudioWorkspaceEvent

type Examples = {
  readonly [T in StudioStoryEvent['type']]: Extract<StudioStoryEvent, { type: T }>['data']
}

const tail = (n: number) => `01KJPV4G8RZ${String(n).padStart(15, '0')}`
const hash = (digit: string) => digit.repeat(64)
const accountId = `acct_${tail(1)}`
const projectId = `proj_${tail(50)}`
const threadId = `thr_${tail(51)}`
const assetId = `asset_${tail(52)}`
const requestId = `areq_${tail(53)}`
const planId = `plan_${tail(54)}`
const model = { agentModel: 'gpt-5.4-mini' as const, reasoningLevel: 'default' as const }
const call = { callId: 'call_1', name: 'create_text', arguments: '{"title":"Fog"}', result: '{"ok":true}' }
const job = {
  ...{ task: 'image.generate', title: 'Fog', input: { prompt: 'A lighthouse in fog' } },
  ...{ estimatedUsdMicros: '20000', stored: { holdUsdMicros: '20000' } },
}

export function studioExamples(timeAt: (seconds: number) => string): Examples {
  const of = (seconds: number) => ({ accountId, occurredAt: timeAt(seconds) })
  const ofRequest = (seconds: number) => ({ ...of(seconds), requestId })
  const ofPlan = (seconds: number) => ({ ...of(seconds), planId })
  const prompt = 'Write down a title, and make a picture.'
  return {
    'killatamata.SettingsChanged.v1': {
      ...of(90),
      ...{ userDisplayName: 'Ada Lovelace', assistantDisplayName: 'Robin', conversationStarterInstructions: null },
      ...{ defaultAgentModel: 'gpt-5.4-mini', defaultReasoningLevel: 'default' },
    },
    'killatamata.ProjectCreated.v1': { ...of(91), projectId, title: 'Lighthouse', description: null },
    'killatamata.ProjectUpdated.v1': { ...of(92), projectId, title: 'Lighthouse', description: 'A film of fog.' },
    'killatamata.ThreadCreated.v1': { ...of(93), threadId, projectId, title: 'First talk', ...model },
    'killatamata.ThreadSelected.v1': { ...of(93), threadId },
    'killatamata.ThreadRenamed.v1': { ...of(94), threadId, title: 'Titles' },
    'killatamata.AssetCreated.v1': {
      ...{ ...of(95), assetId, projectId, kind: 'text', title: 'Notes', filename: 'Notes.md' },
      ...{ mimeType: 'text/markdown', sizeBytes: 7, sha256: hash('a') },
    },
    'killatamata.MetadataReplaced.v1': { ...of(96), assetId, userMetadata: { mood: 'calm', takes: 3 } },
    'killatamata.DocumentSaved.v1': {
      ...{ ...of(97), assetId, title: 'Notes', filename: 'Notes.md', sizeBytes: 12, sha256: hash('b'), version: 2 },
    },
    'killatamata.AssetRecycled.v1': { ...of(98), assetId },
    'killatamata.AgentRunRequested.v1': { ...ofRequest(100), projectId, threadId, prompt, ...model },
    'killatamata.MessagePosted.v1': {
      ...{ ...of(100), threadId, messageId: `msg_${tail(55)}`, sequence: 1, role: 'user', text: prompt },
      ...{ toolCalls: [], requestId },
    },
    'killatamata.AgentRunStarted.v1': ofRequest(101),
    'killatamata.AgentProgressed.v1': {
      ...{ ...ofRequest(102), text: 'Here it is.', textOffset: 0, toolCalls: [call], toolCallOffset: 0 },
    },
    'killatamata.PlanPrepared.v1': {
      ...{ ...ofPlan(103), projectId, threadId, prompt, ...model },
      ...{ jobs: [job], totalUsdMicros: '20000', expiresAt: timeAt(1_903) },
    },
    'killatamata.AgentRunEnded.v1': {
      ...{ ...ofRequest(103), status: 'approval_required', approvalPlanId: planId, error: null },
    },
    'killatamata.PlanExecuted.v1': {
      ...{ ...ofPlan(110), requestId: `areq_${tail(56)}` },
      jobs: [{ externalJobId: `job_${tail(57)}`, task: 'image.generate', usdMicros: '20000' }],
    },
    'killatamata.PlanExpired.v1': ofPlan(1_903),
  }
}

const RANDOM_LENGTH = 16
const end = (id: unknown): string => String(id).slice(-RANDOM_LENGTH)

/** The stream that one of these events belongs in; undefined: it is none of the studio's. */
export function studioStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string | undefined {
  const name = type.split('.')[1] ?? ''
  if (name === 'SettingsChanged' || name === 'ThreadSelected') return `killatamata.studioWorkspace-${data.accountId}`
  if (name.startsWith('Project')) return `killatamata.studioProject-${end(data.projectId)}`
  if (name.startsWith('Thread') || name === 'MessagePosted') return `killatamata.studioThread-${end(data.threadId)}`
  if ('assetId' in data) return `killatamata.studioAsset-${end(data.assetId)}`
  if (name.startsWith('Plan')) return `killatamata.approvalPlan-${end(data.planId)}`
  return name.startsWith('Agent') ? `killatamata.agentRequest-${end(data.requestId)}` : undefined
}
