/** The studio's decisions: what is made, what is changed, and what another account finds. */
import { hash } from 'node:crypto'
import { describe, it } from 'vitest'
import { agentRequest, type NewRun } from '../../../src/commands/killatamata/agent-request.ts'
import { approvalPlan, type NewPlan } from '../../../src/commands/killatamata/approval-plan.ts'
import { studioAsset } from '../../../src/commands/killatamata/studio-asset.ts'
import { studioProject } from '../../../src/commands/killatamata/studio-project.ts'
import { studioThread } from '../../../src/commands/killatamata/studio-thread.ts'
import { defaultSettings, studioWorkspace } from '../../../src/commands/killatamata/studio-workspace.ts'
import type { AgentRequestEvent, ApprovalPlanEvent } from '../../../src/events/killatamata/agent.ts'
import type {
  StudioAssetEvent,
  StudioProjectEvent,
  StudioThreadEvent,
  StudioWorkspaceEvent,
} from '../../../src/events/killatamata/studio.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { rejects, specify } from '../../support/given.ts'
import { accountId, at, otherAccountId, registry } from './story.ts'

const projectId = prefixedId('proj', at(0), 'film')
const threadId = prefixedId('thr', at(0), 'talk')
const assetId = prefixedId('asset', at(0), 'notes')
const planId = prefixedId('plan', at(0), 'pictures')
const requestId = prefixedId('areq', at(0), 'prompt')

describe('a project', () => {
  const given = specify(studioProject, registry)
  const created: StudioProjectEvent = {
    type: 'killatamata.ProjectCreated.v1',
    data: { accountId, projectId, title: 'Film', description: null, occurredAt: at(0) },
  }
  const update = (change: { title?: string; description?: string }, by = accountId) => ({
    ...{ kind: 'update' as const, accountId: by, projectId, at: at(5) },
    ...{ title: change.title, description: change.description },
  })

  it('is made once', () => {
    const create = { kind: 'create' as const, accountId, projectId, title: 'Film', description: null, at: at(0) }
    given([]).when(create).then([created])
    given([created]).when(create).then([])
  })

  it('keeps what an update does not name', () => {
    const updated: StudioProjectEvent = {
      type: 'killatamata.ProjectUpdated.v1',
      data: { accountId, projectId, title: 'Film', description: 'In fog.', occurredAt: at(5) },
    }
    given([created])
      .when(update({ description: 'In fog.' }))
      .then([updated])
    given([created, updated])
      .when(update({ title: 'Film', description: 'In fog.' }))
      .then([])
  })

  it('is not found by another account, nor under another id with the same end', () => {
    given([created])
      .when(update({ title: 'Mine' }, otherAccountId))
      .then(rejects('project_not_found', '/projectId'))
    given([])
      .when(update({ title: 'Mine' }))
      .then(rejects('project_not_found', '/projectId'))
    const twin = prefixedId('proj', at(1), 'film')
    given([created])
      .when({ ...update({ title: 'Mine' }), projectId: twin })
      .then(rejects('project_not_found', '/projectId'))
  })
})

describe('a workspace', () => {
  const given = specify(studioWorkspace, registry)
  const changed: StudioWorkspaceEvent = {
    type: 'killatamata.SettingsChanged.v1',
    data: { ...defaultSettings, accountId, userDisplayName: 'Ada', defaultAgentModel: 'gpt-5.4', occurredAt: at(1) },
  }

  it('keeps names that a change does not have, and notes no change that is none', () => {
    const models = { defaultAgentModel: 'gpt-5.4' as const, defaultReasoningLevel: 'default' as const }
    const change = { kind: 'changeSettings' as const, accountId, at: at(1) }
    given([])
      .when({ ...change, change: { ...models, userDisplayName: 'Ada' } })
      .then([changed])
    given([changed])
      .when({ ...change, change: models })
      .then([])
    given([])
      .when({ ...change, change: { ...models, defaultAgentModel: defaultSettings.defaultAgentModel } })
      .then([])
  })

  it('opens a conversation once', () => {
    const select = { kind: 'selectThread' as const, accountId, threadId, at: at(1) }
    const selected: StudioWorkspaceEvent = {
      type: 'killatamata.ThreadSelected.v1',
      data: { accountId, threadId, occurredAt: at(1) },
    }
    given([]).when(select).then([selected])
    given([selected]).when(select).then([])
  })
})

