/** A project of the studio. Nobody but its account finds it. */
import type { StudioProjectEvent } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface Project {
  status: 'present'
  projectId: string
  accountId: string
  title: string
  description: string | null
  createdAt: string
  updatedAt: string
}
export type ProjectState = { status: 'absent' } | Project

export type ProjectCommand = { accountId: string; projectId: string; at: string } & (
  | { kind: 'create'; title: string; description: string | null }
  /** What is not given stays as it is. */
  | { kind: 'update'; title: string | undefined; description: string | undefined }
)

export const studioProject: Aggregate<ProjectState, ProjectCommand, StudioProjectEvent> = {
  category: 'killatamata.studioProject',
  initialState: { status: 'absent' },

  evolve(state, { data }) {
    const { projectId, accountId, title, description, occurredAt: updatedAt } = data
    const createdAt = state.status === 'absent' ? updatedAt : state.createdAt
    return { status: 'present', projectId, accountId, title, description, createdAt, updatedAt }
  },

  decide(command, state) {
    const { accountId, projectId, at: occurredAt } = command
    const of = { accountId, projectId, occurredAt }
    if (command.kind === 'create') {
      if (state.status === 'present') return []
      const { title, description } = command
      return [{ type: 'killatamata.ProjectCreated.v1', data: { ...of, title, description } }]
    }
    const known = ownProject(state, command)
    const { title = known.title, description = known.description } = command
    if (title === known.title && description === known.description) return []
    return [{ type: 'killatamata.ProjectUpdated.v1', data: { ...of, title, description } }]
  },
}

/** The account's project. Another account's is answered like one that there is not. */
export function ownProject(state: ProjectState, of: Pick<Project, 'accountId' | 'projectId'>): Project {
  const { accountId, projectId } = of
  if (state.status === 'present' && state.accountId === accountId && state.projectId === projectId) return state
  throw new Rejected('project_not_found', 'The account has no such project.', '/projectId')
}