describe('a conversation', () => {
  const given = specify(studioThread, registry)
  const model = { agentModel: 'gpt-5.4-mini' as const, reasoningLevel: 'default' as const }
  const created: StudioThreadEvent = {
    type: 'killatamata.ThreadCreated.v1',
    data: { accountId, threadId, projectId, title: 'Talk', ...model, occurredAt: at(0) },
  }
  const message = { messageId: 'msg_1', role: 'user' as const, text: 'Hello', toolCalls: [], requestId }
  const post = { kind: 'post' as const, accountId, threadId, message, at: at(2) }
  const posted: StudioThreadEvent = {
    type: 'killatamata.MessagePosted.v1',
    data: { accountId, threadId, sequence: 1, ...message, occurredAt: at(2) },
  }

  it('numbers its messages, and takes each once', () => {
    given([created]).when(post).then([posted])
    given([created, posted]).when(post).then([])
    const next = { ...message, messageId: 'msg_2', role: 'assistant' as const }
    given([created, posted])
      .when({ ...post, message: next })
      .then([{ ...posted, data: { ...posted.data, ...next, sequence: 2 } } as StudioThreadEvent])
  })

  it('is renamed by its account alone', () => {
    const rename = { kind: 'rename' as const, accountId, threadId, title: 'Fog', at: at(3) }
    given([created])
      .when(rename)
      .then([{ type: 'killatamata.ThreadRenamed.v1', data: { accountId, threadId, title: 'Fog', occurredAt: at(3) } }])
    given([created])
      .when({ ...rename, title: 'Talk' })
      .then([])
    given([created])
      .when({ ...rename, accountId: otherAccountId })
      .then(rejects('thread_not_found', '/threadId'))
  })
})

describe('an asset', () => {
  const given = specify(studioAsset, registry)
  const content = { sizeBytes: 7, sha256: hash('sha256', '# Notes') }
  const asset = { projectId, kind: 'text' as const, title: 'Notes', filename: 'Notes.md', mimeType: 'text/markdown' }
  const created: StudioAssetEvent = {
    type: 'killatamata.AssetCreated.v1',
    data: { accountId, assetId, ...asset, ...content, occurredAt: at(0) },
  }
  const other = { sizeBytes: 3, sha256: hash('sha256', 'new') }
  const save = (expectedVersion: number | null, title?: string) => ({
    ...{ kind: 'save' as const, of: 'text' as const, accountId, assetId, content: other },
    ...{ title, expectedVersion, at: at(4) },
  })
  const saved: StudioAssetEvent = {
    type: 'killatamata.DocumentSaved.v1',
    data: { accountId, assetId, title: 'Notes', filename: 'Notes.md', ...other, version: 2, occurredAt: at(4) },
  }

  it('is saved under the next version, where the last one is the one that is known', () => {
    given([created]).when(save(1)).then([saved])
    given([created]).when(save(null)).then([saved])
    given([created, saved]).when(save(1)).then(rejects('document_changed', 'header/if-match'))
  })

  it('has a file name that follows its title', () => {
    given([created])
      .when(save(null, 'Fog / at: sea'))
      .then([
        { ...saved, data: { ...saved.data, title: 'Fog / at: sea', filename: 'Fog - at- sea.md' } } as StudioAssetEvent,
      ])
  })

  it('is no document of another kind, and nothing of another account', () => {
    given([created])
      .when({ ...save(null), of: 'storyboard' })
      .then(rejects('asset_not_found', '/assetId'))
    given([created])
      .when({ ...save(null), accountId: otherAccountId })
      .then(rejects('asset_not_found', '/assetId'))
  })

  it('goes to the recycling bin once', () => {
    const recycle = { kind: 'recycle' as const, accountId, assetId, at: at(5) }
    const recycled: StudioAssetEvent = {
      type: 'killatamata.AssetRecycled.v1',
      data: { accountId, assetId, occurredAt: at(5) },
    }
    given([created]).when(recycle).then([recycled])
    given([created, recycled]).when(recycle).then([])
  })
})

const run: NewRun = {
  ...{ projectId, threadId, prompt: 'Two pictures', agentModel: 'gpt-5.4-mini', reasoningLevel: 'default' },
}

describe('a request to the agent', () => {
  const given = specify(agentRequest, registry)
  const of = { accountId, requestId }
  const requested: AgentRequestEvent = {
    type: 'killatamata.AgentRunRequested.v1',
    data: { ...of, ...run, occurredAt: at(0) },
  }
  const started: AgentRequestEvent = { type: 'killatamata.AgentRunStarted.v1', data: { ...of, occurredAt: at(1) } }
  const call = { callId: 'call_1', name: 'create_text', arguments: '{}', result: '{"ok":true}' }
  const progress = (text: string, toolCalls = [call]) => ({
    ...{ kind: 'progress' as const, ...of, progress: { text, toolCalls }, at: at(2) },
  })
  const progressed = (text: string, textOffset: number, toolCallOffset: number): AgentRequestEvent => ({
    type: 'killatamata.AgentProgressed.v1',
    data: { ...of, text, textOffset, toolCalls: [call], toolCallOffset, occurredAt: at(2) },
  })
  const end = { status: 'completed' as const, approvalPlanId: null, error: null }
  const ended: AgentRequestEvent = { type: 'killatamata.AgentRunEnded.v1', data: { ...of, ...end, occurredAt: at(3) } }

  it('goes on in pieces, each behind all before it', () => {
    given([requested, started])
      .when(progress('A fog'))
      .then([progressed('A fog', 0, 0)])
    given([requested, started, progressed('A fog', 0, 0)])
      .when(progress(' horn'))
      .then([progressed(' horn', 5, 1)])
  })

  it('begins once and ends once, and nothing comes behind its end', () => {
    const start = { kind: 'start' as const, ...of, at: at(1) }
    given([requested]).when(start).then([started])
    given([requested, started]).when(start).then([])
    given([requested, started])
      .when({ kind: 'end', ...of, end, at: at(3) })
      .then([ended])
    given([requested, started, ended])
      .when({ kind: 'end', ...of, end, at: at(4) })
      .then([])
    given([requested, started, ended]).when(progress('late')).then([])
  })

  it('that needed no model is recorded whole', () => {
    const record = { kind: 'record' as const, ...of, run, progress: { text: 'Done.', toolCalls: [] }, at: at(0) }
    given([])
      .when(record)
      .then([
        requested,
        {
          type: 'killatamata.AgentProgressed.v1',
          data: { ...of, text: 'Done.', textOffset: 0, toolCalls: [], toolCallOffset: 0, occurredAt: at(0) },
        },
        { ...ended, data: { ...of, ...end, occurredAt: at(0) } } as AgentRequestEvent,
      ])
    given([requested]).when(record).then([])
  })
})

describe('a plan', () => {
  const given = specify(approvalPlan, registry)
  const job = { task: 'image.generate', title: 'Fog', input: { prompt: 'Fog' }, stored: { holdUsdMicros: '20000' } }
  const plan: NewPlan = {
    ...{ ...run, jobs: [1, 2].map((each) => ({ ...job, estimatedUsdMicros: String(each * 10_000) })) },
    expiresAt: at(1_800),
  }
  const of = { accountId, planId }
  const prepared: ApprovalPlanEvent = {
    type: 'killatamata.PlanPrepared.v1',
    data: { ...of, ...plan, jobs: [...plan.jobs], totalUsdMicros: '30000', occurredAt: at(0) },
  }
  const jobs = [{ externalJobId: 'job_1', task: 'image.generate', usdMicros: '10000' }]
  const execute = { kind: 'execute' as const, ...of, requestId, jobs, at: at(60) }
  const executed: ApprovalPlanEvent = {
    type: 'killatamata.PlanExecuted.v1',
    data: { ...of, requestId, jobs, occurredAt: at(60) },
  }

  it('costs what its jobs cost together', () => {
    given([])
      .when({ kind: 'prepare', ...of, plan, at: at(0) })
      .then([prepared])
    given([prepared])
      .when({ kind: 'prepare', ...of, plan, at: at(0) })
      .then([])
  })

  it('is executed once, by its account alone', () => {
    given([prepared]).when(execute).then([executed])
    given([prepared, executed])
      .when({ ...execute, requestId: 'areq_other' })
      .then([])
    given([prepared])
      .when({ ...execute, accountId: otherAccountId })
      .then(rejects('approval_plan_not_found', '/approvalPlanId'))
  })

  it('expires when its time is over, unless it was executed', () => {
    const expire = (seconds: number) => ({ kind: 'expire' as const, ...of, at: at(seconds) })
    given([prepared]).when(expire(1_799)).then([])
    given([prepared])
      .when(expire(1_800))
      .then([{ type: 'killatamata.PlanExpired.v1', data: { ...of, occurredAt: at(1_800) } }])
    given([prepared, executed]).when(expire(1_800)).then([])
  })
})
